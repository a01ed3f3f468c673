/**
 * evmVerifyxattr: EVM's verdict over a file of the running kernel (`evm_verifyxattr`, `evm_verify_hmac`), cached while it is a pass.
 */
import { type Inode, MS_RDONLY, S_IMMUTABLE } from "@kernelkit/core";
import {
  INTEGRITY_FAIL,
  INTEGRITY_FAIL_IMMUTABLE,
  INTEGRITY_PASS,
  INTEGRITY_PASS_IMMUTABLE,
  INTEGRITY_UNKNOWN,
} from "../abi/integrityStatus.js";
import { EVM_IMA_XATTR_DIGSIG, EVM_XATTR_HMAC, EVM_XATTR_PORTABLE_DIGSIG, XATTR_NAME_EVM } from "../abi/xattr.js";
import { concatBytes, uuidBytes } from "../bytes.js";
import type { Iint } from "../ima/iint.js";
import { EVM_INIT_HMAC, EVM_INIT_X509 } from "../ima/imaState.js";
import type { Integrity } from "../integrityCore.js";
import { keyring, reportUnknownKey } from "../keyrings.js";
import { getRawXattr, storeRawXattr } from "../securityXattr.js";
import { type EvmFile, evmProtectedData, evmVerify } from "./verifyEvm.js";

/** Is any key there, so that EVM judges at all? */
export function evmKeyLoaded(g: Integrity): boolean {
  return (g.state.evm.initialized & (EVM_INIT_HMAC | EVM_INIT_X509)) !== 0;
}

/** Is a name under EVM's protection (enabled)? */
export function evmProtectedXattr(g: Integrity, name: string): boolean {
  return g.state.evm.names.some((x) => x.enabled && x.name === name);
}

/** The protected attributes a file has, disabled names included, in order: for template fields. */
export function evmProtectedXattrs(g: Integrity, inode: Inode): [string, Uint8Array][] {
  const out: [string, Uint8Array][] = [];
  if (inode.xattrs === null) return out;
  for (const { name } of g.state.evm.names) {
    const v = getRawXattr(inode, name);
    if (v !== null) out.push([name, v]);
  }
  return out;
}

/** A file as EVM's pure part sees it. */
export function evmFile(g: Integrity, inode: Inode): EvmFile {
  const { uuid } = inode.sb;
  return {
    getxattr: (name) => getRawXattr(inode, name),
    inode: { ino: inode.ino, generation: inode.generation, uid: inode.uid, gid: inode.gid, mode: inode.mode },
    fsuuid: !g.o.profile.evmAttrFsuuid ? null : uuid === "" ? new Uint8Array(16) : uuidBytes(uuid),
  };
}

/** The HMAC an inode should have (0x02 and 20 bytes); null if nothing protected is there or no key is loaded. */
export function evmCalcInode(g: Integrity, inode: Inode): Uint8Array | null {
  const hmac = g.hmac();
  const data = evmProtectedData(evmFile(g, inode), g.state.evm.names, EVM_XATTR_HMAC);
  return hmac === null || typeof data === "number" ? null : concatBytes([Uint8Array.of(EVM_XATTR_HMAC), hmac(data)]);
}

/** The verdict, cached or made. A local signature that verifies becomes an HMAC where that can be written. */
export function evmVerifyInode(g: Integrity, inode: Inode, iint: Iint | null): number {
  if (iint !== null && (iint.evmStatus === INTEGRITY_PASS || iint.evmStatus === INTEGRITY_PASS_IMMUTABLE)) {
    return iint.evmStatus;
  }
  const { names } = g.state.evm;
  const keys = keyring(g, "evm");
  const status = evmVerify(evmFile(g, inode), { names, hmac: g.hmac(), keys, crypto: g.crypto });
  if (status === INTEGRITY_PASS_IMMUTABLE && iint !== null) iint.evmImmutable = true;
  const seal = getRawXattr(inode, XATTR_NAME_EVM);
  if (seal !== null && (status === INTEGRITY_FAIL || status === INTEGRITY_FAIL_IMMUTABLE)) {
    if (seal[0] === EVM_IMA_XATTR_DIGSIG || seal[0] === EVM_XATTR_PORTABLE_DIGSIG) reportUnknownKey(g, "evm", seal);
  }
  if (status === INTEGRITY_PASS && seal?.[0] === EVM_IMA_XATTR_DIGSIG) {
    const writable = (inode.sb.flags & MS_RDONLY) === 0 && (inode.flags & S_IMMUTABLE) === 0;
    const mac = writable ? evmCalcInode(g, inode) : null;
    if (mac !== null) storeRawXattr(inode, XATTR_NAME_EVM, mac);
  }
  if (iint !== null) iint.evmStatus = status;
  return status;
}

/** The verdict over one attribute: UNKNOWN if EVM has no key or does not protect it. */
export function evmVerifyxattr(g: Integrity, inode: Inode, name: string, iint: Iint | null): number {
  if (!evmKeyLoaded(g) || !evmProtectedXattr(g, name)) return INTEGRITY_UNKNOWN;
  return evmVerifyInode(g, inode, iint);
}

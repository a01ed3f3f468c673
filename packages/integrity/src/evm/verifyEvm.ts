/**
 * verifyEvm: does `security.evm` fit a file's attributes and metadata?
 *
 *     verifyEvm({ xattrs, inode: { ino, generation, uid, gid, mode }, fsuuid }, { hmacKey, keys: [certDer] }).status
 *
 * Pure: the file is described, nothing is read. The subsystem in a kernel uses the same function (`evmVerify`).
 */
import { EINVAL, ENODATA, EPERM } from "@kernelkit/core";
import { HASH_ALGO_SHA1, hashDigestSize } from "../abi/hashAlgo.js";
import {
  INTEGRITY_FAIL,
  INTEGRITY_FAIL_IMMUTABLE,
  INTEGRITY_NOLABEL,
  INTEGRITY_NOXATTRS,
  INTEGRITY_PASS,
  INTEGRITY_PASS_IMMUTABLE,
  integrityStatusName,
} from "../abi/integrityStatus.js";
import {
  EVM_IMA_XATTR_DIGSIG,
  EVM_XATTR_HMAC,
  EVM_XATTR_PORTABLE_DIGSIG,
  evmConfigXattrNames,
  SIGNATURE_V2_HDR_SIZE,
  XATTR_NAME_EVM,
  XATTR_NAME_IMA,
} from "../abi/xattr.js";
import { equalBytes, uuidBytes } from "../bytes.js";
import { nobleCrypto } from "../crypto/nobleCrypto.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { integrityDigsigVerify, toKeyring, type VerifySignatureOptions } from "../digsig/digsigVerify.js";
import type { AsymmetricKey } from "../digsig/keyring.js";
import { type EvmInode, evmData, evmHmac } from "./evmDigest.js";

/** A name EVM protects; a disabled one counts for portable signatures only. */
export interface EvmXattrName {
  readonly name: string;
  readonly enabled: boolean;
}

/** A file as EVM sees it. */
export interface EvmFile {
  /** Raw value of an attribute, or null. */
  getxattr(name: string): Uint8Array | null;
  readonly inode: EvmInode;
  /** 16 bytes; null for a kernel without EVM_ATTR_FSUUID. */
  readonly fsuuid: Uint8Array | null;
}

/** What EVM verifies with. */
export interface EvmVerifier {
  readonly names: readonly EvmXattrName[];
  /** The keyed HMAC, or null if no HMAC key is loaded. */
  readonly hmac: ((data: Uint8Array) => Uint8Array) | null;
  readonly keys: readonly AsymmetricKey[];
  readonly crypto: CryptoProvider;
}

/** Number of protected (enabled) attributes that are present. */
export function countProtectedXattrs(file: EvmFile, names: readonly EvmXattrName[]): number {
  let n = 0;
  for (const x of names) if (x.enabled && file.getxattr(x.name) !== null) n++;
  return n;
}

/** The data under a seal of the given type, or -errno: -ENODATA with nothing protected, -EPERM for a portable one without security.ima. */
export function evmProtectedData(file: EvmFile, names: readonly EvmXattrName[], type: number): Uint8Array | number {
  const portable = type === EVM_XATTR_PORTABLE_DIGSIG;
  const values: Uint8Array[] = [];
  let ima = false;
  for (const x of names) {
    if (!x.enabled && !portable) continue;
    const v = file.getxattr(x.name);
    if (v === null) continue;
    values.push(v);
    if (x.name === XATTR_NAME_IMA) ima = true;
  }
  if (values.length === 0) return -ENODATA;
  if (portable && !ima) return -EPERM;
  return evmData(values, file.inode, portable, file.fsuuid);
}

function verifySeal(file: EvmFile, evm: Uint8Array, v: EvmVerifier): number {
  const type = evm[0];
  if (type !== EVM_XATTR_HMAC && type !== EVM_IMA_XATTR_DIGSIG && type !== EVM_XATTR_PORTABLE_DIGSIG) return -EINVAL;
  const data = evmProtectedData(file, v.names, type);
  if (typeof data === "number") return data;
  if (type === EVM_XATTR_HMAC) {
    return v.hmac !== null && equalBytes(v.hmac(data), evm.subarray(1)) ? 0 : -EINVAL;
  }
  const algo = evm[2];
  if (!v.crypto.has(algo)) return -EINVAL;
  return integrityDigsigVerify(v.keys, evm, v.crypto.digest(algo, data), v.crypto);
}

/** The verdict (`INTEGRITY_*`). Nothing is cached and nothing written; whether EVM judges at all is the caller's to know. */
export function evmVerify(file: EvmFile, v: EvmVerifier): number {
  const evm = file.getxattr(XATTR_NAME_EVM);
  if (evm === null) return countProtectedXattrs(file, v.names) > 0 ? INTEGRITY_NOLABEL : INTEGRITY_NOXATTRS;
  if (evm.length === 0) return INTEGRITY_FAIL;
  const type = evm[0];
  if (type === EVM_XATTR_HMAC && evm.length !== 1 + hashDigestSize[HASH_ALGO_SHA1]) return INTEGRITY_FAIL;
  const signature = type === EVM_IMA_XATTR_DIGSIG || type === EVM_XATTR_PORTABLE_DIGSIG;
  if (signature && evm.length <= SIGNATURE_V2_HDR_SIZE) return INTEGRITY_FAIL;
  const rc = verifySeal(file, evm, v);
  if (rc === 0) return type === EVM_XATTR_PORTABLE_DIGSIG ? INTEGRITY_PASS_IMMUTABLE : INTEGRITY_PASS;
  if (rc === -ENODATA) return INTEGRITY_NOXATTRS;
  return type === EVM_XATTR_PORTABLE_DIGSIG ? INTEGRITY_FAIL_IMMUTABLE : INTEGRITY_FAIL;
}

export interface EvmDescription {
  /** All extended attributes by name; those EVM does not protect are ignored. */
  readonly xattrs: Readonly<Record<string, Uint8Array>>;
  readonly inode: EvmInode;
  /** UUID text or 16 bytes. Leave out for a kernel without EVM_ATTR_FSUUID. */
  readonly fsuuid?: string | Uint8Array;
}

export interface VerifyEvmOptions {
  /** Payload of the key evm-key. */
  readonly hmacKey?: Uint8Array;
  /** Certificates and keys of the .evm keyring. Default none. */
  readonly keys?: VerifySignatureOptions["keys"];
  /** Protected names that count for HMACs and local signatures. Default: SELinux, AppArmor, IMA and capabilities, as Debian has it. */
  readonly enabled?: readonly string[];
  readonly crypto?: CryptoProvider;
}

/** Names enabled in the kernels of distributions without Smack. */
export const evmDefaultEnabled: readonly string[] = [
  "security.selinux",
  "security.apparmor",
  "security.ima",
  "security.capability",
];

export interface EvmCheck {
  /** "pass", "pass_immutable", "fail", "fail_immutable", "no_label" or "no_xattrs". */
  readonly status: string;
  readonly ok: boolean;
}

/** The verdict over a described file. FormatError for a malformed UUID or key; never for foreign attribute values. */
export function verifyEvm(file: EvmDescription, o: VerifyEvmOptions = {}): EvmCheck {
  const crypto = o.crypto ?? nobleCrypto;
  const enabled = o.enabled ?? evmDefaultEnabled;
  const fsuuid = typeof file.fsuuid === "string" ? uuidBytes(file.fsuuid) : (file.fsuuid ?? null);
  const status = evmVerify(
    { getxattr: (name) => (Object.hasOwn(file.xattrs, name) ? file.xattrs[name] : null), inode: file.inode, fsuuid },
    {
      names: evmConfigXattrNames.map((name) => ({ name, enabled: enabled.includes(name) })),
      hmac: o.hmacKey === undefined ? null : evmHmac(o.hmacKey, crypto),
      keys: toKeyring(o.keys ?? [], crypto),
      crypto,
    },
  );
  return { status: integrityStatusName[status], ok: status === INTEGRITY_PASS || status === INTEGRITY_PASS_IMMUTABLE };
}

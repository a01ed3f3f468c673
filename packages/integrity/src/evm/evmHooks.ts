/**
 * evmHooks: what EVM refuses before a change of attributes or metadata, and the seal it renews after one
 * (`evm_inode_setxattr`, `evm_inode_setattr` and their `post` halves). Regular files are judged; directories only get a seal.
 */
import {
  ATTR_GID,
  ATTR_MODE,
  ATTR_UID,
  type Dentry,
  EINVAL,
  EPERM,
  type Iattr,
  type Inode,
  S_IFMT,
  S_IFREG,
  SYSFS_MAGIC,
  TMPFS_MAGIC,
} from "@kernelkit/core";
import {
  INTEGRITY_FAIL_IMMUTABLE,
  INTEGRITY_NOLABEL,
  INTEGRITY_NOXATTRS,
  INTEGRITY_PASS,
  INTEGRITY_PASS_IMMUTABLE,
  INTEGRITY_UNKNOWN,
  integrityStatusName,
} from "../abi/integrityStatus.js";
import { EVM_IMA_XATTR_DIGSIG, EVM_XATTR_PORTABLE_DIGSIG, XATTR_NAME_EVM } from "../abi/xattr.js";
import { AUDIT_INTEGRITY_METADATA, integrityAudit } from "../audit.js";
import { equalBytes } from "../bytes.js";
import { IMA_NEW_FILE } from "../ima/iint.js";
import { EVM_ALLOW_METADATA_WRITES, EVM_INIT_HMAC } from "../ima/imaState.js";
import type { Integrity } from "../integrityCore.js";
import { getRawXattr, storeRawXattr } from "../securityXattr.js";
import { evmCalcInode, evmKeyLoaded, evmProtectedXattr, evmVerifyInode } from "./evmVerifyxattr.js";

/** Setup is over and no HMAC key was loaded: nothing will ever be sealed here. */
function hmacDisabled(g: Integrity): boolean {
  const { evm } = g.state;
  return (evm.initialized & EVM_INIT_HMAC) === 0 && evm.setupComplete;
}

/** The verdict over a file as it is: a pass without a key, for what is no regular file, and with evm=fix. */
function currentIntegrity(g: Integrity, inode: Inode): number {
  if (!evmKeyLoaded(g) || (inode.mode & S_IFMT) !== S_IFREG || g.state.evmFix) return INTEGRITY_PASS;
  return evmVerifyInode(g, inode, g.iint(inode));
}

function refuse(g: Integrity, dentry: Dentry, op: string, status: number): void {
  const inode = dentry.inode as Inode;
  const cause = integrityStatusName[status];
  integrityAudit(g, AUDIT_INTEGRITY_METADATA, { op, cause, name: dentry.name, inode, result: -EPERM });
}

/** A file without anything protected may get its first attribute only where no seal will be missed. */
function firstXattrOk(g: Integrity, dentry: Dentry): boolean {
  const inode = dentry.inode as Inode;
  if (hmacDisabled(g)) return true;
  if (((g.iint(inode)?.flags ?? 0) & IMA_NEW_FILE) !== 0) return true;
  return inode.sb.magic === TMPFS_MAGIC || inode.sb.magic === SYSFS_MAGIC;
}

/** 0 or EPERM for a change of a protected attribute or of security.evm. `value` null: removal. */
function protectXattr(g: Integrity, dentry: Dentry, name: string, value: Uint8Array | null): number {
  const inode = dentry.inode as Inode;
  if (name !== XATTR_NAME_EVM && !evmProtectedXattr(g, name)) return 0;
  const status = currentIntegrity(g, inode);
  if (status === INTEGRITY_PASS) return 0;
  if (status === INTEGRITY_NOXATTRS) {
    if (firstXattrOk(g, dentry)) return 0;
    refuse(g, dentry, "update_metadata", status);
  }
  if (hmacDisabled(g) && (status === INTEGRITY_NOLABEL || status === INTEGRITY_UNKNOWN)) return 0;
  // A portable signature that fails can only be mended by changing what it covers.
  if (status === INTEGRITY_FAIL_IMMUTABLE) return 0;
  if (status === INTEGRITY_PASS_IMMUTABLE) {
    const old = getRawXattr(inode, name);
    return value !== null && old !== null && equalBytes(old, value) ? 0 : EPERM;
  }
  refuse(g, dentry, "appraise_metadata", status);
  return EPERM;
}

/** Before setxattr(2). 0 or errno. */
export function evmInodeSetxattr(g: Integrity, dentry: Dentry, name: string, value: Uint8Array): number {
  if ((g.state.evm.initialized & EVM_ALLOW_METADATA_WRITES) !== 0) return 0;
  if (name === XATTR_NAME_EVM) {
    if (value.length === 0) return EINVAL;
    if (value[0] !== EVM_IMA_XATTR_DIGSIG && value[0] !== EVM_XATTR_PORTABLE_DIGSIG) return EPERM;
  }
  return protectXattr(g, dentry, name, value);
}

/** Before removexattr(2). 0 or errno. */
export function evmInodeRemovexattr(g: Integrity, dentry: Dentry, name: string): number {
  if ((g.state.evm.initialized & EVM_ALLOW_METADATA_WRITES) !== 0) return 0;
  return protectXattr(g, dentry, name, null);
}

/** Would the change of owner or mode change anything? */
function attrChange(inode: Inode, a: Iattr): boolean {
  const { valid } = a;
  return (
    ((valid & ATTR_UID) !== 0 && a.uid !== inode.uid) ||
    ((valid & ATTR_GID) !== 0 && a.gid !== inode.gid) ||
    ((valid & ATTR_MODE) !== 0 && ((a.mode ^ inode.mode) & 0o7777) !== 0)
  );
}

/** Before chmod(2) and chown(2). 0 or EPERM. */
export function evmInodeSetattr(g: Integrity, dentry: Dentry, a: Iattr): number {
  if ((g.state.evm.initialized & EVM_ALLOW_METADATA_WRITES) !== 0) return 0;
  if ((a.valid & (ATTR_MODE | ATTR_UID | ATTR_GID)) === 0) return 0;
  const inode = dentry.inode as Inode;
  const status = currentIntegrity(g, inode);
  if (status === INTEGRITY_PASS || status === INTEGRITY_NOXATTRS || status === INTEGRITY_FAIL_IMMUTABLE) return 0;
  if (hmacDisabled(g) && (status === INTEGRITY_NOLABEL || status === INTEGRITY_UNKNOWN)) return 0;
  if (status === INTEGRITY_PASS_IMMUTABLE && !attrChange(inode, a)) return 0;
  refuse(g, dentry, "appraise_metadata", status);
  return EPERM;
}

/** A new HMAC for an inode, or none any more if nothing protected is left. A portable signature stays. */
function updateSeal(g: Integrity, inode: Inode): void {
  const iint = g.iint(inode);
  const old = getRawXattr(inode, XATTR_NAME_EVM);
  if (iint?.evmImmutable === true || old?.[0] === EVM_XATTR_PORTABLE_DIGSIG || inode.sb.xattr === null) return;
  const mac = evmCalcInode(g, inode);
  if (mac !== null || old !== null) storeRawXattr(inode, XATTR_NAME_EVM, mac);
}

/** An attribute was set or removed: the cached verdict goes, and a new seal is made. */
export function evmXattrChanged(g: Integrity, dentry: Dentry, name: string): void {
  if (!evmKeyLoaded(g) || (name !== XATTR_NAME_EVM && !evmProtectedXattr(g, name))) return;
  const inode = dentry.inode as Inode;
  const iint = g.iint(inode);
  if (iint !== null) {
    iint.evmStatus = INTEGRITY_UNKNOWN;
    if (name === XATTR_NAME_EVM) iint.evmImmutable = false;
  }
  if (name !== XATTR_NAME_EVM && (g.state.evm.initialized & EVM_INIT_HMAC) !== 0) updateSeal(g, inode);
}

/** Mode or owner changed. */
export function evmInodeChanged(g: Integrity, dentry: Dentry, a: Iattr): void {
  if (!evmKeyLoaded(g)) return;
  const inode = dentry.inode as Inode;
  const iint = g.iint(inode);
  if (iint !== null) iint.evmStatus = INTEGRITY_UNKNOWN;
  const sealed = (a.valid & (ATTR_MODE | ATTR_UID | ATTR_GID)) !== 0;
  if (sealed && (g.state.evm.initialized & EVM_INIT_HMAC) !== 0) updateSeal(g, inode);
}

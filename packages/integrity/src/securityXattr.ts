/**
 * securityXattr: the kernel's own way to `security.*` attributes: past permission and the checks of security modules, but not past those
 * who are told afterwards (EVM renews its seal).
 */
import { changedAttr, type Dentry, getRaw, type Inode, removeRaw, setRaw } from "@kernelkit/core";
import type { Integrity } from "./integrityCore.js";

/** The value of an attribute, or null. */
export function getRawXattr(inode: Inode, name: string): Uint8Array | null {
  return inode.xattrs === null ? null : getRaw(inode, name);
}

/** Sets an attribute, and tells (`vfs_setxattr_noperm`); null removes it. */
export function setSecurityXattr(g: Integrity, dentry: Dentry, name: string, value: Uint8Array | null): void {
  const inode = dentry.inode as Inode;
  storeRawXattr(inode, name, value);
  const { xattrChanged } = g.k.hooks;
  if (xattrChanged.on !== null) xattrChanged.on(dentry, name);
}

/** Sets or removes an attribute without telling anybody. */
export function storeRawXattr(inode: Inode, name: string, value: Uint8Array | null): void {
  if (value === null) removeRaw(inode, name);
  else setRaw(inode, name, value);
  changedAttr(inode);
}

/**
 * Extended attributes: name spaces and their rules, the order of checks, and attributes kept in the inode (memory file systems and
 * disk profiles). xattr(7), setxattr(2), capabilities(7) "File capabilities".
 *
 * A file system has handlers by prefix (`SuperBlock.xattr`); a name that no handler takes is EOPNOTSUPP. `getRaw`, `setRaw` and
 * `removeRaw` go past permission and hooks: for offline edits, labels and tests.
 */

import {
  CAP_SETFCAP,
  CAP_SYS_ADMIN,
  VFS_CAP_REVISION_2,
  VFS_CAP_REVISION_3,
  VFS_CAP_REVISION_MASK,
  XATTR_CAPS_SZ_2,
  XATTR_CAPS_SZ_3,
} from "../abi/capability.js";
import { E2BIG, EEXIST, EFAULT, EINVAL, ENODATA, EOPNOTSUPP, EPERM, ERANGE } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { S_IFDIR, S_IFMT, S_IFREG, S_ISVTX } from "../abi/stat.js";
import {
  XATTR_CREATE,
  XATTR_NAME_CAPS,
  XATTR_NAME_MAX,
  XATTR_REPLACE,
  XATTR_SECURITY_PREFIX,
  XATTR_SIZE_MAX,
  XATTR_SYSTEM_PREFIX,
  XATTR_TRUSTED_PREFIX,
  XATTR_USER_PREFIX,
} from "../abi/xattr.js";
import type { Ctx } from "../kernel/ctx.js";
import { extend } from "../lib/extend.js";
import { utf8Bytes } from "../lib/text.js";
import { capable } from "../task/capable.js";
import type { Dentry } from "./dentry.js";
import { type Inode, S_APPEND, S_IMMUTABLE } from "./inode.js";
import { changedAttr } from "./inodeTime.js";
import type { Mount } from "./mount.js";
import { mntWantWrite } from "./openPerm.js";
import { utf8Length } from "./pathArg.js";
import { capableWrtInode, inodeOwnerOrCapable, inodePermission, MAY_READ, MAY_WRITE } from "./perm.js";

/** What is about to be set: hooks get it. */
export interface XattrChange {
  readonly name: string;
  readonly value: Uint8Array;
  readonly flags: number;
}

/** Attributes with one prefix. `rest` of a name is what stands behind the prefix. A static. */
export interface XattrHandler {
  readonly prefix: string;
  /** The value, null: not there. */
  get(inode: Inode, name: string): Uint8Array | null;
  /** null removes. The name is there where it must be. May fail (ENOSPC). */
  set(inode: Inode, name: string, value: Uint8Array | null): void;
  /** Is it listed for this caller? */
  list?(c: Ctx, inode: Inode): boolean;
  /** May the part behind the prefix be empty? */
  readonly emptyRest?: boolean;
}

const inInode: Pick<XattrHandler, "get" | "set"> = {
  get: (inode, name) => inode.xattrs?.get(name) ?? null,
  set(inode, name, value) {
    if (value === null) {
      inode.xattrs?.delete(name);
      if (inode.xattrs?.size === 0) inode.xattrs = null;
    } else {
      inode.xattrs ??= new Map();
      inode.xattrs.set(name, value);
    }
  },
};

export const userXattr: XattrHandler = /* @__PURE__ */ extend(inInode, { prefix: XATTR_USER_PREFIX });
export const trustedXattr: XattrHandler = /* @__PURE__ */ extend(inInode, {
  prefix: XATTR_TRUSTED_PREFIX,
  list: (c: Ctx) => capable(c.k, c.task, CAP_SYS_ADMIN),
});
export const securityXattr: XattrHandler = /* @__PURE__ */ extend(inInode, { prefix: XATTR_SECURITY_PREFIX });

/** user, trusted and security attributes in the inode. */
export const memXattrs: readonly XattrHandler[] = [userXattr, trustedXattr, securityXattr];

function handlerOf(inode: Inode, name: string): XattrHandler {
  const { xattr } = inode.sb;
  if (xattr !== null) {
    for (const h of xattr) {
      if (!name.startsWith(h.prefix)) continue;
      if (name.length === h.prefix.length && h.emptyRest !== true) return fail(EINVAL);
      return h;
    }
  }
  return fail(EOPNOTSUPP);
}

/** Name argument. EFAULT, ERANGE (empty or above 255 bytes). */
export function xattrName(v: unknown): string {
  if (v === null) return fail(EFAULT);
  if (typeof v !== "string")
    throw new TypeError(`xattr name: must be a string or null (bad address), not ${String(v)}`);
  const nul = v.indexOf("\0");
  const name = nul < 0 ? v : v.slice(0, nul);
  if (name.length === 0 || name.length > XATTR_NAME_MAX || utf8Length(name) > XATTR_NAME_MAX) return fail(ERANGE);
  return name;
}

/** The rules of the name spaces: EROFS..., EPERM, EACCES; ENODATA for what one may not see. */
function xattrPermission(c: Ctx, inode: Inode, name: string, mask: number): void {
  if ((mask & MAY_WRITE) !== 0) {
    if ((inode.flags & (S_IMMUTABLE | S_APPEND)) !== 0) fail(EPERM);
  }
  if (name.startsWith(XATTR_SECURITY_PREFIX) || name.startsWith(XATTR_SYSTEM_PREFIX)) return;
  if (name.startsWith(XATTR_TRUSTED_PREFIX)) {
    if (!capable(c.k, c.task, CAP_SYS_ADMIN)) fail((mask & MAY_WRITE) !== 0 ? EPERM : ENODATA);
    return;
  }
  if (name.startsWith(XATTR_USER_PREFIX)) {
    const type = inode.mode & S_IFMT;
    if (type !== S_IFREG && type !== S_IFDIR) fail((mask & MAY_WRITE) !== 0 ? EPERM : ENODATA);
    if (type === S_IFDIR && (inode.mode & S_ISVTX) !== 0 && (mask & MAY_WRITE) !== 0 && !inodeOwnerOrCapable(c, inode))
      fail(EPERM);
  }
  inodePermission(c, inode, mask);
}

/**
 * security.*: CAP_SYS_ADMIN; file capabilities CAP_SETFCAP to remove - to set that was asked for together with the form, so that
 * an empty value passes, as in Linux.
 */
function securityCheck(c: Ctx, inode: Inode, name: string, remove: boolean): void {
  if (!name.startsWith(XATTR_SECURITY_PREFIX)) return;
  if (name !== XATTR_NAME_CAPS) {
    if (!capable(c.k, c.task, CAP_SYS_ADMIN)) fail(EPERM);
  } else if (remove && !capableWrtInode(c, inode, CAP_SETFCAP)) fail(EPERM);
}

/** File capabilities are of revision 2 or 3 with its size (EINVAL), and set with CAP_SETFCAP (EPERM). */
function checkFcap(c: Ctx, inode: Inode, value: Uint8Array): void {
  const rev = value.length >= 4 ? (value[3] << 24) >>> 0 : 0;
  const ok =
    (rev === (VFS_CAP_REVISION_2 & VFS_CAP_REVISION_MASK) >>> 0 && value.length === XATTR_CAPS_SZ_2) ||
    (rev === (VFS_CAP_REVISION_3 & VFS_CAP_REVISION_MASK) >>> 0 && value.length === XATTR_CAPS_SZ_3);
  if (!ok) fail(EINVAL);
  if (!capableWrtInode(c, inode, CAP_SETFCAP)) fail(EPERM);
}

/** What setxattr(2) checks before it looks for the file. */
export function setxattrArgs(nameArg: unknown, valueArg: unknown, flags: number): XattrChange {
  if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) !== 0) return fail(EINVAL);
  const name = xattrName(nameArg);
  if (valueArg === null) return fail(EFAULT);
  let value: Uint8Array;
  if (typeof valueArg === "string") value = utf8Bytes(valueArg);
  else if (valueArg instanceof Uint8Array) value = valueArg;
  else
    throw new TypeError(`xattr value: must be a Uint8Array, a string or null (bad address), not ${String(valueArg)}`);
  if (value.length > XATTR_SIZE_MAX) return fail(E2BIG);
  return { name, value: value.slice(), flags };
}

export function vfsSetxattr(c: Ctx, mnt: Mount, dentry: Dentry, x: XattrChange): number {
  mntWantWrite(mnt);
  const inode = dentry.inode as Inode;
  const { name, value, flags } = x;
  if (name === XATTR_NAME_CAPS && value.length > 0) checkFcap(c, inode, value);
  xattrPermission(c, inode, name, MAY_WRITE);
  securityCheck(c, inode, name, false);
  const { hooks } = c.k;
  const h = lateHandler(inode, name);
  if (hooks.xattrSet.on !== null) {
    const e = hooks.xattrSet.on(dentry, x);
    if (e !== 0) return fail(e);
  }
  try {
    const handler = h ?? handlerOf(inode, name);
    const old = handler.get(inode, name);
    if (old !== null) {
      if ((flags & XATTR_CREATE) !== 0) return fail(EEXIST);
    } else if ((flags & XATTR_REPLACE) !== 0) return fail(ENODATA);
    handler.set(inode, name, value);
  } catch (e) {
    if (hooks.xattrSet.on !== null) hooks.xattrSet.undo(dentry, x);
    throw e;
  }
  xattrDone(c, dentry, name);
  return 0;
}

/** A handler if there is one for sure; otherwise the error comes after the hooks. */
function lateHandler(inode: Inode, name: string): XattrHandler | null {
  try {
    return handlerOf(inode, name);
  } catch {
    return null;
  }
}

function xattrDone(c: Ctx, dentry: Dentry, name: string): void {
  const inode = dentry.inode as Inode;
  changedAttr(inode);
  if (c.k.hooks.xattrChanged.on !== null) c.k.hooks.xattrChanged.on(dentry, name);
}

/** The value; `size` > 0: ERANGE if it is longer. */
export function vfsGetxattr(c: Ctx, dentry: Dentry, nameArg: unknown, size: number): Uint8Array {
  const name = nameArg as string;
  const inode = dentry.inode as Inode;
  xattrPermission(c, inode, name, MAY_READ);
  const v = handlerOf(inode, name).get(inode, name);
  if (v === null) return fail(ENODATA);
  if (size > 0 && v.length > size) return fail(ERANGE);
  return v.slice();
}

/** The names; `size` > 0: ERANGE if they and their NULs are longer. */
export function vfsListxattr(c: Ctx, dentry: Dentry, size: number): string[] {
  const inode = dentry.inode as Inode;
  const { xattr } = inode.sb;
  if (xattr === null) return inode.sb.magic === 0 ? fail(EOPNOTSUPP) : [];
  const out: string[] = [];
  let bytes = 0;
  if (inode.xattrs !== null) {
    for (const name of inode.xattrs.keys()) {
      const h = xattr.find((x) => name.startsWith(x.prefix));
      if (h === undefined || (h.list !== undefined && !h.list(c, inode))) continue;
      out.push(name);
      bytes += utf8Length(name) + 1;
    }
  }
  if (size > 0 && bytes > size) return fail(ERANGE);
  return out;
}

export function vfsRemovexattr(c: Ctx, mnt: Mount, dentry: Dentry, name: string): number {
  mntWantWrite(mnt);
  const inode = dentry.inode as Inode;
  xattrPermission(c, inode, name, MAY_WRITE);
  securityCheck(c, inode, name, true);
  const { hooks } = c.k;
  if (hooks.xattrRemove.on !== null) {
    const e = hooks.xattrRemove.on(dentry, name);
    if (e !== 0) return fail(e);
  }
  const h = handlerOf(inode, name);
  if (h.get(inode, name) === null) return fail(ENODATA);
  h.set(inode, name, null);
  xattrDone(c, dentry, name);
  return 0;
}

// --- without permission and hooks ---

export function getRaw(inode: Inode, name: string): Uint8Array | null {
  return inode.xattrs?.get(name) ?? null;
}
export function setRaw(inode: Inode, name: string, value: Uint8Array): void {
  inInode.set(inode, name, value);
}
export function removeRaw(inode: Inode, name: string): void {
  inInode.set(inode, name, null);
}

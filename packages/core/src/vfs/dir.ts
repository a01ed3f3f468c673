/**
 * Making and removing names: mkdir(2), mknod(2), symlink(2), link(2), unlink(2), rmdir(2). rename(2) is in rename.ts.
 */
import { CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_MKNOD } from "../abi/capability.js";
import {
  EACCES,
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EROFS,
  EXDEV,
} from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { AT_EMPTY_PATH, AT_SYMLINK_FOLLOW } from "../abi/fcntl.js";
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  S_ISGID,
  S_ISUID,
  S_ISVTX,
  S_IXGRP,
} from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import { capable, nsCapable } from "../task/capable.js";
import { D_DIR, type Dentry } from "./dentry.js";
import { fgetRaw } from "./fileTable.js";
import { type Inode, S_APPEND, S_DEAD, S_IMMUTABLE, S_LINKABLE } from "./inode.js";
import {
  LAST_DOT,
  LAST_DOTDOT,
  LAST_NORM,
  LOOKUP_EMPTY,
  LOOKUP_FOLLOW,
  type Nameidata,
  userParent,
  userPath,
} from "./namei.js";
import { mntReadonly, mntWantWrite, prepareMode } from "./openPerm.js";
import { pathArg } from "./pathArg.js";
import { capableWrtInode, inodePermission, MAY_READ, MAY_WRITE, mayCreate, mayDelete } from "./perm.js";
import { SB_PINNED } from "./superBlock.js";

/**
 * Walk to where something is to be made: the directory, in which there is no such name. EEXIST, ENOENT (slashes behind a name
 * that is not to be a directory), EROFS, EACCES.
 */
export function createAt(c: Ctx, dirfd: number, path: unknown, directory: boolean): Nameidata {
  const nd = userParent(c, dirfd, path);
  if (nd.lastType !== LAST_NORM) fail(EEXIST);
  const d = nd.lookupLast();
  if (d !== null && d.inode !== null) fail(EEXIST);
  if (nd.lastSlash && !directory) fail(ENOENT);
  if (mntReadonly(nd.mnt)) fail(EROFS);
  return nd;
}

/** The new inode gets its name. */
function instantiate(c: Ctx, parent: Dentry, name: string, inode: Inode, mode: number): Dentry {
  const d = c.k.vfs.addDentry(parent, name, inode);
  if (c.k.hooks.inodeCreated.on !== null) c.k.hooks.inodeCreated.on(d, mode);
  return d;
}

export function doMkdir(c: Ctx, dirfd: number, path: unknown, mode: number): number {
  const nd = createAt(c, dirfd, path, true);
  const { dentry: parent } = nd;
  const name = nd.lastName;
  const dir = parent.inode as Inode;
  mayCreate(c, dir, false);
  if (dir.ops.mkdir === null) return fail(EPERM);
  const m = prepareMode(c, dir, (mode & (0o777 | S_ISVTX)) | S_IFDIR);
  instantiate(c, parent, name, dir.ops.mkdir(c, dir, name, m), mode);
  return 0;
}

export function doMknod(c: Ctx, dirfd: number, path: unknown, mode: number, rdev: number): number {
  const type = mode & S_IFMT;
  if (type === S_IFDIR) {
    return fail(EPERM);
  }
  if (![0, S_IFREG, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK].includes(type)) return fail(EINVAL);
  const nd = createAt(c, dirfd, path, false);
  const { dentry: parent } = nd;
  const name = nd.lastName;
  const dir = parent.inode as Inode;
  const m = prepareMode(c, dir, (mode & 0o7777) | (type === 0 ? S_IFREG : type));
  mayCreate(c, dir, false);
  if (type === 0 || type === S_IFREG) {
    if (dir.ops.create === null) return fail(EACCES);
    instantiate(c, parent, name, dir.ops.create(c, dir, name, m), mode);
    return 0;
  }
  // a whiteout (0:0) is no device
  const device = type === S_IFBLK || (type === S_IFCHR && rdev !== 0);
  if (device && !capable(c.k, c.task, CAP_MKNOD)) return fail(EPERM);
  if (dir.ops.mknod === null) return fail(EPERM);
  instantiate(c, parent, name, dir.ops.mknod(c, dir, name, m, device ? rdev >>> 0 : 0), mode);
  return 0;
}

export function doSymlink(c: Ctx, target: unknown, dirfd: number, path: unknown): number {
  const text = pathArg(target, false);
  const nd = createAt(c, dirfd, path, false);
  const { dentry: parent } = nd;
  const name = nd.lastName;
  const dir = parent.inode as Inode;
  mayCreate(c, dir, false);
  if (dir.ops.symlink === null) return fail(EPERM);
  const nul = text.indexOf("\0");
  instantiate(c, parent, name, dir.ops.symlink(c, dir, name, nul < 0 ? text : text.slice(0, nul)), 0o777);
  return 0;
}

export function doLink(
  c: Ctx,
  olddirfd: number,
  oldpath: unknown,
  newdirfd: number,
  newpath: unknown,
  flags: number,
): number {
  if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) !== 0) return fail(EINVAL);
  const from = userPath(
    c,
    olddirfd,
    oldpath,
    ((flags & AT_SYMLINK_FOLLOW) !== 0 ? LOOKUP_FOLLOW : 0) | ((flags & AT_EMPTY_PATH) !== 0 ? LOOKUP_EMPTY : 0),
  );
  // a descriptor by itself: only with the credentials it was opened with, or CAP_DAC_READ_SEARCH over these
  if (from.atStart && olddirfd >= 0) {
    const { cred } = fgetRaw(c.task, olddirfd);
    if (cred !== c.task.cred && !nsCapable(c.k, c.task, cred.userNs, CAP_DAC_READ_SEARCH)) return fail(ENOENT);
  }
  const { mnt, dentry: old } = from;
  const inode = old.inode as Inode;
  const nd = createAt(c, newdirfd, newpath, false);
  const { dentry: parent } = nd;
  const name = nd.lastName;
  const dir = parent.inode as Inode;
  if (nd.mnt !== mnt) return fail(EXDEV);
  mayLinkat(c, inode);
  mayCreate(c, dir, false);
  if (dir.sb !== inode.sb) return fail(EXDEV);
  if ((inode.flags & (S_APPEND | S_IMMUTABLE)) !== 0) return fail(EPERM);
  if (dir.ops.link === null) return fail(EPERM);
  if ((inode.mode & S_IFMT) === S_IFDIR) return fail(EPERM);
  if (inode.nlink === 0 && (inode.flags & S_LINKABLE) === 0) return fail(ENOENT);
  dir.ops.link(c, inode, dir, name);
  inode.flags &= ~S_LINKABLE;
  c.k.vfs.addDentry(parent, name, inode);
  return 0;
}

/** sysctl fs.protected_hardlinks: another's file only if it is a plain one that can be read and written. */
function mayLinkat(c: Ctx, inode: Inode): void {
  if (c.k.vfs.sysctl.protectedHardlinks === 0 || c.task.cred.fsuid === inode.uid) return;
  if (safeHardlinkSource(c, inode) || capableWrtInode(c, inode, CAP_FOWNER)) return;
  fail(EPERM);
}

function safeHardlinkSource(c: Ctx, inode: Inode): boolean {
  const { mode } = inode;
  if ((mode & S_IFMT) !== S_IFREG || (mode & S_ISUID) !== 0) return false;
  if ((mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP)) return false;
  try {
    inodePermission(c, inode, MAY_READ | MAY_WRITE);
    return true;
  } catch {
    return false;
  }
}

/** Does something stand on it in the caller's mount namespace? EBUSY. */
export function notMountpoint(c: Ctx, d: Dentry): void {
  const { vfs } = c.k;
  const mounts = vfs.mountpoints.get(d);
  if (mounts === undefined) return;
  const ns = vfs.mntNsOf(c.task);
  if (mounts.some((m) => m.ns === ns)) fail(EBUSY);
}

/** The name has gone from its directory: take it from the cache, and what was mounted there in other namespaces. */
export function unhash(c: Ctx, d: Dentry): void {
  const { vfs } = c.k;
  if (vfs.mountpoints.has(d)) vfs.detachMounts(d);
  vfs.dcache.detach(d);
  if (d.refs === 0) vfs.killDentry(d);
}

/** The victim of a removal by its path. EROFS, ENOENT. */
function victimAt(nd: Nameidata): Dentry {
  mntWantWrite(nd.mnt);
  const d = nd.lookupLast();
  return d === null || d.inode === null ? fail(ENOENT) : d;
}

export function doUnlink(c: Ctx, dirfd: number, path: unknown): number {
  const nd = userParent(c, dirfd, path);
  if (nd.lastType !== LAST_NORM) return fail(EISDIR);
  const d = victimAt(nd);
  if (nd.lastSlash) return fail((d.flags & D_DIR) !== 0 ? EISDIR : ENOTDIR);
  const dir = nd.dentry.inode as Inode;
  mayDelete(c, dir, d, false);
  if (dir.ops.unlink === null) return fail(EPERM);
  notMountpoint(c, d);
  dir.ops.unlink(c, dir, d);
  unhash(c, d);
  return 0;
}

export function doRmdir(c: Ctx, dirfd: number, path: unknown): number {
  const nd = userParent(c, dirfd, path);
  if (nd.lastType === LAST_DOTDOT) return fail(ENOTEMPTY);
  if (nd.lastType === LAST_DOT) return fail(EINVAL);
  if (nd.lastType !== LAST_NORM) return fail(EBUSY);
  const d = victimAt(nd);
  const dir = nd.dentry.inode as Inode;
  mayDelete(c, dir, d, true);
  if (dir.ops.rmdir === null) return fail(EPERM);
  notMountpoint(c, d);
  notEmpty(d);
  const inode = d.inode as Inode;
  dir.ops.rmdir(c, dir, d);
  inode.flags |= S_DEAD;
  dropChildren(c, d);
  unhash(c, d);
  return 0;
}

/** ENOTEMPTY if there are names in a directory that is the dentry cache; other file systems check in their operation. */
export function notEmpty(d: Dentry): void {
  if ((d.sb.flags & SB_PINNED) === 0) return;
  for (let k = d.kids === null ? null : d.kids.head; k !== null; k = k.sibNext) if (k.inode !== null) fail(ENOTEMPTY);
}

/** Forget what is cached below a directory that goes. */
export function dropChildren(c: Ctx, d: Dentry): void {
  for (let k = d.kids === null ? null : d.kids.head; k !== null; ) {
    const next: Dentry | null = k.sibNext;
    c.k.vfs.dropDentry(k);
    k = next;
  }
}

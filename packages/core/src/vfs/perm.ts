/**
 * Who may do what to an inode: classes of permission bits, capabilities, the sticky bit, immutable and append-only files.
 * path_resolution(7) "Permissions", inode(7), capabilities(7).
 */
import { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID } from "../abi/capability.js";
import { EACCES, EBUSY, EEXIST, EISDIR, ENOENT, ENOTDIR, EOVERFLOW, EPERM, EROFS } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { MS_RDONLY } from "../abi/mount.js";
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_ISGID, S_ISVTX, S_IXGRP } from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import { capableWrtInodeUidgid } from "../task/capable.js";
import { INVALID_ID, mapIdUp } from "../task/userNamespace.js";
import type { Dentry } from "./dentry.js";
import { type Inode, S_APPEND, S_DEAD, S_IMMUTABLE, S_SWAPFILE } from "./inode.js";

/** Bits of `mask` for `inodePermission`. */
export const MAY_EXEC = 1;
export const MAY_WRITE = 2;
export const MAY_READ = 4;
export const MAY_APPEND = 8;
export const MAY_ACCESS = 16;
export const MAY_OPEN = 32;
export const MAY_CHDIR = 64;

/** capable_wrt_inode_uidgid(). */
export function capableWrtInode(c: Ctx, inode: Inode, cap: number): boolean {
  return capableWrtInodeUidgid(c.k, c.task, inode.uid, inode.gid, cap);
}

/** Has the file system's user namespace no number for the owner or group? Such an inode is not written to. */
function hasUnmappedId(inode: Inode): boolean {
  return inode.uid === INVALID_ID || inode.gid === INVALID_ID;
}

/** May the task use the inode in the way of `mask`? Fails with EROFS, EPERM or EACCES. */
export function inodePermission(c: Ctx, inode: Inode, mask: number): void {
  if ((mask & MAY_WRITE) !== 0) {
    const type = inode.mode & S_IFMT;
    if ((inode.sb.flags & MS_RDONLY) !== 0 && (type === S_IFREG || type === S_IFDIR || type === S_IFLNK)) fail(EROFS);
    if ((inode.flags & S_IMMUTABLE) !== 0) fail(EPERM);
    if (hasUnmappedId(inode)) fail(EACCES);
  }
  if (inode.ops.permission !== null) inode.ops.permission(c, inode, mask);
  else genericPermission(c, inode, mask);
}

/** The rule of mode bits and capabilities: EACCES. */
export function genericPermission(c: Ctx, inode: Inode, mask: number): void {
  if (aclPermission(c, inode, mask)) return;
  const rwx = mask & 7;
  if ((inode.mode & S_IFMT) === S_IFDIR) {
    if ((rwx & MAY_WRITE) === 0 && capableWrtInode(c, inode, CAP_DAC_READ_SEARCH)) return;
    if (capableWrtInode(c, inode, CAP_DAC_OVERRIDE)) return;
  } else {
    if (rwx === MAY_READ && capableWrtInode(c, inode, CAP_DAC_READ_SEARCH)) return;
    if (((rwx & MAY_EXEC) === 0 || (inode.mode & 0o111) !== 0) && capableWrtInode(c, inode, CAP_DAC_OVERRIDE)) return;
  }
  fail(EACCES);
}

/** Do the bits of the one class that applies (owner, else group, else others) allow it? */
export function aclPermission(c: Ctx, inode: Inode, mask: number): boolean {
  const cred = c.task.cred;
  let mode = inode.mode;
  if (cred.fsuid === inode.uid) mode >>= 6;
  // groups are only looked at where they make a difference
  else if ((((mode >> 3) ^ mode) & mask & 7) !== 0 && cred.inGroup(inode.gid)) mode >>= 3;
  return (mask & 7 & ~mode) === 0;
}

/** Owner of the inode, or CAP_FOWNER over it. */
export function inodeOwnerOrCapable(c: Ctx, inode: Inode): boolean {
  return c.task.cred.fsuid === inode.uid || capableWrtInode(c, inode, CAP_FOWNER);
}

/** Is removal from the sticky directory refused? */
function checkSticky(c: Ctx, dir: Inode, inode: Inode): boolean {
  if ((dir.mode & S_ISVTX) === 0) return false;
  const { fsuid } = c.task.cred;
  return fsuid !== inode.uid && fsuid !== dir.uid && !capableWrtInode(c, inode, CAP_FOWNER);
}

/** May `victim` be removed from (or renamed out of, or replaced in) its directory? `isdir`: by rmdir or as a directory. */
export function mayDelete(c: Ctx, dir: Inode, victim: Dentry, isdir: boolean): void {
  const inode = victim.inode;
  if (inode === null) return fail(ENOENT);
  inodePermission(c, dir, MAY_WRITE | MAY_EXEC);
  if ((dir.flags & S_APPEND) !== 0) fail(EPERM);
  if (checkSticky(c, dir, inode) || (inode.flags & (S_APPEND | S_IMMUTABLE | S_SWAPFILE)) !== 0 || hasUnmappedId(inode))
    fail(EPERM);
  const dirVictim = (inode.mode & S_IFMT) === S_IFDIR;
  if (isdir) {
    if (!dirVictim) fail(ENOTDIR);
    if (victim.isRoot) fail(EBUSY);
  } else if (dirVictim) fail(EISDIR);
  if ((dir.flags & S_DEAD) !== 0) fail(ENOENT);
}

/** May something be made in `dir`? `exists`: there is something of that name. */
export function mayCreate(c: Ctx, dir: Inode, exists: boolean): void {
  if (exists) fail(EEXIST);
  if ((dir.flags & S_DEAD) !== 0) fail(ENOENT);
  const { cred } = c.task;
  const ns = dir.sb.userNs;
  if (mapIdUp(ns.uidMap, cred.fsuid) === INVALID_ID || mapIdUp(ns.gidMap, cred.fsgid) === INVALID_ID) fail(EOVERFLOW);
  inodePermission(c, dir, MAY_WRITE | MAY_EXEC);
}

/** Owner, group and mode of something new in `dir`: set-group-ID directories give their group, and the bit to directories. */
export function initOwner(c: Ctx, inode: Inode, dir: Inode): void {
  const { cred } = c.task;
  inode.uid = cred.fsuid;
  if ((dir.mode & S_ISGID) !== 0) {
    inode.gid = dir.gid;
    if ((inode.mode & S_IFMT) === S_IFDIR) inode.mode |= S_ISGID;
  } else inode.gid = cred.fsgid;
}

/** The mode asked for, without a set-group-ID bit that the creator may not give to a file of the directory's group. */
export function stripSgid(c: Ctx, dir: Inode, mode: number): number {
  if ((mode & (S_ISGID | S_IXGRP)) !== (S_ISGID | S_IXGRP)) return mode;
  if ((mode & S_IFMT) === S_IFDIR || (dir.mode & S_ISGID) === 0) return mode;
  if (c.task.cred.inGroup(dir.gid) || capableWrtInode(c, dir, CAP_FSETID)) return mode;
  return mode & ~S_ISGID;
}

/**
 * Who may open what: read-only mounts, modes of new files, kinds of existing ones. open(2), umask(2), proc_sys_fs(5)
 * "protected_regular".
 */
import { EACCES, EISDIR, ELOOP, EPERM, EROFS } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { O_ACCMODE, O_APPEND, O_NOATIME, O_TRUNC } from "../abi/fcntl.js";
import { MS_RDONLY } from "../abi/mount.js";
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  S_ISVTX,
  S_IWGRP,
  S_IWOTH,
} from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import type { FsStruct } from "./fsStruct.js";
import { type Inode, S_APPEND } from "./inode.js";
import { MNT_NODEV, MNT_NOEXEC, MNT_READONLY, type Mount } from "./mount.js";
import { inodeOwnerOrCapable, inodePermission, MAY_EXEC, MAY_OPEN, MAY_WRITE, stripSgid } from "./perm.js";
import { SB_NODEV, SB_NOEXEC } from "./superBlock.js";

/** Is writing to files of this mount refused? */
export function mntReadonly(mnt: Mount): boolean {
  return (mnt.flags & MNT_READONLY) !== 0 || (mnt.sb.flags & MS_RDONLY) !== 0;
}

/** EROFS if it is. mnt_want_write(). */
export function mntWantWrite(mnt: Mount): void {
  if (mntReadonly(mnt)) fail(EROFS);
}

/** The umask taken off, and a set-group-ID bit that may not be given. */
export function prepareMode(c: Ctx, dir: Inode, mode: number): number {
  return stripSgid(c, dir, mode) & ~(c.task.fs as FsStruct).umask;
}

/**
 * O_CREAT on another's file in a sticky directory others can write to: EACCES for regular files and FIFOs by sysctl
 * fs.protected_regular and fs.protected_fifos, for everything else always.
 */
export function mayCreateInSticky(c: Ctx, dir: Inode, inode: Inode): void {
  if ((dir.mode & S_ISVTX) === 0) return;
  const { protectedRegular, protectedFifos } = c.k.vfs.sysctl;
  const type = inode.mode & S_IFMT;
  const level = type === S_IFIFO ? protectedFifos : type === S_IFREG ? protectedRegular : 1;
  if (level === 0 || inode.uid === dir.uid || inode.uid === c.task.cred.fsuid) return;
  if ((dir.mode & S_IWOTH) !== 0 || (level >= 2 && (dir.mode & S_IWGRP) !== 0)) fail(EACCES);
}

/** Whether a device node may be opened here. */
function nodev(mnt: Mount, inode: Inode): boolean {
  return (mnt.flags & MNT_NODEV) !== 0 || (inode.sb.flags & SB_NODEV) !== 0;
}

/** The checks on an existing file. */
export function mayOpen(c: Ctx, mnt: Mount, inode: Inode, acc: number, fl: number): void {
  switch (inode.mode & S_IFMT) {
    case S_IFLNK:
      fail(ELOOP);
      break;
    case S_IFDIR:
      if ((acc & MAY_WRITE) !== 0) fail(EISDIR);
      if ((acc & MAY_EXEC) !== 0) fail(EACCES);
      break;
    case S_IFBLK:
    case S_IFCHR:
      if (nodev(mnt, inode)) fail(EACCES);
      if ((acc & MAY_EXEC) !== 0) fail(EACCES);
      break;
    case S_IFIFO:
    case S_IFSOCK:
      if ((acc & MAY_EXEC) !== 0) fail(EACCES);
      break;
    default:
      if ((acc & MAY_EXEC) !== 0 && ((mnt.flags & MNT_NOEXEC) !== 0 || (inode.sb.flags & SB_NOEXEC) !== 0))
        fail(EACCES);
  }
  inodePermission(c, inode, acc | MAY_OPEN);
  if ((inode.flags & S_APPEND) !== 0) {
    if ((fl & O_ACCMODE) !== 0 && (fl & O_APPEND) === 0) fail(EPERM);
    if ((fl & O_TRUNC) !== 0) fail(EPERM);
  }
  if ((fl & O_NOATIME) !== 0 && !inodeOwnerOrCapable(c, inode)) fail(EPERM);
}

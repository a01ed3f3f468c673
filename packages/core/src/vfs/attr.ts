/**
 * Changing attributes: chmod(2), chown(2), utimensat(2), truncate(2), and what writes take away: set-id bits and file
 * capabilities. inode(7), capabilities(7).
 */
import { CAP_CHOWN, CAP_FSETID } from "../abi/capability.js";
import { EFBIG, EINVAL, EISDIR, EOPNOTSUPP, EPERM, ETXTBSY } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { RLIMIT_FSIZE } from "../abi/resource.js";
import { SIGXFSZ } from "../abi/signal.js";
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_ISGID, S_ISUID, S_IXGRP, UTIME_NOW, UTIME_OMIT } from "../abi/stat.js";
import { XATTR_NAME_CAPS } from "../abi/xattr.js";
import type { Ctx } from "../kernel/ctx.js";
import { truncatePages } from "../mm/filemap.js";
import type { Loff, Timespec } from "../sys/fileSys.js";
import { WAIT, type Wait } from "../sys/types.js";
import { capable } from "../task/capable.js";
import { rlimit } from "../task/rlimits.js";
import { INVALID_ID, makeKgid, makeKuid } from "../task/userNamespace.js";
import type { Dentry } from "./dentry.js";
import {
  ATTR_ATIME,
  ATTR_ATIME_SET,
  ATTR_CTIME,
  ATTR_FORCE,
  ATTR_GID,
  ATTR_KILL_PRIV,
  ATTR_KILL_SGID,
  ATTR_KILL_SUID,
  ATTR_MODE,
  ATTR_MTIME,
  ATTR_MTIME_SET,
  ATTR_OPEN,
  ATTR_SIZE,
  ATTR_TIMES_SET,
  ATTR_TOUCH,
  ATTR_UID,
  type Iattr,
  type Inode,
  iattr,
  S_APPEND,
  S_IMMUTABLE,
  S_SWAPFILE,
} from "./inode.js";
import { I_DIRTY_SYNC, markInodeDirty, touchCtime } from "./inodeTime.js";
import { incIversion } from "./iversion.js";
import { loffHigh, loffLow } from "./loff.js";
import type { Mount } from "./mount.js";
import { mntWantWrite } from "./openPerm.js";
import { capableWrtInode, inodeOwnerOrCapable, inodePermission, MAY_WRITE } from "./perm.js";
import { getWriteAccess, putWriteAccess } from "./writeAccess.js";

/** In the group, or CAP_FSETID over the inode: a set-group-ID bit may stay. */
function inGroupOrFsetid(c: Ctx, inode: Inode, kgid: number): boolean {
  return c.task.cred.inGroup(kgid) || capableWrtInode(c, inode, CAP_FSETID);
}

/** Does set-group-ID go with chown, write and truncate? Always with group x, else for one outside the group. */
function shouldDropSgid(c: Ctx, inode: Inode): number {
  if ((inode.mode & S_ISGID) === 0) return 0;
  if ((inode.mode & S_IXGRP) !== 0) return ATTR_KILL_SGID;
  return inGroupOrFsetid(c, inode, inode.gid) ? 0 : ATTR_KILL_SGID;
}

/** What a write or truncation takes off the file: ATTR_KILL_ bits. */
export function needsRemovePrivs(c: Ctx, inode: Inode): number {
  let kill = 0;
  if ((inode.mode & (S_ISUID | S_ISGID)) !== 0 && (inode.mode & S_IFMT) === S_IFREG) {
    kill = ((inode.mode & S_ISUID) !== 0 ? ATTR_KILL_SUID : 0) | shouldDropSgid(c, inode);
    if (kill !== 0 && capable(c.k, c.task, CAP_FSETID)) kill = 0;
  }
  if (inode.xattrs?.has(XATTR_NAME_CAPS)) kill |= ATTR_KILL_PRIV;
  return kill;
}

/** Before data are written. file_remove_privs(). */
export function removePrivs(c: Ctx, dentry: Dentry): void {
  const inode = dentry.inode as Inode;
  const kill = needsRemovePrivs(c, inode);
  if (kill !== 0) notifyChange(c, dentry, iattr(ATTR_FORCE | kill));
}

/**
 * Change attributes: permission, limits, kills, hooks, the file system. EPERM, EACCES, EFBIG (with SIGXFSZ), ETXTBSY. WAIT only
 * for a change of size.
 */
export function notifyChange(c: Ctx, dentry: Dentry, a: Iattr): Wait | undefined {
  const inode = dentry.inode as Inode;
  // setattr may change the fields of `a`
  if ((a.valid & (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_TIMES_SET)) !== 0) {
    if ((inode.flags & (S_IMMUTABLE | S_APPEND)) !== 0) fail(EPERM);
  }
  if ((a.valid & ATTR_TOUCH) !== 0) {
    if ((inode.flags & S_IMMUTABLE) !== 0) fail(EPERM);
    if (!inodeOwnerOrCapable(c, inode)) inodePermission(c, inode, MAY_WRITE);
  }
  if ((a.valid & ATTR_MODE) !== 0 && (inode.mode & S_IFMT) === S_IFLNK) fail(EOPNOTSUPP);
  const killPriv = (a.valid & ATTR_KILL_PRIV) !== 0 && inode.xattrs?.has(XATTR_NAME_CAPS) === true;
  if ((a.valid & ATTR_KILL_SUID) !== 0 && (inode.mode & S_ISUID) !== 0) {
    a.valid |= ATTR_MODE;
    a.mode = inode.mode & ~S_ISUID;
  }
  if ((a.valid & ATTR_KILL_SGID) !== 0 && (inode.mode & S_ISGID) !== 0) {
    if ((a.valid & ATTR_MODE) === 0) a.mode = inode.mode;
    a.valid |= ATTR_MODE;
    a.mode &= ~S_ISGID;
  }
  a.valid &= ~(ATTR_KILL_SUID | ATTR_KILL_SGID | ATTR_KILL_PRIV);
  if ((a.valid & ~ATTR_FORCE) === 0 && !killPriv) return undefined;
  setattrPrepare(c, inode, a);
  const { hooks } = c.k;
  if (hooks.setattr.on !== null) {
    const e = hooks.setattr.on(dentry, a);
    if (e !== 0) fail(e);
  }
  if (killPriv) {
    (inode.xattrs as Map<string, Uint8Array>).delete(XATTR_NAME_CAPS);
    touchCtime(inode);
  }
  let r: Wait | undefined;
  try {
    r = inode.ops.setattr === null ? simpleSetattr(c, inode, a) : inode.ops.setattr(c, inode, a);
  } catch (e) {
    if (hooks.setattr.on !== null) hooks.setattr.undo(dentry, a);
    throw e;
  }
  if (r === WAIT) return WAIT;
  if (hooks.inodeChanged.on !== null) hooks.inodeChanged.on(dentry, a);
  return undefined;
}

/** May the caller make this change? Called by notifyChange. setattr_prepare(). */
function setattrPrepare(c: Ctx, inode: Inode, a: Iattr): void {
  const { valid } = a;
  if ((valid & ATTR_SIZE) !== 0) newsizeOk(c, inode, a.size + a.sizeLow);
  if ((valid & ATTR_FORCE) !== 0) return;
  const { cred } = c.task;
  if ((valid & ATTR_UID) !== 0) {
    if (!(cred.fsuid === inode.uid && a.uid === inode.uid) && !capableWrtInode(c, inode, CAP_CHOWN)) fail(EPERM);
  }
  if ((valid & ATTR_GID) !== 0) {
    if (
      !(cred.fsuid === inode.uid && (a.gid === inode.gid || cred.inGroup(a.gid))) &&
      !capableWrtInode(c, inode, CAP_CHOWN)
    )
      fail(EPERM);
  }
  if ((valid & ATTR_MODE) !== 0) {
    if (!inodeOwnerOrCapable(c, inode)) fail(EPERM);
    const gid = (valid & ATTR_GID) !== 0 ? a.gid : inode.gid;
    if ((a.mode & S_ISGID) !== 0 && !inGroupOrFsetid(c, inode, gid)) a.mode &= ~S_ISGID;
  }
  if ((valid & (ATTR_ATIME_SET | ATTR_MTIME_SET | ATTR_TIMES_SET)) !== 0 && !inodeOwnerOrCapable(c, inode)) fail(EPERM);
}

/** EFBIG beyond RLIMIT_FSIZE (with SIGXFSZ) or the file system's maximum; ETXTBSY shrinking a swap file. */
export function newsizeOk(c: Ctx, inode: Inode, size: number): void {
  if (size > inode.size) {
    if (size > rlimit(c.task, RLIMIT_FSIZE)) {
      c.k.signals.sendTask(c.task, SIGXFSZ);
      fail(EFBIG);
    }
    if (size > inode.sb.maxBytes) fail(EFBIG);
  } else if ((inode.flags & S_SWAPFILE) !== 0) fail(ETXTBSY);
}

/** Store the change: what file systems without more to do use, and others call for all but the size. */
export function setattrCopy(inode: Inode, a: Iattr): void {
  const { valid } = a;
  if ((valid & ATTR_UID) !== 0) inode.uid = a.uid;
  if ((valid & ATTR_GID) !== 0) inode.gid = a.gid;
  if ((valid & ATTR_MODE) !== 0) inode.mode = (inode.mode & S_IFMT) | (a.mode & 0o7777);
  if ((valid & (ATTR_CTIME | ATTR_MODE | ATTR_UID | ATTR_GID)) !== 0) touchCtime(inode);
  if ((valid & ATTR_ATIME_SET) !== 0) {
    inode.atime = a.atime;
    inode.atimeNsec = a.atimeNsec;
  } else if ((valid & ATTR_ATIME) !== 0) {
    inode.atime = inode.ctime;
    inode.atimeNsec = inode.ctimeNsec;
  }
  if ((valid & ATTR_MTIME_SET) !== 0) {
    inode.mtime = a.mtime;
    inode.mtimeNsec = a.mtimeNsec;
  } else if ((valid & ATTR_MTIME) !== 0) {
    inode.mtime = inode.ctime;
    inode.mtimeNsec = inode.ctimeNsec;
  }
  incIversion(inode);
  markInodeDirty(inode, I_DIRTY_SYNC);
}

/** The new size, with the pages behind it cut off. */
export function setSize(c: Ctx, inode: Inode, size: number, low: number): void {
  const shrink = size + low < inode.size + inode.sizeLow;
  inode.size = size;
  inode.sizeLow = low;
  if (shrink && inode.mapping !== null) truncatePages(c.k, inode.mapping, size);
  if (c.k.hooks.truncated.on !== null) c.k.hooks.truncated.on(inode, size);
}

/** simple_setattr() */
export function simpleSetattr(c: Ctx, inode: Inode, a: Iattr): undefined {
  if ((a.valid & ATTR_SIZE) !== 0) {
    const changed = a.size !== inode.size || a.sizeLow !== inode.sizeLow;
    if (changed) a.valid |= ATTR_MTIME | ATTR_CTIME;
    setSize(c, inode, a.size, a.sizeLow);
  }
  setattrCopy(inode, a);
}

// --- chmod, chown ---

export function doChmod(c: Ctx, mnt: Mount, dentry: Dentry, mode: number): number {
  mntWantWrite(mnt);
  const a = iattr(ATTR_MODE | ATTR_CTIME);
  a.mode = ((dentry.inode as Inode).mode & ~0o7777) | (mode & 0o7777);
  notifyChange(c, dentry, a);
  return 0;
}

/** `uid`, `gid` as the caller's user namespace has them; -1: no change. */
export function doChown(c: Ctx, mnt: Mount, dentry: Dentry, uid: number, gid: number): number {
  mntWantWrite(mnt);
  const inode = dentry.inode as Inode;
  const a = iattr(ATTR_CTIME);
  const ns = c.task.cred.userNs;
  if (uid >>> 0 !== INVALID_ID) {
    a.uid = makeKuid(ns, uid >>> 0);
    if (a.uid === INVALID_ID) fail(EINVAL);
    a.valid |= ATTR_UID;
  }
  if (gid >>> 0 !== INVALID_ID) {
    a.gid = makeKgid(ns, gid >>> 0);
    if (a.gid === INVALID_ID) fail(EINVAL);
    a.valid |= ATTR_GID;
  }
  if ((inode.mode & S_IFMT) !== S_IFDIR) a.valid |= ATTR_KILL_SUID | ATTR_KILL_PRIV | shouldDropSgid(c, inode);
  notifyChange(c, dentry, a);
  return 0;
}

// --- times ---

export function doUtimes(c: Ctx, mnt: Mount, dentry: Dentry, times: readonly [Timespec, Timespec] | null): number {
  const a = iattr(ATTR_CTIME | ATTR_MTIME | ATTR_ATIME);
  if (times !== null && !(nsecValid(times[0].nsec) && nsecValid(times[1].nsec))) fail(EINVAL);
  mntWantWrite(mnt);
  if (times !== null && !(times[0].nsec === UTIME_NOW && times[1].nsec === UTIME_NOW)) {
    const [at, mt] = times;
    if (at.nsec === UTIME_OMIT) a.valid &= ~ATTR_ATIME;
    else if (at.nsec !== UTIME_NOW) {
      a.atime = at.sec;
      a.atimeNsec = at.nsec;
      a.valid |= ATTR_ATIME_SET;
    }
    if (mt.nsec === UTIME_OMIT) a.valid &= ~ATTR_MTIME;
    else if (mt.nsec !== UTIME_NOW) {
      a.mtime = mt.sec;
      a.mtimeNsec = mt.nsec;
      a.valid |= ATTR_MTIME_SET;
    }
    a.valid |= ATTR_TIMES_SET;
  } else a.valid |= ATTR_TOUCH;
  notifyChange(c, dentry, a);
  return 0;
}

function nsecValid(nsec: number): boolean {
  return nsec === UTIME_NOW || nsec === UTIME_OMIT || (nsec >= 0 && nsec < 1e9);
}

// --- truncate ---

/** Cut or extend a file that may be written to. Set-id bits go. `open`: by O_TRUNC. */
export function doTruncate(c: Ctx, dentry: Dentry, length: Loff, open: boolean, times = true): Wait | undefined {
  const a = iattr(ATTR_SIZE | (times ? ATTR_MTIME | ATTR_CTIME : 0) | (open ? ATTR_OPEN : 0));
  a.size = loffHigh(length);
  a.sizeLow = loffLow(length);
  const kill = needsRemovePrivs(c, dentry.inode as Inode);
  if (kill !== 0) a.valid |= kill | ATTR_FORCE;
  return notifyChange(c, dentry, a);
}

/** truncate(2) at a place. */
export function pathTruncate(c: Ctx, mnt: Mount, dentry: Dentry, length: Loff): number | Wait {
  const inode = dentry.inode as Inode;
  const type = inode.mode & S_IFMT;
  if (type === S_IFDIR) fail(EISDIR);
  if (type !== S_IFREG) fail(EINVAL);
  inodePermission(c, inode, MAY_WRITE);
  mntWantWrite(mnt);
  if ((inode.flags & S_APPEND) !== 0) fail(EPERM);
  getWriteAccess(inode);
  try {
    return doTruncate(c, dentry, length, false, false) === WAIT ? WAIT : 0;
  } finally {
    putWriteAccess(inode);
  }
}

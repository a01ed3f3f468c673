/**
 * What files show of themselves: stat(2), statx(2), access(2), readlink(2).
 */
import { EACCES, EINVAL, ENOENT, EROFS } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { AT_EACCESS, AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_STATX_SYNC_TYPE, AT_SYMLINK_NOFOLLOW } from "../abi/fcntl.js";
import { SECBIT_NO_SETUID_FIXUP } from "../abi/prctl.js";
import {
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  STATX_ATTR_APPEND,
  STATX_ATTR_IMMUTABLE,
  STATX_ATTR_MOUNT_ROOT,
  STATX_BASIC_STATS,
  STATX_BTIME,
  STATX_MNT_ID,
} from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import { utf8Bytes, utf8Text } from "../lib/text.js";
import type { Stat, Statx } from "../sys/fileSys.js";
import { CapSet } from "../task/cred.js";
import { fromKgidMunged, fromKuidMunged, makeKuid } from "../task/userNamespace.js";
import { D_SYMLINK, type Dentry } from "./dentry.js";
import { type Inode, S_APPEND, S_CTIME_QUERIED, S_IMMUTABLE } from "./inode.js";
import { touchAtime } from "./inodeTime.js";
import { loffJoin } from "./loff.js";
import { MNT_NOEXEC, type Mount } from "./mount.js";
import { LOOKUP_EMPTY, LOOKUP_FOLLOW, type Nameidata, userPath } from "./namei.js";
import { mntReadonly } from "./openPerm.js";
import { inodePermission, MAY_ACCESS, MAY_EXEC, MAY_WRITE } from "./perm.js";
import { SB_NOEXEC } from "./superBlock.js";

export function statInode(c: Ctx, inode: Inode): Stat {
  const ns = c.task.cred.userNs;
  const { uid, gid } = inode;
  // the next change of ctime is to be seen
  inode.flags |= S_CTIME_QUERIED;
  const st: Stat = {
    dev: inode.sb.dev,
    ino: inode.ino,
    mode: inode.mode,
    nlink: inode.nlink,
    uid: ns.uidMap === null ? uid : fromKuidMunged(ns, uid),
    gid: ns.gidMap === null ? gid : fromKgidMunged(ns, gid),
    rdev: inode.rdev,
    size: inode.sizeLow === 0 ? inode.size : loffJoin(inode.size, inode.sizeLow),
    blksize: inode.sb.blocksize,
    blocks: inode.blocks,
    atime: inode.atime,
    atime_nsec: inode.atimeNsec,
    mtime: inode.mtime,
    mtime_nsec: inode.mtimeNsec,
    ctime: inode.ctime,
    ctime_nsec: inode.ctimeNsec,
  };
  if (inode.ops.getattr !== null) inode.ops.getattr(c, inode, st);
  return st;
}

/** stat(2) and its relatives. EINVAL flags. */
export function statAt(c: Ctx, dirfd: number, path: unknown, flags: number): Stat {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT)) !== 0) return fail(EINVAL);
  return statInode(c, atPath(c, dirfd, path, flags).dentry.inode as Inode);
}

/** Walk with AT_ flags; a null path with AT_EMPTY_PATH is the descriptor itself. */
export function atPath(c: Ctx, dirfd: number, path: unknown, flags: number): Nameidata {
  const empty = (flags & AT_EMPTY_PATH) !== 0;
  return userPath(
    c,
    dirfd,
    path === null && empty ? "" : path,
    ((flags & AT_SYMLINK_NOFOLLOW) === 0 ? LOOKUP_FOLLOW : 0) | (empty ? LOOKUP_EMPTY : 0),
  );
}

const STATX_RESERVED = 0x80000000;

export function statxAt(c: Ctx, dirfd: number, path: unknown, flags: number, mask: number): Statx {
  if ((mask & STATX_RESERVED) !== 0) return fail(EINVAL);
  if ((flags & AT_STATX_SYNC_TYPE) === AT_STATX_SYNC_TYPE) return fail(EINVAL);
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE)) !== 0)
    return fail(EINVAL);
  const { mnt, dentry } = atPath(c, dirfd, path, flags);
  const inode = dentry.inode as Inode;
  return {
    ...statInode(c, inode),
    mask: STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID,
    attributes:
      ((inode.flags & S_IMMUTABLE) !== 0 ? STATX_ATTR_IMMUTABLE : 0) |
      ((inode.flags & S_APPEND) !== 0 ? STATX_ATTR_APPEND : 0) |
      (dentry === mnt.root ? STATX_ATTR_MOUNT_ROOT : 0),
    attributes_mask: STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_MOUNT_ROOT,
    btime: inode.btime,
    btime_nsec: inode.btimeNsec,
    mnt_id: mnt.id,
  };
}

/** access(2): by the real ids unless AT_EACCESS. */
export function accessAt(c: Ctx, dirfd: number, path: unknown, mode: number, flags: number): number {
  if ((mode & ~7) !== 0) return fail(EINVAL);
  if ((flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return fail(EINVAL);
  const { task } = c;
  const { cred } = task;
  const swap = (flags & AT_EACCESS) === 0 && needsRealIds(c);
  if (swap) {
    const real = cred.clone();
    real.fsuid = real.uid;
    real.fsgid = real.gid;
    if ((cred.securebits & SECBIT_NO_SETUID_FIXUP) === 0)
      real.effective = cred.uid === makeKuid(cred.userNs, 0) ? cred.permitted : new CapSet();
    task.cred = real;
  }
  try {
    const { mnt, dentry } = atPath(c, dirfd, path, flags & ~AT_EACCESS);
    const inode = dentry.inode as Inode;
    const type = inode.mode & S_IFMT;
    if ((mode & MAY_EXEC) !== 0 && type === S_IFREG) {
      if ((mnt.flags & MNT_NOEXEC) !== 0 || (inode.sb.flags & SB_NOEXEC) !== 0) return fail(EACCES);
    }
    inodePermission(c, inode, mode | MAY_ACCESS);
    const special = type === S_IFCHR || type === S_IFBLK || type === S_IFIFO || type === S_IFSOCK;
    if ((mode & MAY_WRITE) !== 0 && !special && mntReadonly(mnt)) return fail(EROFS);
    return 0;
  } finally {
    if (swap) task.cred = cred;
  }
}

/** Do real and effective ids differ in what they may do? */
function needsRealIds(c: Ctx): boolean {
  const { cred } = c.task;
  if (cred.fsuid !== cred.uid || cred.fsgid !== cred.gid) return true;
  if ((cred.securebits & SECBIT_NO_SETUID_FIXUP) !== 0) return false;
  return cred.uid === makeKuid(cred.userNs, 0) ? !cred.effective.equals(cred.permitted) : !cred.effective.empty;
}

/** readlink(2): the text, cut at `size` bytes. `empty`: "" is the link that `dirfd` refers to. */
export function readlinkAt(c: Ctx, dirfd: number, path: unknown, size: number, empty: boolean): string {
  if (size <= 0) return fail(EINVAL);
  const nd = userPath(c, dirfd, path, empty ? LOOKUP_EMPTY : 0);
  const { mnt, dentry } = nd;
  if ((dentry.flags & D_SYMLINK) === 0) return fail(nd.atStart ? ENOENT : EINVAL);
  const text = linkText(c, mnt, dentry);
  if (text.length * 3 <= size) return text;
  const bytes = utf8Bytes(text);
  return bytes.length <= size ? text : utf8Text(bytes, 0, size);
}

/** What a link says. */
export function linkText(c: Ctx, mnt: Mount, dentry: Dentry): string {
  const inode = dentry.inode as Inode;
  touchAtime(mnt, inode);
  const { ops } = inode;
  if (ops.readlink !== null) return ops.readlink(c, inode, dentry);
  if (ops.getLink === null) return inode.data as string;
  return ops.getLink(c, inode, null, dentry) ?? fail(EINVAL);
}

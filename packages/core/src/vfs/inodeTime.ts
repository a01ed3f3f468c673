/**
 * Timestamps of inodes: the time of the last tick (coarse), made finer when somebody has looked since they last moved
 * (multigrain: FS_MGTIME). inode(7), mount(8) "relatime".
 */
import { MS_NOATIME, MS_RDONLY } from "../abi/mount.js";
import { type Inode, S_CTIME_QUERIED, S_NOATIME } from "./inode.js";
import { incIversion, maybeIncIversion } from "./iversion.js";
import { MNT_NOATIME, MNT_NODIRATIME, MNT_READONLY, MNT_RELATIME, type Mount } from "./mount.js";

/** I_DIRTY_ bits for `SuperOps.dirtyInode`. */
export const I_DIRTY_SYNC = 1;
export const I_DIRTY_TIME = 0x800;

/** Attributes changed: whoever writes inodes back is told. */
export function markInodeDirty(inode: Inode, flags: number): void {
  const f = inode.sb.ops.dirtyInode;
  if (f !== undefined) f(inode, flags);
}

/** ctime is now. True if it moved. */
export function touchCtime(inode: Inode): boolean {
  const vfs = inode.sb.k.vfs;
  vfs.touchClock();
  if ((inode.flags & S_CTIME_QUERIED) !== 0) {
    if (vfs.nowSec < inode.ctime || (vfs.nowSec === inode.ctime && vfs.nowNsec <= inode.ctimeNsec)) vfs.fineClock();
    inode.flags &= ~S_CTIME_QUERIED;
  }
  if (inode.ctimeNsec === vfs.nowNsec && inode.ctime === vfs.nowSec) return false;
  inode.ctime = vfs.nowSec;
  inode.ctimeNsec = vfs.nowNsec;
  return true;
}

/** Attributes were changed: ctime and i_version. */
export function changedAttr(inode: Inode): void {
  touchCtime(inode);
  incIversion(inode);
  markInodeDirty(inode, I_DIRTY_SYNC);
}

/** Entries or the size were changed: mtime, ctime and i_version. */
export function changedData(inode: Inode): void {
  touchCtime(inode);
  inode.mtime = inode.ctime;
  inode.mtimeNsec = inode.ctimeNsec;
  incIversion(inode);
  markInodeDirty(inode, I_DIRTY_SYNC);
}

/** Before data are written: mtime and ctime, and i_version if somebody asked for it or a time moved. file_update_time(). */
export function fileUpdateTime(inode: Inode): void {
  let moved = touchCtime(inode);
  if (inode.mtime !== inode.ctime || inode.mtimeNsec !== inode.ctimeNsec) {
    inode.mtime = inode.ctime;
    inode.mtimeNsec = inode.ctimeNsec;
    moved = true;
  }
  if (maybeIncIversion(inode, false) || moved) markInodeDirty(inode, I_DIRTY_TIME);
}

const DAY = 86400;

/** It was read: atime, by the rules of the mount (relatime: only if older than mtime or ctime, or than a day). */
export function touchAtime(mnt: Mount, inode: Inode): void {
  const flags = mnt.flags;
  if ((flags & (MNT_NOATIME | MNT_READONLY)) !== 0 || (inode.flags & S_NOATIME) !== 0) return;
  if ((inode.sb.flags & (MS_NOATIME | MS_RDONLY)) !== 0) return;
  if ((flags & MNT_NODIRATIME) !== 0 && (inode.mode & 0o170000) === 0o40000) return;
  const vfs = inode.sb.k.vfs;
  vfs.touchClock();
  if ((flags & MNT_RELATIME) !== 0) {
    const { atime, atimeNsec } = inode;
    const newer = (s: number, n: number): boolean => s > atime || (s === atime && n >= atimeNsec);
    if (!newer(inode.mtime, inode.mtimeNsec) && !newer(inode.ctime, inode.ctimeNsec) && vfs.nowSec - atime < DAY)
      return;
  }
  if (inode.atimeNsec === vfs.nowNsec && inode.atime === vfs.nowSec) return;
  inode.atime = vfs.nowSec;
  inode.atimeNsec = vfs.nowNsec;
  markInodeDirty(inode, I_DIRTY_TIME);
}

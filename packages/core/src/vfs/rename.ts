/**
 * rename(2) and renameat2(2).
 */
import { EBUSY, EEXIST, EINVAL, ENOENT, ENOTDIR, ENOTEMPTY, EPERM, EROFS, EXDEV } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from "../abi/fcntl.js";
import { S_IFCHR } from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import { D_DIR, type Dentry } from "./dentry.js";
import { dropChildren, notEmpty, notMountpoint, unhash } from "./dir.js";
import { type Inode, S_DEAD } from "./inode.js";
import { LAST_NORM, userParent } from "./namei.js";
import { mntReadonly } from "./openPerm.js";
import { inodePermission, MAY_WRITE, mayCreate, mayDelete } from "./perm.js";

/** Is `d` at or below `top`? */
export function isBelow(d: Dentry, top: Dentry): boolean {
  for (let p = d; ; p = p.parent) {
    if (p === top) return true;
    if (p.isRoot) return false;
  }
}

export function doRename(
  c: Ctx,
  olddirfd: number,
  oldpath: unknown,
  newdirfd: number,
  newpath: unknown,
  flags: number,
): number {
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) !== 0) return fail(EINVAL);
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  if (exchange && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) !== 0) return fail(EINVAL);
  const nd = userParent(c, olddirfd, oldpath);
  const { mnt, dentry: oldParent, lastType: oldType, lastSlash: oldSlash, lastName: oldName } = nd;
  userParent(c, newdirfd, newpath);
  const { dentry: newParent, lastSlash: newSlash, lastName: newName } = nd;
  if (nd.mnt !== mnt) return fail(EXDEV);
  if (oldType !== LAST_NORM) return fail(EBUSY);
  if (nd.lastType !== LAST_NORM) return fail((flags & RENAME_NOREPLACE) !== 0 ? EEXIST : EBUSY);
  if (mntReadonly(mnt)) return fail(EROFS);
  const old = nd.lookupName(oldParent, oldName);
  if (old === null || old.inode === null) return fail(ENOENT);
  const there = nd.lookupName(newParent, newName);
  const target = there !== null && there.inode !== null ? there : null;
  if (target !== null && (flags & RENAME_NOREPLACE) !== 0) return fail(EEXIST);
  if (exchange) {
    if (target === null) return fail(ENOENT);
    if (newSlash && (target.flags & D_DIR) === 0) return fail(ENOTDIR);
  }
  if ((old.flags & D_DIR) === 0 && (oldSlash || (newSlash && !exchange))) return fail(ENOTDIR);
  if (isBelow(newParent, old)) return fail(EINVAL);
  if (target !== null && isBelow(oldParent, target)) return fail(exchange ? EINVAL : ENOTEMPTY);
  // two names of one file
  if (target !== null && target.inode === old.inode) return 0;
  mayRename(c, oldParent.inode as Inode, old, newParent.inode as Inode, target, exchange);
  const dir = oldParent.inode as Inode;
  (dir.ops.rename as NonNullable<typeof dir.ops.rename>)(c, dir, old, newParent.inode as Inode, newName, target, flags);
  const { dcache } = c.k.vfs;
  if (exchange) {
    dcache.exchange(old, target as Dentry);
    return 0;
  }
  if (target !== null) {
    if ((target.flags & D_DIR) !== 0) {
      (target.inode as Inode).flags |= S_DEAD;
      dropChildren(c, target);
    }
    unhash(c, target);
  } else if (there !== null) c.k.vfs.dropDentry(there);
  dcache.move(old, newParent, newName, target);
  if ((flags & RENAME_WHITEOUT) !== 0) whiteout(c, oldParent, oldName);
  return 0;
}

/** Permission of both directories, kinds, mount points. EACCES, EPERM, ENOTDIR, EISDIR, EBUSY, ENOTEMPTY. */
function mayRename(c: Ctx, dir: Inode, old: Dentry, newDir: Inode, target: Dentry | null, exchange: boolean): void {
  const isDir = (old.flags & D_DIR) !== 0;
  const targetDir = target !== null && (target.flags & D_DIR) !== 0;
  mayDelete(c, dir, old, isDir);
  if (target === null) mayCreate(c, newDir, false);
  else mayDelete(c, newDir, target, exchange ? targetDir : isDir);
  if (dir.ops.rename === null) fail(EPERM);
  // a directory that changes its parent has its `..` written
  if (dir !== newDir) {
    if (isDir) inodePermission(c, old.inode as Inode, MAY_WRITE);
    if (exchange && targetDir) inodePermission(c, (target as Dentry).inode as Inode, MAY_WRITE);
  }
  notMountpoint(c, old);
  if (target !== null) {
    notMountpoint(c, target);
    if (!exchange && targetDir) notEmpty(target);
  }
}

/** RENAME_WHITEOUT: a character device 0:0 is left behind. */
function whiteout(c: Ctx, parent: Dentry, name: string): void {
  const dir = parent.inode as Inode;
  if (dir.ops.mknod === null) return fail(EINVAL);
  c.k.vfs.addDentry(parent, name, dir.ops.mknod(c, dir, name, S_IFCHR, 0));
}

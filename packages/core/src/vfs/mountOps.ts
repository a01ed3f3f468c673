/**
 * What calls about mounts share: who may, where, copies of trees, moves, flags. mount(2), open_tree(2), move_mount(2), mount_setattr(2).
 */
import { CAP_SYS_ADMIN } from "../abi/capability.js";
import { EBUSY, EINVAL, ELOOP, ENOENT, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Ctx } from "../kernel/ctx.js";
import { nsCapable } from "../task/capable.js";
import { D_DIR, type Dentry } from "./dentry.js";
import { isUnlinked } from "./dpath.js";
import { type Inode, S_DEAD } from "./inode.js";
import {
  MNT_ATIME_MASK,
  MNT_DETACHED,
  MNT_LOCK_ATIME,
  MNT_LOCK_NODEV,
  MNT_LOCK_NOEXEC,
  MNT_LOCK_NOSUID,
  MNT_LOCK_READONLY,
  MNT_LOCKED,
  MNT_NODEV,
  MNT_NOEXEC,
  MNT_NOSUID,
  MNT_READONLY,
  MNT_USER_SETTABLE,
  type Mount,
} from "./mount.js";
import { attachTree, cloneMount, copyTree, mountsBelow, touchNs, umountTree, unlinkMount } from "./mountTree.js";
import { isBelow } from "./rename.js";

/** CAP_SYS_ADMIN over the owner of the caller's mount namespace. */
export function mayMount(c: Ctx): boolean {
  return nsCapable(c.k, c.task, c.k.vfs.mntNsOf(c.task).userNs, CAP_SYS_ADMIN);
}

/** Is the mount in the caller's namespace? EINVAL. */
export function checkMnt(c: Ctx, m: Mount): void {
  if (m.ns !== c.k.vfs.mntNsOf(c.task)) fail(EINVAL);
}

/** The top of a tree that is attached nowhere, as open_tree(2) makes it. */
export function isFloating(m: Mount): boolean {
  return m.ns === null && !m.hasParent && (m.flags & MNT_DETACHED) === 0;
}

/** May these flags replace those of the mount? Locked ones can only be tightened. EPERM. */
export function checkLockedFlags(m: Mount, mf: number): void {
  const f = m.flags;
  const cleared = (lock: number, flag: number): boolean => (f & lock) !== 0 && (mf & flag) === 0;
  if (
    cleared(MNT_LOCK_READONLY, MNT_READONLY) ||
    cleared(MNT_LOCK_NODEV, MNT_NODEV) ||
    cleared(MNT_LOCK_NOSUID, MNT_NOSUID) ||
    cleared(MNT_LOCK_NOEXEC, MNT_NOEXEC) ||
    ((f & MNT_LOCK_ATIME) !== 0 && (f & MNT_ATIME_MASK) !== (mf & MNT_ATIME_MASK))
  )
    fail(EPERM);
}

export function setMountFlags(c: Ctx, m: Mount, mf: number): void {
  m.flags = (m.flags & ~MNT_USER_SETTABLE) | mf;
  if (m.ns !== null) touchNs(c.k.vfs, m.ns);
}

/** May the mounts be made read-only? EBUSY: somebody writes. */
export function checkWriters(m: Mount, mf: number): void {
  if ((mf & MNT_READONLY) !== 0 && (m.flags & MNT_READONLY) === 0 && m.writers > 0) fail(EBUSY);
}

/** Something can be attached here. ENOENT: the place was removed, or is in no tree of mounts any more. */
export function checkMountpoint(mnt: Mount, dentry: Dentry): void {
  if (mnt.ns === null || ((dentry.inode as Inode).flags & S_DEAD) !== 0 || isUnlinked(dentry)) fail(ENOENT);
}

/** Files on files, directories on directories. ENOTDIR. */
export function sameKind(a: Dentry, b: Dentry, errno: number): void {
  if ((a.flags & D_DIR) !== (b.flags & D_DIR)) fail(errno);
}

/** May what (old, root) shows be copied? EINVAL: unbindable, in another namespace, or a locked mount would be uncovered. */
export function checkCopy(c: Ctx, old: Mount, root: Dentry, recurse: boolean): void {
  const { vfs } = c.k;
  if (old.unbindable) fail(EINVAL);
  if (old.ns !== null || (!isFloating(old) && (vfs.bindable === null || !vfs.bindable(root)))) checkMnt(c, old);
  if (recurse) return;
  for (const k of old.children.values()) if ((k.flags & MNT_LOCKED) !== 0 && isBelow(k.mountpoint, root)) fail(EINVAL);
}

/** A copy that is attached nowhere. */
export function copyOf(c: Ctx, old: Mount, root: Dentry, recurse: boolean): Mount {
  const { vfs } = c.k;
  const m = recurse ? copyTree(vfs, old, root, false, false) : cloneMount(vfs, old, root, false);
  m.flags &= ~MNT_LOCKED;
  return m;
}

/** Attach a new tree; if that fails it is gone. */
export function attachOrDrop(c: Ctx, m: Mount, parent: Mount, mountpoint: Dentry): void {
  const { vfs } = c.k;
  try {
    attachTree(c, vfs, m, parent, mountpoint, false);
  } catch (e) {
    umountTree(vfs, m, true);
    throw e;
  }
}

/**
 * The tree of which (m, root) is the top goes to another place: from where it is attached, or from nowhere. ENOENT the place; EINVAL
 * not a mount, locked, of another namespace, a file over a directory, shared parent; ELOOP below itself, or it holds a namespace that
 * could hold this one.
 */
export function moveTree(c: Ctx, m: Mount, root: Dentry, parent: Mount, mountpoint: Dentry): void {
  const { vfs } = c.k;
  checkMountpoint(parent, mountpoint);
  checkMnt(c, parent);
  const floats = isFloating(m);
  if (!floats) checkMnt(c, m);
  if ((m.flags & MNT_LOCKED) !== 0 || root !== m.root || (!floats && !m.hasParent)) return fail(EINVAL);
  sameKind(mountpoint, root, EINVAL);
  vfs.propagation.checkMove(m, parent);
  if (vfs.mayBind !== null) for (const x of mountsBelow(m)) if (!vfs.mayBind(c, x.root)) return fail(ELOOP);
  if (floats) {
    attachTree(c, vfs, m, parent, mountpoint, false);
    return;
  }
  for (let p = parent; ; p = p.parent) {
    if (p === m) return fail(ELOOP);
    if (!p.hasParent) break;
  }
  const { parent: oldParent, mountpoint: oldPoint } = m;
  unlinkMount(vfs, m);
  try {
    attachTree(c, vfs, m, parent, mountpoint, true);
  } catch (e) {
    attachTree(c, vfs, m, oldParent, oldPoint, true);
    throw e;
  }
}

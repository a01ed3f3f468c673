/**
 * pivot_root(2): another mount becomes the root of the mount namespace, and the old root is attached below it. All tasks of the
 * namespace whose root or working directory was the old root's top move along.
 */
import {
  AT_FDCWD,
  CAP_SYS_ADMIN,
  type Ctx,
  type Dentry,
  EBUSY,
  EINVAL,
  ENOENT,
  EPERM,
  type FsStruct,
  fail,
  type Impl,
  type Inode,
  isBelow,
  isUnlinked,
  LOOKUP_DIRECTORY,
  LOOKUP_FOLLOW,
  linkMount,
  MNT_LOCKED,
  type Mount,
  nsCapable,
  type Path,
  type Ret,
  S_DEAD,
  type SysBase,
  topMount,
  touchNs,
  unlinkMount,
  userPath,
} from "@kernelkit/core";

export interface PivotSys extends SysBase {
  /**
   * pivot_root(2). EPERM; of `newRoot`, then `putOld`: ENOENT, ENOTDIR; EINVAL the mount of `putOld` or the parents of new or present root are
   * shared, or not in the caller's namespace, or locked; ENOENT removed; EBUSY one is the present root's mount; EINVAL not a mount
   * point, or not below.
   */
  pivot_root(newRoot: string, putOld: string): Ret<this["mode"], number>;
}

/** Is (mnt, dentry) at or below `top`? */
function isReachable(mnt: Mount, dentry: Dentry, top: Path): boolean {
  let m = mnt;
  let d = dentry;
  while (m !== top.mnt && m.hasParent) {
    d = m.mountpoint;
    m = m.parent;
  }
  return m === top.mnt && isBelow(d, top.dentry);
}

function lookup(c: Ctx, path: string): Path {
  const { mnt, dentry } = userPath(c, AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY);
  return { mnt, dentry };
}

/** Everybody whose root or working directory is `from` now has `to`. */
function moveTasks(c: Ctx, from: Path, to: Path): void {
  const { vfs, tasks } = c.k;
  const seen = new Set<FsStruct>();
  for (const t of tasks.all()) {
    const { fs } = t;
    if (fs === null || seen.has(fs)) continue;
    seen.add(fs);
    if (fs.rootMnt === from.mnt && fs.rootDentry === from.dentry) vfs.setRoot(fs, to.mnt, to.dentry);
    if (fs.pwdMnt === from.mnt && fs.pwdDentry === from.dentry) vfs.setPwd(fs, to.mnt, to.dentry);
  }
}

export const pivotCalls: Impl<PivotSys> = {
  pivot_root(c, newRoot, putOld) {
    const { vfs } = c.k;
    const ns = vfs.mntNsOf(c.task);
    if (!nsCapable(c.k, c.task, ns.userNs, CAP_SYS_ADMIN)) return fail(EPERM);
    const next = lookup(c, newRoot);
    const given = lookup(c, putOld);
    const fs = c.task.fs as FsStruct;
    const root: Path = { mnt: fs.rootMnt, dentry: fs.rootDentry };
    const old = topMount(given.mnt, given.dentry);
    if (((old.dentry.inode as Inode).flags & S_DEAD) !== 0 || isUnlinked(old.dentry)) return fail(ENOENT);
    const [newMnt, rootMnt] = [next.mnt, root.mnt];
    if (old.mnt.group !== 0 || newMnt.parent.group !== 0 || rootMnt.parent.group !== 0) return fail(EINVAL);
    if (rootMnt.ns !== ns || newMnt.ns !== ns || old.mnt.ns !== ns) return fail(EINVAL);
    if ((newMnt.flags & MNT_LOCKED) !== 0) return fail(EINVAL);
    if (isUnlinked(next.dentry)) return fail(ENOENT);
    if (newMnt === rootMnt || old.mnt === rootMnt) return fail(EBUSY);
    if (rootMnt.root !== root.dentry || !rootMnt.hasParent) return fail(EINVAL);
    if (newMnt.root !== next.dentry || !newMnt.hasParent) return fail(EINVAL);
    if (!isReachable(old.mnt, old.dentry, next) || !isReachable(newMnt, next.dentry, root)) return fail(EINVAL);
    const { parent, mountpoint } = rootMnt;
    unlinkMount(vfs, newMnt);
    unlinkMount(vfs, rootMnt);
    if ((rootMnt.flags & MNT_LOCKED) !== 0) {
      newMnt.flags |= MNT_LOCKED;
      rootMnt.flags &= ~MNT_LOCKED;
    }
    linkMount(vfs, newMnt, parent, mountpoint);
    linkMount(vfs, rootMnt, old.mnt, old.dentry);
    touchNs(vfs, ns);
    moveTasks(c, root, next);
    return 0;
  },
};

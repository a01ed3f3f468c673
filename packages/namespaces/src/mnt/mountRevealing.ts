/**
 * The "fully visible" rule: in a mount namespace of a user namespace, proc or sysfs may be mounted only where such a mount is there
 * already and shows everything, and the new one shows it as little changeable. user_namespaces(7), mount_namespaces(7) "Restrictions".
 */
import {
  type Core,
  type Ctx,
  EPERM,
  fail,
  type Inode,
  Knode,
  MNT_ATIME_MASK,
  MNT_LOCK_ATIME,
  MNT_LOCK_READONLY,
  MNT_LOCKED,
  MNT_READONLY,
  type Mount,
  MS_RDONLY,
  SB_USERNS_VISIBLE,
  type SuperBlock,
} from "@kernelkit/core";

/** A directory that has never been more than a place to mount on: what covers it hides nothing. */
function isEmptyDir(inode: Inode): boolean {
  const node = inode.data;
  return node instanceof Knode && node.isDir && node.entries().length === 0;
}

/** The flags that a mount which shows everything passes on to one made like `flags`; -1: it does not allow it. */
function allowedBy(m: Mount, flags: number): number {
  if (m.root !== m.sb.root) return -1;
  const own = m.flags | ((m.sb.flags & MS_RDONLY) !== 0 ? MNT_LOCK_READONLY : 0);
  if ((own & MNT_LOCK_READONLY) !== 0 && (flags & MNT_READONLY) === 0) return -1;
  if ((own & MNT_LOCK_ATIME) !== 0 && (own & MNT_ATIME_MASK) !== (flags & MNT_ATIME_MASK)) return -1;
  for (const child of m.children.values())
    if ((child.flags & MNT_LOCKED) !== 0 && !isEmptyDir(child.mountpoint.inode as Inode)) return -1;
  return own & (MNT_LOCK_READONLY | MNT_LOCK_ATIME);
}

export function installMountRevealing(k: Core): void {
  k.vfs.newMountFlags = (c: Ctx, sb: SuperBlock, flags: number): number => {
    const ns = k.vfs.mntNsOf(c.task);
    if ((sb.flags & SB_USERNS_VISIBLE) === 0 || ns.userNs === k.tasks.initUserNs) return flags;
    for (const m of ns.mounts) {
      const locks = m.sb.type === sb.type ? allowedBy(m, flags) : -1;
      if (locks >= 0) return flags | locks;
    }
    return fail(EPERM);
  };
}

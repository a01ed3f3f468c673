/** lockTree: mounts that less privileged namespaces got stay as they are. mount_namespaces(7), "Restrictions". */
import {
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
  type Mount,
} from "@kernelkit/core";

const LOCKS: readonly [flag: number, lock: number][] = [
  [MNT_READONLY, MNT_LOCK_READONLY],
  [MNT_NODEV, MNT_LOCK_NODEV],
  [MNT_NOSUID, MNT_LOCK_NOSUID],
  [MNT_NOEXEC, MNT_LOCK_NOEXEC],
];

/** `tree`: top first; the top itself may be unmounted. */
export function lockTree(tree: readonly Mount[]): void {
  tree.forEach((m, i) => {
    m.flags |= MNT_LOCK_ATIME;
    for (const [flag, lock] of LOCKS) if ((m.flags & flag) !== 0) m.flags |= lock;
    if (i > 0) m.flags |= MNT_LOCKED;
  });
}

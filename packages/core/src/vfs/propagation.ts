/**
 * How mounts propagate: the joint between core's mount tree and shared subtrees. mount_namespaces(7),
 * Documentation/filesystems/sharedsubtree.
 *
 * Core alone: every mount is private. The namespaces package sets `k.vfs.propagation` to its own table. Functions may
 * `fail(errno)` before they change anything.
 */
import { EINVAL } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { MS_PRIVATE } from "../abi/mount.js";
import type { Ctx } from "../kernel/ctx.js";
import type { Dentry } from "./dentry.js";
import type { Mount } from "./mount.js";

export interface Propagation {
  /** mount(2) with one of MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE on `mnt` (`recurse`: and all below it). */
  changeType(c: Ctx, mnt: Mount, type: number, recurse: boolean): void;
  /**
   * `tree` (top of a detached tree) is about to be attached to `parent` at `mountpoint`: make it and the copies for peers and
   * slaves of `parent` ready. Core attaches `tree` itself afterwards, then calls `attached` with the result.
   */
  attaching(c: Ctx | null, tree: Mount, parent: Mount, mountpoint: Dentry, moving: boolean): unknown;
  /** `tree` is attached: attach the copies. */
  attached(prepared: unknown): void;
  /** A copy of a mount was made (bind, new namespace): what it inherits. `isNewNs`: copied for a mount namespace. */
  cloned(old: Mount, copy: Mount, isNewNs: boolean): void;
  /** Mounts that go with `mnts` when these are unmounted, beyond the given ones. */
  umounting(mnts: readonly Mount[]): readonly Mount[];
  /** The mount is detached for good: leave its peer group, give its slaves a new master. */
  umounted(mnt: Mount): void;
  /** Would a copy of `mnt` elsewhere keep it busy (umount without MNT_DETACH)? */
  busy(mnt: Mount): boolean;
  /** May the tree below `mnt` be moved or bound from there? Fails with EINVAL. */
  checkMove(mnt: Mount, parent: Mount): void;
}

/** Everything is private: MS_PRIVATE is fine, other types are EINVAL. */
export const privatePropagation: Propagation = {
  changeType(_c, _mnt, type) {
    if (type !== MS_PRIVATE) fail(EINVAL);
  },
  attaching: () => null,
  attached() {},
  cloned() {},
  umounting: () => [],
  umounted() {},
  busy: () => false,
  checkMove() {},
};

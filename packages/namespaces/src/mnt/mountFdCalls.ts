/**
 * Mounts by descriptor: open_tree(2) opens a place, or a copy of what is mounted there that is attached nowhere yet; move_mount(2)
 * attaches it. A copy that is closed before that is gone.
 */
import {
  AT_EMPTY_PATH,
  AT_NO_AUTOMOUNT,
  AT_RECURSIVE,
  AT_SYMLINK_NOFOLLOW,
  allocFile,
  CAP_SYS_ADMIN,
  type Ctx,
  checkCopy,
  copyOf,
  EINVAL,
  EPERM,
  FMODE_NEED_UNMOUNT,
  FMODE_OPENED,
  FMODE_PATH,
  fail,
  type Impl,
  int,
  LOOKUP_EMPTY,
  LOOKUP_FOLLOW,
  MOVE_MOUNT_BENEATH,
  MOVE_MOUNT_F_AUTOMOUNTS,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_F_SYMLINKS,
  MOVE_MOUNT_SET_GROUP,
  MOVE_MOUNT_T_AUTOMOUNTS,
  MOVE_MOUNT_T_EMPTY_PATH,
  MOVE_MOUNT_T_SYMLINKS,
  type Mount,
  mayMount,
  moveTree,
  nsCapable,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  type Path,
  type PathArg,
  pathFileOps,
  type Ret,
  type SysBase,
  topMount,
  uint,
  unusedFd,
  userPath,
} from "@kernelkit/core";
import { setGroup } from "./peers.js";

export interface MountFdSys extends SysBase {
  /**
   * open_tree(2): a descriptor (as with O_PATH) of a place, with OPEN_TREE_CLONE of a copy of the mount there (AT_RECURSIVE: and those
   * below). EINVAL flags; EPERM a copy without CAP_SYS_ADMIN; EMFILE; the path; EINVAL unbindable, or not in the caller's namespace.
   */
  open_tree(dirfd: number, path: PathArg, flags: number): Ret<this["mode"], number>;
  /**
   * move_mount(2). EPERM; EINVAL flags; of the new place, then of the mount: EBADF, ENOENT, ENOTDIR; EINVAL not a mount, locked, or
   * below a shared one, file over directory; ELOOP below itself. MOVE_MOUNT_BENEATH is not there (EINVAL).
   */
  move_mount(
    fromDirfd: number,
    fromPath: PathArg,
    toDirfd: number,
    toPath: PathArg,
    flags: number,
  ): Ret<this["mode"], number>;
}

const OPEN_TREE_FLAGS =
  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW;
const MOVE_MOUNT_FLAGS =
  MOVE_MOUNT_F_SYMLINKS |
  MOVE_MOUNT_F_AUTOMOUNTS |
  MOVE_MOUNT_F_EMPTY_PATH |
  MOVE_MOUNT_T_SYMLINKS |
  MOVE_MOUNT_T_AUTOMOUNTS |
  MOVE_MOUNT_T_EMPTY_PATH |
  MOVE_MOUNT_SET_GROUP;

export function lookupAt(c: Ctx, dirfd: number, path: PathArg, follow: boolean, empty: boolean): Path {
  const { mnt, dentry } = userPath(
    c,
    int(dirfd, "dirfd"),
    path,
    (follow ? LOOKUP_FOLLOW : 0) | (empty ? LOOKUP_EMPTY : 0),
  );
  return { mnt, dentry };
}

/** MOVE_MOUNT_SET_GROUP: `to`, which is private, receives the events that `from` does. EINVAL; EPERM over either's namespace. */
function joinGroup(c: Ctx, from: Path, to: Path): void {
  const { k, task } = c;
  for (const m of [from.mnt, to.mnt]) {
    if (m.ns === null) fail(EINVAL);
    if (!nsCapable(k, task, (m.ns as NonNullable<Mount["ns"]>).userNs, CAP_SYS_ADMIN)) fail(EPERM);
  }
  if (from.dentry !== from.mnt.root || to.dentry !== to.mnt.root) fail(EINVAL);
  setGroup(from.mnt, to.mnt);
}

export const mountFdCalls: Impl<MountFdSys> = {
  open_tree(c, dirfd, path, flagsArg) {
    const flags = uint(flagsArg, "flags");
    const { vfs } = c.k;
    if ((flags & ~OPEN_TREE_FLAGS) !== 0) return fail(EINVAL);
    const clone = (flags & OPEN_TREE_CLONE) !== 0;
    const recurse = (flags & AT_RECURSIVE) !== 0;
    if (recurse && !clone) return fail(EINVAL);
    if (clone && !mayMount(c)) return fail(EPERM);
    unusedFd(c.task);
    let { mnt, dentry } = lookupAt(c, dirfd, path, (flags & AT_SYMLINK_NOFOLLOW) === 0, (flags & AT_EMPTY_PATH) !== 0);
    let need = 0;
    if (clone) {
      checkCopy(c, mnt, dentry, recurse);
      mnt = copyOf(c, mnt, dentry, recurse);
      dentry = mnt.root;
      need = FMODE_NEED_UNMOUNT;
    }
    let file: ReturnType<typeof allocFile>;
    try {
      file = allocFile(c, mnt, dentry, pathFileOps, O_PATH);
    } catch (e) {
      if (clone) vfs.dissolve(mnt);
      throw e;
    }
    file.mode = FMODE_PATH | FMODE_OPENED | need;
    return vfs.installOrPut(c.task, file, (flags & OPEN_TREE_CLOEXEC) !== 0);
  },

  move_mount(c, fromDirfd, fromPath, toDirfd, toPath, flagsArg) {
    const flags = uint(flagsArg, "flags");
    if (!mayMount(c)) return fail(EPERM);
    if ((flags & ~(MOVE_MOUNT_FLAGS | MOVE_MOUNT_BENEATH)) !== 0) return fail(EINVAL);
    if ((flags & MOVE_MOUNT_BENEATH) !== 0) return fail(EINVAL);
    const has = (flag: number): boolean => (flags & flag) !== 0;
    const to = lookupAt(c, toDirfd, toPath, has(MOVE_MOUNT_T_SYMLINKS), has(MOVE_MOUNT_T_EMPTY_PATH));
    const from = lookupAt(c, fromDirfd, fromPath, has(MOVE_MOUNT_F_SYMLINKS), has(MOVE_MOUNT_F_EMPTY_PATH));
    if (has(MOVE_MOUNT_SET_GROUP)) {
      joinGroup(c, from, to);
      return 0;
    }
    const place = topMount(to.mnt, to.dentry);
    moveTree(c, from.mnt, from.dentry, place.mnt, place.dentry);
    return 0;
  },
};

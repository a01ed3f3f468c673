/** mount_setattr(2): flags and propagation of a mount, or of a whole tree at once: all or none. */
import {
  AT_EMPTY_PATH,
  AT_NO_AUTOMOUNT,
  AT_RECURSIVE,
  AT_SYMLINK_NOFOLLOW,
  type Ctx,
  checkLockedFlags,
  checkMnt,
  checkWriters,
  E2BIG,
  EFAULT,
  EINVAL,
  EPERM,
  fail,
  type Impl,
  int,
  isFloating,
  MNT_ATIME_MASK,
  MNT_NOATIME,
  MNT_NODEV,
  MNT_NODIRATIME,
  MNT_NOEXEC,
  MNT_NOSUID,
  MNT_NOSYMFOLLOW,
  MNT_READONLY,
  MNT_RELATIME,
  MNT_USER_SETTABLE,
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_RELATIME,
  MOUNT_ATTR_STRICTATIME,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  mayMount,
  mountsBelow,
  type PathArg,
  type Ret,
  type SysBase,
  setMountFlags,
  struct,
  uint,
  whole,
} from "@kernelkit/core";
import { lookupAt } from "./mountFdCalls.js";

/** `struct mount_attr`: MOUNT_ATTR_ flags, one MS_ flag of propagation or 0. */
export interface MountAttr {
  attr_set?: number;
  attr_clr?: number;
  propagation?: number;
  userns_fd?: number;
}

export interface MountSetattrSys extends SysBase {
  /**
   * mount_setattr(2). EINVAL flags of lookup; E2BIG, EINVAL `size` (32); EPERM; (nothing asked: done) EINVAL unknown flags; the path;
   * EINVAL not a mount's root; EPERM a locked flag; EBUSY a writer. Mapped mounts are not there (EINVAL; EBADF for the descriptor).
   */
  mount_setattr(dirfd: number, path: PathArg, flags: number, attr: MountAttr, size?: number): Ret<this["mode"], number>;
}

const MOUNT_ATTR_SIZE_VER0 = 32;
const PAGE_SIZE = 4096;
const LOOKUP_FLAGS = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW;
const TYPES = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

const FLAGS: readonly [attr: number, flag: number][] = [
  [MOUNT_ATTR_RDONLY, MNT_READONLY],
  [MOUNT_ATTR_NOSUID, MNT_NOSUID],
  [MOUNT_ATTR_NODEV, MNT_NODEV],
  [MOUNT_ATTR_NOEXEC, MNT_NOEXEC],
  [MOUNT_ATTR_NODIRATIME, MNT_NODIRATIME],
  [MOUNT_ATTR_NOSYMFOLLOW, MNT_NOSYMFOLLOW],
];
const KNOWN = FLAGS.reduce((all, [attr]) => all | attr, MOUNT_ATTR__ATIME | MOUNT_ATTR_IDMAP);
const ATIMES: ReadonlyMap<number, number> = /* @__PURE__ */ new Map([
  [MOUNT_ATTR_RELATIME, MNT_RELATIME],
  [MOUNT_ATTR_NOATIME, MNT_NOATIME],
  [MOUNT_ATTR_STRICTATIME, 0],
]);

const translate = (attrs: number): number =>
  FLAGS.reduce((flags, [attr, flag]) => ((attrs & attr) !== 0 ? flags | flag : flags), 0);

/** The flags to set and to clear. EINVAL: the kinds of atime exclude each other, and only all of them are cleared. */
function flagsOf(set: number, clear: number): { set: number; clear: number } {
  if (((set | clear) & ~KNOWN) !== 0) return fail(EINVAL);
  const out = { set: translate(set), clear: translate(clear) };
  if ((clear & MOUNT_ATTR__ATIME) === 0) return (set & MOUNT_ATTR__ATIME) === 0 ? out : fail(EINVAL);
  if ((clear & MOUNT_ATTR__ATIME) !== MOUNT_ATTR__ATIME) return fail(EINVAL);
  out.clear |= MNT_ATIME_MASK & ~MNT_NODIRATIME;
  out.set |= ATIMES.get(set & MOUNT_ATTR__ATIME) ?? fail(EINVAL);
  return out;
}

function setattr(c: Ctx, dirfd: number, path: PathArg, flags: number, given: MountAttr | null, size: number): number {
  if ((flags & ~LOOKUP_FLAGS) !== 0) return fail(EINVAL);
  if (size > PAGE_SIZE) return fail(E2BIG);
  if (size < MOUNT_ATTR_SIZE_VER0) return fail(EINVAL);
  if (!mayMount(c)) return fail(EPERM);
  if (given === null) return fail(EFAULT);
  const attr = struct(given, "attr");
  const [attr_set, attr_clr, propagation] = (["attr_set", "attr_clr", "propagation"] as const).map((key) =>
    uint(attr[key] ?? 0, `attr.${key}`),
  );
  if (attr_set === 0 && attr_clr === 0 && propagation === 0) return 0;
  if ((propagation & ~TYPES) !== 0 || (propagation & (propagation - 1)) !== 0) return fail(EINVAL);
  const f = flagsOf(attr_set, attr_clr);
  if ((attr_clr & MOUNT_ATTR_IDMAP) !== 0) return fail(EINVAL);
  if ((attr_set & MOUNT_ATTR_IDMAP) !== 0) {
    c.k.vfs.fget(c.task, int(attr.userns_fd ?? -1, "attr.userns_fd"));
    return fail(EINVAL);
  }
  const { mnt, dentry } = lookupAt(c, dirfd, path, (flags & AT_SYMLINK_NOFOLLOW) === 0, (flags & AT_EMPTY_PATH) !== 0);
  if (dentry !== mnt.root) return fail(EINVAL);
  if (!isFloating(mnt)) checkMnt(c, mnt);
  const recurse = (flags & AT_RECURSIVE) !== 0;
  const mounts = recurse ? mountsBelow(mnt) : [mnt];
  const next = mounts.map((m) => ((m.flags & MNT_USER_SETTABLE & ~f.clear) | f.set) >>> 0);
  mounts.forEach((m, i) => {
    checkLockedFlags(m, next[i]);
    checkWriters(m, next[i]);
  });
  mounts.forEach((m, i) => {
    setMountFlags(c, m, next[i]);
  });
  if (propagation !== 0) c.k.vfs.propagation.changeType(c, mnt, propagation, recurse);
  return 0;
}

export const mountSetattrCalls: Impl<MountSetattrSys> = {
  mount_setattr: (c, dirfd, path, flags, attr, size = MOUNT_ATTR_SIZE_VER0) =>
    setattr(c, dirfd, path, uint(flags, "flags"), attr, whole(size, "size")),
};

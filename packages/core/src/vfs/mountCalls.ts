/**
 * mount(2), umount2(2), statfs(2).
 */
import { CAP_SYS_ADMIN } from "../abi/capability.js";
import { EAGAIN, EBUSY, EINVAL, ENODEV, ENOTDIR, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { AT_FDCWD } from "../abi/fcntl.js";
import {
  MNT_DETACH,
  MNT_EXPIRE,
  MNT_FORCE,
  MS_BIND,
  MS_DIRSYNC,
  MS_I_VERSION,
  MS_LAZYTIME,
  MS_MANDLOCK,
  MS_MGC_MSK,
  MS_MGC_VAL,
  MS_MOVE,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_NOUSER,
  MS_POSIXACL,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_SHARED,
  MS_SILENT,
  MS_SLAVE,
  MS_STRICTATIME,
  MS_SYNCHRONOUS,
  MS_UNBINDABLE,
  ST_MANDLOCK,
  ST_NOATIME,
  ST_NODEV,
  ST_NODIRATIME,
  ST_NOEXEC,
  ST_NOSUID,
  ST_NOSYMFOLLOW,
  ST_RDONLY,
  ST_RELATIME,
  ST_SYNCHRONOUS,
  ST_VALID,
  UMOUNT_NOFOLLOW,
} from "../abi/mount.js";
import type { Ctx } from "../kernel/ctx.js";
import type { Statfs } from "../sys/mountSys.js";
import { capable, nsCapable } from "../task/capable.js";
import type { Dentry } from "./dentry.js";

import type { FsStruct } from "./fsStruct.js";

import {
  MNT_ATIME_MASK,
  MNT_EXPIRY_MARK,
  MNT_LOCKED,
  MNT_NOATIME,
  MNT_NODEV,
  MNT_NODIRATIME,
  MNT_NOEXEC,
  MNT_NOSUID,
  MNT_NOSYMFOLLOW,
  MNT_READONLY,
  MNT_RELATIME,
  MNT_USER_SETTABLE,
  type Mount,
} from "./mount.js";
import {
  attachOrDrop,
  checkCopy,
  checkLockedFlags,
  checkMnt,
  checkMountpoint,
  checkWriters,
  copyOf,
  mayMount,
  moveTree,
  sameKind,
  setMountFlags,
} from "./mountOps.js";
import { checkBusy, newMount, topMount, touchNs, umountTree } from "./mountTree.js";
import { LOOKUP_FOLLOW, LOOKUP_MOUNTPOINT, userPath } from "./namei.js";

import { FS_INTERNAL, FS_USERNS_MOUNT, SB_NODEV, type SuperBlock } from "./superBlock.js";

const SB_FLAGS =
  MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_SILENT | MS_POSIXACL | MS_LAZYTIME | MS_I_VERSION;
const TYPE_FLAGS = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

/** A string argument of mount(2): null (not given) stays null. */
function textArg(v: unknown, name: string): string | null {
  if (v === null || v === undefined) return null;
  if (typeof v !== "string") throw new TypeError(`${name}: must be a string or null, not ${String(v)}`);
  const nul = v.indexOf("\0");
  return nul < 0 ? v : v.slice(0, nul);
}

function mountFlags(flags: number): number {
  let f = (flags & MS_NOATIME) === 0 ? MNT_RELATIME : 0;
  if ((flags & MS_NOSUID) !== 0) f |= MNT_NOSUID;
  if ((flags & MS_NODEV) !== 0) f |= MNT_NODEV;
  if ((flags & MS_NOEXEC) !== 0) f |= MNT_NOEXEC;
  if ((flags & MS_NOATIME) !== 0) f |= MNT_NOATIME;
  if ((flags & MS_NODIRATIME) !== 0) f |= MNT_NODIRATIME;
  if ((flags & MS_STRICTATIME) !== 0) f &= ~(MNT_RELATIME | MNT_NOATIME);
  if ((flags & MS_RDONLY) !== 0) f |= MNT_READONLY;
  if ((flags & MS_NOSYMFOLLOW) !== 0) f |= MNT_NOSYMFOLLOW;
  return f;
}

export function doMount(
  c: Ctx,
  sourceArg: unknown,
  target: unknown,
  typeArg: unknown,
  flagsArg: number,
  dataArg: unknown,
): number {
  const type = textArg(typeArg, "fstype");
  const source = textArg(sourceArg, "source");
  const data = textArg(dataArg, "data") ?? "";
  let flags = flagsArg;
  if ((flags & MS_MGC_MSK) >>> 0 === MS_MGC_VAL) flags &= ~MS_MGC_MSK;
  const { mnt, dentry } = userPath(c, AT_FDCWD, target, LOOKUP_FOLLOW);
  if ((flags & MS_NOUSER) !== 0) return fail(EINVAL);
  if (!mayMount(c)) return fail(EPERM);
  let mf = mountFlags(flags);
  if ((flags & MS_REMOUNT) !== 0 && (flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)) === 0)
    mf = (mf & ~MNT_ATIME_MASK) | (mnt.flags & MNT_ATIME_MASK);
  if ((flags & MS_REMOUNT) !== 0) {
    if ((flags & MS_BIND) !== 0) reconfigureMount(c, mnt, dentry, mf);
    else remount(c, mnt, dentry, flags & SB_FLAGS, mf, data);
    return 0;
  }
  // "." is a place below what has been mounted over it: what is attached goes on top
  const top = topMount(mnt, dentry);
  if ((flags & MS_BIND) !== 0) bind(c, source, top.mnt, top.dentry, (flags & MS_REC) !== 0);
  else if ((flags & TYPE_FLAGS) !== 0) changeType(c, mnt, dentry, flags);
  else if ((flags & MS_MOVE) !== 0) moveMount(c, source, top.mnt, top.dentry);
  else newFsMount(c, source, top.mnt, top.dentry, type, flags & SB_FLAGS, mf, data);
  return 0;
}

/** MS_REMOUNT|MS_BIND: the flags of one mount. */
function reconfigureMount(c: Ctx, m: Mount, dentry: Dentry, mf: number): void {
  checkMnt(c, m);
  if (dentry !== m.root) fail(EINVAL);
  checkLockedFlags(m, mf);
  checkWriters(m, mf);
  setMountFlags(c, m, mf);
}

/** MS_REMOUNT: options and flags of the superblock, and the flags of the mount. */
function remount(c: Ctx, m: Mount, dentry: Dentry, sbFlags: number, mf: number, data: string): void {
  checkMnt(c, m);
  if (dentry !== m.root) fail(EINVAL);
  checkLockedFlags(m, mf);
  const { sb } = m;
  if (!nsCapable(c.k, c.task, sb.userNs, CAP_SYS_ADMIN)) fail(EPERM);
  if ((sbFlags & MS_RDONLY) !== 0 && (sb.flags & MS_RDONLY) === 0) {
    for (const x of sb.mounts) if (x.writers > 0) fail(EBUSY);
  }
  sb.ops.remount?.(c, sb, data);
  const mask = MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_I_VERSION | MS_LAZYTIME;
  sb.flags = (sb.flags & ~mask) | (sbFlags & mask);
  setMountFlags(c, m, mf);
}

function bind(c: Ctx, source: string | null, parent: Mount, mountpoint: Dentry, recurse: boolean): void {
  if (source === null || source === "") return fail(EINVAL);
  const { vfs } = c.k;
  const { mnt: old, dentry: root } = userPath(c, AT_FDCWD, source, LOOKUP_FOLLOW);
  checkMountpoint(parent, mountpoint);
  checkMnt(c, parent);
  if (vfs.mayBind !== null && !vfs.mayBind(c, root)) return fail(EINVAL);
  checkCopy(c, old, root, recurse);
  sameKind(mountpoint, root, ENOTDIR);
  attachOrDrop(c, copyOf(c, old, root, recurse), parent, mountpoint);
}

function changeType(c: Ctx, m: Mount, dentry: Dentry, flags: number): void {
  if (dentry !== m.root) return fail(EINVAL);
  const type = flags & ~(MS_REC | MS_SILENT);
  // exactly one type, and nothing else
  if ((type & ~TYPE_FLAGS) !== 0 || (type & (type - 1)) !== 0) return fail(EINVAL);
  checkMnt(c, m);
  c.k.vfs.propagation.changeType(c, m, type, (flags & MS_REC) !== 0);
  if (m.ns !== null) touchNs(c.k.vfs, m.ns);
}

function moveMount(c: Ctx, source: string | null, parent: Mount, mountpoint: Dentry): void {
  if (source === null || source === "") return fail(EINVAL);
  const { mnt: m, dentry: root } = userPath(c, AT_FDCWD, source, LOOKUP_FOLLOW);
  moveTree(c, m, root, parent, mountpoint);
}

function newFsMount(
  c: Ctx,
  source: string | null,
  parent: Mount,
  mountpoint: Dentry,
  typeName: string | null,
  sbFlags: number,
  mf: number,
  data: string,
): void {
  if (typeName === null) return fail(EINVAL);
  const { vfs } = c.k;
  const type = vfs.types.get(typeName);
  if (type === undefined || (type.flags & FS_INTERNAL) !== 0) return fail(ENODEV);
  if ((type.flags & FS_USERNS_MOUNT) === 0) {
    if (!capable(c.k, c.task, CAP_SYS_ADMIN)) return fail(EPERM);
  } else if (!nsCapable(c.k, c.task, type.userNs?.(c.k, c.task) ?? c.task.cred.userNs, CAP_SYS_ADMIN))
    return fail(EPERM);
  const sb = type.mount(c, sbFlags, source ?? "none", data);
  if (sb.mounts.size === 0) {
    sb.flags |= sbFlags & ~MS_SILENT;
    if (sb.userNs !== c.k.tasks.initUserNs) sb.flags |= SB_NODEV;
  }
  const m = newMount(vfs, sb, type.rootOf?.(c, sb) ?? sb.root, source ?? "none");
  try {
    m.flags |= vfs.newMountFlags === null ? mf : vfs.newMountFlags(c, sb, mf);
    checkMountpoint(parent, mountpoint);
    checkMnt(c, parent);
    if (parent.sb === sb && mountpoint === parent.root) fail(EBUSY);
    sameKind(mountpoint, sb.root, ENOTDIR);
  } catch (e) {
    umountTree(vfs, m, true);
    throw e;
  }
  attachOrDrop(c, m, parent, mountpoint);
}

export function doUmount(c: Ctx, target: unknown, flags: number): number {
  if ((flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW)) !== 0) return fail(EINVAL);
  const { vfs } = c.k;
  const follow = (flags & UMOUNT_NOFOLLOW) === 0 ? LOOKUP_FOLLOW : 0;
  const { mnt: m, dentry } = userPath(c, AT_FDCWD, target, follow | LOOKUP_MOUNTPOINT);
  if (!mayMount(c)) return fail(EPERM);
  if (dentry !== m.root) return fail(EINVAL);
  checkMnt(c, m);
  if ((m.flags & MNT_LOCKED) !== 0) return fail(EINVAL);
  if ((flags & MNT_FORCE) !== 0 && !nsCapable(c.k, c.task, m.sb.userNs, CAP_SYS_ADMIN)) return fail(EPERM);
  const isRoot = m === (c.task.fs as FsStruct).rootMnt;
  if ((flags & MNT_EXPIRE) !== 0) {
    if (isRoot || (flags & (MNT_FORCE | MNT_DETACH)) !== 0) return fail(EINVAL);
    if (m.refs > 0) return fail(EBUSY);
    if ((m.flags & MNT_EXPIRY_MARK) === 0) {
      m.flags |= MNT_EXPIRY_MARK;
      return fail(EAGAIN);
    }
  }
  if ((flags & MNT_DETACH) === 0) {
    // the root stays: it only becomes read-only
    if (isRoot) {
      remount(c, m, m.root, MS_RDONLY, (m.flags & MNT_USER_SETTABLE) | MNT_READONLY, "");
      return 0;
    }
    checkBusy(vfs, m);
  }
  umountTree(vfs, m, (flags & MNT_DETACH) !== 0);
  return 0;
}

export function statfsOf(m: Mount, sb: SuperBlock): Statfs {
  const f = m.flags;
  const st: Statfs = {
    type: sb.magic,
    bsize: sb.blocksize,
    blocks: 0,
    bfree: 0,
    bavail: 0,
    files: 0,
    ffree: 0,
    fsid: [sb.dev, 0],
    namelen: 255,
    frsize: sb.blocksize,
    flags:
      ST_VALID |
      ((f & MNT_READONLY) !== 0 || (sb.flags & MS_RDONLY) !== 0 ? ST_RDONLY : 0) |
      ((f & MNT_NOSUID) !== 0 ? ST_NOSUID : 0) |
      ((f & MNT_NODEV) !== 0 ? ST_NODEV : 0) |
      ((f & MNT_NOEXEC) !== 0 ? ST_NOEXEC : 0) |
      ((f & MNT_NOATIME) !== 0 ? ST_NOATIME : 0) |
      ((f & MNT_NODIRATIME) !== 0 ? ST_NODIRATIME : 0) |
      ((f & MNT_RELATIME) !== 0 ? ST_RELATIME : 0) |
      ((f & MNT_NOSYMFOLLOW) !== 0 ? ST_NOSYMFOLLOW : 0) |
      ((sb.flags & MS_SYNCHRONOUS) !== 0 ? ST_SYNCHRONOUS : 0) |
      ((sb.flags & MS_MANDLOCK) !== 0 ? ST_MANDLOCK : 0),
  };
  sb.ops.statfs?.(sb, st);
  return st;
}

/** The calls of sys/fileSys.ts: arguments checked and handed to the files of vfs/ that do the work. */

import { CAP_SYS_CHROOT } from "../abi/capability.js";
import { EINVAL, ENOENT, EOPNOTSUPP, EPERM, ERANGE } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from "../abi/fcntl.js";
import { MFD_CLOEXEC } from "../abi/mman.js";
import { UTIME_OMIT } from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import { utf8Text } from "../lib/text.js";
import { int, list, struct, uint } from "../sys/args.js";
import type { FileSys, OpenHow, PathArg, Timespec } from "../sys/fileSys.js";
import { type Impl, WAIT, type Wait } from "../sys/types.js";
import { nsCapable } from "../task/capable.js";
import { doChmod, doChown, doUtimes, pathTruncate } from "./attr.js";
import type { Dentry } from "./dentry.js";
import { D_SYMLINK } from "./dentry.js";
import { doLink, doMkdir, doMknod, doRmdir, doSymlink, doUnlink } from "./dir.js";
import { isUnlinked, prependPath, REACHED_ROOT } from "./dpath.js";
import type { OpenFile } from "./file.js";
import type { FilesStruct } from "./filesStruct.js";
import { fget, fputSync, unusedFd } from "./fileTable.js";
import type { FsStruct } from "./fsStruct.js";
import { readNames } from "./getdents.js";
import type { Inode } from "./inode.js";
import { loffArg } from "./loff.js";
import { memfdArgs, memfdFile } from "./memfd.js";
import type { Mount } from "./mount.js";
import {
  LOOKUP_BENEATH,
  LOOKUP_DIRECTORY,
  LOOKUP_FOLLOW,
  LOOKUP_IN_ROOT,
  LOOKUP_NO_MAGICLINKS,
  LOOKUP_NO_SYMLINKS,
  LOOKUP_NO_XDEV,
  userPath,
} from "./namei.js";
import { pathOpenFor, sysOpen, VALID_OPEN_FLAGS } from "./open.js";
import { utf8Length } from "./pathArg.js";
import { inodePermission, MAY_CHDIR, MAY_EXEC } from "./perm.js";
import { dataArg, vfsRead, vfsWrite } from "./readWrite.js";
import { doRename } from "./rename.js";
import { accessAt, atPath, readlinkAt, statAt, statxAt } from "./stat.js";

function fsOf(c: Ctx): FsStruct {
  return c.task.fs as FsStruct;
}

/** Flags of open(2): those it does not know are ignored, and O_PATH takes none but a few. */
function open(c: Ctx, dirfd: number, path: PathArg, flags: number, mode: number | undefined): number | Wait {
  return sysOpen(
    c,
    dirfd,
    path,
    int(flags, "flags") & VALID_OPEN_FLAGS,
    mode === undefined ? 0 : uint(mode, "mode"),
    0,
  );
}

const RESOLVE: readonly [number, number][] = [
  [RESOLVE_NO_XDEV, LOOKUP_NO_XDEV],
  [RESOLVE_NO_MAGICLINKS, LOOKUP_NO_MAGICLINKS],
  [RESOLVE_NO_SYMLINKS, LOOKUP_NO_SYMLINKS | LOOKUP_NO_MAGICLINKS],
  [RESOLVE_BENEATH, LOOKUP_BENEATH],
  [RESOLVE_IN_ROOT, LOOKUP_IN_ROOT],
];

function openat2(c: Ctx, dirfd: number, path: PathArg, howArg: OpenHow): number | Wait {
  const how = struct(howArg, "how");
  const flags = int(how.flags, "how.flags");
  const mode = uint(how.mode ?? 0, "how.mode");
  const resolve = uint(how.resolve ?? 0, "how.resolve");
  if ((flags & ~VALID_OPEN_FLAGS) !== 0) return fail(EINVAL);
  if ((resolve & RESOLVE_BENEATH) !== 0 && (resolve & RESOLVE_IN_ROOT) !== 0) return fail(EINVAL);
  const creates = (flags & O_CREAT) !== 0 || (flags & (O_TMPFILE & ~O_DIRECTORY)) !== 0;
  if (creates ? (mode & ~0o7777) !== 0 : mode !== 0) return fail(EINVAL);
  if ((flags & O_PATH) !== 0 && (flags & ~(O_PATH | O_DIRECTORY | 0o400000 | 0o2000000)) !== 0) return fail(EINVAL);
  let lookup = 0;
  let known = RESOLVE_CACHED;
  for (const [r, l] of RESOLVE) {
    known |= r;
    if ((resolve & r) !== 0) lookup |= l;
  }
  if ((resolve & ~known) !== 0) return fail(EINVAL);
  return sysOpen(c, dirfd, path, flags, mode, lookup);
}

/** fchmodat2(2) */
function chmodAt(c: Ctx, dirfd: number, path: PathArg, mode: number, flags: number): number {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return fail(EINVAL);
  const { mnt, dentry } = atPath(c, dirfd, path, flags);
  if ((dentry.flags & D_SYMLINK) !== 0) return fail(EOPNOTSUPP);
  return doChmod(c, mnt, dentry, uint(mode, "mode"));
}

function chownAt(c: Ctx, dirfd: number, path: PathArg, uid: number, gid: number, flags: number): number {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return fail(EINVAL);
  const { mnt, dentry } = atPath(c, dirfd, path, flags);
  return doChown(c, mnt, dentry, int(uid, "uid"), int(gid, "gid"));
}

function utimensAt(
  c: Ctx,
  dirfd: number,
  path: PathArg,
  times: readonly [Timespec, Timespec] | null,
  flags: number,
): number {
  if (times !== null) for (const t of [0, 1]) struct(list(times, "times")[t] as object, "times[]");
  if (times !== null && times[0].nsec === UTIME_OMIT && times[1].nsec === UTIME_OMIT) return 0;
  if (path === null && dirfd !== AT_FDCWD) {
    if (flags !== 0) return fail(EINVAL);
    const f = fget(c.task, dirfd);
    return doUtimes(c, f.mnt, f.dentry, times);
  }
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return fail(EINVAL);
  const { mnt, dentry } = atPath(c, dirfd, path, flags);
  return doUtimes(c, mnt, dentry, times);
}

/** chdir, chroot: a directory one may search. */
function walkDir(c: Ctx, path: PathArg): { mnt: Mount; dentry: Dentry } {
  const { mnt, dentry } = userPath(c, AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY);
  inodePermission(c, dentry.inode as Inode, MAY_EXEC | MAY_CHDIR);
  return { mnt, dentry };
}

// --- conveniences that are no calls of Linux: open, work, close in one ---

interface WholeFrame {
  whole?: { file: OpenFile; parts: Uint8Array[]; pos: number };
}

/** Open for a convenience call, or go on with what is open. */
function wholeFile(c: Ctx, path: PathArg, flags: number, mode: number): NonNullable<WholeFrame["whole"]> | Wait {
  const fr = c.task.frame as WholeFrame | null;
  if (fr !== null && fr.whole !== undefined) return fr.whole;
  const file = pathOpenFor(c, AT_FDCWD, path, flags, mode);
  if (file === WAIT) return WAIT;
  return { file: file as OpenFile, parts: [], pos: 0 };
}

function keepWhole(c: Ctx, w: NonNullable<WholeFrame["whole"]>): Wait {
  c.frame<WholeFrame>(() => ({})).whole = w;
  return WAIT;
}

function endWhole(c: Ctx, w: NonNullable<WholeFrame["whole"]>): void {
  c.task.frame = null;
  if (c.k.hooks.fileClosed.on !== null) c.k.hooks.fileClosed.on(w.file, c.task);
  fputSync(c.k, w.file);
}

function readWhole(c: Ctx, path: PathArg): Uint8Array | Wait {
  const w = wholeFile(c, path, O_RDONLY, 0);
  if (w === WAIT) return WAIT;
  const st = w as NonNullable<WholeFrame["whole"]>;
  try {
    for (;;) {
      const left = st.file.inode.size - st.pos;
      const r = vfsRead(c, st.file, left > 0 && st.file.inode.mapping !== null ? left : 65536, st.pos, null);
      if (r === WAIT) return keepWhole(c, st);
      const bytes = r as Uint8Array;
      if (bytes.length === 0) break;
      st.parts.push(bytes);
      st.pos += bytes.length;
      if (st.file.inode.mapping !== null && st.pos >= st.file.inode.size) break;
    }
  } catch (e) {
    endWhole(c, st);
    throw e;
  }
  endWhole(c, st);
  const { parts } = st;
  if (parts.length === 1) return parts[0];
  const out = new Uint8Array(st.pos);
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

function writeWhole(c: Ctx, path: PathArg, data: Uint8Array | string, mode: number): number | Wait {
  const bytes = dataArg(data);
  const w = wholeFile(c, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  if (w === WAIT) return WAIT;
  const st = w as NonNullable<WholeFrame["whole"]>;
  let r: number | Wait;
  try {
    r = vfsWrite(c, st.file, bytes, st.pos);
    if (r === WAIT) return keepWhole(c, st);
  } catch (e) {
    endWhole(c, st);
    throw e;
  }
  endWhole(c, st);
  return r;
}

export const fileCalls: Impl<FileSys> = {
  open: (c, path, flags, mode) => open(c, AT_FDCWD, path, flags, mode),
  openat: (c, dirfd, path, flags, mode) => open(c, int(dirfd, "dirfd"), path, flags, mode),
  openat2: (c, dirfd, path, how) => openat2(c, int(dirfd, "dirfd"), path, how),
  creat: (c, path, mode) => open(c, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode),
  memfd_create(c, nameArg, flagsArg) {
    const flags = uint(flagsArg, "flags");
    const name = memfdArgs(nameArg, flags);
    const fd = unusedFd(c.task);
    (c.task.files as FilesStruct).install(fd, memfdFile(c, name, flags), (flags & MFD_CLOEXEC) !== 0);
    return fd;
  },

  mkdir: (c, path, mode) => doMkdir(c, AT_FDCWD, path, uint(mode, "mode")),
  mkdirat: (c, dirfd, path, mode) => doMkdir(c, int(dirfd, "dirfd"), path, uint(mode, "mode")),
  mknod: (c, path, mode, dev = 0) => doMknod(c, AT_FDCWD, path, uint(mode, "mode"), uint(dev, "dev")),
  mknodat: (c, dirfd, path, mode, dev = 0) =>
    doMknod(c, int(dirfd, "dirfd"), path, uint(mode, "mode"), uint(dev, "dev")),
  symlink: (c, target, path) => doSymlink(c, target, AT_FDCWD, path),
  symlinkat: (c, target, dirfd, path) => doSymlink(c, target, int(dirfd, "dirfd"), path),
  link: (c, oldpath, newpath) => doLink(c, AT_FDCWD, oldpath, AT_FDCWD, newpath, 0),
  linkat: (c, olddirfd, oldpath, newdirfd, newpath, flags) =>
    doLink(c, int(olddirfd, "olddirfd"), oldpath, int(newdirfd, "newdirfd"), newpath, int(flags, "flags")),
  unlink: (c, path) => doUnlink(c, AT_FDCWD, path),
  unlinkat(c, dirfd, path, flagsArg) {
    const flags = int(flagsArg, "flags");
    if ((flags & ~AT_REMOVEDIR) !== 0) return fail(EINVAL);
    return flags !== 0 ? doRmdir(c, int(dirfd, "dirfd"), path) : doUnlink(c, int(dirfd, "dirfd"), path);
  },
  rmdir: (c, path) => doRmdir(c, AT_FDCWD, path),
  rename: (c, oldpath, newpath) => doRename(c, AT_FDCWD, oldpath, AT_FDCWD, newpath, 0),
  renameat: (c, olddirfd, oldpath, newdirfd, newpath) =>
    doRename(c, int(olddirfd, "olddirfd"), oldpath, int(newdirfd, "newdirfd"), newpath, 0),
  renameat2: (c, olddirfd, oldpath, newdirfd, newpath, flags) =>
    doRename(c, int(olddirfd, "olddirfd"), oldpath, int(newdirfd, "newdirfd"), newpath, int(flags, "flags")),
  readlink: (c, path, size = 4096) => readlinkAt(c, AT_FDCWD, path, int(size, "size"), false),
  readlinkat: (c, dirfd, path, size = 4096) => readlinkAt(c, int(dirfd, "dirfd"), path, int(size, "size"), true),

  stat: (c, path) => statAt(c, AT_FDCWD, path, 0),
  lstat: (c, path) => statAt(c, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW),
  newfstatat: (c, dirfd, path, flags) => statAt(c, int(dirfd, "dirfd"), path, int(flags, "flags")),
  statx: (c, dirfd, path, flags, mask) =>
    statxAt(c, int(dirfd, "dirfd"), path, int(flags, "flags"), uint(mask, "mask")),
  access: (c, path, mode) => accessAt(c, AT_FDCWD, path, int(mode, "mode"), 0),
  faccessat: (c, dirfd, path, mode) => accessAt(c, int(dirfd, "dirfd"), path, int(mode, "mode"), 0),
  faccessat2: (c, dirfd, path, mode, flags) =>
    accessAt(c, int(dirfd, "dirfd"), path, int(mode, "mode"), int(flags, "flags")),
  chmod: (c, path, mode) => chmodAt(c, AT_FDCWD, path, mode, 0),
  fchmodat: (c, dirfd, path, mode) => chmodAt(c, int(dirfd, "dirfd"), path, mode, 0),
  fchmodat2: (c, dirfd, path, mode, flags) => chmodAt(c, int(dirfd, "dirfd"), path, mode, int(flags, "flags")),
  chown: (c, path, uid, gid) => chownAt(c, AT_FDCWD, path, uid, gid, 0),
  lchown: (c, path, uid, gid) => chownAt(c, AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW),
  fchownat: (c, dirfd, path, uid, gid, flags) => chownAt(c, int(dirfd, "dirfd"), path, uid, gid, int(flags, "flags")),
  utimensat: (c, dirfd, path, times, flags = 0) =>
    utimensAt(c, int(dirfd, "dirfd"), path, times ?? null, int(flags, "flags")),
  truncate(c, path, lengthArg) {
    const length = loffArg(lengthArg, "length");
    if (length < 0) return fail(EINVAL);
    const { mnt, dentry } = userPath(c, AT_FDCWD, path, LOOKUP_FOLLOW);
    return pathTruncate(c, mnt, dentry, length);
  },

  getcwd(c, size = 4096) {
    const fs = fsOf(c);
    if (isUnlinked(fs.pwdDentry)) return fail(ENOENT);
    const { text, how } = prependPath(fs.pwdMnt, fs.pwdDentry, fs.rootMnt, fs.rootDentry);
    const path = how === REACHED_ROOT ? text : `(unreachable)${text}`;
    return utf8Length(path) + 1 > size ? fail(ERANGE) : path;
  },
  chdir(c, path) {
    const { mnt, dentry } = walkDir(c, path);
    c.k.vfs.setPwd(fsOf(c), mnt, dentry);
    return 0;
  },
  chroot(c, path) {
    const { mnt, dentry } = walkDir(c, path);
    if (!nsCapable(c.k, c.task, c.task.cred.userNs, CAP_SYS_CHROOT)) return fail(EPERM);
    c.k.vfs.setRoot(fsOf(c), mnt, dentry);
    return 0;
  },
  umask(c, mask) {
    const fs = fsOf(c);
    const old = fs.umask;
    fs.umask = uint(mask, "mask") & 0o777;
    return old;
  },

  readFile: (c, path) => readWhole(c, path),
  readText(c, path) {
    const r = readWhole(c, path);
    return r === WAIT ? WAIT : utf8Text(r as Uint8Array);
  },
  writeFile: (c, path, data, mode = 0o666) => writeWhole(c, path, data, uint(mode, "mode")),
  readdir(c, path) {
    const w = wholeFile(c, path, O_RDONLY | O_DIRECTORY, 0);
    if (w === WAIT) return WAIT;
    const st = w as NonNullable<WholeFrame["whole"]>;
    try {
      return readNames(c, st.file);
    } finally {
      endWhole(c, st);
    }
  },
};

/** The calls of sys/fdSys.ts and sys/mountSys.ts. */
import { EBADF, EINVAL, ENODEV, ENOTDIR, EOPNOTSUPP, EPERM, ESPIPE, ETXTBSY } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import {
  AT_FDCWD,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_WRITE_ZEROES,
  FALLOC_FL_ZERO_RANGE,
  O_CLOEXEC,
  O_DIRECT,
  O_NONBLOCK,
} from "../abi/fcntl.js";
import { S_IFDIR, S_IFIFO, S_IFMT, S_IFREG } from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import { int, list, struct, uint } from "../sys/args.js";
import type { DataArg, FdSys } from "../sys/fdSys.js";
import type { Loff } from "../sys/fileSys.js";
import type { MountSys } from "../sys/mountSys.js";
import { type Impl, WAIT, type Wait } from "../sys/types.js";
import { doChmod, doChown, doTruncate } from "./attr.js";
import { doFadvise } from "./fadvise.js";
import { doCloseRange, doDup, doDup3, doFcntl, doIoctl } from "./fcntl.js";
import { FMODE_WRITE, type OpenFile } from "./file.js";
import type { FilesStruct } from "./filesStruct.js";
import { closeFd, fget, fgetRaw, unusedFd } from "./fileTable.js";
import type { FsStruct } from "./fsStruct.js";
import { getdents } from "./getdents.js";
import { onFile } from "./heldFile.js";
import { type Inode, S_APPEND, S_IMMUTABLE, S_SWAPFILE } from "./inode.js";
import { loffAdd, loffArg, loffHigh } from "./loff.js";
import { doMount, doUmount, statfsOf } from "./mountCalls.js";
import { LOOKUP_FOLLOW, userPath } from "./namei.js";
import { inodePermission, MAY_CHDIR, MAY_EXEC } from "./perm.js";
import { createPipe } from "./pipe.js";
import {
  dataArg,
  sysCopyFileRange,
  sysLseek,
  sysPread,
  sysPwrite,
  sysRead,
  sysSendfile,
  sysWrite,
} from "./readWrite.js";
import { doVmsplice, type Iovec } from "./splice.js";
import { statInode } from "./stat.js";

const IOV_MAX = 1024;

function pipe2(c: Ctx, flags: number): [number, number] {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) !== 0) return fail(EINVAL);
  const files = c.task.files as FilesStruct;
  const cloexec = (flags & O_CLOEXEC) !== 0;
  const r = unusedFd(c.task);
  const w = unusedFd(c.task, r + 1);
  const [rf, wf] = createPipe(c, flags);
  files.install(r, rf, cloexec);
  files.install(w, wf, cloexec);
  return [r, w];
}

function ftruncate(c: Ctx, file: OpenFile, length: Loff): number | Wait {
  const { inode } = file;
  if ((inode.mode & S_IFMT) !== S_IFREG || (file.mode & FMODE_WRITE) === 0) return fail(EINVAL);
  if ((inode.flags & S_APPEND) !== 0) return fail(EPERM);
  return doTruncate(c, file.dentry, length, false) === WAIT ? WAIT : 0;
}

/** Modes that stand alone, apart from KEEP_SIZE where it is allowed. */
function fallocMode(mode: number): boolean {
  switch (mode & ~FALLOC_FL_KEEP_SIZE) {
    case 0:
    case FALLOC_FL_UNSHARE_RANGE:
    case FALLOC_FL_ZERO_RANGE:
      return true;
    case FALLOC_FL_PUNCH_HOLE:
      return (mode & FALLOC_FL_KEEP_SIZE) !== 0;
    case FALLOC_FL_COLLAPSE_RANGE:
    case FALLOC_FL_INSERT_RANGE:
    case FALLOC_FL_WRITE_ZEROES:
      return (mode & FALLOC_FL_KEEP_SIZE) === 0;
    default:
      return false;
  }
}

function fallocate(c: Ctx, file: OpenFile, mode: number, offset: Loff, length: Loff): number | Wait {
  // a file system's own design may know more bits
  if (!fallocMode(mode & ~c.k.vfs.fallocExtra)) return fail(EOPNOTSUPP);
  if ((file.mode & FMODE_WRITE) === 0) return fail(EBADF);
  const { inode } = file;
  if ((mode & ~FALLOC_FL_KEEP_SIZE) !== 0 && (inode.flags & S_APPEND) !== 0) return fail(EPERM);
  if ((inode.flags & S_IMMUTABLE) !== 0) return fail(EPERM);
  if ((inode.flags & S_SWAPFILE) !== 0) return fail(ETXTBSY);
  const type = inode.mode & S_IFMT;
  if (type === S_IFIFO) return fail(ESPIPE);
  if (type === S_IFDIR) return fail(21);
  if (type !== S_IFREG) return fail(ENODEV);
  const end = loffAdd(offset, length);
  if (end > inode.sb.maxBytes || end > 0x7fffffffffffffffn) return fail(27);
  if (file.ops.fallocate === null) return fail(EOPNOTSUPP);
  return file.ops.fallocate(c, file, mode, loffHigh(offset), loffHigh(length)) === WAIT ? WAIT : 0;
}

function fsync(c: Ctx, fd: number, datasync: boolean): number | Wait {
  return onFile(c, int(fd, "fd"), (file) => {
    if (file.ops.fsync === null) return fail(EINVAL);
    return file.ops.fsync(c, file, 0, Number.POSITIVE_INFINITY, datasync) === WAIT ? WAIT : 0;
  });
}

/** Pieces of writev(2) as one. */
function gather(data: readonly DataArg[]): Uint8Array {
  const parts = list(data, "data").map(dataArg);
  if (parts.length > IOV_MAX) return fail(EINVAL);
  let n = 0;
  for (const p of parts) n += p.length;
  const out = new Uint8Array(n);
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

export const fdCalls: Impl<FdSys> = {
  read: (c, fd, count, buf) => sysRead(c, int(fd, "fd"), count, buf),
  pread64: (c, fd, count, offset, buf) => sysPread(c, int(fd, "fd"), count, loffArg(offset, "offset"), buf),
  readv(c, fd, countsArg) {
    const counts = list(countsArg, "counts").map((n) => int(n, "counts"));
    if (counts.length > IOV_MAX || counts.some((n) => n < 0)) return fail(EINVAL);
    const r = sysRead(
      c,
      int(fd, "fd"),
      counts.reduce((a, b) => a + b, 0),
      undefined,
    );
    if (r === WAIT) return WAIT;
    const all = r as Uint8Array;
    let at = 0;
    return counts.map((n) => {
      const part = all.subarray(at, at + n);
      at += n;
      return part;
    });
  },
  write: (c, fd, data) => sysWrite(c, int(fd, "fd"), data),
  pwrite64: (c, fd, data, offset) => sysPwrite(c, int(fd, "fd"), data, loffArg(offset, "offset")),
  writev: (c, fd, data) => sysWrite(c, int(fd, "fd"), gather(data)),
  vmsplice: (c, fd, iov, flags) =>
    doVmsplice(
      c,
      int(fd, "fd"),
      list(iov, "iov").map((v) => struct(v as Iovec, "iov")),
      uint(flags, "flags"),
    ),
  lseek: (c, fd, offset, whence) => sysLseek(c, int(fd, "fd"), loffArg(offset, "offset"), int(whence, "whence")),
  sendfile: (c, outfd, infd, offset, count) =>
    sysSendfile(c, int(outfd, "outfd"), int(infd, "infd"), offset === null ? null : loffArg(offset, "offset"), count),
  copy_file_range: (c, infd, inoff, outfd, outoff, length, flags) =>
    sysCopyFileRange(
      c,
      int(infd, "infd"),
      inoff === null ? null : loffArg(inoff, "inoffset"),
      int(outfd, "outfd"),
      outoff === null ? null : loffArg(outoff, "outoffset"),
      loffArg(length, "length"),
      uint(flags, "flags"),
    ),

  close(c, fd) {
    closeFd(c.k, c.task, int(fd, "fd"));
    return 0;
  },
  close_range: (c, first, last, flags) =>
    doCloseRange(c, uint(first, "first"), uint(last, "last"), uint(flags, "flags")),
  dup: (c, fd) => doDup(c, int(fd, "fd")),
  dup2(c, oldArg, newArg) {
    const oldfd = int(oldArg, "oldfd");
    const newfd = int(newArg, "newfd");
    if (oldfd === newfd) {
      fgetRaw(c.task, oldfd);
      return newfd;
    }
    return doDup3(c, oldfd, newfd, false);
  },
  dup3(c, oldArg, newArg, flagsArg) {
    const flags = int(flagsArg, "flags");
    const oldfd = int(oldArg, "oldfd");
    const newfd = int(newArg, "newfd");
    if ((flags & ~O_CLOEXEC) !== 0 || oldfd === newfd) return fail(EINVAL);
    return doDup3(c, oldfd, newfd, (flags & O_CLOEXEC) !== 0);
  },
  fcntl: (c, fd, cmd, arg = 0) => doFcntl(c, int(fd, "fd"), int(cmd, "cmd"), int(arg, "arg")),
  ioctl: (c, fd, request, arg) => doIoctl(c, int(fd, "fd"), uint(request, "request"), arg),

  pipe: (c) => pipe2(c, 0),
  pipe2: (c, flags) => pipe2(c, int(flags, "flags")),

  getdents64: (c, fd, count = 32768) => getdents(c, fget(c.task, int(fd, "fd")), uint(count, "count")),
  fstat: (c, fd) => statInode(c, fgetRaw(c.task, int(fd, "fd")).inode),
  fchmod(c, fd, mode) {
    const f = fget(c.task, int(fd, "fd"));
    return doChmod(c, f.mnt, f.dentry, uint(mode, "mode"));
  },
  fchown(c, fd, uid, gid) {
    const f = fget(c.task, int(fd, "fd"));
    return doChown(c, f.mnt, f.dentry, int(uid, "uid"), int(gid, "gid"));
  },
  fchdir(c, fd) {
    const f = fgetRaw(c.task, int(fd, "fd"));
    if ((f.inode.mode & S_IFMT) !== S_IFDIR) return fail(ENOTDIR);
    inodePermission(c, f.inode, MAY_EXEC | MAY_CHDIR);
    c.k.vfs.setPwd(c.task.fs as FsStruct, f.mnt, f.dentry);
    return 0;
  },
  ftruncate(c, fd, lengthArg) {
    const length = loffArg(lengthArg, "length");
    if (length < 0) return fail(EINVAL);
    return onFile(c, int(fd, "fd"), (file) => ftruncate(c, file, length));
  },
  fadvise64(c, fd, offsetArg, lengthArg, advice) {
    const offset = loffHigh(loffArg(offsetArg, "offset"));
    const length = loffHigh(loffArg(lengthArg, "length"));
    return doFadvise(c, fget(c.task, int(fd, "fd")), offset, length, int(advice, "advice"));
  },
  fallocate(c, fd, mode, offsetArg, lengthArg) {
    const offset = loffArg(offsetArg, "offset");
    const length = loffArg(lengthArg, "length");
    return onFile(c, int(fd, "fd"), (file) => {
      if (offset < 0 || length <= 0) return fail(EINVAL);
      return fallocate(c, file, int(mode, "mode"), offset, length);
    });
  },
  fsync: (c, fd) => fsync(c, fd, false),
  fdatasync: (c, fd) => fsync(c, fd, true),
  sync: () => 0,
  syncfs(c, fd) {
    fget(c.task, int(fd, "fd"));
    return 0;
  },
};

export const mountCalls: Impl<MountSys> = {
  mount: (c, source, target, fstype, flags, data) => doMount(c, source, target, fstype, uint(flags, "flags"), data),
  umount2: (c, target, flags) => doUmount(c, target, int(flags, "flags")),
  statfs(c, path) {
    const { mnt, dentry } = userPath(c, AT_FDCWD, path, LOOKUP_FOLLOW);
    return statfsOf(mnt, (dentry.inode as Inode).sb);
  },
  fstatfs(c, fd) {
    const f = fgetRaw(c.task, int(fd, "fd"));
    return statfsOf(f.mnt, f.inode.sb);
  },
};

/**
 * Descriptors as such: dup(2), fcntl(2), close_range(2), ioctl(2) requests that all files have.
 */
import { CAP_LINUX_IMMUTABLE } from "../abi/capability.js";
import { EBADF, EBUSY, EINVAL, ENOTTY, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import {
  CLOSE_RANGE_CLOEXEC,
  CLOSE_RANGE_UNSHARE,
  F_ADD_SEALS,
  F_CREATED_QUERY,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_DUPFD_QUERY,
  F_GET_SEALS,
  F_GETFD,
  F_GETFL,
  F_GETPIPE_SZ,
  F_SETFD,
  F_SETFL,
  F_SETPIPE_SZ,
  FD_CLOEXEC,
  O_APPEND,
  O_ASYNC,
  O_DIRECT,
  O_NOATIME,
  O_NONBLOCK,
} from "../abi/fcntl.js";
import {
  FIOASYNC,
  FIOCLEX,
  FIONBIO,
  FIONCLEX,
  FIONREAD,
  FS_APPEND_FL,
  FS_IMMUTABLE_FL,
  FS_IOC_GETFLAGS,
  FS_IOC_SETFLAGS,
  FS_NOATIME_FL,
  FS_SYNC_FL,
} from "../abi/ioctl.js";
import { RLIMIT_NOFILE } from "../abi/resource.js";
import {
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
} from "../abi/seals.js";
import { S_IFDIR, S_IFIFO, S_IFMT, S_IFREG } from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import type { AddressSpace } from "../mm/addressSpace.js";
import type { MmSystem } from "../mm/mmSystem.js";
import { VM_MAYWRITE, VM_SHARED } from "../mm/vma.js";
import type { Wait } from "../sys/types.js";
import { capable } from "../task/capable.js";
import { rlimit } from "../task/rlimits.js";
import { TASK_KILLABLE } from "../task/task.js";
import { FMODE_CREATED, FMODE_PATH, FMODE_WRITE, type OpenFile } from "./file.js";
import type { FilesStruct } from "./filesStruct.js";
import { dupFiles, fget, fgetRaw, filpClose, fput, fputSync, getFile, unusedFd } from "./fileTable.js";
import { S_APPEND, S_IMMUTABLE, S_NOATIME, S_SYNC } from "./inode.js";
import { changedAttr } from "./inodeTime.js";
import { mntWantWrite } from "./openPerm.js";
import { inodeOwnerOrCapable } from "./perm.js";
import { pipeOf } from "./pipe.js";
import { setPipeSize } from "./pipeLimits.js";
import { sealsOf } from "./regularFile.js";

function filesOf(c: Ctx): FilesStruct {
  return c.task.files as FilesStruct;
}

export function doDup(c: Ctx, fd: number): number {
  const f = fgetRaw(c.task, fd);
  const to = unusedFd(c.task);
  filesOf(c).install(to, getFile(f), false);
  return to;
}

/** Make `newfd` refer to the description of `oldfd`. EBADF. */
export function doDup3(c: Ctx, oldfd: number, newfd: number, cloexec: boolean): number {
  if (newfd < 0 || newfd >= rlimit(c.task, RLIMIT_NOFILE)) return fail(EBADF);
  const f = fgetRaw(c.task, oldfd);
  const files = filesOf(c);
  const old = files.remove(newfd);
  files.install(newfd, getFile(f), cloexec);
  if (old !== null) {
    filpClose(c.k, c.task, old);
    fputSync(c.k, old);
  }
  return newfd;
}

/** The flags F_SETFL can change; O_ASYNC only where there is something to signal. */
const SETFL_MASK = O_APPEND | O_NONBLOCK | O_NOATIME | O_DIRECT;

function setfl(c: Ctx, file: OpenFile, arg: number): number {
  const { inode } = file;
  // append-only files stay so
  if ((inode.flags & S_APPEND) !== 0 && ((arg ^ file.flags) & O_APPEND) !== 0) return fail(EPERM);
  if ((arg & O_NOATIME) !== 0 && (file.flags & O_NOATIME) === 0 && !inodeOwnerOrCapable(c, inode)) return fail(EPERM);
  const type = inode.mode & S_IFMT;
  if ((arg & O_DIRECT) !== 0 && type !== S_IFIFO && type !== S_IFREG) return fail(EINVAL);
  const mask = type === S_IFIFO ? SETFL_MASK | O_ASYNC : SETFL_MASK;
  file.flags = (file.flags & ~mask) | (arg & mask);
  return 0;
}

export function doFcntl(c: Ctx, fd: number, cmd: number, arg: number): number | Wait {
  const file = fgetRaw(c.task, fd);
  const files = filesOf(c);
  if (
    (file.mode & FMODE_PATH) !== 0 &&
    ![F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_QUERY, F_CREATED_QUERY].includes(cmd)
  )
    return fail(EBADF);
  switch (cmd) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC: {
      if (arg < 0 || arg >= rlimit(c.task, RLIMIT_NOFILE)) return fail(EINVAL);
      const to = unusedFd(c.task, arg);
      files.install(to, getFile(file), cmd === F_DUPFD_CLOEXEC);
      return to;
    }
    case F_GETFD:
      return files.isCloexec(fd) ? FD_CLOEXEC : 0;
    case F_SETFD:
      files.setCloexec(fd, (arg & FD_CLOEXEC) !== 0);
      return 0;
    case F_GETFL:
      return file.flags;
    case F_SETFL:
      return setfl(c, file, arg);
    case F_DUPFD_QUERY:
      return fgetRaw(c.task, arg) === file ? 1 : 0;
    case F_CREATED_QUERY:
      return (file.mode & FMODE_CREATED) !== 0 ? 1 : 0;
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ: {
      const p = pipeOf(file);
      if (p === null) return fail(EBADF);
      return cmd === F_GETPIPE_SZ ? p.slots * 4096 : setPipeSize(c, p, arg);
    }
    case F_GET_SEALS:
      return sealed(file) ? sealsOf(file.inode) : isShmem(file) ? F_SEAL_SEAL : fail(EINVAL);
    case F_ADD_SEALS:
      return addSeals(c, file, arg);
    default:
      return fail(EINVAL);
  }
}

const isShmem = (f: OpenFile): boolean => f.inode.mapping !== null && f.inode.mapping.aOps.swapBacked === true;
/** Made by memfd_create(2): it has seals of its own. */
const sealed = (f: OpenFile): boolean => isShmem(f) && f.inode.data !== null;

const F_ALL_SEALS = 0x3f;

/** Does anybody but the cache and mappings use a page (a pipe it was lent to)? */
function pinned(m: MmSystem, mapping: AddressSpace): boolean {
  const { refcount, mapcount } = m.frames;
  for (let i = mapping.nextPage(0); i >= 0; i = mapping.nextPage(i + 1)) {
    const pfn = mapping.lookup(i);
    if (refcount[pfn] > mapcount[pfn] + 1) return true;
  }
  return false;
}

/** Looks for pages that others use before F_SEAL_WRITE gives up; the ticks between two: HZ/100, HZ/50, HZ/25, HZ/12.5. */
const LAST_SCAN = 4;

/** F_ADD_SEALS. EPERM, EINVAL, EBUSY: it is mapped writable, or its pages stay in use elsewhere. */
function addSeals(c: Ctx, file: OpenFile, arg: number): number | Wait {
  const { inode } = file;
  if ((file.mode & FMODE_WRITE) === 0) return fail(EPERM);
  if ((arg & ~F_ALL_SEALS) !== 0) return fail(EINVAL);
  if (!isShmem(file)) return fail(EINVAL);
  const old = sealed(file) ? sealsOf(inode) : F_SEAL_SEAL;
  if ((old & F_SEAL_SEAL) !== 0) return fail(EPERM);
  let seals = arg;
  // what may be run must not change
  if ((seals & F_SEAL_EXEC) !== 0 && (inode.mode & 0o111) !== 0)
    seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
  if ((seals & F_SEAL_WRITE) !== 0 && (old & F_SEAL_WRITE) === 0) {
    const mapping = inode.mapping as AddressSpace;
    if (mapping.iMmapWritable > 0 || (mapping.iMmap ?? []).some((v) => (v.flags & SHARED_MAYWRITE) === SHARED_MAYWRITE))
      return fail(EBUSY);
    const f = c.part("addSeals", () => ({ scan: 0, until: 0 }));
    while (pinned(c.k.mm, mapping)) {
      if (c.now < f.until) return c.sleep(null, f.until, TASK_KILLABLE);
      if (++f.scan > LAST_SCAN) {
        c.endPart("addSeals");
        return fail(EBUSY);
      }
      const { time } = c.k;
      f.until = time.tickTime(time.ticks + Math.floor((time.hz * 2 ** f.scan) / 200) + 1);
    }
    c.endPart("addSeals");
  }
  (inode.data as { seals: number }).seals = old | seals;
  return 0;
}

const SHARED_MAYWRITE = VM_SHARED | VM_MAYWRITE;

export function doCloseRange(c: Ctx, first: number, last: number, flags: number): number {
  if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) !== 0) return fail(EINVAL);
  if (first > last) return fail(EINVAL);
  const { task } = c;
  let files = filesOf(c);
  if ((flags & CLOSE_RANGE_UNSHARE) !== 0 && files.refs > 1) {
    const own = dupFiles(files);
    files.refs--;
    task.files = own;
    files = own;
  }
  const end = Math.min(last, files.fds.length - 1);
  for (let fd = first; fd <= end; fd++) {
    if (files.get(fd) === null) continue;
    if ((flags & CLOSE_RANGE_CLOEXEC) !== 0) {
      files.setCloexec(fd, true);
      continue;
    }
    const f = files.remove(fd) as OpenFile;
    filpClose(c.k, task, f);
    fput(c.k, f);
  }
  return 0;
}

/** An int that ioctl reads or sets. */
function intOf(arg: unknown): number {
  return typeof arg === "number" ? arg : 0;
}

export function doIoctl(c: Ctx, fd: number, request: number, arg: unknown): unknown {
  const file = fget(c.task, fd);
  const files = filesOf(c);
  switch (request) {
    case FIOCLEX:
      files.setCloexec(fd, true);
      return 0;
    case FIONCLEX:
      files.setCloexec(fd, false);
      return 0;
    case FIONBIO:
      file.flags = intOf(arg) !== 0 ? file.flags | O_NONBLOCK : file.flags & ~O_NONBLOCK;
      return 0;
    case FIOASYNC:
      return intOf(arg) !== 0 ? fail(ENOTTY) : 0;
    case FS_IOC_GETFLAGS:
    case FS_IOC_SETFLAGS:
      if (file.inode.sb.fileattr) return inodeFlags(c, file, request, intOf(arg));
      break;
    case FIONREAD:
      if ((file.inode.mode & S_IFMT) === S_IFREG) return file.inode.size - file.pos;
      break;
  }
  return file.ops.ioctl === null ? fail(ENOTTY) : file.ops.ioctl(c, file, request, arg);
}

const FLAG_PAIRS: readonly [number, number][] = [
  [FS_SYNC_FL, S_SYNC],
  [FS_IMMUTABLE_FL, S_IMMUTABLE],
  [FS_APPEND_FL, S_APPEND],
  [FS_NOATIME_FL, S_NOATIME],
];

/** chattr(1): FS_IOC_GETFLAGS and FS_IOC_SETFLAGS. EACCES, EPERM. */
function inodeFlags(c: Ctx, file: OpenFile, request: number, arg: number): number {
  const { inode } = file;
  let now = 0;
  for (const [fl, s] of FLAG_PAIRS) if ((inode.flags & s) !== 0) now |= fl;
  if (request === FS_IOC_GETFLAGS) return now;
  mntWantWrite(file.mnt);
  if (!inodeOwnerOrCapable(c, inode)) return fail(EPERM);
  if (((arg ^ now) & (FS_IMMUTABLE_FL | FS_APPEND_FL)) !== 0 && !capable(c.k, c.task, CAP_LINUX_IMMUTABLE))
    return fail(EPERM);
  const type = inode.mode & S_IFMT;
  if (type !== S_IFREG && type !== S_IFDIR) return fail(ENOTTY);
  for (const [fl, s] of FLAG_PAIRS) inode.flags = (arg & fl) !== 0 ? inode.flags | s : inode.flags & ~s;
  changedAttr(inode);
  return 0;
}

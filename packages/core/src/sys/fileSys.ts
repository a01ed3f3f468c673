/**
 * System calls that name files by path, and what is shown and changed about them. open(2), path_resolution(7), stat(2),
 * chmod(2), chown(2), utimensat(2), mkdir(2), mknod(2), link(2), symlink(2), unlink(2), rename(2), truncate(2), chroot(2).
 *
 * Every path may fail with: ENOENT (empty, or a component is missing), ENAMETOOLONG (path of 4096 bytes or more, name above
 * 255), EBADF and ENOTDIR (`dirfd`, of a relative path only), ENOTDIR, EACCES (search permission), ELOOP (more than 40
 * links). `null` as a path is a bad address: EFAULT. A path is cut at its first NUL. Modes are masked to 07777; ids of -1 mean
 * no change. Errors are listed in the order in which they are checked.
 */
import type { Ret, SysBase } from "./types.js";

/** A path argument; null is a bad address (EFAULT). */
export type PathArg = string | null;
/** 64-bit argument or result: a number where that is exact, else a bigint. */
export type Loff = number | bigint;

/** `struct stat`. Times are seconds since 1970 and the ns within the second. */
export interface Stat {
  dev: number;
  ino: number;
  /** File type and permissions. */
  mode: number;
  nlink: number;
  /** Owner and group as the caller's user namespace sees them. */
  uid: number;
  gid: number;
  rdev: number;
  /** Bytes. */
  size: Loff;
  blksize: number;
  /** Units of 512 bytes. */
  blocks: number;
  atime: number;
  atime_nsec: number;
  mtime: number;
  mtime_nsec: number;
  ctime: number;
  ctime_nsec: number;
}

/** `struct statx`: the fields of stat, and those that only statx(2) has. */
export interface Statx extends Stat {
  /** STATX_ bits of the fields that are filled. */
  mask: number;
  /** STATX_ATTR_ bits, and which of them the file system knows. */
  attributes: number;
  attributes_mask: number;
  btime: number;
  btime_nsec: number;
  mnt_id: number;
}

/** A time for utimensat(2). nsec may be UTIME_NOW or UTIME_OMIT. */
export interface Timespec {
  sec: number;
  nsec: number;
}

/** Argument of openat2(2). `struct open_how`. */
export interface OpenHow {
  flags: number;
  mode?: number;
  /** RESOLVE_ bits. */
  resolve?: number;
}

/** Directory entry of getdents64(2). `struct linux_dirent64`. */
export interface Dirent {
  ino: number;
  /** Where the next entry is: a position for lseek. */
  off: number;
  /** DT_ value: file type bits of the mode >> 12. */
  type: number;
  name: string;
}

export interface FileSys extends SysBase {
  /**
   * open(2): returns a descriptor, the lowest free one.
   * EINVAL O_CREAT with O_DIRECTORY, O_TMPFILE without write; empty or too long path; EMFILE; ENFILE; the walk.
   * Missing: ENOENT (no O_CREAT), EISDIR (trailing slash), EROFS, EACCES (parent). Existing: EEXIST (O_EXCL), EISDIR,
   * ENOTDIR (O_DIRECTORY), ELOOP (link with O_NOFOLLOW), EROFS (O_TRUNC), EACCES, EPERM (append-only, O_NOATIME),
   * ETXTBSY, EROFS, ENXIO (no driver; FIFO without reader). Sleeps on FIFOs.
   */
  open(path: PathArg, flags: number, mode?: number): Ret<this["mode"], number>;
  /** openat(2): as open, relative to the directory `dirfd`. */
  openat(dirfd: number, path: PathArg, flags: number, mode?: number): Ret<this["mode"], number>;
  /** openat2(2): as openat; EINVAL unknown flags, mode without creation; RESOLVE_: EXDEV, ELOOP, EAGAIN. */
  openat2(dirfd: number, path: PathArg, how: OpenHow): Ret<this["mode"], number>;
  /** creat(2): open with O_CREAT|O_WRONLY|O_TRUNC. */
  creat(path: PathArg, mode: number): Ret<this["mode"], number>;
  /** memfd_create(2). EINVAL flags; EINVAL name above 249 bytes; EMFILE. */
  memfd_create(name: PathArg, flags: number): Ret<this["mode"], number>;

  /** mkdir(2). EEXIST (last component dot or existing), ENOENT, EROFS, EACCES, EMLINK, ENOSPC. */
  mkdir(path: PathArg, mode: number): Ret<this["mode"], number>;
  mkdirat(dirfd: number, path: PathArg, mode: number): Ret<this["mode"], number>;
  /** mknod(2). EPERM S_IFDIR, EINVAL other types; EEXIST; ENOENT trailing slash; EROFS; EACCES; EPERM device without CAP_MKNOD. */
  mknod(path: PathArg, mode: number, dev?: number): Ret<this["mode"], number>;
  mknodat(dirfd: number, path: PathArg, mode: number, dev?: number): Ret<this["mode"], number>;
  /** symlink(2). ENOENT empty target, ENAMETOOLONG target above 4095 bytes; EEXIST; ENOENT trailing slash; EROFS; EACCES. */
  symlink(target: PathArg, path: PathArg): Ret<this["mode"], number>;
  symlinkat(target: PathArg, dirfd: number, path: PathArg): Ret<this["mode"], number>;
  /** link(2). ENOENT old; EEXIST; EXDEV; EPERM protected_hardlinks; EROFS; EACCES; EPERM directory; ENOENT nlink 0; EMLINK. */
  link(oldpath: PathArg, newpath: PathArg): Ret<this["mode"], number>;
  /** linkat(2). EINVAL flags beyond AT_SYMLINK_FOLLOW, AT_EMPTY_PATH; then as link. */
  linkat(
    olddirfd: number,
    oldpath: PathArg,
    newdirfd: number,
    newpath: PathArg,
    flags: number,
  ): Ret<this["mode"], number>;
  /** unlink(2). EISDIR last component dot; EROFS; ENOENT; ENOTDIR/EISDIR trailing slash; EACCES; EPERM sticky; EISDIR; EBUSY. */
  unlink(path: PathArg): Ret<this["mode"], number>;
  /** unlinkat(2). EINVAL flags beyond AT_REMOVEDIR. */
  unlinkat(dirfd: number, path: PathArg, flags: number): Ret<this["mode"], number>;
  /** rmdir(2). EINVAL `.`, ENOTEMPTY `..`, EBUSY root; EROFS; ENOENT; EACCES; EPERM; ENOTDIR; EBUSY; ENOTEMPTY. */
  rmdir(path: PathArg): Ret<this["mode"], number>;
  /**
   * rename(2). EXDEV; EBUSY last component dot or root; EROFS; ENOENT; ENOTDIR trailing slash; EINVAL source above target;
   * ENOTEMPTY target above source; EACCES, EPERM; ENOTDIR, EISDIR; EBUSY mount point; ENOTEMPTY.
   */
  rename(oldpath: PathArg, newpath: PathArg): Ret<this["mode"], number>;
  renameat(olddirfd: number, oldpath: PathArg, newdirfd: number, newpath: PathArg): Ret<this["mode"], number>;
  /** renameat2(2). EINVAL flags; EEXIST with RENAME_NOREPLACE; ENOENT with RENAME_EXCHANGE; then as rename. */
  renameat2(
    olddirfd: number,
    oldpath: PathArg,
    newdirfd: number,
    newpath: PathArg,
    flags: number,
  ): Ret<this["mode"], number>;
  /** readlink(2): the target, cut at `size` bytes. EINVAL size <= 0; EINVAL not a link; EACCES. */
  readlink(path: PathArg, size?: number): Ret<this["mode"], string>;
  readlinkat(dirfd: number, path: PathArg, size?: number): Ret<this["mode"], string>;

  /** stat(2). */
  stat(path: PathArg): Ret<this["mode"], Stat>;
  /** lstat(2): a final link itself. */
  lstat(path: PathArg): Ret<this["mode"], Stat>;
  /** fstatat(2), by the kernel's name. EINVAL flags beyond AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_NO_AUTOMOUNT. */
  newfstatat(dirfd: number, path: PathArg, flags: number): Ret<this["mode"], Stat>;
  /** statx(2). EINVAL mask with STATX__RESERVED, flags. */
  statx(dirfd: number, path: PathArg, flags: number, mask: number): Ret<this["mode"], Statx>;
  /** access(2): with the real ids. EINVAL mode; EROFS W_OK; EACCES. */
  access(path: PathArg, mode: number): Ret<this["mode"], number>;
  faccessat(dirfd: number, path: PathArg, mode: number): Ret<this["mode"], number>;
  /** faccessat2(2). EINVAL mode, flags beyond AT_EACCESS, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. */
  faccessat2(dirfd: number, path: PathArg, mode: number, flags: number): Ret<this["mode"], number>;
  /** chmod(2). EROFS; EPERM immutable; EPERM not the owner. */
  chmod(path: PathArg, mode: number): Ret<this["mode"], number>;
  fchmodat(dirfd: number, path: PathArg, mode: number): Ret<this["mode"], number>;
  /** fchmodat2(2). EINVAL flags; EOPNOTSUPP a link itself. */
  fchmodat2(dirfd: number, path: PathArg, mode: number, flags: number): Ret<this["mode"], number>;
  /** chown(2). EINVAL id without mapping; EROFS; EPERM immutable; EPERM. Takes set-id bits and file capabilities away. */
  chown(path: PathArg, uid: number, gid: number): Ret<this["mode"], number>;
  lchown(path: PathArg, uid: number, gid: number): Ret<this["mode"], number>;
  fchownat(dirfd: number, path: PathArg, uid: number, gid: number, flags: number): Ret<this["mode"], number>;
  /**
   * utimensat(2); `times` [access, modification], null: now. `path` null: the file of `dirfd` itself. EINVAL nsec, flags; 0 if
   * both are UTIME_OMIT; EROFS; EPERM (times by one who is not the owner), EACCES (now, without write permission).
   */
  utimensat(
    dirfd: number,
    path: PathArg,
    times: readonly [Timespec, Timespec] | null,
    flags?: number,
  ): Ret<this["mode"], number>;
  /** truncate(2). EINVAL length < 0; EISDIR; EINVAL not regular; EACCES; EROFS; EPERM append-only; ETXTBSY; EFBIG. */
  truncate(path: PathArg, length: Loff): Ret<this["mode"], number>;

  /** getcwd(2): "(unreachable)/x" if it is outside the root. ENOENT removed; ERANGE `size` bytes (NUL included) are too few. */
  getcwd(size?: number): Ret<this["mode"], string>;
  /** chdir(2). EACCES without search permission. */
  chdir(path: PathArg): Ret<this["mode"], number>;
  /** chroot(2). EACCES; EPERM without CAP_SYS_CHROOT. The working directory stays. */
  chroot(path: PathArg): Ret<this["mode"], number>;
  /** umask(2): returns the old mask. */
  umask(mask: number): Ret<this["mode"], number>;

  /** Not a call of Linux: open, read to the end, close. What `cat path` shows. */
  readFile(path: PathArg): Ret<this["mode"], Uint8Array>;
  /** Not a call of Linux: `readFile` as text (UTF-8). */
  readText(path: PathArg): Ret<this["mode"], string>;
  /** Not a call of Linux: open with O_WRONLY|O_CREAT|O_TRUNC, one write, close: `echo -n data > path`. Returns the bytes written. */
  writeFile(path: PathArg, data: Uint8Array | string, mode?: number): Ret<this["mode"], number>;
  /** Not a call of Linux: the names in a directory in its order, without `.` and `..`. */
  readdir(path: PathArg): Ret<this["mode"], string[]>;
}

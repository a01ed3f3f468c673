/**
 * System calls on descriptors: reading and writing, offsets, duplication, pipes, directories, files already open.
 * read(2), write(2), lseek(2), dup(2), fcntl(2), close(2), close_range(2), pipe(2), getdents(2), ioctl(2), sendfile(2).
 *
 * EBADF first everywhere: a number that is not open, an O_PATH descriptor, or one of the wrong access mode. Data in is bytes or
 * text (UTF-8), `null` a bad address (EFAULT). Data out is a `Uint8Array`: a new one, or - where a buffer is given - the
 * buffer itself if it was filled, else the filled part of it. Counts are capped at 0x7ffff000 bytes.
 */
import type { Dirent, Loff, PathArg, Stat } from "./fileSys.js";
import type { Ret, SysBase } from "./types.js";

/** Bytes; a string is UTF-8; null is a bad address. */
export type DataArg = Uint8Array | string | null;

export interface FdSys extends SysBase {
  /** read(2). EBADF; EISDIR; EINVAL; EAGAIN (O_NONBLOCK); EINTR. Sleeps. `buf`: read into it (null: EFAULT). */
  read(fd: number, count: number, buf?: Uint8Array | null): Ret<this["mode"], Uint8Array>;
  /** pread64(2). EINVAL offset < 0; EBADF; ESPIPE; then as read. The offset of `fd` does not move. */
  pread64(fd: number, count: number, offset: Loff, buf?: Uint8Array | null): Ret<this["mode"], Uint8Array>;
  /** readv(2): one result per length. EINVAL more than 1024, or a length < 0. */
  readv(fd: number, counts: readonly number[]): Ret<this["mode"], Uint8Array[]>;
  /** write(2): the number of bytes written. EBADF; EFBIG + SIGXFSZ (RLIMIT_FSIZE); ENOSPC; EPIPE + SIGPIPE; EAGAIN. Sleeps. */
  write(fd: number, data: DataArg): Ret<this["mode"], number>;
  /** pwrite64(2). EINVAL offset < 0; EBADF; ESPIPE; then as write. With O_APPEND it appends, as Linux does. */
  pwrite64(fd: number, data: DataArg, offset: Loff): Ret<this["mode"], number>;
  /** writev(2): the data in one write. EINVAL more than 1024 pieces. */
  writev(fd: number, data: readonly DataArg[]): Ret<this["mode"], number>;
  /**
   * vmsplice(2): pages of the caller are lent to a pipe (its write end), or bytes of a pipe copied to them (its read end). Returns the
   * bytes. EINVAL flags, more than 1024 pieces; EBADF no pipe; EFAULT; EPIPE; EAGAIN.
   */
  vmsplice(fd: number, iov: readonly { addr: number; length: number }[], flags: number): Ret<this["mode"], number>;
  /** lseek(2). EBADF; EINVAL whence; ESPIPE; EINVAL result; ENXIO (SEEK_DATA, SEEK_HOLE). */
  lseek(fd: number, offset: Loff, whence: number): Ret<this["mode"], Loff>;
  /** sendfile(2): `offset` null: at and moving the offset of `infd`. EBADF; EINVAL; ESPIPE. Returns the bytes moved. */
  sendfile(outfd: number, infd: number, offset: Loff | null, count: number): Ret<this["mode"], number>;
  /** copy_file_range(2). EBADF; EINVAL flags; EISDIR; EINVAL not regular, overlapping; EFBIG; ETXTBSY. */
  copy_file_range(
    infd: number,
    inoffset: Loff | null,
    outfd: number,
    outoffset: Loff | null,
    length: Loff,
    flags: number,
  ): Ret<this["mode"], number>;

  /** close(2). EBADF. */
  close(fd: number): Ret<this["mode"], number>;
  /** close_range(2): numbers `first`..`last` inclusive. EINVAL flags, reversed. CLOSE_RANGE_UNSHARE, CLOSE_RANGE_CLOEXEC. */
  close_range(first: number, last: number, flags: number): Ret<this["mode"], number>;
  /** dup(2). EBADF; EMFILE. */
  dup(fd: number): Ret<this["mode"], number>;
  /** dup2(2). EBADF (also a number at the limit or above). */
  dup2(oldfd: number, newfd: number): Ret<this["mode"], number>;
  /** dup3(2). EINVAL flags, oldfd equals newfd; EBADF. */
  dup3(oldfd: number, newfd: number, flags: number): Ret<this["mode"], number>;
  /**
   * fcntl(2): F_DUPFD(_CLOEXEC), F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETPIPE_SZ, F_SETPIPE_SZ, F_DUPFD_QUERY,
   * F_CREATED_QUERY. EBADF; EINVAL unknown command (locks and leases among them) or argument; EMFILE; EPERM; EBUSY.
   */
  fcntl(fd: number, cmd: number, arg?: number): Ret<this["mode"], number>;
  /** ioctl(2): FIOCLEX, FIONCLEX, FIONBIO, FIONREAD, FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, and what the file knows. ENOTTY. */
  ioctl(fd: number, request: number, arg?: unknown): Ret<this["mode"], unknown>;

  /** pipe(2): [read end, write end]. EMFILE, ENFILE. */
  pipe(): Ret<this["mode"], [number, number]>;
  /** pipe2(2). EINVAL flags beyond O_CLOEXEC, O_NONBLOCK, O_DIRECT; EMFILE: none is kept if only one number is free. */
  pipe2(flags: number): Ret<this["mode"], [number, number]>;

  /** getdents64(2): entries that fit into `count` bytes. EBADF; ENOTDIR; ENOENT removed directory; EINVAL no room for one. */
  getdents64(fd: number, count?: number): Ret<this["mode"], Dirent[]>;
  /** fstat(2). */
  fstat(fd: number): Ret<this["mode"], Stat>;
  /** fchmod(2). EBADF; as chmod. */
  fchmod(fd: number, mode: number): Ret<this["mode"], number>;
  /** fchown(2). EBADF; as chown. */
  fchown(fd: number, uid: number, gid: number): Ret<this["mode"], number>;
  /** fchdir(2). EBADF; ENOTDIR; EACCES. */
  fchdir(fd: number): Ret<this["mode"], number>;
  /** ftruncate(2). EINVAL length < 0; EBADF; EINVAL not regular or not writable; EPERM; EFBIG. */
  ftruncate(fd: number, length: Loff): Ret<this["mode"], number>;
  /** posix_fadvise(2). EBADF (O_PATH too); ESPIPE pipes; EINVAL unknown advice, length < 0. */
  fadvise64(fd: number, offset: Loff, length: Loff, advice: number): Ret<this["mode"], number>;
  /** fallocate(2), mode 0 of memory file systems. EINVAL offset < 0, length <= 0; EBADF; ESPIPE, ENODEV; EFBIG; ENOSPC; EOPNOTSUPP other modes. */
  fallocate(fd: number, mode: number, offset: Loff, length: Loff): Ret<this["mode"], number>;
  /** fsync(2). EBADF; EINVAL (pipes, sockets). */
  fsync(fd: number): Ret<this["mode"], number>;
  fdatasync(fd: number): Ret<this["mode"], number>;
  /** sync(2). */
  sync(): Ret<this["mode"], number>;
  /** syncfs(2). EBADF. */
  syncfs(fd: number): Ret<this["mode"], number>;
}

export type { PathArg };

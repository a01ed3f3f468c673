/**
 * System calls about memory, and the machine's own user-space accesses. mmap(2), mprotect(2), madvise(2), mlock(2), mincore(2),
 * mremap(2), brk(2), msync(2). memfd_create(2) is among the files.
 *
 * Addresses and lengths are bytes, as numbers (or bigints); a negative number is what the same bits are as `unsigned long`.
 * Errors are listed in the order in which they are checked.
 */
import type { Ret, SysBase } from "./types.js";

/** An address or length: a whole number or bigint, taken as an unsigned 64-bit value. */
export type Ulong = number | bigint;

export interface MemorySys extends SysBase {
  /**
   * mmap(2): returns the address. EINVAL length 0; EINVAL offset not page aligned; EBADF; ENOMEM length or address beyond the
   * address space; EINVAL unaligned address with MAP_FIXED; EPERM below vm.mmap_min_addr; EEXIST (MAP_FIXED_NOREPLACE); ENOMEM
   * more than vm.max_map_count areas; EAGAIN above RLIMIT_MEMLOCK (mlockall); EINVAL type; EOPNOTSUPP unknown flags with
   * MAP_SHARED_VALIDATE; EACCES file not open for reading, or shared and writable without O_RDWR; EPERM executable on a noexec
   * mount, write seal; ENODEV the file cannot be mapped; ENOMEM RLIMIT_AS, RLIMIT_DATA, commit limit.
   */
  mmap(addr: Ulong, length: Ulong, prot: number, flags: number, fd?: number, offset?: Ulong): Ret<this["mode"], number>;
  /** munmap(2). EINVAL unaligned, length 0 or beyond the address space; ENOMEM too many areas. Holes are fine. */
  munmap(addr: Ulong, length: Ulong): Ret<this["mode"], number>;
  /**
   * mprotect(2). EINVAL unaligned or both GROWSDOWN and GROWSUP; 0 for length 0; ENOMEM overflow; EINVAL unknown protection bits;
   * ENOMEM a hole (what lies before it has been changed); EACCES not allowed by the file, the seal or the mount.
   */
  mprotect(addr: Ulong, length: Ulong, prot: number): Ret<this["mode"], number>;
  /**
   * madvise(2). EINVAL unknown advice, unaligned, or overflow; 0 for length 0; EINVAL the advice does not fit the area; ENOMEM a
   * hole, after everything mapped was done; EAGAIN, EFAULT, EHWPOISON (MADV_POPULATE_*).
   */
  madvise(addr: Ulong, length: Ulong, advice: number): Ret<this["mode"], number>;
  /**
   * mlock(2): locks and faults in the pages. EPERM RLIMIT_MEMLOCK is 0 without CAP_IPC_LOCK; ENOMEM above the limit (what is
   * locked already counts once) or a hole; EINVAL overflow; EAGAIN a page could not be had.
   */
  mlock(addr: Ulong, length: Ulong): Ret<this["mode"], number>;
  /** mlock2(2): as mlock. EINVAL flags other than MLOCK_ONFAULT. */
  mlock2(addr: Ulong, length: Ulong, flags: number): Ret<this["mode"], number>;
  /** munlock(2). EINVAL overflow; ENOMEM a hole. */
  munlock(addr: Ulong, length: Ulong): Ret<this["mode"], number>;
  /** mlockall(2). EINVAL flags 0, unknown, or MCL_ONFAULT alone; EPERM RLIMIT_MEMLOCK is 0; ENOMEM above it. */
  mlockall(flags: number): Ret<this["mode"], number>;
  /** munlockall(2). */
  munlockall(): Ret<this["mode"], number>;
  /** mincore(2): one byte per page, bit 0 = resident. EINVAL unaligned; ENOMEM beyond the address space; EFAULT `vec` null; ENOMEM a hole. */
  mincore(addr: Ulong, length: Ulong, vec?: null): Ret<this["mode"], Uint8Array>;
  /**
   * mremap(2): returns the new address. EINVAL unknown flags, FIXED or DONTUNMAP without MAYMOVE, DONTUNMAP with another length,
   * unaligned, new length 0, unaligned or overlapping new address; EFAULT nothing there; EINVAL beyond the file offset range;
   * EAGAIN locked pages; ENOMEM cannot grow in place, RLIMIT_AS, too many areas.
   */
  mremap(old: Ulong, oldSize: Ulong, newSize: Ulong, flags: number, addr?: Ulong): Ret<this["mode"], number>;
  /** brk(2) as the kernel call: returns the new end of the heap, or the old one if it cannot be `addr` (0 asks). */
  brk(addr: Ulong): Ret<this["mode"], number>;
  /**
   * msync(2). EINVAL unknown flags, unaligned, or MS_SYNC with MS_ASYNC; ENOMEM overflow; EBUSY MS_INVALIDATE on locked pages;
   * MS_SYNC: the file's fsync error; ENOMEM a hole, after the rest was done.
   */
  msync(addr: Ulong, length: Ulong, flags: number): Ret<this["mode"], number>;

  /**
   * The machine's own: user code touches the first byte of each of `pages` pages from `addr` on (default 1), for writing if
   * `write`. Returns 0. SIGSEGV or SIGBUS where the kernel would send it: the call does not return then, or is EFAULT after a
   * handler ran.
   */
  touch(addr: Ulong, pages?: number, write?: boolean): Ret<this["mode"], number>;
  /** The machine's own: user code stores `count` (default 1) times the byte, or the bytes, at `addr`. Returns 0. Faults as touch. */
  store(addr: Ulong, data: number | Uint8Array | string, count?: number): Ret<this["mode"], number>;
  /** The machine's own: user code loads `count` bytes (default 1) from `addr`. Faults as touch. */
  load(addr: Ulong, count?: number): Ret<this["mode"], Uint8Array>;
}

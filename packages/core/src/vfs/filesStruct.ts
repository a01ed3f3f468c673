/**
 * The table of descriptors, shared with CLONE_FILES: number -> description, and a close-on-exec bit per number. The lowest
 * free number is found in a bitmap. open(2), dup(2), fcntl(2).
 */
import type { OpenFile } from "./file.js";

/** Words of 32 descriptors. */
export class FilesStruct {
  /** Tasks that use it. */
  refs = 1;
  readonly fds: (OpenFile | null)[] = [];
  /** Bit set: the number is open (or being opened). */
  open: Uint32Array = new Uint32Array(2);
  cloexec: Uint32Array = new Uint32Array(2);
  /** No free number is below this one. */
  private nextFd = 0;
  /** Numbers in use. */
  count = 0;

  get(fd: number): OpenFile | null {
    const f = this.fds[fd];
    return f === undefined ? null : f;
  }

  /** The lowest free number from `start` on, or -1 if it would not be below `limit`. It is not taken yet. */
  lowestFree(start: number, limit: number): number {
    const { open } = this;
    let fd = Math.max(start, this.nextFd);
    let w = fd >>> 5;
    if (w < open.length) {
      // bits below fd in its word count as taken
      let word = (open[w] | ((1 << (fd & 31)) - 1)) >>> 0;
      while (word === 0xffffffff && ++w < open.length) word = open[w];
      fd = w < open.length ? w * 32 + 31 - Math.clz32(~word & (word + 1)) : open.length * 32;
    }
    return fd < limit ? fd : -1;
  }

  /** Make number `fd` (which must be free) refer to `file`. */
  install(fd: number, file: OpenFile, cloexec: boolean): void {
    if (fd >>> 5 >= this.open.length) this.grow(fd);
    const { fds } = this;
    while (fds.length < fd) fds.push(null);
    fds[fd] = file;
    const w = fd >>> 5;
    const bit = 1 << (fd & 31);
    this.open[w] |= bit;
    if (cloexec) this.cloexec[w] |= bit;
    else this.cloexec[w] &= ~bit;
    if (fd === this.nextFd) this.nextFd = fd + 1;
    this.count++;
  }

  /** Take number `fd` (which must be free) without a description yet: nobody else gets it. */
  reserve(fd: number): void {
    if (fd >>> 5 >= this.open.length) this.grow(fd);
    this.open[fd >>> 5] |= 1 << (fd & 31);
  }

  /** Give a reserved number back. */
  release(fd: number): void {
    this.open[fd >>> 5] &= ~(1 << (fd & 31));
    if (fd < this.nextFd) this.nextFd = fd;
  }

  /** Free the number and give its description to the caller, who must `fput` it; null if it was free. */
  remove(fd: number): OpenFile | null {
    const f = this.fds[fd];
    if (f === undefined || f === null) return null;
    this.fds[fd] = null;
    const w = fd >>> 5;
    this.open[w] &= ~(1 << (fd & 31));
    this.cloexec[w] &= ~(1 << (fd & 31));
    if (fd < this.nextFd) this.nextFd = fd;
    this.count--;
    return f;
  }

  isCloexec(fd: number): boolean {
    return ((this.cloexec[fd >>> 5] >>> (fd & 31)) & 1) === 1;
  }

  setCloexec(fd: number, on: boolean): void {
    const w = fd >>> 5;
    if (on) this.cloexec[w] |= 1 << (fd & 31);
    else this.cloexec[w] &= ~(1 << (fd & 31));
  }

  /** Slots of the table, as /proc/PID/status shows them: FDSize. */
  get size(): number {
    return this.open.length * 32;
  }

  private grow(fd: number): void {
    let n = this.open.length * 32;
    while (n <= fd) n *= 2;
    const open = new Uint32Array(n / 32);
    open.set(this.open);
    const cloexec = new Uint32Array(n / 32);
    cloexec.set(this.cloexec);
    this.open = open;
    this.cloexec = cloexec;
  }
}

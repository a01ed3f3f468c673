/**
 * What a disk may have of a file after a power loss, for property tests: by sector the values written since it was last known to be safe,
 * by file the sizes it had since. A value is a byte, as each sector is written as a whole with one.
 */

/** Sectors of a page. */
const SECTORS = 8;

type Sectors = readonly number[];
const ZEROS: Sectors = new Array(SECTORS).fill(0);

/** Something a file had from a moment on. */
interface Version<T> {
  at: number;
  value: T;
  /** Sectors that were written then, a bit each. */
  wrote?: number;
}

/** Leave out what is older than what was there at `mark`. */
function trim<T>(h: Version<T>[], mark: number): Version<T>[] {
  let from = 0;
  while (from + 1 < h.length && h[from + 1].at <= mark) from++;
  return h.slice(from);
}

export class FileModel {
  /** Number of the last change: moments are counted by it. */
  now = 0;
  /** What reads give. */
  size = 0;
  private readonly pages = new Map<number, Version<Sectors>[]>();
  private sizes: Version<number>[] = [{ at: 0, value: 0 }];
  /** Pages whose write failed, and the moment; the last moment at which any did. */
  private readonly failedAt = new Map<number, number>();
  private sizeFailedAt = -1;
  /** Everything up to here is safe; of a page, if that is later. */
  private safe = 0;
  private readonly pageSafe = new Map<number, number>();

  page(index: number): Sectors {
    return this.pages.get(index)?.at(-1)?.value ?? ZEROS;
  }

  private put(index: number, value: Sectors, wrote: number): void {
    const h = this.pages.get(index) ?? [{ at: 0, value: ZEROS }];
    h.push({ at: this.now, value, wrote });
    this.pages.set(index, h);
  }

  private resize(size: number): void {
    this.size = size;
    this.sizes.push({ at: this.now, value: size });
  }

  /** n sectors from `at` (both in sectors) have the value `byte`. */
  write(at: number, n: number, byte: number): void {
    this.now++;
    if ((at + n) * 512 > this.size) this.resize((at + n) * 512);
    for (let s = at; s < at + n; ) {
      const index = Math.floor(s / SECTORS);
      const v = [...this.page(index)];
      let wrote = 0;
      for (; s < at + n && Math.floor(s / SECTORS) === index; s++) {
        v[s % SECTORS] = byte;
        wrote |= 1 << (s % SECTORS);
      }
      this.put(index, v, wrote);
    }
  }

  /** Sectors from..to are zeros. */
  zero(from: number, to: number): void {
    this.now++;
    for (const index of [...this.pages.keys()]) {
      const inside = (i: number): boolean => index * SECTORS + i >= from && index * SECTORS + i < to;
      const before = this.page(index);
      const v = before.map((b, i) => (inside(i) ? 0 : b));
      const wrote = before.reduce((bits, _b, i) => (inside(i) ? bits | (1 << i) : bits), 0);
      if (wrote !== 0) this.put(index, v, wrote);
    }
  }

  truncate(sectors: number): void {
    this.zero(sectors, Number.POSITIVE_INFINITY);
    this.resize(sectors * 512);
  }

  /** Everything up to the moment `mark` is safe. */
  synced(mark: number): void {
    this.safe = Math.max(this.safe, mark);
    for (const [index, h] of this.pages) this.pages.set(index, trim(h, mark));
    this.sizes = trim(this.sizes, mark);
  }

  /** What was written last, n sectors from `at`, is safe, and so is a size that has it: a write through O_SYNC. */
  wroteSync(at: number, n: number): void {
    for (let index = Math.floor(at / SECTORS); index <= Math.floor((at + n - 1) / SECTORS); index++) {
      const h = this.pages.get(index);
      if (h !== undefined) this.pages.set(index, trim(h, this.now));
      this.pageSafe.set(index, this.now);
    }
    // of what others wrote behind it the disk may know nothing
    this.sizes = [
      { at: this.now, value: Math.min(this.size, (at + n) * 512) },
      { at: this.now, value: this.size },
    ];
  }

  /** A write failed: of which of the pages that are not safe is not known. */
  failed(): void {
    for (const [index, h] of this.pages)
      if ((h.at(-1) as Version<Sectors>).at > this.safe) this.failedAt.set(index, this.now);
    this.sizeFailedAt = this.now;
  }

  /** May a sector be lost: it failed, and has not been written anew and made safe since? */
  private doubtful(index: number, sector: number): boolean {
    const failed = this.failedAt.get(index);
    if (failed === undefined) return false;
    const h = this.pages.get(index) as Version<Sectors>[];
    const safe = Math.max(this.safe, this.pageSafe.get(index) ?? 0);
    return !h.some((v) => v.at > failed && v.at <= safe && (((v.wrote ?? 0) >> sector) & 1) !== 0);
  }

  /** Is this what a disk may have? Throws an Error that says what is not. `read` gives sector values of a page. */
  check(size: number, read: (index: number) => Sectors): void {
    const sizes = this.sizes.map((s) => s.value);
    // a failed write may leave the disk's size behind
    const sizeDoubtful = this.sizeFailedAt >= 0;
    // a file that grew piece by piece may have been caught in between
    if (!sizeDoubtful && !(size >= Math.min(...sizes) && size <= Math.max(...sizes)))
      throw new Error(`size ${size} is none of ${sizes.join(", ")}`);
    for (const [index, h] of this.pages) {
      if ((index + 1) * 4096 > size) continue;
      read(index).forEach((b, i) => {
        // what has no block yet reads as zeros
        if (h.some((v) => v.value[i] === b) || (b === 0 && h.length > 1) || this.doubtful(index, i)) return;
        throw new Error(`page ${index}, sector ${i}: ${b} is none of ${h.map((v) => v.value[i]).join(", ")}`);
      });
    }
  }
}

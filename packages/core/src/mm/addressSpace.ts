/**
 * An address space: the cached pages of one inode - Linux's `struct address_space`, the page cache. Kernel document mm/page_cache.
 *
 * Who owns one: an inode that can be mapped or cached (`inode.mapping`), made by `new AddressSpace(host, aOps)` - cheap, nothing
 * is allocated until the first page. File systems do not call the methods here directly but those of `mm/filemap.ts`
 * (`filemapRead`, `filemapWrite`, `truncatePages`), which also allocate, charge and free frames.
 *
 * - A page is a frame number (pfn, never 0) at an index (file offset / 4096). `lookup(index)` is 0 for a hole.
 * - Tags DIRTY, WRITEBACK and TOWRITE are bitmaps with counts per 512 pages, so finding the next tagged page skips what has none;
 *   many in a row: `cacheRun.ts`.
 * - Contents are optional and stand beside the frame number: `null` = zeros, a number 0..255 = every byte of the page is that, a
 *   Uint8Array of at most 4096 = the bytes, zeros behind its end (small files cost little). `contents` says what writes keep.
 * - Behaviour (read a page, dirty it, wait before it changes) is in `aOps`, a static; it may be replaced as a whole.
 */

import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import type { Wait } from "../sys/types.js";
import type { Vma } from "./vma.js";

/** Tags of cached pages. PAGECACHE_TAG_DIRTY, _WRITEBACK, _TOWRITE. */
export const TAG_DIRTY = 0;
export const TAG_WRITEBACK = 1;
export const TAG_TOWRITE = 2;

/** Flags of a mapping (`flags`). */
export const AS_EIO = 1;
export const AS_ENOSPC = 2;
export const AS_STABLE_WRITES = 4;
/** Its pages are locked in memory (ramfs): they go to the unevictable list. */
export const AS_UNEVICTABLE = 8;

/** What writes keep of the bytes: nothing (reads give zeros), one byte value per page, everything. */
export const CONTENTS_NONE = 0;
export const CONTENTS_PATTERN = 1;
export const CONTENTS_FULL = 2;

/** Bytes of a page: zeros, one value throughout, or the bytes (what is behind the array's end is zeros). */
export type PageData = null | number | Uint8Array;

/**
 * What a file system does with its cached pages. A static (`k.state.static("aops.NAME", ops)`). A function that may sleep returns
 * WAIT and is called again; a positive number is an errno.
 */
export interface AddressSpaceOps {
  readonly name: string;
  /** Pages live on swap rather than in a file (tmpfs, memfd): they count as Shmem and stand on the anonymous lists. */
  readonly swapBacked?: boolean;
  /** A page that is not cached is about to be made: 0, or ENOSPC (a write is short, a fault SIGBUS). */
  reserve?(m: AddressSpace, index: number): number;
  /** A reserved page did not come to be, or has left the cache. */
  unreserve?(m: AddressSpace, index: number): void;
  /** Fill a new page from the store. Without it pages start as zeros, up to date. */
  readFolio?(c: Ctx, m: AddressSpace, index: number, pfn: number): number | Wait;
  /**
   * Before write(2) changes bytes from..from+len of a page (reserve blocks, wait for stable pages). `pfn` is the page, already
   * in the cache.
   */
  writeBegin?(c: Ctx, m: AddressSpace, index: number, pfn: number, from: number, len: number): number | Wait;
  /** A page was changed: true if it was clean. Without it the page is only flagged dirty and nothing is counted. */
  dirtyFolio?(k: Core, m: AddressSpace, index: number, pfn: number): boolean;
  /**
   * n whole pages from `index` on, all cached and of one chunk, are about to be written: how many of them need no wait, no look at
   * limits before the last of them, and have room. 0: none by this way.
   */
  beginRun?(c: Ctx, m: AddressSpace, index: number, n: number): number;
  /** As many were written, are flagged dirty and lie in the zone of frame `pfn`: to be tagged and counted. */
  dirtyRun?(k: Core, m: AddressSpace, index: number, n: number, pfn: number): void;
  /** The first store through a shared mapping since the page was last written out (reserve, wait, dirty). Then it is dirtied. */
  pageMkwrite?(c: Ctx, m: AddressSpace, index: number, pfn: number): number | Wait;
  /** After a page was dirtied by write(2) or a store: the place to throttle the writer. Called again when it slept. */
  balanceDirty?(c: Ctx, m: AddressSpace): number | Wait;
  /** The page leaves the cache by truncation or invalidation, still with its flags and tags. */
  invalidateFolio?(k: Core, m: AddressSpace, index: number, pfn: number): void;
  /** Clean a dirty page that reclaim or migration wants to move or drop. 0: started or done. */
  writepage?(c: Ctx | null, m: AddressSpace, index: number, pfn: number): number | Wait;
}

const CHUNK = 512;
const WORDS = CHUNK / 32;

/** The pages of 2 MiB of file. */
export class CacheChunk {
  /** Frame number by index within the chunk, 0: none. Grows 8, 64, 512. */
  pfns: Int32Array = new Int32Array(8);
  /** Contents, null while no page of the chunk has any. */
  data: PageData[] | null = null;
  /** Three bitmaps of 512 bits, null while nothing is tagged. */
  tags: Uint32Array | null = null;
  nrpages = 0;
  nrDirty = 0;
  nrWriteback = 0;
  nrTowrite = 0;

  constructor(
    /** index / 512 */
    readonly no: number,
  ) {}
}

export class AddressSpace {
  /** Number in the frames' owner column; 0 until it has had a page. Given by mm. */
  id = 0;
  nrpages = 0;
  /** Pages with each tag. */
  nrDirty = 0;
  nrWriteback = 0;
  nrTowrite = 0;
  flags = 0;
  contents: number = CONTENTS_FULL;
  /** errseq_t: last write error, as file descriptions sample it. */
  wbErr = 0;
  /** Where cyclic writeback goes on. */
  writebackIndex = 0;
  /** Number of VM_SHARED mappings that may become writable; negative: such mappings are denied (sealed). */
  iMmapWritable = 0;
  /** Areas that map it, null: none yet. Order: as mapped, a removed one's place is taken by the last. */
  iMmap: Vma[] | null = null;
  /** Fields of packages. */
  slots: unknown[] | null = null;
  /** Pages at an index >= 2^32 exist: the index column of frames has only the low 32 bits. */
  big = false;
  /** Chunks in ascending order of `no`. */
  private chunks: CacheChunk[] | null = null;

  constructor(
    /** The inode it caches. */
    readonly host: MappingHost,
    public aOps: AddressSpaceOps,
  ) {}

  // --- pages ---

  /** Frame number of the page at `index`, 0: not cached. */
  lookup(index: number): number {
    const c = this.chunkOf(index);
    if (c === null) return 0;
    const i = index - c.no * CHUNK;
    return i < c.pfns.length ? c.pfns[i] : 0;
  }

  /** The chunk that has `index`, or null. */
  chunkOf(index: number): CacheChunk | null {
    const cs = this.chunks;
    if (cs === null) return null;
    const no = Math.floor(index / CHUNK);
    if (no < cs.length && cs[no].no === no) return cs[no]; // dense from the start: the usual file
    const i = this.position(no);
    return i < cs.length && cs[i].no === no ? cs[i] : null;
  }

  /** Position of the first chunk with number >= no. */
  private position(no: number): number {
    const cs = this.chunks as CacheChunk[];
    let lo = 0;
    let hi = cs.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (cs[mid].no < no) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }

  /** Put a frame at an empty place. The frame's owner and index are the caller's to set (mm/filemap.ts does). */
  insert(index: number, pfn: number): void {
    let c = this.chunkOf(index);
    if (c === null) {
      this.chunks ??= [];
      const no = Math.floor(index / CHUNK);
      c = new CacheChunk(no);
      const i = this.position(no);
      if (i === this.chunks.length) this.chunks.push(c);
      else this.chunks.splice(i, 0, c);
      if (index >= 0x100000000) this.big = true;
    }
    const i = index - c.no * CHUNK;
    if (i >= c.pfns.length) {
      const p = new Int32Array(i < 64 ? 64 : CHUNK);
      p.set(c.pfns);
      c.pfns = p;
    }
    c.pfns[i] = pfn;
    c.nrpages++;
    this.nrpages++;
  }

  /** Take the page out: returns its frame, 0 if there is none. Tags and contents go with it. */
  remove(index: number): number {
    const c = this.chunkOf(index);
    if (c === null) return 0;
    const i = index - c.no * CHUNK;
    const pfn = i < c.pfns.length ? c.pfns[i] : 0;
    if (pfn === 0) return 0;
    if (c.tags !== null) for (let t = 0; t < 3; t++) this.clearTag(index, t);
    if (c.data !== null && i < c.data.length) c.data[i] = null;
    c.pfns[i] = 0;
    this.nrpages--;
    if (--c.nrpages === 0) {
      const cs = this.chunks as CacheChunk[];
      cs.splice(this.position(c.no), 1);
      if (cs.length === 0) this.chunks = null;
    }
    return pfn;
  }

  /** Another frame takes the place of the page at `index` (migration). */
  replace(index: number, pfn: number): void {
    const c = this.chunkOf(index) as CacheChunk;
    c.pfns[index - c.no * CHUNK] = pfn;
  }

  /** The first index >= from with a page, or -1. */
  nextPage(from: number): number {
    const cs = this.chunks;
    if (cs === null) return -1;
    for (let n = this.position(Math.floor(from / CHUNK)); n < cs.length; n++) {
      const c = cs[n];
      const base = c.no * CHUNK;
      for (let i = from > base ? from - base : 0; i < c.pfns.length; i++) if (c.pfns[i] !== 0) return base + i;
    }
    return -1;
  }

  /** The first index >= from without a page. */
  nextHole(from: number): number {
    for (let index = from; ; ) {
      const c = this.chunkOf(index);
      if (c === null) return index;
      const base = c.no * CHUNK;
      for (let i = index - base; i < CHUNK; i++) if (i >= c.pfns.length || c.pfns[i] === 0) return base + i;
      index = base + CHUNK;
    }
  }

  // --- contents ---

  /** Bytes of the page at `index`: null for zeros and for holes. */
  data(index: number): PageData {
    const c = this.chunkOf(index);
    if (c === null || c.data === null) return null;
    const i = index - c.no * CHUNK;
    return i < c.data.length ? c.data[i] : null;
  }

  /** Set the bytes of a cached page. */
  setData(index: number, d: PageData): void {
    const c = this.chunkOf(index) as CacheChunk;
    const i = index - c.no * CHUNK;
    if (c.data === null) {
      if (d === null) return;
      c.data = [];
    }
    while (c.data.length <= i) c.data.push(null);
    c.data[i] = d;
  }

  /** The page's first `upto` bytes (or more) to write into: a longer array takes the old one's place. Only with CONTENTS_FULL. */
  bytes(index: number, upto = 4096): Uint8Array {
    const d = this.data(index);
    if (d !== null && typeof d === "object" && d.length >= upto) return d;
    const b = widened(d, upto);
    this.setData(index, b);
    return b;
  }

  // --- tags ---

  /** Does any page have the tag? */
  tagged(tag: number): boolean {
    return this.tagCount(tag) > 0;
  }

  /** How many pages have the tag. */
  tagCount(tag: number): number {
    return tag === TAG_DIRTY ? this.nrDirty : tag === TAG_WRITEBACK ? this.nrWriteback : this.nrTowrite;
  }

  testTag(index: number, tag: number): boolean {
    const c = this.chunkOf(index);
    if (c === null || c.tags === null) return false;
    const i = index - c.no * CHUNK;
    return ((c.tags[tag * WORDS + (i >> 5)] >>> (i & 31)) & 1) !== 0;
  }

  /** Tag a cached page; true if it had not been tagged. */
  setTag(index: number, tag: number): boolean {
    const c = this.chunkOf(index) as CacheChunk;
    if (c.tags === null) c.tags = new Uint32Array(3 * WORDS);
    const i = index - c.no * CHUNK;
    const w = tag * WORDS + (i >> 5);
    const bit = 1 << (i & 31);
    if ((c.tags[w] & bit) !== 0) return false;
    c.tags[w] |= bit;
    this.tally(c, tag, 1);
    return true;
  }

  /** Take the tag off; true if it was there. */
  clearTag(index: number, tag: number): boolean {
    const c = this.chunkOf(index);
    if (c === null || c.tags === null) return false;
    const i = index - c.no * CHUNK;
    const w = tag * WORDS + (i >> 5);
    const bit = 1 << (i & 31);
    if ((c.tags[w] & bit) === 0) return false;
    c.tags[w] &= ~bit;
    this.tally(c, tag, -1);
    return true;
  }

  private tally(c: CacheChunk, tag: number, n: number): void {
    if (tag === TAG_DIRTY) {
      c.nrDirty += n;
      this.nrDirty += n;
    } else if (tag === TAG_WRITEBACK) {
      c.nrWriteback += n;
      this.nrWriteback += n;
    } else {
      c.nrTowrite += n;
      this.nrTowrite += n;
    }
  }

  /** The first index in from..to (inclusive) with the tag, or -1. */
  nextTagged(tag: number, from: number, to: number = Number.POSITIVE_INFINITY): number {
    const cs = this.chunks;
    if (cs === null || this.tagCount(tag) === 0) return -1;
    for (let n = this.position(Math.floor(from / CHUNK)); n < cs.length; n++) {
      const c = cs[n];
      if (chunkCount(c, tag) === 0) continue;
      const base = c.no * CHUNK;
      if (base > to) return -1;
      const tags = c.tags as Uint32Array;
      const first = from > base ? from - base : 0;
      let w = tags[tag * WORDS + (first >> 5)] & (-1 << (first & 31));
      for (let k = first >> 5; ; ) {
        if (w !== 0) {
          const index = base + (k << 5) + 31 - Math.clz32(w & -w);
          return index <= to ? index : -1;
        }
        if (++k === WORDS) break;
        w = tags[tag * WORDS + k];
      }
    }
    return -1;
  }

  /** Give `set` to every page of from..to (inclusive) that has `if_`: tag_pages_for_writeback(). Returns how many got it anew. */
  tagRange(if_: number, set: number, from: number, to: number): number {
    let n = 0;
    for (let i = this.nextTagged(if_, from, to); i >= 0; i = this.nextTagged(if_, i + 1, to))
      if (this.setTag(i, set)) n++;
    return n;
  }

  // --- mappings ---

  /** An area maps it. */
  addVma(v: Vma): void {
    this.iMmap ??= [];
    v.mmapIndex = this.iMmap.length;
    this.iMmap.push(v);
  }

  removeVma(v: Vma): void {
    const a = this.iMmap as Vma[];
    const last = a.pop() as Vma;
    if (last !== v) {
      a[v.mmapIndex] = last;
      last.mmapIndex = v.mmapIndex;
    }
    v.mmapIndex = -1;
  }

  /** Is it mapped by anyone? */
  get mapped(): boolean {
    return this.iMmap !== null && this.iMmap.length > 0;
  }
}

/** What an address space needs to know of its inode. */
export interface MappingHost {
  /** File size in bytes. */
  size: number;
}

/** The bytes of a page in an array of at least `upto`. */
export function widened(d: PageData, upto: number): Uint8Array {
  let size = typeof d === "number" && d !== 0 ? 4096 : 64;
  while (size < upto) size *= 2;
  const b = new Uint8Array(size);
  if (typeof d === "number") b.fill(d);
  else if (d !== null) b.set(d);
  return b;
}

function chunkCount(c: CacheChunk, tag: number): number {
  return tag === TAG_DIRTY ? c.nrDirty : tag === TAG_WRITEBACK ? c.nrWriteback : c.nrTowrite;
}

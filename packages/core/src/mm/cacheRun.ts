/**
 * Cached pages in a row: finding and tagging many of one chunk (512 pages) at once, by words of its bitmaps. What is there afterwards is
 * what `AddressSpace.setTag` and `clearTag`, page by page, would have left. For writers and writeback of long stretches of a file.
 */
import type { AddressSpace, CacheChunk } from "./addressSpace.js";
import { TAG_DIRTY, TAG_WRITEBACK } from "./addressSpace.js";

const CHUNK = 512;
const WORDS = CHUNK / 32;

/** How many pages from `index` on are cached, without a gap, in one chunk: at most `max`. */
export function cachedRun(m: AddressSpace, index: number, max: number): number {
  const c = m.chunkOf(index);
  if (c === null) return 0;
  const from = index - c.no * CHUNK;
  const end = Math.min(from + max, c.pfns.length);
  let i = from;
  while (i < end && c.pfns[i] !== 0) i++;
  return i - from;
}

/** How many pages from `index` on have the tag, without a gap, in one chunk: at most `max`. */
export function taggedRun(m: AddressSpace, tag: number, index: number, max: number): number {
  const c = m.chunkOf(index);
  if (c === null || c.tags === null) return 0;
  const from = index - c.no * CHUNK;
  const end = Math.min(from + max, CHUNK);
  for (let i = from; i < end; ) {
    // tags from bit i of its word on, the first that is missing
    const missing = ~c.tags[tag * WORDS + (i >> 5)] & (-1 << (i & 31));
    if (missing !== 0) return Math.min((i & ~31) + 31 - Math.clz32(missing & -missing), end) - from;
    i = (i & ~31) + 32;
  }
  return end - from;
}

function ones(v: number): number {
  let w = v - ((v >>> 1) & 0x55555555);
  w = (w & 0x33333333) + ((w >>> 2) & 0x33333333);
  return Math.imul((w + (w >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function tally(m: AddressSpace, c: CacheChunk, tag: number, n: number): void {
  if (tag === TAG_DIRTY) {
    c.nrDirty += n;
    m.nrDirty += n;
  } else if (tag === TAG_WRITEBACK) {
    c.nrWriteback += n;
    m.nrWriteback += n;
  } else {
    c.nrTowrite += n;
    m.nrTowrite += n;
  }
}

/** Give n pages from `index` on, cached and of one chunk, the tag (`on`) or take it off: how many that changed. */
export function tagRun(m: AddressSpace, tag: number, index: number, n: number, on: boolean): number {
  const c = m.chunkOf(index) as CacheChunk;
  if (c.tags === null) {
    if (!on) return 0;
    c.tags = new Uint32Array(3 * WORDS);
  }
  const from = index - c.no * CHUNK;
  const last = from + n - 1;
  let changed = 0;
  for (let k = from >> 5; k <= last >> 5; k++) {
    let mask = -1;
    if (k === from >> 5) mask &= -1 << (from & 31);
    if (k === last >> 5) mask &= -1 >>> (31 - (last & 31));
    const w = tag * WORDS + k;
    const before = c.tags[w];
    c.tags[w] = on ? before | mask : before & ~mask;
    changed += ones((on ? ~before : before) & mask);
  }
  tally(m, c, tag, on ? changed : -changed);
  return changed;
}

/**
 * The buddy allocator of one zone: blocks of 2^order pages, order 0..10, aligned to their size. Kernel document
 * mm/physical_memory; /proc/buddyinfo.
 *
 * A free block is marked at its first frame (PG_BUDDY and its order) and stands in a doubly linked list of its order, last freed
 * first; the links are the owner (previous) and index (next) columns. A block is merged with its buddy - the other half of the
 * block twice its size - whenever both are free. Memory that was never used is not in the lists: it is taken from `virgin`.
 */
import { type Frames, PG_BUDDY, PG_ORDER_SHIFT } from "./frames.js";
import { MAX_ORDER_PAGES, NR_ORDERS, type Zone } from "./zone.js";

function link(f: Frames, z: Zone, pfn: number, order: number): void {
  const h = z.heads[order];
  f.index[pfn] = h;
  f.owner[pfn] = 0;
  if (h !== 0) f.owner[h] = pfn;
  z.heads[order] = pfn;
  z.nrFree[order]++;
  f.flags[pfn] = PG_BUDDY | (order << PG_ORDER_SHIFT);
}

function unlink(f: Frames, z: Zone, pfn: number, order: number): void {
  const n = f.index[pfn];
  const p = f.owner[pfn];
  if (p !== 0) f.index[p] = n;
  else z.heads[order] = n;
  if (n !== 0) f.owner[n] = p;
  z.nrFree[order]--;
  f.flags[pfn] = 0;
  f.index[pfn] = 0;
  f.owner[pfn] = 0;
}

/** Give a zone its frames start..end-1 as free memory. What stands in the frames themselves is written by `markSeeds`. */
export function seedZone(z: Zone, start: number, end: number): void {
  z.managed = end - start;
  z.virgin = Math.min(Math.ceil(start / MAX_ORDER_PAGES) * MAX_ORDER_PAGES, end);
  z.virginEnd = Math.max(Math.floor(end / MAX_ORDER_PAGES) * MAX_ORDER_PAGES, z.virgin);
  z.free = z.managed;
  eachSeed(z, start, end, (pfn, order) => {
    z.heads[order] = pfn;
    z.nrFree[order]++;
  });
}

/** Put a seeded zone's blocks into the lists, before it gives any: all its frames are untouched. */
export function markSeeds(f: Frames, z: Zone, start: number, end: number): void {
  z.heads.fill(0);
  z.nrFree.fill(0);
  eachSeed(z, start, end, (pfn, order) => link(f, z, pfn, order));
}

/** Less than the largest block, at both ends of a zone, is free in the largest aligned pieces. */
function eachSeed(z: Zone, first: number, last: number, fn: (pfn: number, order: number) => void): void {
  for (const [start, end] of [
    [first, z.virgin],
    [z.virginEnd, last],
  ]) {
    for (let pfn = start; pfn < end; ) {
      let order = 0;
      while (order < NR_ORDERS - 1 && (pfn & ((2 << order) - 1)) === 0 && pfn + (2 << order) <= end) order++;
      fn(pfn, order);
      pfn += 1 << order;
    }
  }
}

/** Take a block of 2^order pages: its first frame, 0 if there is none. Its fields are all zero. */
export function takeBlock(f: Frames, z: Zone, order: number): number {
  let o = order;
  while (o < NR_ORDERS && z.heads[o] === 0) o++;
  let pfn: number;
  if (o < NR_ORDERS) {
    pfn = z.heads[o];
    unlink(f, z, pfn, o);
  } else {
    if (z.virgin === z.virginEnd) return 0;
    pfn = z.virgin;
    z.virgin += MAX_ORDER_PAGES;
    o = NR_ORDERS - 1;
  }
  while (o > order) {
    o--;
    link(f, z, pfn + (1 << o), o);
  }
  z.free -= 1 << order;
  return pfn;
}

/**
 * Take n single pages into out[at..]: the very ones, and with the same blocks left, as n times `takeBlock` of order 0. There must be
 * that many.
 */
export function takeRun(f: Frames, z: Zone, n: number, out: Int32Array, at: number): void {
  for (let done = 0; done < n; ) {
    let o = 0;
    while (o < NR_ORDERS && z.heads[o] === 0) o++;
    let pfn: number;
    if (o < NR_ORDERS) {
      pfn = z.heads[o];
      unlink(f, z, pfn, o);
    } else {
      pfn = z.virgin;
      z.virgin += MAX_ORDER_PAGES;
      o = NR_ORDERS - 1;
    }
    while (1 << o > n - done) {
      o--;
      link(f, z, pfn + (1 << o), o);
    }
    for (const end = done + (1 << o); done < end; done++) out[at + done] = pfn++;
  }
  z.free -= n;
}

/** Give a block back. Fields of its frames must be zero. */
export function giveBlock(f: Frames, z: Zone, first: number, firstOrder: number): void {
  let pfn = first;
  let order = firstOrder;
  z.free += 1 << order;
  while (order < NR_ORDERS - 1) {
    const buddy = pfn ^ (1 << order);
    const b = f.flags[buddy];
    if (buddy < z.start || buddy >= z.end || (b & PG_BUDDY) === 0 || b >>> PG_ORDER_SHIFT !== order) break;
    unlink(f, z, buddy, order);
    pfn &= ~(1 << order);
    order++;
  }
  link(f, z, pfn, order);
}

/**
 * write(2) of many whole pages in a row that are cached already: dealt with at once where that is plain. What is there afterwards is what
 * `filemapWrite`, page by page, would have left. The file system says how far it is plain (`beginRun`) and counts (`dirtyRun`).
 */
import type { Ctx } from "../kernel/ctx.js";
import { type AddressSpace, type CacheChunk, CONTENTS_NONE } from "./addressSpace.js";
import { cachedRun } from "./cacheRun.js";
import { copyIn } from "./copyPage.js";
import { PG_ACTIVE, PG_DIRTY, PG_REFERENCED, PG_UPTODATE } from "./frames.js";
import { markAccessed } from "./markAccessed.js";
import type { MmSystem } from "./mmSystem.js";

const PAGE = 4096;
/** Fewer are not worth it. */
const SHORTEST = 4;
const USED = PG_ACTIVE | PG_REFERENCED;

/** The first of `max` whole pages from `index` on, data from data[from] on: how many were written; 0: take the first by itself. */
export function writeRun(
  m: MmSystem,
  c: Ctx,
  mapping: AddressSpace,
  index: number,
  max: number,
  data: Uint8Array,
  from: number,
): number {
  const { beginRun, dirtyRun } = mapping.aOps;
  if (beginRun === undefined || dirtyRun === undefined || max < SHORTEST) return 0;
  // listeners that take part in each page
  if (m.k.hooks.pageState.on !== null) return 0;
  let n = cachedRun(mapping, index, max);
  if (n < SHORTEST) return 0;
  n = beginRun(c, mapping, index, n);
  if (n < SHORTEST) return 0;
  const chunk = mapping.chunkOf(index) as CacheChunk;
  const at = index - chunk.no * 512;
  n = oneZone(m, chunk.pfns, at, n);
  const { flags } = m.frames;
  for (let i = at; i < at + n; i++) {
    const pfn = chunk.pfns[i];
    if ((flags[pfn] & USED) !== USED) markAccessed(m, pfn);
    flags[pfn] |= PG_DIRTY | PG_UPTODATE;
  }
  if (mapping.contents !== CONTENTS_NONE)
    for (let i = 0; i < n; i++) copyIn(mapping, index + i, 0, data, from + i * PAGE, PAGE);
  dirtyRun(m.k, mapping, index, n, chunk.pfns[at]);
  return n;
}

/** Of n frames from pfns[at] on, how many are in the zone of the first. */
export function oneZone(m: MmSystem, pfns: Int32Array, at: number, n: number): number {
  const { start, end } = m.zoneOf(pfns[at]);
  for (let i = 1; i < n; i++) {
    const pfn = pfns[at + i];
    if (pfn < start || pfn >= end) return i;
  }
  return n;
}

/**
 * Pages in a row that go to the device: sent off and done with at once. Flags, tags and counters are afterwards what `pages.ts`, page by
 * page, would have left. How they became dirty in a row is in `dirtyRuns.ts`.
 */
import {
  type AddressSpace,
  type CacheChunk,
  NR_FILE_DIRTY,
  NR_WRITEBACK,
  NR_ZONE_WRITE_PENDING,
  oneZone,
  PG_DIRTY,
  PG_STABLE,
  PG_WRITEBACK,
  TAG_DIRTY,
  TAG_TOWRITE,
  TAG_WRITEBACK,
  taggedRun,
  tagRun,
} from "@kernelkit/core";
import type { Bio } from "../device/bio.js";
import type { WbInode } from "../fs/wbInode.js";
import type { Writeback } from "../system.js";
import { firstUnderWriteback, lastUnderWriteback } from "./pages.js";

const CHUNK = 512;

/** How many pages from `index` on, at most `max`, can be sent off together: tagged, dirty, nowhere mapped, in one zone. */
export function sendable(w: Writeback, m: AddressSpace, tag: number, index: number, max: number): number {
  const most = taggedRun(m, tag, index, max);
  if (most < 2) return most;
  const { flags, mapcount } = w.k.mm.frames;
  const { pfns, no } = m.chunkOf(index) as CacheChunk;
  const at = index - no * CHUNK;
  let n = 0;
  for (; n < most; n++) {
    const pfn = pfns[at + n];
    if ((flags[pfn] & (PG_DIRTY | PG_WRITEBACK | PG_STABLE)) !== PG_DIRTY || mapcount[pfn] > 0) break;
  }
  return n < 2 ? n : oneZone(w.k.mm, pfns, at, n);
}

/** n such pages go to the device: clean, and under writeback. */
export function startRun(w: Writeback, m: AddressSpace, wi: WbInode, index: number, n: number): void {
  const { mm } = w.k;
  const { flags } = mm.frames;
  const { pfns, no } = m.chunkOf(index) as CacheChunk;
  const at = index - no * CHUNK;
  for (let i = at; i < at + n; i++) flags[pfns[i]] ^= PG_DIRTY | PG_WRITEBACK;
  tagRun(m, TAG_DIRTY, index, n, false);
  if (m.nrTowrite > 0) tagRun(m, TAG_TOWRITE, index, n, false);
  const before = m.nrWriteback;
  tagRun(m, TAG_WRITEBACK, index, n, true);
  mm.modPage(pfns[at], NR_FILE_DIRTY, -n);
  mm.modPage(pfns[at], NR_WRITEBACK, n);
  wi.wb.reclaimable -= n;
  wi.wb.writeback += n;
  if (before === 0) firstUnderWriteback(w, wi);
}

/** The pages of a request, all in the cache still, have been written. */
export function endRun(w: Writeback, m: AddressSpace, wi: WbInode, bio: Bio): void {
  const { mm } = w.k;
  const { flags } = mm.frames;
  const { wb } = wi;
  for (let index = bio.first, end = bio.first + bio.n; index < end; ) {
    const { pfns, no } = m.chunkOf(index) as CacheChunk;
    const at = index - no * CHUNK;
    const n = oneZone(mm, pfns, at, Math.min(end - index, CHUNK - at));
    for (let i = at; i < at + n; i++) flags[pfns[i]] &= ~(PG_WRITEBACK | PG_STABLE);
    tagRun(m, TAG_WRITEBACK, index, n, false);
    mm.modPage(pfns[at], w.nrWritten, n);
    mm.modPage(pfns[at], NR_WRITEBACK, -n);
    mm.modZone(pfns[at], NR_ZONE_WRITE_PENDING, -n);
    index += n;
  }
  wb.written += bio.n;
  wb.writeback -= bio.n;
  if (m.nrWriteback === 0) lastUnderWriteback(w, wi);
}

/**
 * Pages in a row: dirtied, sent off and done with at once, where nothing has to be asked about each of them. Flags, tags and counters are
 * afterwards what `pages.ts`, page by page, would have left; where somebody listens to each page, nothing is done this way.
 */
import {
  type AddressSpace,
  type CacheChunk,
  type Ctx,
  type Inode,
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
import { markInodeDirty } from "../flush/inodeState.js";
import { BLOCK_NONE } from "../fs/blockMap.js";
import { sameState } from "../fs/mapRun.js";
import { I_DIRTY_PAGES, type WbInode } from "../fs/wbInode.js";
import type { Writeback } from "../system.js";
import { pagesToLook } from "../throttle/balance.js";
import { firstUnderWriteback, lastUnderWriteback } from "./pages.js";

const CHUNK = 512;

/** Does anybody take part in each page? */
function eachPage(w: Writeback): boolean {
  const { k, trace } = w;
  return (
    k.contracts.memcg !== undefined ||
    k.hooks.pageState.on !== null ||
    trace.dirtyFolio.on ||
    trace.markInodeDirty.on ||
    trace.dirtyInodeStart.on ||
    trace.dirtyInode.on
  );
}

/** How many of n cached pages from `index` on may be written at once: none is on its way, all have blocks or reservations. */
export function beginRun(w: Writeback, c: Ctx, m: AddressSpace, index: number, n: number): number {
  const wi = w.of(m.host as Inode);
  if (wi === null || eachPage(w)) return 0;
  let most = Math.min(n, pagesToLook(w, c, wi.wb));
  for (const b of wi.bios) {
    if (b.first + b.n <= index || b.first >= index + most) continue;
    if (b.first <= index) return 0;
    most = b.first - index;
  }
  return wi.map.state(index) === BLOCK_NONE ? 0 : sameState(wi.map, index, most);
}

/** n pages from `index` on were written. `pfn`: a frame of theirs. */
export function dirtyRun(w: Writeback, m: AddressSpace, index: number, n: number, pfn: number): void {
  const { mm } = w.k;
  const wi = w.of(m.host as Inode) as WbInode;
  const { wb } = wi;
  const fresh = tagRun(m, TAG_DIRTY, index, n, true);
  if (fresh === 0) return;
  mm.modPage(pfn, NR_FILE_DIRTY, fresh);
  mm.modPage(pfn, w.nrDirtied, fresh);
  mm.modZone(pfn, NR_ZONE_WRITE_PENDING, fresh);
  wb.reclaimable += fresh;
  wb.dirtied += fresh;
  const t = w.k.current;
  if (t !== null) {
    w.throttleOf(t).nrDirtied += fresh;
    w.st.bdpRatelimits[w.k.currentCpu] += fresh;
  }
  if ((wi.state & I_DIRTY_PAGES) === 0) markInodeDirty(w, wi, I_DIRTY_PAGES);
}

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

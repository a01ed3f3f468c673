/**
 * Pages in a row that are written: dirtied at once, where nothing has to be asked about each of them. Flags, tags and counters are
 * afterwards what `pages.ts`, page by page, would have left; where somebody listens to each page, nothing is done this way.
 */
import {
  type AddressSpace,
  type Ctx,
  type Inode,
  NR_FILE_DIRTY,
  NR_ZONE_WRITE_PENDING,
  TAG_DIRTY,
  tagRun,
} from "@kernelkit/core";
import { markInodeDirty } from "../flush/inodeState.js";
import { BLOCK_NONE } from "../fs/blockMap.js";
import { sameState } from "../fs/mapRun.js";
import { I_DIRTY_PAGES, type WbInode } from "../fs/wbInode.js";
import type { Writeback } from "../system.js";
import { pagesToLook } from "../throttle/balance.js";

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

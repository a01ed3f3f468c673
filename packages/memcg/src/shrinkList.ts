/** What reclaim does with the pages of one list. Linux's shrink_inactive_list() and shrink_active_list(). */
import {
  type Ctx,
  getPage,
  type MmSystem,
  PG_ACTIVE,
  PG_ANON,
  PG_DIRTY,
  PG_HEAD,
  PG_LAZYFREE,
  PG_RECLAIM,
  PG_REFERENCED,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_WORKINGSET,
  PG_WRITEBACK,
  pageMappedDirty,
  pageReferenced,
  putPage,
  removePage,
  splitHugePage,
  tryToUnmap,
} from "@kernelkit/core";
import { BLOCK } from "./lruList.js";
import { LRU_INACTIVE_FILE, type MemCgroup } from "./memCgroup.js";
import type { MemcgSystem } from "./memcgSystem.js";
import { noteCost } from "./scanBalance.js";
import { S_PGLAZYFREED, S_PGREFILL, S_THP_SWPOUT_FALLBACK } from "./stats.js";
import { workingsetEviction } from "./workingset.js";

/** What a round has looked at and freed, pages. */
export interface ScanTotals {
  scanned: number;
  freed: number;
  priority: number;
}

/** Fates of a page. */
const FREED = 1;
const KEEP = 0;
/** It has been moved to the active list. */
const ACTIVATED = -1;

/** Was it used since it was last looked at? Then it stays, or is activated. */
function checkReferences(mm: MmSystem, pfn: number): number {
  const { flags, mapcount } = mm.frames;
  if (mapcount[pfn] === 0) return FREED;
  const refs = pageReferenced(mm, pfn);
  const was = (flags[pfn] & PG_REFERENCED) !== 0;
  flags[pfn] &= ~PG_REFERENCED;
  if (refs === 0) return FREED;
  if ((flags[pfn] & PG_SWAPBACKED) !== 0 && (flags[pfn] & PG_ANON) !== 0) return ACTIVATED;
  flags[pfn] |= PG_REFERENCED;
  return was || refs > 1 ? ACTIVATED : KEEP;
}

function shrinkAnon(s: MemcgSystem, pfn: number): number {
  const { mm } = s.k;
  const fl = mm.frames.flags[pfn];
  if ((fl & PG_SWAPBACKED) !== 0) return s.swap.swapOut(pfn) ? FREED : KEEP;
  if ((fl & PG_LAZYFREE) === 0) return KEEP;
  if (pageMappedDirty(mm, pfn)) {
    // it was written since MADV_FREE: that no longer holds
    mm.lruMove(pfn, PG_SWAPBACKED, PG_LAZYFREE);
    return ACTIVATED;
  }
  // somebody is copying it
  if (mm.frames.refcount[pfn] > mm.frames.mapcount[pfn]) return KEEP;
  const m = s.ofPage(pfn);
  getPage(mm, pfn);
  const gone = tryToUnmap(mm, pfn);
  if (gone) m.stat(S_PGLAZYFREED, 1);
  putPage(mm, pfn);
  return gone ? FREED : KEEP;
}

function shrinkFile(s: MemcgSystem, pfn: number, c: Ctx | null): number {
  const { mm } = s.k;
  const f = mm.frames;
  const mapping = mm.mappingOf(pfn);
  if (mapping === null || mapping.aOps.swapBacked === true || mapping.aOps.readFolio === undefined) return KEEP;
  const index = mm.indexOf(pfn);
  if ((f.flags[pfn] & PG_DIRTY) !== 0) {
    // once round the list unwritten: send it on its way
    s.pendingIo++;
    if ((f.flags[pfn] & PG_RECLAIM) !== 0 && c !== null) mapping.aOps.writepage?.(c, mapping, index, pfn);
    else f.flags[pfn] |= PG_RECLAIM;
    return KEEP;
  }
  if (f.refcount[pfn] > f.mapcount[pfn] + 1) return KEEP;
  if (f.mapcount[pfn] > 0 && !tryToUnmap(mm, pfn)) return KEEP;
  if ((f.flags[pfn] & PG_DIRTY) !== 0) return KEEP;
  workingsetEviction(s, pfn, mapping, index);
  removePage(mm, mapping, index);
  return FREED;
}

/** One page of an inactive list. */
export function shrinkPage(s: MemcgSystem, pfn: number, c: Ctx | null): number {
  const { mm } = s.k;
  const f = mm.frames;
  if ((f.flags[pfn] & PG_WRITEBACK) !== 0) {
    s.pendingIo++;
    return KEEP;
  }
  const fate = checkReferences(mm, pfn);
  if (fate === ACTIVATED) {
    mm.lruMove(pfn, PG_ACTIVE, 0);
    return ACTIVATED;
  }
  if (fate === KEEP) return KEEP;
  const fl = f.flags[pfn];
  return (fl & PG_ANON) !== 0 || (fl & PG_SWAPCACHE) !== 0 ? shrinkAnon(s, pfn) : shrinkFile(s, pfn, c);
}

/** What a scan of an inactive list has met; one object, reused. */
export class ScanCounts {
  kept = 0;
  activated = 0;
  freed = 0;
}

/**
 * Look at the oldest block of an inactive list, at `n` entries at most: those that stay go to its head. Entries that were looked at.
 */
function scanBlock(s: MemcgSystem, m: MemCgroup, lru: number, n: number, totals: ScanTotals, c: Ctx | null): number {
  const { lists, counts, onlyNode } = s;
  const { mm } = s.k;
  const { flags } = mm.frames;
  const first = lists.scanBegin(m.lru, lru);
  let { slots } = lists;
  // the frames are all over memory: asked for in a row they come at once, not one after the other
  let any = 0;
  for (let i = 0; i < BLOCK; i++) any |= flags[slots[first + i]];
  const plain = (any & PG_HEAD) === 0 && onlyNode < 0;
  let left = n;
  let i = 0;
  let passed = 0;
  let writing = 0;
  for (; i < BLOCK && left > 0; i++) {
    const pfn = slots[first + i];
    if (pfn === 0) continue;
    left--;
    const fl = flags[pfn];
    if (!plain) {
      if ((fl & PG_HEAD) !== 0) {
        // swap takes single pages
        m.stat(S_THP_SWPOUT_FALLBACK, 1);
        splitHugePage(mm, pfn);
        slots = lists.slots;
        passed++;
        continue;
      }
      if (onlyNode >= 0 && mm.nodeOf(pfn) !== onlyNode) {
        counts.kept++;
        passed++;
        continue;
      }
    }
    if ((fl & PG_WRITEBACK) !== 0) {
      writing++;
      continue;
    }
    const fate = shrinkPage(s, pfn, c);
    slots = lists.slots;
    if (fate === FREED) counts.freed++;
    else {
      counts.kept++;
      if (fate === ACTIVATED) counts.activated++;
    }
  }
  // at its end there is nothing but gaps
  while (i < BLOCK && slots[first + i] === 0) i++;
  lists.scanEnd(m.lru, lru, i);
  totals.scanned += n - left - passed;
  counts.kept += writing;
  s.pendingIo += writing;
  return n - left;
}

/** Look at n pages from the tail of an inactive list: those that stay go to its head. False: the list has no more. */
export function shrinkInactive(
  s: MemcgSystem,
  m: MemCgroup,
  lru: number,
  n: number,
  totals: ScanTotals,
  c: Ctx | null,
): boolean {
  // a page on its way out may need memory itself: no reclaim within reclaim
  if (s.lists.busy) return false;
  const file = lru >= LRU_INACTIVE_FILE;
  const pending = s.pendingIo;
  const { counts } = s;
  counts.kept = 0;
  counts.activated = 0;
  counts.freed = 0;
  const most = Math.min(n, m.lru.entries[lru]);
  let looked = 0;
  while (looked < most && m.lru.tail[lru] !== 0) looked += scanBlock(s, m, lru, most - looked, totals, c);
  const { kept, activated, freed } = counts;
  totals.freed += freed;
  const { isolate, shrink } = s.trace;
  if (isolate.on) isolate.emit(n, looked, lru);
  if (shrink.on) {
    const dirty = s.pendingIo - pending;
    shrink.emit(0, looked, freed, dirty, activated, kept - activated - dirty, totals.priority, file ? 1 : 0);
  }
  if (kept > 0) noteCost(m, file, kept);
  const { mm } = s.k;
  mm.count(s.kmem.vmstat.scanType[file ? 1 : 0], looked);
  mm.count(s.kmem.vmstat.stealType[file ? 1 : 0], freed);
  return looked === n;
}

/** Take n pages from the tail of an active list down to the inactive one. */
export function deactivatePages(s: MemcgSystem, m: MemCgroup, lru: number, n: number): void {
  const { mm } = s.k;
  let done = 0;
  for (; done < n; done++) {
    const pfn = s.lists.oldest(m.lru, lru);
    if (pfn === 0) break;
    if (mm.frames.mapcount[pfn] > 0) pageReferenced(mm, pfn);
    mm.lruMove(pfn, PG_WORKINGSET, PG_ACTIVE | PG_REFERENCED);
  }
  m.stat(S_PGREFILL, done);
  mm.count(s.kmem.vmstat.refill, done);
}

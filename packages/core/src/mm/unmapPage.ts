/**
 * Taking a page out of every process that maps it: what reclaim and migration begin with. Linux's try_to_unmap() and
 * try_to_migrate(); kernel document mm/page_migration.
 */
import { PG_ANON, PG_DIRTY, PG_HEAD, PG_SWAPBACKED } from "./frames.js";
import { splitHugePage } from "./hugeSplit.js";
import { MM_SWAPENTS, type Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { unmapped } from "./pageMap.js";
import { PTE_DIRTY } from "./pageTable.js";
import { rmapWalk } from "./rmap.js";
import { VM_LOCKED, type Vma } from "./vma.js";

function anyLocked(m: MmSystem, _mm: Mm, v: Vma): boolean {
  if ((v.flags & VM_LOCKED) === 0) return true;
  m.scratch = 1;
  return false;
}

function anyDirty(m: MmSystem, _mm: Mm, _v: Vma, _addr: number, slot: number): boolean {
  if ((m.pt.fl[slot] & PTE_DIRTY) === 0) return true;
  m.scratch = 1;
  return false;
}

/** Has a process written to the page since its entries were last cleaned? Then MADV_FREE no longer holds. */
export function pageMappedDirty(m: MmSystem, pfn: number): boolean {
  m.scratch = 0;
  rmapWalk(m, pfn, anyDirty);
  return m.scratch !== 0;
}

function clearEntry(m: MmSystem, mm: Mm, v: Vma, _addr: number, slot: number): boolean {
  const { pt } = m;
  const pfn = pt.val[slot];
  const fl = pt.fl[slot];
  const entry = m.unmapEntry;
  pt.val[slot] = -entry;
  pt.fl[slot] = 0;
  if (entry === 0) pt.count[slot >> 9]--;
  else {
    m.k.contracts.swap?.dup(entry);
    mm.rss[MM_SWAPENTS]++;
  }
  m.frames.refcount[pfn]++; // the caller's, so that the last mapping does not free it
  unmapped(m, mm, v, pfn, fl);
  m.frames.refcount[pfn]--;
  return true;
}

/**
 * Unmap a page (a huge one is split first: call it for its parts). An anonymous page needs a swap entry, which every process gets
 * instead, unless it is lazily free (`entry` 0); pages of files just go. The caller holds a reference (isolated page). False:
 * a locked area maps it, nothing was done.
 */
export function tryToUnmap(m: MmSystem, pfn: number, entry = 0): boolean {
  const { frames: f } = m;
  if ((f.flags[pfn] & PG_HEAD) !== 0) splitHugePage(m, pfn);
  if (f.mapcount[pfn] === 0) return true;
  m.scratch = 0;
  rmapWalk(m, pfn, anyLocked);
  if (m.scratch !== 0) return false;
  m.unmapEntry = entry;
  rmapWalk(m, pfn, clearEntry);
  return f.mapcount[pfn] === 0;
}

/** Is it private memory that needs swap to be reclaimed? */
export function needsSwap(m: MmSystem, pfn: number): boolean {
  const fl = m.frames.flags[pfn];
  return (
    (fl & (PG_ANON | PG_SWAPBACKED)) === (PG_ANON | PG_SWAPBACKED) || ((fl & PG_ANON) !== 0 && (fl & PG_DIRTY) !== 0)
  );
}

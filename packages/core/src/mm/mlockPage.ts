/**
 * Locked pages: those of an area with VM_LOCKED stand on the unevictable list and count as Mlocked. mlock(2), kernel document
 * mm/unevictable-lru.
 */
import { HPAGE_PMD_NR, PG_HEAD, PG_LRU, PG_MLOCKED, PG_TAIL, PG_UNEVICTABLE } from "./frames.js";
import type { Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { rmapWalk } from "./rmap.js";
import { VM_LOCKED, type Vma } from "./vma.js";
import { NR_MLOCK, UNEVICTABLE_PGMLOCKED, UNEVICTABLE_PGMUNLOCKED } from "./vmstat.js";

/** Pages of a locked area stand on the unevictable list. */
export function mlockPage(m: MmSystem, pfn: number): void {
  const f = m.frames;
  const fl = f.flags[pfn];
  if ((fl & (PG_MLOCKED | PG_TAIL)) !== 0) return;
  const onLru = (fl & PG_LRU) !== 0;
  if (onLru) m.lruDel(pfn);
  f.flags[pfn] |= PG_MLOCKED | PG_UNEVICTABLE;
  const n = (fl & PG_HEAD) !== 0 ? HPAGE_PMD_NR : 1;
  m.modZone(pfn, NR_MLOCK, n);
  m.stats[UNEVICTABLE_PGMLOCKED] += n;
  if (onLru) m.lruAdd(pfn);
}

function lockedElsewhere(m: MmSystem, _mm: Mm, v: Vma): boolean {
  if ((v.flags & VM_LOCKED) === 0 || v === m.scratchVma) return true;
  m.scratch = 1;
  return false;
}

/** Area `v` locks the page no more; it is evictable unless another locked area maps it. */
export function munlockPage(m: MmSystem, pfn: number, v: Vma): void {
  const f = m.frames;
  if ((f.flags[pfn] & PG_MLOCKED) === 0) return;
  if (f.mapcount[pfn] > 0) {
    m.scratch = 0;
    m.scratchVma = v;
    rmapWalk(m, pfn, lockedElsewhere);
    m.scratchVma = null;
    if (m.scratch !== 0) return;
  }
  const onLru = (f.flags[pfn] & PG_LRU) !== 0;
  if (onLru) m.lruDel(pfn);
  f.flags[pfn] &= ~(PG_MLOCKED | PG_UNEVICTABLE);
  const n = (f.flags[pfn] & PG_HEAD) !== 0 ? HPAGE_PMD_NR : 1;
  m.modZone(pfn, NR_MLOCK, -n);
  m.stats[UNEVICTABLE_PGMUNLOCKED] += n;
  if (onLru) m.lruAdd(pfn);
}

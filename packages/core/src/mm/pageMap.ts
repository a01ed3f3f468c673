/**
 * Entering frames into page tables and taking them out, with everything that is counted on the way: mapcount, references, rss of
 * the process, mapped-page counters, mlock. Linux's folio_add_*_rmap / zap_pte_range.
 */

import type { AddressSpace } from "./addressSpace.js";
import { HPAGE_PMD_NR, PG_ANON, PG_DIRTY, PG_MLOCKED, PG_SWAPBACKED } from "./frames.js";
import { splitHugePmd } from "./hugeSplit.js";
import { markAccessed } from "./markAccessed.js";
import { mlockPage, munlockPage } from "./mlockPage.js";
import { MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS, type Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { putPage } from "./pageAlloc.js";
import {
  clearPmd,
  freeTable,
  PMD_BYTES,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_HUGE,
  PTE_SPECIAL,
  PTRS,
  pmdSlot,
  pteBase,
} from "./pageTable.js";
import { VM_LOCKED, VM_RAND_READ, VM_SEQ_READ, type Vma } from "./vma.js";
import { NR_ANON_MAPPED, NR_ANON_THPS, NR_FILE_MAPPED } from "./vmstat.js";

/** Index of `mm.rss` that a frame with these flags counts in. */
export function rssKind(flags: number): number {
  return (flags & PG_ANON) !== 0 ? MM_ANONPAGES : (flags & PG_SWAPBACKED) !== 0 ? MM_SHMEMPAGES : MM_FILEPAGES;
}

/** A frame gets into an empty PTE. Its reference for the mapping must have been taken. */
export function mapPte(m: MmSystem, mm: Mm, v: Vma, slot: number, pfn: number, flags: number): void {
  const { pt, frames: f } = m;
  pt.val[slot] = pfn;
  pt.fl[slot] = flags;
  pt.count[slot >> 9]++;
  const pf = f.flags[pfn];
  const anon = (pf & PG_ANON) !== 0;
  mm.rss[anon ? MM_ANONPAGES : (pf & PG_SWAPBACKED) !== 0 ? MM_SHMEMPAGES : MM_FILEPAGES]++;
  if (f.mapcount[pfn]++ === 0) m.modPage(pfn, anon ? NR_ANON_MAPPED : NR_FILE_MAPPED, 1);
  if ((v.flags & VM_LOCKED) !== 0) mlockPage(m, pfn);
}

/** The entry that maps `pfn` with flags `fl` has been cleared. */
export function unmapped(m: MmSystem, mm: Mm, v: Vma, pfn: number, fl: number): void {
  if ((fl & PTE_SPECIAL) !== 0) return;
  const { frames: f } = m;
  const pf = f.flags[pfn];
  mm.rss[rssKind(pf)]--;
  if ((pf & PG_ANON) === 0) {
    if ((fl & PTE_DIRTY) !== 0 && (pf & PG_DIRTY) === 0) m.setPageDirty(pfn);
    if ((fl & PTE_ACCESSED) !== 0 && (v.flags & (VM_SEQ_READ | VM_RAND_READ)) === 0) markAccessed(m, pfn);
  }
  if (--f.mapcount[pfn] === 0) m.modPage(pfn, (pf & PG_ANON) !== 0 ? NR_ANON_MAPPED : NR_FILE_MAPPED, -1);
  if ((pf & PG_MLOCKED) !== 0 && (v.flags & VM_LOCKED) !== 0) munlockPage(m, pfn, v);
  putPage(m, pfn);
}

/** Clear the entries of [start, end), which lie in area `v`: pages are given back, swap entries too. */
export function zapRange(m: MmSystem, mm: Mm, v: Vma, start: number, end: number): void {
  for (let addr = start; addr < end; ) {
    const region = (addr / PMD_BYTES) | 0;
    const from = region * PMD_BYTES;
    const stop = Math.min(from + PMD_BYTES, end);
    const slot = pmdSlot(mm, region);
    if (slot < 0) {
      addr = nextGib(mm, region) * PMD_BYTES * 512;
      continue;
    }
    if ((m.pt.fl[slot] & PTE_HUGE) !== 0) {
      if (addr === from && stop === from + PMD_BYTES) zapHuge(m, mm, v, slot);
      else splitHugePmd(m, mm, region);
    }
    const base = pteBase(m, mm, region);
    if (base >= 0) zapTable(m, mm, v, base, base + ((addr - from) >> 12), base + ((stop - from - 1) >> 12));
    addr = stop;
  }
}

function nextGib(mm: Mm, region: number): number {
  const gib = region >> 9;
  for (const g of mm.gibs) if (g > gib) return g;
  return 0x20000;
}

function zapTable(m: MmSystem, mm: Mm, v: Vma, base: number, first: number, last: number): void {
  const { pt } = m;
  const id = base >> 9;
  for (let s = first; s <= last && pt.count[id] > 0; s++) {
    const e = pt.val[s];
    if (e === 0) continue;
    const fl = pt.fl[s];
    pt.val[s] = 0;
    pt.fl[s] = 0;
    pt.count[id]--;
    if (e > 0) unmapped(m, mm, v, e, fl);
    else {
      mm.rss[MM_SWAPENTS]--;
      m.k.contracts.swap?.free(-e);
    }
  }
}

function zapHuge(m: MmSystem, mm: Mm, v: Vma, slot: number): void {
  const { pt, frames: f } = m;
  const pfn = pt.val[slot];
  const fl = pt.fl[slot];
  clearPmd(m, slot);
  freeTable(m, mm, mm.deposits.pop() as number);
  if ((fl & PTE_SPECIAL) !== 0) return;
  mm.rss[MM_ANONPAGES] -= HPAGE_PMD_NR;
  if (--f.mapcount[pfn] === 0) {
    m.modPage(pfn, NR_ANON_MAPPED, -HPAGE_PMD_NR);
    m.modPage(pfn, NR_ANON_THPS, -HPAGE_PMD_NR);
  }
  if ((f.flags[pfn] & PG_MLOCKED) !== 0 && (v.flags & VM_LOCKED) !== 0) munlockPage(m, pfn, v);
  putPage(m, pfn);
}

/** Take the pages index..last of a mapping out of every address space: before truncation. Private copies go too if `cows`. */
export function unmapMapping(m: MmSystem, mapping: AddressSpace, index: number, last: number, cows: boolean): void {
  const vmas = mapping.iMmap;
  if (vmas === null) return;
  for (let i = vmas.length - 1; i >= 0; i--) {
    const v = vmas[i];
    const first = Math.max(index, v.pgoff);
    const end = Math.min(last + 1, v.pgoff + v.pages);
    if (first >= end) continue;
    const a = v.start + (first - v.pgoff) * 4096;
    const b = v.start + (end - v.pgoff) * 4096;
    if (cows) zapRange(m, v.mm, v, a, b);
    else zapFilePages(m, v, a, b);
  }
}

/** As zapRange, but only pages of the file, not private copies. */
function zapFilePages(m: MmSystem, v: Vma, start: number, end: number): void {
  const { pt, frames: f } = m;
  for (let addr = start; addr < end; addr += 4096) {
    const region = (addr / PMD_BYTES) | 0;
    const base = pteBase(m, v.mm, region);
    if (base < 0) {
      addr = (region + 1) * PMD_BYTES - 4096;
      continue;
    }
    const s = base + ((addr - region * PMD_BYTES) >> 12);
    const e = pt.val[s];
    if (e > 0 && (f.flags[e] & PG_ANON) === 0) zapTable(m, v.mm, v, base, s, s);
  }
}

/** Entries in use between two addresses, in order: for walks that only look. */
export function forEachPte(
  m: MmSystem,
  mm: Mm,
  start: number,
  end: number,
  fn: (addr: number, slot: number, huge: boolean) => void,
): void {
  for (let addr = start; addr < end; ) {
    const region = (addr / PMD_BYTES) | 0;
    const from = region * PMD_BYTES;
    const stop = Math.min(from + PMD_BYTES, end);
    const slot = pmdSlot(mm, region);
    if (slot < 0) {
      addr = nextGib(mm, region) * PMD_BYTES * PTRS;
      continue;
    }
    if ((m.pt.fl[slot] & PTE_HUGE) !== 0) fn(addr, slot, true);
    else {
      const base = pteBase(m, mm, region);
      if (base >= 0) {
        for (let a = addr, s = base + ((addr - from) >> 12); a < stop; a += 4096, s++)
          if (m.pt.val[s] !== 0) fn(a, s, false);
      }
    }
    addr = stop;
  }
}

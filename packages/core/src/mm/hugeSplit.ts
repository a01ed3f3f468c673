/**
 * Splitting huge pages: a PMD entry becomes a table of 512 entries, and the page behind it 512 pages - in every address space that
 * maps it. It cannot fail: each huge entry has a table set aside. Kernel document mm/transhuge.
 */
import {
  HPAGE_PMD_NR,
  HPAGE_PMD_ORDER,
  PG_DATA,
  PG_HEAD,
  PG_LRU,
  PG_ORDER_SHIFT,
  PG_TAIL,
  ZERO_PFN,
} from "./frames.js";
import type { Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { PTE_HUGE, PTE_SPECIAL, PTRS, pmdSlot } from "./pageTable.js";
import { rmapWalk } from "./rmap.js";
import type { Vma } from "./vma.js";
import { NR_ANON_THPS, THP_SPLIT_PAGE, THP_SPLIT_PMD } from "./vmstat.js";

/** The region's huge entry becomes a table of 512 entries. */
export function splitHugePmd(m: MmSystem, mm: Mm, region: number): void {
  const slot = pmdSlot(mm, region);
  const pfn = m.pt.val[slot];
  if ((m.pt.fl[slot] & PTE_SPECIAL) === 0) {
    splitHugePage(m, pfn);
    return;
  }
  const { fl } = m.pt;
  m.stats[THP_SPLIT_PMD]++;
  fillTable(m, mm, slot, fl[slot] & ~PTE_HUGE, ZERO_PFN, 0);
}

/** Replace a huge PMD entry by its deposited table, filled with frames pfn, pfn + step ... */
function fillTable(m: MmSystem, mm: Mm, slot: number, flags: number, pfn: number, step: number): void {
  const { pt } = m;
  const table = mm.deposits.pop() as number;
  const base = table * PTRS;
  for (let i = 0; i < PTRS; i++) pt.val[base + i] = pfn + i * step;
  pt.fl.fill(flags, base, base + PTRS);
  pt.count[table] = PTRS;
  pt.val[slot] = table;
  pt.fl[slot] = 0;
  mm.cacheRegion = -1;
}

function splitMapping(m: MmSystem, mm: Mm, _v: Vma, _addr: number, slot: number): boolean {
  m.stats[THP_SPLIT_PMD]++;
  fillTable(m, mm, slot, m.pt.fl[slot] & ~PTE_HUGE, m.pt.val[slot], 1);
  return true;
}

/** A huge page becomes 512 pages, wherever it is mapped. */
export function splitHugePage(m: MmSystem, pfn: number): void {
  const { frames: f } = m;
  const flags = f.flags[pfn];
  const maps = f.mapcount[pfn];
  const refs = f.refcount[pfn];
  const onLru = (flags & PG_LRU) !== 0;
  if (onLru) m.lruDel(pfn);
  rmapWalk(m, pfn, splitMapping);
  m.modPage(pfn, NR_ANON_THPS, -HPAGE_PMD_NR);
  m.stats[THP_SPLIT_PAGE]++;
  if (m.k.hooks.pageSplit.on !== null) m.k.hooks.pageSplit.on(pfn, HPAGE_PMD_ORDER);
  const own = flags & ~(PG_HEAD | PG_TAIL | PG_LRU | PG_DATA | (-1 << PG_ORDER_SHIFT));
  const owner = f.owner[pfn];
  const index = f.index[pfn];
  for (let i = 0; i < HPAGE_PMD_NR; i++) {
    const p = pfn + i;
    f.flags[p] = own | (m.pageData.has(p) ? PG_DATA : 0);
    f.refcount[p] = refs;
    f.mapcount[p] = maps;
    f.owner[p] = owner;
    f.index[p] = index + i;
    if (onLru) m.lruAdd(p);
  }
}

/** A process that used the huge zero page no longer does. */
export function putHugeZero(m: MmSystem, mm: Mm): void {
  if (!mm.hugeZero) return;
  mm.hugeZero = false;
  m.hugeZero.refs--;
}

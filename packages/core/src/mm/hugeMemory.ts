/**
 * Transparent huge pages of anonymous memory, and the huge zero page. Kernel document admin-guide/mm/transhuge, mm/transhuge.
 *
 * A huge page is a block of 512 frames (one head with its mapcount and charge, 511 tails) that a PMD entry maps; a PTE table is set
 * aside for each such entry (mm.deposits), so splitting never fails. Whenever a part of it must differ - unmapped, protected,
 * copied - the page itself is split into 512 pages, in every address space that maps it.
 */
import type { Ctx } from "../kernel/ctx.js";
import { HPAGE_PMD_NR, HPAGE_PMD_ORDER, PG_ZEROPAGE, ZERO_PFN } from "./frames.js";
import {
  __GFP_COMP,
  __GFP_DIRECT_RECLAIM,
  __GFP_KSWAPD_RECLAIM,
  __GFP_NORETRY,
  ALLOC_WAIT,
  GFP_TRANSHUGE,
  GFP_TRANSHUGE_LIGHT,
  PAGE_ANON,
  PAGE_KERNEL,
} from "./gfp.js";
import { splitHugePmd } from "./hugeSplit.js";
import { mlockPage } from "./mlockPage.js";
import { MM_ANONPAGES, type Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { allocCharged, allocPages, CHARGE_FAILED, freePages } from "./pageAlloc.js";
import {
  freeTable,
  newTable,
  PMD_BYTES,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_HUGE,
  PTE_SPECIAL,
  PTE_WRITE,
  PTRS,
  pmdAlloc,
  pmdSlot,
  setPmd,
} from "./pageTable.js";
import {
  VM_HUGEPAGE,
  VM_LOCKED,
  VM_NOHUGEPAGE,
  VM_SPECIAL,
  VM_UFFD_MISSING,
  VM_UFFD_WP,
  VM_WRITE,
  type Vma,
} from "./vma.js";
import {
  NR_ANON_MAPPED,
  NR_ANON_THPS,
  THP_FAULT_ALLOC,
  THP_FAULT_FALLBACK,
  THP_FAULT_FALLBACK_CHARGE,
  THP_ZERO_PAGE_ALLOC,
  THP_ZERO_PAGE_ALLOC_FAILED,
} from "./vmstat.js";

/** What a huge fault gives when it leaves the fault to small pages. */
export const HUGE_FALLBACK = -3;

/** May the area have a huge page in this region? */
export function thpSuitable(m: MmSystem, mm: Mm, v: Vma, region: number): boolean {
  const { enabled } = m.thp;
  if (enabled === "never" || !v.isAnonymous || mm.thpDisabled) return false;
  if (enabled === "madvise" && (v.flags & VM_HUGEPAGE) === 0) return false;
  if ((v.flags & (VM_NOHUGEPAGE | VM_SPECIAL | VM_UFFD_MISSING | VM_UFFD_WP)) !== 0) return false;
  const start = region * PMD_BYTES;
  return start >= v.start && start + PMD_BYTES <= v.end;
}

function gfpOf(m: MmSystem, v: Vma): number {
  const advised = (v.flags & VM_HUGEPAGE) !== 0;
  switch (m.thp.defrag) {
    case "always":
      return GFP_TRANSHUGE | (advised ? 0 : __GFP_NORETRY);
    case "defer":
      return GFP_TRANSHUGE_LIGHT | __GFP_KSWAPD_RECLAIM;
    case "defer+madvise":
      return GFP_TRANSHUGE_LIGHT | (advised ? __GFP_DIRECT_RECLAIM : __GFP_KSWAPD_RECLAIM);
    case "madvise":
      return GFP_TRANSHUGE_LIGHT | (advised ? __GFP_DIRECT_RECLAIM : 0);
    default:
      return GFP_TRANSHUGE_LIGHT;
  }
}

/** First touch of a region that may be huge: 0 done, ALLOC_WAIT, or HUGE_FALLBACK. */
export function hugeAnonFault(m: MmSystem, c: Ctx | null, mm: Mm, v: Vma, region: number, write: boolean): number {
  return write ? hugeWrite(m, c, mm, v, region) : hugeRead(m, c, mm, v, region);
}

function hugeRead(m: MmSystem, c: Ctx | null, mm: Mm, v: Vma, region: number): number {
  if (!m.thp.useZeroPage) return hugeWrite(m, c, mm, v, region);
  const slot = pmdAlloc(m, mm, region, c);
  if (slot <= 0) return slot === ALLOC_WAIT ? slot : HUGE_FALLBACK;
  const table = newTable(m, mm, c);
  if (table <= 0) return table === ALLOC_WAIT ? table : HUGE_FALLBACK;
  if (m.thp.hugeZero === "virtual") {
    m.pt.val.fill(ZERO_PFN, table * PTRS, table * PTRS + PTRS);
    m.pt.fl.fill(PTE_SPECIAL | PTE_ACCESSED, table * PTRS, table * PTRS + PTRS);
    m.pt.count[table] = PTRS;
    setPmd(m, slot, table, 0);
    return 0;
  }
  const pfn = getHugeZero(m, mm);
  if (pfn === 0) {
    freeTable(m, mm, table);
    m.stats[THP_FAULT_FALLBACK]++;
    return HUGE_FALLBACK;
  }
  mm.deposits.push(table);
  setPmd(m, slot, pfn, PTE_HUGE | PTE_SPECIAL | PTE_ACCESSED);
  return 0;
}

/** A charged huge page for an area: pfn, ALLOC_WAIT, or HUGE_FALLBACK (counted). */
function allocHuge(m: MmSystem, c: Ctx | null, mm: Mm, v: Vma, region: number): number {
  const r = m.request(c, gfpOf(m, v), PAGE_ANON);
  r.mm = mm;
  r.vma = v;
  r.addr = region * PMD_BYTES;
  r.index = v.pgoffOf(r.addr);
  r.order = HPAGE_PMD_ORDER;
  const pfn = allocCharged(m, r);
  if (pfn > 0 || pfn === ALLOC_WAIT) return pfn;
  m.stats[THP_FAULT_FALLBACK]++;
  if (pfn === CHARGE_FAILED) m.stats[THP_FAULT_FALLBACK_CHARGE]++;
  return HUGE_FALLBACK;
}

function hugeWrite(m: MmSystem, c: Ctx | null, mm: Mm, v: Vma, region: number): number {
  const anon = m.anonPrepare(v);
  const slot = pmdAlloc(m, mm, region, c);
  if (slot <= 0) return slot === ALLOC_WAIT ? slot : HUGE_FALLBACK;
  const table = newTable(m, mm, c);
  if (table <= 0) return table === ALLOC_WAIT ? table : HUGE_FALLBACK;
  const pfn = allocHuge(m, c, mm, v, region);
  if (pfn <= 0) {
    freeTable(m, mm, table);
    return pfn;
  }
  mm.deposits.push(table);
  mapHuge(m, mm, v, region, slot, pfn, anon.id);
  return 0;
}

function mapHuge(m: MmSystem, mm: Mm, v: Vma, region: number, slot: number, pfn: number, owner: number): void {
  const { frames: f } = m;
  setPmd(m, slot, pfn, PTE_HUGE | PTE_ACCESSED | PTE_DIRTY | ((v.flags & VM_WRITE) !== 0 ? PTE_WRITE : 0));
  m.newAnonPage(pfn, owner, v.pgoffOf(region * PMD_BYTES) | 0);
  f.mapcount[pfn] = 1;
  mm.rss[MM_ANONPAGES] += HPAGE_PMD_NR;
  m.stats[THP_FAULT_ALLOC]++;
  m.modPage(pfn, NR_ANON_MAPPED, HPAGE_PMD_NR);
  m.modPage(pfn, NR_ANON_THPS, HPAGE_PMD_NR);
  if ((v.flags & VM_LOCKED) !== 0) mlockPage(m, pfn);
  m.lruAdd(pfn);
}

/** First write into the huge zero page of a region: 0 done, ALLOC_WAIT, HUGE_FALLBACK (its PTEs are small zero pages now). */
export function hugeZeroWrite(m: MmSystem, c: Ctx | null, mm: Mm, v: Vma, region: number): number {
  const slot = pmdSlot(mm, region);
  if (m.thp.hugeZero === "huge" && thpSuitable(m, mm, v, region)) {
    const anon = m.anonPrepare(v);
    const pfn = allocHuge(m, c, mm, v, region);
    if (pfn === ALLOC_WAIT) return pfn;
    if (pfn > 0) {
      m.pt.count[slot >> 9]--;
      mapHuge(m, mm, v, region, slot, pfn, anon.id);
      return 0;
    }
  }
  splitHugePmd(m, mm, region);
  return HUGE_FALLBACK;
}

// --- the huge zero page ---

/** The huge zero page for a user: each Mm holds one reference. 0: there is no memory for it. */
export function getHugeZero(m: MmSystem, mm: Mm): number {
  const z = m.hugeZero;
  if (!mm.hugeZero) {
    if (z.pfn === 0) {
      const r = m.request(null, GFP_TRANSHUGE | __GFP_COMP, PAGE_KERNEL);
      r.order = HPAGE_PMD_ORDER;
      const pfn = allocPages(m, r);
      if (pfn <= 0) {
        m.stats[THP_ZERO_PAGE_ALLOC_FAILED]++;
        return 0;
      }
      m.frames.flags[pfn] |= PG_ZEROPAGE;
      m.stats[THP_ZERO_PAGE_ALLOC]++;
      z.pfn = pfn;
      z.refs = 1; // the shrinker's
    }
    z.refs++;
    mm.hugeZero = true;
  }
  return z.pfn;
}

/** The shrinker: frees the huge zero page if no process holds it. Pages freed (512 or 0). */
export function shrinkHugeZero(m: MmSystem): number {
  const z = m.hugeZero;
  if (z.pfn === 0 || z.refs > 1) return 0;
  freePages(m, z.pfn, HPAGE_PMD_ORDER);
  z.pfn = 0;
  z.refs = 0;
  return HPAGE_PMD_NR;
}

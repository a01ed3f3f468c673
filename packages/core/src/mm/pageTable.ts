/**
 * Page tables: all of them in one arena of 512-entry tables, as columns. Kernel document mm/page_tables.
 *
 * - A table has a number > 0; its entries are `val[id * 512 + i]` with flags `fl[...]`. A PTE is 0 (nothing), > 0 a frame, or < 0 a
 *   swap entry. A PMD entry is 0, the number of a PTE table, or with PTE_HUGE the first frame of a 2 MiB page.
 * - An Mm has a PMD table per GiB it uses (`gibs`, `pmds`, ascending). "Region" is the number of a 2 MiB block: address / 2 MiB.
 * - Every table is a page of memory of the kernel: it takes a frame, is charged (PAGE_TABLE), and shows in VmPTE and PageTables.
 */

import type { Ctx } from "../kernel/ctx.js";
import { PG_TABLE } from "./frames.js";
import { ALLOC_WAIT, GFP_KERNEL_ACCOUNT, PAGE_TABLE } from "./gfp.js";
import type { Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { allocCharged, putPage } from "./pageAlloc.js";
import { NR_PAGETABLE } from "./vmstat.js";

export const PTE_WRITE = 1;
export const PTE_DIRTY = 2;
export const PTE_ACCESSED = 4;
/** Present, but every access faults: PROT_NONE, or armed for a NUMA hint. */
export const PTE_PROTNONE = 16;
/** The zero page (or the huge one): not counted, not owned. */
export const PTE_SPECIAL = 32;
export const PTE_UFFD_WP = 64;
/** A PMD entry that maps a huge page. */
export const PTE_HUGE = 128;

export const PTRS = 512;
export const PMD_BYTES = 2097152;

export class PageTables {
  // room for table 0, which does not exist: the first one makes room for more
  val: Int32Array = new Int32Array(PTRS);
  fl: Uint8Array = new Uint8Array(PTRS);
  /** Entries in use of each table; of a free one: the next free. */
  count: Int32Array = new Int32Array(1);
  /** Frame of each table. */
  frame: Int32Array = new Int32Array(1);
  private free = 0;
  private used = 1;

  take(frame: number): number {
    let id = this.free;
    if (id !== 0) this.free = this.count[id];
    else {
      id = this.used++;
      if (id === this.count.length) this.grow();
    }
    this.count[id] = 0;
    this.frame[id] = frame;
    return id;
  }

  /** Give back an empty table. */
  give(id: number): void {
    this.count[id] = this.free;
    this.frame[id] = 0;
    this.free = id;
  }

  private grow(): void {
    const n = Math.max(64, this.count.length * 2);
    const wider = <A extends Int32Array | Uint8Array>(a: A, b: A): A => {
      b.set(a);
      return b;
    };
    this.val = wider(this.val, new Int32Array(n * PTRS));
    this.fl = wider(this.fl, new Uint8Array(n * PTRS));
    this.count = wider(this.count, new Int32Array(n));
    this.frame = wider(this.frame, new Int32Array(n));
  }
}

/** A page for kernel tables of `mm`: its frame, 0 (no memory) or ALLOC_WAIT. */
function tableFrame(m: MmSystem, mm: Mm, c: Ctx | null): number {
  const r = m.request(c, GFP_KERNEL_ACCOUNT, PAGE_TABLE);
  r.mm = mm;
  const pfn = allocCharged(m, r);
  if (pfn <= 0) return pfn === ALLOC_WAIT ? ALLOC_WAIT : 0;
  m.frames.flags[pfn] = PG_TABLE;
  m.modPage(pfn, NR_PAGETABLE, 1);
  mm.pgtablesBytes += 4096;
  return pfn;
}

function putTableFrame(m: MmSystem, mm: Mm, pfn: number): void {
  m.modPage(pfn, NR_PAGETABLE, -1);
  mm.pgtablesBytes -= 4096;
  putPage(m, pfn);
}

/** A new empty table for `mm`: its number, 0 or ALLOC_WAIT. */
export function newTable(m: MmSystem, mm: Mm, c: Ctx | null): number {
  const pfn = tableFrame(m, mm, c);
  return pfn <= 0 ? pfn : m.pt.take(pfn);
}

export function freeTable(m: MmSystem, mm: Mm, id: number): void {
  const pfn = m.pt.frame[id];
  m.pt.give(id);
  putTableFrame(m, mm, pfn);
}

/** Position of a GiB in `mm.gibs` (of the first >= it). */
export function gibPosition(mm: Mm, gib: number): number {
  const g = mm.gibs;
  let lo = 0;
  let hi = g.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (g[mid] < gib) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/** Arena index of a region's PMD entry, -1: there is no PMD table. */
export function pmdSlot(mm: Mm, region: number): number {
  const gib = region >> 9;
  const g = mm.gibs;
  let i = g.length - 1;
  if (i > 7) {
    i = gibPosition(mm, gib);
    if (i === g.length || g[i] !== gib) return -1;
  } else while (i >= 0 && g[i] !== gib) i--;
  return i < 0 ? -1 : mm.pmds[i] * PTRS + (region & 511);
}

/** As `pmdSlot`, but makes the table: 0 or ALLOC_WAIT if it cannot (an index is never 0: table 0 does not exist). */
export function pmdAlloc(m: MmSystem, mm: Mm, region: number, c: Ctx | null): number {
  const slot = pmdSlot(mm, region);
  if (slot >= 0) return slot;
  const gib = region >> 9;
  const pud = gib >> 9;
  if (!mm.puds.includes(pud)) {
    const pfn = tableFrame(m, mm, c);
    if (pfn <= 0) return pfn;
    mm.puds.push(pud);
    mm.pudFrames.push(pfn);
  }
  const id = newTable(m, mm, c);
  if (id <= 0) return id;
  const at = gibPosition(mm, gib);
  mm.gibs.splice(at, 0, gib);
  mm.pmds.splice(at, 0, id);
  return id * PTRS + (region & 511);
}

/** Arena index of the first PTE of a region, -1: it has no PTE table (nothing, or a huge page). */
export function pteBase(m: MmSystem, mm: Mm, region: number): number {
  if (mm.cacheRegion === region) return mm.cacheBase;
  const slot = pmdSlot(mm, region);
  if (slot < 0) return -1;
  const id = m.pt.val[slot];
  if (id === 0 || (m.pt.fl[slot] & PTE_HUGE) !== 0) return -1;
  mm.cacheRegion = region;
  mm.cacheBase = id * PTRS;
  return mm.cacheBase;
}

/** As `pteBase`, but makes the tables: 0 or ALLOC_WAIT if it cannot. The region must not be a huge page. */
export function pteAlloc(m: MmSystem, mm: Mm, region: number, c: Ctx | null): number {
  const base = pteBase(m, mm, region);
  if (base >= 0) return base;
  const slot = pmdAlloc(m, mm, region, c);
  if (slot <= 0) return slot;
  const id = newTable(m, mm, c);
  if (id <= 0) return id;
  setPmd(m, slot, id, 0);
  mm.cacheRegion = region;
  mm.cacheBase = id * PTRS;
  return mm.cacheBase;
}

/** Write an empty PMD entry. */
export function setPmd(m: MmSystem, slot: number, value: number, flags: number): void {
  m.pt.val[slot] = value;
  m.pt.fl[slot] = flags;
  m.pt.count[slot >> 9]++;
}

export function clearPmd(m: MmSystem, slot: number): void {
  m.pt.val[slot] = 0;
  m.pt.fl[slot] = 0;
  m.pt.count[slot >> 9]--;
}

/** Arena index of the entry of `addr`, -1: no PTE table. */
export function pteSlot(m: MmSystem, mm: Mm, addr: number): number {
  const region = (addr / PMD_BYTES) | 0;
  const base = pteBase(m, mm, region);
  return base < 0 ? -1 : base + ((addr - region * PMD_BYTES) >> 12);
}

/** Free the tables of regions in `from`..`to` (addresses) that no area touches any more: they are empty. */
export function freePgtables(m: MmSystem, mm: Mm, from: number, to: number): void {
  const first = Math.floor(from / PMD_BYTES);
  const last = Math.ceil(to / PMD_BYTES) - 1;
  mm.cacheRegion = -1;
  const { pt } = m;
  for (let i = gibPosition(mm, first >> 9); i < mm.gibs.length && mm.gibs[i] <= last >> 9; ) {
    const gib = mm.gibs[i];
    const id = mm.pmds[i];
    const lo = Math.max(first, gib * 512) & 511;
    const hi = Math.min(last, gib * 512 + 511) & 511;
    for (let r = lo; r <= hi && pt.count[id] > 0; r++) {
      const t = pt.val[id * PTRS + r];
      if (t === 0 || pt.count[t] > 0 || (pt.fl[id * PTRS + r] & PTE_HUGE) !== 0) continue;
      clearPmd(m, id * PTRS + r);
      freeTable(m, mm, t);
    }
    if (pt.count[id] > 0) {
      i++;
      continue;
    }
    mm.gibs.splice(i, 1);
    mm.pmds.splice(i, 1);
    freeTable(m, mm, id);
    const pud = gib >> 9;
    if (mm.gibs.some((g) => g >> 9 === pud)) continue;
    const p = mm.puds.indexOf(pud);
    mm.puds.splice(p, 1);
    putTableFrame(m, mm, mm.pudFrames.splice(p, 1)[0]);
  }
}

/**
 * Swap: private pages go to areas outside of memory and come back at the next use. Kernel documents admin-guide/cgroup-v2
 * "memory.swap.*", mm/swap-table.
 *
 * An entry is an area and a slot in one number. A page that others still have as an entry stays in the swap cache when it comes back,
 * so that all of them get the same page; one that nobody else has leaves swap at once. Each slot is paid for by the group that paid
 * for the page: memory.swap.current in v2, memory+swap in v1.
 */
import {
  ALLOC_WAIT,
  allocCharged,
  type Core,
  type Ctx,
  GFP_HIGHUSER_MOVABLE,
  getPage,
  type Mm,
  type MmSystem,
  PAGE_ANON,
  type PageData,
  PG_ANON,
  PG_DATA,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_UPTODATE,
  putPage,
  type SwapOps,
  tryToUnmap,
  type Vma,
} from "@kernelkit/core";
import { MEMCG_SWAP_FAIL, MEMCG_SWAP_MAX, type MemCgroup } from "../memCgroup.js";
import type { MemcgSystem } from "../memcgSystem.js";
import { type PageCounter, pageCounterCharge, pageCounterTryCharge, pageCounterUncharge } from "../pageCounter.js";
import { S_PGPGOUT, S_PSWPIN, S_PSWPOUT, S_SWAPCACHED, S_SWPIN_ZERO, S_SWPOUT_ZERO } from "../stats.js";
import { refault, shadowOf } from "../workingset.js";
import type { SwapArea } from "./swapArea.js";
import { Zswap } from "./zswap.js";

const SLOT_BITS = 24;
export const SLOT_MASK: number = (1 << SLOT_BITS) - 1;
/** Areas at most: an entry fits 29 bits. */
export const MAX_SWAPFILES = 29;

/** Time of the faulting task for a page that zswap unpacks, and for one that is filled with zeros, ns. */
const UNPACK_NS = 4_000;
const ZERO_NS = 300;

/** Does the kernel know that the page is all zeros? Such a page is not written anywhere (6.12 and later). */
function isZero(mm: MmSystem, pfn: number): boolean {
  if ((mm.frames.flags[pfn] & PG_DATA) === 0) return false;
  const data = mm.pageData.get(pfn) ?? null;
  return data === null || data === 0;
}

export class Swap implements SwapOps {
  static readonly transient: readonly string[] = ["readNs"];
  readonly areas: (SwapArea | null)[] = [];
  /** The swap cache: frames by entry, and entries by frame. */
  private readonly cache: Map<number, number> = new Map();
  private readonly entryOf: Map<number, number> = new Map();
  readonly zswap: Zswap;
  /** Set when the package is installed. */
  s!: MemcgSystem;

  constructor(
    readonly k: Core,
    /** Time of the faulting task that a read takes, ns. */
    readonly readNs: number,
    /** Bytes that zswap takes for a page of unknown contents. */
    packedBytes: number,
  ) {
    this.zswap = new Zswap(k, packedBytes);
  }

  // --- areas ---

  totalPages(): number {
    return this.areas.reduce((n, a) => n + (a === null || a.closing ? 0 : a.usable), 0);
  }
  freePages(): number {
    return this.areas.reduce((n, a) => n + (a === null || a.closing ? 0 : a.usable - a.used), 0);
  }
  cachedPages(): number {
    return this.cache.size;
  }

  add(area: SwapArea): void {
    let i = 0;
    while (this.areas[i]) i++;
    this.areas[i] = area;
  }

  /** Areas in the order they are used in: highest priority first. */
  private ordered(): number[] {
    const live = this.areas.flatMap((a, i) => (a === null || a.closing ? [] : [i]));
    return live.sort((a, b) => (this.areas[b] as SwapArea).prio - (this.areas[a] as SwapArea).prio || a - b);
  }

  /** Pages that a group may still put on swap: least of what is free and what its limits leave. */
  room(m: MemCgroup): number {
    let n = this.freePages();
    if (n === 0 || !m.v2) return n;
    for (let c: PageCounter | null = m.swap; c !== null; c = c.parent) n = Math.min(n, c.max - c.usage);
    return Math.max(0, n);
  }

  // --- out ---

  /** A slot that `m` pays for; 0: its limit or the areas are full (counted). */
  private takeEntry(m: MemCgroup): number {
    if (m.v2 && !m.isRoot) {
      if (pageCounterTryCharge(m.swap, 1) !== null) {
        this.s.event(m, MEMCG_SWAP_MAX);
        this.s.event(m, MEMCG_SWAP_FAIL);
        return 0;
      }
    } else pageCounterCharge(m.swap, 1);
    for (const i of this.ordered()) {
      const slot = (this.areas[i] as SwapArea).take(m.id);
      if (slot === 0) continue;
      m.swapEntries++;
      this.k.cgroup.cssGet(m.css);
      return i * (SLOT_MASK + 1) + slot;
    }
    pageCounterUncharge(m.swap, 1);
    this.s.event(m, MEMCG_SWAP_FAIL);
    return 0;
  }

  /** Free a private page by putting it on swap: false, it cannot go. */
  swapOut(pfn: number): boolean {
    const { mm } = this.k;
    const f = mm.frames;
    const cached = (f.flags[pfn] & PG_SWAPCACHE) !== 0;
    if (f.refcount[pfn] > f.mapcount[pfn] + (cached ? 1 : 0)) return false;
    if (cached) return this.dropCached(pfn);
    const { s } = this;
    const m = s.ofPage(pfn);
    const zero = s.era.zeroMap && isZero(mm, pfn);
    const packed = zero ? 0 : this.zswap.admit(s, m, pfn);
    if (!zero && packed === 0 && !this.zswap.writebackEnabled(m)) return false;
    const entry = this.takeEntry(m);
    if (entry === 0) return false;
    getPage(mm, pfn);
    if (!tryToUnmap(mm, pfn, entry)) {
      putPage(mm, pfn);
      this.giveEntry(entry, false);
      return false;
    }
    const area = this.areas[entry >>> SLOT_BITS] as SwapArea;
    const slot = entry & SLOT_MASK;
    area.shadows[slot] = shadowOf(s, pfn);
    if ((f.flags[pfn] & PG_DATA) !== 0) area.data.set(slot, mm.pageData.get(pfn) ?? null);
    if (zero) this.count(m, S_SWPOUT_ZERO, "swpout_zero");
    else if (packed > 0) this.zswap.store(s, m, entry, packed);
    else this.count(m, S_PSWPOUT, "pswpout");
    this.freePage(pfn, m);
    return true;
  }

  /** The last user of a page on its way out; in v1 memory+swap goes on counting it. */
  private freePage(pfn: number, m: MemCgroup): void {
    const { mm } = this.k;
    if (!m.isRoot && !m.v2) {
      mm.lruDel(pfn);
      this.s.owner[pfn] = 0;
      m.stat(S_PGPGOUT, 1);
      pageCounterUncharge(m.memory, 1);
      this.k.cgroup.cssPut(m.css);
    }
    putPage(mm, pfn);
  }

  /** A page of the swap cache: its bytes are on swap as well. */
  private dropCached(pfn: number): boolean {
    const { mm } = this.k;
    const entry = this.entryOf.get(pfn) as number;
    getPage(mm, pfn);
    const gone = tryToUnmap(mm, pfn, entry);
    if (gone) this.uncache(entry, pfn);
    putPage(mm, pfn);
    return gone;
  }

  private uncache(entry: number, pfn: number): void {
    const { mm } = this.k;
    this.cache.delete(entry);
    this.entryOf.delete(pfn);
    mm.frames.flags[pfn] &= ~PG_SWAPCACHE;
    this.s.ofPage(pfn).stat(S_SWAPCACHED, -1);
    mm.count(mm.stat("nr_swapcached"), -1, mm.nodeOf(pfn));
    putPage(mm, pfn);
  }

  // --- in ---

  swapIn(c: Ctx | null, entry: number, owner: Mm, vma: Vma, addr: number): number {
    const { mm } = this.k;
    const there = this.cache.get(entry);
    if (there !== undefined) {
      getPage(mm, there);
      return there;
    }
    const area = this.areas[entry >>> SLOT_BITS] ?? null;
    if (area === null) return -2;
    const slot = entry & SLOT_MASK;
    const { s } = this;
    const m = this.payer(area.ownerOf(slot));
    const r = mm.request(c, GFP_HIGHUSER_MOVABLE, PAGE_ANON);
    r.mm = owner;
    r.vma = vma;
    r.addr = addr;
    s.chargeTo = m;
    const pfn = allocCharged(mm, r);
    s.chargeTo = null;
    if (pfn <= 0) return pfn === ALLOC_WAIT ? pfn : 0;
    const f = mm.frames;
    f.flags[pfn] |= PG_ANON | PG_SWAPBACKED | PG_UPTODATE;
    const data = area.data.get(slot);
    if (data !== undefined) {
      mm.pageData.set(pfn, data);
      f.flags[pfn] |= PG_DATA;
    }
    refault(s, pfn, m, area.shadows[slot], false);
    const ns = this.countRead(m, entry, data);
    if (area.counts[slot] > 1) this.cachePage(entry, pfn, m);
    mm.lruAdd(pfn);
    if (c !== null) {
      c.task.remainingNs += ns;
      s.stall(m, this.k.now + ns, c.task);
    }
    return pfn;
  }

  /** Where the page of an entry was: a page of zeros is nowhere, zswap has it, or the area is read. ns of the task. */
  private countRead(m: MemCgroup, entry: number, data: PageData | undefined): number {
    if (this.s.era.zeroMap && (data === null || data === 0)) {
      this.count(m, S_SWPIN_ZERO, "swpin_zero");
      return ZERO_NS;
    }
    if (this.zswap.load(entry)) return UNPACK_NS;
    this.count(m, S_PSWPIN, "pswpin");
    return this.readNs;
  }

  private count(m: MemCgroup, stat: number, name: string): void {
    m.stat(stat, 1);
    this.k.mm.count(this.k.mm.stat(name), 1);
  }

  private cachePage(entry: number, pfn: number, m: MemCgroup): void {
    const { mm } = this.k;
    this.cache.set(entry, pfn);
    this.entryOf.set(pfn, entry);
    mm.frames.flags[pfn] |= PG_SWAPCACHE;
    getPage(mm, pfn);
    m.stat(S_SWAPCACHED, 1);
    mm.count(mm.stat("nr_swapcached"), 1, mm.nodeOf(pfn));
  }

  /** The group that paid; if it is removed, the nearest one above that is not. */
  private payer(id: number): MemCgroup {
    let m = this.s.groups[id] ?? this.s.root;
    while (!m.css.online && m.parent !== null) m = m.parent;
    return m;
  }

  // --- entries ---

  dup(entry: number): void {
    (this.areas[entry >>> SLOT_BITS] as SwapArea).counts[entry & SLOT_MASK]++;
  }

  free(entry: number): void {
    const area = this.areas[entry >>> SLOT_BITS] as SwapArea;
    if (--area.counts[entry & SLOT_MASK] > 0) return;
    const pfn = this.cache.get(entry);
    if (pfn !== undefined) this.uncache(entry, pfn);
    this.giveEntry(entry, true);
  }

  /** `counted`: a page has gone there, so that v1's memory+swap counts it. */
  private giveEntry(entry: number, counted: boolean): void {
    const area = this.areas[entry >>> SLOT_BITS] as SwapArea;
    const slot = entry & SLOT_MASK;
    const m = this.s.groups[area.ownerOf(slot)] ?? this.s.root;
    this.zswap.invalidate(this.s, entry);
    area.give(slot);
    m.swapEntries--;
    pageCounterUncharge(m.swap, 1);
    if (counted && !m.v2 && !m.isRoot) pageCounterUncharge(m.memsw, 1);
    this.k.cgroup.cssPut(m.css);
  }

  areaLines(): string {
    let out = "";
    for (const a of this.areas) {
      if (a === null) continue;
      const size = String(a.usable * 4);
      const used = String(a.used * 4);
      out += `${a.name.padEnd(40)}${a.kind}\t${a.kind === "file" ? "\t" : ""}${size}\t${size.length < 8 ? "\t" : ""}`;
      out += `${used}\t${used.length < 8 ? "\t" : ""}${a.prio}\n`;
    }
    return out;
  }
}

/**
 * Hint faults, the part that all designs share: arming entries of page tables (PTE_PROTNONE, as `change_prot_numa()`), what a fault on
 * an armed entry is about, and moving the page to where it is used. Counters: numa_pte_updates, numa_hint_faults, numa_pages_migrated.
 */
import {
  type Core,
  type Fault,
  type Mm,
  migratePage,
  PG_ANON,
  PG_DIRTY,
  PG_HEAD,
  PG_KSM,
  PG_SWAPBACKED,
  PMD_BYTES,
  PTE_HUGE,
  PTE_PROTNONE,
  PTE_SPECIAL,
  PTE_WRITE,
  pmdSlot,
  pteBase,
  type Task,
  VM_SHARED,
  VM_WRITE,
  type Vma,
} from "@kernelkit/core";
import type { NumaSystem } from "../state.js";
import type { Strategy } from "../strategy/strategy.js";

/** A fault on an armed page; one object, reused. */
export class HintFault {
  mm!: Mm;
  vma!: Vma;
  addr = 0;
  /** Arena slot of the entry. */
  slot = 0;
  /** Frame, of a huge page its head. */
  head = 0;
  /** 512 of a huge page, else 1. */
  pages = 1;
  /** Node of the page, and of the CPU. */
  src = 0;
  here = 0;
  /** The entry lets user code write; the page is mapped more than once. */
  writable = false;
  shared = false;
}

/** Which entries a scan arms. */
export interface ArmRule {
  /** Only private pages that are mapped once (2012), not every page that is not copied on write. */
  readonly anonOnly: boolean;
  /** Pages of this node are left alone; -1: none. */
  skipNode: number;
  /** Pages seen by node are added here. */
  counts: number[] | null;
  /** Asked for each page that would be armed; null: all are. */
  accept: ((pfn: number) => boolean) | null;
}

/** What a scan asks of a page: alone PG_DIRTY is a dirty page of a file, not of shared memory. */
const KIND = PG_ANON | PG_SWAPBACKED | PG_DIRTY | PG_KSM;

export class Hinting {
  readonly fault: HintFault = new HintFault();
  private readonly k: Core;
  private readonly pteUpdates: number;
  private readonly hugePteUpdates: number;
  private readonly hintFaults: number;
  private readonly hintFaultsLocal: number;
  private readonly pagesMigrated: number;
  /** First frame of each node, and the end of the last. */
  private readonly nodeStart: number[] = [0];

  constructor(readonly sys: NumaSystem) {
    const { k } = sys;
    const { mm } = k;
    this.k = k;
    this.pteUpdates = mm.stat("numa_pte_updates");
    this.hugePteUpdates = mm.stat("numa_huge_pte_updates");
    this.hintFaults = mm.stat("numa_hint_faults");
    this.hintFaultsLocal = mm.stat("numa_hint_faults_local");
    this.pagesMigrated = mm.stat("numa_pages_migrated");
    for (const pages of mm.nodePages) this.nodeStart.push((this.nodeStart.at(-1) as number) + pages);
  }

  // --- arming ---

  /** Arm what is mapped in [start, end) of an area: entries armed (a huge page counts 512). */
  arm(mm: Mm, v: Vma, start: number, end: number, rule: ArmRule): number {
    let armed = 0;
    for (let at = start; at < end; ) {
      const region = (at / PMD_BYTES) | 0;
      const stop = Math.min(end, (region + 1) * PMD_BYTES);
      armed += this.armRegion(mm, v, region, at, stop, rule);
      at = stop;
    }
    if (armed > 0) {
      this.k.mm.stats[this.pteUpdates] += armed;
      this.sys.spent.armed += armed;
    }
    return armed;
  }

  private armRegion(mm: Mm, v: Vma, region: number, start: number, end: number, rule: ArmRule): number {
    const m = this.k.mm;
    const base = pteBase(m, mm, region);
    if (base < 0) return this.armHuge(mm, region, rule);
    const first = base + ((start - region * PMD_BYTES) >> 12);
    return this.armTable(first, first + ((end - start) >> 12), (v.flags & (VM_SHARED | VM_WRITE)) === VM_WRITE, rule);
  }

  private armHuge(mm: Mm, region: number, rule: ArmRule): number {
    const m = this.k.mm;
    const { pt, frames } = m;
    const slot = pmdSlot(mm, region);
    if (slot < 0 || (pt.fl[slot] & (PTE_HUGE | PTE_PROTNONE | PTE_SPECIAL)) !== PTE_HUGE) return 0;
    const pfn = pt.val[slot];
    if (rule.anonOnly && frames.mapcount[pfn] > 1) return 0;
    const nid = m.nodeOf(pfn);
    if (nid === rule.skipNode || (rule.accept !== null && !rule.accept(pfn))) return 0;
    if (rule.counts !== null) rule.counts[nid] += 512;
    pt.fl[slot] |= PTE_PROTNONE;
    m.stats[this.hugePteUpdates]++;
    return 512;
  }

  /** The loop over entries first..last-1: the hot path of every scan. */
  private armTable(first: number, last: number, cow: boolean, rule: ArmRule): number {
    const { pt, frames } = this.k.mm;
    const { val, fl } = pt;
    const { flags, mapcount } = frames;
    const { anonOnly, skipNode, counts, accept } = rule;
    const skipFrom = skipNode < 0 ? 0 : this.nodeStart[skipNode];
    const skipTo = skipNode < 0 ? 0 : this.nodeStart[skipNode + 1];
    const single = cow || anonOnly;
    let armed = 0;
    if (counts === null && accept === null && !anonOnly && skipFrom === skipTo) {
      // nothing is asked of a page but what it is
      for (let s = first; s < last; s++) {
        const pfn = val[s];
        const f = fl[s];
        if (pfn <= 0 || (f & (PTE_PROTNONE | PTE_SPECIAL)) !== 0) continue;
        const pf = flags[pfn] & KIND;
        if (pf >= PG_KSM || pf === PG_DIRTY || (single && mapcount[pfn] > 1)) continue;
        fl[s] = f | PTE_PROTNONE;
        armed++;
      }
      return armed;
    }
    for (let s = first; s < last; s++) {
      const pfn = val[s];
      if (pfn <= 0 || (fl[s] & (PTE_PROTNONE | PTE_SPECIAL)) !== 0) continue;
      const pf = flags[pfn] & KIND;
      // a dirty page of a file would have to be written to move
      if (pf >= PG_KSM || pf === PG_DIRTY || (anonOnly && (pf & PG_ANON) === 0)) continue;
      if (single && mapcount[pfn] > 1) continue;
      if (pfn >= skipFrom && pfn < skipTo) continue;
      if (counts !== null) counts[this.k.mm.nodeOf(pfn)]++;
      if (accept !== null && !accept(pfn)) continue;
      fl[s] |= PTE_PROTNONE;
      armed++;
    }
    return armed;
  }

  // --- faults ---

  /** A task has used an armed entry: count, and say what it is about. */
  begin(f: Fault, t: Task): HintFault {
    const h = this.fault;
    this.describe(f, 0);
    this.counted(t, 1, h.src === h.here ? 1 : 0);
    return h;
  }

  /** Armed entries that are used in a row: each is a fault of its own for the strategy. How many were dealt with. */
  run(f: Fault, t: Task, strategy: Strategy): number {
    const { fl } = this.k.mm.pt;
    const h = this.fault;
    let local = 0;
    let n = 0;
    // a design may disarm those around the one that faulted
    for (; n < f.run && (fl[f.slot + n] & PTE_PROTNONE) !== 0; n++) {
      this.describe(f, n);
      if (h.src === h.here) local++;
      strategy.onHintFault(t, h);
    }
    this.counted(t, n, local);
    return n;
  }

  /** The i-th entry from the one that faulted on. */
  private describe(f: Fault, i: number): void {
    const slot = f.slot + i;
    const { mm: m } = this.k;
    const { frames, pt } = m;
    const h = this.fault;
    h.mm = f.mm;
    h.vma = f.vma;
    h.addr = f.addr + i * 4096;
    h.slot = slot;
    h.head = frames.head(pt.val[slot]);
    h.pages = (frames.flags[h.head] & PG_HEAD) !== 0 ? 512 : 1;
    h.src = m.nodeOf(h.head);
    h.here = m.numaNodeId();
    h.writable = (pt.fl[slot] & PTE_WRITE) !== 0;
    h.shared = frames.mapcount[h.head] > 1;
  }

  private counted(t: Task, n: number, local: number): void {
    const { sys } = this;
    const { stats } = this.k.mm;
    stats[this.hintFaults] += n;
    stats[this.hintFaultsLocal] += local;
    sys.spent.faults += n;
    const ns = n * sys.costs.faultNs;
    sys.spent.faultNs += ns;
    t.remainingNs += ns;
  }

  /** Is there room on a node for pages that move there by balancing: above the high watermark? */
  hasRoom(nid: number, pages: number): boolean {
    for (const z of this.k.mm.zones) if (z.nid === nid && z.managed > 0 && z.free - pages > z.high) return true;
    return false;
  }

  /** A page of slow memory finds no room: the node is to demote some. */
  private wakeKswapd(nid: number): void {
    const { hooks, mm } = this.k;
    if (hooks.wakeKswapd.on !== null) for (const z of mm.zones) if (z.nid === nid) hooks.wakeKswapd.on(z, 0);
  }

  /** Move the page at `head` to `nid`: the new frame, 0 if it cannot. `t` pays (null: nobody, see `sys.spent`). */
  moveTo(head: number, pages: number, nid: number, t: Task | null): number {
    const { sys } = this;
    const { mm } = this.k;
    const room = this.hasRoom(nid, pages);
    if (!room && (sys.settings.balancing & 2) !== 0) this.wakeKswapd(nid);
    const to = room ? migratePage(mm, null, head, nid) : 0;
    const ok = to > 0 ? 1 : 0;
    sys.migrated(ok * pages, (1 - ok) * pages, pages > 1, "numa_misplaced");
    if (to <= 0) return 0;
    mm.stats[this.pagesMigrated] += pages;
    sys.spent.migrated += pages;
    const ns = sys.costs.migrateNs * pages;
    sys.spent.migrateNs += ns;
    if (t !== null) t.remainingNs += ns;
    return to;
  }

  /** Time of an arming scan: of the task that scanned, or of a thread of the kernel, to which it is returned. */
  scanCost(armed: number, t: Task | null): number {
    const ns = armed * this.sys.costs.armNs;
    this.sys.spent.armNs += ns;
    if (t !== null) t.remainingNs += ns;
    return ns;
  }
}

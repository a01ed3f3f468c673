/**
 * Kernel memory: what the kernel uses on behalf of a group's tasks is charged to the group. Kernel document admin-guide/cgroup-v1/memory,
 * "Kernel Memory Extension".
 *
 * Three designs:
 * - `3.8`: a limit of its own, and nothing is accounted before a limit was set once; page tables are not.
 * - `4.5`: everything is accounted from the start, and the limit is kept.
 * - `unified` (5.16 and later): accounted, and the limit file is accepted and ignored: memory's limit is the one.
 * Charges go to the counter of kernel memory, then to memory; where kernel memory's limit refuses nothing is reclaimed.
 */
import { type Ctx, type Dentry, EBUSY, ENOMEM, fail, PG_TABLE, type Task } from "@kernelkit/core";
import { tryCharge, uncharge } from "../charge.js";
import type { MemCgroup } from "../memCgroup.js";
import type { MemcgSystem } from "../memcgSystem.js";
import { pageCounterCharge, pageCounterTryCharge, pageCounterUncharge } from "../pageCounter.js";

export type KmemStrategy = "3.8" | "4.5" | "unified";
export const KMEM_STRATEGIES: readonly KmemStrategy[] = ["3.8", "4.5", "unified"];

const PAGE = 4096;

/** Counters of /proc/vmstat that reclaim changes, by slot. */
export interface ReclaimCounters {
  /** Direct, proactive, kswapd: as in reclaim.ts. */
  readonly scan: readonly number[];
  readonly steal: readonly number[];
  /** Anonymous, file. */
  readonly scanType: readonly number[];
  readonly stealType: readonly number[];
  readonly refill: number;
}

function reclaimCounters(s: MemcgSystem): ReclaimCounters {
  const n = (name: string): number => s.k.mm.stat(name);
  return {
    scan: [n("pgscan_direct"), n("pgscan_proactive"), n("pgscan_kswapd")],
    steal: [n("pgsteal_direct"), n("pgsteal_proactive"), n("pgsteal_kswapd")],
    scanType: [n("pgscan_anon"), n("pgscan_file")],
    stealType: [n("pgsteal_anon"), n("pgsteal_file")],
    refill: n("pgrefill"),
  };
}

export class Kmem {
  static readonly transient: readonly string[] = ["vmstat", "off"];
  /** Who pays for cached names and for pipes. */
  readonly dentries: Map<Dentry, MemCgroup> = new Map();
  readonly pipes: Map<object, MemCgroup> = new Map();
  readonly vmstat: ReclaimCounters;
  /** cgroup.memory=nokmem */
  private readonly off: boolean;

  constructor(
    readonly s: MemcgSystem,
    readonly strategy: KmemStrategy,
  ) {
    this.vmstat = reclaimCounters(s);
    this.off = (s.k.cmdline.get("cgroup.memory") ?? "").split(",").includes("nokmem");
  }

  /** Is kernel memory of this group accounted? */
  accounted(m: MemCgroup): boolean {
    return !m.isRoot && !this.off && (this.strategy !== "3.8" || m.kmemActive);
  }

  /** 0, ENOMEM, HOOK_WAIT. */
  charge(m: MemCgroup, n: number, c: Ctx | null, task: Task | null): number {
    if (!this.accounted(m)) return 0;
    if (pageCounterTryCharge(m.kmem, n) !== null) return ENOMEM;
    const e = tryCharge(this.s, m, n, c, task, 0);
    if (e !== 0) pageCounterUncharge(m.kmem, n);
    return e;
  }

  uncharge(m: MemCgroup, n: number): void {
    pageCounterUncharge(m.kmem, n);
    uncharge(this.s, m, n);
  }

  // --- pages of page tables ---

  chargePage(pfn: number, m: MemCgroup, c: Ctx | null, task: Task | null): number {
    if (this.strategy === "3.8" || !this.accounted(m)) return 0;
    const e = this.charge(m, 1, c, task);
    if (e !== 0) return e;
    this.s.owner[pfn] = m.id;
    this.s.k.cgroup.cssGet(m.css);
    return 0;
  }

  /** The page is one of the kernel's: counted back. The caller gives back the memory itself. */
  unchargePage(pfn: number, m: MemCgroup, n: number): boolean {
    if ((this.s.k.mm.frames.flags[pfn] & PG_TABLE) === 0) return false;
    pageCounterUncharge(m.kmem, n);
    return true;
  }

  // --- objects of less than a page ---

  /** Bytes of kernel objects, counted in statistic `stat`: whole pages are charged as they are needed. 0, ENOMEM, HOOK_WAIT. */
  chargeBytes(m: MemCgroup, bytes: number, stat: number, c: Ctx | null, task: Task | null): number {
    if (!this.accounted(m)) return 0;
    const more = Math.ceil((m.objBytes + bytes) / PAGE) - m.objPages;
    if (more > 0) {
      const e = this.charge(m, more, c, task);
      if (e !== 0) return e;
      m.objPages += more;
    }
    this.countBytes(m, stat, bytes);
    return 0;
  }

  private countBytes(m: MemCgroup, stat: number, bytes: number): void {
    m.objBytes += bytes;
    m.stat(stat, bytes);
    const { modState } = this.s.trace;
    if (modState.on) modState.emit(m.id, stat, bytes);
  }

  /** As `chargeBytes`, whatever the limits say: for what makes memory free. */
  forceBytes(m: MemCgroup, bytes: number, stat: number): void {
    if (!this.accounted(m)) return;
    const more = Math.ceil((m.objBytes + bytes) / PAGE) - m.objPages;
    if (more > 0) {
      pageCounterCharge(m.kmem, more);
      pageCounterCharge(m.memory, more);
      if (!m.v2) pageCounterCharge(m.memsw, more);
      m.objPages += more;
    }
    this.countBytes(m, stat, bytes);
  }

  unchargeBytes(m: MemCgroup, bytes: number, stat: number): void {
    this.countBytes(m, stat, -bytes);
    const less = m.objPages - Math.ceil(m.objBytes / PAGE);
    if (less <= 0) return;
    m.objPages -= less;
    this.uncharge(m, less);
  }

  // --- the limit ---

  /** Write of memory.kmem.limit_in_bytes, in pages. EBUSY: more is in use; 3.8: the first limit of a group with tasks or children. */
  setLimit(m: MemCgroup, pages: number, lifted: boolean): void {
    if (this.strategy === "unified") return;
    if (this.strategy === "3.8" && !m.kmemActive) {
      if (lifted) return;
      const { cgroup } = m.css;
      if (cgroup.nrLive > 0 || (m.useHierarchy && cgroup.children.size > 0)) fail(EBUSY);
      m.kmemActive = true;
    }
    if (m.kmem.usage > pages) fail(EBUSY);
    m.kmem.max = pages;
  }
}

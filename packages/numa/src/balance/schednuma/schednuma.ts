/**
 * sched/numa (Zijlstra, March 2012): a home node for each process. Memory is allocated there, its threads are kept there where that leaves
 * no CPU idle, and a thread per node (numad/N) moves whole processes between nodes; their memory then follows lazily, page by page, as it is
 * used. numa_tbind puts threads into groups that are balanced in place of their processes, numa_mbind binds memory to a group.
 */
import { type Core, EV_WORK, forEachPte, type Mm, maskHas, PTE_SPECIAL, type Task, type Vma } from "@kernelkit/core";
import { policyNode } from "../../policy/placement.js";
import type { NumaSystem } from "../../state.js";
import type { Metadata, Strategy, StrategyName } from "../../strategy/strategy.js";
import { findIdlestNode } from "../algorithms.js";
import type { ArmRule, HintFault, Hinting } from "../hinting.js";
import { scannable } from "../scannable.js";
import { NumaEntity } from "./entity.js";
import { Numad } from "./numad.js";

/** How often a running task that is away from home looks for a place there. */
const HOME_CHECK_NS = 20e6;

interface GoHome {
  readonly task: Task;
  readonly cpu: number;
  readonly swap: Task | null;
}

export class Schednuma implements Strategy {
  readonly name: StrategyName = "schednuma";
  private k!: Core;
  private numad!: Numad;
  private hHome = 0;
  private groupSlot = -1;
  private readonly rule: ArmRule = { anonOnly: true, skipNode: -1, counts: null, accept: null };

  constructor(
    private readonly sys: NumaSystem,
    private readonly hinting: Hinting,
    private readonly slow: boolean,
  ) {}

  install(k: Core): void {
    this.k = k;
    const { sys } = this;
    k.state.class(NumaEntity);
    this.groupSlot = k.mm.addVmaSlot({ name: "numa.entity", init: () => null });
    this.numad = new Numad(
      sys,
      this.slow,
      (t, e) => this.lazyMigrate(t, e),
      (t, e, to) => this.pagesToMove(t, e, to),
    );
    this.numad.install(k);
    this.hHome = k.events.define("schednuma.home", (x) => this.goHome(x as GoHome));
    k.hooks.forked.tap(201, "numa.home", (parent, child) => {
      const from = sys.task(parent).entity;
      const thread = child.signal === parent.signal;
      sys.task(child).entity = thread && from !== null ? from : new NumaEntity(0, this.idlest(child));
    });
    k.hooks.execed.tap(201, "numa.home", (t) => {
      const n = sys.task(t);
      if (n.entity === null) n.entity = new NumaEntity(0, this.idlest(t));
      else if (n.entity.id === 0) n.entity.node = this.idlest(t);
    });
  }

  boot(k: Core): void {
    this.numad.boot(k);
  }

  private idlest(t: Task): number {
    const loads = this.numad.nodeLoads();
    const allowed = this.sys.allowed(t);
    // a node without memory or CPUs is nobody's home
    const here = this.sys.nodeOfCpu(t.cpu);
    const fit = loads.map((l, nid) =>
      allowed.includes(nid) && this.sys.withCpus.includes(nid) ? l : { ...l, remoteMemLoad: Number.POSITIVE_INFINITY },
    );
    return findIdlestNode(here, fit);
  }

  /** Areas bound to a group by numa_mbind. */
  bound(v: { slots: unknown[] }): NumaEntity | null {
    return (v.slots[this.groupSlot] as NumaEntity | null | undefined) ?? null;
  }
  bind(v: { slots: unknown[] }, e: NumaEntity): void {
    v.slots[this.groupSlot] = e;
  }

  /** Does an area's memory go where the entity goes: bound to the group, or not bound, of the process? */
  private follows(v: Vma, e: NumaEntity): boolean {
    const to = this.bound(v);
    return scannable(this.sys, v) && (to === e || (to === null && e.id === 0));
  }

  private pagesToMove(t: Task, e: NumaEntity, to: number): number {
    const m = this.k.mm;
    const { mm } = t;
    let n = 0;
    for (const v of mm?.vmas ?? [])
      if (this.follows(v, e))
        forEachPte(m, v.mm, v.start, v.end, (_addr, slot, huge) => {
          const pfn = m.pt.val[slot];
          if (pfn > 0 && (m.pt.fl[slot] & PTE_SPECIAL) === 0 && m.nodeOf(pfn) !== to) n += huge ? 512 : 1;
        });
    return n;
  }

  /** All private memory of the task's process that is not bound otherwise is to follow it, or a group's bound areas. */
  private lazyMigrate(t: Task, e: NumaEntity): void {
    const { mm } = t;
    if (mm === null) return;
    this.rule.skipNode = e.node;
    for (const v of mm.vmas) {
      if (!this.follows(v, e)) continue;
      this.hinting.scanCost(this.hinting.arm(mm, v, v.start, v.end, this.rule), null);
    }
  }

  /** Pages of a range that are elsewhere move when they are used next. For numa_mbind and MPOL_MF_LAZY. */
  armRange(mm: Mm, start: number, end: number): void {
    this.rule.skipNode = -1;
    for (const v of mm.vmas)
      if (v.end > start && v.start < end)
        this.hinting.arm(mm, v, Math.max(v.start, start), Math.min(v.end, end), this.rule);
  }

  /** There is no scan: pages are armed when their process moves. */
  scan(): number {
    return 0;
  }

  onHintFault(t: Task, h: HintFault): void {
    const n = this.sys.task(t);
    const p = this.sys.vmaPolicy(h.vma, h.addr) ?? n.policy;
    const home = this.bound(h.vma)?.node ?? -1;
    const index = Math.floor(h.vma.pgoffOf(h.addr) / h.pages);
    const to = home >= 0 ? home : p !== null ? policyNode(this.sys, p, index, h.here) : this.homeNode(t);
    if (to < 0 || to === h.src || !this.sys.hasMemory(to)) return;
    if (this.hinting.moveTo(h.head, h.pages, to, t) > 0) n.pagesMigrated += h.pages;
  }

  /** A task with a policy of its own has no home. */
  homeNode(t: Task): number {
    const n = this.sys.task(t);
    return n.policy !== null || n.entity === null ? -1 : n.entity.node;
  }
  preferredNode(t: Task): number {
    return this.homeNode(t);
  }

  onSchedule(): void {}

  onTick(_cpu: number, t: Task): void {
    const n = this.sys.task(t);
    if (this.k.now < n.migrateRetryNs || t.isKthread || t.exiting || n.moving) return;
    n.migrateRetryNs = this.k.now + HOME_CHECK_NS;
    const x = this.placeAtHome(t);
    if (x === null) return;
    n.moving = true;
    this.k.events.at(this.k.now, EV_WORK, this.hHome, x);
  }

  /** An idle CPU at home, or one whose task belongs elsewhere: it must not be idle afterwards. */
  private placeAtHome(t: Task): GoHome | null {
    const home = this.homeNode(t);
    const { cpus, sched } = this.k;
    if (home < 0 || home === this.sys.nodeOfCpu(t.cpu)) return null;
    let swap: GoHome | null = null;
    for (const cpu of this.sys.cpusOf[home]) {
      if (cpus.online[cpu] === 0 || !maskHas(t.cpusMask, cpu)) continue;
      if (sched.rqs[cpu].nrRunning === 0) return { task: t, cpu, swap: null };
      const curr = cpus.curr[cpu];
      if (swap !== null || curr === null || curr.isKthread || !maskHas(curr.cpusMask, t.cpu)) continue;
      const theirs = this.homeNode(curr);
      if (theirs >= 0 && theirs !== home) swap = { task: t, cpu, swap: curr };
    }
    return swap;
  }

  private goHome(x: GoHome): void {
    const { sched } = this.k;
    this.sys.task(x.task).moving = false;
    if (x.task.exiting) return;
    if (x.swap !== null) {
      if (!x.swap.exiting && x.swap.cpu === x.cpu) sched.swapTasks(x.task, x.swap);
    } else if (sched.rqs[x.cpu].nrRunning === 0) sched.migrateTask(x.task, x.cpu);
  }

  choosePlacement(t: Task): number {
    return this.placeAtHome(t)?.cpu ?? -1;
  }
  metadata(): Metadata {
    return { bytesPerPage: 0, task: 0, mm: 0 };
  }
  schedText(): string {
    return "";
  }
}

/**
 * NUMA balancing of 6.18. The tick queues a scan when enough run time has passed; the scan arms pages; the fault on an armed page moves
 * it where it is used, by a two-stage filter, and is counted; once per pass the counts say which node a task prefers, and it is moved
 * there. Kernel document admin-guide/sysctl/kernel ("numa_balancing"), `task_numa_fault()`.
 */
import {
  type ColumnOf,
  type Core,
  EV_WORK,
  formatList,
  type Mm,
  MPOL_BIND,
  type Task,
  type Tracepoint,
  VM_EXEC,
  VM_SHARED,
} from "@kernelkit/core";
import { maskHasNode } from "../../policy/nodes.js";
import type { NumaSystem } from "../../state.js";
import type { Metadata, Strategy, StrategyName } from "../../strategy/strategy.js";
import { Promotion } from "../../tiering/promotion.js";
import { type ScanKnobs, shouldMigrate, taskMetadata, taskScanLimits } from "../algorithms.js";
import type { HintFault, Hinting } from "../hinting.js";
import type { TaskNuma } from "../taskNuma.js";
import { FaultStats } from "./faultStats.js";
import { leaveGroup, NumaGroup, shouldJoin } from "./numaGroup.js";
import { schedText } from "./schedText.js";
import { TaskMigrate } from "./taskMigrate.js";
import { setAccessPid, TaskScan } from "./taskScan.js";
import { Weights } from "./weights.js";

const WORK = "numa.scan";
/** A scan's own run time holds back the next one this many times over. */
const SCAN_OVERHEAD = 32;

export class Modern implements Strategy {
  readonly name: StrategyName = "modern";
  private k!: Core;
  /** Who used a page last: CPU << 8 | low byte of the pid, plus one; 0: nobody. Of pages in slow memory: when they were armed. */
  private cpupid!: ColumnOf<"Int32">;
  private scanner!: TaskScan;
  private stats!: FaultStats;
  private mover!: TaskMigrate;
  private promotion!: Promotion;
  private hMove = 0;
  private skipCpuset!: Tracepoint<[t: Task, mems: string]>;
  private readonly groups: { last: number } = { last: 0 };

  constructor(
    private readonly sys: NumaSystem,
    private readonly hinting: Hinting,
  ) {}

  install(k: Core): void {
    const { sys, hinting } = this;
    this.k = k;
    this.cpupid = k.mm.addColumn("numa.cpupid", "Int32");
    this.promotion = new Promotion(sys, this.cpupid);
    this.scanner = new TaskScan(sys, hinting, () => this.promotion.scanRule());
    const weights = new Weights(sys);
    this.stats = new FaultStats(sys, weights, (t, nid) => this.setNuma(t, nid));
    this.mover = new TaskMigrate(sys, weights, (t, nid) => this.setNuma(t, nid));
    this.skipCpuset = k.trace.define(
      "sched",
      "sched_skip_cpuset_numa",
      (t: Task, mems: string) =>
        `comm=${t.comm} pid=${t.nr} tgid=${t.tgid.nr[0]} ngid=${sys.task(t).group?.gid ?? 0} mem_nodes_allowed=${mems}`,
    );
    k.state.class(NumaGroup);
    k.state.root("numa.groupSerial", this.groups);
    this.hMove = k.events.define("numa.migrateTask", (t) => this.moveTask(t as Task));
    k.works.define(WORK, (t) => this.taskNumaWork(t));
    k.hooks.pageFree.tap(200, "numa", (pfn, order) => {
      if (order === 0) this.cpupid[pfn] = 0;
      else this.cpupid.fill(0, pfn, pfn + (1 << order));
    });
    k.hooks.pageMigrate.tap(200, "numa", (from, to) => {
      // what slow memory keeps there is no task
      const same = sys.tiers.isTop(k.mm.nodeOf(from)) === sys.tiers.isTop(k.mm.nodeOf(to));
      this.cpupid[to] = same ? this.cpupid[from] : 0;
    });
    k.hooks.pageSplit.tap(200, "numa", (pfn, order) => this.cpupid.fill(this.cpupid[pfn], pfn, pfn + (1 << order)));
    k.proc.ngid = (t) => sys.task(t).group?.gid ?? 0;
    k.hooks.exit.tap(200, "numa.group", (t) => leaveGroup(sys.task(t)));
  }

  boot(): void {}

  private get knobs(): ScanKnobs {
    const s = this.sys.settings;
    return { scanSizeMb: s.scanSize, periodMinMs: s.scanPeriodMin, periodMaxMs: s.scanPeriodMax };
  }

  // --- scan ---

  /** Each tick of a running task: is it time to scan? `task_tick_numa()` */
  onTick(_cpu: number, t: Task): void {
    const { mm } = t;
    if (this.sys.settings.balancing === 0 || mm === null || t.exiting || t.isKthread) return;
    const n = this.sys.task(t);
    if (n.workPending) return;
    if (n.scanPeriodMs === 0) n.scanPeriodMs = taskScanLimits(mm.rssPages, this.knobs).start;
    if (t.se.sumExecNs - n.nodeStampNs <= n.scanPeriodMs * 1e6) return;
    n.nodeStampNs += n.scanPeriodMs * 1e6;
    if (this.k.now < this.sys.mm(mm).nextScanNs) return;
    n.workPending = this.k.works.add(t, WORK, null);
  }

  private taskNumaWork(t: Task): void {
    const n = this.sys.task(t);
    n.workPending = false;
    const { mm } = t;
    if (mm === null || t.exiting) return;
    const s = this.sys.mm(mm);
    if (this.k.now < s.nextScanNs || this.pinned(t)) return;
    s.nextScanNs = this.k.now + n.scanPeriodMs * 1e6;
    n.nodeStampNs += SCAN_OVERHEAD * this.hinting.scanCost(this.scan(mm, t), t);
  }

  /** A cpuset leaves it one node: there is nowhere to move anything. */
  private pinned(t: Task): boolean {
    if (this.sys.allowed(t).length !== 1) return false;
    if (this.skipCpuset.on) this.skipCpuset.emit(t, formatList(t.memsAllowed));
    return true;
  }

  scan(mm: Mm, t: Task | null): number {
    return t === null ? 0 : this.scanner.scan(mm, t);
  }

  // --- fault ---

  onHintFault(t: Task, h: HintFault): void {
    const { sys } = this;
    const n = sys.task(t);
    const numab = sys.numab(h.vma);
    if (numab !== null) setAccessPid(numab, t.nr);
    const slow = this.promotion.isSlow(h.src);
    const word = this.cpupid[h.head] - 1;
    if (!slow) this.cpupid[h.head] = ((t.cpu << 8) | (t.nr & 255)) + 1;
    const last = slow ? -1 : word;
    let at = h.src;
    let failed = false;
    if (h.src !== h.here && this.mayMove(t, n, h, last, slow, word)) {
      if (this.unmovable(h) || this.hinting.moveTo(h.head, h.pages, h.here, t) === 0) failed = true;
      else {
        at = h.here;
        n.pagesMigrated += h.pages;
        if (slow) this.promotion.promoted(h.here, h.pages);
      }
    }
    // pages of slow memory say nothing about where a task belongs
    if (!this.promotion.isSlow(at)) this.taskNumaFault(t, n, h, at, last, failed);
  }

  /** Program text that others map too, and what is copied on write, stays. */
  private unmovable(h: HintFault): boolean {
    if (!h.shared) return false;
    return (h.vma.flags & VM_EXEC) !== 0 || (!h.writable && (h.vma.flags & VM_SHARED) === 0);
  }

  /** Does the policy let the page go to this CPU's node, and do the filters? `mpol_misplaced()` */
  private mayMove(t: Task, n: TaskNuma, h: HintFault, last: number, slow: boolean, armedAt: number): boolean {
    const { sys } = this;
    if (!sys.hasMemory(h.here)) return false;
    const p = sys.vmaPolicy(h.vma, h.addr) ?? n.policy;
    if (p !== null) {
      if (!p.migrateOnFault) return false;
      if (!maskHasNode(p.mask, h.here) && (p.mode === MPOL_BIND || p.nodes.length > 0)) return false;
    }
    if (slow && sys.tiers.isTop(h.here)) return this.promotion.isHot(h.here, armedAt, h.pages);
    const g = n.group;
    const lastNid = last < 0 ? -1 : sys.nodeOfCpu(last >> 8);
    return shouldMigrate(
      t.nr,
      n.preferredNid,
      n.scanSeq,
      last < 0 ? -1 : last & 255,
      lastNid,
      h.here,
      g === null ? -1 : g.cpuFaultsOf(h.src),
      g === null ? 0 : g.cpuFaultsOf(h.here),
      g === null ? 0 : g.faultsOf(h.src),
      g === null ? 0 : g.faultsOf(h.here),
    );
  }

  /** Statistics of a fault, and what follows from them. `task_numa_fault()` */
  private taskNumaFault(t: Task, n: TaskNuma, h: HintFault, mem: number, last: number, failed: boolean): void {
    const { stats } = this;
    if (n.faults.length === 0) stats.allocate(n);
    let priv = last < 0 || (last & 255) === (t.nr & 255);
    // read-only mappings make no groups
    if (!priv && h.writable) priv = this.taskNumaGroup(t, n, h, last);
    const cpu = h.here;
    let local = mem === cpu;
    const g = n.group;
    if (!priv && !local && g !== null && g.activeNodes > 1 && g.isActive(cpu) && g.isActive(mem)) local = true;
    if (this.k.now >= n.migrateRetryNs) {
      if (stats.isNewPass(t, n)) stats.placement(t, n, this.knobs);
      this.migratePreferred(t, n);
    }
    if (failed) n.locality[2] += h.pages;
    const at = priv ? 1 : 0;
    n.buffer[mem * 2 + at] += h.pages;
    n.bufferCpu[cpu * 2 + at] += h.pages;
    n.locality[local ? 1 : 0] += h.pages;
  }

  /** A shared fault: make a group, and join that of who used the page last. Is the fault private after all? `task_numa_group()` */
  private taskNumaGroup(t: Task, n: TaskNuma, h: HintFault, last: number): boolean {
    n.group ??= new NumaGroup(t.nr, ++this.groups.last, n);
    const other = this.k.cpus.curr[last >> 8];
    if (other === null || other === t || (other.nr & 255) !== (last & 255)) return false;
    const theirs = this.sys.task(other).group;
    if (theirs === null || !shouldJoin(n.group, theirs)) return false;
    const related = other.mm === t.mm || (h.shared && (h.vma.flags & VM_SHARED) !== 0);
    if (!related) return true;
    leaveGroup(n);
    theirs.add(n, 1);
    n.group = theirs;
    return false;
  }

  // --- tasks ---

  private setNuma(t: Task, nid: number): void {
    this.sys.task(t).preferredNid = nid;
  }

  /** Try now and then to get to the preferred node. `numa_migrate_preferred()` */
  private migratePreferred(t: Task, n: TaskNuma): void {
    if (n.preferredNid < 0) return;
    n.migrateRetryNs = this.k.now + Math.min(1e9, (n.scanPeriodMs * 1e6) / 16);
    if (n.preferredNid === this.sys.nodeOfCpu(t.cpu) || n.moving) return;
    n.moving = true;
    this.k.events.at(this.k.now, EV_WORK, this.hMove, t);
  }

  private moveTask(t: Task): void {
    const n = this.sys.task(t);
    n.moving = false;
    if (t.exiting || n.preferredNid < 0 || n.preferredNid === this.sys.nodeOfCpu(t.cpu)) return;
    const to = this.mover.find(t);
    if (to !== null) this.mover.carryOut(t, to.cpu, to.swap);
  }

  choosePlacement(t: Task): number {
    const n = this.sys.task(t);
    if (n.preferredNid < 0 || n.preferredNid === this.sys.nodeOfCpu(t.cpu)) return -1;
    return this.mover.find(t)?.cpu ?? -1;
  }

  /** On another node than before: the scan starts anew, unless the move was to the preferred one. `update_scan_period()` */
  onSchedule(cpu: number, t: Task): void {
    if (t.isKthread || t.mm === null) return;
    const n = this.sys.task(t);
    const nid = this.sys.nodeOfCpu(cpu);
    const from = n.lastNid;
    if (from === nid) return;
    n.lastNid = nid;
    if (from < 0 || n.faults.length === 0) return;
    if (n.scanSeq > 0 && (nid === n.preferredNid || (n.preferredNid >= 0 && from !== n.preferredNid))) return;
    n.scanPeriodMs = this.stats.limits(t.mm, n, this.knobs).start;
  }

  preferredNode(t: Task): number {
    return this.sys.task(t).preferredNid;
  }
  homeNode(): number {
    return -1;
  }

  metadata(): Metadata {
    return { bytesPerPage: 0, task: taskMetadata("modern", this.sys.nodes, true), mm: 0 };
  }

  schedText(t: Task): string {
    return schedText(this.sys, t);
  }
}

/**
 * balancenuma as merged in Linux 3.8: the foundation only. Pages follow the CPU that uses them ("migrate on reference of node") if the
 * same node has used them twice in a row; tasks are not placed. The scan, in the task's context, begins once the process has run on a
 * second node. Periods are those of that release.
 */
import { type ColumnOf, type Core, type Mm, type Task, vmaPosition } from "@kernelkit/core";
import { maskHasNode } from "../policy/nodes.js";
import type { NumaSystem } from "../state.js";
import type { Metadata, Strategy, StrategyName } from "../strategy/strategy.js";
import { PAGE_METADATA } from "./algorithms.js";
import type { ArmRule, HintFault, Hinting } from "./hinting.js";
import { scannable } from "./scannable.js";

const WORK = "numa.balancenuma";
const PERIOD_MIN_MS = 100;
const PERIOD_MAX_MS = 5000;
/** What a fault that moves nothing adds to the period. */
const PERIOD_STEP_MS = 10;
const RESET_NS = 60e9;
/** 128 MiB per 100 ms and node. */
const LIMIT_PAGES = 32768;
const LIMIT_WINDOW_NS = 100e6;
/** `firstNid` of an address space that has run on two nodes. */
const ACTIVE = -2;

export class Balancenuma implements Strategy {
  readonly name: StrategyName = "balancenuma";
  private k!: Core;
  /** Node that used a page last, plus one. */
  private lastNid!: ColumnOf<"Uint8">;
  /** Of each node: end of the window of the migration limit, pages moved in it. */
  private readonly limit: { readonly windowEndNs: number[]; readonly pages: number[] };
  private readonly rule: ArmRule = { anonOnly: true, skipNode: -1, counts: null, accept: null };

  constructor(
    private readonly sys: NumaSystem,
    private readonly hinting: Hinting,
  ) {
    const zeros = (): number[] => new Array<number>(sys.nodes).fill(0);
    this.limit = { windowEndNs: zeros(), pages: zeros() };
  }

  install(k: Core): void {
    this.k = k;
    const s = this.sys.settings;
    s.scanPeriodMin = PERIOD_MIN_MS;
    s.scanPeriodMax = PERIOD_MAX_MS;
    this.lastNid = k.mm.addColumn("numa.lastNid", "Uint8");
    k.state.root("numa.limit", this.limit);
    k.works.define(WORK, (t) => this.work(t));
    k.hooks.pageFree.tap(200, "numa", (pfn, order) => this.lastNid.fill(0, pfn, pfn + (1 << order)));
    k.hooks.pageMigrate.tap(200, "numa", (from, to) => {
      this.lastNid[to] = this.lastNid[from];
    });
  }

  boot(): void {}

  onTick(_cpu: number, t: Task): void {
    const { mm } = t;
    if (this.sys.settings.balancing === 0 || mm === null || t.exiting || t.isKthread) return;
    const n = this.sys.task(t);
    if (n.workPending) return;
    if (n.scanPeriodMs === 0) n.scanPeriodMs = this.sys.settings.scanPeriodMin;
    if (t.se.sumExecNs - n.nodeStampNs <= n.scanPeriodMs * 1e6) return;
    n.nodeStampNs = t.se.sumExecNs;
    if (this.k.now < this.sys.mm(mm).nextScanNs) return;
    n.workPending = this.k.works.add(t, WORK, null);
  }

  onSchedule(): void {}

  private work(t: Task): void {
    const n = this.sys.task(t);
    n.workPending = false;
    const { mm } = t;
    if (mm === null || t.exiting) return;
    const s = this.sys.mm(mm);
    const { now } = this.k;
    if (s.firstNid !== ACTIVE) {
      const here = this.sys.nodeOfCpu(t.cpu);
      if (s.firstNid === -1) s.firstNid = here;
      if (s.firstNid === here) return;
      s.firstNid = ACTIVE;
    }
    if (now < s.nextScanNs) return;
    if (now >= s.nextResetNs) {
      n.scanPeriodMs = this.sys.settings.scanPeriodMin;
      s.nextResetNs = now + RESET_NS;
    }
    s.nextScanNs = now + n.scanPeriodMs * 1e6;
    this.hinting.scanCost(this.scan(mm), t);
  }

  scan(mm: Mm): number {
    const s = this.sys.mm(mm);
    let left = this.sys.settings.scanSize * 256;
    let armed = 0;
    if (vmaPosition(mm.vmas, s.scanOffset) === mm.vmas.length) {
      s.scanSeq++;
      s.scanOffset = 0;
    }
    for (let i = vmaPosition(mm.vmas, s.scanOffset); i < mm.vmas.length; i++) {
      const v = mm.vmas[i];
      if (!scannable(this.sys, v)) continue;
      const at = Math.max(s.scanOffset, v.start);
      const end = Math.min(v.end, at + left * 4096);
      armed += this.hinting.arm(mm, v, at, end, this.rule);
      s.scanOffset = end;
      left -= (end - at) / 4096;
      if (left <= 0) return armed;
    }
    s.scanSeq++;
    s.scanOffset = 0;
    return armed;
  }

  onHintFault(t: Task, h: HintFault): void {
    const n = this.sys.task(t);
    if (!this.misplaced(t, h) || this.rateLimited(h) || this.hinting.moveTo(h.head, h.pages, h.here, t) === 0) {
      n.scanPeriodMs = Math.min(this.sys.settings.scanPeriodMax, n.scanPeriodMs + PERIOD_STEP_MS);
      return;
    }
    n.pagesMigrated += h.pages;
  }

  /** The two-stage filter: has this node used the page last time too? `mpol_misplaced()` */
  private misplaced(t: Task, h: HintFault): boolean {
    const again = this.lastNid[h.head] === h.here + 1;
    this.lastNid[h.head] = h.here + 1;
    if (!again || h.src === h.here || !this.sys.hasMemory(h.here)) return false;
    const p = this.sys.vmaPolicy(h.vma, h.addr) ?? this.sys.task(t).policy;
    return p === null || (p.migrateOnFault && maskHasNode(p.mask, h.here));
  }

  /** Has the node taken as much as it may in this window? `numamigrate_update_ratelimit()` */
  private rateLimited(h: HintFault): boolean {
    const { windowEndNs, pages } = this.limit;
    const { now } = this.k;
    if (now >= windowEndNs[h.here]) {
      windowEndNs[h.here] = now + LIMIT_WINDOW_NS;
      pages[h.here] = 0;
    }
    if (pages[h.here] > LIMIT_PAGES) return true;
    pages[h.here] += h.pages;
    return false;
  }

  choosePlacement(): number {
    return -1;
  }
  preferredNode(): number {
    return -1;
  }
  homeNode(): number {
    return -1;
  }
  metadata(): Metadata {
    return { bytesPerPage: PAGE_METADATA.balancenuma, task: 0, mm: 0 };
  }
  schedText(): string {
    return "";
  }
}

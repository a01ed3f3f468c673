/**
 * AutoNUMA (Arcangeli, 2012). knuma_scand walks the address spaces and arms pages, counting them by node for each process; a fault counts
 * for the task and, after two in a row from the same node (or at the first), queues the page for that node; a thread per node moves what is
 * queued; and at each scheduling decision a loop over all CPUs looks for a task to change places with. "autonuma-lazy" moves the page in
 * the fault and has neither queue nor moving threads.
 */
import {
  type ColumnOf,
  type Core,
  EV_WORK,
  type Mm,
  PMD_BYTES,
  PTE_PROTNONE,
  pteBase,
  type Task,
  vmaPosition,
} from "@kernelkit/core";
import type { NumaSystem } from "../../state.js";
import type { Metadata, Strategy, StrategyName } from "../../strategy/strategy.js";
import { mmMetadata, PAGE_METADATA, taskMetadata } from "../algorithms.js";
import type { ArmRule, HintFault, Hinting } from "../hinting.js";
import { scannable } from "../scannable.js";
import type { MmNuma, TaskNuma } from "../taskNuma.js";
import { MigrateQueue } from "./migrateQueue.js";
import { CpuBalance, type Exchange } from "./placement.js";
import { AutonumaSettings, installAutonumaFiles } from "./settings.js";
import { AutonumaThreads } from "./threads.js";

export class Autonuma implements Strategy {
  readonly settings: AutonumaSettings = new AutonumaSettings();
  private k!: Core;
  /** Node that used a page last, plus one; 0: none yet. null: switched off at boot, nothing is kept. */
  private lastNid: ColumnOf<"Uint8"> | null = null;
  private queue: MigrateQueue | null = null;
  private balance!: CpuBalance;
  private threads: AutonumaThreads | null = null;
  private hExchange = 0;
  private readonly rule: ArmRule = { anonOnly: true, skipNode: -1, counts: null, accept: null };

  constructor(
    private readonly sys: NumaSystem,
    private readonly hinting: Hinting,
    readonly name: StrategyName,
  ) {}

  private get lazy(): boolean {
    return this.name === "autonuma-lazy";
  }
  private get on(): boolean {
    return this.lastNid !== null && this.settings.enabled === 1 && this.sys.settings.balancing !== 0;
  }

  install(k: Core): void {
    this.k = k;
    k.state.class(AutonumaSettings);
    k.state.root("autonuma.settings", this.settings);
    this.balance = new CpuBalance(this.sys, this.settings);
    this.hExchange = k.events.define("autonuma.exchange", (x) => this.balance.carryOut(x as Exchange));
    // noautonuma: not even the columns
    if (k.cmdline.has("noautonuma")) {
      this.settings.enabled = 0;
      return;
    }
    const last = k.mm.addColumn("autonuma.lastNid", "Uint8");
    this.lastNid = last;
    const queue = this.lazy ? null : new MigrateQueue(k, this.sys.nodes);
    this.queue = queue;
    k.hooks.pageFree.tap(200, "numa", (pfn, order) => {
      queue?.remove(pfn);
      last.fill(0, pfn, pfn + (1 << order));
    });
    k.hooks.pageMigrate.tap(200, "numa", (from, to) => {
      queue?.remove(from);
      last[to] = last[from];
    });
    k.hooks.pageSplit.tap(200, "numa", (pfn, order) => {
      queue?.remove(pfn);
      last.fill(last[pfn], pfn, pfn + (1 << order));
    });
    this.threads = new AutonumaThreads(this.sys, this.settings, this.hinting, queue, {
      on: () => this.on,
      scan: (mm, budget) => this.scanPages(mm, budget),
    });
    this.threads.install(k);
    installAutonumaFiles(this.sys, this.settings, () => this.threads?.kick());
  }

  boot(k: Core): void {
    this.threads?.boot(k);
  }

  // --- scan ---

  scan(mm: Mm): number {
    return this.scanPages(mm, this.settings.pagesToScan).armed;
  }

  /** Arm the next pages of `mm`, looking at `budget` pages at most. `done`: the address space has been passed once more. */
  private scanPages(mm: Mm, budget: number): { armed: number; looked: number; done: boolean } {
    const s = this.sys.mm(mm);
    if (s.counted.length === 0) {
      s.counted = new Array<number>(this.sys.nodes).fill(0);
      s.pages = new Array<number>(this.sys.nodes).fill(0);
    }
    this.rule.counts = s.counted;
    let left = budget;
    let armed = 0;
    for (let i = vmaPosition(mm.vmas, s.scanOffset); i < mm.vmas.length; i++) {
      const v = mm.vmas[i];
      if (!scannable(this.sys, v)) continue;
      const at = Math.max(s.scanOffset, v.start);
      const end = Math.min(v.end, at + left * 4096);
      armed += this.hinting.arm(mm, v, at, end, this.rule);
      s.scanOffset = end;
      left -= (end - at) / 4096;
      if (left <= 0) break;
    }
    const done = vmaPosition(mm.vmas, s.scanOffset) === mm.vmas.length || left > 0;
    if (done) this.passed(s);
    return { armed, looked: budget - left, done };
  }

  /** The counts of a pass enter the averages. */
  private passed(s: MmNuma): void {
    s.scanOffset = 0;
    s.scanSeq++;
    s.pass++;
    s.totalPages = 0;
    for (let nid = 0; nid < s.pages.length; nid++) {
      s.pages[nid] = (s.pages[nid] >> 1) + s.counted[nid];
      s.totalPages += s.pages[nid];
      s.counted[nid] = 0;
    }
  }

  // --- fault ---

  onHintFault(t: Task, h: HintFault): void {
    const n = this.sys.task(t);
    if (n.faults.length === 0) n.faults = new Array<number>(this.sys.nodes).fill(0);
    const { pass } = this.sys.mm(h.mm);
    if (n.scanSeq !== pass) this.halve(n, pass);
    this.pageFault(t, n, h.head, h.pages, h.src, h.here);
    if (this.settings.pmd === 1 && h.pages === 1) this.restOfRegion(t, n, h);
  }

  private halve(n: TaskNuma, pass: number): void {
    n.scanSeq = pass;
    n.totalFaults = 0;
    for (let i = 0; i < n.faults.length; i++) {
      n.faults[i] >>= 1;
      n.totalFaults += n.faults[i];
    }
  }

  /** One page: count it, queue it or move it, or forget that it was to move. `numa_hinting_fault()` */
  private pageFault(t: Task, n: TaskNuma, head: number, pages: number, src: number, here: number): void {
    const last = this.lastNid;
    if (last === null) return;
    const before = last[head] - 1;
    last[head] = here + 1;
    let at = src;
    if ((before < 0 || before === here) && src !== here && this.sys.hasMemory(here)) {
      if (this.queue !== null) {
        this.queue.add(head, here);
        this.threads?.wake(here);
      } else if (this.hinting.moveTo(head, pages, here, t) > 0) {
        n.pagesMigrated += pages;
        at = here;
      }
    } else {
      this.queue?.remove(head);
      if (before >= 0 && before !== here) this.sys.spent.cancelled++;
    }
    n.faults[at] += pages;
    n.totalFaults += pages;
  }

  /** Hinting by 2 MiB: the fault of one page stands for all that are armed in its region. */
  private restOfRegion(t: Task, n: TaskNuma, h: HintFault): void {
    const m = this.k.mm;
    const { frames } = m;
    const region = Math.floor(h.addr / PMD_BYTES);
    const base = pteBase(m, h.mm, region);
    if (base < 0) return;
    const from = Math.max(h.vma.start, region * PMD_BYTES);
    const to = Math.min(h.vma.end, (region + 1) * PMD_BYTES);
    const { val, fl } = m.pt;
    for (let s = base + (from - region * PMD_BYTES) / 4096; s < base + (to - region * PMD_BYTES) / 4096; s++) {
      if (s === h.slot || val[s] <= 0 || (fl[s] & PTE_PROTNONE) === 0) continue;
      fl[s] &= ~PTE_PROTNONE;
      const pfn = val[s];
      if (frames.mapcount[pfn] === 1) this.pageFault(t, n, pfn, 1, m.nodeOf(pfn), h.here);
    }
  }

  // --- tasks ---

  onSchedule(cpu: number, t: Task): void {
    this.decide(cpu, t);
  }

  /** A CPU that runs one task decides nothing by itself: the end of its slice counts as a decision. */
  onTick(cpu: number, t: Task): void {
    if (this.balance.sliceOver(cpu)) this.decide(cpu, t);
  }

  private decide(cpu: number, t: Task): void {
    if (!this.on || t.isKthread || t.mm === null || t.exiting) return;
    const x = this.balance.look(cpu, t);
    if (x === null) return;
    this.sys.task(t).moving = true;
    this.k.events.at(this.k.now, EV_WORK, this.hExchange, x);
  }

  choosePlacement(t: Task): number {
    return this.balance.look(t.cpu, t)?.cpu ?? -1;
  }
  preferredNode(t: Task): number {
    return this.balance.preferredNode(t);
  }
  homeNode(): number {
    return -1;
  }
  metadata(): Metadata {
    const { nodes } = this.sys;
    if (this.lastNid === null) return { bytesPerPage: 0, task: 0, mm: 0 };
    return {
      bytesPerPage: PAGE_METADATA[this.name],
      task: taskMetadata(this.name, nodes, true),
      mm: mmMetadata(this.name, nodes),
    };
  }
  schedText(): string {
    return "";
  }
}

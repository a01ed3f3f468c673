/** One memory cgroup: its counters, statistics, events and LRU lists. Linux's `struct mem_cgroup` and its `lruvec`. */
import { type Css, type Dentry, WaitQueue } from "@kernelkit/core";
import { type LruEnds, lruEnds } from "./lruList.js";
import { PAGE_COUNTER_MAX, PageCounter } from "./pageCounter.js";
import { PsiGroup } from "./psi.js";
import { STAT_NAMES } from "./stats.js";
import type { LegacyEvents } from "./v1/legacyEvents.js";

/** memory.events, in the order of the file; behind them those of memory.swap.events. */
export const EVENT_NAMES: readonly string[] = ["low", "high", "max", "oom", "oom_kill", "oom_group_kill"];
export const SWAP_EVENT_NAMES: readonly string[] = ["high", "max", "fail"];
export const MEMCG_LOW = 0;
export const MEMCG_HIGH = 1;
export const MEMCG_MAX = 2;
export const MEMCG_OOM = 3;
export const MEMCG_OOM_KILL = 4;
export const MEMCG_OOM_GROUP_KILL = 5;
export const MEMCG_SWAP_HIGH = 6;
export const MEMCG_SWAP_MAX = 7;
export const MEMCG_SWAP_FAIL = 8;
const NR_EVENTS = 9;

/** LRU lists. */
export const LRU_INACTIVE_ANON = 0;
export const LRU_ACTIVE_ANON = 1;
export const LRU_INACTIVE_FILE = 2;
export const LRU_ACTIVE_FILE = 3;
export const LRU_UNEVICTABLE = 4;

export class MemCgroup {
  readonly memory: PageCounter;
  readonly swap: PageCounter;
  /** v1: memory and swap together, kernel memory, TCP buffers. */
  readonly memsw: PageCounter;
  readonly kmem: PageCounter;
  readonly tcpmem: PageCounter;
  softLimit: number = PAGE_COUNTER_MAX;
  swappiness: number;
  oomKillDisable: boolean;
  /** Tasks that sleep because this group or one above is out of memory and nobody may be killed. */
  underOom = 0;
  readonly oomWait: WaitQueue = new WaitQueue("memcg_oom");
  /** Kernels before 5.11: charges of children count here too. Later always. */
  useHierarchy: boolean;
  /** Kernels before 6.12: bit 0 anonymous pages, bit 1 mapped files move with a task that comes here. */
  moveCharge = 0;
  /** Of the subtree, and of this group alone. */
  readonly events: number[] = new Array(NR_EVENTS).fill(0);
  readonly eventsLocal: number[] = new Array(NR_EVENTS).fill(0);
  /** Statistics of this group alone (see `total`), and by node where there are several. */
  readonly local: Float64Array = new Float64Array(STAT_NAMES.length);
  readonly byNode: Float64Array | null;
  /** What children that are gone have left. */
  readonly folded: Float64Array = new Float64Array(STAT_NAMES.length);
  readonly kids: Set<MemCgroup> = new Set();
  oomGroup = false;
  /** Peaks of open memory.peak and memory.swap.peak files that were reset, by the file's serial number. */
  readonly peaks: Map<number, number> = new Map();
  readonly swapPeaks: Map<number, number> = new Map();
  zswapMax: number = PAGE_COUNTER_MAX;
  zswapWriteback = true;
  /** Its LRU lists, and pages on each. */
  readonly lru: LruEnds = lruEnds(5);
  readonly size: Float64Array = new Float64Array(5);
  /** Evictions and activations so far, here and below: the clock that refault distances are read on. */
  nonresidentAge = 0;
  /** What reclaim of anonymous memory and of files has cost lately. */
  anonCost = 0;
  fileCost = 0;
  /** Where a walk of the subtree for reclaim goes on: id of the group that was last. */
  reclaimAt = -1;
  /** Kernel objects: their bytes, and the pages that are charged for them. */
  objBytes = 0;
  objPages = 0;
  /** Strategy 3.8: a limit of kernel memory was set once, so it is accounted. */
  kmemActive: boolean;
  /** Cached names that this group pays for and nobody uses, oldest first. */
  readonly dentries: Set<Dentry> = new Set();
  /** Its parent was charged for it. */
  paidFor = false;
  /** Entries of swap that it pays for. */
  swapEntries = 0;
  /** Pages scanned and freed since reclaim pressure was last told of. */
  vmScanned = 0;
  vmReclaimed = 0;
  /** Page events since thresholds were last looked at. */
  pageEvents = 0;
  /** v1's eventfds; null: none was registered. */
  legacy: LegacyEvents | null = null;
  readonly psi: PsiGroup = new PsiGroup();

  constructor(
    /** In the frames' column; 0 is the root. */
    readonly id: number,
    /** Who is charged too; null for the root. */
    readonly parent: MemCgroup | null,
    readonly css: Css,
    nodes: number,
    /** Directory above: what settings are inherited from. */
    above: MemCgroup | null = parent,
  ) {
    this.memory = new PageCounter(parent === null ? null : parent.memory);
    this.swap = new PageCounter(parent === null ? null : parent.swap);
    this.memsw = new PageCounter(parent === null ? null : parent.memsw);
    this.kmem = new PageCounter(parent === null ? null : parent.kmem);
    this.tcpmem = new PageCounter(parent === null ? null : parent.tcpmem);
    this.swappiness = above === null ? 60 : above.swappiness;
    this.oomKillDisable = above?.oomKillDisable ?? false;
    this.useHierarchy = above?.useHierarchy ?? true;
    this.kmemActive = parent?.kmemActive ?? false;
    this.byNode = nodes > 1 ? new Float64Array(STAT_NAMES.length * nodes) : null;
    parent?.kids.add(this);
  }

  get isRoot(): boolean {
    return this.id === 0;
  }

  /** Is it in the v2 hierarchy? */
  get v2(): boolean {
    return this.css.cgroup.root.v2;
  }

  stat(index: number, n: number): void {
    this.local[index] += n;
  }

  /** A statistic of this group and all below it. */
  total(index: number): number {
    let n = this.local[index] + this.folded[index];
    for (const k of this.kids) n += k.total(index);
    return n;
  }

  /** The group goes: what it counted stays with its parent. */
  fold(): void {
    const p = this.parent;
    if (p === null) return;
    p.kids.delete(this);
    for (let i = 0; i < this.local.length; i++) p.folded[i] += this.local[i] + this.folded[i];
    for (const k of this.kids) p.kids.add(k);
  }

  isDescendantOf(other: MemCgroup): boolean {
    for (let m: MemCgroup | null = this; m !== null; m = m.parent) if (m === other) return true;
    return false;
  }

  /** It and the groups below it, parents first. */
  *subtree(): Generator<MemCgroup> {
    yield this;
    for (const k of this.kids) yield* k.subtree();
  }

  /** Pages that may still be charged: the least that it and those above have left. */
  margin(): number {
    let left = PAGE_COUNTER_MAX;
    for (let c: PageCounter | null = this.memory; c !== null; c = c.parent) left = Math.min(left, c.max - c.usage);
    return Math.max(0, left);
  }
}

/**
 * The memory controller of a kernel: its groups, the stock of each CPU, the columns of pages, and the events. What is done with them
 * is beside it: charge.ts, pages.ts, reclaim.ts, oom.ts, high.ts, kmem/, swap/, v1/.
 */
import { type Core, ENOSPC, fail, type Task } from "@kernelkit/core";

import { Kmem, type KmemStrategy } from "./kmem/kmem.js";
import type { Kswapd } from "./kswapd.js";
import { LruLists } from "./lruList.js";
import { EVENT_NAMES, MEMCG_SWAP_HIGH, type MemCgroup, SWAP_EVENT_NAMES } from "./memCgroup.js";
import { ScanCounts } from "./shrinkList.js";
import { drainStock, Stock } from "./stock.js";
import type { Swap } from "./swap/swap.js";
import { type MemcgTrace, memcgTrace } from "./trace.js";

/** Groups, removed ones that are still charged included: the column of pages has 16 bits. */
const MEM_CGROUP_ID_MAX = 65535;

/** What the package keeps of a task. */
export interface TaskMemory {
  /** Its group; null: not looked up since it moved. */
  memcg: MemCgroup | null;
  /** Who pays for its stack and objects, and for how many bytes of objects. */
  payer: MemCgroup | null;
  objBytes: number;
  stackPages: number;
  /** Pages charged above a high limit since it was last delayed. */
  overHigh: number;
  /** The group whose shortage it waits for the end of. */
  inOom: MemCgroup | null;
}

/** Which kernel is meant, where kernels differ. */
export interface Era {
  /** 6.12 and later: v1 does not move charges; memory.peak can be reset. */
  readonly moveCharge: boolean;
  /** 5.11 and later: use_hierarchy is always 1. */
  readonly hierarchyOnly: boolean;
  /** v2: only the subtree of a group that changed is told of events. */
  readonly localEvents: boolean;
  /** Names that memory.stat leaves out. */
  readonly hidden: readonly string[];
  readonly swapPeak: boolean;
  readonly reclaimSwappiness: boolean;
  /** Before 6.5: triggers of memory.pressure have windows of half a second and more. */
  readonly psiMinWindow: boolean;
  /** 6.12 and later: pages of zeros are not written to swap. */
  readonly zeroMap: boolean;
}

export class MemcgSystem {
  static readonly transient: readonly string[] = ["scan", "era", "chargeTo", "onlyNode", "runFor", "counts", "trace"];
  /** By id; a freed id is null. */
  readonly groups: (MemCgroup | null)[] = [];
  readonly freeIds: number[] = [];
  readonly stocks: Stock[] = [];
  /** By node with memory. */
  readonly kswapds: Kswapd[] = [];
  /** The LRU lists of all groups. */
  readonly lists: LruLists;
  readonly owner: Uint16Array;
  /** Index of the controller. */
  index = -1;
  root!: MemCgroup;
  /** memory_recursiveprot as an option of the package; see `recursiveProtection`. */
  bootRecursive = false;
  era!: Era;
  /** Index of the slots of tasks and of page caches. */
  slot = -1;
  mappingSlot = -1;
  /** Shadows of evicted pages that are kept. */
  shadows = 0;
  /** Tasks that wait for the end of a shortage in v1. */
  oomWaiters = 0;
  /** Thresholds and vmpressure listeners of all groups: their checks cost nothing while there are none. */
  listeners = 0;
  /** Dirty pages, and pages being written, that the last reclaim met: they may be free soon. */
  pendingIo = 0;
  /** Reclaim takes pages of this node alone (kswapd's); -1: of all. */
  onlyNode = -1;
  /** Page whose list changed last, and the list it came from. */
  lastDel = 0;
  lastLru = 0;
  /** Who is charged for the page that is being read from swap. */
  chargeTo: MemCgroup | null = null;
  /** Who was asked for a run of pages last. */
  runFor: MemCgroup | null = null;
  readonly kmem: Kmem;
  readonly trace: MemcgTrace;
  readonly counts: ScanCounts = new ScanCounts();
  /** Pages to scan, by list. */
  readonly scan: number[] = [0, 0, 0, 0];

  constructor(
    readonly k: Core,
    readonly swap: Swap,
    strategy: KmemStrategy,
  ) {
    const { mm } = k;
    this.lists = new LruLists(mm.addColumn("memcg.lru", "Int32"));
    this.owner = mm.addColumn("memcg", "Uint16");
    for (let i = 0; i < k.cpus.nr; i++) this.stocks.push(new Stock());
    this.kmem = new Kmem(this, strategy);
    this.trace = memcgTrace(k);
  }

  /** Does protection that children do not claim spread among them? An option of the package or of a cgroup2 mount. */
  get recursiveProtection(): boolean {
    return this.bootRecursive || this.k.cgroup.v2.options.includes("memory_recursiveprot");
  }

  /** A number for a new group; ENOSPC: there are 65535. */
  takeId(): number {
    const id = this.freeIds.pop() ?? this.groups.length;
    return id > MEM_CGROUP_ID_MAX ? fail(ENOSPC) : id;
  }

  ofTask(t: Task): MemCgroup {
    const own = t.slots[this.slot] as TaskMemory | undefined;
    if (own === undefined) return this.root;
    own.memcg ??= this.k.cgroup.css(t, this.index).data as MemCgroup;
    return own.memcg;
  }

  ofPage(pfn: number): MemCgroup {
    return this.groups[this.owner[this.k.mm.frames.head(pfn)]] ?? this.root;
  }

  // --- events ---

  event(m: MemCgroup, e: number): void {
    const swap = e >= MEMCG_SWAP_HIGH;
    m.eventsLocal[e]++;
    if (!swap) this.k.cgroup.notify(m.css.cgroup, "memory.events.local");
    for (let g: MemCgroup | null = m; g !== null; g = g.parent) {
      g.events[e]++;
      if (!g.isRoot) this.k.cgroup.notify(g.css.cgroup, swap ? "memory.swap.events" : "memory.events");
      if (this.era.localEvents) break;
    }
  }

  eventsText(counts: readonly number[]): string {
    return EVENT_NAMES.map((n, i) => `${n} ${counts[i]}\n`).join("");
  }

  swapEventsText(counts: readonly number[]): string {
    return SWAP_EVENT_NAMES.map((n, i) => `${n} ${counts[MEMCG_SWAP_HIGH + i]}\n`).join("");
  }

  /** Pages that the CPUs hold in advance go back. */
  drainAll(): void {
    for (const s of this.stocks) drainStock(s);
  }

  /** A task of the group is held up from now to `until` (ns): memory.pressure, here and above. */
  stall(m: MemCgroup, until: number, task: Task | null): void {
    const { now } = this.k;
    for (let g: MemCgroup | null = m; g !== null; g = g.parent)
      if (g.psi.stall(now, until, !this.othersRun(g, task)) && !g.isRoot)
        this.k.cgroup.notify(g.css.cgroup, "memory.pressure");
  }

  /** Could another task of the group run? */
  private othersRun(g: MemCgroup, task: Task | null): boolean {
    for (const c of g.css.cgroup.subtree()) for (const t of c.tasks) if (t !== task && t.se.queued) return true;
    return false;
  }
}

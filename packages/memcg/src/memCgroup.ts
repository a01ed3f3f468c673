/** One memory cgroup: its counters, statistics, events and LRU lists. Linux's `struct mem_cgroup`. */
import type { Css } from "@kernelkit/core";
import { PAGE_COUNTER_MAX, PageCounter } from "./pageCounter.js";

/** memory.events, in the order of the file. */
export const EVENT_NAMES: readonly string[] = ["low", "high", "max", "oom", "oom_kill", "oom_group_kill"];
export const MEMCG_LOW = 0;
export const MEMCG_HIGH = 1;
export const MEMCG_MAX = 2;
export const MEMCG_OOM = 3;
export const MEMCG_OOM_KILL = 4;
export const MEMCG_OOM_GROUP_KILL = 5;

/** Statistics of memory.stat, in the order of 6.18's file; kept in pages (bytes for slab), the `pg` and `workingset` ones in events. */
export const STAT_NAMES: readonly string[] = (
  "anon file kernel kernel_stack pagetables sec_pagetables percpu sock vmalloc shmem zswap zswapped file_mapped file_dirty " +
  "file_writeback swapcached anon_thp file_thp shmem_thp inactive_anon active_anon inactive_file active_file unevictable " +
  "slab_reclaimable slab_unreclaimable slab workingset_refault_anon workingset_refault_file workingset_activate_anon " +
  "workingset_activate_file workingset_restore_anon workingset_restore_file workingset_nodereclaim pgdemote_kswapd " +
  "pgdemote_direct pgdemote_khugepaged pgdemote_proactive pgscan pgsteal pswpin pswpout pgscan_kswapd pgscan_direct " +
  "pgscan_khugepaged pgscan_proactive pgsteal_kswapd pgsteal_direct pgsteal_khugepaged pgsteal_proactive pgfault " +
  "pgmajfault pgrefill pgactivate pgdeactivate pglazyfree pglazyfreed swpin_zero swpout_zero zswpin zswpout zswpwb " +
  "thp_fault_alloc thp_collapse_alloc thp_swpout thp_swpout_fallback"
).split(" ");

/** Index of a statistic. */
export const statIndex = (name: string): number => STAT_NAMES.indexOf(name);
export const S_ANON: number = statIndex("anon");
export const S_FILE: number = statIndex("file");
export const S_KERNEL_STACK: number = statIndex("kernel_stack");
export const S_PAGETABLES: number = statIndex("pagetables");
export const S_PERCPU: number = statIndex("percpu");
export const S_SHMEM: number = statIndex("shmem");
export const S_FILE_MAPPED: number = statIndex("file_mapped");
export const S_FILE_DIRTY: number = statIndex("file_dirty");
export const S_WRITEBACK: number = statIndex("file_writeback");
export const S_ANON_THP: number = statIndex("anon_thp");
export const S_LRU: number = statIndex("inactive_anon");
export const S_SLAB: number = statIndex("slab_unreclaimable");
export const S_PGSCAN: number = statIndex("pgscan");
export const S_PGSTEAL: number = statIndex("pgsteal");
export const S_PGSCAN_DIRECT: number = statIndex("pgscan_direct");
export const S_PGSTEAL_DIRECT: number = statIndex("pgsteal_direct");
export const S_PGSCAN_PROACTIVE: number = statIndex("pgscan_proactive");
export const S_PGSTEAL_PROACTIVE: number = statIndex("pgsteal_proactive");
export const S_PGFAULT: number = statIndex("pgfault");
export const S_PGMAJFAULT: number = statIndex("pgmajfault");
export const S_PGREFILL: number = statIndex("pgrefill");
export const S_PGACTIVATE: number = statIndex("pgactivate");
export const S_PGLAZYFREE: number = statIndex("pglazyfree");
export const S_PGLAZYFREED: number = statIndex("pglazyfreed");
export const S_THP_FAULT: number = statIndex("thp_fault_alloc");

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
  /** Pages charged and given back, in the subtree. */
  pgpgin = 0;
  pgpgout = 0;
  /** Of the subtree, and of this group alone. */
  readonly events: number[] = [0, 0, 0, 0, 0, 0];
  readonly eventsLocal: number[] = [0, 0, 0, 0, 0, 0];
  readonly stats: Float64Array = new Float64Array(STAT_NAMES.length);
  oomGroup = false;
  /** Peaks of open memory.peak files that were reset, by the file's serial number. */
  readonly peaks: Map<number, number> = new Map();
  zswapMax: number = PAGE_COUNTER_MAX;
  zswapWriteback = true;
  /** First and last frame of each LRU list, 0: empty; pages on it. */
  readonly head: Int32Array = new Int32Array(5);
  readonly tail: Int32Array = new Int32Array(5);
  readonly size: Float64Array = new Float64Array(5);

  constructor(
    /** In the frames' column; 0 is the root. */
    readonly id: number,
    readonly parent: MemCgroup | null,
    readonly css: Css,
  ) {
    this.memory = new PageCounter(parent === null ? null : parent.memory);
    this.swap = new PageCounter(parent === null ? null : parent.swap);
    this.memsw = new PageCounter(parent === null ? null : parent.memsw);
    this.kmem = new PageCounter(parent === null ? null : parent.kmem);
    this.tcpmem = new PageCounter(parent === null ? null : parent.tcpmem);
    this.swappiness = parent === null ? 60 : parent.swappiness;
    this.oomKillDisable = parent?.oomKillDisable ?? false;
  }

  get isRoot(): boolean {
    return this.parent === null;
  }

  /** A statistic of this group and all above it changes. */
  stat(index: number, n: number): void {
    for (let m: MemCgroup | null = this; m !== null; m = m.parent) m.stats[index] += n;
  }

  isDescendantOf(other: MemCgroup): boolean {
    for (let m: MemCgroup | null = this; m !== null; m = m.parent) if (m === other) return true;
    return false;
  }
}

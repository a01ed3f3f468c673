/**
 * Tracepoints of statistics: each change of a counter of a group. /sys/kernel/tracing/events/memcg. `item` is Linux's number of the
 * counter: for page counters and events their place in /proc/vmstat among those of nodes and among events, counters that only groups
 * have come behind those of nodes.
 */
import { type Core, NR_LAST_NODE_STAT, NR_LRU_BASE, type Tracepoint, VMSTAT_NAMES } from "@kernelkit/core";
import { STAT_NAMES } from "./stats.js";
import { int, u64, ulong } from "./traceFields.js";

export type StatTrace = Tracepoint<[memcg: number, stat: number, value: number]>;

export interface StatTraces {
  readonly modState: StatTrace;
  readonly modLruvec: StatTrace;
  readonly countEvents: StatTrace;
  readonly flush: Tracepoint<[memcg: number]>;
}

/** Names in /proc/vmstat of statistics that are called otherwise in memory.stat. */
const VMSTAT_NAME: Readonly<Record<string, string>> = {
  anon: "nr_anon_pages",
  file: "nr_file_pages",
  kernel_stack: "nr_kernel_stack",
  pagetables: "nr_page_table_pages",
  shmem: "nr_shmem",
  file_mapped: "nr_mapped",
  file_dirty: "nr_dirty",
  file_writeback: "nr_writeback",
  swapcached: "nr_swapcached",
  anon_thp: "nr_anon_transparent_hugepages",
  slab_reclaimable: "nr_slab_reclaimable",
  slab_unreclaimable: "nr_slab_unreclaimable",
};
/** Counters of groups alone, in Linux's order behind those of nodes. */
const GROUPS_ALONE: readonly string[] = ["swap", "sock", "percpu", "vmalloc", "kernel", "zswap", "zswapped"];

function items(k: Core): readonly number[] {
  const firstEvent = k.mm.stat("pgpgin");
  return STAT_NAMES.map((name) => {
    const alone = GROUPS_ALONE.indexOf(name);
    if (alone >= 0) return NR_LAST_NODE_STAT - NR_LRU_BASE + 1 + alone;
    const lru = /^(inactive|active)_(anon|file)$|^unevictable$/.test(name) ? `nr_${name}` : name;
    const vmstat = VMSTAT_NAME[name] ?? lru;
    if (!VMSTAT_NAMES.includes(vmstat)) return -1;
    const slot = k.mm.stat(vmstat);
    return slot <= NR_LAST_NODE_STAT ? slot - NR_LRU_BASE : slot - firstEvent;
  });
}

export function statTraces(k: Core): StatTraces {
  const item = items(k);
  const define = (name: string): StatTrace => {
    const unit = name === "count_memcg_events" ? ulong("val") : int("val");
    const tp = k.trace.define(
      "memcg",
      name,
      (memcg: number, stat: number, val: number) => `memcg_id=${memcg} item=${item[stat]} val=${val}`,
    );
    tp.format = {
      fields: [u64("id"), int("item"), unit],
      print: `"memcg_id=%llu item=%d val=${unit[0] === "int" ? "%d" : "%lu"}", REC->id, REC->item, REC->val`,
    };
    return tp;
  };
  const flush = k.trace.define(
    "memcg",
    "memcg_flush_stats",
    (memcg: number) => `memcg_id=${memcg} stats_updates=0 force=0 needs_flush=0`,
  );
  flush.format = {
    fields: [u64("id"), ["s64", "stats_updates", 8, 1], ["bool", "force", 1, 0], ["bool", "needs_flush", 1, 0]],
    print:
      '"memcg_id=%llu stats_updates=%lld force=%d needs_flush=%d", REC->id, REC->stats_updates, REC->force, REC->needs_flush',
  };
  return {
    modState: define("mod_memcg_state"),
    modLruvec: define("mod_memcg_lruvec_state"),
    countEvents: define("count_memcg_events"),
    flush,
  };
}

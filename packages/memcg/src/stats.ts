/**
 * The statistics of memory.stat, by index. Kernel document admin-guide/cgroup-v2, "memory.stat".
 *
 * In the order of 6.18's file. Kept in pages; slab, per-CPU memory and zswap's pool in bytes; those from `workingset_refault_anon` on are events.
 */
export const STAT_NAMES: readonly string[] = (
  "anon file kernel kernel_stack pagetables sec_pagetables percpu sock vmalloc shmem zswap zswapped file_mapped file_dirty " +
  "file_writeback swapcached anon_thp file_thp shmem_thp inactive_anon active_anon inactive_file active_file unevictable " +
  "slab_reclaimable slab_unreclaimable slab workingset_refault_anon workingset_refault_file workingset_activate_anon " +
  "workingset_activate_file workingset_restore_anon workingset_restore_file workingset_nodereclaim pgdemote_kswapd " +
  "pgdemote_direct pgdemote_khugepaged pgdemote_proactive pgscan pgsteal pswpin pswpout pgscan_kswapd pgscan_direct " +
  "pgscan_khugepaged pgscan_proactive pgsteal_kswapd pgsteal_direct pgsteal_khugepaged pgsteal_proactive pgfault " +
  "pgmajfault pgrefill pgactivate pgdeactivate pglazyfree pglazyfreed swpin_zero swpout_zero zswpin zswpout zswpwb " +
  "thp_fault_alloc thp_collapse_alloc thp_swpout thp_swpout_fallback " +
  "pgpgin pgpgout"
).split(" ");

/** Statistics that are v1's alone, at the end of the list. */
const LEGACY = 2;
/** Names that v2's memory.stat shows. */
export const V2_STATS: number = STAT_NAMES.length - LEGACY;

/** Index of a statistic. */
export const statIndex = (name: string): number => STAT_NAMES.indexOf(name);
export const S_ANON: number = statIndex("anon");
export const S_FILE: number = statIndex("file");
export const S_KERNEL: number = statIndex("kernel");
export const S_KERNEL_STACK: number = statIndex("kernel_stack");
export const S_PAGETABLES: number = statIndex("pagetables");
export const S_PERCPU: number = statIndex("percpu");
export const S_SHMEM: number = statIndex("shmem");
export const S_FILE_MAPPED: number = statIndex("file_mapped");
export const S_FILE_DIRTY: number = statIndex("file_dirty");
export const S_WRITEBACK: number = statIndex("file_writeback");
export const S_SWAPCACHED: number = statIndex("swapcached");
export const S_ANON_THP: number = statIndex("anon_thp");
export const S_LRU: number = statIndex("inactive_anon");
export const S_SLAB_RECLAIMABLE: number = statIndex("slab_reclaimable");
export const S_SLAB: number = statIndex("slab_unreclaimable");
export const S_SLAB_SUM: number = statIndex("slab");
export const S_REFAULT: number = statIndex("workingset_refault_anon");
export const S_WS_ACTIVATE: number = statIndex("workingset_activate_anon");
export const S_WS_RESTORE: number = statIndex("workingset_restore_anon");
export const S_WS_NODERECLAIM: number = statIndex("workingset_nodereclaim");
export const S_PGSCAN: number = statIndex("pgscan");
export const S_PGSTEAL: number = statIndex("pgsteal");
export const S_PSWPIN: number = statIndex("pswpin");
export const S_PSWPOUT: number = statIndex("pswpout");
export const S_PGSCAN_KSWAPD: number = statIndex("pgscan_kswapd");
export const S_PGSTEAL_KSWAPD: number = statIndex("pgsteal_kswapd");
export const S_PGSCAN_DIRECT: number = statIndex("pgscan_direct");
export const S_PGSTEAL_DIRECT: number = statIndex("pgsteal_direct");
export const S_PGSCAN_PROACTIVE: number = statIndex("pgscan_proactive");
export const S_PGSTEAL_PROACTIVE: number = statIndex("pgsteal_proactive");
export const S_PGFAULT: number = statIndex("pgfault");
export const S_PGMAJFAULT: number = statIndex("pgmajfault");
export const S_PGREFILL: number = statIndex("pgrefill");
export const S_PGACTIVATE: number = statIndex("pgactivate");
export const S_PGDEACTIVATE: number = statIndex("pgdeactivate");
export const S_PGLAZYFREE: number = statIndex("pglazyfree");
export const S_PGLAZYFREED: number = statIndex("pglazyfreed");
export const S_THP_FAULT: number = statIndex("thp_fault_alloc");
export const S_THP_SWPOUT_FALLBACK: number = statIndex("thp_swpout_fallback");
export const S_ZSWAP: number = statIndex("zswap");
export const S_ZSWAPPED: number = statIndex("zswapped");
export const S_ZSWPIN: number = statIndex("zswpin");
export const S_ZSWPOUT: number = statIndex("zswpout");
export const S_ZSWPWB: number = statIndex("zswpwb");
export const S_SWPIN_ZERO: number = statIndex("swpin_zero");
export const S_SWPOUT_ZERO: number = statIndex("swpout_zero");
export const S_PGPGIN: number = statIndex("pgpgin");
export const S_PGPGOUT: number = statIndex("pgpgout");

/** A statistic as a file shows it, from pages and bytes that `read` gives: bytes, or a number of events. */
export function shownStat(i: number, read: (index: number) => number): number {
  if (i === S_SLAB || i === S_SLAB_RECLAIMABLE || i === S_PERCPU || i === S_ZSWAP) return read(i);
  if (i === S_SLAB_SUM) return read(S_SLAB) + read(S_SLAB_RECLAIMABLE);
  if (i === S_KERNEL)
    return (
      (read(S_KERNEL_STACK) + read(S_PAGETABLES)) * 4096 +
      read(S_PERCPU) +
      read(S_SLAB) +
      read(S_SLAB_RECLAIMABLE) +
      read(S_ZSWAP)
    );
  return i < S_REFAULT ? read(i) * 4096 : read(i);
}

/** As memory.stat of a group shows it: with all below it. */
export function statValue(m: { total(index: number): number }, i: number): number {
  return shownStat(i, (n) => m.total(n));
}

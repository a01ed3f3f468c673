/**
 * The counters of memory management: names and order of Linux 6.18's /proc/vmstat, one slot each. proc_vmstat(5).
 *
 * - `k.mm.stat("nr_dirty")` is a slot; `k.mm.stats[nid * NR_STATS + slot]` the counter of a node, `k.mm.count(slot, n, nid)` adds,
 *   `k.mm.read(slot)` sums. Names that nobody counts read 0.
 * - Slots 0..10 are counters of zones (`zone.stat`), 11..16 numa events, up to nr_kernel_file_pages counters of nodes; the rest are
 *   events and computed values, kept for node 0. `k.mm.provide(name, fn)` gives a computed value.
 * - Page counts of huge pages (nr_anon_transparent_hugepages ...) are kept in pages and shown in huge pages.
 */
import type { Core } from "../kernel/core.js";
import { HPAGE_PMD_NR } from "./frames.js";

export const VMSTAT_NAMES: readonly string[] = /* @__PURE__ */ (
  "nr_free_pages nr_free_pages_blocks nr_zone_inactive_anon nr_zone_active_anon nr_zone_inactive_file " +
  "nr_zone_active_file nr_zone_unevictable nr_zone_write_pending nr_mlock nr_zspages nr_free_cma numa_hit numa_miss " +
  "numa_foreign numa_interleave numa_local numa_other nr_inactive_anon nr_active_anon nr_inactive_file " +
  "nr_active_file nr_unevictable nr_slab_reclaimable nr_slab_unreclaimable nr_isolated_anon nr_isolated_file " +
  "workingset_nodes workingset_refault_anon workingset_refault_file workingset_activate_anon " +
  "workingset_activate_file workingset_restore_anon workingset_restore_file workingset_nodereclaim nr_anon_pages " +
  "nr_mapped nr_file_pages nr_dirty nr_writeback nr_shmem nr_shmem_hugepages nr_shmem_pmdmapped nr_file_hugepages " +
  "nr_file_pmdmapped nr_anon_transparent_hugepages nr_vmscan_write nr_vmscan_immediate_reclaim nr_dirtied " +
  "nr_written nr_throttled_written nr_kernel_misc_reclaimable nr_foll_pin_acquired nr_foll_pin_released " +
  "nr_kernel_stack nr_page_table_pages nr_sec_page_table_pages nr_iommu_pages nr_swapcached pgpromote_success " +
  "pgpromote_candidate pgpromote_candidate_nrl pgdemote_kswapd pgdemote_direct pgdemote_khugepaged " +
  "pgdemote_proactive nr_hugetlb nr_balloon_pages nr_kernel_file_pages nr_dirty_threshold " +
  "nr_dirty_background_threshold nr_memmap_pages nr_memmap_boot_pages pgpgin pgpgout pswpin pswpout pgalloc_dma " +
  "pgalloc_dma32 pgalloc_normal pgalloc_movable pgalloc_device allocstall_dma allocstall_dma32 allocstall_normal " +
  "allocstall_movable allocstall_device pgskip_dma pgskip_dma32 pgskip_normal pgskip_movable pgskip_device pgfree " +
  "pgactivate pgdeactivate pglazyfree pgfault pgmajfault pglazyfreed pgrefill pgreuse pgsteal_kswapd pgsteal_direct " +
  "pgsteal_khugepaged pgsteal_proactive pgscan_kswapd pgscan_direct pgscan_khugepaged pgscan_proactive " +
  "pgscan_direct_throttle pgscan_anon pgscan_file pgsteal_anon pgsteal_file zone_reclaim_success " +
  "zone_reclaim_failed pginodesteal slabs_scanned kswapd_inodesteal kswapd_low_wmark_hit_quickly " +
  "kswapd_high_wmark_hit_quickly pageoutrun pgrotated drop_pagecache drop_slab oom_kill numa_pte_updates " +
  "numa_huge_pte_updates numa_hint_faults numa_hint_faults_local numa_pages_migrated pgmigrate_success " +
  "pgmigrate_fail thp_migration_success thp_migration_fail thp_migration_split compact_migrate_scanned " +
  "compact_free_scanned compact_isolated compact_stall compact_fail compact_success compact_daemon_wake " +
  "compact_daemon_migrate_scanned compact_daemon_free_scanned htlb_buddy_alloc_success htlb_buddy_alloc_fail " +
  "unevictable_pgs_culled unevictable_pgs_scanned unevictable_pgs_rescued unevictable_pgs_mlocked " +
  "unevictable_pgs_munlocked unevictable_pgs_cleared unevictable_pgs_stranded thp_fault_alloc thp_fault_fallback " +
  "thp_fault_fallback_charge thp_collapse_alloc thp_collapse_alloc_failed thp_file_alloc thp_file_fallback " +
  "thp_file_fallback_charge thp_file_mapped thp_split_page thp_split_page_failed thp_deferred_split_page " +
  "thp_underused_split_page thp_split_pmd thp_scan_exceed_none_pte thp_scan_exceed_swap_pte " +
  "thp_scan_exceed_share_pte thp_split_pud thp_zero_page_alloc thp_zero_page_alloc_failed thp_swpout " +
  "thp_swpout_fallback balloon_inflate balloon_deflate balloon_migrate swap_ra swap_ra_hit swpin_zero swpout_zero " +
  "ksm_swpin_copy cow_ksm zswpin zswpout zswpwb direct_map_level2_splits direct_map_level3_splits " +
  "direct_map_level2_collapses direct_map_level3_collapses"
).split(" ");

/** Number of each counter. */
export const VMSTAT_SLOTS: ReadonlyMap<string, number> = /* @__PURE__ */ numbered(VMSTAT_NAMES);

/** Counters in a row of `k.mm.stats`. */
export const NR_STATS = 191;

function numbered(names: readonly string[]): ReadonlyMap<string, number> {
  return new Map(names.map((name, i) => [name, i]));
}

const slot = (name: string): number => VMSTAT_NAMES.indexOf(name);

export const NR_FREE_PAGES = 0;
export const NR_FREE_PAGES_BLOCKS = 1;
/** + 0..3 of an LRU list, 4 unevictable */
export const NR_ZONE_LRU_BASE = 2;
export const NR_ZONE_WRITE_PENDING = 7;
export const NR_MLOCK = 8;
/** First slot that is kept by node. */
export const NUMA_HIT = 11;
export const NUMA_MISS = 12;
export const NUMA_FOREIGN = 13;
export const NUMA_INTERLEAVE_HIT = 14;
export const NUMA_LOCAL = 15;
export const NUMA_OTHER = 16;
/** + 0 inactive anon, 1 active anon, 2 inactive file, 3 active file, 4 unevictable */
export const NR_LRU_BASE = 17;
export const NR_ANON_MAPPED: number = /* @__PURE__ */ slot("nr_anon_pages");
export const NR_FILE_MAPPED: number = /* @__PURE__ */ slot("nr_mapped");
export const NR_FILE_PAGES: number = /* @__PURE__ */ slot("nr_file_pages");
export const NR_FILE_DIRTY: number = /* @__PURE__ */ slot("nr_dirty");
export const NR_WRITEBACK: number = /* @__PURE__ */ slot("nr_writeback");
export const NR_SHMEM: number = /* @__PURE__ */ slot("nr_shmem");
export const NR_ANON_THPS: number = /* @__PURE__ */ slot("nr_anon_transparent_hugepages");
export const NR_KERNEL_STACK_KB: number = /* @__PURE__ */ slot("nr_kernel_stack");
export const NR_PAGETABLE: number = /* @__PURE__ */ slot("nr_page_table_pages");
/** Last counter of nodes. */
export const NR_LAST_NODE_STAT: number = /* @__PURE__ */ slot("nr_kernel_file_pages");
/** + zone type */
export const PGALLOC_BASE: number = /* @__PURE__ */ slot("pgalloc_dma");
export const ALLOCSTALL_BASE: number = /* @__PURE__ */ slot("allocstall_dma");
export const PGFREE: number = /* @__PURE__ */ slot("pgfree");
export const PGACTIVATE: number = /* @__PURE__ */ slot("pgactivate");
export const PGDEACTIVATE: number = /* @__PURE__ */ slot("pgdeactivate");
export const PGLAZYFREE: number = /* @__PURE__ */ slot("pglazyfree");
export const PGFAULT: number = /* @__PURE__ */ slot("pgfault");
export const PGMAJFAULT: number = /* @__PURE__ */ slot("pgmajfault");
export const PGREUSE: number = /* @__PURE__ */ slot("pgreuse");
export const DROP_PAGECACHE: number = /* @__PURE__ */ slot("drop_pagecache");
export const DROP_SLAB: number = /* @__PURE__ */ slot("drop_slab");
export const PGMIGRATE_SUCCESS: number = /* @__PURE__ */ slot("pgmigrate_success");
export const PGMIGRATE_FAIL: number = /* @__PURE__ */ slot("pgmigrate_fail");
export const THP_MIGRATION_SUCCESS: number = /* @__PURE__ */ slot("thp_migration_success");
export const THP_MIGRATION_FAIL: number = /* @__PURE__ */ slot("thp_migration_fail");
export const UNEVICTABLE_PGMLOCKED: number = /* @__PURE__ */ slot("unevictable_pgs_mlocked");
export const UNEVICTABLE_PGMUNLOCKED: number = /* @__PURE__ */ slot("unevictable_pgs_munlocked");
export const THP_FAULT_ALLOC: number = /* @__PURE__ */ slot("thp_fault_alloc");
export const THP_FAULT_FALLBACK: number = /* @__PURE__ */ slot("thp_fault_fallback");
export const THP_FAULT_FALLBACK_CHARGE: number = /* @__PURE__ */ slot("thp_fault_fallback_charge");
export const THP_SPLIT_PAGE: number = /* @__PURE__ */ slot("thp_split_page");
export const THP_SPLIT_PMD: number = /* @__PURE__ */ slot("thp_split_pmd");
export const THP_ZERO_PAGE_ALLOC: number = /* @__PURE__ */ slot("thp_zero_page_alloc");
export const THP_ZERO_PAGE_ALLOC_FAILED: number = /* @__PURE__ */ slot("thp_zero_page_alloc_failed");

/** Kept in pages, shown in huge pages. */
const IN_THP: readonly string[] = [
  "nr_shmem_hugepages",
  "nr_shmem_pmdmapped",
  "nr_file_hugepages",
  "nr_file_pmdmapped",
  "nr_anon_transparent_hugepages",
];

function shown(slot: number, value: number): string {
  const name = VMSTAT_NAMES[slot];
  return `${name} ${IN_THP.includes(name) ? Math.floor(value / HPAGE_PMD_NR) : value}\n`;
}

/** /proc/vmstat. */
export function vmstatText(k: Core): string {
  let s = "";
  for (let i = 0; i < NR_STATS; i++) s += shown(i, k.mm.read(i));
  return `${s}nr_unstable 0\n`;
}

/** /sys/devices/system/node/nodeN/vmstat. */
export function nodeVmstatText(k: Core, nid: number): string {
  let s = "";
  for (let i = 0; i <= NR_LAST_NODE_STAT; i++) s += shown(i, k.mm.readNode(i, nid));
  return s;
}

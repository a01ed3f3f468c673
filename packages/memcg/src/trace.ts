/**
 * Tracepoints of the memory controller, with Linux's names and print formats: those of the lists and of the OOM killer here, of reclaim in
 * traceReclaim.ts, of statistics in traceStats.ts. Documentation/trace/events-kmem; /sys/kernel/tracing/events.
 */
import type { Core, Mm, Task, Tracepoint } from "@kernelkit/core";
import { type Field, int, ulong } from "./traceFields.js";
import { type NodeTrace, nodeTrace } from "./traceReclaim.js";
import { type StatTraces, statTraces } from "./traceStats.js";

const LRU_NAMES: readonly string[] = ["inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable"];
/** RECLAIM_WB_ANON or _FILE, always asynchronous. */
const FLAGS: readonly string[] = ["RECLAIM_WB_ANON|RECLAIM_WB_ASYNC", "RECLAIM_WB_FILE|RECLAIM_WB_ASYNC"];

export interface MemcgTrace extends NodeTrace, StatTraces {
  readonly isolate: Tracepoint<[requested: number, taken: number, lru: number]>;
  readonly shrink: Tracepoint<
    [
      nid: number,
      scanned: number,
      reclaimed: number,
      dirty: number,
      activated: number,
      kept: number,
      priority: number,
      file: number,
    ]
  >;
  readonly victim: Tracepoint<[t: Task]>;
}

function victimText(t: Task): string {
  const mm = t.mm as Mm | null;
  const kb = (pages: number): number => pages * 4;
  const rss = mm?.rss ?? [0, 0, 0, 0];
  return (
    `pid=${t.nr} comm=${t.comm} total-vm=${kb(mm?.totalVm ?? 0)}kB anon-rss=${kb(rss[1])}kB file-rss:${kb(rss[0])}kB ` +
    `shmem-rss:${kb(rss[3])}kB uid=${t.cred.uid} pgtables=${(mm?.pgtablesBytes ?? 0) / 1024}kB oom_score_adj=${t.signal.oomScoreAdj}`
  );
}

export function memcgTrace(k: Core): MemcgTrace {
  const isolate = k.trace.define(
    "vmscan",
    "mm_vmscan_lru_isolate",
    (requested: number, taken: number, lru: number) =>
      `classzone=3 order=0 nr_requested=${requested} nr_scanned=${taken} nr_skipped=0 nr_taken=${taken} lru=${LRU_NAMES[lru]}`,
  );
  isolate.format = {
    fields: [
      int("highest_zoneidx"),
      int("order"),
      ...["nr_requested", "nr_scanned", "nr_skipped", "nr_taken"].map(ulong),
      int("lru"),
    ],
    print:
      '"classzone=%d order=%d nr_requested=%lu nr_scanned=%lu nr_skipped=%lu nr_taken=%lu lru=%s", REC->highest_zoneidx, REC->order, ' +
      "REC->nr_requested, REC->nr_scanned, REC->nr_skipped, REC->nr_taken, __print_symbolic(REC->lru)",
  };
  const shrink = k.trace.define(
    "vmscan",
    "mm_vmscan_lru_shrink_inactive",
    (
      nid: number,
      scanned: number,
      freed: number,
      dirty: number,
      activated: number,
      kept: number,
      prio: number,
      file: number,
    ) =>
      `nid=${nid} nr_scanned=${scanned} nr_reclaimed=${freed} nr_dirty=${dirty} nr_writeback=0 nr_congested=0 nr_immediate=0 ` +
      `nr_activate_anon=${file === 0 ? activated : 0} nr_activate_file=${file === 0 ? 0 : activated} nr_ref_keep=${kept} ` +
      `nr_unmap_fail=0 priority=${prio} flags=${FLAGS[file]}`,
  );
  shrink.format = {
    fields: [
      int("nid"),
      ...["nr_scanned", "nr_reclaimed", "nr_dirty", "nr_writeback", "nr_congested", "nr_immediate"].map(ulong),
      ...["nr_activate0", "nr_activate1"].map((n): Field => ["unsigned int", n, 4, 0]),
      ...["nr_ref_keep", "nr_unmap_fail"].map(ulong),
      int("priority"),
      int("reclaim_flags"),
    ],
    print:
      '"nid=%d nr_scanned=%ld nr_reclaimed=%ld nr_dirty=%ld nr_writeback=%ld nr_congested=%ld nr_immediate=%ld nr_activate_anon=%d ' +
      'nr_activate_file=%d nr_ref_keep=%ld nr_unmap_fail=%ld priority=%d flags=%s"',
  };
  const victim = k.trace.define("oom", "mark_victim", victimText);
  victim.format = {
    fields: [
      int("pid"),
      ["__data_loc char[]", "comm", 4, 0],
      ...["total_vm", "anon_rss", "file_rss", "shmem_rss"].map(ulong),
      ["uid_t", "uid", 4, 0],
      ulong("pgtables"),
      ["short", "oom_score_adj", 2, 1],
    ],
    print:
      '"pid=%d comm=%s total-vm=%lukB anon-rss=%lukB file-rss:%lukB shmem-rss:%lukB uid=%u pgtables=%lukB oom_score_adj=%hd", ' +
      "REC->pid, __get_str(comm), REC->total_vm, REC->anon_rss, REC->file_rss, REC->shmem_rss, REC->uid, REC->pgtables, REC->oom_score_adj",
  };
  return { ...nodeTrace(k), ...statTraces(k), isolate, shrink, victim };
}

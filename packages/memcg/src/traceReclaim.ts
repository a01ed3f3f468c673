/** Tracepoints of reclaim of the whole machine: kswapd, direct reclaim, v1's soft limits. /sys/kernel/tracing/events/vmscan. */
import type { Core, Tracepoint } from "@kernelkit/core";
import { type Field, GFP, int, ulong } from "./traceFields.js";

type Begin = Tracepoint<[]>;
type End = Tracepoint<[reclaimed: number]>;

/** A pair `NAME_begin` and `NAME_end`: order 0, and how many pages came of it. */
export interface ReclaimPair {
  readonly begin: Begin;
  readonly end: End;
}

export interface NodeTrace {
  readonly memcg: ReclaimPair;
  readonly soft: ReclaimPair;
  readonly direct: ReclaimPair;
  readonly wakeupKswapd: Tracepoint<[nid: number, order: number]>;
  readonly kswapdWake: Tracepoint<[nid: number, order: number]>;
  readonly kswapdSleep: Tracepoint<[nid: number]>;
}

const FLAGS = '__print_flags(REC->gfp_flags, "|")';

function pair(k: Core, name: string): ReclaimPair {
  const begin = k.trace.define("vmscan", `${name}_begin`, () => `order=0 gfp_flags=${GFP}`);
  begin.format = {
    fields: [int("order"), ulong("gfp_flags")],
    print: `"order=%d gfp_flags=%s", REC->order, ${FLAGS}`,
  };
  const end = k.trace.define("vmscan", `${name}_end`, (n: number) => `nr_reclaimed=${n}`);
  end.format = { fields: [ulong("nr_reclaimed")], print: '"nr_reclaimed=%lu", REC->nr_reclaimed' };
  return { begin, end };
}

export function nodeTrace(k: Core): NodeTrace {
  const where: readonly Field[] = [int("nid"), int("zid"), int("order")];
  const wakeupKswapd = k.trace.define(
    "vmscan",
    "mm_vmscan_wakeup_kswapd",
    (nid: number, order: number) => `nid=${nid} order=${order} gfp_flags=${GFP}`,
  );
  wakeupKswapd.format = {
    fields: [...where, ulong("gfp_flags")],
    print: `"nid=%d order=%d gfp_flags=%s", REC->nid, REC->order, ${FLAGS}`,
  };
  const kswapdWake = k.trace.define(
    "vmscan",
    "mm_vmscan_kswapd_wake",
    (nid: number, order: number) => `nid=${nid} order=${order}`,
  );
  kswapdWake.format = { fields: where, print: '"nid=%d order=%d", REC->nid, REC->order' };
  const kswapdSleep = k.trace.define("vmscan", "mm_vmscan_kswapd_sleep", (nid: number) => `nid=${nid}`);
  kswapdSleep.format = { fields: [int("nid")], print: '"nid=%d", REC->nid' };
  return {
    memcg: pair(k, "mm_vmscan_memcg_reclaim"),
    soft: pair(k, "mm_vmscan_memcg_softlimit_reclaim"),
    direct: pair(k, "mm_vmscan_direct_reclaim"),
    wakeupKswapd,
    kswapdWake,
    kswapdSleep,
  };
}

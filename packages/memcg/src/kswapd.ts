/**
 * kswapd: one thread per node that reclaims in the background, so that allocations find free pages. It is woken where no zone is above
 * its low watermark and sleeps again when one that will do is above its high one. Kernel documents mm/physical_memory (watermarks),
 * admin-guide/sysctl/vm.
 */
import { type Core, type Ctx, type KthreadDef, TASK_IDLE, WaitQueue, type Zone } from "@kernelkit/core";
import { MAX_RECLAIM_RETRIES } from "./charge.js";
import type { MemcgSystem } from "./memcgSystem.js";
import { BY_KSWAPD, DEF_PRIORITY, type Round, SWAP_CLUSTER_MAX, shrinkSubtree, startRound } from "./reclaim.js";
import { softLimitReclaim } from "./softLimit.js";

/** CPU time of looking at one page, ns: our model of what a scan costs. */
const SCAN_NS = 250;
/** kswapd is not the one that waits: a round that found nothing costs this much, ns. */
const IDLE_ROUND_NS = 2_000;

export interface Kswapd {
  readonly nid: number;
  readonly wait: WaitQueue;
  /** Somebody found no zone above its low watermark: highest zone type and order asked for. */
  wanted: boolean;
  highest: number;
  order: number;
  /** Of the round under way. */
  priority: number;
  /** Groups below memory.low are taken from too: nothing else was there. */
  low: boolean;
  skippedLow: boolean;
  freed: number;
  /** Rounds through all priorities that freed nothing: at 16 kswapd gives up until somebody else frees a page. */
  failures: number;
}

/** Is a zone that will do above its high watermark? Linux's pgdat_balanced(). */
function balanced(k: Core, d: Kswapd): boolean {
  let any = false;
  for (const z of k.mm.zones) {
    if (z.nid !== d.nid || z.type > d.highest || z.managed === 0) continue;
    any = true;
    if (z.free >= z.high + z.reserve[d.highest] + (1 << d.order)) return true;
  }
  return !any;
}

/** Pages that a round is after. */
function target(k: Core, d: Kswapd): number {
  let n = 0;
  for (const z of k.mm.zones)
    if (z.nid === d.nid && z.type <= d.highest && z.managed > 0) n += Math.max(z.high, SWAP_CLUSTER_MAX);
  return n;
}

function restart(d: Kswapd): void {
  d.priority = DEF_PRIORITY;
  d.low = false;
  d.skippedLow = false;
  d.freed = 0;
}

/** Enough, or nothing can be done: back to sleep. */
function stop(s: MemcgSystem, d: Kswapd): void {
  d.wanted = false;
  d.highest = 0;
  d.order = 0;
  restart(d);
  if (s.trace.kswapdSleep.on) s.trace.kswapdSleep.emit(d.nid);
}

/** All priorities are through. */
function endOfRound(s: MemcgSystem, d: Kswapd): void {
  if (d.freed === 0 && d.skippedLow && !d.low) {
    restart(d);
    d.low = true;
    return;
  }
  if (d.freed === 0) d.failures++;
  else d.failures = 0;
  if (d.failures > 0 || balanced(s.k, d)) stop(s, d);
  else restart(d);
}

/** One priority of balance_pgdat(): ns of work. */
function balance(s: MemcgSystem, c: Ctx, d: Kswapd): number {
  const { k } = s;
  if (balanced(k, d)) {
    k.mm.count(k.mm.stat(d.freed === 0 ? "kswapd_high_wmark_hit_quickly" : "kswapd_low_wmark_hit_quickly"), 1, d.nid);
    stop(s, d);
    return IDLE_ROUND_NS;
  }
  if (d.priority === DEF_PRIORITY) k.mm.count(k.mm.stat("pageoutrun"), 1, d.nid);
  const args = { want: target(k, d), by: BY_KSWAPD, c, maySwap: true };
  const round: Round = startRound(args);
  s.onlyNode = k.mm.nodes > 1 ? d.nid : -1;
  round.freed += softLimitReclaim(s, args);
  if (shrinkSubtree(s, s.root, round, d.priority, d.low)) d.skippedLow = true;
  s.onlyNode = -1;
  d.freed += round.freed;
  // where enough was looked at and something came of it, the same priority again
  if (round.scanned < round.want || round.freed === 0) d.priority--;
  if (d.priority < 1) endOfRound(s, d);
  return IDLE_ROUND_NS + round.scanned * SCAN_NS;
}

export interface Kswapds {
  /** Makes the threads. */
  boot(): void;
  /** Somebody else has freed pages: those that had given up are tried again. */
  progress(): void;
}

/** The threads, and who wakes them. */
export function installKswapd(k: Core, s: MemcgSystem): Kswapds {
  const def: KthreadDef<Kswapd> = {
    name: "memcg.kswapd",
    step: (c, d) => (d.wanted ? balance(s, c, d) : c.sleep(d.wait, Number.POSITIVE_INFINITY, TASK_IDLE)),
  };
  const threads = s.kswapds;
  k.hooks.wakeKswapd.tap(150, "memcg", (z: Zone, order: number) => {
    const d = threads.find((t) => t.nid === z.nid);
    if (d === undefined) return;
    d.highest = Math.max(d.highest, z.type);
    d.order = Math.max(d.order, order);
    if (d.wanted || d.failures >= MAX_RECLAIM_RETRIES || balanced(k, d)) return;
    d.wanted = true;
    if (s.trace.wakeupKswapd.on) s.trace.wakeupKswapd.emit(d.nid, order);
    if (s.trace.kswapdWake.on) s.trace.kswapdWake.emit(d.nid, d.order);
    k.sched.wakeUp(d.wait);
  });
  return {
    progress() {
      for (const d of threads) d.failures = 0;
    },
    boot() {
      k.mm.nodePages.forEach((pages, nid) => {
        if (pages === 0) return;
        const d: Kswapd = {
          nid,
          wait: new WaitQueue(`kswapd${nid}`),
          wanted: false,
          highest: 0,
          order: 0,
          failures: 0,
        } as Kswapd;
        restart(d);
        threads.push(d);
        k.tasks.kthreadCreate(def, `kswapd${nid}`, d);
      });
    },
  };
}

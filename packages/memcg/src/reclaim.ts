/**
 * Reclaim of a group's subtree: pages go from the tails of the inactive lists, files to nowhere, private memory to swap. Kernel
 * documents mm/page_reclaim, admin-guide/cgroup-v2 "memory.min" for protection.
 *
 * Priority 12 looks at a 4096th of each list, priority 0 at all of it. At each priority the subtree is walked parents first, going
 * on behind the group where the last reclaim had enough.
 */
import type { Ctx } from "@kernelkit/core";
import { shrinkDentries } from "./kmem/dentries.js";
import { MEMCG_LOW, type MemCgroup } from "./memCgroup.js";
import type { MemcgSystem } from "./memcgSystem.js";
import { calculateProtection } from "./protection.js";
import { scanCounts } from "./scanBalance.js";
import { deactivatePages, type ScanTotals, shrinkInactive } from "./shrinkList.js";
import {
  S_PGSCAN,
  S_PGSCAN_DIRECT,
  S_PGSCAN_KSWAPD,
  S_PGSCAN_PROACTIVE,
  S_PGSTEAL,
  S_PGSTEAL_DIRECT,
  S_PGSTEAL_KSWAPD,
  S_PGSTEAL_PROACTIVE,
} from "./stats.js";
import { vmpressure } from "./v1/legacyEvents.js";

export const DEF_PRIORITY = 12;
export const SWAP_CLUSTER_MAX = 32;

/** Who reclaims, as statistics tell them apart: whoever needs the memory (the default), memory.reclaim, kswapd. */
export const BY_DIRECT = 0;
export const BY_PROACTIVE = 1;
export const BY_KSWAPD = 2;
const SCANNED_BY: readonly number[] = [S_PGSCAN_DIRECT, S_PGSCAN_PROACTIVE, S_PGSCAN_KSWAPD];
const STOLEN_BY: readonly number[] = [S_PGSTEAL_DIRECT, S_PGSTEAL_PROACTIVE, S_PGSTEAL_KSWAPD];

export interface ReclaimArgs {
  /** Pages wanted; at least 32 are tried for. */
  readonly want: number;
  readonly by?: number;
  /** The call that reclaims: dirty pages can be sent to the disk then. */
  readonly c: Ctx | null;
  /** Anonymous pages may go to swap (not when v1's memory+swap is at its limit: that frees nothing there). */
  readonly maySwap: boolean;
  /** Instead of the group's own. */
  readonly swappiness?: number;
}

/** One attempt to free pages: what it wants, and what it has looked at and freed so far. */
export interface Round {
  readonly args: ReclaimArgs;
  readonly want: number;
  scanned: number;
  freed: number;
  readonly totals: ScanTotals;
}

export function startRound(args: ReclaimArgs): Round {
  const totals = { scanned: 0, freed: 0, priority: DEF_PRIORITY };
  return { args, want: Math.max(args.want, SWAP_CLUSTER_MAX), scanned: 0, freed: 0, totals };
}

/** Lists of one group, and its caches of names. */
export function shrinkGroup(s: MemcgSystem, m: MemCgroup, r: Round, priority: number, protection: number): void {
  const { scan } = s;
  const { args, totals } = r;
  const swap = args.maySwap && s.swap.room(m) > 0;
  scanCounts(m, { priority, protection, swappiness: args.swappiness ?? m.swappiness, swap }, scan);
  totals.priority = priority;
  totals.scanned = 0;
  totals.freed = 0;
  while (scan[0] > 0 || scan[1] > 0 || scan[2] > 0 || scan[3] > 0) {
    for (let lru = 0; lru < 4; lru++) {
      const n = Math.min(scan[lru], SWAP_CLUSTER_MAX);
      if (n === 0) continue;
      scan[lru] -= n;
      if ((lru & 1) === 1) deactivatePages(s, m, lru, n);
      else if (!shrinkInactive(s, m, lru, n, totals, args.c)) scan[lru] = 0;
    }
    if (r.freed + totals.freed >= r.want) break;
  }
  const { scanned, freed } = totals;
  const by = args.by ?? BY_DIRECT;
  if (s.trace.countEvents.on) {
    s.trace.countEvents.emit(m.id, SCANNED_BY[by], scanned);
    s.trace.countEvents.emit(m.id, STOLEN_BY[by], freed);
  }
  m.stat(S_PGSCAN, scanned);
  m.stat(SCANNED_BY[by], scanned);
  m.stat(S_PGSTEAL, freed);
  m.stat(STOLEN_BY[by], freed);
  const { mm } = s.k;
  mm.count(s.kmem.vmstat.scan[by], scanned);
  mm.count(s.kmem.vmstat.steal[by], freed);
  r.scanned += scanned;
  r.freed += freed + shrinkDentries(s, m, priority);
  if (s.listeners > 0) vmpressure(s, m, scanned, freed);
}

/** One walk of the subtree: true if a group was skipped because of memory.low. */
export function shrinkSubtree(s: MemcgSystem, root: MemCgroup, r: Round, priority: number, low: boolean): boolean {
  let skipped = false;
  const order = [...root.subtree()];
  for (const m of order) calculateProtection(root.memory, m.memory, s.recursiveProtection);
  const start = order.findIndex((m) => m.id === root.reclaimAt) + 1;
  for (let i = 0; i < order.length; i++) {
    const m = order[(start + i) % order.length];
    const { memory } = m;
    const emin = m === root ? 0 : memory.emin;
    const elow = m === root ? 0 : memory.elow;
    if (emin > 0 && emin >= memory.usage) continue;
    if (elow > 0 && elow >= memory.usage) {
      if (!low) {
        skipped = true;
        continue;
      }
      s.event(m, MEMCG_LOW);
    }
    shrinkGroup(s, m, r, priority, low ? emin : Math.max(emin, elow));
    if (r.freed < r.want) continue;
    root.reclaimAt = m.id;
    return skipped;
  }
  root.reclaimAt = -1;
  return skipped;
}

/** Free about `want` pages of `root` and everything below it: what was freed. `s.pendingIo` says how many may follow by themselves. */
export function reclaimSubtree(s: MemcgSystem, root: MemCgroup, args: ReclaimArgs): number {
  s.pendingIo = 0;
  if (s.trace.memcg.begin.on && root !== s.root) s.trace.memcg.begin.emit();
  const r = startRound(args);
  for (const low of [false, true]) {
    let skipped = false;
    for (let priority = DEF_PRIORITY; priority >= 0 && r.freed < r.want; priority--)
      if (shrinkSubtree(s, root, r, priority, low)) skipped = true;
    if (r.freed > 0 || !skipped) break;
  }
  if (s.trace.memcg.end.on && root !== s.root) s.trace.memcg.end.emit(r.freed);
  return r.freed;
}

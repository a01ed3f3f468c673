/**
 * May a zone serve a request: nodes that are allowed, watermarks, reserves; and what is counted of where pages came from. Kernel documents
 * mm/physical_memory ("watermarks"), admin-guide/numastat.
 */
import type { AllocRequest } from "./gfp.js";
import type { MmSystem } from "./mmSystem.js";
import { NR_STATS, NUMA_FOREIGN, NUMA_INTERLEAVE_HIT, NUMA_MISS, NUMA_OTHER } from "./vmstat.js";
import type { Zone } from "./zone.js";

export const WMARK_LOW = 0;
export const WMARK_MIN = 1;
/** Half of min, for those who may not wait. */
export const WMARK_HIGH_PRIO = 2;
export const WMARK_NONE = 3;

/** May the request be served from a zone of node `nid`? */
export function nodeAllowed(r: AllocRequest, nid: number): boolean {
  const { nodemask } = r;
  return nodemask === null || ((nodemask[nid >> 5] >>> (nid & 31)) & 1) !== 0;
}

/** Pages that an allocation may still take from a zone without going to or below the watermark. */
export function room(z: Zone, wmark: number, highest: number): number {
  if (wmark === WMARK_NONE) return z.free + 1;
  const mark = wmark === WMARK_LOW ? z.low : wmark === WMARK_MIN ? z.min : z.min >> 1;
  return z.free - mark - z.reserve[highest];
}

/**
 * Pages have been taken from `z` that were wanted from `preferred`. Only the exceptions are counted: hits and local ones are the rest of
 * all allocations (MmSystem.readNode).
 */
export function countNuma(m: MmSystem, r: AllocRequest, z: Zone, preferred: Zone, wanted: number, n: number): void {
  const { nid } = z;
  if (nid !== m.localNid) m.stats[nid * NR_STATS + NUMA_OTHER] += n;
  if (nid !== preferred.nid) {
    m.stats[nid * NR_STATS + NUMA_MISS] += n;
    m.stats[preferred.nid * NR_STATS + NUMA_FOREIGN] += n;
  }
  if (r.interleave && nid === wanted) m.stats[nid * NR_STATS + NUMA_INTERLEAVE_HIT] += n;
}

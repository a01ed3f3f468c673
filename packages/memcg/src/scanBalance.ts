/**
 * How many pages of each list a round of reclaim looks at: by priority, protection, and what anonymous memory and files have cost
 * lately. Linux's get_scan_count(); kernel document mm/multigen_lru tells of the classic lists this is about.
 */
import { LRU_ACTIVE_ANON, LRU_ACTIVE_FILE, LRU_INACTIVE_ANON, LRU_INACTIVE_FILE, type MemCgroup } from "./memCgroup.js";

const SWAP_CLUSTER_MAX = 32;
const PAGES_PER_GIB = 262144;

/** Reclaim of a kind of memory cost n units; half is forgotten when the sum passes a quarter of the lists. */
export function noteCost(m: MemCgroup, file: boolean, n: number): void {
  for (let g: MemCgroup | null = m; g !== null; g = g.parent) {
    if (file) g.fileCost += n;
    else g.anonCost += n;
    const lists = g.size[0] + g.size[1] + g.size[2] + g.size[3];
    if (g.anonCost + g.fileCost > lists / 4) {
      g.anonCost = Math.floor(g.anonCost / 2);
      g.fileCost = Math.floor(g.fileCost / 2);
    }
  }
}

/** Is the inactive list too short, so that active pages must be taken down? */
export function inactiveIsLow(inactive: number, active: number): boolean {
  const gib = Math.floor((inactive + active) / PAGES_PER_GIB);
  const ratio = gib > 0 ? Math.floor(Math.sqrt(10 * gib)) : 1;
  return inactive * ratio < active;
}

export interface ScanArgs {
  priority: number;
  /** Pages that protection keeps. */
  protection: number;
  swappiness: number;
  /** There is room on swap for this group. */
  swap: boolean;
}

/** Pages to scan of the lists 0..3 into `out`. */
export function scanCounts(m: MemCgroup, a: ScanArgs, out: number[]): void {
  const fileLow = inactiveIsLow(m.size[LRU_INACTIVE_FILE], m.size[LRU_ACTIVE_FILE]);
  // enough files that nobody has used twice: anonymous memory is left alone (cache trim)
  const trim = !fileLow && m.size[LRU_INACTIVE_FILE] >= 2 ** a.priority;
  const anonToo = a.swap && a.swappiness > 0 && !trim;
  let anonCost = m.anonCost;
  let fileCost = m.fileCost;
  const total = anonCost + fileCost;
  anonCost += total;
  fileCost += total;
  const sum = anonCost + fileCost;
  const anonWeight = Math.floor((a.swappiness * (sum + 1)) / (anonCost + 1));
  const fileWeight = Math.floor(((200 - a.swappiness) * (sum + 1)) / (fileCost + 1));
  const denominator = anonWeight + fileWeight;
  const cgroupSize = Math.max(m.memory.usage, a.protection);
  const files = m.size[LRU_INACTIVE_FILE] + m.size[LRU_ACTIVE_FILE];
  // at the last priority, and where there are no files to speak of, both kinds alike
  const equal = a.priority === 0 || files <= SWAP_CLUSTER_MAX;
  for (let lru = 0; lru < 4; lru++) {
    const file = lru >= LRU_INACTIVE_FILE;
    out[lru] = 0;
    if (!file && !anonToo) continue;
    const size = m.size[lru];
    let scan = size;
    if (a.protection > 0) {
      scan = size - Math.floor((size * a.protection) / (cgroupSize + 1));
      scan = Math.min(size, Math.max(scan, SWAP_CLUSTER_MAX));
    }
    scan = Math.floor(scan / 2 ** a.priority);
    if (scan === 0 && !m.css.online) scan = Math.min(size, SWAP_CLUSTER_MAX);
    if (anonToo && !equal && denominator > 0) scan = Math.ceil((scan * (file ? fileWeight : anonWeight)) / denominator);
    out[lru] = scan;
  }
  if (!inactiveIsLow(m.size[LRU_INACTIVE_ANON], m.size[LRU_ACTIVE_ANON])) out[LRU_ACTIVE_ANON] = 0;
  if (!fileLow) out[LRU_ACTIVE_FILE] = 0;
}

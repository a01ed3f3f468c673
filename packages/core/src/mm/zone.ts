/**
 * Zones: the ranges of physical memory that the page allocator works in, with their watermarks and the order in which nodes fall
 * back to each other. /proc/zoneinfo, kernel document mm/physical_memory; sysctl vm.min_free_kbytes, watermark_scale_factor,
 * lowmem_reserve_ratio.
 */

export const ZONE_DMA = 0;
export const ZONE_DMA32 = 1;
export const ZONE_NORMAL = 2;
export const ZONE_MOVABLE = 3;
export const ZONE_NAMES: readonly string[] = ["DMA", "DMA32", "Normal", "Movable"];

/** First frame that is not in ZONE_DMA (16 MiB), not in ZONE_DMA32 (4 GiB). */
const DMA_END = 4096;
const DMA32_END = 1048576;

/** Blocks have orders 0..10. */
export const NR_ORDERS = 11;
export const MAX_ORDER_PAGES = 1024;

/** Counters that a zone has of its own: the first names of /proc/vmstat. */
export const NR_ZONE_STATS = 11;

export class Zone {
  /** Frames it spans: start..end-1. */
  readonly start: number;
  readonly end: number;
  /** Frames that the allocator manages. */
  managed = 0;
  /** Free pages. */
  free = 0;
  /** First free block of each order, 0: none; how many blocks. */
  readonly heads: Int32Array = new Int32Array(NR_ORDERS);
  readonly nrFree: Int32Array = new Int32Array(NR_ORDERS);
  /** Blocks of the largest order that were never touched, virgin..virginEnd-1: free, but in no list. */
  virgin = 0;
  virginEnd = 0;
  // watermarks, pages
  min = 0;
  low = 0;
  high = 0;
  promo = 0;
  /** lowmem_reserve: pages kept back from allocations that could have come from zone type i. */
  readonly reserve: number[] = [0, 0, 0, 0];
  /** Its own counters; see vmstat.ts. nr_free_pages is `free`. */
  readonly stat: Int32Array = new Int32Array(NR_ZONE_STATS);
  /** Pages ever taken and given back; allocations are fewer than pages by `allocExtra` (of more than one page). */
  pgalloc = 0;
  pgfree = 0;
  allocExtra = 0;

  constructor(
    /** Index in `k.mm.zones`. */
    readonly no: number,
    readonly nid: number,
    /** ZONE_DMA .. ZONE_MOVABLE */
    readonly type: number,
    start: number,
    end: number,
  ) {
    this.start = start;
    this.end = end;
  }

  get name(): string {
    return ZONE_NAMES[this.type];
  }
}

/** The zones of a machine whose node i has `nodePages[i]` pages, nodes one after the other from frame 0. */
export function layOutZones(nodePages: readonly number[]): Zone[] {
  const zones: Zone[] = [];
  let at = 0;
  nodePages.forEach((pages, nid) => {
    const end = at + pages;
    for (const [type, lo, hi] of [
      [ZONE_DMA, 0, DMA_END],
      [ZONE_DMA32, DMA_END, DMA32_END],
      [ZONE_NORMAL, DMA32_END, Number.POSITIVE_INFINITY],
    ] as const) {
      const start = Math.max(at, lo);
      const stop = Math.min(end, hi);
      if (start < stop) zones.push(new Zone(zones.length, nid, type, start, stop));
    }
    at = end;
  });
  return zones;
}

/**
 * The order in which nodes fall back, for each node: the nearest first; of nodes equally far the one that is first for fewer
 * others; nodes with a lower number pay one unit. Nodes without memory never appear. As the boot line "Fallback order for Node".
 */
export function fallbackOrders(nodePages: readonly number[], distances: readonly (readonly number[])[]): number[][] {
  const n = nodePages.length;
  const load: number[] = new Array(n).fill(0);
  const orders: number[][] = [];
  for (let node = 0; node < n; node++) {
    const order: number[] = [];
    const used: boolean[] = new Array(n).fill(false);
    let prev = node;
    if (nodePages[node] > 0) {
      order.push(node);
      used[node] = true;
    }
    for (;;) {
      let best = -1;
      let bestNear = 0;
      for (let i = 0; i < n; i++) {
        if (used[i] || nodePages[i] === 0) continue;
        const near = distances[node][i] + (i < node ? 1 : 0);
        if (best < 0 || near < bestNear || (near === bestNear && load[i] < load[best])) {
          best = i;
          bestNear = near;
        }
      }
      if (best < 0) break;
      if (distances[node][best] !== distances[node][prev]) load[best]++;
      prev = best;
      used[best] = true;
      order.push(best);
    }
    orders.push(order);
  }
  return orders;
}

/** Zones in the order in which node `nid` allocates: nodes by fallback, in each the highest zone first. */
export function zonelist(zones: readonly Zone[], fallback: readonly number[]): Zone[] {
  const list: Zone[] = [];
  for (const nid of fallback) {
    for (let type = ZONE_MOVABLE; type >= ZONE_DMA; type--) {
      const z = zones.find((x) => x.nid === nid && x.type === type);
      if (z !== undefined) list.push(z);
    }
  }
  return list;
}

/**
 * Pages that may not be used by ordinary allocations, in kB: 4 * sqrt(lowmem kB) within 128..262144; with transparent huge pages
 * in use at least enough free blocks to make some (khugepaged's recommendation), at most 5 % of memory.
 */
export function defaultMinFreeKbytes(zones: readonly Zone[], hugePages: boolean): number {
  const pages = zones.reduce((a, z) => a + z.managed, 0);
  const base = Math.min(Math.max(Math.floor(4 * Math.sqrt(pages * 4)), 128), 262144);
  if (!hugePages) return base;
  const recommended = Math.min(zones.length * 11 * 512, Math.floor(pages / 20)) * 4;
  return Math.max(base, recommended);
}

/** Set all watermarks and reserves. */
export function setupWatermarks(
  zones: readonly Zone[],
  minFreeKbytes: number,
  scaleFactor: number,
  reserveRatio: readonly number[],
): void {
  const total = zones.reduce((a, z) => a + z.managed, 0);
  const pagesMin = Math.floor(minFreeKbytes / 4);
  for (const z of zones) {
    const min = total === 0 ? 0 : Math.floor((pagesMin * z.managed) / total);
    const step = Math.max(Math.floor(min / 4), Math.floor((z.managed * scaleFactor) / 10000));
    z.min = min;
    z.low = min + step;
    z.high = z.low + step;
    z.promo = z.high + step;
    let above = 0;
    for (let type = z.type; type <= ZONE_MOVABLE; type++) {
      if (type > z.type) {
        const up = zones.find((x) => x.nid === z.nid && x.type === type);
        above += up?.managed ?? 0;
      }
      const ratio = reserveRatio[z.type];
      z.reserve[type] = type === z.type || ratio === 0 ? 0 : Math.floor(above / ratio);
    }
  }
}

/** Pages that are kept back in all: watermarks and reserves. `totalreserve_pages`. */
export function totalReserve(zones: readonly Zone[]): number {
  let n = 0;
  for (const z of zones) n += Math.min(Math.max(...z.reserve) + z.high, z.managed);
  return n;
}

/** Pages in free blocks of at least a huge page. */
export function freeInBlocks(z: Zone): number {
  return z.nrFree[9] * 512 + z.nrFree[10] * 1024 + z.virginEnd - z.virgin;
}

/**
 * /sys/devices/system/node/nodeN/compact: make large free blocks. Pages of blocks of 2 MiB that are nearly empty and have only movable
 * pages go into the holes of fuller ones. Kernel document admin-guide/sysctl/vm ("compact_memory"), mm/page_migration.
 */
import {
  __GFP_DMA,
  __GFP_DMA32,
  __GFP_RECLAIM,
  __GFP_THISNODE,
  allocPages,
  freePages,
  GFP_HIGHUSER_MOVABLE,
  migratable,
  moveTo,
  PAGE_MIGRATE,
  PG_HEAD,
  PG_LRU,
  PG_TAIL,
  type Zone,
} from "@kernelkit/core";
import type { NumaSystem } from "../state.js";

const BLOCK = 512;
const HUGE_ORDER = 9;
/** What keeps an allocation in a zone or below, by zone type. */
const ZONE_GFP: readonly number[] = [__GFP_DMA, __GFP_DMA32, 0, 0];

/** Used pages of a block that could move; -1: it has one that cannot, or is a huge page. */
function movableIn(sys: NumaSystem, start: number): number {
  const { frames } = sys.k.mm;
  let n = 0;
  for (let pfn = start; pfn < start + BLOCK; pfn++) {
    if (frames.refcount[pfn] === 0) continue;
    if ((frames.flags[pfn] & (PG_LRU | PG_HEAD | PG_TAIL)) !== PG_LRU || migratable(sys.k.mm, pfn) !== 0) return -1;
    n++;
  }
  return n;
}

/** Free pages in blocks that are smaller than a huge page. */
function fragments(z: Zone): number {
  let n = 0;
  for (let order = 0; order < HUGE_ORDER; order++) n += z.nrFree[order] << order;
  return n;
}

/** A frame in a hole of the zone that is not in `block`, 0: none. What is found in the block is put into `held`. */
function holeOutside(sys: NumaSystem, z: Zone, block: number, held: number[]): number {
  const { mm: m } = sys.k;
  while (fragments(z) > 0) {
    const gfp = GFP_HIGHUSER_MOVABLE | __GFP_THISNODE | ZONE_GFP[z.type];
    const r = m.request(null, gfp & ~__GFP_RECLAIM, PAGE_MIGRATE);
    r.nid = z.nid;
    const pfn = allocPages(m, r);
    if (pfn <= 0) return 0;
    if (m.zoneOf(pfn) === z && (pfn < block || pfn >= block + BLOCK)) return pfn;
    held.push(pfn);
  }
  return 0;
}

/** Compact all zones of a node: pages moved. */
export function compactNode(sys: NumaSystem, nid: number): number {
  const { mm: m } = sys.k;
  let moved = 0;
  for (const z of m.zones) if (z.nid === nid) moved += compactZone(sys, z);
  m.count(m.stat("compact_isolated"), moved * 2);
  if (moved > 0) sys.migrated(moved, 0, false, "compaction");
  return moved;
}

function compactZone(sys: NumaSystem, z: Zone): number {
  const { mm: m } = sys.k;
  const blocks: { start: number; used: number }[] = [];
  for (let start = Math.ceil(z.start / BLOCK) * BLOCK; start + BLOCK <= z.end; start += BLOCK) {
    const used = movableIn(sys, start);
    if (used > 0) blocks.push({ start, used });
  }
  blocks.sort((a, b) => a.used - b.used || a.start - b.start);
  let moved = 0;
  for (const { start, used } of blocks) {
    // a block that is more than half full is a place to go to
    if (used > BLOCK / 2) break;
    m.count(m.stat("compact_migrate_scanned"), BLOCK);
    const held: number[] = [];
    let to = 0;
    for (let pfn = start; pfn < start + BLOCK; pfn++) {
      if (m.frames.refcount[pfn] === 0 || held.includes(pfn) || migratable(m, pfn) !== 0) continue;
      to = holeOutside(sys, z, start, held);
      if (to === 0) break;
      m.count(m.stat("compact_free_scanned"), 1);
      moveTo(m, pfn, to, 1);
      moved++;
    }
    for (const pfn of held) freePages(m, pfn, 0);
    if (to === 0) break;
  }
  return moved;
}

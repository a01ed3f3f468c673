/**
 * The page allocator: from zonelists to frames, with watermarks, NUMA counters, hooks and charges. Kernel documents
 * mm/page_allocation, mm/physical_memory; numastat in admin-guide/numastat.
 *
 *     const r = m.request(c, GFP_HIGHUSER_MOVABLE, PAGE_ANON);   // fields besides: vma, addr, order, nid
 *     const pfn = allocCharged(m, r);                            // > 0, or 0, ALLOC_WAIT, CHARGE_FAILED
 *
 * Order: pageChoose (policies) - a zone above its low watermark, else kswapd is woken and a zone above min is taken, else the
 * reclaim hook, else the out-of-memory hook - pageAlloc - pageCharge. Freeing goes the other way round.
 */
import { fatalSignalPending } from "../task/signalPending.js";
import { TASK_UNINTERRUPTIBLE } from "../task/task.js";
import { giveBlock, takeBlock } from "./buddy.js";
import { PG_DATA, PG_HEAD, PG_LRU, PG_ORDER_SHIFT, PG_TAIL } from "./frames.js";
import {
  __GFP_COMP,
  __GFP_DIRECT_RECLAIM,
  __GFP_DMA,
  __GFP_DMA32,
  __GFP_HIGH,
  __GFP_HIGHMEM,
  __GFP_KSWAPD_RECLAIM,
  __GFP_MEMALLOC,
  __GFP_MOVABLE,
  __GFP_NOFAIL,
  __GFP_NORETRY,
  __GFP_RETRY_MAYFAIL,
  __GFP_THISNODE,
  ALLOC_WAIT,
  type AllocRequest,
} from "./gfp.js";
import type { MmSystem } from "./mmSystem.js";
import { ALLOCSTALL_BASE } from "./vmstat.js";
import { countNuma, nodeAllowed, room, WMARK_HIGH_PRIO, WMARK_LOW, WMARK_MIN, WMARK_NONE } from "./watermark.js";
import { ZONE_DMA, ZONE_DMA32, ZONE_MOVABLE, ZONE_NORMAL, type Zone } from "./zone.js";

/** What `allocCharged` gives when the charge was refused (no errno but ENOMEM is known). */
export const CHARGE_FAILED = -2;
/** What the reclaim and charge hooks give when they have put the task to sleep. */
export const HOOK_WAIT = -1;

/** An order above this is not worth killing for. PAGE_ALLOC_COSTLY_ORDER. */
const COSTLY_ORDER = 3;
const MAX_RECLAIM_RETRIES = 16;

/** The highest zone type that an allocation may use. */
export function gfpZone(gfp: number): number {
  if ((gfp & __GFP_DMA) !== 0) return ZONE_DMA;
  if ((gfp & __GFP_DMA32) !== 0) return ZONE_DMA32;
  const movable = __GFP_HIGHMEM | __GFP_MOVABLE;
  return (gfp & movable) === movable ? ZONE_MOVABLE : ZONE_NORMAL;
}

function fromFreelist(m: MmSystem, r: AllocRequest, wmark: number): number {
  const list = m.zonelists[r.nid];
  const { gfp, order } = r;
  const highest = gfpZone(gfp);
  let preferred: Zone | null = null;
  for (let i = 0; i < list.length; i++) {
    const z = list[i];
    if (z.type > highest || !nodeAllowed(r, z.nid)) continue;
    if ((gfp & __GFP_THISNODE) !== 0 && z.nid !== r.nid) break;
    if (preferred === null) preferred = z;
    if (room(z, wmark, highest) < 1 << order) continue;
    const pfn = takeBlock(m.frames, z, order);
    if (pfn === 0) continue;
    z.pgalloc += 1 << order;
    if (order > 0) z.allocExtra += (1 << order) - 1;
    countNuma(m, r, z, preferred, r.nid, 1);
    return pfn;
  }
  return 0;
}

/** Nothing is above the low watermark. */
function slowPath(m: MmSystem, r: AllocRequest): number {
  const { hooks } = m.k;
  const { gfp } = r;
  const highest = gfpZone(gfp);
  if ((gfp & __GFP_KSWAPD_RECLAIM) !== 0 && hooks.wakeKswapd.on !== null) {
    for (const z of m.zonelists[r.nid]) if (z.type <= highest) hooks.wakeKswapd.on(z, r.order);
  }
  const wmark = (gfp & __GFP_MEMALLOC) !== 0 ? WMARK_NONE : (gfp & __GFP_HIGH) !== 0 ? WMARK_HIGH_PRIO : WMARK_MIN;
  let pfn = fromFreelist(m, r, wmark);
  if (pfn !== 0 || (gfp & __GFP_DIRECT_RECLAIM) === 0) return pfn;
  m.stats[ALLOCSTALL_BASE + highest]++;
  m.depth++;
  for (let tries = 0; tries < MAX_RECLAIM_RETRIES; tries++) {
    const freed = hooks.reclaim.on?.(r, undefined) ?? 0;
    if (freed === HOOK_WAIT) {
      m.depth--;
      return ALLOC_WAIT;
    }
    pfn = fromFreelist(m, r, wmark);
    if (pfn !== 0) {
      m.depth--;
      return pfn;
    }
    if (freed === 0 || (gfp & __GFP_NORETRY) !== 0) break;
  }
  const mayKill = r.order <= COSTLY_ORDER && (gfp & (__GFP_NORETRY | __GFP_RETRY_MAYFAIL | __GFP_THISNODE)) === 0;
  const killed = mayKill && hooks.outOfMemory.on?.(r, undefined) === true;
  m.depth--;
  if (killed) {
    if (r.task !== null && fatalSignalPending(r.task)) return fromFreelist(m, r, WMARK_NONE);
    if (r.c !== null) {
      r.c.sleep(null, m.k.time.nextTick(), TASK_UNINTERRUPTIBLE);
      return ALLOC_WAIT;
    }
  }
  return (gfp & __GFP_NOFAIL) !== 0 ? fromFreelist(m, r, WMARK_NONE) : 0;
}

/** A block of 2^order pages (one head with order, the others tails), uncharged: its pfn, 0, or ALLOC_WAIT. */
export function allocPages(m: MmSystem, r: AllocRequest): number {
  let pfn = fromFreelist(m, r, WMARK_LOW);
  if (pfn === 0) {
    pfn = slowPath(m, r);
    if (pfn <= 0) return pfn;
  }
  const f = m.frames;
  f.refcount[pfn] = 1;
  if (r.order > 0 && (r.gfp & __GFP_COMP) !== 0) {
    f.flags[pfn] = PG_HEAD | (r.order << PG_ORDER_SHIFT);
    f.flags.fill(PG_TAIL | (r.order << PG_ORDER_SHIFT), pfn + 1, pfn + (1 << r.order));
  }
  if (m.k.hooks.pageAlloc.on !== null) m.k.hooks.pageAlloc.on(pfn, r.order);
  return pfn;
}

/** As `allocPages`, and charged: CHARGE_FAILED when the charge was refused. Policies choose where. */
export function allocCharged(m: MmSystem, r: AllocRequest): number {
  const { hooks } = m.k;
  if (hooks.pageChoose.on !== null) hooks.pageChoose.on(r, undefined);
  const pfn = allocPages(m, r);
  if (pfn <= 0 || hooks.pageCharge.on === null) return pfn;
  m.depth++;
  const e = hooks.pageCharge.on(pfn, r);
  m.depth--;
  if (e === 0) return pfn;
  release(m, pfn, r.order);
  return e === HOOK_WAIT ? ALLOC_WAIT : CHARGE_FAILED;
}

function release(m: MmSystem, pfn: number, order: number): void {
  if (m.k.hooks.pageFree.on !== null) m.k.hooks.pageFree.on(pfn, order);
  const f = m.frames;
  const n = 1 << order;
  const z = m.zoneOf(pfn);
  z.pgfree += n;
  f.flags[pfn] = 0;
  f.refcount[pfn] = 0;
  f.mapcount[pfn] = 0;
  f.owner[pfn] = 0;
  f.index[pfn] = 0;
  if (n > 1) {
    f.flags.fill(0, pfn + 1, pfn + n);
    f.refcount.fill(0, pfn + 1, pfn + n);
    f.mapcount.fill(0, pfn + 1, pfn + n);
    f.owner.fill(0, pfn + 1, pfn + n);
    f.index.fill(0, pfn + 1, pfn + n);
  }
  giveBlock(f, z, pfn, order);
}

/** Give back a block nobody uses: taken off its LRU list, uncharged, its bytes dropped, free. */
export function freePages(m: MmSystem, pfn: number, order: number): void {
  const f = m.frames;
  if ((f.flags[pfn] & PG_LRU) !== 0) m.lruDel(pfn);
  if (m.k.hooks.pageUncharge.on !== null) m.k.hooks.pageUncharge.on(pfn, order);
  if (order > 0) {
    if (m.pageData.size > 0) for (let i = 0; i < 1 << order; i++) m.pageData.delete(pfn + i);
  } else if ((f.flags[pfn] & PG_DATA) !== 0) m.pageData.delete(pfn);
  release(m, pfn, order);
}

/** One user less of a page (of the block it is part of); the last frees it. */
export function putPage(m: MmSystem, pfn: number): void {
  const f = m.frames;
  const head = f.head(pfn);
  const n = f.refcount[head];
  if (n === 0xffff) return;
  if (n > 1) {
    f.refcount[head] = n - 1;
    return;
  }
  freePages(m, head, (f.flags[head] & PG_HEAD) !== 0 ? f.flags[head] >>> PG_ORDER_SHIFT : 0);
}

/** One user more. */
export function getPage(m: MmSystem, pfn: number): void {
  const f = m.frames;
  const head = f.head(pfn);
  if (f.refcount[head] !== 0xffff) f.refcount[head]++;
}

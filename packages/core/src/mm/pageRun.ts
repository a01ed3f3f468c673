/**
 * Private pages that first stores make in a row, taken from the allocator at once: the same frames from the same zones, with the same
 * counters, as one request after the other would give - as long as that is plain: above the low watermark, uncharged or out of the stock.
 */
import { takeRun } from "./buddy.js";
import { type AllocRequest, MAX_RUN } from "./gfp.js";
import type { Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { gfpZone } from "./pageAlloc.js";
import { NR_ANON_MAPPED, NR_STATS, NR_ZONE_LRU_BASE } from "./vmstat.js";
import { countNuma, nodeAllowed, room, WMARK_LOW } from "./watermark.js";
import type { Zone } from "./zone.js";

/** A run as hook `pageRun` sees it; one object, reused. */
export class PageRun {
  mm!: Mm;
  /** Frames, by address. */
  readonly pfns: Int32Array = new Int32Array(MAX_RUN);
  n = 0;

  // of the allocation
  /** The zone that would serve, and the first that was asked. */
  zone: Zone | null = null;
  preferred: Zone | null = null;
  /** Frames node by node, and pages of each node. */
  readonly byNode: Int32Array = new Int32Array(MAX_RUN);
  readonly perNode: Int32Array;
  readonly at: Int32Array;

  constructor(nodes: number) {
    this.perNode = new Int32Array(nodes);
    this.at = new Int32Array(nodes);
  }
}

/** Pages that single requests from node `nid` would get from one zone (`run.zone`). */
function roomFor(m: MmSystem, r: AllocRequest, nid: number): number {
  const list = m.zonelists[nid];
  const highest = gfpZone(r.gfp);
  const { pageRun: run } = m;
  run.preferred = null;
  for (let i = 0; i < list.length; i++) {
    const z = list[i];
    if (z.type > highest || !nodeAllowed(r, z.nid)) continue;
    if (run.preferred === null) run.preferred = z;
    const n = room(z, WMARK_LOW, highest);
    if (n <= 0) continue;
    run.zone = z;
    return n;
  }
  return 0;
}

/** Take n pages from `run.zone`: they are private, mapped and on the inactive list at once. */
function take(m: MmSystem, r: AllocRequest, nid: number, n: number, out: Int32Array, at: number): void {
  const { zone, preferred } = m.pageRun;
  if (zone === null || preferred === null) return;
  takeRun(m.frames, zone, n, out, at);
  zone.pgalloc += n;
  zone.stat[NR_ZONE_LRU_BASE] += n;
  m.stats[zone.nid * NR_STATS + NR_ANON_MAPPED] += n;
  countNuma(m, r, zone, preferred, nid, n);
}

/** Each page from a node of its own: all n or, if it is not plain for one node, none. */
function allocSpread(m: MmSystem, r: AllocRequest, n: number): number {
  const { pfns, byNode, perNode, at } = m.pageRun;
  const { nids } = r;
  perNode.fill(0);
  for (let i = 0; i < n; i++) perNode[nids[i]]++;
  for (let nid = 0; nid < m.nodes; nid++)
    if (perNode[nid] > 0 && (roomFor(m, r, nid) < perNode[nid] || m.pageRun.zone?.nid !== nid)) return 0;
  for (let nid = 0, next = 0; nid < m.nodes; nid++) {
    at[nid] = next;
    if (perNode[nid] === 0) continue;
    roomFor(m, r, nid);
    take(m, r, nid, perNode[nid], byNode, next);
    next += perNode[nid];
  }
  for (let i = 0; i < n; i++) pfns[i] = byNode[at[nids[i]]++];
  return n;
}

/** The first of r.run pages into `m.pageRun.pfns`: how many, 0: it is not plain, ask for one. */
export function allocRun(m: MmSystem, r: AllocRequest): number {
  if (r.spread) return allocSpread(m, r, r.run);
  const n = Math.min(r.run, roomFor(m, r, r.nid));
  if (n > 0) take(m, r, r.nid, n, m.pageRun.pfns, 0);
  return n;
}

/**
 * /sys/devices/system/node/nodeN/reclaim (6.17): free so many bytes of a node now - by demotion where there is a slower one, by dropping
 * clean cache, by swapping out where a package brings swap. EAGAIN if less could be freed. ABI/stable/sysfs-devices-node.
 */
import {
  type AddressSpace,
  EAGAIN,
  EINVAL,
  fail,
  invalidateClean,
  PG_ANON,
  PG_LRU,
  PG_UNEVICTABLE,
  pageReferenced,
  parseSize,
} from "@kernelkit/core";
import type { NumaSystem } from "../state.js";
import type { Demotion } from "../tiering/demotion.js";

const MAX_SWAPPINESS = 200;

/** `SIZE [swappiness=N|max]`: pages. EINVAL. */
function parseRequest(text: string): number {
  const words = text.trim().split(/\s+/);
  if (!/^(0x[0-9a-f]+|\d+)[kmgt]?$/i.test(words[0])) return fail(EINVAL);
  for (const w of words.slice(1)) {
    const m = /^swappiness=(\d+|max)$/.exec(w);
    if (m === null || Number(m[1]) > MAX_SWAPPINESS) return fail(EINVAL);
  }
  const bytes = /^\d+$|^0x/i.test(words[0]) ? Number(words[0]) : parseSize(words[0].toUpperCase());
  return Math.floor(bytes / 4096);
}

/** Carry out a write to the file: 0 or -EAGAIN. */
export function storeReclaim(sys: NumaSystem, demotion: Demotion, nid: number, text: string): number {
  const want = parseRequest(text);
  let freed = sys.settings.demotion ? demotion.demote(nid, want, "proactive") : 0;
  if (freed < want) freed += dropFrom(sys, nid, want - freed);
  return freed < want ? -EAGAIN : 0;
}

/** Clean cache of the node, then private memory that is not in use: pages freed. */
function dropFrom(sys: NumaSystem, nid: number, want: number): number {
  const { mm: m, hooks } = sys.k;
  const { frames } = m;
  const start = m.nodePages.slice(0, nid).reduce((a, b) => a + b, 0);
  const free = (): number => m.zones.reduce((a, z) => (z.nid === nid ? a + z.free : a), 0);
  const before = free();
  const anon: number[] = [];
  for (let pfn = start; pfn < start + m.nodePages[nid] && free() - before < want; pfn++) {
    const fl = frames.flags[pfn];
    if ((fl & (PG_LRU | PG_UNEVICTABLE)) !== PG_LRU) continue;
    if ((fl & PG_ANON) === 0) {
      const mapping = m.mappingOf(pfn) as AddressSpace;
      const index = m.indexOf(pfn);
      invalidateClean(m, mapping, index, index);
    } else if (anon.length < want && pageReferenced(m, pfn) === 0) anon.push(pfn);
  }
  const missing = want - (free() - before);
  if (missing > 0 && hooks.reclaimPages.on !== null) hooks.reclaimPages.on(anon.slice(0, missing), undefined);
  return free() - before;
}

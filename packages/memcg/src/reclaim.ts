/**
 * Reclaim of a memory cgroup's subtree: clean pages of files and lazily freed memory go, from the tail of the inactive lists.
 * Kernel document mm/page_reclaim; protection by memory.min and memory.low.
 */
import {
  getPage,
  PG_ACTIVE,
  PG_ANON,
  PG_DIRTY,
  PG_LAZYFREE,
  PG_REFERENCED,
  PG_SWAPBACKED,
  PG_WRITEBACK,
  pageMappedDirty,
  pageReferenced,
  putPage,
  removePage,
  tryToUnmap,
} from "@kernelkit/core";
import {
  MEMCG_LOW,
  type MemCgroup,
  S_PGLAZYFREED,
  S_PGREFILL,
  S_PGSCAN,
  S_PGSCAN_DIRECT,
  S_PGSCAN_PROACTIVE,
  S_PGSTEAL,
  S_PGSTEAL_DIRECT,
  S_PGSTEAL_PROACTIVE,
} from "./memCgroup.js";
import type { MemcgSystem } from "./memcgSystem.js";
import { calculateProtection } from "./protection.js";

const INACTIVE_FILE = 2;
const ACTIVE_FILE = 3;

/** Take one page of the inactive file list away: pages freed (0: it stays, at the head). */
function shrinkPage(s: MemcgSystem, pfn: number): number {
  const { mm } = s.k;
  const f = mm.frames;
  const fl = f.flags[pfn];
  const rotate = (): number => {
    mm.lruDel(pfn);
    mm.lruAdd(pfn);
    return 0;
  };
  if (f.mapcount[pfn] > 0 && pageReferenced(mm, pfn) > 0) {
    mm.lruMove(pfn, PG_ACTIVE, PG_REFERENCED);
    return 0;
  }
  if ((fl & PG_WRITEBACK) !== 0) return rotate();
  if ((fl & PG_ANON) !== 0) {
    if ((fl & PG_LAZYFREE) === 0 || (fl & PG_SWAPBACKED) !== 0) return rotate();
    if (pageMappedDirty(mm, pfn)) {
      mm.lruMove(pfn, PG_SWAPBACKED, PG_LAZYFREE);
      return 0;
    }
    const m = s.ofPage(pfn);
    getPage(mm, pfn);
    const gone = tryToUnmap(mm, pfn);
    if (gone) m.stat(S_PGLAZYFREED, 1);
    putPage(mm, pfn);
    return gone ? 1 : 0;
  }
  const mapping = mm.mappingOf(pfn);
  if (mapping === null || (fl & PG_DIRTY) !== 0 || mapping.aOps.readFolio === undefined) return rotate();
  if (f.refcount[pfn] > f.mapcount[pfn] + 1) return rotate();
  if (f.mapcount[pfn] > 0 && !tryToUnmap(mm, pfn)) return rotate();
  removePage(mm, mapping, mm.indexOf(pfn));
  return 1;
}

/** One group: as much as is asked of its inactive file list, after topping that up from the active one. */
function shrinkLruvec(s: MemcgSystem, m: MemCgroup, want: number, proactive: boolean): number {
  const { mm } = s.k;
  let freed = 0;
  let scans = m.size[INACTIVE_FILE];
  let scanned = 0;
  while (freed < want && scans-- > 0 && m.tail[INACTIVE_FILE] !== 0) {
    freed += shrinkPage(s, m.tail[INACTIVE_FILE]);
    scanned++;
  }
  if (freed < want && m.size[ACTIVE_FILE] > 0) {
    const n = Math.min(m.size[ACTIVE_FILE], Math.max(want, 32));
    for (let i = 0; i < n; i++) mm.lruMove(m.tail[ACTIVE_FILE], 0, PG_ACTIVE | PG_REFERENCED);
    m.stat(S_PGREFILL, n);
    scans = m.size[INACTIVE_FILE];
    while (freed < want && scans-- > 0 && m.tail[INACTIVE_FILE] !== 0) {
      freed += shrinkPage(s, m.tail[INACTIVE_FILE]);
      scanned++;
    }
  }
  m.stat(S_PGSCAN, scanned);
  m.stat(proactive ? S_PGSCAN_PROACTIVE : S_PGSCAN_DIRECT, scanned);
  m.stat(S_PGSTEAL, freed);
  m.stat(proactive ? S_PGSTEAL_PROACTIVE : S_PGSTEAL_DIRECT, freed);
  return freed;
}

/** Free about `want` pages of `root` and everything below it: what was freed. */
export function reclaimSubtree(s: MemcgSystem, root: MemCgroup, want: number, proactive: boolean): number {
  let freed = 0;
  for (const low of [true, false]) {
    let skipped = false;
    for (let priority = 12; priority >= 0 && freed < want; priority -= 3) {
      for (const m of s.groups) {
        if (!m?.isDescendantOf(root)) continue;
        const c = m.memory;
        calculateProtection(root.memory, c, s.recursiveProtection);
        const own = m === root ? 0 : Math.max(c.emin, low ? c.elow : 0);
        if (own > 0 && own >= c.usage) {
          if (c.elow >= c.usage && c.emin < c.usage) skipped = true;
          continue;
        }
        if (!low && m !== root && c.elow >= c.usage && c.elow > 0) s.event(m, MEMCG_LOW);
        const lru = m.size[INACTIVE_FILE] + m.size[ACTIVE_FILE];
        const share = Math.ceil((lru * Math.max(0, c.usage - own)) / (c.usage + 1));
        freed += shrinkLruvec(s, m, Math.min(want - freed, Math.max(32, share >> priority)), proactive);
        if (freed >= want) break;
      }
    }
    if (freed > 0 || !skipped) break;
  }
  return freed;
}

/**
 * Moving a page to another frame while it is in use. Kernel document mm/page_migration; move_pages(2), mbind(2) use it through the
 * numa package, as does balancing.
 */
import { EAGAIN, EBUSY, ENOENT, ENOMEM } from "../abi/errno.js";
import type { Ctx } from "../kernel/ctx.js";
import type { AddressSpace } from "./addressSpace.js";
import {
  PG_ANON,
  PG_DATA,
  PG_DIRTY,
  PG_HEAD,
  PG_LRU,
  PG_MLOCKED,
  PG_RESERVED,
  PG_SWAPBACKED,
  PG_TABLE,
  PG_TAIL,
  PG_WRITEBACK,
  PG_ZEROPAGE,
} from "./frames.js";
import { __GFP_COMP, __GFP_THISNODE, GFP_HIGHUSER_MOVABLE, GFP_TRANSHUGE_LIGHT, PAGE_MIGRATE } from "./gfp.js";
import type { Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { allocPages, freePages } from "./pageAlloc.js";
import { movePageData } from "./pageData.js";
import { rmapWalk } from "./rmap.js";
import type { Vma } from "./vma.js";
import {
  NR_ANON_MAPPED,
  NR_ANON_THPS,
  NR_FILE_DIRTY,
  NR_FILE_MAPPED,
  NR_FILE_PAGES,
  NR_MLOCK,
  NR_SHMEM,
  PGMIGRATE_FAIL,
  PGMIGRATE_SUCCESS,
  THP_MIGRATION_FAIL,
  THP_MIGRATION_SUCCESS,
} from "./vmstat.js";

/** A frame on node `nid` alone for a page (2^order) that moves there: 0, none is free above the watermarks. */
export function allocMigrationTarget(m: MmSystem, c: Ctx | null, nid: number, order: number): number {
  const gfp = order > 0 ? GFP_TRANSHUGE_LIGHT | __GFP_COMP : GFP_HIGHUSER_MOVABLE;
  const r = m.request(c, gfp | __GFP_THISNODE, PAGE_MIGRATE);
  r.nid = nid;
  r.order = order;
  const pfn = allocPages(m, r);
  return Math.max(pfn, 0);
}

/** Why a page cannot move now: 0, or a negative errno. ENOENT no such page, EBUSY the kernel's, in use elsewhere, in transit. */
export function migratable(m: MmSystem, pfn: number): number {
  const { frames: f } = m;
  const fl = f.flags[pfn];
  if (f.refcount[pfn] === 0) return -ENOENT;
  if ((fl & (PG_TAIL | PG_TABLE | PG_RESERVED | PG_ZEROPAGE)) !== 0) return -EBUSY;
  if ((fl & PG_LRU) === 0) return -EBUSY;
  if ((fl & PG_WRITEBACK) !== 0) return -EAGAIN;
  const expected = f.mapcount[pfn] + ((fl & PG_ANON) !== 0 ? 0 : 1);
  return f.refcount[pfn] === expected ? 0 : -EAGAIN;
}

function retarget(m: MmSystem, _mm: Mm, _v: Vma, _addr: number, slot: number): boolean {
  m.pt.val[slot] = m.migrateTo;
  return true;
}

/**
 * Move the page (head of a huge one) at `pfn` to a frame on `nid`. Returns the new frame, or a negative errno (ENOMEM: no room
 * there; others as `migratable`). Contents, flags, mappings, charge and list membership move along.
 */
export function migratePage(m: MmSystem, c: Ctx | null, pfn: number, nid: number): number {
  const { frames: f } = m;
  const n = (f.flags[pfn] & PG_HEAD) !== 0 ? 512 : 1;
  const e = migratable(m, pfn);
  const to = e === 0 ? allocMigrationTarget(m, c, nid, n > 1 ? 9 : 0) : 0;
  if (to === 0) {
    m.stats[PGMIGRATE_FAIL] += n;
    if (n > 1) m.stats[THP_MIGRATION_FAIL]++;
    return e === 0 ? -ENOMEM : e;
  }
  moveTo(m, pfn, to, n);
  m.stats[PGMIGRATE_SUCCESS] += n;
  if (n > 1) m.stats[THP_MIGRATION_SUCCESS]++;
  return to;
}

/** The page (`n` pages as one block) takes a frame that has been allocated for it; the old one is free. It must be `migratable`. */
export function moveTo(m: MmSystem, pfn: number, to: number, n: number): void {
  const { frames: f } = m;
  const { pageMigrate } = m.k.hooks;
  m.lruDel(pfn);
  const fl = f.flags[pfn];
  countOf(m, pfn, fl, n, -1);
  m.migrateTo = to;
  rmapWalk(m, pfn, retarget);
  const mapping = m.mappingOf(pfn);
  if (mapping !== null) (mapping as AddressSpace).replace(m.indexOf(pfn), to);
  if (n > 1) {
    if (m.pageData.size > 0) for (let i = 0; i < n; i++) movePageData(m, pfn + i, to + i);
  } else movePageData(m, pfn, to);
  f.flags[to] = n > 1 ? fl : (fl & ~PG_DATA) | (f.flags[to] & PG_DATA);
  f.owner[to] = f.owner[pfn];
  f.index[to] = f.index[pfn];
  f.mapcount[to] = f.mapcount[pfn];
  f.refcount[to] = f.refcount[pfn];
  if (pageMigrate.on !== null) pageMigrate.on(pfn, to);
  countOf(m, to, fl, n, 1);
  m.lruAdd(to);
  freePages(m, pfn, n > 1 ? 9 : 0);
}

/** What is counted by node for the page, added or taken. */
function countOf(m: MmSystem, pfn: number, fl: number, n: number, sign: number): void {
  const by = n * sign;
  const anon = (fl & PG_ANON) !== 0;
  if (m.frames.mapcount[pfn] > 0) m.modPage(pfn, anon ? NR_ANON_MAPPED : NR_FILE_MAPPED, by);
  if (anon && n > 1) m.modPage(pfn, NR_ANON_THPS, by);
  if ((fl & PG_MLOCKED) !== 0) m.modZone(pfn, NR_MLOCK, by);
  if (anon) return;
  m.modPage(pfn, NR_FILE_PAGES, by);
  if ((fl & PG_SWAPBACKED) !== 0) m.modPage(pfn, NR_SHMEM, by);
  else if ((fl & PG_DIRTY) !== 0 && m.mappingOf(pfn)?.aOps.dirtyFolio !== undefined) m.modPage(pfn, NR_FILE_DIRTY, by);
}

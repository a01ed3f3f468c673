/** Pages that are to move: finding them in a range, and moving one to a node or, if that is full, another member of a policy. */
import {
  type Ctx,
  ENOMEM,
  forEachPte,
  type Mm,
  MPOL_BIND,
  migratePage,
  PG_HEAD,
  PTE_SPECIAL,
  splitHugePage,
  TASK_SIZE,
  VM_HUGETLB,
  VM_IO,
  VM_PFNMAP,
  type Vma,
  vmaPosition,
} from "@kernelkit/core";
import type { Mempolicy } from "./policy/mempolicy.js";
import { type NodeList, nodeRemap, sortedNodes } from "./policy/nodes.js";
import type { NumaSystem } from "./state.js";

/** Can pages of the area move? `vma_migratable()` */
export function vmaMigratable(v: Vma): boolean {
  return (v.flags & (VM_IO | VM_PFNMAP | VM_HUGETLB)) === 0;
}

export interface FoundPage {
  /** Frame; of a huge page its head. */
  readonly pfn: number;
  /** Index for interleaving. */
  readonly index: number;
}

/** Pages of [start, end) whose node `wanted` picks, in order of addresses; zero pages are none. */
export function collectPages(
  sys: NumaSystem,
  mm: Mm,
  start: number,
  end: number,
  wanted: (nid: number) => boolean,
): FoundPage[] {
  const { mm: m } = sys.k;
  const out: FoundPage[] = [];
  for (let i = vmaPosition(mm.vmas, start); i < mm.vmas.length && mm.vmas[i].start < end; i++) {
    const v = mm.vmas[i];
    if (!vmaMigratable(v)) continue;
    forEachPte(m, mm, Math.max(v.start, start), Math.min(v.end, end), (addr, slot, huge) => {
      const pfn = m.pt.val[slot];
      if (pfn <= 0 || (m.pt.fl[slot] & PTE_SPECIAL) !== 0 || !wanted(m.nodeOf(pfn))) return;
      out.push({ pfn: m.frames.head(pfn), index: huge ? Math.floor(v.pgoffOf(addr) / 512) : v.pgoffOf(addr) });
    });
  }
  return out;
}

/**
 * Move a page to `nid` for who asked for it: a huge page where there is no block of its size is split and its parts move. The new frame or
 * a negative errno (of the parts: the last one's, if any could not).
 */
export function migrateFolio(sys: NumaSystem, c: Ctx | null, pfn: number, nid: number): number {
  const { mm: m } = sys.k;
  const r = migratePage(m, c, pfn, nid);
  if (r !== -ENOMEM || (m.frames.flags[pfn] & PG_HEAD) === 0) return r;
  splitHugePage(m, pfn);
  m.count(m.stat("thp_migration_split"), 1);
  let failed = 0;
  let to = 0;
  for (let i = 0; i < 512; i++) {
    const part = migratePage(m, c, pfn + i, nid);
    if (part > 0) to = part;
    else failed = part;
  }
  return failed === 0 ? to : failed;
}

/** migrate_pages(2) for one process: pages that could not be moved. `all`: those that others map too. */
export function doMigratePages(
  sys: NumaSystem,
  c: Ctx | null,
  mm: Mm,
  from: NodeList,
  to: NodeList,
  all: boolean,
): number {
  let failed = 0;
  let moved = 0;
  for (const [source, dest] of migrationPairs(from, to)) {
    for (const { pfn } of collectPages(sys, mm, 0, TASK_SIZE, (nid) => nid === source)) {
      if (sys.k.mm.frames.mapcount[pfn] > 1 && !all) continue;
      if (migrateFolio(sys, c, pfn, dest) <= 0) failed++;
      else moved++;
    }
  }
  sys.migrated(moved, failed, false, "syscall_or_cpuset");
  return failed;
}

/** Move a page to `nid`; under MPOL_BIND to any member if that has no room. The new frame or a negative errno. */
export function movable(sys: NumaSystem, c: Ctx | null, pfn: number, nid: number, p: Mempolicy | null): number {
  const r = migrateFolio(sys, c, pfn, nid);
  if (r > 0 || p === null || p.mode !== MPOL_BIND) return r;
  for (const n of p.nodes) {
    if (n === nid) continue;
    const again = migrateFolio(sys, c, pfn, n);
    if (again > 0) return again;
  }
  return r;
}

/**
 * The pairs in which migrate_pages(2) empties nodes: the i-th old node goes to the i-th new one, a target that is still to be emptied
 * first. If the sets differ in size, nodes that are in both are left alone. `do_migrate_pages()`
 */
export function migrationPairs(oldNodes: NodeList, newNodes: NodeList): [number, number][] {
  const from = sortedNodes(oldNodes);
  const to = sortedNodes(newNodes);
  const left = [...from];
  const pairs: [number, number][] = [];
  for (;;) {
    let source = -1;
    let dest = 0;
    for (const s of left) {
      if (from.length !== to.length && to.includes(s)) continue;
      const d = nodeRemap(s, from, to);
      if (d === s) continue;
      source = s;
      dest = d;
      if (!left.includes(d)) break;
    }
    if (source < 0) return pairs;
    left.splice(left.indexOf(source), 1);
    pairs.push([source, dest]);
  }
}

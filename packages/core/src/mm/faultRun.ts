/**
 * Faults in a row: a program that goes through fresh memory, or through memory armed for NUMA hints, faults at page after page. `faultRun`
 * deals with as many of them at once as is plain - nothing waits, nobody has to be asked about each - and leaves the rest to `resolveFault`.
 * What is there afterwards is what single faults would have left, page for page and count for count.
 */
import type { Ctx } from "../kernel/ctx.js";
import type { Task } from "../task/task.js";
import type { Fault } from "./fault.js";
import { PG_ANON, PG_LRU, PG_SWAPBACKED, PG_UPTODATE, ZERO_PFN } from "./frames.js";
import { GFP_HIGHUSER_MOVABLE, PAGE_ANON } from "./gfp.js";
import { MM_ANONPAGES, type Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { allocRun, type PageRun } from "./pageRun.js";
import { PTE_ACCESSED, PTE_DIRTY, PTE_PROTNONE, PTE_SPECIAL, PTE_WRITE } from "./pageTable.js";
import { findVma, VM_ACCESS, VM_LOCKED, VM_UFFD_MISSING, VM_WRITE } from "./vma.js";
import { PGFAULT } from "./vmstat.js";

/** Fewer are not worth it. */
const SHORTEST = 2;

/**
 * Faults at `m.fault.addr` (page aligned) and the pages behind it, whose entries are `slot`, slot + 1 ...: at most `limit`, of one table.
 * How many were dealt with; 0: none, take the first by itself. mm, addr and write are in `m.fault`.
 */
export function faultRun(m: MmSystem, c: Ctx, slot: number, limit: number): number {
  const f = m.fault;
  const { mm, addr } = f;
  const v = findVma(mm, addr);
  if (v === null || m.k.hooks.pageFault.each) return 0;
  if (f.write ? (v.flags & VM_WRITE) === 0 : (v.flags & VM_ACCESS) === 0) return 0;
  const pages = (v.end - addr) / 4096;
  const most = pages < limit ? pages : limit;
  f.vma = v;
  f.slot = slot;
  f.huge = false;
  const n = m.pt.val[slot] === 0 ? missingRun(m, c, f, most) : hintRun(m, c.task, f, most);
  if (n === 0) return 0;
  m.stats[PGFAULT] += n;
  c.task.minFlt += n;
  c.task.remainingNs += n * m.k.costs.fault;
  const { faultRun: hook } = m.k.hooks;
  if (hook.on !== null) hook.on(mm, n);
  return n;
}

/** Entries from `slot` on with nothing in them, at most `limit`. */
function countMissing(val: Int32Array, slot: number, limit: number): number {
  let n = 0;
  while (n < limit && val[slot + n] === 0) n++;
  return n;
}

function missingRun(m: MmSystem, c: Ctx, f: Fault, limit: number): number {
  const { vma: v, slot, mm } = f;
  if (v.mapping !== null || (v.flags & (VM_UFFD_MISSING | VM_LOCKED)) !== 0) return 0;
  if (!f.write) {
    const n = countMissing(m.pt.val, slot, limit);
    m.pt.val.fill(ZERO_PFN, slot, slot + n);
    m.pt.fl.fill(PTE_SPECIAL | PTE_ACCESSED, slot, slot + n);
    m.pt.count[slot >> 9] += n;
    return n;
  }
  const { pageAlloc, pageChoose, pageCharge, chargeRun, pageState, lruAdd, pageRun } = m.k.hooks;
  if (pageAlloc.on !== null || pageChoose.each || pageCharge.each || pageState.each || lruAdd.each) return 0;
  const anon = v.anonVma ?? m.anonPrepare(v);
  const r = m.request(c, GFP_HIGHUSER_MOVABLE, PAGE_ANON);
  r.mm = mm;
  r.vma = v;
  r.addr = f.addr;
  r.index = v.pgoff + (f.addr - v.start) / 4096;
  r.run = limit;
  if (chargeRun.on !== null) r.run = chargeRun.on(r, limit) ?? limit;
  if (r.run < SHORTEST) return 0;
  r.run = countMissing(m.pt.val, slot, r.run);
  if (r.run < SHORTEST) return 0;
  if (pageChoose.on !== null) pageChoose.on(r, undefined);
  const n = allocRun(m, r);
  if (n === 0) return 0;
  const run = m.pageRun;
  run.mm = mm;
  run.n = n;
  enter(m, mm, slot, run, anon.id, r.index | 0);
  if (pageRun.on !== null) pageRun.on(run, undefined);
  return n;
}

/** Fresh private pages get into empty entries. */
function enter(m: MmSystem, mm: Mm, slot: number, run: PageRun, owner: number, index: number): void {
  const { pfns, n } = run;
  const { flags, refcount, mapcount, owner: owners, index: indices } = m.frames;
  const { val, fl, count } = m.pt;
  for (let i = 0; i < n; i++) {
    const pfn = pfns[i];
    flags[pfn] = PG_ANON | PG_SWAPBACKED | PG_UPTODATE | PG_LRU;
    refcount[pfn] = 1;
    mapcount[pfn] = 1;
    owners[pfn] = owner;
    indices[pfn] = index + i;
    val[slot + i] = pfn;
  }
  fl.fill(PTE_WRITE | PTE_DIRTY | PTE_ACCESSED, slot, slot + n);
  count[slot >> 9] += n;
  mm.rss[MM_ANONPAGES] += n;
}

/** Armed pages that are used as their entries allow. */
function hintRun(m: MmSystem, t: Task, f: Fault, limit: number): number {
  const { faultHint, hintRun: hook } = m.k.hooks;
  if (faultHint.each) return 0;
  const { slot } = f;
  const { val, fl } = m.pt;
  const mask = f.write ? PTE_PROTNONE | PTE_WRITE : PTE_PROTNONE;
  let n = 0;
  while (n < limit && val[slot + n] > 0 && (fl[slot + n] & mask) === mask) n++;
  if (n < SHORTEST) return 0;
  f.run = n;
  if (hook.on !== null) n = hook.on(f, t) ?? 0;
  const mark = f.write ? PTE_ACCESSED | PTE_DIRTY : PTE_ACCESSED;
  for (let i = 0; i < n; i++) fl[slot + i] = (fl[slot + i] & ~PTE_PROTNONE) | mark;
  return n;
}

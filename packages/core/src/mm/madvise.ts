/** Advice about memory. madvise(2). */

import { EACCES, EAGAIN, EFAULT, EINVAL, ENOMEM, EOPNOTSUPP } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE } from "../abi/fcntl.js";
import {
  MADV_COLD,
  MADV_DODUMP,
  MADV_DOFORK,
  MADV_DONTDUMP,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_HUGEPAGE,
  MADV_KEEPONFORK,
  MADV_NOHUGEPAGE,
  MADV_NORMAL,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_RANDOM,
  MADV_REMOVE,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MADV_WIPEONFORK,
} from "../abi/mman.js";
import type { Ctx } from "../kernel/ctx.js";
import { WAIT, type Wait } from "../sys/types.js";
import { removeRange } from "./filemap.js";
import {
  PG_ACTIVE,
  PG_ANON,
  PG_DIRTY,
  PG_LAZYFREE,
  PG_REFERENCED,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_UNEVICTABLE,
} from "./frames.js";
import { splitHugePmd } from "./hugeSplit.js";
import { POPULATE_FAULT, populate } from "./mlock.js";
import type { Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { forEachPte, zapRange } from "./pageMap.js";
import { PMD_BYTES, PTE_ACCESSED, PTE_DIRTY, PTE_SPECIAL } from "./pageTable.js";
import { rangeEnd } from "./ulong.js";
import {
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_DONTEXPAND,
  VM_HUGEPAGE,
  VM_HUGETLB,
  VM_IO,
  VM_LOCKED,
  VM_MAYWRITE,
  VM_NOHUGEPAGE,
  VM_PFNMAP,
  VM_RAND_READ,
  VM_SEQ_READ,
  VM_SHARED,
  VM_SPECIAL,
  VM_WIPEONFORK,
  type Vma,
  vmaPosition,
} from "./vma.js";
import { mergeAround, splitVma } from "./vmaMerge.js";
import { PGDEACTIVATE, PGLAZYFREE } from "./vmstat.js";

/** Advice that only changes flags: [advice, set, clear]. */
const FLAG_ADVICE: readonly (readonly [number, number, number])[] = [
  [MADV_NORMAL, 0, VM_RAND_READ | VM_SEQ_READ],
  [MADV_RANDOM, VM_RAND_READ, VM_SEQ_READ],
  [MADV_SEQUENTIAL, VM_SEQ_READ, VM_RAND_READ],
  [MADV_DONTFORK, VM_DONTCOPY, 0],
  [MADV_DOFORK, 0, VM_DONTCOPY],
  [MADV_WIPEONFORK, VM_WIPEONFORK, 0],
  [MADV_KEEPONFORK, 0, VM_WIPEONFORK],
  [MADV_DONTDUMP, VM_DONTDUMP, 0],
  [MADV_DODUMP, 0, VM_DONTDUMP],
  [MADV_HUGEPAGE, VM_HUGEPAGE, VM_NOHUGEPAGE],
  [MADV_NOHUGEPAGE, VM_NOHUGEPAGE, VM_HUGEPAGE],
];

const PAGE_ADVICE: readonly number[] = [
  MADV_WILLNEED,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_REMOVE,
  MADV_COLD,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
];

/** madvise(2): 0, WAIT, or it fails; a hole is ENOMEM after everything mapped was done. */
export function doMadvise(m: MmSystem, c: Ctx, addr: number, length: number, advice: number): number | Wait {
  const mm = c.task.mm as Mm;
  const flagAdvice = FLAG_ADVICE.find((a) => a[0] === advice);
  if (flagAdvice === undefined && !PAGE_ADVICE.includes(advice)) return fail(EINVAL);
  if (addr % 4096 !== 0) return fail(EINVAL);
  const end = rangeEnd(addr, length);
  if (end === Number.POSITIVE_INFINITY || end < addr) return fail(EINVAL);
  if (end === addr) return 0;
  if (advice === MADV_POPULATE_READ || advice === MADV_POPULATE_WRITE)
    return madvPopulate(m, c, mm, addr, end, advice === MADV_POPULATE_WRITE);
  let unmapped = 0;
  for (let at = addr; at < end; ) {
    const v = mm.vmas[vmaPosition(mm.vmas, at)];
    if (v === undefined) return fail(ENOMEM);
    if (v.start > at) {
      unmapped = ENOMEM;
      at = v.start;
      if (at >= end) break;
    }
    const stop = Math.min(v.end, end);
    if (flagAdvice !== undefined) adviseFlags(m, v, at, stop, advice, flagAdvice[1], flagAdvice[2]);
    else if (advisePages(m, c, v, at, stop, advice) === WAIT) return WAIT;
    at = stop;
  }
  return unmapped === 0 ? 0 : fail(unmapped);
}

function madvPopulate(m: MmSystem, c: Ctx, mm: Mm, addr: number, end: number, write: boolean): number | Wait {
  const r = populate(m, c, mm, addr, end, write ? "write" : "read");
  if (r === WAIT || r === 0) return r;
  return fail(r === POPULATE_FAULT ? EFAULT : r === EINVAL || r === EAGAIN ? r : ENOMEM);
}

function checkFlagAdvice(v: Vma, advice: number): void {
  switch (advice) {
    case MADV_WIPEONFORK:
      if (v.file !== null || (v.flags & VM_SHARED) !== 0) fail(EINVAL);
      break;
    case MADV_DOFORK:
      if ((v.flags & VM_SPECIAL) !== 0) fail(EINVAL);
      break;
    case MADV_DODUMP:
      if ((v.flags & (VM_IO | VM_DONTEXPAND | VM_PFNMAP)) !== 0) fail(EINVAL);
      break;
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
      if ((v.flags & (VM_SPECIAL | VM_HUGETLB)) !== 0) fail(EINVAL);
  }
}

function adviseFlags(
  m: MmSystem,
  v: Vma,
  start: number,
  end: number,
  advice: number,
  set: number,
  clear: number,
): void {
  checkFlagAdvice(v, advice);
  const flags = (v.flags & ~clear) | set;
  if (flags === v.flags) return;
  const { mm } = v;
  const splits = (v.start < start ? 1 : 0) + (v.end > end ? 1 : 0);
  if (splits > 0 && mm.vmas.length + splits - 1 > m.sysctl.maxMapCount) fail(ENOMEM);
  let area = v;
  if (area.start < start) area = splitVma(m, area, start);
  if (area.end > end) splitVma(m, area, end);
  area.flags = flags;
  mergeAround(m, mm, start, end);
}

function advisePages(m: MmSystem, c: Ctx, v: Vma, start: number, end: number, advice: number): Wait | undefined {
  switch (advice) {
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
      if ((v.flags & (VM_PFNMAP | VM_HUGETLB)) !== 0) fail(EINVAL);
      if (advice === MADV_DONTNEED && (v.flags & VM_LOCKED) !== 0) fail(EINVAL);
      if (v.mm.rssPages > v.mm.hiwaterRss) v.mm.hiwaterRss = v.mm.rssPages;
      zapRange(m, v.mm, v, start, end);
      break;
    case MADV_FREE:
      if (!v.isAnonymous || (v.flags & VM_LOCKED) !== 0) fail(EINVAL);
      lazyFree(m, v, start, end);
      break;
    case MADV_REMOVE:
      return remove(m, c, v, start, end);
    case MADV_COLD:
    case MADV_PAGEOUT:
      if ((v.flags & (VM_LOCKED | VM_PFNMAP | VM_HUGETLB)) !== 0) fail(EINVAL);
      cold(m, v, start, end, advice === MADV_PAGEOUT);
  }
  return undefined;
}

/** Parts of huge pages at the ends are split, so that whole entries can be looked at. */
function splitEnds(m: MmSystem, v: Vma, start: number, end: number): void {
  const partial: number[] = [];
  forEachPte(m, v.mm, start, end, (addr, _slot, huge) => {
    if (!huge) return;
    const region = Math.floor(addr / PMD_BYTES);
    if (region * PMD_BYTES < start || (region + 1) * PMD_BYTES > end) partial.push(region);
  });
  for (const r of partial) splitHugePmd(m, v.mm, r);
}

/** MADV_FREE: private pages may be dropped without swapping until they are written again. */
function lazyFree(m: MmSystem, v: Vma, start: number, end: number): void {
  splitEnds(m, v, start, end);
  const { pt, frames: f } = m;
  forEachPte(m, v.mm, start, end, (_addr, slot, huge) => {
    const pfn = pt.val[slot];
    if (pfn <= 0 || (pt.fl[slot] & PTE_SPECIAL) !== 0) return;
    const fl = f.flags[pfn];
    if ((fl & PG_ANON) === 0 || ((fl & (PG_DIRTY | PG_SWAPCACHE)) !== 0 && f.mapcount[pfn] !== 1)) return;
    pt.fl[slot] &= ~(PTE_DIRTY | PTE_ACCESSED);
    if ((fl & (PG_SWAPBACKED | PG_SWAPCACHE | PG_UNEVICTABLE)) !== PG_SWAPBACKED) return;
    m.lruMove(pfn, PG_LAZYFREE, PG_SWAPBACKED | PG_ACTIVE | PG_REFERENCED | PG_DIRTY);
    m.stats[PGLAZYFREE] += huge ? 512 : 1;
  });
}

/** MADV_REMOVE: the pages of a shared file or memory are freed, for everyone: a hole is punched. WAIT, or done. */
function remove(m: MmSystem, c: Ctx, v: Vma, start: number, end: number): Wait | undefined {
  const { file } = v;
  if ((v.flags & VM_LOCKED) !== 0 || v.mapping === null) return fail(EINVAL);
  if ((v.flags & (VM_SHARED | VM_MAYWRITE)) !== (VM_SHARED | VM_MAYWRITE)) return fail(EACCES);
  if (v.mapping.aOps.swapBacked === true) {
    removeRange(m, v.mapping, v.pgoffOf(start), v.pgoffOf(end) - 1);
    return undefined;
  }
  if (file === null || file.ops.fallocate === null) return fail(EOPNOTSUPP);
  const hole = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  return file.ops.fallocate(c, file, hole, v.pgoffOf(start) * 4096, end - start);
}

/** MADV_COLD, MADV_PAGEOUT: pages of this process alone become candidates for reclaim; MADV_PAGEOUT asks for it at once. */
function cold(m: MmSystem, v: Vma, start: number, end: number, out: boolean): void {
  splitEnds(m, v, start, end);
  const { pt, frames: f } = m;
  const pages: number[] = [];
  forEachPte(m, v.mm, start, end, (_addr, slot) => {
    const pfn = pt.val[slot];
    if (pfn <= 0 || (pt.fl[slot] & PTE_SPECIAL) !== 0 || f.mapcount[pfn] !== 1) return;
    pt.fl[slot] &= ~PTE_ACCESSED;
    if ((f.flags[pfn] & PG_UNEVICTABLE) !== 0) return;
    if ((f.flags[pfn] & PG_ACTIVE) !== 0) {
      m.lruMove(pfn, 0, PG_ACTIVE | PG_REFERENCED);
      m.stats[PGDEACTIVATE]++;
    } else f.flags[pfn] &= ~PG_REFERENCED;
    pages.push(pfn);
  });
  const { reclaimPages } = m.k.hooks;
  if (out && reclaimPages.on !== null) reclaimPages.on(pages, undefined);
}

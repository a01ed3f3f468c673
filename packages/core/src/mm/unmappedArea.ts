/**
 * Finding room for a new area: from the top of the mapping space downwards, the highest hole that is large enough; if there is
 * none, upwards from a third of the address space. There is no randomization (kernel.randomize_va_space is 0). mmap(2).
 */
import { type Mm, TASK_SIZE } from "./mm.js";
import { VM_GROWSDOWN, type Vma, vmaPosition } from "./vma.js";

/** What a stack that may grow keeps free below it: 256 pages. */
export const STACK_GUARD_GAP: number = 256 * 4096;
const PMD = 2097152;
/** TASK_UNMAPPED_BASE: a third of the address space, page aligned. */
const UNMAPPED_BASE = Math.ceil(TASK_SIZE / 3 / 4096) * 4096;

/** Lowest address that other areas must stay below. */
export function startWithGap(v: Vma): number {
  return (v.flags & VM_GROWSDOWN) !== 0 ? Math.max(v.start - STACK_GUARD_GAP, 0) : v.start;
}

/** Is [start, end) free, including the guard gap of a stack above it? */
export function rangeIsFree(mm: Mm, start: number, end: number): boolean {
  const v = mm.vmas[vmaPosition(mm.vmas, start)];
  return v === undefined || startWithGap(v) >= end;
}

function topDown(mm: Mm, len: number, low: number): number {
  const { vmas } = mm;
  const resume = len > mm.cachedHole && mm.freeCache < mm.mmapBase;
  let hi = resume ? mm.freeCache : mm.mmapBase;
  let hole = resume ? mm.cachedHole : 0;
  let i = vmaPosition(vmas, hi);
  if (i < vmas.length) hi = Math.min(hi, startWithGap(vmas[i]));
  for (;;) {
    const room = hi - Math.max(i > 0 ? vmas[i - 1].end : 0, low);
    if (room >= len) {
      mm.freeCache = hi - len;
      mm.cachedHole = hole;
      return hi - len;
    }
    if (room > hole) hole = room;
    if (i === 0) return -1;
    hi = startWithGap(vmas[--i]);
  }
}

function bottomUp(mm: Mm, len: number): number {
  const { vmas } = mm;
  let lo = UNMAPPED_BASE;
  for (let i = vmaPosition(vmas, lo); ; i++) {
    const v = vmas[i];
    const hi = v === undefined ? TASK_SIZE : startWithGap(v);
    if (hi - lo >= len) return lo;
    if (v === undefined) return -1;
    lo = Math.max(lo, v.end);
  }
}

/** Forget where the search got to: something at or above was unmapped. */
export function resetSearch(mm: Mm, end: number): void {
  if (end >= mm.freeCache) {
    mm.freeCache = mm.mmapBase;
    mm.cachedHole = 0;
  }
}

/**
 * A place for `len` bytes (page aligned): at the hint if it is free, else the highest hole. `huge`: private memory in whole huge
 * pages is aligned to them. -1: no room.
 */
export function unmappedArea(mm: Mm, hint: number, len: number, minAddr: number, huge: boolean): number {
  if (len > TASK_SIZE) return -1;
  const low = Math.max(4096, minAddr);
  if (hint !== 0 && hint >= low && hint <= TASK_SIZE - len && rangeIsFree(mm, hint, hint + len)) return hint;
  if (huge && hint === 0) {
    const at = search(mm, len + PMD, low);
    if (at >= 0) {
      const off = at % PMD;
      return off === 0 ? at + PMD : at + PMD - off;
    }
  }
  return search(mm, len, low);
}

function search(mm: Mm, len: number, low: number): number {
  const at = topDown(mm, len, low);
  return at >= 0 ? at : bottomUp(mm, len);
}

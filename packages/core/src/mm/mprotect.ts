/** Changing the rights of areas. mprotect(2). */
import { EACCES, EINVAL, ENOMEM } from "../abi/errno.js";
import { Errno, fail } from "../abi/errors.js";
import { PROT_EXEC, PROT_GROWSDOWN, PROT_GROWSUP, PROT_READ, PROT_SEM, PROT_WRITE } from "../abi/mman.js";
import type { Ctx } from "../kernel/ctx.js";
import { WAIT, type Wait } from "../sys/types.js";
import { splitHugePmd } from "./hugeSplit.js";
import { populate } from "./mlock.js";
import type { Mm } from "./mm.js";
import { mayExpandVm } from "./mmap.js";
import type { MmSystem } from "./mmSystem.js";
import { vmEnoughMemory } from "./overcommit.js";
import { forEachPte } from "./pageMap.js";
import { PMD_BYTES, PTE_HUGE, PTE_PROTNONE, PTE_WRITE, pmdSlot } from "./pageTable.js";
import { rangeEnd } from "./ulong.js";
import {
  VM_ACCESS,
  VM_ACCOUNT,
  VM_GROWSDOWN,
  VM_HUGETLB,
  VM_LOCKED,
  VM_NORESERVE,
  VM_SHARED,
  VM_WRITE,
  type Vma,
  vmaPosition,
} from "./vma.js";
import { isData, mergeAround, splitVma, vmStatAccount } from "./vmaMerge.js";

/** Locked memory that became writable: its pages are copied now rather than at the first store. */
interface MprotectFrame {
  /** Start and end of each piece. */
  fill: number[];
  errno: number;
}

/** mprotect(2): 0, WAIT, or it fails; what lies before a hole or a refusal stays changed. */
export function doMprotect(m: MmSystem, c: Ctx, addr: number, length: number, prot: number): number | Wait {
  let f = c.task.frame as MprotectFrame | null;
  if (f === null) {
    const fill: number[] = [];
    let errno = 0;
    try {
      protect(m, c, addr, length, prot, fill);
    } catch (x) {
      if (!(x instanceof Errno) || fill.length === 0) throw x;
      errno = x.nr;
    }
    if (fill.length === 0) return 0;
    f = c.frame(() => ({ fill, errno }));
  }
  while (f.fill.length > 0) {
    if (populate(m, c, c.task.mm as Mm, f.fill[0], f.fill[1], "lock") === WAIT) return WAIT;
    f.fill.splice(0, 2);
  }
  return f.errno === 0 ? 0 : fail(f.errno);
}

function protect(m: MmSystem, c: Ctx, addr: number, length: number, protIn: number, fill: number[]): void {
  const mm = c.task.mm as Mm;
  const grows = protIn & (PROT_GROWSDOWN | PROT_GROWSUP);
  const prot = protIn & ~(PROT_GROWSDOWN | PROT_GROWSUP);
  if (grows === (PROT_GROWSDOWN | PROT_GROWSUP)) fail(EINVAL);
  if (addr % 4096 !== 0) fail(EINVAL);
  if (length === 0) return;
  const end = rangeEnd(addr, length);
  if (end <= addr || end === Number.POSITIVE_INFINITY) fail(ENOMEM);
  if ((prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM)) !== 0) fail(EINVAL);
  let i = vmaPosition(mm.vmas, addr);
  if (i === mm.vmas.length) fail(ENOMEM);
  let start = addr;
  if ((grows & PROT_GROWSDOWN) !== 0) {
    if (mm.vmas[i].start >= end) fail(ENOMEM);
    start = mm.vmas[i].start;
    if ((mm.vmas[i].flags & VM_GROWSDOWN) === 0) fail(EINVAL);
  } else if (mm.vmas[i].start > start) fail(ENOMEM);
  else if ((grows & PROT_GROWSUP) !== 0) fail(EINVAL);

  for (let at = start; at < end; ) {
    const v = mm.vmas[i];
    if (v === undefined || v.start > at) fail(ENOMEM);
    const flags = (v.flags & ~VM_ACCESS) | (prot & 7);
    if ((flags & ~(flags >> 4) & VM_ACCESS) !== 0) fail(EACCES);
    const { mprotectCheck } = m.k.hooks;
    if (mprotectCheck.on !== null) {
      const e = mprotectCheck.on(c.task, { vma: v, prot });
      if (e !== 0) fail(e);
    }
    const stop = Math.min(v.end, end);
    fixup(m, c, mm, v, at, stop, flags, fill);
    at = stop;
    i = vmaPosition(mm.vmas, at);
  }
}

/** One area, from `start` to `end`, gets these flags. */
function fixup(m: MmSystem, c: Ctx, mm: Mm, v: Vma, start: number, end: number, flagsIn: number, fill: number[]): void {
  if (flagsIn === v.flags) return;
  let flags = flagsIn;
  const pages = (end - start) / 4096;
  if ((flags & VM_WRITE) !== 0) {
    if (
      !isData(v.flags) &&
      isData(flags) &&
      !mayExpandVm(mm, c.task, flags, pages) &&
      mayExpandVm(mm, c.task, v.flags, pages)
    )
      fail(ENOMEM);
    if ((v.flags & (VM_ACCOUNT | VM_WRITE | VM_HUGETLB | VM_SHARED | VM_NORESERVE)) === 0) {
      if (!vmEnoughMemory(m, mm, c.task, pages)) fail(ENOMEM);
      flags |= VM_ACCOUNT;
    }
  } else if ((v.flags & VM_ACCOUNT) !== 0 && v.isAnonymous && v.anonVma === null) flags &= ~VM_ACCOUNT;
  const splits = (v.start < start ? 1 : 0) + (v.end > end ? 1 : 0);
  if (splits > 0 && mm.vmas.length + splits - 1 > m.sysctl.maxMapCount) fail(ENOMEM);
  let area = v;
  if (area.start < start) area = splitVma(m, area, start);
  if (area.end > end) splitVma(m, area, end);
  vmStatAccount(mm, area.flags, -pages);
  vmStatAccount(mm, flags, pages);
  if ((area.flags & VM_ACCOUNT) !== 0 && (flags & VM_ACCOUNT) === 0) m.committed -= pages;
  if ((area.flags & (VM_WRITE | VM_SHARED | VM_LOCKED)) === VM_LOCKED && (flags & VM_WRITE) !== 0)
    fill.push(start, end);
  area.flags = flags;
  changeProtection(m, mm, area);
  mergeAround(m, mm, start, end);
}

/** The entries follow the area's rights: none, or no store without a fault; a store fault finds out what may be written. */
export function changeProtection(m: MmSystem, mm: Mm, v: Vma): void {
  const { pt } = m;
  const none = (v.flags & VM_ACCESS) === 0;
  for (let r = Math.floor(v.start / PMD_BYTES); r * PMD_BYTES < v.end; r++) {
    if (r * PMD_BYTES >= v.start && (r + 1) * PMD_BYTES <= v.end) continue;
    const slot = pmdSlot(mm, r);
    if (slot >= 0 && (pt.fl[slot] & PTE_HUGE) !== 0) splitHugePmd(m, mm, r);
  }
  const keepWrite = (v.flags & VM_WRITE) !== 0;
  forEachPte(m, mm, v.start, v.end, (_addr, slot) => {
    if (pt.val[slot] < 0) return;
    let fl = pt.fl[slot] & ~PTE_PROTNONE;
    if (!keepWrite) fl &= ~PTE_WRITE;
    if (none) fl |= PTE_PROTNONE;
    pt.fl[slot] = fl;
  });
}

/** Locking memory, and faulting ranges in. mlock(2), mlock2(2), mlockall(2), MAP_POPULATE and MAP_LOCKED of mmap(2). */
import { CAP_IPC_LOCK } from "../abi/capability.js";
import { EAGAIN, EINVAL, ENOMEM, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT } from "../abi/mman.js";
import { RLIMIT_MEMLOCK } from "../abi/resource.js";
import type { Ctx } from "../kernel/ctx.js";
import { WAIT, type Wait } from "../sys/types.js";
import { capable } from "../task/capable.js";
import { rlimit } from "../task/rlimits.js";
import { signalPending } from "../task/signalPending.js";
import { FAULT_DIRTIED, FAULT_OK, FAULT_OOM, FAULT_WAIT, handleFault } from "./fault.js";
import { followPage } from "./followPage.js";
import { ZERO_PFN } from "./frames.js";
import { markAccessed } from "./markAccessed.js";
import { mlockPage, munlockPage } from "./mlockPage.js";
import type { Mm } from "./mm.js";
import { canDoMlock } from "./mmap.js";
import type { MmSystem } from "./mmSystem.js";
import { forEachPte } from "./pageMap.js";
import { PTE_SPECIAL } from "./pageTable.js";
import {
  VM_ACCESS,
  VM_LOCKED,
  VM_LOCKONFAULT,
  VM_READ,
  VM_SHARED,
  VM_SPECIAL,
  VM_WRITE,
  type Vma,
  vmaPosition,
} from "./vma.js";
import { mergeAround, splitVma } from "./vmaMerge.js";

/** What `populate` ran into when a page cannot be had (SIGBUS): EFAULT. Others: EINVAL no rights, ENOMEM a hole or no memory. */
export const POPULATE_FAULT = 14;

interface PopulateFrame {
  at: number;
}

/**
 * Fault in [start, end): for writing where private writable memory (or `write`) asks for it. Sleeps; keeps its progress in the call's
 * frame under `populate`. Returns 0, an errno at the first page that cannot be had, or WAIT. Areas with only VM_LOCKONFAULT are skipped.
 */
export function populate(
  m: MmSystem,
  c: Ctx,
  mm: Mm,
  start: number,
  end: number,
  mode: "lock" | "read" | "write",
): number | Wait {
  const f = c.part<PopulateFrame>("populate", () => ({ at: start }));
  while (f.at < end) {
    const v = mm.vmas[vmaPosition(mm.vmas, f.at)];
    if (v === undefined || v.start >= end) break;
    if (v.start > f.at) {
      if (mode !== "lock") return done(c, ENOMEM);
      f.at = v.start;
    }
    if (
      mode === "lock" &&
      ((v.flags & VM_LOCKONFAULT) !== 0 || (v.flags & VM_SPECIAL) !== 0 || (v.flags & VM_ACCESS) === 0)
    ) {
      if ((v.flags & VM_LOCKONFAULT) === 0 && (v.flags & VM_ACCESS) === 0) return done(c, POPULATE_FAULT);
      f.at = v.end;
      continue;
    }
    if (mode !== "lock" && (v.flags & (mode === "read" ? VM_READ : VM_WRITE)) === 0) return done(c, EINVAL);
    const write = mode === "lock" ? (v.flags & (VM_WRITE | VM_SHARED)) === VM_WRITE : mode === "write";
    const r = handleFault(m, c, c.task, mm, f.at, write);
    if (r === FAULT_WAIT) return WAIT;
    if (r === FAULT_OOM) return done(c, signalPending(c.task) ? EAGAIN : ENOMEM);
    if (r !== FAULT_OK && r !== FAULT_DIRTIED) return done(c, POPULATE_FAULT);
    m.fault.dirtied = null;
    const pfn = followPage(m, mm, f.at);
    if (pfn > ZERO_PFN) markAccessed(m, m.frames.head(pfn));
    f.at += 4096;
  }
  return done(c, f.at < end && mode !== "lock" ? ENOMEM : 0);
}

function done(c: Ctx, e: number): number {
  c.endPart("populate");
  return e;
}

/** Give the areas of [start, end) other lock flags. ENOMEM: a hole (what lies before it has them). */
function applyLock(m: MmSystem, mm: Mm, start: number, end: number, lock: number): void {
  let i = vmaPosition(mm.vmas, start);
  if (i === mm.vmas.length || mm.vmas[i].start > start) fail(ENOMEM);
  for (let at = start; at < end; ) {
    const v = mm.vmas[i];
    if (v === undefined || v.start > at) fail(ENOMEM);
    const stop = Math.min(v.end, end);
    lockArea(m, v, at, stop, lock);
    at = stop;
    i = vmaPosition(mm.vmas, at);
  }
}

/** One area, from `start` to `end`, gets lock flags `lock` (0: unlocked). */
function lockArea(m: MmSystem, v: Vma, start: number, end: number, lock: number): void {
  const flags = (v.flags & ~(VM_LOCKED | VM_LOCKONFAULT)) | lock;
  if (flags === v.flags || (v.flags & VM_SPECIAL) !== 0) return;
  const { mm } = v;
  const splits = (v.start < start ? 1 : 0) + (v.end > end ? 1 : 0);
  if (splits > 0 && mm.vmas.length + splits - 1 > m.sysctl.maxMapCount) fail(ENOMEM);
  let area = v;
  if (area.start < start) area = splitVma(m, area, start);
  if (area.end > end) splitVma(m, area, end);
  const was = (area.flags & VM_LOCKED) !== 0;
  const is = (flags & VM_LOCKED) !== 0;
  if (was !== is) mm.lockedVm += is ? area.pages : -area.pages;
  area.flags = flags;
  if (was !== is) markPages(m, area, is);
  mergeAround(m, mm, start, end);
}

/** Pages that are there already follow the area. */
function markPages(m: MmSystem, v: Vma, lock: boolean): void {
  const { pt } = m;
  forEachPte(m, v.mm, v.start, v.end, (_addr, slot) => {
    const pfn = pt.val[slot];
    if (pfn <= 0 || (pt.fl[slot] & PTE_SPECIAL) !== 0) return;
    if (lock) mlockPage(m, pfn);
    else munlockPage(m, pfn, v);
  });
}

/** Pages of [start, end) that are locked already. */
function lockedPages(mm: Mm, start: number, end: number): number {
  let n = 0;
  for (let i = vmaPosition(mm.vmas, start); i < mm.vmas.length && mm.vmas[i].start < end; i++) {
    const v = mm.vmas[i];
    if ((v.flags & VM_LOCKED) !== 0) n += (Math.min(v.end, end) - Math.max(v.start, start)) / 4096;
  }
  return n;
}

/** mlock(2): the range is whole pages around addr..addr+length. `onFault`: pages are locked as they come. 0 or WAIT. */
export function doMlock(m: MmSystem, c: Ctx, addr: number, length: number, onFault: boolean): number | Wait {
  const t = c.task;
  const mm = t.mm as Mm;
  const start = addr - (addr % 4096);
  const end = start + Math.ceil((length + (addr % 4096)) / 4096) * 4096;
  const f = c.frame(() => ({ locked: false }));
  if (!f.locked) {
    if (!canDoMlock(m, t)) return fail(EPERM);
    if (end >= 2 ** 64) return fail(EINVAL);
    const pages = (end - start) / 4096;
    const limit = rlimit(t, RLIMIT_MEMLOCK) / 4096;
    let locked = mm.lockedVm + pages;
    if (locked > limit && !capable(m.k, t, CAP_IPC_LOCK)) locked -= lockedPages(mm, start, end);
    if (locked > limit && !capable(m.k, t, CAP_IPC_LOCK)) return fail(ENOMEM);
    if (end === start) return 0;
    applyLock(m, mm, start, end, onFault ? VM_LOCKED | VM_LOCKONFAULT : VM_LOCKED);
    f.locked = true;
  }
  const r = populate(m, c, mm, start, end, "lock");
  if (r === WAIT || r === 0) return r;
  return fail(r === POPULATE_FAULT ? ENOMEM : r === ENOMEM ? EAGAIN : (r as number));
}

/** munlock(2). */
export function doMunlock(m: MmSystem, c: Ctx, addr: number, length: number): number {
  const start = addr - (addr % 4096);
  const end = start + Math.ceil((length + (addr % 4096)) / 4096) * 4096;
  if (end >= 2 ** 64) return fail(EINVAL);
  if (end > start) applyLock(m, c.task.mm as Mm, start, end, 0);
  return 0;
}

/** mlockall(2): 0 or WAIT. */
export function doMlockall(m: MmSystem, c: Ctx, flags: number): number | Wait {
  const t = c.task;
  const mm = t.mm as Mm;
  const f = c.frame(() => ({ locked: false }));
  if (!f.locked) {
    if (flags === 0 || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) !== 0 || flags === MCL_ONFAULT)
      return fail(EINVAL);
    if (!canDoMlock(m, t)) return fail(EPERM);
    const limit = rlimit(t, RLIMIT_MEMLOCK) / 4096;
    if ((flags & MCL_CURRENT) !== 0 && mm.totalVm > limit && !capable(m.k, t, CAP_IPC_LOCK)) return fail(ENOMEM);
    const lock = VM_LOCKED | ((flags & MCL_ONFAULT) !== 0 ? VM_LOCKONFAULT : 0);
    mm.defFlags = (mm.defFlags & ~(VM_LOCKED | VM_LOCKONFAULT)) | ((flags & MCL_FUTURE) !== 0 ? lock : 0);
    if ((flags & MCL_CURRENT) === 0) return 0;
    lockAll(m, mm, lock);
    f.locked = true;
  }
  const r = populate(m, c, mm, 0, 2 ** 47, "lock");
  return r === WAIT ? r : 0;
}

export function doMunlockall(m: MmSystem, c: Ctx): number {
  const mm = c.task.mm as Mm;
  mm.defFlags &= ~(VM_LOCKED | VM_LOCKONFAULT);
  lockAll(m, mm, 0);
  return 0;
}

function lockAll(m: MmSystem, mm: Mm, lock: number): void {
  for (let i = 0; i < mm.vmas.length; ) {
    const { start, end } = mm.vmas[i];
    lockArea(m, mm.vmas[i], start, end, lock);
    i = vmaPosition(mm.vmas, end);
  }
}

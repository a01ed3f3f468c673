/**
 * Making and removing areas: mmap(2), munmap(2), brk(2), stacks that grow. The rules of splitting and merging are in vmaMerge.ts,
 * where room is found in unmappedArea.ts.
 */
import { CAP_IPC_LOCK, CAP_SYS_RAWIO } from "../abi/capability.js";
import { EACCES, EAGAIN, EBADF, EEXIST, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import {
  MAP_ANONYMOUS,
  MAP_DENYWRITE,
  MAP_EXECUTABLE,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_HUGETLB,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_STACK,
  MAP_SYNC,
  MAP_TYPE,
  PROT_EXEC,
  PROT_WRITE,
} from "../abi/mman.js";
import { RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK, RLIMIT_STACK } from "../abi/resource.js";
import { F_SEAL_FUTURE_WRITE, F_SEAL_WRITE } from "../abi/seals.js";
import type { Ctx } from "../kernel/ctx.js";
import { capable } from "../task/capable.js";
import { rlimit } from "../task/rlimits.js";
import type { Task } from "../task/task.js";
import { FMODE_READ, FMODE_WRITE, type OpenFile } from "../vfs/file.js";
import { S_APPEND } from "../vfs/inode.js";
import { sealsOf } from "../vfs/regularFile.js";
import { AddressSpace } from "./addressSpace.js";
import { type Mm, TASK_SIZE } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { vmEnoughMemory } from "./overcommit.js";
import { zapRange } from "./pageMap.js";
import { freePgtables } from "./pageTable.js";
import { SHMEM_ZERO_OPS, ShmemObject } from "./shmemZero.js";
import { rangeIsFree, resetSearch, STACK_GUARD_GAP, unmappedArea } from "./unmappedArea.js";
import {
  VM_ACCOUNT,
  VM_GROWSDOWN,
  VM_HUGETLB,
  VM_LOCKED,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_NOHUGEPAGE,
  VM_NORESERVE,
  VM_READ,
  VM_SHARED,
  VM_SPECIAL,
  VM_SYNC,
  VM_WRITE,
  type Vma,
  vmaPosition,
} from "./vma.js";
import { closeVma, insertVma, isData, mergeAround, newVma, splitVma, vmStatAccount } from "./vmaMerge.js";

const PMD = 2097152;
/** Flags that MAP_SHARED_VALIDATE knows. */
const LEGACY_FLAGS =
  MAP_SHARED |
  MAP_PRIVATE |
  MAP_FIXED |
  MAP_ANONYMOUS |
  MAP_DENYWRITE |
  MAP_EXECUTABLE |
  MAP_LOCKED |
  MAP_NORESERVE |
  MAP_POPULATE |
  MAP_NONBLOCK |
  MAP_STACK |
  MAP_HUGETLB |
  MAP_GROWSDOWN |
  0x40 | // MAP_32BIT
  (0x3f << 26); // MAP_HUGE_MASK

/** Up to a whole page; Infinity when it overflows. */
export function pageAlign(n: number): number {
  return Math.ceil(n / 4096) * 4096;
}

/** May `pages` pages with these flags be added? RLIMIT_AS, RLIMIT_DATA. */
export function mayExpandVm(mm: Mm, t: Task, flags: number, pages: number): boolean {
  if (mm.totalVm + pages > rlimit(t, RLIMIT_AS) / 4096) return false;
  return !isData(flags) || mm.dataVm + pages <= rlimit(t, RLIMIT_DATA) / 4096;
}

/** May `bytes` more be locked? */
export function mlockFutureOk(m: MmSystem, mm: Mm, t: Task, flags: number, bytes: number): boolean {
  if ((flags & VM_LOCKED) === 0 || capable(m.k, t, CAP_IPC_LOCK)) return true;
  return mm.lockedVm + bytes / 4096 <= rlimit(t, RLIMIT_MEMLOCK) / 4096;
}

export function canDoMlock(m: MmSystem, t: Task): boolean {
  return rlimit(t, RLIMIT_MEMLOCK) !== 0 || capable(m.k, t, CAP_IPC_LOCK);
}

/** Highest offset a file's pages can have. */
const MAX_OFFSET = 2 ** 63;

/** Where it will stand: the checks of get_unmapped_area(). */
function place(m: MmSystem, c: Ctx, mm: Mm, addr: number, len: number, flags: number, isFile: boolean): number {
  const { mmapMinAddr } = m.sysctl;
  let at = addr;
  if (len > TASK_SIZE) return fail(ENOMEM);
  if ((flags & MAP_FIXED) === 0) {
    let hint = addr - (addr % 4096);
    if (hint !== 0 && hint < mmapMinAddr) hint = pageAlign(mmapMinAddr);
    at = unmappedArea(mm, hint, len, mmapMinAddr, !isFile && len % PMD === 0);
    if (at < 0) return fail(ENOMEM);
  }
  if (at > TASK_SIZE - len) return fail(ENOMEM);
  if (at % 4096 !== 0) return fail(EINVAL);
  if (at < mmapMinAddr && !capable(m.k, c.task, CAP_SYS_RAWIO)) return fail(EPERM);
  return at;
}

/** VM_ flags that a file and the kind of mapping allow, or the errno of what they do not. */
function fileFlags(m: MmSystem, c: Ctx, file: OpenFile, vmFlags: number, prot: number, flags: number): number {
  let vm = vmFlags;
  const type = flags & MAP_TYPE;
  if (type === MAP_SHARED || type === MAP_SHARED_VALIDATE) {
    if (type === MAP_SHARED_VALIDATE && (flags & ~(LEGACY_FLAGS | MAP_SHARED_VALIDATE)) !== 0) return fail(EOPNOTSUPP);
    if ((prot & PROT_WRITE) !== 0 && (file.mode & FMODE_WRITE) === 0) return fail(EACCES);
    if ((file.inode.flags & S_APPEND) !== 0 && (file.mode & FMODE_WRITE) !== 0) return fail(EACCES);
    vm |= VM_SHARED | VM_MAYSHARE;
    if ((file.mode & FMODE_WRITE) === 0) vm &= ~(VM_MAYWRITE | VM_SHARED);
  } else if (type !== MAP_PRIVATE) return fail(EINVAL);
  if ((file.mode & FMODE_READ) === 0) return fail(EACCES);
  if (m.k.vfs.isNoexec(file)) {
    if ((vm & PROT_EXEC) !== 0) return fail(EPERM);
    vm &= ~VM_MAYEXEC;
  }
  if (file.ops.mmap === null) return fail(ENODEV);
  if ((vm & VM_GROWSDOWN) !== 0) return fail(EINVAL);
  return vm;
}

/** What was mapped, and which part of it is to be faulted in at once. */
export interface Mapped {
  addr: number;
  /** First byte, and bytes (0: nothing). */
  fillFrom: number;
  fill: number;
}

/**
 * mmap(2) with numbers checked: `length` and `offset` bytes, `fd` -1 or a descriptor, `given` a file instead of one. The area is in place afterwards;
 * populating it is the caller's. Nothing has changed when it fails.
 */
export function doMmap(
  m: MmSystem,
  c: Ctx,
  addr: number,
  length: number,
  prot: number,
  flagsIn: number,
  fd: number,
  offset: number,
  given: OpenFile | null = null,
): Mapped {
  const t = c.task;
  const mm = t.mm as Mm;
  let flags = flagsIn;
  if (offset % 4096 !== 0) return fail(EINVAL);
  let file: OpenFile | null = given;
  if (file === null && (flags & MAP_ANONYMOUS) === 0) {
    file = m.k.vfs.fget(t, fd);
    if (file === null) return fail(EBADF);
    if ((flags & MAP_HUGETLB) !== 0) return fail(EINVAL);
  } else if ((flags & MAP_HUGETLB) !== 0) return fail(EINVAL);
  if (length === 0) return fail(EINVAL);
  const len = pageAlign(length);
  if (len >= 2 ** 64) return fail(ENOMEM);
  if (offset + len >= 2 ** 64) return fail(EOVERFLOW);
  if (mm.vmas.length > m.sysctl.maxMapCount) return fail(ENOMEM);
  if ((flags & MAP_FIXED_NOREPLACE) !== 0) flags |= MAP_FIXED;
  const at = place(m, c, mm, addr, len, flags, file !== null);
  if ((flags & MAP_FIXED_NOREPLACE) !== 0 && intersects(mm, at, at + len)) return fail(EEXIST);
  if ((flags & MAP_LOCKED) !== 0 && !canDoMlock(m, t)) return fail(EPERM);

  let vm = (prot & 7) | mm.defFlags | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
  if ((flags & MAP_GROWSDOWN) !== 0) vm |= VM_GROWSDOWN;
  if ((flags & MAP_LOCKED) !== 0) vm |= VM_LOCKED;
  if ((flags & MAP_SYNC) !== 0) vm |= VM_SYNC;
  if ((flags & MAP_STACK) !== 0) vm |= VM_NOHUGEPAGE;
  if (!mlockFutureOk(m, mm, t, vm, len)) return fail(EAGAIN);

  let pgoff = offset / 4096;
  if (file !== null) {
    if (offset + len > MAX_OFFSET) return fail(EOVERFLOW);
    vm = fileFlags(m, c, file, vm, prot, flags);
  } else if ((flags & MAP_TYPE) === MAP_SHARED) {
    if ((vm & VM_GROWSDOWN) !== 0) return fail(EINVAL);
    pgoff = 0;
    vm |= VM_SHARED | VM_MAYSHARE;
  } else if ((flags & MAP_TYPE) === MAP_PRIVATE) pgoff = at / 4096;
  else return fail(EINVAL);
  if ((flags & MAP_NORESERVE) !== 0 && m.sysctl.overcommitMemory !== 2) vm |= VM_NORESERVE;

  const { mmapCheck } = m.k.hooks;
  if (mmapCheck.on !== null) {
    const e = mmapCheck.on(t, { file, prot, flags });
    if (e !== 0) return fail(e);
  }
  mmapRegion(m, c, mm, file, at, len, vm, pgoff);
  const fills = (vm & VM_LOCKED) !== 0 || (flags & (MAP_POPULATE | MAP_NONBLOCK)) === MAP_POPULATE;
  return { addr: at, fillFrom: at, fill: fills ? len : 0 };
}

export function intersects(mm: Mm, start: number, end: number): boolean {
  const v = mm.vmas[vmaPosition(mm.vmas, start)];
  return v !== undefined && v.start < end;
}

/** The area itself: limits, promises, the file's own checks; what was there before goes last. */
function mmapRegion(
  m: MmSystem,
  c: Ctx,
  mm: Mm,
  file: OpenFile | null,
  at: number,
  len: number,
  vmFlags: number,
  pgoff: number,
): Vma {
  const pages = len / 4096;
  let vm = vmFlags;
  if (!mayExpandVm(mm, c.task, vm, pages - mappedPages(mm, at, at + len))) return fail(ENOMEM);
  checkMunmap(m, mm, at, at + len);
  if ((vm & (VM_NORESERVE | VM_SHARED | VM_WRITE | VM_HUGETLB)) === VM_WRITE) {
    if (!vmEnoughMemory(m, mm, c.task, pages)) return fail(ENOMEM);
    vm |= VM_ACCOUNT;
  }
  const v = newVma(m, mm, at, at + len, vm, pgoff);
  try {
    if (file !== null) attachFile(m, c, v, file);
    else if ((vm & VM_SHARED) !== 0) attachShared(m, c, v, len);
  } catch (x) {
    if ((vm & VM_ACCOUNT) !== 0) m.committed -= pages;
    throw x;
  }
  doMunmap(m, mm, at, at + len);
  insertVma(v);
  vmStatAccount(mm, v.flags, pages);
  if ((v.flags & VM_LOCKED) !== 0) {
    if ((v.flags & VM_SPECIAL) !== 0) v.flags &= ~VM_LOCKED;
    else mm.lockedVm += pages;
  }
  mergeAround(m, mm, at, at + len);
  return v;
}

function attachFile(m: MmSystem, c: Ctx, v: Vma, file: OpenFile): void {
  v.file = file;
  v.mapping = file.inode.mapping;
  file.ops.mmap?.(c, file, v);
  if (v.mapping === null) v.mapping = file.inode.mapping;
  if ((v.flags & VM_SHARED) !== 0 && (sealsOf(file.inode) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) {
    if ((v.flags & VM_WRITE) !== 0) fail(EPERM);
    v.flags &= ~VM_MAYWRITE;
  }
  if ((v.flags & (VM_SHARED | VM_MAYWRITE)) === (VM_SHARED | VM_MAYWRITE) && v.mapping !== null) {
    if (v.mapping.iMmapWritable < 0) fail(EPERM);
  }
  m.k.vfs.getFile(file);
}

/** Shared memory without a file is an unnamed object of its own. */
function attachShared(m: MmSystem, c: Ctx, v: Vma, len: number): void {
  const promised = (v.flags & VM_NORESERVE) === 0 ? len / 4096 : 0;
  if (promised > 0 && !vmEnoughMemory(m, v.mm, c.task, promised)) fail(ENOMEM);
  const o = new ShmemObject(++m.shmemIno, len);
  o.promised = promised;
  v.mapping = new AddressSpace(o, SHMEM_ZERO_OPS);
}

// --- removal ---

/** How many pages of [start, end) are mapped. */
function mappedPages(mm: Mm, start: number, end: number): number {
  let n = 0;
  for (let i = vmaPosition(mm.vmas, start); i < mm.vmas.length && mm.vmas[i].start < end; i++)
    n += (Math.min(mm.vmas[i].end, end) - Math.max(mm.vmas[i].start, start)) / 4096;
  return n;
}

/** ENOMEM: a hole would make one area too many. */
export function checkMunmap(m: MmSystem, mm: Mm, start: number, end: number): void {
  const v = mm.vmas[vmaPosition(mm.vmas, start)];
  if (v !== undefined && v.start < start && v.end > end && mm.vmas.length >= m.sysctl.maxMapCount) fail(ENOMEM);
}

/** Remove everything in [start, end). */
export function doMunmap(m: MmSystem, mm: Mm, start: number, end: number): void {
  const { vmas } = mm;
  let i = vmaPosition(vmas, start);
  if (start >= end || i === vmas.length || vmas[i].start >= end) return;
  if (mm.totalVm > mm.hiwaterVm) mm.hiwaterVm = mm.totalVm;
  if (mm.rssPages > mm.hiwaterRss) mm.hiwaterRss = mm.rssPages;
  if (vmas[i].start < start) {
    splitVma(m, vmas[i], start);
    i++;
  }
  let n = 0;
  for (; i + n < vmas.length && vmas[i + n].start < end; n++) {
    const v = vmas[i + n];
    if (v.end > end) splitVma(m, v, end);
    m.k.hooks.munmap.on?.(v, undefined);
    zapRange(m, mm, v, v.start, v.end);
    unaccount(m, v);
  }
  for (const v of vmas.splice(i, n)) closeVma(m, v);
  resetSearch(mm, end);
  // tables of regions that neither neighbour touches
  const below = i > 0 ? vmas[i - 1].end : 0;
  const above = i < vmas.length ? vmas[i].start : TASK_SIZE;
  const from = Math.max(Math.floor(start / PMD) * PMD, Math.ceil(below / PMD) * PMD);
  const to = Math.min(Math.ceil(end / PMD) * PMD, Math.floor(above / PMD) * PMD);
  if (from < to) freePgtables(m, mm, from, to);
}

/** An area no longer counts. */
export function unaccount(m: MmSystem, v: Vma): void {
  const pages = v.pages;
  if ((v.flags & VM_LOCKED) !== 0) v.mm.lockedVm -= pages;
  if ((v.flags & VM_ACCOUNT) !== 0) m.committed -= pages;
  vmStatAccount(v.mm, v.flags, -pages);
}

// --- the heap ---

/** brk(2): the new end of the heap, or the old one if it cannot be. */
export function doBrk(m: MmSystem, c: Ctx, brk: number): Mapped {
  const t = c.task;
  const mm = t.mm as Mm;
  const none: Mapped = { addr: mm.brk, fillFrom: 0, fill: 0 };
  if (brk < mm.startBrk) return none;
  if (brk - mm.startBrk + (mm.endData - mm.startData) > rlimit(t, RLIMIT_DATA)) return none;
  const newEnd = pageAlign(brk);
  const oldEnd = pageAlign(mm.brk);
  if (newEnd < oldEnd) {
    doMunmap(m, mm, newEnd, oldEnd);
    mm.brk = brk;
    return { addr: brk, fillFrom: 0, fill: 0 };
  }
  if (newEnd > oldEnd) {
    if (newEnd > TASK_SIZE || !rangeIsFree(mm, oldEnd, newEnd + 4096)) return none;
    const flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_ACCOUNT | mm.defFlags;
    const pages = (newEnd - oldEnd) / 4096;
    if (!mlockFutureOk(m, mm, t, flags, newEnd - oldEnd) || !mayExpandVm(mm, t, flags, pages)) return none;
    if (mm.vmas.length > m.sysctl.maxMapCount || !vmEnoughMemory(m, mm, t, pages)) return none;
    insertVma(newVma(m, mm, oldEnd, newEnd, flags, oldEnd / 4096));
    vmStatAccount(mm, flags, pages);
    if ((flags & VM_LOCKED) !== 0) mm.lockedVm += pages;
    mergeAround(m, mm, oldEnd, newEnd);
  }
  mm.brk = brk;
  return { addr: brk, fillFrom: oldEnd, fill: (mm.defFlags & VM_LOCKED) !== 0 ? newEnd - oldEnd : 0 };
}

// --- stacks ---

/** An access below an area that grows down: the area, grown, or null. */
export function growStack(m: MmSystem, t: Task | null, mm: Mm, addr: number): Vma | null {
  const i = vmaPosition(mm.vmas, addr);
  const v = mm.vmas[i];
  if (v === undefined || (v.flags & VM_GROWSDOWN) === 0) return null;
  const start = addr - (addr % 4096);
  const pages = (v.start - start) / 4096;
  const below = mm.vmas[i - 1];
  if (start < m.sysctl.mmapMinAddr) return null;
  if (
    below !== undefined &&
    (below.flags & VM_GROWSDOWN) === 0 &&
    (below.flags & 7) !== 0 &&
    start - below.end < STACK_GUARD_GAP
  )
    return null;
  if (pages > v.pgoff) return null;
  if (t !== null) {
    if (!mayExpandVm(mm, t, v.flags, pages) || v.end - start > rlimit(t, RLIMIT_STACK)) return null;
    if (!mlockFutureOk(m, mm, t, v.flags, pages * 4096)) return null;
  }
  if ((v.flags & VM_ACCOUNT) !== 0 && !vmEnoughMemory(m, mm, t, pages)) return null;
  v.start = start;
  v.pgoff -= pages;
  vmStatAccount(mm, v.flags, pages);
  if ((v.flags & VM_LOCKED) !== 0) mm.lockedVm += pages;
  return v;
}

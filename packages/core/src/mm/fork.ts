/**
 * Birth and death of address spaces: the copy that fork(2) makes, the empty one for execve(2), and giving everything back.
 *
 * A copy has the same areas; private pages are shared read-only and copied by whoever writes first. Only areas that have private
 * pages are copied entry by entry: the pages of files and of shared memory are found again by faults. MADV_DONTFORK areas are
 * left out, MADV_WIPEONFORK ones are empty; memory locks are not inherited.
 */
import { ENOMEM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Task } from "../task/task.js";
import { denyWriteAccess } from "../vfs/writeAccess.js";
import { HPAGE_PMD_NR, PG_ANON, PG_SWAPBACKED } from "./frames.js";
import { putHugeZero } from "./hugeSplit.js";
import { MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS, Mm, TASK_SIZE } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { vmEnoughMemory } from "./overcommit.js";
import { zapRange } from "./pageMap.js";
import {
  freePgtables,
  newTable,
  PMD_BYTES,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_HUGE,
  PTE_SPECIAL,
  PTE_UFFD_WP,
  PTE_WRITE,
  pmdAlloc,
  pmdSlot,
  pteAlloc,
  pteBase,
  setPmd,
} from "./pageTable.js";
import { anonFork } from "./rmap.js";
import {
  VM_ACCOUNT,
  VM_DONTCOPY,
  VM_LOCKED,
  VM_LOCKONFAULT,
  VM_SHARED,
  VM_UFFD_MISSING,
  VM_UFFD_WP,
  VM_WIPEONFORK,
  Vma,
} from "./vma.js";
import { closeVma, linkMapping, vmStatAccount } from "./vmaMerge.js";

/** An empty address space of a task's user namespace. */
export function newMm(m: MmSystem, t: Task): Mm {
  const mm = new Mm(m.nextSerial(), t.cred.userNs);
  m.mmSlots.fill(mm, mm.slots as unknown[]);
  return mm;
}

/** fork(2)'s copy of the parent's address space for `child`. ENOMEM, and nothing is left of it. */
export function dupMm(m: MmSystem, parent: Task, child: Task): Mm {
  const from = parent.mm as Mm;
  const mm = newMm(m, child);
  copyFields(from, mm);
  if (!dupAreas(m, from, mm, parent)) {
    exitMmap(m, mm);
    return fail(ENOMEM);
  }
  if (from.exeFile !== null) {
    mm.exeFile = m.k.vfs.getFile(from.exeFile);
    denyWriteAccess(from.exeFile.inode);
  }
  mm.hiwaterRss = mm.rssPages;
  mm.hiwaterVm = mm.totalVm;
  const { mmDup } = m.k.hooks;
  if (mmDup.on !== null) mmDup.on(from, mm);
  return mm;
}

function copyFields(from: Mm, mm: Mm): void {
  mm.userNs = from.userNs;
  mm.dumpable = from.dumpable;
  mm.thpDisabled = from.thpDisabled;
  mm.startCode = from.startCode;
  mm.endCode = from.endCode;
  mm.startData = from.startData;
  mm.endData = from.endData;
  mm.startBrk = from.startBrk;
  mm.brk = from.brk;
  mm.startStack = from.startStack;
  mm.mmapBase = from.mmapBase;
  mm.freeCache = from.mmapBase;
  mm.argv = from.argv;
  mm.envp = from.envp;
}

function dupAreas(m: MmSystem, from: Mm, mm: Mm, parent: Task): boolean {
  for (const v of from.vmas) {
    if ((v.flags & VM_DONTCOPY) !== 0) continue;
    const pages = v.pages;
    if ((v.flags & VM_ACCOUNT) !== 0 && !vmEnoughMemory(m, from, parent, pages)) return false;
    const copy = dupVma(m, v, mm);
    mm.vmas.push(copy);
    linkMapping(copy);
    vmStatAccount(mm, copy.flags, pages);
    if (copy.anonVma !== null && !copyRange(m, from, mm, v, copy)) return false;
  }
  return true;
}

function dupVma(m: MmSystem, v: Vma, mm: Mm): Vma {
  const copy = new Vma(mm, v.start, v.end, v.flags & ~(VM_LOCKED | VM_LOCKONFAULT), v.pgoff);
  copy.file = v.file;
  copy.mapping = v.mapping;
  copy.name = v.name;
  if (v.uffd !== null) copy.flags &= ~(VM_UFFD_MISSING | VM_UFFD_WP);
  for (let i = 0; i < m.vmaSlots.length; i++) {
    const s = m.vmaSlots[i];
    copy.slots[i] = s.fork === undefined ? v.slots[i] : s.fork(v.slots[i], copy);
  }
  if (v.file !== null) m.k.vfs.getFile(v.file);
  if (v.anonVma !== null && (v.flags & VM_WIPEONFORK) === 0) {
    copy.inherited = true;
    anonFork(m, v.anonVma, copy);
  }
  return copy;
}

/** Copy the entries of an area: false, there is no memory for the tables. */
function copyRange(m: MmSystem, from: Mm, mm: Mm, v: Vma, copy: Vma): boolean {
  for (let addr = v.start; addr < v.end; ) {
    const region = (addr / PMD_BYTES) | 0;
    const start = region * PMD_BYTES;
    const stop = Math.min(start + PMD_BYTES, v.end);
    const src = pmdSlot(from, region);
    if (src >= 0 && (m.pt.fl[src] & PTE_HUGE) !== 0) {
      if (!copyHuge(m, mm, src, region)) return false;
    } else {
      const base = src < 0 ? -1 : pteBase(m, from, region);
      if (base >= 0 && m.pt.count[base >> 9] > 0) {
        const first = (addr - start) >> 12;
        if (!copyTable(m, mm, copy, base + first, region, first, (stop - addr) >> 12)) return false;
      }
    }
    addr = stop;
  }
  return true;
}

function copyTable(m: MmSystem, mm: Mm, copy: Vma, src: number, region: number, first: number, n: number): boolean {
  const { pt, frames: f } = m;
  let dst = -1;
  for (let i = 0; i < n; i++) {
    const e = pt.val[src + i];
    if (e === 0) continue;
    if (dst < 0) {
      const base = pteAlloc(m, mm, region, null);
      if (base <= 0) return false;
      dst = base + first;
    }
    let fl = pt.fl[src + i];
    if (e < 0) {
      m.k.contracts.swap?.dup(-e);
      mm.rss[MM_SWAPENTS]++;
    } else if ((fl & PTE_SPECIAL) === 0) {
      fl &= ~PTE_WRITE;
      pt.fl[src + i] = fl;
      fl &= (copy.flags & VM_SHARED) !== 0 ? ~(PTE_ACCESSED | PTE_DIRTY) : ~PTE_ACCESSED;
      f.mapcount[e]++;
      f.refcount[e]++;
      const pf = f.flags[e];
      mm.rss[(pf & PG_ANON) !== 0 ? MM_ANONPAGES : (pf & PG_SWAPBACKED) !== 0 ? MM_SHMEMPAGES : MM_FILEPAGES]++;
    }
    if ((copy.flags & VM_UFFD_WP) === 0) fl &= ~PTE_UFFD_WP;
    pt.val[dst + i] = e;
    pt.fl[dst + i] = fl;
    pt.count[dst >> 9]++;
  }
  return true;
}

function copyHuge(m: MmSystem, mm: Mm, src: number, region: number): boolean {
  const slot = pmdAlloc(m, mm, region, null);
  if (slot <= 0) return false;
  const table = newTable(m, mm, null);
  if (table <= 0) return false;
  mm.deposits.push(table);
  const { pt, frames: f } = m;
  const pfn = pt.val[src];
  if ((pt.fl[src] & PTE_SPECIAL) === 0) {
    pt.fl[src] &= ~PTE_WRITE;
    f.mapcount[pfn]++;
    f.refcount[pfn]++;
    mm.rss[MM_ANONPAGES] += HPAGE_PMD_NR;
  } else if (!mm.hugeZero) {
    mm.hugeZero = true;
    m.hugeZero.refs++;
  }
  setPmd(m, slot, pfn, pt.fl[src] & ~PTE_ACCESSED);
  return true;
}

/** Everything that is mapped goes. */
export function exitMmap(m: MmSystem, mm: Mm): void {
  const { mmExit } = m.k.hooks;
  if (mmExit.on !== null) mmExit.on(mm, undefined);
  for (const v of mm.vmas) {
    if (mm.gibs.length > 0) zapRange(m, mm, v, v.start, v.end);
    if ((v.flags & VM_ACCOUNT) !== 0) m.committed -= v.pages;
  }
  if (mm.gibs.length > 0) freePgtables(m, mm, 0, TASK_SIZE);
  for (const v of mm.vmas) closeVma(m, v);
  mm.vmas.length = 0;
  putHugeZero(m, mm);
}

/** One user less; with the last, everything goes. */
export function putMm(m: MmSystem, mm: Mm): void {
  if (--mm.refs > 0) return;
  exitMmap(m, mm);
  if (mm.exeFile !== null) m.k.vfs.closeExec(mm.exeFile);
  mm.exeFile = null;
}

/** The task gives up its address space. */
export function exitMm(m: MmSystem, t: Task): void {
  const { mm } = t;
  t.mm = null;
  if (mm !== null) putMm(m, mm);
}

/** Growing, shrinking and moving areas. mremap(2). */
import { CAP_SYS_RAWIO } from "../abi/capability.js";
import { EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE } from "../abi/mman.js";
import type { Ctx } from "../kernel/ctx.js";
import { capable } from "../task/capable.js";
import { splitHugePmd } from "./hugeSplit.js";
import { type Mm, TASK_SIZE } from "./mm.js";
import { checkMunmap, doMunmap, type Mapped, mayExpandVm, mlockFutureOk, pageAlign } from "./mmap.js";
import type { MmSystem } from "./mmSystem.js";
import { vmEnoughMemory } from "./overcommit.js";
import { PMD_BYTES, PTE_HUGE, pmdSlot, pteAlloc, pteBase } from "./pageTable.js";
import { attachAnon } from "./rmap.js";
import { rangeIsFree, unmappedArea } from "./unmappedArea.js";
import {
  findVma,
  VM_ACCOUNT,
  VM_DONTEXPAND,
  VM_LOCKED,
  VM_LOCKONFAULT,
  VM_MAYSHARE,
  VM_PFNMAP,
  VM_SHARED,
  Vma,
  vmaPosition,
} from "./vma.js";
import { closeVma, insertVma, mergeAround, vmStatAccount } from "./vmaMerge.js";

/** mremap(2) with numbers checked: the new address. */
export function doMremap(
  m: MmSystem,
  c: Ctx,
  old: number,
  oldSize: number,
  newSize: number,
  flags: number,
  to: number,
): Mapped {
  const mm = c.task.mm as Mm;
  const oldLen = pageAlign(oldSize);
  const newLen = pageAlign(newSize);
  if ((flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) !== 0) return fail(EINVAL);
  if (old % 4096 !== 0 || newLen === 0 || newLen > TASK_SIZE) return fail(EINVAL);
  const places = (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) !== 0;
  if (places) {
    if (to > TASK_SIZE - newLen || to % 4096 !== 0 || (flags & MREMAP_MAYMOVE) === 0) return fail(EINVAL);
    if ((flags & MREMAP_DONTUNMAP) !== 0 && oldLen !== newLen) return fail(EINVAL);
    if (old + oldLen > to && to + newLen > old) return fail(EINVAL);
    if (mm.vmas.length + 2 >= m.sysctl.maxMapCount - 3) return fail(ENOMEM);
  }
  if ((flags & MREMAP_FIXED) !== 0 && oldLen === newLen) return moveAreas(m, c, mm, old, oldLen, flags, to);
  const v = findVma(mm, old);
  if (v === null) return fail(EFAULT);
  if (places || newLen > oldLen) checkResize(m, c, v, old, oldLen, newLen, flags);
  if (places) return moveTo(m, c, mm, v, old, oldLen, newLen, flags, to);
  if (newLen <= oldLen) {
    if (newLen < oldLen) {
      checkMunmap(m, mm, old + newLen, old + oldLen);
      doMunmap(m, mm, old + newLen, old + oldLen);
    }
    return { addr: old, fillFrom: 0, fill: 0 };
  }
  if (v.end === old + oldLen && rangeIsFree(mm, v.end, v.end + newLen - oldLen) && v.end + newLen - oldLen <= TASK_SIZE)
    return expand(m, c, mm, v, old, newLen - oldLen);
  if ((flags & MREMAP_MAYMOVE) === 0) return fail(ENOMEM);
  const at = unmappedArea(mm, 0, newLen, m.sysctl.mmapMinAddr, v.isAnonymous && newLen % PMD_BYTES === 0);
  return at < 0 ? fail(ENOMEM) : move(m, c, mm, v, old, oldLen, newLen, at, false);
}

/** May this part of the area be moved, or have another length? */
function checkResize(m: MmSystem, c: Ctx, v: Vma, old: number, oldLen: number, newLen: number, flags: number): void {
  const { mm } = v;
  if (oldLen === 0 && (v.flags & (VM_SHARED | VM_MAYSHARE)) === 0) fail(EINVAL);
  if ((flags & MREMAP_DONTUNMAP) !== 0 && (v.flags & (VM_DONTEXPAND | VM_PFNMAP)) !== 0) fail(EINVAL);
  if (Math.min(oldLen, newLen) > v.end - old) fail(EFAULT);
  if (newLen <= oldLen) return;
  if (v.pgoffOf(old) + newLen / 4096 > 2 ** 52) fail(EINVAL);
  if ((v.flags & (VM_DONTEXPAND | VM_PFNMAP)) !== 0) fail(EFAULT);
  const more = newLen - oldLen;
  if (!mlockFutureOk(m, mm, c.task, v.flags, more)) fail(EAGAIN);
  if (!mayExpandVm(mm, c.task, v.flags, more / 4096)) fail(ENOMEM);
}

/** A move without another length takes all areas of the range along, with the holes between them; it must begin with an area. */
function moveAreas(m: MmSystem, c: Ctx, mm: Mm, old: number, len: number, flags: number, to: number): Mapped {
  const end = old + len;
  let made: Mapped | null = null;
  for (let at = old; at < end; ) {
    const v = mm.vmas[vmaPosition(mm.vmas, at)];
    if (v === undefined || v.start >= end) break;
    const start = Math.max(v.start, at);
    if (made === null && start > old) return fail(EFAULT);
    if (v.uffd !== null && (made !== null || v.end < end)) return fail(EFAULT);
    const part = Math.min(end, v.end) - start;
    checkResize(m, c, v, start, part, part, flags);
    at = start + part;
    const r = moveTo(m, c, mm, v, start, part, part, flags, to + start - old);
    made ??= r;
  }
  return made ?? fail(EFAULT);
}

function expand(m: MmSystem, c: Ctx, mm: Mm, v: Vma, old: number, bytes: number): Mapped {
  const pages = bytes / 4096;
  if ((v.flags & VM_ACCOUNT) !== 0 && !vmEnoughMemory(m, mm, c.task, pages)) return fail(ENOMEM);
  const end = v.end;
  v.end += bytes;
  vmStatAccount(mm, v.flags, pages);
  const locked = (v.flags & VM_LOCKED) !== 0;
  if (locked) mm.lockedVm += pages;
  mergeAround(m, mm, end, v.end);
  return { addr: old, fillFrom: end, fill: locked ? bytes : 0 };
}

/** MREMAP_FIXED, MREMAP_DONTUNMAP: what is at the new address goes first. */
function moveTo(
  m: MmSystem,
  c: Ctx,
  mm: Mm,
  v: Vma,
  old: number,
  oldLen: number,
  newLen: number,
  flags: number,
  to: number,
): Mapped {
  const fixed = (flags & MREMAP_FIXED) !== 0;
  const keep = (flags & MREMAP_DONTUNMAP) !== 0;
  const { mmapMinAddr } = m.sysctl;
  if (fixed) {
    checkMunmap(m, mm, to, to + newLen);
    doMunmap(m, mm, to, to + newLen);
  }
  if (oldLen > newLen) {
    checkMunmap(m, mm, old + newLen, old + oldLen);
    doMunmap(m, mm, old + newLen, old + oldLen);
  }
  if (keep && !mayExpandVm(mm, c.task, v.flags, oldLen / 4096)) return fail(ENOMEM);
  if (fixed && to < mmapMinAddr && !capable(m.k, c.task, CAP_SYS_RAWIO)) return fail(EPERM);
  const at = fixed ? to : unmappedArea(mm, to, newLen, mmapMinAddr, false);
  if (at < 0) return fail(ENOMEM);
  const src = findVma(mm, old) ?? fail(EFAULT); // it may have been in the way itself
  return move(m, c, mm, src, old, Math.min(oldLen, newLen), newLen, at, keep);
}

/** Move [old, old + oldLen) of an area elsewhere, with `newLen` bytes there. `keep`: the old area stays, empty. */
function move(
  m: MmSystem,
  c: Ctx,
  mm: Mm,
  v: Vma,
  old: number,
  oldLen: number,
  newLen: number,
  at: number,
  keep: boolean,
): Mapped {
  if (mm.vmas.length >= m.sysctl.maxMapCount - 3) return fail(ENOMEM);
  const pages = newLen / 4096;
  const account = (v.flags & VM_ACCOUNT) !== 0;
  if (account && !vmEnoughMemory(m, mm, c.task, pages)) return fail(ENOMEM);
  const pgoff = v.isAnonymous && v.anonVma === null ? at / 4096 : v.pgoffOf(old);
  const n = new Vma(mm, at, at + newLen, v.flags, pgoff);
  n.file = v.file;
  n.mapping = v.mapping;
  n.name = v.name;
  n.inherited = v.inherited;
  for (let i = 0; i < m.vmaSlots.length; i++) {
    const s = m.vmaSlots[i];
    n.slots[i] = s.split === undefined ? v.slots[i] : s.split(v.slots[i], n);
  }
  if (v.file !== null) m.k.vfs.getFile(v.file);
  if (v.anonVma !== null) attachAnon(v.anonVma, n);
  insertVma(n);
  if (!moveEntries(m, mm, old, at, oldLen)) {
    moveEntries(m, mm, at, old, oldLen);
    mm.vmas.splice(mm.vmas.indexOf(n), 1);
    closeVma(m, n);
    if (account) m.committed -= pages;
    return fail(ENOMEM);
  }
  vmStatAccount(mm, n.flags, pages);
  const locked = (n.flags & VM_LOCKED) !== 0;
  if (locked) mm.lockedVm += pages;
  if (!keep) doMunmap(m, mm, old, old + oldLen);
  else if (locked) {
    // what stays behind is not locked any more, all of the area
    v.flags &= ~(VM_LOCKED | VM_LOCKONFAULT);
    mm.lockedVm -= v.pages;
  }
  mergeAround(m, mm, at, at + newLen);
  return { addr: at, fillFrom: at + oldLen, fill: locked ? newLen - oldLen : 0 };
}

/** Entries move as they are; huge ones whole if both places are aligned. False: no memory for a table (some have moved). */
function moveEntries(m: MmSystem, mm: Mm, from: number, to: number, len: number): boolean {
  const { pt } = m;
  for (let off = 0; off < len; off += 4096) {
    const region = Math.floor((from + off) / PMD_BYTES);
    const slot = pmdSlot(mm, region);
    if (slot < 0) {
      off = Math.min(len, (region + 1) * PMD_BYTES - from) - 4096;
      continue;
    }
    if ((pt.fl[slot] & PTE_HUGE) !== 0) splitHugePmd(m, mm, region);
    const base = pteBase(m, mm, region);
    if (base < 0 || pt.count[base >> 9] === 0) {
      off = Math.min(len, (region + 1) * PMD_BYTES - from) - 4096;
      continue;
    }
    const s = base + ((from + off - region * PMD_BYTES) >> 12);
    if (pt.val[s] === 0) continue;
    const target = Math.floor((to + off) / PMD_BYTES);
    const dst = pteAlloc(m, mm, target, null);
    if (dst <= 0) return false;
    const d = dst + ((to + off - target * PMD_BYTES) >> 12);
    pt.val[d] = pt.val[s];
    pt.fl[d] = pt.fl[s];
    pt.count[d >> 9]++;
    pt.val[s] = 0;
    pt.fl[s] = 0;
    pt.count[s >> 9]--;
  }
  return true;
}

/**
 * Splitting and merging areas, and the counters of an address space that follow them. Kernel document mm/process_addrs.
 *
 * Two neighbours are one area if everything about them is the same: flags, file and contiguous offset,
 * userfaultfd context, packages' fields, and where their private pages are found from. Linux's vma_merge rules.
 */

import { splitHugePmd } from "./hugeSplit.js";
import type { Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { PMD_BYTES, PTE_HUGE, pmdSlot } from "./pageTable.js";
import { type AnonVma, attachAnon, detachAnon } from "./rmap.js";
import { dropShmem } from "./shmemZero.js";
import {
  VM_ACCESS,
  VM_EXEC,
  VM_GROWSDOWN,
  VM_MAYWRITE,
  VM_SHARED,
  VM_SPECIAL,
  VM_WRITE,
  Vma,
  vmaPosition,
} from "./vma.js";

/** A new area, not yet in the table, with packages' fields. */
export function newVma(m: MmSystem, mm: Mm, start: number, end: number, flags: number, pgoff: number): Vma {
  const v = new Vma(mm, start, end, flags, pgoff);
  for (let i = 0; i < m.vmaSlots.length; i++) v.slots[i] = m.vmaSlots[i].init(v);
  return v;
}

/** Put an area into the table, and into its mapping's list. */
export function insertVma(v: Vma): void {
  const { vmas } = v.mm;
  const i = vmaPosition(vmas, v.start);
  if (i === vmas.length) vmas.push(v);
  else vmas.splice(i, 0, v);
  linkMapping(v);
}

/** May stores through the area reach the file? Such areas deny a write seal. */
function countsAsWriter(v: Vma): boolean {
  return (v.flags & VM_SHARED) !== 0 && (v.flags & VM_MAYWRITE) !== 0;
}

export function linkMapping(v: Vma): void {
  if (v.mapping === null) return;
  v.mapping.addVma(v);
  if (countsAsWriter(v)) v.mapping.iMmapWritable++;
}

export function unlinkMapping(v: Vma): void {
  if (v.mapping === null) return;
  v.mapping.removeVma(v);
  if (countsAsWriter(v)) v.mapping.iMmapWritable--;
}

/** An area is gone from the table: what it held is given back. Its pages must be gone too, or belong to its neighbour now. */
export function closeVma(m: MmSystem, v: Vma): void {
  for (let i = 0; i < m.vmaSlots.length; i++) m.vmaSlots[i].close?.(v.slots[i], v);
  unlinkMapping(v);
  detachAnon(m, v);
  if (v.file === null && v.mapping !== null && !v.mapping.mapped) dropShmem(m, v.mapping);
  if (v.file !== null) m.k.vfs.fput(v.file);
  if (v.mm.lastVma === v) v.mm.lastVma = null;
}

/** Cut an area in two at `addr`: the first half keeps the object; returns the second. */
export function splitVma(m: MmSystem, v: Vma, addr: number): Vma {
  const { mm } = v;
  if (addr % PMD_BYTES !== 0) {
    // a huge page cannot belong to two areas
    const region = Math.floor(addr / PMD_BYTES);
    const slot = pmdSlot(mm, region);
    if (slot >= 0 && (m.pt.fl[slot] & PTE_HUGE) !== 0) splitHugePmd(m, mm, region);
  }
  const half = new Vma(mm, addr, v.end, v.flags, v.pgoffOf(addr));
  half.file = v.file;
  half.mapping = v.mapping;
  half.inherited = v.inherited;
  half.name = v.name;
  half.uffd = v.uffd;
  for (let i = 0; i < m.vmaSlots.length; i++) {
    const s = m.vmaSlots[i];
    half.slots[i] = s.split === undefined ? v.slots[i] : s.split(v.slots[i], half);
  }
  v.end = addr;
  if (v.file !== null) m.k.vfs.getFile(v.file);
  if (v.anonVma !== null) attachAnon(v.anonVma, half);
  insertVma(half);
  return half;
}

function anonMergeable(a: Vma, b: Vma): boolean {
  if (a.anonVma === b.anonVma) return true;
  return (a.anonVma === null && !b.inherited) || (b.anonVma === null && !a.inherited);
}

/** Everything but the place fits. */
function alike(m: MmSystem, a: Vma, b: Vma, flagMask: number): boolean {
  if (
    ((a.flags ^ b.flags) & flagMask) !== 0 ||
    (a.flags & VM_SPECIAL) !== 0 ||
    a.file !== b.file ||
    a.mapping !== b.mapping ||
    a.uffd !== b.uffd ||
    a.name !== b.name
  )
    return false;
  for (let i = 0; i < m.vmaSlots.length; i++) {
    const { same } = m.vmaSlots[i];
    if (same === undefined ? !Object.is(a.slots[i], b.slots[i]) : !same(a.slots[i], b.slots[i])) return false;
  }
  return true;
}

/** Can `b`, which follows `a`, become part of it? */
function canMerge(m: MmSystem, a: Vma, b: Vma): boolean {
  return a.end === b.start && alike(m, a, b, -1) && a.pgoff + a.pages === b.pgoff && anonMergeable(a, b);
}

/** `b` becomes part of `a`. */
function absorb(m: MmSystem, a: Vma, b: Vma): void {
  const { vmas } = a.mm;
  vmas.splice(vmaPosition(vmas, b.start), 1);
  a.end = b.end;
  if (a.anonVma === null && b.anonVma !== null) {
    attachAnon(b.anonVma, a);
    a.inherited = b.inherited;
  }
  closeVma(m, b);
}

/** Merge the areas that touch [from, to] with their neighbours where they fit. */
export function mergeAround(m: MmSystem, mm: Mm, from: number, to: number): void {
  const { vmas } = mm;
  let i = vmaPosition(vmas, from - 1);
  while (i + 1 < vmas.length && vmas[i].end <= to) {
    if (canMerge(m, vmas[i], vmas[i + 1])) absorb(m, vmas[i], vmas[i + 1]);
    else i++;
  }
}

/**
 * Where an area without private pages may borrow its owner from: a neighbour it would merge with if it had the same rights.
 * `find_mergeable_anon_vma()`
 */
export function mergeableAnon(m: MmSystem, v: Vma): AnonVma | null {
  const { vmas } = v.mm;
  const i = vmaPosition(vmas, v.start);
  for (const n of [vmas[i + 1], vmas[i - 1]]) {
    if (n === undefined || n.anonVma === null || n.inherited) continue;
    const [a, b] = n.start > v.start ? [v, n] : [n, v];
    if (a.end === b.start && alike(m, a, b, ~VM_ACCESS) && a.pgoff + a.pages === b.pgoff) return n.anonVma;
  }
  return null;
}

/** `pages` pages with these flags are added to (or, negative, taken from) what /proc/PID/status counts. */
export function vmStatAccount(mm: Mm, flags: number, pages: number): void {
  mm.totalVm += pages;
  if (isStack(flags)) mm.stackVm += pages;
  else if ((flags & (VM_EXEC | VM_WRITE)) === VM_EXEC) mm.execVm += pages;
  else if ((flags & (VM_SHARED | VM_WRITE)) === VM_WRITE) mm.dataVm += pages;
}

export function isStack(flags: number): boolean {
  return (flags & VM_GROWSDOWN) !== 0;
}

/** Writable, private, no stack: RLIMIT_DATA counts it. */
export function isData(flags: number): boolean {
  return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) === VM_WRITE;
}

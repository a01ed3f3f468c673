/**
 * Areas of an address space: Linux's `struct vm_area_struct`, and the sorted table of them in an Mm. mmap(2), proc_pid_maps(5).
 *
 * An Mm's `vmas` are in ascending order and never overlap; `findVma` is a binary search with the last hit kept. Areas are made,
 * split and merged only by mm/mmap.ts; packages that keep something per area use a slot with rules (`VmaSlot`).
 */
import type { OpenFile } from "../vfs/file.js";
import type { AddressSpace } from "./addressSpace.js";
import type { Mm } from "./mm.js";
import type { AnonVma } from "./rmap.js";

export const VM_READ = 0x1;
export const VM_WRITE = 0x2;
export const VM_EXEC = 0x4;
export const VM_SHARED = 0x8;
export const VM_MAYREAD = 0x10;
export const VM_MAYWRITE = 0x20;
export const VM_MAYEXEC = 0x40;
export const VM_MAYSHARE = 0x80;
export const VM_GROWSDOWN = 0x100;
export const VM_UFFD_MISSING = 0x200;
export const VM_PFNMAP = 0x400;
export const VM_UFFD_WP = 0x1000;
export const VM_LOCKED = 0x2000;
export const VM_IO = 0x4000;
export const VM_SEQ_READ = 0x8000;
export const VM_RAND_READ = 0x10000;
export const VM_DONTCOPY = 0x20000;
export const VM_DONTEXPAND = 0x40000;
export const VM_LOCKONFAULT = 0x80000;
export const VM_ACCOUNT = 0x100000;
export const VM_NORESERVE = 0x200000;
export const VM_HUGETLB = 0x400000;
export const VM_SYNC = 0x800000;
export const VM_WIPEONFORK = 0x2000000;
export const VM_DONTDUMP = 0x4000000;
export const VM_MIXEDMAP = 0x10000000;
export const VM_HUGEPAGE = 0x20000000;
export const VM_NOHUGEPAGE = 0x40000000;

/** Bits that may be had from PROT_READ, PROT_WRITE, PROT_EXEC: the same numbers. */
export const VM_ACCESS: number = VM_READ | VM_WRITE | VM_EXEC;
/** Areas that madvise, mlock and merging leave alone. */
export const VM_SPECIAL: number = VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_MIXEDMAP;

export class Vma {
  /** First byte; page aligned, below 2^47. */
  start: number;
  /** First byte after it. */
  end: number;
  /** VM_ flags. */
  flags: number;
  /** Page offset of `start` in the mapping; for private anonymous memory start / 4096 at the time of its first fault. */
  pgoff: number;
  /** The file, if it maps one (holds a reference). */
  file: OpenFile | null = null;
  /** Page cache it maps: the file's, or that of shared anonymous memory. null: private anonymous. */
  mapping: AddressSpace | null = null;
  /** Where its private pages are found from; null until the first. */
  anonVma: AnonVma | null = null;
  /** It came by fork: it does not merge with an area that has no pages yet. */
  inherited = false;
  /** Shown as the name in /proc/PID/maps where Linux has one without a file: "[stack]", "[vdso]"; "" none. */
  name = "";
  /** Userfaultfd context it is registered with; opaque to core. */
  uffd: object | null = null;
  /** Package fields, by slot. */
  slots: unknown[] = [];
  /** Its place in mapping.iMmap and in anonVma.vmas. */
  mmapIndex = -1;
  anonIndex = -1;

  constructor(
    readonly mm: Mm,
    start: number,
    end: number,
    flags: number,
    pgoff: number,
  ) {
    this.start = start;
    this.end = end;
    this.flags = flags;
    this.pgoff = pgoff;
  }

  /** Private memory without a file. */
  get isAnonymous(): boolean {
    return this.mapping === null && this.file === null;
  }
  /** Page offset of an address in the mapping. */
  pgoffOf(addr: number): number {
    return this.pgoff + Math.floor((addr - this.start) / 4096);
  }
  get pages(): number {
    return (this.end - this.start) / 4096;
  }
}

/** Rules for a package's field of areas. A static: `k.mm.vmaSlots.push(...)` through `k.mm.addVmaSlot`. */
export interface VmaSlot {
  readonly name: string;
  /** Value of a new area. */
  init(v: Vma): unknown;
  /** May two neighbours with these values merge? Default: the same value. */
  same?(a: unknown, b: unknown): boolean;
  /** Value of the second half when an area is split, and of the copy that fork makes; default: the same value. */
  split?(value: unknown, to: Vma): unknown;
  fork?(value: unknown, to: Vma): unknown;
  /** The area goes away (unmapped, merged into a neighbour, exit). */
  close?(value: unknown, v: Vma): void;
}

/** Position of the first area that ends above `addr` (it may start above it), `vmas.length` if there is none. */
export function vmaPosition(vmas: readonly Vma[], addr: number): number {
  let lo = 0;
  let hi = vmas.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (vmas[mid].end <= addr) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/** The area that contains `addr`, or null. */
export function findVma(mm: Mm, addr: number): Vma | null {
  const hit = mm.lastVma;
  if (hit !== null && addr >= hit.start && addr < hit.end) return hit;
  const i = vmaPosition(mm.vmas, addr);
  if (i === mm.vmas.length) return null;
  const v = mm.vmas[i];
  if (v.start > addr) return null;
  mm.lastVma = v;
  return v;
}

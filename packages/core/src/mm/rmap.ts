/**
 * Reverse mapping: which page table entries map a frame. Kernel document mm/process_addrs ("anon_vma"), mm/unevictable-lru.
 *
 * A page's owner is an address space (file, shared memory) or an `AnonVma`: the areas that may hold its private pages. fork gives
 * the child's area an AnonVma below the parent's, so a page is found in the areas of its owner and of the owners below it. An
 * entry is then found by address arithmetic and compared with the frame.
 */
import type { AddressSpace } from "./addressSpace.js";
import { PG_ANON } from "./frames.js";
import type { Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { PMD_BYTES, PTE_ACCESSED, PTE_HUGE, pmdSlot, pteBase } from "./pageTable.js";
import type { Vma } from "./vma.js";

export class AnonVma {
  /** Areas, in no order that means anything. */
  readonly vmas: Vma[] = [];
  readonly children: AnonVma[] = [];
  /** Its place in parent.children. */
  childIndex = -1;

  constructor(
    /** Number in the frames' owner column. */
    readonly id: number,
    readonly parent: AnonVma | null,
  ) {}
}

export function attachAnon(a: AnonVma, v: Vma): void {
  v.anonVma = a;
  v.anonIndex = a.vmas.length;
  a.vmas.push(v);
}

/** Take an area out; an owner that nothing hangs on any more goes. */
export function detachAnon(m: MmSystem, v: Vma): void {
  const a = v.anonVma;
  if (a === null) return;
  const last = a.vmas.pop() as Vma;
  if (last !== v) {
    a.vmas[v.anonIndex] = last;
    last.anonIndex = v.anonIndex;
  }
  v.anonVma = null;
  v.anonIndex = -1;
  dropAnon(m, a);
}

function dropAnon(m: MmSystem, anon: AnonVma): void {
  for (let a: AnonVma | null = anon; a !== null && a.vmas.length === 0 && a.children.length === 0; ) {
    m.dropOwner(a.id);
    const p: AnonVma | null = a.parent;
    if (p !== null) {
      const last = p.children.pop() as AnonVma;
      if (last !== a) {
        p.children[a.childIndex] = last;
        last.childIndex = a.childIndex;
      }
    }
    a = p;
  }
}

/** The owner of the area's new private pages: made, or borrowed from a neighbour it could merge with. */
export function anonPrepare(m: MmSystem, v: Vma, neighbour: AnonVma | null): AnonVma {
  const a = neighbour ?? m.newOwner((id) => new AnonVma(id, null));
  attachAnon(a, v);
  return a;
}

/** fork: the child's area may have pages of the parent's, and will have its own. */
export function anonFork(m: MmSystem, parent: AnonVma, v: Vma): void {
  const a = m.newOwner((id) => new AnonVma(id, parent));
  a.childIndex = parent.children.length;
  parent.children.push(a);
  attachAnon(a, v);
}

/** Called for each entry that maps a page: arena slot of the PTE, or of the PMD entry of a huge page. False stops. */
export type RmapFn = (m: MmSystem, mm: Mm, v: Vma, addr: number, slot: number, huge: boolean) => boolean;

function visit(m: MmSystem, v: Vma, pfn: number, head: number, index: number, fn: RmapFn): boolean {
  const page = (index - (v.pgoff % 0x100000000)) >>> 0;
  const addr = v.start + page * 4096;
  if (addr >= v.end) return true;
  const region = (addr / PMD_BYTES) | 0;
  const base = pteBase(m, v.mm, region);
  if (base >= 0) {
    const slot = base + ((addr - region * PMD_BYTES) >> 12);
    return m.pt.val[slot] === pfn ? fn(m, v.mm, v, addr, slot, false) : true;
  }
  const slot = pmdSlot(v.mm, region);
  if (slot < 0 || (m.pt.fl[slot] & PTE_HUGE) === 0 || m.pt.val[slot] !== head) return true;
  return fn(m, v.mm, v, addr, slot, true);
}

function visitAnon(m: MmSystem, a: AnonVma, pfn: number, head: number, index: number, fn: RmapFn): boolean {
  for (let i = a.vmas.length - 1; i >= 0; i--) if (!visit(m, a.vmas[i], pfn, head, index, fn)) return false;
  for (let i = a.children.length - 1; i >= 0; i--) if (!visitAnon(m, a.children[i], pfn, head, index, fn)) return false;
  return true;
}

/** Visit every entry that maps the page. `fn` may clear or change the entry it is given, and no other. */
export function rmapWalk(m: MmSystem, pfn: number, fn: RmapFn): void {
  const f = m.frames;
  const head = f.head(pfn);
  if (f.mapcount[head] === 0 && f.mapcount[pfn] === 0) return;
  const owner = m.owners[f.owner[head]];
  if (owner === null || owner === undefined) return;
  const index = f.index[head] + (pfn - head);
  if ((f.flags[head] & PG_ANON) !== 0) visitAnon(m, owner as AnonVma, pfn, head, index, fn);
  else {
    const vmas = (owner as AddressSpace).iMmap;
    if (vmas !== null) for (let i = vmas.length - 1; i >= 0; i--) if (!visit(m, vmas[i], pfn, head, index, fn)) return;
  }
}

function clearYoung(m: MmSystem, _mm: Mm, _v: Vma, _addr: number, slot: number): boolean {
  if ((m.pt.fl[slot] & PTE_ACCESSED) !== 0) {
    m.pt.fl[slot] &= ~PTE_ACCESSED;
    m.scratch++;
  }
  return true;
}

/** How many entries have used the page since last asked; the marks are taken off. `folio_referenced()`. */
export function pageReferenced(m: MmSystem, pfn: number): number {
  m.scratch = 0;
  rmapWalk(m, pfn, clearYoung);
  return m.scratch;
}

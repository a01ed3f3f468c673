/**
 * Page faults. Kernel documents mm/process_addrs, admin-guide/mm/userfaultfd.
 *
 * `handleFault` makes one address usable, in this order: the area and its rights; huge page; a missing page (userfaultfd, zero page,
 * new page, file page); a first store into a shared page; a page armed for a NUMA hint; swap; copy-on-write. It may sleep:
 * FAULT_WAIT means the task sleeps and the access is to be made again.
 */
import type { Ctx } from "../kernel/ctx.js";
import { WAIT } from "../sys/types.js";
import type { Task } from "../task/task.js";
import type { AddressSpace } from "./addressSpace.js";
import { grabPage, readPage } from "./filemap.js";
import { PG_ANON, PG_DATA, PG_DIRTY, PG_SWAPBACKED, PG_SWAPCACHE, PG_UPTODATE, ZERO_PFN } from "./frames.js";
import { ALLOC_NOSPC, ALLOC_WAIT, GFP_HIGHUSER_MOVABLE, PAGE_ANON } from "./gfp.js";
import { HUGE_FALLBACK, hugeAnonFault, hugeZeroWrite, thpSuitable } from "./hugeMemory.js";
import { splitHugePmd } from "./hugeSplit.js";
import { MM_SWAPENTS, type Mm } from "./mm.js";
import { growStack } from "./mmap.js";
import type { MmSystem } from "./mmSystem.js";
import { allocCharged, getPage, putPage } from "./pageAlloc.js";
import { copyPageData } from "./pageData.js";
import { mapPte, unmapped } from "./pageMap.js";
import {
  PMD_BYTES,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_HUGE,
  PTE_PROTNONE,
  PTE_SPECIAL,
  PTE_UFFD_WP,
  PTE_WRITE,
  pmdSlot,
  pteAlloc,
} from "./pageTable.js";
import { findVma, VM_ACCESS, VM_SHARED, VM_UFFD_MISSING, VM_UFFD_WP, VM_WRITE, type Vma } from "./vma.js";
import { PGFAULT, PGMAJFAULT, PGREUSE } from "./vmstat.js";

export const FAULT_OK = 0;
export const FAULT_WAIT = -1;
/** SIGSEGV, SEGV_MAPERR. */
export const FAULT_MAPERR = 1;
/** SIGSEGV, SEGV_ACCERR. */
export const FAULT_ACCERR = 2;
/** SIGBUS, BUS_ADRERR. */
export const FAULT_SIGBUS = 3;
/** No memory: look at signals, then try again. */
export const FAULT_OOM = 4;
/** Done, and the writer of a file page must be throttled (see Fault.dirtied). */
export const FAULT_DIRTIED = 5;

/** The fault as hooks see it; one object, reused. */
export class Fault {
  mm!: Mm;
  vma!: Vma;
  addr = 0;
  write = false;
  /** Arena slot of the entry (its PTE, or with `huge` its PMD entry); -1: there is no table yet. */
  slot = -1;
  huge = false;
  /** Entries in a row that hook `hintRun` is told of. */
  run = 0;
  /** The mapping that a store made dirty (FAULT_DIRTIED). */
  dirtied: AddressSpace | null = null;
  /** It waited for a read: a major fault. */
  major = false;
}

/** Pages of a file that a read fault maps around the one it needs, if they are cached. fault_around_bytes / 4096. */
const FAULT_AROUND = 16;

/** Make `addr` (page aligned) readable, or writable, for user code of `mm`. Returns a FAULT_ code. */
export function handleFault(m: MmSystem, c: Ctx | null, t: Task | null, mm: Mm, addr: number, write: boolean): number {
  const f = m.fault;
  f.mm = mm;
  f.addr = addr;
  f.write = write;
  return resolveFault(m, c, t);
}

/**
 * As `handleFault`, with mm, addr and write set in `m.fault`: an address does not fit a small integer, so each call that takes one
 * as an argument would allocate it.
 */
export function resolveFault(m: MmSystem, c: Ctx | null, t: Task | null): number {
  const f = m.fault;
  const { mm, addr, write } = f;
  let v = mm.lastVma;
  if (v === null || addr < v.start || addr >= v.end) {
    v = findVma(mm, addr) ?? growStack(m, t, mm, addr);
    if (v === null) return FAULT_MAPERR;
  }
  if (write ? (v.flags & VM_WRITE) === 0 : (v.flags & VM_ACCESS) === 0) return FAULT_ACCERR;
  f.vma = v;
  f.huge = false;
  f.major = false;
  const r = faultIn(m, c, f);
  if (r === FAULT_OK || r === FAULT_DIRTIED) account(m, t, mm, f.major);
  return r;
}

/** A fault is complete: counters of the machine, the task, and whoever listens. */
export function account(m: MmSystem, t: Task | null, mm: Mm, major: boolean): void {
  m.stats[PGFAULT]++;
  if (major) m.stats[PGMAJFAULT]++;
  if (t !== null) {
    if (major) t.majFlt++;
    else t.minFlt++;
    t.remainingNs += m.k.costs.fault;
  }
  const { pageFault } = m.k.hooks;
  if (pageFault.on !== null) pageFault.on(mm, major ? 1 : 0);
}

function faultIn(m: MmSystem, c: Ctx | null, f: Fault): number {
  const { mm, vma: v, addr, write } = f;
  const { pt } = m;
  const region = (addr / PMD_BYTES) | 0;
  if (mm.cacheRegion === region) return pteFault(m, c, f, mm.cacheBase + ((addr - region * PMD_BYTES) >> 12));
  const pmd = pmdSlot(mm, region);
  const huge = pmd >= 0 && (pt.fl[pmd] & PTE_HUGE) !== 0;
  if (huge) {
    f.slot = pmd;
    f.huge = true;
    const r = hugePresent(m, c, f, region);
    if (r !== HUGE_FALLBACK) return r;
    f.huge = false;
  } else if ((pmd < 0 || pt.val[pmd] === 0) && thpSuitable(m, mm, v, region)) {
    const r = hugeAnonFault(m, c, mm, v, region, write);
    if (r !== HUGE_FALLBACK) return r === ALLOC_WAIT ? FAULT_WAIT : FAULT_OK;
  }
  const base = pteAlloc(m, mm, region, c);
  if (base <= 0) return base === ALLOC_WAIT ? FAULT_WAIT : FAULT_OOM;
  return pteFault(m, c, f, base + ((addr - region * PMD_BYTES) >> 12));
}

/** The address has a PTE, at `slot`. */
function pteFault(m: MmSystem, c: Ctx | null, f: Fault, slot: number): number {
  const { pt } = m;
  const { write } = f;
  f.slot = slot;
  const e = pt.val[slot];
  if (e === 0) return missing(m, c, f, slot);
  if (e < 0) return swapIn(m, c, f, slot, -e);
  if ((pt.fl[slot] & PTE_PROTNONE) !== 0) {
    const r = hint(m, c, f, slot);
    if (r !== FAULT_OK) return r;
  }
  if (write && (pt.fl[slot] & PTE_WRITE) === 0) return writeProtected(m, c, f, slot);
  pt.fl[slot] |= write ? PTE_ACCESSED | PTE_DIRTY : PTE_ACCESSED;
  return FAULT_OK;
}

/** The region is a huge page. HUGE_FALLBACK: it is a table now, go on. */
function hugePresent(m: MmSystem, c: Ctx | null, f: Fault, region: number): number {
  const { pt } = m;
  const s = f.slot;
  if ((pt.fl[s] & PTE_PROTNONE) !== 0) {
    const r = hint(m, c, f, s);
    if (r !== FAULT_OK) return r;
    if ((pt.fl[s] & PTE_HUGE) === 0) return HUGE_FALLBACK;
  }
  if (f.write && (pt.fl[s] & PTE_WRITE) === 0) {
    if ((pt.fl[s] & PTE_SPECIAL) !== 0) {
      const r = hugeZeroWrite(m, c, f.mm, f.vma, region);
      return r === ALLOC_WAIT ? FAULT_WAIT : r === 0 ? FAULT_OK : r;
    }
    const pfn = pt.val[s];
    if (m.frames.mapcount[pfn] !== 1 || m.frames.refcount[pfn] !== 1) {
      splitHugePmd(m, f.mm, region);
      return HUGE_FALLBACK;
    }
    pt.fl[s] |= PTE_WRITE;
    m.stats[PGREUSE]++;
  }
  pt.fl[s] |= f.write ? PTE_ACCESSED | PTE_DIRTY : PTE_ACCESSED;
  return FAULT_OK;
}

/** A page armed for a NUMA hint is used: placement may move it; then it is present again. */
function hint(m: MmSystem, c: Ctx | null, f: Fault, slot: number): number {
  const { faultHint } = m.k.hooks;
  if (faultHint.on !== null && faultHint.on(f, c) === FAULT_WAIT) return FAULT_WAIT;
  m.pt.fl[slot] &= ~PTE_PROTNONE;
  return FAULT_OK;
}

// --- nothing there ---

function missing(m: MmSystem, c: Ctx | null, f: Fault, slot: number): number {
  const { vma: v, mm, write } = f;
  if (v.mapping !== null) return fileFault(m, c, f, slot, v.mapping);
  if ((v.flags & VM_UFFD_MISSING) !== 0) {
    const r = userfault(m, c, f);
    if (r !== undefined) return r;
  }
  if (!write) {
    m.pt.val[slot] = ZERO_PFN;
    m.pt.fl[slot] = PTE_SPECIAL | PTE_ACCESSED;
    m.pt.count[slot >> 9]++;
    return FAULT_OK;
  }
  const pfn = faultAnon(m, c, f);
  if (pfn <= 0) return pfn === ALLOC_WAIT ? FAULT_WAIT : FAULT_OOM;
  mapPte(m, mm, v, slot, pfn, PTE_WRITE | PTE_DIRTY | PTE_ACCESSED);
  m.lruAdd(pfn);
  return FAULT_OK;
}

/** userfaultfd may take a missing page: a FAULT_ code, undefined: it does not. */
function userfault(m: MmSystem, c: Ctx | null, f: Fault): number | undefined {
  const { faultMissing } = m.k.hooks;
  return faultMissing.on === null ? undefined : faultMissing.on(f, c);
}

/** A charged page of zeros, owned by the area, on no list yet: pfn, 0 or ALLOC_WAIT. */
export function newAnon(m: MmSystem, c: Ctx | null, mm: Mm, v: Vma, addr: number): number {
  const f = m.fault;
  f.mm = mm;
  f.vma = v;
  f.addr = addr;
  return faultAnon(m, c, f);
}

/** As `newAnon`, for the address of a fault. */
function faultAnon(m: MmSystem, c: Ctx | null, f: Fault): number {
  const v = f.vma;
  const anon = v.anonVma ?? m.anonPrepare(v);
  const r = m.request(c, GFP_HIGHUSER_MOVABLE, PAGE_ANON);
  r.mm = f.mm;
  r.vma = v;
  r.addr = f.addr;
  r.index = v.pgoff + (f.addr - v.start) / 4096;
  const pfn = allocCharged(m, r);
  if (pfn <= 0) return pfn === ALLOC_WAIT ? pfn : 0;
  m.newAnonPage(pfn, anon.id, (v.pgoff + (f.addr - v.start) / 4096) | 0);
  return pfn;
}

/** A page to copy `from` to. Room for it may have to be reclaimed: not from what is to be copied. */
function pageForCopy(m: MmSystem, c: Ctx | null, f: Fault, from: number): number {
  getPage(m, from);
  const copy = faultAnon(m, c, f);
  putPage(m, from);
  return copy;
}

function fileFault(m: MmSystem, c: Ctx | null, f: Fault, slot: number, mapping: AddressSpace): number {
  const { vma: v, mm, addr, write } = f;
  const index = v.pgoffOf(addr);
  if (!write) {
    mapAround(m, f, slot, mapping, index);
    if (m.pt.val[slot] !== 0) return FAULT_OK;
  } else if ((v.flags & VM_SHARED) === 0) m.anonPrepare(v);
  if (index * 4096 >= mapping.host.size) return FAULT_SIGBUS;
  let pfn = mapping.lookup(index);
  if (pfn === 0) {
    if ((v.flags & VM_UFFD_MISSING) !== 0) {
      const r = userfault(m, c, f);
      if (r !== undefined) return r;
    }
    pfn = grabPage(m, c, mapping, index, mm);
    if (pfn <= 0) return pfn === ALLOC_WAIT ? FAULT_WAIT : pfn === ALLOC_NOSPC ? FAULT_SIGBUS : FAULT_OOM;
  }
  if ((m.frames.flags[pfn] & PG_UPTODATE) === 0 && mapping.aOps.readFolio === undefined)
    m.frames.flags[pfn] |= PG_UPTODATE;
  if ((m.frames.flags[pfn] & PG_UPTODATE) === 0) {
    f.major = true;
    if (c === null) return FAULT_OOM;
    const r = readPage(m, c, mapping, index, pfn);
    if (r === WAIT) return FAULT_WAIT;
    if (r !== 0) return FAULT_SIGBUS;
  }
  if (write && (v.flags & VM_SHARED) === 0) return copyFilePage(m, c, f, slot, pfn);
  if (!write) {
    mapFile(m, mm, v, slot, pfn, mapping, PTE_ACCESSED);
    return FAULT_OK;
  }
  const r = makeWritable(m, c, mapping, index, pfn);
  if (r !== FAULT_OK && r !== FAULT_DIRTIED) return r;
  mapFile(m, mm, v, slot, pfn, mapping, PTE_ACCESSED | PTE_DIRTY | PTE_WRITE);
  return r;
}

/** First store into a private mapping of a page that was never read: straight to the copy. */
function copyFilePage(m: MmSystem, c: Ctx | null, f: Fault, slot: number, from: number): number {
  const { mapping } = f.vma;
  const data = (mapping as AddressSpace).data(f.vma.pgoffOf(f.addr));
  const pfn = pageForCopy(m, c, f, from);
  if (pfn <= 0) return pfn === ALLOC_WAIT ? FAULT_WAIT : FAULT_OOM;
  copyPageData(m, data, pfn);
  mapPte(m, f.mm, f.vma, slot, pfn, PTE_WRITE | PTE_DIRTY | PTE_ACCESSED);
  m.lruAdd(pfn);
  return FAULT_OK;
}

/** Does the file system want to know of the first store after each time a page was cleaned? */
function notified(mapping: AddressSpace): boolean {
  return mapping.aOps.pageMkwrite !== undefined || mapping.aOps.dirtyFolio !== undefined;
}

function mapFile(m: MmSystem, mm: Mm, v: Vma, slot: number, pfn: number, mapping: AddressSpace, flags: number): void {
  m.frames.refcount[pfn]++;
  const write = (v.flags & (VM_SHARED | VM_WRITE)) === (VM_SHARED | VM_WRITE) && !notified(mapping) ? PTE_WRITE : 0;
  mapPte(m, mm, v, slot, pfn, flags | write);
}

/** A read fault maps what is cached around the page (and the page itself), within the area and the table. */
function mapAround(m: MmSystem, f: Fault, slot: number, mapping: AddressSpace, index: number): void {
  const { mm, vma: v, addr } = f;
  const { pt, frames } = m;
  const back = Math.min((addr / 4096) % FAULT_AROUND, (addr - v.start) / 4096, slot & 511);
  const size = Math.ceil(mapping.host.size / 4096);
  for (let i = 0; i < FAULT_AROUND; i++) {
    const s = slot - back + i;
    const at = index - back + i;
    if (s >> 9 !== slot >> 9 || addr + (s - slot) * 4096 >= v.end || at >= size) break;
    if (pt.val[s] !== 0) continue;
    const pfn = mapping.lookup(at);
    if (pfn !== 0 && (frames.flags[pfn] & PG_UPTODATE) !== 0) mapFile(m, mm, v, s, pfn, mapping, PTE_ACCESSED);
  }
}

/** A store into a shared page: the file system agrees and the page is dirty. FAULT_OK, FAULT_DIRTIED, or what stops it. */
function makeWritable(m: MmSystem, c: Ctx | null, mapping: AddressSpace, index: number, pfn: number): number {
  const { pageMkwrite, balanceDirty } = mapping.aOps;
  if (pageMkwrite !== undefined) {
    if (c === null) return FAULT_OOM;
    const r = pageMkwrite(c, mapping, index, pfn);
    if (r === WAIT) return FAULT_WAIT;
    if (r !== 0) return FAULT_SIGBUS;
  }
  if ((m.frames.flags[pfn] & PG_DIRTY) === 0) m.setPageDirty(pfn);
  if (balanceDirty === undefined) return FAULT_OK;
  m.fault.dirtied = mapping;
  return FAULT_DIRTIED;
}

// --- something there ---

function writeProtected(m: MmSystem, c: Ctx | null, f: Fault, slot: number): number {
  const { vma: v, mm } = f;
  const { pt, frames } = m;
  const pfn = pt.val[slot];
  if ((pt.fl[slot] & PTE_UFFD_WP) !== 0 && (v.flags & VM_UFFD_WP) !== 0) {
    const { faultWp } = m.k.hooks;
    const r = faultWp.on === null ? undefined : faultWp.on(f, c);
    if (r !== undefined) return r;
  }
  if ((v.flags & VM_SHARED) !== 0) {
    const mapping = v.mapping as AddressSpace;
    const r = makeWritable(m, c, mapping, v.pgoffOf(f.addr), pfn);
    if (r !== FAULT_OK && r !== FAULT_DIRTIED) return r;
    pt.fl[slot] |= PTE_WRITE | PTE_DIRTY | PTE_ACCESSED;
    return r;
  }
  const special = (pt.fl[slot] & PTE_SPECIAL) !== 0;
  const anon = !special && (frames.flags[pfn] & PG_ANON) !== 0;
  if (anon && frames.mapcount[pfn] === 1 && soleUser(m, pfn)) {
    pt.fl[slot] |= PTE_WRITE | PTE_DIRTY | PTE_ACCESSED;
    frames.owner[pfn] = m.anonPrepare(v).id;
    m.stats[PGREUSE]++;
    return FAULT_OK;
  }
  const copy = special ? faultAnon(m, c, f) : pageForCopy(m, c, f, pfn);
  if (copy <= 0) return copy === ALLOC_WAIT ? FAULT_WAIT : FAULT_OOM;
  if (!special) {
    if (!anon) copyPageData(m, (v.mapping as AddressSpace).data(v.pgoffOf(f.addr)), copy);
    else if ((frames.flags[pfn] & PG_DATA) !== 0) copyPageData(m, m.pageData.get(pfn) ?? null, copy);
  }
  const fl = pt.fl[slot];
  pt.val[slot] = 0;
  pt.count[slot >> 9]--;
  mapPte(m, mm, v, slot, copy, PTE_WRITE | PTE_DIRTY | PTE_ACCESSED);
  m.lruAdd(copy);
  unmapped(m, mm, v, pfn, fl);
  return FAULT_OK;
}

/** Nobody but this mapping uses the page: not another process either, whose entry says it is on swap. */
function soleUser(m: MmSystem, pfn: number): boolean {
  return m.frames.refcount[pfn] === 1 && (m.frames.flags[pfn] & PG_SWAPCACHE) === 0;
}

function swapIn(m: MmSystem, c: Ctx | null, f: Fault, slot: number, entry: number): number {
  const { swap } = m.k.contracts;
  if (swap === undefined) return FAULT_SIGBUS;
  const { mm, vma: v, write } = f;
  const pfn = swap.swapIn(c, entry, mm, v, f.addr);
  if (pfn <= 0) return pfn === ALLOC_WAIT ? FAULT_WAIT : pfn === 0 ? FAULT_OOM : FAULT_SIGBUS;
  const { frames } = m;
  f.major = true;
  m.pt.val[slot] = 0;
  m.pt.count[slot >> 9]--;
  mm.rss[MM_SWAPENTS]--;
  frames.flags[pfn] |= PG_ANON | PG_SWAPBACKED | PG_UPTODATE;
  const sole = write && frames.mapcount[pfn] === 0 && soleUser(m, pfn);
  if (frames.mapcount[pfn] === 0) {
    // others of the family may map it later: they find it from the root
    let owner = m.anonPrepare(v);
    while (!sole && owner.parent !== null) owner = owner.parent;
    frames.owner[pfn] = owner.id;
    frames.index[pfn] = (v.pgoff + (f.addr - v.start) / 4096) | 0;
  }
  mapPte(m, mm, v, slot, pfn, sole ? PTE_ACCESSED | PTE_DIRTY | PTE_WRITE : PTE_ACCESSED);
  swap.free(entry);
  return write && !sole ? writeProtected(m, c, f, slot) : FAULT_OK;
}

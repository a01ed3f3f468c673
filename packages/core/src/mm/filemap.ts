/**
 * The page cache: finding, making, reading, writing and dropping cached pages of files. Linux's mm/filemap.c and truncate.c;
 * kernel document mm/page_cache.
 *
 * File systems call `filemapRead` and `filemapWrite` from read(2) and write(2), `truncatePages` when a file gets another size,
 * `dropMapping` (through k.mm) when an inode goes. The first user of a page is charged for it.
 */
import { ENOMEM, ENOSPC } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { WAIT, type Wait } from "../sys/types.js";
import { type AddressSpace, AS_UNEVICTABLE, CONTENTS_FULL } from "./addressSpace.js";
import { copyIn, copyOut } from "./copyPage.js";
import { PG_DIRTY, PG_SWAPBACKED, PG_UNEVICTABLE, PG_UPTODATE, PG_WRITEBACK } from "./frames.js";
import { ALLOC_NOSPC, ALLOC_WAIT, GFP_HIGHUSER_MOVABLE, PAGE_FILE, PAGE_SHMEM } from "./gfp.js";
import { markAccessed } from "./markAccessed.js";
import type { Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { allocCharged, CHARGE_FAILED, putPage } from "./pageAlloc.js";
import { unmapMapping } from "./pageMap.js";
import { NR_FILE_PAGES, NR_SHMEM } from "./vmstat.js";
import { writeRun } from "./writeRun.js";

const PAGE = 4096;

/**
 * The page at `index`, made if it is not cached: charged to `mm` (or the running task), on its LRU list, without contents.
 * > 0: its frame; 0: no memory or the charge was refused; ALLOC_WAIT; ALLOC_NOSPC. It is not filled: see `readPage`.
 */
export function grabPage(m: MmSystem, c: Ctx | null, mapping: AddressSpace, index: number, mm: Mm | null): number {
  const there = mapping.lookup(index);
  if (there !== 0) return there;
  const { aOps } = mapping;
  if (aOps.reserve !== undefined && aOps.reserve(mapping, index) !== 0) return ALLOC_NOSPC;
  const swapBacked = aOps.swapBacked === true;
  const r = m.request(c, GFP_HIGHUSER_MOVABLE, swapBacked ? PAGE_SHMEM : PAGE_FILE);
  r.mm = mm;
  r.mapping = mapping;
  r.index = index;
  const pfn = allocCharged(m, r);
  if (pfn <= 0) {
    aOps.unreserve?.(mapping, index);
    return pfn === CHARGE_FAILED ? 0 : pfn;
  }
  insertPage(m, mapping, index, pfn);
  m.lruAdd(pfn);
  return pfn;
}

/** Put a frame (one reference, which the cache takes) into a mapping. */
export function insertPage(m: MmSystem, mapping: AddressSpace, index: number, pfn: number): void {
  const f = m.frames;
  const swapBacked = mapping.aOps.swapBacked === true;
  f.owner[pfn] = m.ownMapping(mapping);
  f.index[pfn] = index | 0;
  let fl = mapping.aOps.readFolio === undefined ? PG_UPTODATE : 0;
  if (swapBacked) fl |= PG_SWAPBACKED;
  if ((mapping.flags & AS_UNEVICTABLE) !== 0) fl |= PG_UNEVICTABLE;
  f.flags[pfn] |= fl;
  mapping.insert(index, pfn);
  m.modPage(pfn, NR_FILE_PAGES, 1);
  if (swapBacked) m.modPage(pfn, NR_SHMEM, 1);
}

/** Take a page out of its mapping; the cache's reference is dropped. It must not be mapped. */
export function removePage(m: MmSystem, mapping: AddressSpace, index: number): void {
  const pfn = mapping.lookup(index);
  if (pfn === 0) return;
  mapping.aOps.invalidateFolio?.(m.k, mapping, index, pfn);
  mapping.remove(index);
  mapping.aOps.unreserve?.(mapping, index);
  const f = m.frames;
  m.modPage(pfn, NR_FILE_PAGES, -1);
  if ((f.flags[pfn] & PG_SWAPBACKED) !== 0) m.modPage(pfn, NR_SHMEM, -1);
  f.flags[pfn] &= ~PG_DIRTY;
  f.owner[pfn] = 0;
  putPage(m, pfn);
}

/** Make a cached page's contents valid. 0, a positive errno, or WAIT. */
export function readPage(m: MmSystem, c: Ctx, mapping: AddressSpace, index: number, pfn: number): number | Wait {
  const { flags } = m.frames;
  if ((flags[pfn] & PG_UPTODATE) !== 0) return 0;
  const { readFolio } = mapping.aOps;
  const r = readFolio === undefined ? 0 : readFolio(c, mapping, index, pfn);
  if (r === 0) flags[pfn] |= PG_UPTODATE;
  return r;
}

/**
 * Bytes pos..pos+count of a file, which must lie within its size. Holes and pages that cannot be had read as zeros when the file
 * system has no `readFolio`. `buf`: where to put them (its first `count` bytes). Returns the bytes, or WAIT (with `c`), or fails EIO.
 */
export function filemapRead(
  k: Core,
  mapping: AddressSpace,
  pos: number,
  count: number,
  buf: Uint8Array | null = null,
  c: Ctx | null = null,
): Uint8Array | Wait {
  const m = k.mm;
  if (mapping.aOps.readFolio !== undefined) {
    const r = bringIn(m, c as Ctx, mapping, pos, count);
    if (r !== 0) return r;
  }
  const out = buf === null ? new Uint8Array(count) : buf.length === count ? buf : buf.subarray(0, count);
  let at = pos;
  for (let done = 0; done < count; ) {
    const index = Math.floor(at / PAGE);
    const off = at - index * PAGE;
    const n = Math.min(PAGE - off, count - done);
    const pfn = mapping.lookup(index);
    if (pfn !== 0) markAccessed(m, pfn);
    copyOut(pfn === 0 ? null : mapping.data(index), off, n, out, done, buf !== null);
    done += n;
    at += n;
  }
  return out;
}

/** All pages of the range are in the cache and valid: 0, else WAIT (or it fails). */
function bringIn(m: MmSystem, c: Ctx, mapping: AddressSpace, pos: number, count: number): 0 | Wait {
  const last = Math.floor((pos + count - 1) / PAGE);
  for (let i = Math.floor(pos / PAGE); i <= last; i++) {
    const pfn = grabPage(m, c, mapping, i, null);
    if (pfn === ALLOC_WAIT) return WAIT;
    if (pfn <= 0) return fail(pfn === ALLOC_NOSPC ? ENOSPC : ENOMEM);
    const r = readPage(m, c, mapping, i, pfn);
    if (r === WAIT) return WAIT;
    if (r !== 0) return fail(r as number);
  }
  return 0;
}

interface WriteFrame {
  done: number;
  /** The page before `done` is dirty: its writer is yet to be throttled. */
  balance: boolean;
}

/**
 * Write data[from..from+len) at `pos`, page by page. The caller raises the file's size (between calls that sleep too: by what
 * `written` says). Returns the number of bytes taken; fewer than len only if a page could not be had. None at all: a negative errno.
 * `written(n)` is called after each page with the bytes done so far; may be left out by those that do not sleep.
 */
export function filemapWrite(
  c: Ctx,
  mapping: AddressSpace,
  pos: number,
  data: Uint8Array,
  from: number,
  len: number,
  written?: (done: number) => void,
): number | Wait {
  const m = c.k.mm;
  const { aOps } = mapping;
  const sleeps = aOps.writeBegin !== undefined || aOps.balanceDirty !== undefined || aOps.readFolio !== undefined;
  const { frame } = c.task;
  const held = frame === null ? undefined : (frame as { filemapWrite?: WriteFrame }).filemapWrite;
  let done = held === undefined ? 0 : held.done;
  let balance = held === undefined ? false : held.balance;
  let error = 0;
  while (done < len || balance) {
    if (balance) {
      if (aOps.balanceDirty?.(c, mapping) === WAIT) return writeSleeps(c, done, balance);
      balance = false;
      if (done === len) break;
    }
    const at = pos + done;
    const index = Math.floor(at / PAGE);
    const off = at - index * PAGE;
    if (off === 0 && aOps.dirtyRun !== undefined) {
      const run = writeRun(m, c, mapping, index, Math.floor((len - done) / PAGE), data, from + done);
      if (run > 0) {
        done += run * PAGE;
        written?.(done);
        balance = aOps.balanceDirty !== undefined;
        continue;
      }
    }
    const n = Math.min(PAGE - off, len - done);
    const pfn = grabPage(m, c, mapping, index, null);
    if (pfn === ALLOC_WAIT) return sleeps ? writeSleeps(c, done, balance) : WAIT;
    if (pfn <= 0) {
      error = pfn === ALLOC_NOSPC ? ENOSPC : ENOMEM;
      break;
    }
    if (sleeps) {
      const r = prepare(m, c, mapping, index, pfn, off, n);
      if (r === WAIT) return writeSleeps(c, done, balance);
      if (r !== 0) {
        error = r as number;
        break;
      }
    }
    copyIn(mapping, index, off, data, from + done, n);
    markAccessed(m, pfn);
    if ((m.frames.flags[pfn] & PG_DIRTY) === 0) m.setPageDirty(pfn);
    m.frames.flags[pfn] |= PG_UPTODATE;
    done += n;
    written?.(done);
    balance = aOps.balanceDirty !== undefined;
  }
  if (held !== undefined) c.endPart("filemapWrite");
  return done > 0 || error === 0 ? done : -error;
}

/** The write goes to sleep: how far it is. */
function writeSleeps(c: Ctx, done: number, balance: boolean): Wait {
  const f = c.part<WriteFrame>("filemapWrite", () => ({ done, balance }));
  f.done = done;
  f.balance = balance;
  return WAIT;
}

/** A page is about to be changed in part: valid, and allowed by the file system. 0, errno, WAIT. */
function prepare(
  m: MmSystem,
  c: Ctx,
  mapping: AddressSpace,
  index: number,
  pfn: number,
  off: number,
  n: number,
): number | Wait {
  const { flags } = m.frames;
  const { aOps } = mapping;
  if ((flags[pfn] & PG_UPTODATE) === 0) {
    const beyond = index * PAGE >= mapping.host.size;
    if (n === PAGE || beyond) flags[pfn] |= PG_UPTODATE;
    else {
      const r = readPage(m, c, mapping, index, pfn);
      if (r !== 0) return r;
    }
  }
  return aOps.writeBegin === undefined ? 0 : aOps.writeBegin(c, mapping, index, pfn, off, n);
}

// --- truncation ---

/** The file has another size: pages wholly beyond it leave the cache and every mapping; the rest of the last page reads as zeros. */
export function truncatePages(k: Core, mapping: AddressSpace, size: number): void {
  const m = k.mm;
  const first = Math.ceil(size / PAGE);
  removeRange(m, mapping, first, Number.MAX_SAFE_INTEGER);
  zeroRange(mapping, size, first * PAGE);
}

/** Pages index first..last (inclusive) leave the cache and every mapping, private copies included (truncation, hole punching). */
export function removeRange(m: MmSystem, mapping: AddressSpace, first: number, last: number): void {
  if (mapping.mapped) unmapMapping(m, mapping, first, last, true);
  for (let i = mapping.nextPage(first); i >= 0 && i <= last; i = mapping.nextPage(i + 1)) removePage(m, mapping, i);
}

/** Bytes from..to (exclusive), within one page or several, become zeros where they are cached. */
export function zeroRange(mapping: AddressSpace, from: number, to: number): void {
  for (let at = from; at < to; ) {
    const index = Math.floor(at / PAGE);
    const off = at - index * PAGE;
    const n = Math.min(PAGE - off, to - at);
    const d = mapping.lookup(index) === 0 ? null : mapping.data(index);
    if (d !== null && d !== 0) {
      if (n === PAGE) mapping.setData(index, null);
      else if (mapping.contents === CONTENTS_FULL) mapping.bytes(index, off).fill(0, off, off + n);
    }
    at += n;
  }
}

/** Clean pages that nobody maps leave the cache (drop_caches, POSIX_FADV_DONTNEED). Pages dropped. */
export function invalidateClean(m: MmSystem, mapping: AddressSpace, first: number, last: number): number {
  const { flags, mapcount, refcount } = m.frames;
  let n = 0;
  for (let i = mapping.nextPage(first); i >= 0 && i <= last; i = mapping.nextPage(i + 1)) {
    const pfn = mapping.lookup(i);
    if (
      (flags[pfn] & (PG_DIRTY | PG_WRITEBACK | PG_UNEVICTABLE | PG_SWAPBACKED)) !== 0 ||
      mapcount[pfn] > 0 ||
      refcount[pfn] > 1
    )
      continue;
    removePage(m, mapping, i);
    n++;
  }
  return n;
}

/** The inode goes: all its pages are freed, its number too. */
export function dropMapping(m: MmSystem, mapping: AddressSpace): void {
  removeRange(m, mapping, 0, Number.MAX_SAFE_INTEGER);
  if (mapping.id === 0) return;
  m.dropOwner(mapping.id);
  mapping.id = 0;
}

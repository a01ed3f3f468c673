/**
 * Regular files whose contents are in the page cache: read, write, seek, map, allocate. read(2), write(2), fallocate(2).
 *
 * `pos` is where the bytes go; the VFS has already put it at the end for O_APPEND.
 */
import { EFBIG, ENOMEM, ENOSPC, EOPNOTSUPP, EPERM, ETXTBSY } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, O_NOATIME } from "../abi/fcntl.js";
import { RLIMIT_FSIZE } from "../abi/resource.js";
import { F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_WRITE } from "../abi/seals.js";
import { SIGXFSZ } from "../abi/signal.js";
import type { Ctx } from "../kernel/ctx.js";
import type { AddressSpace } from "../mm/addressSpace.js";
import { filemapRead, filemapWrite, grabPage, removeRange, zeroRange } from "../mm/filemap.js";
import { PG_UPTODATE } from "../mm/frames.js";
import { ALLOC_NOSPC, ALLOC_WAIT } from "../mm/gfp.js";
import type { MmSystem } from "../mm/mmSystem.js";
import { WAIT, type Wait } from "../sys/types.js";
import { rlimit } from "../task/rlimits.js";
import { newsizeOk, removePrivs } from "./attr.js";
import { FileOps, FMODE_NOCMTIME, type OpenFile, readBuffer } from "./file.js";
import { type Inode, S_SWAPFILE } from "./inode.js";
import { changedAttr, fileUpdateTime, touchAtime } from "./inodeTime.js";
import { genericLlseek } from "./llseek.js";
import { loffAdd, loffHigh, loffLow, MAX_EXACT } from "./loff.js";

/** Seals of a memory file (memfd_create(2)); 0 for all others. */
export function sealsOf(inode: Inode): number {
  return inode.data === null ? 0 : ((inode.data as { seals?: number }).seals ?? 0);
}

export function genericRead(
  c: Ctx,
  file: OpenFile,
  count: number,
  pos: number,
  buf: Uint8Array | null,
): Uint8Array | Wait {
  const { inode } = file;
  const left = inode.size - pos;
  if (left <= 0 || count === 0) return readBuffer(buf, 0);
  const r = filemapRead(c.k, inode.mapping as AddressSpace, pos, Math.min(left, count), buf, c);
  if (r !== WAIT && (file.flags & O_NOATIME) === 0) touchAtime(file.mnt, inode);
  return r;
}

/** How many of `count` bytes may be written at `pos`. EFBIG (with SIGXFSZ at the limit of the process), ETXTBSY. */
export function writeChecks(c: Ctx, inode: Inode, pos: number, count: number): number {
  if ((inode.flags & S_SWAPFILE) !== 0) fail(ETXTBSY);
  const limit = rlimit(c.task, RLIMIT_FSIZE);
  if (pos + count > limit) {
    if (pos >= limit) {
      c.k.signals.sendTask(c.task, SIGXFSZ);
      return fail(EFBIG);
    }
    count = limit - pos;
  }
  const { maxBytes } = inode.sb;
  if (pos + count > maxBytes) {
    if (pos >= maxBytes) return fail(EFBIG);
    count = maxBytes - pos;
  }
  return count;
}

export function genericWrite(c: Ctx, file: OpenFile, data: Uint8Array, pos: number): number | Wait {
  if (data.length === 0) return 0;
  const { inode } = file;
  let len = writeChecks(c, inode, pos, data.length);
  removePrivs(c, file.dentry);
  const seals = sealsOf(inode);
  if (seals !== 0) {
    if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) fail(EPERM);
    if ((seals & F_SEAL_GROW) !== 0 && pos + len > inode.size) {
      // page by page: the first that does not end within the file fails
      const end = Math.floor(inode.size / 4096) * 4096;
      if (pos >= end) fail(EPERM);
      len = end - pos;
    }
  }
  const mapping = inode.mapping as AddressSpace;
  const { aOps } = mapping;
  let n: number | Wait;
  if (aOps.writeBegin === undefined && aOps.balanceDirty === undefined && aOps.readFolio === undefined) {
    n = filemapWrite(c, mapping, pos, data, 0, len);
    if (n === WAIT) return WAIT;
    if ((n as number) > 0 && pos + (n as number) > inode.size) raiseSize(inode, pos, n as number);
  } else {
    // it may sleep between pages: others see the file grow
    n = filemapWrite(c, mapping, pos, data, 0, len, (done) => {
      if (pos + done > inode.size) raiseSize(inode, pos, done);
    });
    if (n === WAIT) return WAIT;
  }
  if ((n as number) < 0) return fail(-(n as number));
  if ((file.mode & FMODE_NOCMTIME) === 0) fileUpdateTime(inode);
  return n;
}

/** The file ends n bytes behind `pos`. */
function raiseSize(inode: Inode, pos: number, n: number): void {
  const size = pos + n;
  if (size > MAX_EXACT) {
    const exact = loffAdd(pos, n);
    inode.size = loffHigh(exact);
    inode.sizeLow = loffLow(exact);
  } else {
    inode.size = size;
    inode.sizeLow = 0;
  }
}

/** Whole pages of a range leave the cache, parts of pages become zeros. */
export function punchPages(m: MmSystem, mapping: AddressSpace, from: number, to: number): void {
  const first = Math.ceil(from / 4096);
  const last = Math.floor(to / 4096) - 1;
  if (first > last + 1) {
    zeroRange(mapping, from, to);
    return;
  }
  removeRange(m, mapping, first, last);
  zeroRange(mapping, from, first * 4096);
  zeroRange(mapping, (last + 1) * 4096, to);
}

/** fallocate(2) of memory file systems: makes the pages and extends the file, or punches a hole. EOPNOTSUPP other modes, EFBIG, ENOSPC, EPERM. */
export function genericFallocate(
  c: Ctx,
  file: OpenFile,
  mode: number,
  offset: number,
  length: number,
): Wait | undefined {
  if (mode !== 0 && mode !== FALLOC_FL_KEEP_SIZE && mode !== (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
    fail(EOPNOTSUPP);
  const { inode } = file;
  const m = c.k.mm;
  const mapping = inode.mapping as AddressSpace;
  const end = offset + length;
  if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0) {
    if ((sealsOf(inode) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) fail(EPERM);
    punchPages(m, mapping, offset, end);
    changedAttr(inode);
    return undefined;
  }
  newsizeOk(c, inode, end);
  if ((sealsOf(inode) & F_SEAL_GROW) !== 0 && end > inode.size) fail(EPERM);
  const first = Math.floor(offset / 4096);
  const last = Math.ceil(end / 4096) - 1;
  const f = c.part("fallocate", () => ({ made: [] as number[] }));
  for (let i = first; i <= last; i++) {
    const there = mapping.lookup(i);
    if (there !== 0) {
      m.frames.flags[there] |= PG_UPTODATE;
      continue;
    }
    const pfn = grabPage(m, c, mapping, i, null);
    if (pfn === ALLOC_WAIT) return WAIT;
    if (pfn <= 0) {
      // all or nothing
      for (const made of f.made) removeRange(m, mapping, made, made);
      return fail(pfn === ALLOC_NOSPC ? ENOSPC : ENOMEM);
    }
    // room is reserved, nothing is there: SEEK_DATA skips it
    m.frames.flags[pfn] &= ~PG_UPTODATE;
    f.made.push(i);
  }
  c.endPart("fallocate");
  removePrivs(c, file.dentry);
  if (mode === 0 && end > inode.size) raiseSize(inode, offset, length);
  changedAttr(inode);
  return undefined;
}

export const regularFileOps: FileOps = /* @__PURE__ */ new FileOps({
  read: genericRead,
  write: genericWrite,
  llseek: genericLlseek,
  // everything mm needs is the inode's page cache
  mmap: () => {},
  fsync: () => undefined,
  fallocate: genericFallocate,
});

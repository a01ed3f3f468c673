/** fallocate(2) of disk file systems: preallocation, holes, zeros, and moving what is behind a range. */
import {
  type AddressSpace,
  ALLOC_WAIT,
  type Ctx,
  changedAttr,
  EFBIG,
  EINVAL,
  ENOMEM,
  ENOSPC,
  EOPNOTSUPP,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_NO_HIDE_STALE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  fail,
  grabPage,
  type Inode,
  newsizeOk,
  type OpenFile,
  punchPages,
  readPage,
  removeRange,
  TAG_DIRTY,
  TAG_WRITEBACK,
  TASK_UNINTERRUPTIBLE,
  WAIT,
  type Wait,
  zeroRange,
} from "@kernelkit/core";
import { waitStable } from "../cache/stable.js";
import { markInodeDirty } from "../flush/inodeState.js";
import { writeAndWaitRange } from "../sync.js";
import { diskFs, type Writeback } from "../system.js";
import { BLOCK_NONE, BLOCK_UNWRITTEN, BLOCK_WRITTEN } from "./blockMap.js";
import { type DiskFs, freeBlocks, reserveBlock, wbInodeOf } from "./diskFs.js";
import { journalMapped } from "./journal.js";
import { I_DIRTY_DATASYNC, type WbInode } from "./wbInode.js";

const PAGE = 4096;

/** Pages of a range that are being written are waited for: true if there are none. */
export function settled(w: Writeback, c: Ctx, inode: Inode, first: number, last: number): boolean {
  const m = inode.mapping as AddressSpace;
  if (m.nextTagged(TAG_WRITEBACK, first, last) < 0) return true;
  c.sleep(wbInodeOf(w, inode).wb.dev.wait, undefined, TASK_UNINTERRUPTIBLE);
  return false;
}

/**
 * Bytes from..to of one page become zeros: in the cache, and from there on the disk. 0 or WAIT. What has no valid contents is left
 * alone: no block, or a preallocated one that nobody has written to.
 */
function zeroEdge(w: Writeback, c: Ctx, inode: Inode, from: number, to: number): 0 | Wait {
  if (from >= to) return 0;
  const m = inode.mapping as AddressSpace;
  const index = Math.floor(from / PAGE);
  const state = wbInodeOf(w, inode).map.state(index);
  if (state === BLOCK_NONE) return 0;
  const clean = !m.testTag(index, TAG_DIRTY) && !m.testTag(index, TAG_WRITEBACK);
  if (state === BLOCK_UNWRITTEN && clean && m.data(index) === null) return 0;
  const pfn = grabPage(c.k.mm, c, m, index, null);
  if (pfn === ALLOC_WAIT) return WAIT;
  if (pfn <= 0) return fail(ENOMEM);
  const r = readPage(c.k.mm, c, m, index, pfn);
  if (r === WAIT) return WAIT;
  if (r !== 0) return fail(r as number);
  if (waitStable(w, c, m, index, pfn) === WAIT) return WAIT;
  zeroRange(m, from, to);
  c.k.mm.setPageDirty(pfn);
  return 0;
}

/** The rest of the page in which the file ends (or is to end) at `size` becomes zeros, on the disk too. ext4_block_truncate_page(). */
export function zeroTail(w: Writeback, c: Ctx, inode: Inode, size: number): 0 | Wait {
  return zeroEdge(w, c, inode, size, Math.ceil(size / PAGE) * PAGE);
}

export function fallocate(
  w: Writeback,
  c: Ctx,
  file: OpenFile,
  mode: number,
  offset: number,
  length: number,
): Wait | undefined {
  const { inode } = file;
  const end = offset + length;
  if (end > inode.sb.maxBytes) return fail(EFBIG);
  const op = mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_NO_HIDE_STALE);
  switch (op) {
    case 0:
      return preallocate(w, c, inode, mode, offset, end);
    case FALLOC_FL_PUNCH_HOLE:
    case FALLOC_FL_ZERO_RANGE: {
      if (punch(w, c, inode, offset, end) === WAIT) return WAIT;
      if (op === FALLOC_FL_ZERO_RANGE) return preallocate(w, c, inode, mode, offset, end);
      changedAttr(inode);
      return undefined;
    }
    case FALLOC_FL_COLLAPSE_RANGE:
    case FALLOC_FL_INSERT_RANGE:
      return shift(w, c, inode, op === FALLOC_FL_INSERT_RANGE, offset, length);
    default:
      return fail(EOPNOTSUPP);
  }
}

/** Blocks for a range: not valid until they are written, or (FALLOC_FL_NO_HIDE_STALE) valid at once, with whatever they hold. */
function preallocate(w: Writeback, c: Ctx, inode: Inode, mode: number, offset: number, end: number): Wait | undefined {
  const fs = diskFs(inode.sb) as DiskFs;
  const wi = wbInodeOf(w, inode);
  const keep = (mode & FALLOC_FL_KEEP_SIZE) !== 0;
  const stale = (mode & FALLOC_FL_NO_HIDE_STALE) !== 0;
  if (!keep && end > inode.size) {
    newsizeOk(c, inode, end);
    if (zeroTail(w, c, inode, inode.size) === WAIT) return WAIT;
  }
  const last = Math.ceil(end / PAGE) - 1;
  const grow = (size: number): void => {
    if (keep || size <= inode.size) return;
    inode.size = size;
    wi.diskSize = size;
  };
  for (let i = Math.floor(offset / PAGE); i <= last; i++) {
    if (reserveBlock(fs, wi, i, stale ? BLOCK_WRITTEN : BLOCK_UNWRITTEN)) continue;
    // what could be had stays
    grow(i * PAGE);
    markInodeDirty(w, wi, I_DIRTY_DATASYNC);
    return fail(ENOSPC);
  }
  grow(end);
  markInodeDirty(w, wi, I_DIRTY_DATASYNC);
  changedAttr(inode);
  return undefined;
}

/** A range reads as zeros: whole pages lose their blocks, parts of pages are zeroed. */
function punch(w: Writeback, c: Ctx, inode: Inode, offset: number, end: number): 0 | Wait {
  const m = inode.mapping as AddressSpace;
  const first = Math.floor(offset / PAGE);
  if (!settled(w, c, inode, first, Math.ceil(end / PAGE) - 1)) return WAIT;
  const from = Math.ceil(offset / PAGE);
  const to = Math.floor(end / PAGE) - 1;
  const edges =
    from > to + 1
      ? [[offset, end]]
      : [
          [offset, Math.min(from * PAGE, end)],
          [Math.max((to + 1) * PAGE, offset), end],
        ];
  for (const [a, b] of edges) if (zeroEdge(w, c, inode, a, b) === WAIT) return WAIT;
  punchPages(c.k.mm, m, offset, end);
  const wi = wbInodeOf(w, inode);
  // what would have brought the disk's size with it is never written now
  if (end >= inode.size && offset <= inode.size) wi.diskSize = Math.max(wi.diskSize, inode.size);
  freeBlocks(diskFs(inode.sb) as DiskFs, wi, from, to);
  markInodeDirty(w, wi, I_DIRTY_DATASYNC);
  return 0;
}

/** FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE: what is behind moves down or up by whole blocks. */
function shift(w: Writeback, c: Ctx, inode: Inode, insert: boolean, offset: number, length: number): Wait | undefined {
  if (offset % PAGE !== 0 || length % PAGE !== 0) return fail(EINVAL);
  if (insert ? offset >= inode.size : offset + length >= inode.size) return fail(EINVAL);
  if (insert) {
    if (inode.size + length > inode.sb.maxBytes) return fail(EFBIG);
    newsizeOk(c, inode, inode.size + length);
  }
  const fs = diskFs(inode.sb) as DiskFs;
  const wi = wbInodeOf(w, inode);
  if (writeAndWaitRange(w, c, wi, 0, Number.POSITIVE_INFINITY, "shift") === WAIT) return WAIT;
  const at = offset / PAGE;
  const n = length / PAGE;
  removeRange(c.k.mm, inode.mapping as AddressSpace, at, Number.MAX_SAFE_INTEGER);
  if (!insert) freeBlocks(fs, wi, at, at + n - 1);
  const from = insert ? at : at + n;
  // the journal learns of it page by page: the old places, then the new ones
  const moved = [...wi.map.used(from, Number.POSITIVE_INFINITY)];
  for (const i of moved) journalMapped(fs, wi, i, -1, 0);
  wi.map.shift(from, insert ? n : -n);
  remap(
    fs,
    wi,
    moved.map((i) => i + (insert ? n : -n)),
  );
  inode.size += insert ? length : -length;
  wi.diskSize = inode.size;
  markInodeDirty(w, wi, I_DIRTY_DATASYNC);
  changedAttr(inode);
  return undefined;
}

function remap(fs: DiskFs, wi: WbInode, pages: readonly number[]): void {
  for (const i of pages) journalMapped(fs, wi, i, wi.map.block(i), wi.map.state(i));
}

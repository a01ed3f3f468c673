/**
 * The tables of a disk file system: what is written goes to the page cache and later, by requests that take time, to the device.
 * Documentation/filesystems/vfs; open(2), lseek(2), fsync(2).
 */
import {
  type AddressSpace,
  type AddressSpaceOps,
  ATTR_SIZE,
  type Ctx,
  EIO,
  ENOSPC,
  FileOps,
  FMODE_NOCMTIME,
  fail,
  filemapWrite,
  fileUpdateTime,
  genericLlseek,
  genericRead,
  type Iattr,
  type Inode,
  InodeOps,
  MS_I_VERSION,
  MS_LAZYTIME,
  memEvict,
  memStatfs,
  O_DSYNC,
  O_SYNC,
  type OpenFile,
  PG_UPTODATE,
  removePrivs,
  type SuperOps,
  simpleSetattr,
  TAG_DIRTY,
  WAIT,
  type Wait,
  writeChecks,
} from "@kernelkit/core";
import { beginRun, dirtyRun } from "../cache/dirtyRuns.js";
import { dirtyFolio, invalidate } from "../cache/pages.js";
import { waitStable } from "../cache/stable.js";
import { copyData } from "../device/contents.js";
import { markInodeDirty } from "../flush/inodeState.js";
import { unlist } from "../flush/ioList.js";
import { writePages } from "../flush/writePages.js";
import { syncFile } from "../sync.js";
import { diskFs, type Writeback } from "../system.js";
import { balanceDirtyPagesRatelimited } from "../throttle/balance.js";
import { BLOCK_DELAYED, BLOCK_NONE, BLOCK_UNWRITTEN, BLOCK_WRITTEN } from "./blockMap.js";
import { type DiskFs, freeBlocks, reserveBlock, wbInodeOf } from "./diskFs.js";
import { fallocate, settled, zeroTail } from "./fallocate.js";
import { journalEvicted } from "./journal.js";
import { I_DIRTY_DATASYNC, I_DIRTY_SYNC, I_DIRTY_TIME, type WbInode } from "./wbInode.js";

const PAGE = 4096;

const fsOf = (inode: Inode): DiskFs => diskFs(inode.sb) as DiskFs;

function addressSpaceOps(w: Writeback): AddressSpaceOps {
  const room = (m: AddressSpace, index: number): boolean => {
    const inode = m.host as Inode;
    const wi = wbInodeOf(w, inode);
    if (wi.map.state(index) !== BLOCK_NONE) return true;
    const fs = fsOf(inode);
    if (!reserveBlock(fs, wi, index, BLOCK_DELAYED)) return false;
    if (!fs.delalloc) markInodeDirty(w, wi, I_DIRTY_DATASYNC);
    return true;
  };
  return {
    name: "writeback",
    readFolio: (c, m, index) => readFolio(w, c, m, index),
    writeBegin: (c, m, index, pfn) => (room(m, index) ? waitStable(w, c, m, index, pfn) : ENOSPC),
    dirtyFolio: (_k, m, index, pfn) => dirtyFolio(w, m, index, pfn),
    beginRun: (c, m, index, n) => beginRun(w, c, m, index, n),
    dirtyRun: (_k, m, index, n, pfn) => dirtyRun(w, m, index, n, pfn),
    pageMkwrite(c, m, index, pfn) {
      if (!room(m, index)) return ENOSPC;
      if (waitStable(w, c, m, index, pfn) === WAIT) return WAIT;
      fileUpdateTime(m.host as Inode);
      return 0;
    },
    balanceDirty: (c, m) => balanceDirtyPagesRatelimited(w, c, m),
    invalidateFolio: (_k, m, index, pfn) => invalidate(w, m, index, pfn),
    writepage(_c, m, index) {
      const wi = wbInodeOf(w, m.host as Inode);
      writePages(w, wi, { tag: TAG_DIRTY, from: index, to: index, max: 1, journal: false });
      return 0;
    },
  };
}

/** What the disk has of a page: zeros where it has no valid block, EIO where it cannot be decoded. */
function readFolio(w: Writeback, c: Ctx, m: AddressSpace, index: number): number | Wait {
  const inode = m.host as Inode;
  const wi = wbInodeOf(w, inode);
  if (wi.map.state(index) !== BLOCK_WRITTEN) {
    m.setData(index, null);
    return 0;
  }
  const fs = fsOf(inode);
  const { dev } = fs;
  if (dev.readBps !== Number.POSITIVE_INFINITY && !dev.lost) {
    const f = c.part<{ at: number }>("readFolio", () => ({ at: w.block.readDone(dev, 1) }));
    if (c.now < f.at) return c.sleep(null, f.at, 2);
    c.endPart("readFolio");
  }
  const block = wi.map.block(index);
  if (dev.lost || fs.undecodable.has(block)) return EIO;
  m.setData(index, copyData(dev.read(block) ?? null));
  return 0;
}

function setattr(w: Writeback, c: Ctx, inode: Inode, a: Iattr): Wait | undefined {
  const sized = (a.valid & ATTR_SIZE) !== 0 && inode.mapping !== null;
  const old = inode.size;
  const first = Math.ceil(a.size / PAGE);
  if (sized) {
    if (a.size < old && !settled(w, c, inode, Math.floor(a.size / PAGE), Number.MAX_SAFE_INTEGER)) return WAIT;
    if (zeroTail(w, c, inode, Math.min(a.size, old)) === WAIT) return WAIT;
  }
  simpleSetattr(c, inode, a);
  if (!sized) return undefined;
  const wi = wbInodeOf(w, inode);
  // blocks beyond the end go, preallocated ones too
  if (a.size <= old) freeBlocks(fsOf(inode), wi, first, Number.POSITIVE_INFINITY);
  wi.diskSize = inode.size;
  markInodeDirty(w, wi, I_DIRTY_SYNC | I_DIRTY_DATASYNC);
  return undefined;
}

/** Data for SEEK_DATA: valid blocks, reservations, and of preallocated blocks those whose pages are in the cache, read or written. */
function isData(w: Writeback, wi: WbInode, m: AddressSpace, i: number): boolean {
  const b = wi.map.state(i);
  if (b !== BLOCK_UNWRITTEN) return b !== BLOCK_NONE;
  const pfn = m.lookup(i);
  return pfn !== 0 && (w.k.mm.frames.flags[pfn] & PG_UPTODATE) !== 0;
}

function inodeOps(w: Writeback): InodeOps {
  return new InodeOps({
    setattr: (c, inode, a) => setattr(w, c, inode, a),
    getattr(_c, inode, st) {
      st.blocks = inode.blocks + (w.of(inode)?.map.count ?? 0) * 8;
    },
    seekHole(_c, inode, at, data) {
      const wi = wbInodeOf(w, inode);
      const m = inode.mapping as AddressSpace;
      const { size } = inode;
      let i = Math.floor(at / PAGE);
      if (isData(w, wi, m, i) === data) return at;
      if (data) {
        for (const b of wi.map.used(i + 1, Number.POSITIVE_INFINITY))
          if (isData(w, wi, m, b)) return b * PAGE < size ? b * PAGE : -1;
        return -1;
      }
      while (isData(w, wi, m, i) && i * PAGE < size) i++;
      return Math.min(i * PAGE, size);
    },
  });
}

/** What a write that sleeps keeps. */
interface WriteFrame {
  /** Bytes to write, bytes written (-1: not all are in the cache). */
  len: number;
  done: number;
  /** Where the file ended, if the write leaves a gap behind the page of that end, which is to be zeros; else -1. */
  tail: number;
}

/** Does a write at `pos` leave a gap that begins within an earlier page? The old size, or -1. */
function gapBefore(inode: Inode, pos: number): number {
  const { size } = inode;
  return pos > size && size % PAGE !== 0 && Math.floor(size / PAGE) < Math.floor(pos / PAGE) ? size : -1;
}

function write(w: Writeback, c: Ctx, file: OpenFile, data: Uint8Array, pos: number): number | Wait {
  if (data.length === 0) return 0;
  const { inode } = file;
  const held = (c.task.frame as { diskWrite?: WriteFrame } | null)?.diskWrite;
  let len = held === undefined ? -1 : held.len;
  let done = held === undefined ? -1 : held.done;
  let tail = held === undefined ? gapBefore(inode, pos) : held.tail;
  const wi = wbInodeOf(w, inode);
  if (len < 0) {
    len = writeChecks(c, inode, pos, data.length);
    removePrivs(c, file.dentry);
    if ((file.mode & FMODE_NOCMTIME) === 0) fileUpdateTime(inode);
  }
  const sleeping = (): Wait => {
    const f = c.part<WriteFrame>("diskWrite", () => ({ len, done, tail }));
    f.done = done;
    f.tail = tail;
    return WAIT;
  };
  if (done < 0) {
    const n = filemapWrite(c, inode.mapping as AddressSpace, pos, data, 0, len, (sofar) => {
      if (pos + sofar > inode.size) grow(w, wi, pos + sofar);
    });
    if (n === WAIT) return sleeping();
    if ((n as number) < 0) return fail(-(n as number));
    done = n as number;
  }
  if (tail >= 0) {
    if (zeroTail(w, c, inode, tail) === WAIT) return sleeping();
    tail = -1;
  }
  if ((file.flags & O_DSYNC) !== 0) {
    const datasync = (file.flags & O_SYNC) !== O_SYNC;
    if (syncFile(w, c, file, wi, pos, pos + done - 1, datasync, "osync") === WAIT) return sleeping();
  }
  if (held !== undefined) c.endPart("diskWrite");
  return done;
}

/** The file got longer. Without delayed allocation the disk's size follows at once. */
function grow(w: Writeback, wi: WbInode, size: number): void {
  wi.inode.size = size;
  if (!fsOf(wi.inode).delalloc) wi.diskSize = size;
  markInodeDirty(w, wi, I_DIRTY_SYNC | I_DIRTY_DATASYNC);
}

function superOps(w: Writeback): SuperOps {
  return {
    statfs: memStatfs,
    evict(inode) {
      const wi = w.of(inode);
      if (wi !== null) {
        const fs = fsOf(inode);
        freeBlocks(fs, wi, 0, Number.POSITIVE_INFINITY);
        journalEvicted(fs, inode);
        fs.journal.running.inodes.delete(wi);
        unlist(wi);
      }
      memEvict(inode);
    },
    dirtyInode(inode, flags) {
      if (inode.mapping === null) return;
      const lazy = (inode.sb.flags & MS_LAZYTIME) !== 0;
      markInodeDirty(w, wbInodeOf(w, inode), flags === I_DIRTY_TIME && !lazy ? I_DIRTY_SYNC : flags);
    },
    showOptions: (sb) => ((sb.flags & MS_I_VERSION) !== 0 ? ",i_version" : ""),
  };
}

/** The tables of one kernel. */
export interface DiskFsOps {
  readonly aOps: AddressSpaceOps;
  readonly iops: InodeOps;
  readonly fops: FileOps;
  readonly sops: SuperOps;
}

export function diskFsOps(w: Writeback): DiskFsOps {
  const fops = new FileOps({
    read: genericRead,
    write: (c, file, data, pos) => write(w, c, file, data, pos),
    llseek: genericLlseek,
    mmap: () => {},
    fsync: (c, file, start, end, datasync) =>
      syncFile(w, c, file, wbInodeOf(w, file.inode), start, end, datasync, "fsync"),
    fallocate: (c, file, mode, offset, length) => fallocate(w, c, file, mode, offset, length),
  });
  return { aOps: addressSpaceOps(w), iops: inodeOps(w), fops, sops: superOps(w) };
}

/**
 * The file system layer over disks: what is written goes to the page cache and later, by requests that take time, to the device.
 * Blocks are reserved when a page is first written and allocated when it is written back; holes have none. fallocate(2), lseek(2).
 */
import {
  type AddressSpace,
  type AddressSpaceOps,
  ATTR_SIZE,
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
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  FileOps,
  FMODE_NOCMTIME,
  fail,
  filemapWrite,
  fileUpdateTime,
  genericLlseek,
  genericRead,
  grabPage,
  type Iattr,
  type Inode,
  InodeOps,
  MS_I_VERSION,
  MS_LAZYTIME,
  memEvict,
  memFs,
  memStatfs,
  newsizeOk,
  O_DSYNC,
  type OpenFile,
  punchPages,
  readPage,
  removePrivs,
  removeRange,
  type SuperOps,
  simpleSetattr,
  TAG_DIRTY,
  TAG_WRITEBACK,
  TASK_UNINTERRUPTIBLE,
  WAIT,
  type Wait,
  writeChecks,
  zeroRange,
} from "@kernelkit/core";
import type { Writeback } from "./system.js";
import {
  BLOCK_DELAYED,
  BLOCK_UNWRITTEN,
  BLOCK_WRITTEN,
  I_DIRTY_DATASYNC,
  I_DIRTY_SYNC,
  type WbInode,
} from "./wbState.js";

const PAGE = 4096;
const I_DIRTY_TIME = 0x800;

/** The tables of one kernel. */
export interface DiskFsOps {
  readonly aOps: AddressSpaceOps;
  readonly iops: InodeOps;
  readonly fops: FileOps;
  readonly sops: SuperOps;
}

/** `inode` gives the writeback state of an inode, made at first use. */
export function diskFsOps(w: Writeback, stateOf: (inode: Inode) => WbInode): DiskFsOps {
  /** Room for a page that has none. 0 or ENOSPC. */
  const reserve = (inode: Inode, index: number, kind: number): number => {
    const { blocks } = stateOf(inode);
    if (blocks.has(index)) return 0;
    const fs = memFs(inode.sb);
    if (fs.usedBlocks >= fs.maxBlocks) return ENOSPC;
    fs.usedBlocks++;
    blocks.set(index, kind);
    return 0;
  };
  const free = (wi: WbInode, first: number, last: number): void => {
    for (const i of [...wi.blocks.keys()]) {
      if (i < first || i > last) continue;
      wi.blocks.delete(i);
      memFs(wi.inode.sb).usedBlocks--;
      for (const d of devicesOf(wi)) d.media.get(wi.inode.ino)?.delete(i);
    }
  };
  const devicesOf = (wi: WbInode) => (wi.wb.dev.mirror ? wi.wb.dev.legs : [wi.wb.dev]);

  const aOps: AddressSpaceOps = {
    name: "writeback",
    readFolio(_c, m, index) {
      const inode = m.host as Inode;
      const wi = stateOf(inode);
      const d = wi.blocks.get(index) === BLOCK_WRITTEN ? wi.wb.dev.read(inode.ino, index) : undefined;
      m.setData(index, d === undefined ? null : d !== null && typeof d === "object" ? d.slice() : d);
      return 0;
    },
    writeBegin(c, m, index, pfn) {
      const e = reserve(m.host as Inode, index, BLOCK_DELAYED);
      return e !== 0 ? e : w.waitStable(c, m, index, pfn);
    },
    dirtyFolio: (_k, m, index, pfn) => w.dirtyFolio(m, index, pfn),
    pageMkwrite(c, m, index, pfn) {
      const inode = m.host as Inode;
      const e = reserve(inode, index, BLOCK_DELAYED);
      if (e !== 0) return e;
      if (w.waitStable(c, m, index, pfn) === WAIT) return WAIT;
      fileUpdateTime(inode);
      return 0;
    },
    balanceDirty: (c, m) => w.balance(c, m),
    invalidateFolio: (_k, m, index, pfn) => w.invalidate(m, index, pfn),
    writepage(_c, m, index) {
      w.writePages(stateOf(m.host as Inode), TAG_DIRTY, index, index, 1);
      return 0;
    },
  };

  /** Pages of a range that are being written are waited for. */
  const settled = (c: Ctx, inode: Inode, first: number, last: number): boolean => {
    const m = inode.mapping as AddressSpace;
    if (m.nextTagged(TAG_WRITEBACK, first, last) < 0) return true;
    c.sleep(stateOf(inode).wb.dev.wait, undefined, TASK_UNINTERRUPTIBLE);
    return false;
  };

  /** Bytes from..to become zeros: cached pages at once, the ends through the cache. */
  const zeroEdge = (c: Ctx, inode: Inode, from: number, to: number): void => {
    if (from >= to) return;
    const m = inode.mapping as AddressSpace;
    const index = Math.floor(from / PAGE);
    if (!stateOf(inode).blocks.has(index)) return;
    const pfn = grabPage(c.k.mm, c, m, index, null);
    if (pfn <= 0) return fail(ENOMEM);
    readPage(c.k.mm, c, m, index, pfn);
    zeroRange(m, from, to);
    c.k.mm.setPageDirty(pfn);
  };

  const dirty = (inode: Inode, flags: number): void => w.markDirty(stateOf(inode), flags);

  function setattr(c: Ctx, inode: Inode, a: Iattr): Wait | undefined {
    const shrink = (a.valid & ATTR_SIZE) !== 0 && a.size < inode.size;
    const first = Math.ceil(a.size / PAGE);
    if (shrink && inode.mapping !== null && !settled(c, inode, first, Number.MAX_SAFE_INTEGER)) return WAIT;
    const old = inode.size;
    simpleSetattr(c, inode, a);
    if ((a.valid & ATTR_SIZE) !== 0 && inode.mapping !== null) {
      // blocks beyond the end go, preallocated ones too
      if (a.size <= old) free(stateOf(inode), first, Number.POSITIVE_INFINITY);
      if (shrink) zeroEdge(c, inode, a.size, Math.min(first * PAGE, old));
    }
    return undefined;
  }

  const isData = (wi: WbInode, m: AddressSpace, i: number): boolean => {
    const b = wi.blocks.get(i);
    if (b === undefined) return false;
    return b !== BLOCK_UNWRITTEN || m.testTag(i, TAG_DIRTY) || m.testTag(i, TAG_WRITEBACK);
  };

  const iops = new InodeOps({
    setattr,
    getattr(_c, inode, st) {
      st.blocks = inode.blocks + (w.of(inode)?.blocks.size ?? 0) * 8;
    },
    seekHole(_c, inode, at, data) {
      const wi = stateOf(inode);
      const m = inode.mapping as AddressSpace;
      const { size } = inode;
      let i = Math.floor(at / PAGE);
      if (data) {
        if (isData(wi, m, i)) return at;
        let next = Number.POSITIVE_INFINITY;
        for (const b of wi.blocks.keys()) if (b > i && b < next && isData(wi, m, b)) next = b;
        return next * PAGE < size ? next * PAGE : -1;
      }
      if (!isData(wi, m, i)) return at;
      while (isData(wi, m, i) && i * PAGE < size) i++;
      return Math.min(i * PAGE, size);
    },
  });

  /** Data of a range, and the error that this description has not seen. */
  function syncFile(c: Ctx, file: OpenFile, from: number, to: number, key: string): Wait | undefined {
    const wi = stateOf(file.inode);
    if (w.syncRange(c, wi, Math.floor(from / PAGE), Math.floor(to / PAGE), key) === WAIT) return WAIT;
    const e = w.advanceErr(file.inode.mapping as AddressSpace, file, false);
    return e !== 0 ? fail(-e) : undefined;
  }

  function write(c: Ctx, file: OpenFile, data: Uint8Array, pos: number): number | Wait {
    if (data.length === 0) return 0;
    const { inode } = file;
    const held = (c.task.frame as { diskWrite?: { len: number; done: number } } | null)?.diskWrite;
    let len = held?.len ?? -1;
    let done = held?.done ?? -1;
    if (len < 0) {
      len = writeChecks(c, inode, pos, data.length);
      removePrivs(c, file.dentry);
      stateOf(inode);
      if ((file.mode & FMODE_NOCMTIME) === 0) fileUpdateTime(inode);
    }
    const sleeping = (): Wait => {
      Object.assign(
        c.part("diskWrite", () => ({ len, done })),
        { len, done },
      );
      return WAIT;
    };
    if (done < 0) {
      const n = filemapWrite(c, inode.mapping as AddressSpace, pos, data, 0, len, (sofar) => {
        if (pos + sofar <= inode.size) return;
        inode.size = pos + sofar;
        dirty(inode, I_DIRTY_SYNC | I_DIRTY_DATASYNC);
      });
      if (n === WAIT) return sleeping();
      if ((n as number) < 0) return fail(-(n as number));
      done = n as number;
    }
    if ((file.flags & O_DSYNC) !== 0 && syncFile(c, file, pos, pos + done - 1, "osync") === WAIT) return sleeping();
    if (held !== undefined) c.endPart("diskWrite");
    return done;
  }

  function fallocate(c: Ctx, file: OpenFile, mode: number, offset: number, length: number): Wait | undefined {
    const { inode } = file;
    const m = inode.mapping as AddressSpace;
    const wi = stateOf(inode);
    const end = offset + length;
    const first = Math.floor(offset / PAGE);
    const last = Math.ceil(end / PAGE) - 1;
    if (end > inode.sb.maxBytes) return fail(EFBIG);
    const op = mode & ~FALLOC_FL_KEEP_SIZE;
    const keep = (mode & FALLOC_FL_KEEP_SIZE) !== 0;
    if (op !== 0 && op !== FALLOC_FL_PUNCH_HOLE && op !== FALLOC_FL_ZERO_RANGE) {
      if (op !== FALLOC_FL_COLLAPSE_RANGE && op !== FALLOC_FL_INSERT_RANGE) {
        return fail(EOPNOTSUPP);
      }
      return shift(c, file, op === FALLOC_FL_INSERT_RANGE, offset, length);
    }
    if (op !== 0) {
      if (!settled(c, inode, first, last)) return WAIT;
      const from = Math.ceil(offset / PAGE);
      const to = Math.floor(end / PAGE) - 1;
      if (from > to + 1) zeroEdge(c, inode, offset, end);
      else {
        zeroEdge(c, inode, offset, Math.min(from * PAGE, end));
        if ((to + 1) * PAGE > offset) zeroEdge(c, inode, (to + 1) * PAGE, end);
      }
      punchPages(c.k.mm, m, offset, end);
      free(wi, from, to);
      if (op === FALLOC_FL_PUNCH_HOLE) {
        changedAttr(inode);
        return undefined;
      }
    }
    if (!keep && end > inode.size) newsizeOk(c, inode, end);
    for (let i = first; i <= last; i++) {
      if (reserve(inode, i, BLOCK_UNWRITTEN) === 0) continue;
      // what could be had stays
      if (!keep && i * PAGE > inode.size) inode.size = i * PAGE;
      return fail(ENOSPC);
    }
    if (!keep && end > inode.size) inode.size = end;
    changedAttr(inode);
    return undefined;
  }

  /** FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE: what is behind moves down or up by whole blocks. */
  function shift(c: Ctx, file: OpenFile, insert: boolean, offset: number, length: number): Wait | undefined {
    const { inode } = file;
    if (offset % PAGE !== 0 || length % PAGE !== 0) return fail(EINVAL);
    if (insert ? offset >= inode.size : offset + length >= inode.size) return fail(EINVAL);
    if (insert) {
      if (inode.size + length > inode.sb.maxBytes) return fail(EFBIG);
      newsizeOk(c, inode, inode.size + length);
    }
    const wi = stateOf(inode);
    if (w.syncRange(c, wi, 0, Number.POSITIVE_INFINITY, "shift") === WAIT) return WAIT;
    const at = offset / PAGE;
    const n = length / PAGE;
    removeRange(c.k.mm, inode.mapping as AddressSpace, at, Number.MAX_SAFE_INTEGER);
    if (!insert) free(wi, at, at + n - 1);
    const from = insert ? at : at + n;
    const by = insert ? n : -n;
    const move = <T>(map: Map<number, T>): void => {
      const moved = [...map].filter(([i]) => i >= from);
      for (const [i] of moved) map.delete(i);
      for (const [i, v] of moved) map.set(i + by, v);
    };
    move(wi.blocks);
    for (const d of devicesOf(wi)) {
      const pages = d.media.get(inode.ino);
      if (pages !== undefined) move(pages);
    }
    inode.size += insert ? length : -length;
    changedAttr(inode);
    return undefined;
  }

  const fops = new FileOps({
    read: genericRead,
    write,
    llseek: genericLlseek,
    mmap: () => {},
    fsync: (c, file, start, end) => syncFile(c, file, start, end, "fsync"),
    fallocate,
  });

  const sops: SuperOps = {
    statfs: memStatfs,
    evict(inode) {
      const wi = w.of(inode);
      if (wi !== null) {
        free(wi, 0, Number.POSITIVE_INFINITY);
        if (wi.listed) wi.wb.dirty.splice(wi.wb.dirty.indexOf(wi), 1);
        wi.listed = false;
      }
      memEvict(inode);
    },
    dirtyInode(inode, flags) {
      if (inode.mapping === null) return;
      dirty(inode, flags === I_DIRTY_TIME && (inode.sb.flags & MS_LAZYTIME) === 0 ? I_DIRTY_SYNC : flags);
    },
    showOptions: (sb) => ((sb.flags & MS_I_VERSION) !== 0 ? ",i_version" : ""),
  };
  return { aOps, iops, fops, sops };
}

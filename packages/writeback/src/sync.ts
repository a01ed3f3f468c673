/**
 * Waiting for data: fsync(2), fdatasync(2), O_SYNC, sync(2), syncfs(2), sync_file_range(2), and who is told of a failed write - each
 * open file description once.
 */
import {
  type AddressSpace,
  type Ctx,
  EINVAL,
  EIO,
  ESPIPE,
  fail,
  int,
  NR_FILE_DIRTY,
  type OpenFile,
  S_IFBLK,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
  TAG_DIRTY,
  TAG_TOWRITE,
  TAG_WRITEBACK,
  TASK_UNINTERRUPTIBLE,
  WAIT,
  type Wait,
} from "@kernelkit/core";
import { LONG_MAX } from "./control/constants.js";
import { errseqCheckAndAdvance } from "./errseq.js";
import { queueWork } from "./flush/flusher.js";
import { settle } from "./flush/inodeState.js";
import { type Wb, WbWork } from "./flush/wb.js";
import { writePages } from "./flush/writePages.js";
import type { DiskFs } from "./fs/diskFs.js";
import { journalCommitted } from "./fs/journal.js";
import type { WbInode } from "./fs/wbInode.js";
import { diskFs, type Writeback } from "./system.js";
import { bandwidthEstimateStart, updateBandwidthIfDue } from "./throttle/bandwidth.js";

/** A 64-bit offset: beyond 2^53 a bigint, or a double that is rounded. */
export type Offset = number | bigint;

interface RangeFrame {
  tagged: boolean;
  /** All requests up to this one must end; -1: not all are sent off. */
  upTo: number;
}

/** Has a request of the file up to `upTo` that touches the range not ended? Later ones are not waited for. */
function busyUpTo(wi: WbInode, from: number, to: number, upTo: number): boolean {
  return wi.bios.some((b) => b.serial <= upTo && b.first <= to && b.first + b.n > from);
}

/** Write pages from..to that are dirty now and wait for them: 0 or WAIT. filemap_write_and_wait_range(). */
export function writeAndWaitRange(w: Writeback, c: Ctx, wi: WbInode, from: number, to: number, key: string): 0 | Wait {
  const m = wi.inode.mapping as AddressSpace;
  if (m.nrDirty === 0 && m.nrWriteback === 0) return 0;
  const f = c.part<RangeFrame>(key, () => ({ tagged: false, upTo: -1 }));
  if (!f.tagged) {
    bandwidthEstimateStart(w, wi.wb);
    m.tagRange(TAG_DIRTY, TAG_TOWRITE, from, to);
    f.tagged = true;
  }
  if (f.upTo < 0) {
    writePages(w, wi, { tag: TAG_TOWRITE, from, to, max: Number.POSITIVE_INFINITY, journal: false });
    if (m.nextTagged(TAG_TOWRITE, from, to) < 0) f.upTo = (diskFs(wi.inode.sb) as DiskFs).lastSerial;
  }
  if (f.upTo < 0 || busyUpTo(wi, from, to, f.upTo)) return c.sleep(wi.wb.dev.wait, undefined, TASK_UNINTERRUPTIBLE);
  c.endPart(key);
  updateBandwidthIfDue(w, wi.wb);
  settle(w, wi);
  return 0;
}

/** Tell a description of an error it has not seen: 0 or a negative errno. file_check_and_advance_wb_err(). */
export function advanceErr(w: Writeback, file: OpenFile, ofSuper: boolean): number {
  const owner = ofSuper ? file.inode.sb : (file.inode.mapping as AddressSpace);
  const p = { eseq: owner.wbErr, since: ofSuper ? file.sbErr : file.wbErr };
  const before = p.since;
  const e = errseqCheckAndAdvance(p);
  owner.wbErr = p.eseq;
  if (ofSuper) file.sbErr = p.since;
  else file.wbErr = p.since;
  if (!ofSuper && w.trace.advanceWbErr.on && before !== p.since) {
    const { dev } = file.inode.sb;
    const hex = (n: number): string => `0x${n.toString(16)}`;
    w.trace.advanceWbErr.emit(
      file.serial,
      `${Math.floor(dev / 256)}:${dev % 256}`,
      hex(file.inode.ino),
      hex(before),
      hex(p.since),
    );
  }
  return e;
}

/** fsync(2), fdatasync(2), a write through O_SYNC or O_DSYNC: data, then metadata, then the device's cache. Fails with what it must report. */
export function syncFile(
  w: Writeback,
  c: Ctx,
  file: OpenFile,
  wi: WbInode,
  start: number,
  end: number,
  datasync: boolean,
  key: string,
): Wait | undefined {
  const f = c.part<{ data: boolean }>(key, () => ({ data: false }));
  if (!f.data) {
    if (writeAndWaitRange(w, c, wi, Math.floor(start / 4096), Math.floor(end / 4096), `${key}Data`) === WAIT)
      return WAIT;
    f.data = true;
  }
  const fs = diskFs(file.inode.sb) as DiskFs;
  const safe = journalCommitted(w, c, fs, datasync ? wi.datasyncTid : wi.syncTid, `${key}Commit`);
  if (safe === WAIT) return WAIT;
  c.endPart(key);
  const e = advanceErr(w, file, false);
  if (e !== 0) return fail(-e);
  return safe !== 0 ? fail(EIO) : undefined;
}

/** Write everything of a device and wait for it: WAIT, or done. sync_filesystem(). */
export function syncFilesystem(w: Writeback, c: Ctx, fs: DiskFs, key: string): 0 | Wait {
  const f = c.part<{ stage: number; works: WbWork[]; upTo: number }>(key, () => ({ stage: 0, works: [], upTo: -1 }));
  const wbs = w.st.wbs.filter((wb) => wb.dev === fs.dev);
  for (; f.stage < 2; f.stage++) {
    if (f.works.length === 0) f.works = wbs.map((wb) => ask(w, wb, f.stage));
    for (const wb of wbs) {
      const work = f.works[wbs.indexOf(wb)];
      if (work !== undefined && !work.done) return c.sleep(wb.workDone, undefined, TASK_UNINTERRUPTIBLE);
    }
    f.works = [];
  }
  if (f.stage === 2) {
    if (f.upTo < 0) f.upTo = fs.lastSerial;
    if (fs.oldestSerial() <= f.upTo) return c.sleep(fs.dev.wait, undefined, TASK_UNINTERRUPTIBLE);
    f.stage = 3;
  }
  if (journalCommitted(w, c, fs, fs.journal.running.tid, `${key}Commit`) === WAIT) return WAIT;
  c.endPart(key);
  return 0;
}

function ask(w: Writeback, wb: Wb, stage: number): WbWork {
  const dirty = w.k.mm.read(NR_FILE_DIRTY) + wb.dirty.count;
  const work = new WbWork(stage === 0 ? dirty : LONG_MAX, stage, "sync", false, false, stage === 0);
  queueWork(w, wb, work);
  return work;
}

const KINDS: readonly number[] = [S_IFREG, S_IFBLK, S_IFDIR, S_IFLNK];
const MAX = 0x7fffffffffffffffn;

function exact(v: Offset): bigint {
  if (typeof v !== "number") return typeof v === "bigint" ? v : BigInt(int(v, "offset"));
  if (!Number.isInteger(v)) throw new TypeError(`offset: must be a whole number, not ${String(v)}`);
  return v >= 2 ** 63 ? MAX : BigInt(v);
}

/** sync_file_range(2). */
export function syncFileRange(w: Writeback, c: Ctx, fd: number, off: Offset, n: Offset, flags: number): number | Wait {
  const file: OpenFile = c.k.vfs.fget(c.task, fd);
  if ((flags & ~7) !== 0) return fail(EINVAL);
  const offset = exact(off);
  const length = exact(n);
  if (offset < 0n || length < 0n || offset + length > MAX) return fail(EINVAL);
  const { inode } = file;
  if (!KINDS.includes(inode.type)) return fail(ESPIPE);
  const wi = w.of(inode);
  const m = inode.mapping;
  if (m === null || flags === 0) return 0;
  const from = Math.floor(Number(offset) / 4096);
  const to = length === 0n ? Number.POSITIVE_INFINITY : Math.floor((Number(offset + length) - 1) / 4096);
  const f = c.part("syncFileRange", () => ({ stage: 0, tagged: false, at: from }));
  if (wi !== null) {
    const wait = (): Wait => c.sleep(wi.wb.dev.wait, undefined, TASK_UNINTERRUPTIBLE);
    const busy = (): boolean => m.nextTagged(TAG_WRITEBACK, from, to) >= 0;
    if (f.stage === 0) {
      if ((flags & 1) !== 0) {
        if (busy()) return wait();
        // an error of what was under way ends it: nothing is started
        const e = advanceErr(w, file, false);
        if (e !== 0) {
          c.endPart("syncFileRange");
          return fail(-e);
        }
      }
      f.stage = 1;
    }
    if (f.stage === 1 && (flags & 2) !== 0) {
      // all three: as fsync does, pages under writeback included
      if (flags === 7) {
        if (!f.tagged) m.tagRange(TAG_DIRTY, TAG_TOWRITE, from, to);
        f.tagged = true;
      }
      const r = {
        tag: flags === 7 ? TAG_TOWRITE : TAG_DIRTY,
        from: f.at,
        to,
        max: Number.POSITIVE_INFINITY,
        journal: false,
      };
      writePages(w, wi, r);
      if (flags !== 7) f.at = r.from;
      if (flags === 7 ? m.nextTagged(TAG_TOWRITE, from, to) >= 0 : r.from !== Number.POSITIVE_INFINITY) return wait();
    }
    f.stage = 2;
    if ((flags & 4) !== 0 && busy()) return wait();
  }
  c.endPart("syncFileRange");
  if ((flags & 5) === 0) return 0;
  const e = advanceErr(w, file, false);
  return e !== 0 ? fail(-e) : 0;
}

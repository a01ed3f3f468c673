/**
 * Flusher threads: works that were asked for, then all that a wake-up asked for, then old data, then the background. Kernel document
 * admin-guide/sysctl/vm (dirty_writeback_centisecs, dirty_expire_centisecs, dirty_background_ratio).
 */
import { type AddressSpace, type Ctx, NR_FILE_DIRTY, TAG_DIRTY, TAG_TOWRITE, WAIT, type Wait } from "@kernelkit/core";
import { devText } from "../cache/devText.js";
import { detachInode } from "../cgroup/foreign.js";
import { LONG_MAX, MIN_WRITEBACK_PAGES } from "../control/constants.js";
import {
  I_DIRTY,
  I_DIRTY_DATASYNC,
  I_DIRTY_PAGES,
  I_DIRTY_SYNC,
  I_DIRTY_TIME,
  I_SYNC,
  I_SYNC_QUEUED,
  type WbInode,
} from "../fs/wbInode.js";
import type { Writeback } from "../system.js";
import { bandwidthEstimateStart, updateBandwidthIfDue } from "../throttle/bandwidth.js";
import { wbOverBgThresh } from "../throttle/domains.js";
import { longText, stateText } from "../trace.js";
import { csTicks, markInodeDirty, moveTo, redirtyTail, wakeDelayed, wakeFlusher } from "./inodeState.js";
import { type IoList, unlist } from "./ioList.js";
import { InodePass, type Wb, WbWork } from "./wb.js";
import { writePages } from "./writePages.js";

/** Ask a flusher for something. wb_queue_work(). */
export function queueWork(w: Writeback, wb: Wb, work: WbWork): void {
  if (w.trace.queue.on) w.trace.queue.emit(wb.dev.bdi.name, work, wb.cgroupIno);
  wb.works.push(work);
  wakeFlusher(w, wb);
}

interface FlushFrame {
  /** The work at hand; where the round goes on: 0 works, 1 start all, 2 old data, 3 background. */
  work: WbWork | null;
  stage: number;
  pages: number;
}

/** One turn of a flusher. wb_workfn(). */
export function flush(w: Writeback, c: Ctx, wb: Wb): Wait | undefined {
  const f = c.part<FlushFrame>("flush", () => ({ work: null, stage: 0, pages: 0 }));
  wb.running = true;
  for (;;) {
    if (f.work === null) f.work = nextWork(w, wb, f);
    if (f.work === null) {
      if (w.trace.pagesWritten.on) w.trace.pagesWritten.emit(f.pages);
      f.pages = f.stage = 0;
      if (wb.works.length > 0) continue;
      break;
    }
    const n = wbWriteback(w, c, wb, f.work);
    if (n === WAIT) return WAIT;
    f.pages += n as number;
    f.work.done = true;
    if (wb.workDone.active) w.k.sched.wakeUp(wb.workDone);
    f.work = null;
  }
  wb.running = false;
  c.endPart("flush");
  if (wb.hasDirtyIo) wakeDelayed(w, wb);
  return undefined;
}

/** What is to be done next, in the round's order; null: the round is over. wb_do_writeback(). */
function nextWork(w: Writeback, wb: Wb, f: FlushFrame): WbWork | null {
  const { time, mm } = w.k;
  if (f.stage === 0) {
    const work = wb.works.shift();
    if (work !== undefined) {
      if (w.trace.exec.on) w.trace.exec.emit(wb.dev.bdi.name, work, wb.cgroupIno);
      return work;
    }
    f.stage = 1;
  }
  const dirty = (): number => mm.read(NR_FILE_DIRTY) + wb.dirty.count + wb.dirtyTime.count;
  if (f.stage === 1) {
    f.stage = 2;
    const reason = wb.startAll;
    wb.startAll = "";
    if (reason !== "" && dirty() > 0) {
      const work = new WbWork(dirty(), 0, reason);
      work.cyclic = true;
      return work;
    }
  }
  if (f.stage === 2) {
    f.stage = 3;
    const period = csTicks(w, w.st.knobs.dirtyWritebackCentisecs);
    if (period > 0 && time.ticks - wb.lastOldFlush >= period) {
      wb.lastOldFlush = time.ticks;
      if (dirty() > 0) return new WbWork(dirty(), 0, "periodic", true);
    }
  }
  if (f.stage === 3) {
    f.stage = 4;
    if (wbOverBgThresh(w, wb)) return new WbWork(LONG_MAX, 0, "background", false, true);
  }
  return null;
}

/** Passes over the dirty inodes until nothing more is to be done: pages started, or WAIT. wb_writeback(). */
function wbWriteback(w: Writeback, c: Ctx, wb: Wb, work: WbWork): number | Wait {
  const { trace } = w;
  const name = wb.dev.bdi.name;
  for (;;) {
    if (work.waitFor !== null) {
      if ((work.waitFor.state & I_SYNC) !== 0) return c.sleep(wb.dev.wait);
      work.waitFor = null;
    }
    if (!work.passing) {
      if (work.nrPages - work.written <= 0) break;
      if ((work.background || work.kupdate) && wb.works.length > 0) break;
      if (work.background && !wbOverBgThresh(w, wb)) break;
      if (trace.start.on) trace.start.emit(name, work, wb.cgroupIno);
      if (wb.io.empty) queueIo(w, wb, work);
      work.passing = true;
      work.sliceStartNs = w.k.now;
      work.progress = 0;
    }
    if (writebackInodes(w, c, wb, work) === WAIT) return WAIT;
    work.passing = false;
    if (trace.written.on) trace.written.emit(name, work, wb.cgroupIno);
    if (work.progress > 0) continue;
    const waiting: WbInode | null = wb.moreIo.tail;
    if (waiting === null || (waiting.state & I_SYNC) === 0) break;
    if (trace.wait.on) trace.wait.emit(name, work, wb.cgroupIno);
    work.waitFor = waiting;
  }
  return work.written;
}

/** Which inodes this pass takes: those that were left, then the dirty ones that are old enough. queue_io(). */
function queueIo(w: Writeback, wb: Wb, work: WbWork): void {
  const { ticks, hz } = w.k.time;
  const older = work.kupdate ? ticks - csTicks(w, w.st.knobs.dirtyExpireCentisecs) : ticks;
  const expire = work.tagged || work.syncMode === 1 ? ticks : ticks - w.st.knobs.dirtytimeExpireSeconds * hz;
  wb.io.spliceHead(wb.moreIo);
  const n =
    moveExpired(wb.dirty, wb.io, (wi) => wi.dirtiedWhen <= older) +
    moveExpired(wb.dirtyTime, wb.io, (wi) => wi.dirtiedTimeWhen <= expire);
  if (w.trace.queueIo.on)
    w.trace.queueIo.emit(
      wb.dev.bdi.name,
      older,
      Math.round(((ticks - older) * 1000) / hz),
      n,
      work.reason,
      wb.cgroupIno,
    );
}

function moveExpired(from: IoList, to: IoList, ripe: (wi: WbInode) => boolean): number {
  let n = 0;
  for (let wi = from.tail; wi !== null && ripe(wi); n++) {
    const prev: WbInode | null = wi.prev;
    wi.state |= I_SYNC_QUEUED;
    to.moveHead(wi);
    wi = prev;
  }
  return n;
}

/** Write inodes of b_io, the oldest first, until the pass has taken long enough. writeback_sb_inodes(). */
function writebackInodes(w: Writeback, c: Ctx, wb: Wb, work: WbWork): 0 | Wait {
  for (;;) {
    if (work.current === null) {
      const wi = wb.io.tail;
      if (wi === null) return 0;
      if ((wi.state & I_SYNC) !== 0) {
        if (work.syncMode === 1) return c.sleep(wb.dev.wait);
        moveTo(w, wi, wb.moreIo);
        if (w.trace.requeue.on)
          w.trace.requeue.emit(
            wb.dev.bdi.name,
            wi.inode.ino,
            stateText(wi.state),
            wi.dirtiedWhen,
            ageOf(w, wi),
            wb.cgroupIno,
          );
        continue;
      }
      begin(w, wb, work, wi);
    }
    const pass = work.current as unknown as InodePass;
    if (writeInode(w, c, wb, work, pass) === WAIT) return WAIT;
    work.current = null;
    work.written += pass.wrote;
    work.progress += pass.wrote;
    // the others get their turn: a pass is about 100 ms long
    if (work.progress > 0 && (w.k.now - work.sliceStartNs >= 1e8 || work.nrPages - work.written <= 0)) return 0;
  }
}

const ageOf = (w: Writeback, wi: WbInode): number => Math.floor((w.k.time.ticks - wi.dirtiedWhen) / w.k.time.hz);

/** Most pages of one inode at a time. writeback_chunk_size(). */
function chunkSize(w: Writeback, wb: Wb, work: WbWork): number {
  if (work.syncMode === 1 || work.tagged) return LONG_MAX;
  const pages = Math.min(
    Math.floor(wb.avgWriteBandwidth / 2),
    Math.floor(w.st.domain.dirtyLimit / 8),
    work.nrPages - work.written,
  );
  return Math.floor((pages + MIN_WRITEBACK_PAGES) / MIN_WRITEBACK_PAGES) * MIN_WRITEBACK_PAGES;
}

function begin(w: Writeback, wb: Wb, work: WbWork, wi: WbInode): void {
  const m = wi.inode.mapping as AddressSpace;
  const chunk = chunkSize(w, wb, work);
  const pass = new InodePass(wi, chunk, work.cyclic ? m.writebackIndex : 0, wi.state);
  work.current = pass;
  wi.state |= I_SYNC;
  if (w.trace.singleInodeStart.on) singleInode(w, wb, pass, w.trace.singleInodeStart, wi.state);
  bandwidthEstimateStart(w, wb);
  if (work.syncMode === 1 || work.tagged) m.tagRange(TAG_DIRTY, TAG_TOWRITE, 0, Number.POSITIVE_INFINITY);
}

function singleInode(w: Writeback, wb: Wb, p: InodePass, tp: Writeback["trace"]["singleInode"], state: number): void {
  const { wi } = p;
  const m = wi.inode.mapping as AddressSpace;
  const to = longText(p.nrToWrite);
  tp.emit(
    wb.dev.bdi.name,
    wi.inode.ino,
    stateText(state),
    wi.dirtiedWhen,
    ageOf(w, wi),
    m.writebackIndex,
    to,
    p.wrote,
    wb.cgroupIno,
  );
}

/** One inode's turn: its pages, then what is left of it, then its next place. writeback_single_inode(). */
function writeInode(w: Writeback, c: Ctx, wb: Wb, work: WbWork, p: InodePass): 0 | Wait {
  const { wi } = p;
  const m = wi.inode.mapping as AddressSpace;
  const whole = work.syncMode === 1 || work.tagged;
  const r = {
    tag: whole ? TAG_TOWRITE : TAG_DIRTY,
    from: p.at,
    to: Number.POSITIVE_INFINITY,
    max: p.nrToWrite - p.wrote,
    journal: false,
    last: -1,
  };
  const n = writePages(w, wi, r);
  p.wrote += n;
  p.at = r.from;
  if (work.cyclic) m.writebackIndex = r.from === Number.POSITIVE_INFINITY ? 0 : r.from;
  else if (n > 0) m.writebackIndex = r.last + 1;
  if (r.from !== Number.POSITIVE_INFINITY && p.wrote < p.nrToWrite) return c.sleep(wb.dev.wait);
  if (work.syncMode === 1 && m.nextTagged(TAG_TOWRITE, 0) >= 0) {
    // dirtied anew while under writeback: once more when that has ended
    p.at = 0;
    return c.sleep(wb.dev.wait);
  }
  updateBandwidthIfDue(w, wb);
  const dirty = wi.state & I_DIRTY;
  wi.state &= ~(dirty | I_SYNC);
  if (m.nrDirty > 0) wi.state |= I_DIRTY_PAGES;
  lazytime(w, work, wi);
  if ((dirty & (I_DIRTY_SYNC | I_DIRTY_DATASYNC)) !== 0) {
    const args = [wb.dev.bdi.name, wi.inode.ino, work.syncMode, wb.cgroupIno] as const;
    if (w.trace.writeInodeStart.on) w.trace.writeInodeStart.emit(...args);
    if (w.trace.writeInode.on) w.trace.writeInode.emit(...args);
  }
  if (w.trace.singleInode.on) singleInode(w, wb, p, w.trace.singleInode, p.state);
  requeue(w, p, whole);
  if (wb.dev.wait.active) w.k.sched.wakeUp(wb.dev.wait);
  if (wi.frn !== null) detachInode(w, wi);
  return 0;
}

/** Times that were only kept in memory are written after dirtytime_expire_seconds, and by sync(2). */
function lazytime(w: Writeback, work: WbWork, wi: WbInode): void {
  if ((wi.state & I_DIRTY_TIME) === 0) return;
  const old = w.k.time.ticks - wi.dirtiedTimeWhen >= w.st.knobs.dirtytimeExpireSeconds * w.k.time.hz;
  if (!old && work.syncMode !== 1 && !work.tagged && (wi.state & I_DIRTY) === 0) return;
  if (w.trace.lazytime.on) w.trace.lazytime.emit(...devText(wi));
  wi.state &= ~I_DIRTY_TIME;
  const queued = wi.state & I_SYNC_QUEUED;
  wi.state |= I_SYNC_QUEUED;
  markInodeDirty(w, wi, I_DIRTY_SYNC);
  wi.state = (wi.state & ~(I_SYNC_QUEUED | I_DIRTY_SYNC)) | queued;
}

/** Where the inode goes after its turn. requeue_inode(). */
function requeue(w: Writeback, p: InodePass, whole: boolean): void {
  const { wi } = p;
  const { wb } = wi;
  const m = wi.inode.mapping as AddressSpace;
  if ((wi.state & I_DIRTY) !== 0 && whole) wi.dirtiedWhen = w.k.time.ticks;
  if (m.nrDirty > 0) {
    if (p.wrote >= p.nrToWrite) {
      // its slice is used up: it goes on after the others
      moveTo(w, wi, wb.moreIo);
      return;
    }
    redirtyTail(w, wi);
  } else if ((wi.state & I_DIRTY) !== 0) redirtyTail(w, wi);
  else if ((wi.state & I_DIRTY_TIME) !== 0) {
    wi.state &= ~I_SYNC_QUEUED;
    wi.dirtiedWhen = w.k.time.ticks;
    moveTo(w, wi, wb.dirtyTime);
  } else {
    wi.state &= ~I_SYNC_QUEUED;
    unlist(wi);
  }
}

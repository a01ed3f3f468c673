/**
 * Dirty inodes and the lists they stand on. A dirty inode that is dirtied again keeps its time, so that it still expires. Kernel
 * document filesystems/vfs; comments of __mark_inode_dirty().
 */
import { devText } from "../cache/devText.js";
import { journalJoin } from "../fs/journal.js";
import { I_DIRTY, I_DIRTY_DATASYNC, I_DIRTY_SYNC, I_DIRTY_TIME, I_SYNC_QUEUED, type WbInode } from "../fs/wbInode.js";
import type { Writeback } from "../system.js";
import { stateText } from "../trace.js";
import { type IoList, unlist } from "./ioList.js";
import type { Wb } from "./wb.js";

const I_DIRTY_INODE = I_DIRTY_SYNC | I_DIRTY_DATASYNC;

/** Ticks of so many centiseconds. */
export function csTicks(w: Writeback, cs: number): number {
  return Math.floor((cs * w.k.time.hz) / 100);
}

/** Metadata, times or pages of an inode changed. __mark_inode_dirty(). */
export function markInodeDirty(w: Writeback, wi: WbInode, given: number): void {
  const { trace } = w;
  let flags = given;
  const name = wi.wb.dev.bdi.name;
  if (trace.markInodeDirty.on) trace.markInodeDirty.emit(name, wi.inode.ino, stateText(wi.state), stateText(flags));
  if ((flags & I_DIRTY_INODE) !== 0) {
    if (trace.dirtyInodeStart.on) trace.dirtyInodeStart.emit(name, wi.inode.ino, stateText(wi.state), stateText(flags));
    journalJoin(w, wi, flags);
    if (trace.dirtyInode.on) trace.dirtyInode.emit(name, wi.inode.ino, stateText(wi.state), stateText(flags));
    // times are written with the rest
    wi.state &= ~I_DIRTY_TIME;
    flags &= ~I_DIRTY_TIME;
  }
  const dirtytime = (flags & I_DIRTY_TIME) !== 0;
  if ((wi.state & flags) === flags || (dirtytime && (wi.state & I_DIRTY_INODE) !== 0)) return;
  const was = wi.state & I_DIRTY;
  wi.state |= flags;
  if (was !== 0 || (wi.state & I_SYNC_QUEUED) !== 0) return;
  wi.dirtiedWhen = w.k.time.ticks;
  if (dirtytime) wi.dirtiedTimeWhen = w.k.time.ticks;
  moveTo(w, wi, (wi.state & I_DIRTY) !== 0 ? wi.wb.dirty : wi.wb.dirtyTime);
  if (trace.enqueue.on) trace.enqueue.emit(...devText(wi));
}

/** To the head of a list of its wb; the first dirty inode arms the periodic look. inode_io_list_move_locked(). */
export function moveTo(w: Writeback, wi: WbInode, list: IoList): void {
  const { wb } = wi;
  const had = wb.hasDirtyIo;
  list.moveHead(wi);
  if (list === wb.dirtyTime) {
    const s = w.st.knobs.dirtytimeExpireSeconds;
    w.k.workqueue.queueDelayed(wb.queue, w.flushWork, wb, s * w.k.time.hz + 1);
  } else if (!had) wakeDelayed(w, wb);
}

/** The periodic look, unless it is armed. wb_wakeup_delayed(). */
export function wakeDelayed(w: Writeback, wb: Wb): void {
  const cs = w.st.knobs.dirtyWritebackCentisecs;
  if (cs === 0 || w.k.timers.pending(wb.dwork)) return;
  wb.dwork = w.k.workqueue.queueDelayed(wb.queue, w.flushWork, wb, Math.max(1, csTicks(w, Math.abs(cs))));
}

/** The flusher is to run now. wb_wakeup(). */
export function wakeFlusher(w: Writeback, wb: Wb): void {
  w.k.timers.del(wb.dwork);
  wb.dwork = -1;
  w.k.workqueue.queue(wb.queue, w.flushWork, wb);
}

/** Start the background's writing. wb_start_background_writeback(). */
export function startBackground(w: Writeback, wb: Wb): void {
  if (w.trace.wakeBackground.on) w.trace.wakeBackground.emit(wb.dev.bdi.name, wb.cgroupIno);
  wakeFlusher(w, wb);
}

/** All flushers that have something to write it. wakeup_flusher_threads(). */
export function wakeupFlusherThreads(w: Writeback, reason: string): void {
  for (const wb of w.st.wbs) {
    if (!wb.hasDirtyIo || wb.startAll !== "") continue;
    wb.startAll = reason;
    wakeFlusher(w, wb);
  }
}

/** Back to b_dirty: its time moves only as far as keeps the list sorted. redirty_tail(). */
export function redirtyTail(w: Writeback, wi: WbInode): void {
  wi.state &= ~I_SYNC_QUEUED;
  const { head } = wi.wb.dirty;
  if (head !== null && wi.dirtiedWhen < head.dirtiedWhen) wi.dirtiedWhen = w.k.time.ticks;
  moveTo(w, wi, wi.wb.dirty);
}

/** An inode with nothing left to write is on no list; one with dirty pages or metadata is on one. After fsync(2). */
export function settle(w: Writeback, wi: WbInode): void {
  if ((wi.inode.mapping?.nrDirty ?? 0) > 0 || (wi.state & I_SYNC_QUEUED) !== 0) return;
  wi.state &= ~I_DIRTY;
  if ((wi.state & I_DIRTY_TIME) !== 0) moveTo(w, wi, wi.wb.dirtyTime);
  else unlist(wi);
}

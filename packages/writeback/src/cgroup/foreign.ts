/**
 * Who dirties a file that several groups write: majority votes over the pages of each flusher's turn, weighted by the time they take. A
 * group that wins more than half of the last two seconds' slots gets the inode. Comments of fs/fs-writeback.c (wbc_detach_inode).
 */
import type { Css } from "@kernelkit/core";
import type { ForeignHistory, WbInode } from "../fs/wbInode.js";
import type { Writeback } from "../system.js";
import { switchWb, wbOf } from "./cgwb.js";

const TIME_SHIFT = 13;
const AVG_SHIFT = 3;
const CUT_DIV = 8;
const SLOTS = 16;
const UNIT = Math.floor((2 * 2 ** TIME_SHIFT) / SLOTS);
const THRESHOLD_SLOTS = SLOTS / 2;
const MAX_SLOTS = THRESHOLD_SLOTS / 2 + 1;

/** A page of the inode is sent off. wbc_account_cgroup_owner(). */
export function countOwner(w: Writeback, wi: WbInode, pfn: number): void {
  const { memcg } = w.k.contracts;
  if (memcg === undefined) return;
  const css = memcg.cssOfPage(pfn);
  const f = wi.frn as ForeignHistory;
  const root = css.parent === null;
  if (root ? wi.wb.css === null : css === wi.wb.css) {
    f.own++;
    return;
  }
  if (w.trace.trackForeign.on)
    w.trace.trackForeign.emit(wi.wb.dev.bdi.name, 0, wi.inode.ino, css.id, wi.wb.cgroupIno, css.cgroup.id);
  if (css.id === f.winner) {
    f.last++;
    f.lastCss = css;
  }
  if (f.votes === 0) f.candidate = css;
  f.votes += f.candidate === css ? 1 : -1;
}

const bits = (v: number): number => {
  let n = 0;
  for (let x = v & 0xffff; x !== 0; x &= x - 1) n++;
  return n;
};

/** The turn is over: who won it, and is that enough? wbc_detach_inode(). */
export function detachInode(w: Writeback, wi: WbInode): void {
  const f = wi.frn as ForeignHistory;
  const { own, last, lastCss, candidate, votes } = f;
  f.own = f.last = f.votes = 0;
  f.candidate = f.lastCss = null;
  let css: Css | null = null;
  let pages = own;
  if (own < Math.max(last, votes)) {
    css = last > votes ? lastCss : candidate;
    pages = Math.max(last, votes);
  }
  if (pages === 0) return;
  const time = Math.ceil((pages * 2 ** TIME_SHIFT) / wi.wb.avgWriteBandwidth);
  f.avgTime += f.avgTime === 0 ? time : (time >> AVG_SHIFT) - (f.avgTime >> AVG_SHIFT);
  if (time >= f.avgTime / CUT_DIV) {
    const slots = Math.min(Math.ceil(time / UNIT), MAX_SLOTS);
    f.history = (f.history << slots) & 0xffff;
    if (css !== null) f.history |= (1 << slots) - 1;
    if (f.history !== 0 && w.trace.foreignHistory.on)
      w.trace.foreignHistory.emit(wi.wb.dev.bdi.name, wi.inode.ino, wi.wb.cgroupIno, `0x${f.history.toString(16)}`);
    if (bits(f.history) > THRESHOLD_SLOTS && css !== null) {
      const root = w.st.wbs.find((x) => x.dev === wi.wb.dev && x.css === null);
      if (root === undefined) return;
      const to = wbOf(w, root, css);
      if (w.trace.switchQueue.on) w.trace.switchQueue.emit(wi.wb.dev.bdi.name, wi.wb.cgroupIno, to.cgroupIno, 1);
      switchWb(w, wi, to);
      return;
    }
  }
  f.winner = css === null ? (wi.wb.css?.id ?? 0) : css.id;
}

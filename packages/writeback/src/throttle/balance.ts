/**
 * Slowing writers down: balance_dirty_pages(). After each page a writer dirtied it may have to look at the limits; above the middle of
 * the two thresholds it sleeps so long that all writers together are as fast as the device. Comments of mm/page-writeback.c.
 */
import {
  type AddressSpace,
  type Ctx,
  type Inode,
  NR_FILE_DIRTY,
  TASK_KILLABLE,
  type Task,
  type Wait,
} from "@kernelkit/core";
import { dirtyPollInterval } from "../control/dirtyLimits.js";
import { mulDiv } from "../control/intMath.js";
import { PauseRound, pauseRound } from "../control/pause.js";
import { dirtyFreerunCeiling, dirtySetpoint, hardDirtyLimit, wbPositionRatio } from "../control/positionRatio.js";
import { startBackground } from "../flush/inodeState.js";
import type { TaskThrottle, Wb } from "../flush/wb.js";
import type { WbInode } from "../fs/wbInode.js";
import type { Writeback } from "../system.js";
import { bandwidthDue, updateBandwidth } from "./bandwidth.js";
import { type DomainControl, globalControl, memcgControl, wbStatError } from "./domains.js";
import { writerWriteback } from "./writerWriteback.js";

/** Pages a task may dirty unseen while its device is over its limit: 32 KiB. */
const EXCEEDED_RATELIMIT = 8;

/** A pause of a writer. */
interface BalanceFrame {
  /** Its timer of the wheel; -1: not asleep. */
  timer: number;
  /** What it dirtied since its last look; when it came in (ticks). */
  dirtied: number;
  start: number;
  /** Where the pause ends (ticks, may be later than the sleep), and the pages to the next look. */
  pausedWhen: number;
  pages: number;
  again: boolean;
}

/** What a round found: reused from round to round. */
const round: PauseRound = new PauseRound();

/** After a page was dirtied: 0, or WAIT. balance_dirty_pages_ratelimited(). */
export function balanceDirtyPagesRatelimited(w: Writeback, c: Ctx, m: AddressSpace): 0 | Wait {
  const { wb } = w.of(m.host as Inode) as WbInode;
  const t = w.throttleOf(c.task);
  if ((c.task.frame as { balanceDirty?: object } | null)?.balanceDirty === undefined && !mustLook(w, wb, t)) return 0;
  return w.o.throttle === "writer-writeback" ? writerWriteback(w, c, wb, t) : balanceDirtyPages(w, c, wb, t);
}

/** How many pages the task may dirty until it may have to look at the limits, with the last of them: at least 1. */
export function pagesToLook(w: Writeback, c: Ctx, wb: Wb): number {
  const { bdpRatelimits, dirtyThrottleLeaks, ratelimitPages } = w.st;
  const cpu = w.k.currentCpu;
  if (dirtyThrottleLeaks[cpu] > 0) return 1;
  const t = w.throttleOf(c.task);
  const ratelimit = wb.dirtyExceeded ? Math.min(t.nrDirtiedPause, EXCEEDED_RATELIMIT) : t.nrDirtiedPause;
  return Math.max(1, Math.min(ratelimit - t.nrDirtied, ratelimitPages - bdpRatelimits[cpu]));
}

/** Is it time to look at the limits? What tasks of this CPU dirtied unseen, and what ended tasks left, counts too. */
function mustLook(w: Writeback, wb: Wb, t: TaskThrottle): boolean {
  const { bdpRatelimits, dirtyThrottleLeaks } = w.st;
  const cpu = w.k.currentCpu;
  let ratelimit = t.nrDirtiedPause;
  if (wb.dirtyExceeded && ratelimit > EXCEEDED_RATELIMIT) ratelimit = EXCEEDED_RATELIMIT;
  if (t.nrDirtied >= ratelimit) bdpRatelimits[cpu] = 0;
  else if (bdpRatelimits[cpu] >= w.st.ratelimitPages) {
    bdpRatelimits[cpu] = 0;
    ratelimit = 0;
  }
  if (dirtyThrottleLeaks[cpu] > 0 && t.nrDirtied < ratelimit) {
    const n = Math.min(dirtyThrottleLeaks[cpu], ratelimit - t.nrDirtied);
    dirtyThrottleLeaks[cpu] -= n;
    t.nrDirtied += n;
  }
  return t.nrDirtied >= ratelimit;
}

/** Pauses end by the timer wheel, as schedule_timeout() does: up to a tick late. */
export function definePauseTimer(w: Writeback): void {
  w.pauseTimer = w.k.timers.define("writeback.pause", (t) => {
    w.k.sched.wakeTask(t as Task);
  });
}

function balanceDirtyPages(w: Writeback, c: Ctx, wb: Wb, t: TaskThrottle): 0 | Wait {
  const { time } = w.k;
  const f = c.part<BalanceFrame>("balanceDirty", () => ({
    timer: -1,
    dirtied: t.nrDirtied,
    start: time.ticks,
    pausedWhen: 0,
    pages: 0,
    again: false,
  }));
  for (;;) {
    if (f.timer >= 0) {
      if (w.k.timers.pending(f.timer) && !c.fatalSignalPending) return c.sleep(null, undefined, TASK_KILLABLE);
      w.k.timers.del(f.timer);
      f.timer = -1;
      t.dirtyPausedWhen = f.pausedWhen;
      t.nrDirtied = 0;
      t.nrDirtiedPause = f.pages;
      if (!f.again || wb.reclaimable + wb.writeback <= wbStatError(w) || c.fatalSignalPending) break;
    }
    const pause = oneRound(w, c.task, wb, t, f);
    if (pause < 0) break;
    f.timer = w.k.timers.add(w.pauseTimer, time.ticks + pause, c.task);
  }
  c.endPart("balanceDirty");
  return 0;
}

/** Below the middle of its thresholds nobody is throttled. */
const freerun = (d: DomainControl): boolean => d.dirty <= dirtyFreerunCeiling(d.thresh, d.bgThresh);

/** One look at the limits: ticks to sleep, or -1: go on. */
function oneRound(w: Writeback, task: Task, wb: Wb, t: TaskThrottle, f: BalanceFrame): number {
  const { hz, ticks: now } = w.k.time;
  let g = globalControl(w, wb, task, false);
  let m = memcgControl(w, wb, task, false);
  const strict = wb.dev.bdi.strictLimit;
  if (w.st.knobs.laptopMode === 0 && !wb.running && w.k.mm.read(NR_FILE_DIRTY) > g.bgThresh) startBackground(w, wb);
  if (!strict && freerun(g) && (m === null || freerun(m))) {
    t.nrDirtiedPause = Math.min(
      dirtyPollInterval(g.dirty, g.thresh),
      m === null ? Number.POSITIVE_INFINITY : dirtyPollInterval(m.dirty, m.thresh),
    );
    t.nrDirtied = 0;
    t.dirtyPausedWhen = now;
    return -1;
  }
  if (!wb.running) startBackground(w, wb);
  g = globalControl(w, wb, task, true);
  if (m !== null) m = memcgControl(w, wb, task, true);
  const exceeded = (d: DomainControl): boolean => d.wbDirty > d.wbThresh && (d.dirty > d.thresh || d.strictlimit);
  let d = g;
  let pos = wbPositionRatio(g);
  wb.dirtyExceeded = exceeded(g);
  if (m !== null) {
    wb.dirtyExceeded ||= exceeded(m);
    const own = wbPositionRatio(m);
    if (own < pos) {
      pos = own;
      d = m;
    }
  }
  if (bandwidthDue(w, wb)) updateBandwidth(w, wb, g, m, pos);
  const think = t.dirtyPausedWhen === 0 ? 0 : now - t.dirtyPausedWhen;
  const before = t.nrDirtiedPause;
  pauseRound(round, pos, wb.dirtyRatelimit, wb.avgWriteBandwidth, d.wbDirty, f.dirtied, think, hz);
  const r = round;
  // a pause beyond the longest is carried over, by at most as much again
  const excess = r.sleeps && r.period > 0 ? Math.max(0, Math.min(r.period - think - r.maxPause, r.maxPause)) : 0;
  if (w.trace.balance.on) traceRound(w, wb, d, f, before, think, now);
  if (!r.sleeps) {
    if (r.pause < -hz) {
      t.dirtyPausedWhen = now;
      t.nrDirtied = 0;
    } else if (r.period > 0) {
      t.dirtyPausedWhen += r.period;
      t.nrDirtied = 0;
    } else if (t.nrDirtiedPause <= f.dirtied) t.nrDirtiedPause += f.dirtied;
    return -1;
  }
  f.again = r.taskRatelimit === 0;
  f.pages = r.nrDirtiedPause;
  f.pausedWhen = now + (f.again ? 0 : excess) + r.pause;
  return r.pause;
}

function traceRound(
  w: Writeback,
  wb: Wb,
  d: DomainControl,
  f: BalanceFrame,
  before: number,
  think: number,
  now: number,
): void {
  const r = round;
  const setpoint = dirtySetpoint(d);
  const ms = Math.floor(1000 / w.k.time.hz);
  w.trace.balance.emit(
    wb.dev.bdi.name,
    {
      limit: hardDirtyLimit(d.dirtyLimit, d.thresh),
      setpoint,
      dirty: d.dirty,
      wb_setpoint: mulDiv(setpoint, d.wbThresh, d.thresh + 1),
      wb_dirty: d.wbDirty,
      dirty_ratelimit: wb.dirtyRatelimit * 4,
      task_ratelimit: r.taskRatelimit * 4,
      dirtied: f.dirtied,
      dirtied_pause: before,
      paused: (now - f.start) * ms,
      pause: (r.sleeps ? r.pause : Math.min(r.pause, 0)) * ms,
      period: r.period * ms,
      think: think * ms,
    },
    wb.cgroupIno,
  );
}

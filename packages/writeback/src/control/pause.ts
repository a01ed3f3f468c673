/**
 * How long a writer that is over the limits sleeps, and after how many pages it looks again. All times in ticks.
 */
import { DIRTY_POLL_THRESH, maxPauseTicks } from "./constants.js";
import { div, ilog2, mulDiv, roundupPow2 } from "./intMath.js";

/** wb_max_pause(): short where little is dirty, so that a slow start does not let the device run dry. */
export function wbMaxPause(wbDirty: number, avgWriteBandwidth: number, hz: number): number {
  const bw = avgWriteBandwidth;
  const t = Math.floor(wbDirty / (1 + Math.floor(bw / roundupPow2(1 + Math.floor(hz / 8))))) + 1;
  return Math.min(t, maxPauseTicks(hz));
}

/** Result of wbMinPause. */
export interface MinPause {
  minPause: number;
  nrDirtiedPause: number;
}

/** wb_min_pause(): the shortest sleep worth taking, and the pages between two. */
export function wbMinPause(
  maxPause: number,
  taskRatelimit: number,
  dirtyRatelimit: number,
  avgWriteBandwidth: number,
  hz: number,
  out: MinPause,
): void {
  const hi = ilog2(avgWriteBandwidth);
  const lo = ilog2(dirtyRatelimit);
  let t = Math.max(1, Math.floor(hz / 100));
  // the more writers share the device, the longer they sleep
  if (hi > lo) t += div((hi - lo) * (10 * hz), 1024);
  t = Math.min(t, 1 + Math.floor(maxPause / 2));
  const perHz = roundupPow2(hz);
  let pages = div(dirtyRatelimit * t, perHz);
  if (pages < DIRTY_POLL_THRESH) {
    t = maxPause;
    pages = div(dirtyRatelimit * t, perHz);
    if (pages > DIRTY_POLL_THRESH) {
      pages = DIRTY_POLL_THRESH;
      t = div(hz * DIRTY_POLL_THRESH, dirtyRatelimit);
    }
  }
  const pause = div(hz * pages, taskRatelimit + 1);
  if (pause > maxPause) {
    t = maxPause;
    pages = div(taskRatelimit * t, perHz);
  }
  out.nrDirtiedPause = pages;
  out.minPause = pages >= DIRTY_POLL_THRESH ? 1 + Math.floor(t / 2) : t;
}

/** What one round decides, ticks and pages; reused from round to round. */
export class PauseRound implements MinPause {
  taskRatelimit = 0;
  maxPause = 0;
  minPause = 0;
  period = 0;
  /** May be negative: the task is behind its allowance. */
  pause = 0;
  nrDirtiedPause = 0;
  sleeps = false;
}

/**
 * The decision of one round: how fast the task may go and how long it must sleep for the pages it dirtied. `think`: ticks since the
 * end of its last pause (0: none). Does not change the task.
 */
export function pauseRound(
  r: PauseRound,
  posRatio: number,
  dirtyRatelimit: number,
  avgWriteBandwidth: number,
  wbDirty: number,
  pagesDirtied: number,
  think: number,
  hz: number,
): void {
  r.taskRatelimit = Math.floor((dirtyRatelimit * posRatio) / 1024);
  r.maxPause = wbMaxPause(wbDirty, avgWriteBandwidth, hz);
  wbMinPause(r.maxPause, r.taskRatelimit, dirtyRatelimit, avgWriteBandwidth, hz, r);
  if (r.taskRatelimit === 0) {
    r.period = r.maxPause;
    r.pause = r.maxPause;
  } else {
    r.period = mulDiv(hz, pagesDirtied, r.taskRatelimit);
    r.pause = r.period - think;
  }
  r.sleeps = r.taskRatelimit === 0 || r.pause >= r.minPause;
  if (r.sleeps && r.pause > r.maxPause) r.pause = r.maxPause;
}

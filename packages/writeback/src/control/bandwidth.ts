/**
 * Estimates that the control loop runs on: the device's write bandwidth (smoothed), the domain's limit that follows its threshold,
 * and the base rate at which each writer may dirty pages. All updated at most every 200 ms.
 */
import { bandwidthInterval } from "./constants.js";
import { div, mulDiv, odd, roundupPow2, shr } from "./intMath.js";

/** Bandwidth of a device, pages/s. */
export interface Bandwidth {
  writeBandwidth: number;
  avgWriteBandwidth: number;
}

/** wb_update_write_bandwidth(): `written` pages completed in `elapsed` ticks (it may be negative: a counter was reset). */
export function wbUpdateWriteBandwidth(b: Bandwidth, elapsed: number, written: number, hz: number): void {
  const period = roundupPow2(3 * hz);
  const old = b.writeBandwidth;
  let avg = b.avgWriteBandwidth;
  let bw = Math.max(written, 0) * hz;
  if (elapsed > period) {
    bw = Math.floor(bw / elapsed);
    avg = bw;
  } else {
    bw = Math.floor((bw + old * (period - elapsed)) / period);
    // the average follows only where the estimate keeps going its way
    if (avg > old && old >= bw) avg -= shr(avg - old, 3);
    else if (avg < old && old <= bw) avg += shr(old - avg, 3);
  }
  b.writeBandwidth = bw;
  b.avgWriteBandwidth = Math.max(avg, 1);
}

/** domain_update_dirty_limit(): up to the threshold at once, down by a 32nd of what is too much. */
export function domainUpdateDirtyLimit(
  d: { dirtyLimit: number; dirtyLimitTstamp: number },
  thresh: number,
  dirty: number,
  now: number,
  hz: number,
): void {
  if (now - d.dirtyLimitTstamp < bandwidthInterval(hz)) return;
  d.dirtyLimitTstamp = now;
  const limit = d.dirtyLimit;
  if (limit < thresh) d.dirtyLimit = thresh;
  else {
    const t = Math.max(thresh, dirty);
    if (limit > t) d.dirtyLimit = limit - shr(limit - t, 5);
  }
}

export interface RatelimitInput {
  /** Dirty count the step is damped by, and its set point (of the device under strictlimit). */
  dirty: number;
  setpoint: number;
  posRatio: number;
  avgWriteBandwidth: number;
  /** Pages dirtied in `elapsed` ticks. */
  dirtied: number;
  elapsed: number;
}

/** Base rate limits of a device, pages/s. */
export interface Ratelimit {
  dirtyRatelimit: number;
  balancedDirtyRatelimit: number;
}

/** Rates that were computed on the way, for the tracepoint. */
export interface RatelimitTrace {
  dirtyRate: number;
  taskRatelimit: number;
}

/** wb_update_dirty_ratelimit(): moves the base rate toward write bandwidth / number of writers, in damped steps. */
export function wbUpdateDirtyRatelimit(
  r: Ratelimit,
  i: RatelimitInput,
  hz: number,
  t: RatelimitTrace | null = null,
): void {
  const rl = r.dirtyRatelimit;
  const rate = mulDiv(i.dirtied, hz, i.elapsed);
  const task = shr(rl * i.posRatio, 10) + 1;
  let balanced = mulDiv(task, i.avgWriteBandwidth, odd(rate));
  if (balanced > i.avgWriteBandwidth) balanced = i.avgWriteBandwidth;
  let step = 0;
  if (i.dirty < i.setpoint) {
    const x = Math.min(r.balancedDirtyRatelimit, balanced, task);
    if (rl < x) step = x - rl;
  } else {
    const x = Math.max(r.balancedDirtyRatelimit, balanced, task);
    if (rl > x) step = rl - x;
  }
  const shift = div(rl, 2 * step + 1);
  step = shift < 64 ? Math.ceil(shr(step, shift) / 8) : 0;
  r.dirtyRatelimit = Math.max(rl < balanced ? rl + step : rl - step, 1);
  r.balancedDirtyRatelimit = balanced;
  if (t !== null) {
    t.dirtyRate = rate;
    t.taskRatelimit = task;
  }
}

/**
 * clampBalancing: when the next injection is due. 3.9 and 6.1 align by jiffies, so that CPUs that know nothing of each
 * other start together; 6.3 computes the pause for one timer that wakes all of them.
 */
import { guardOf } from "./driverDesign.js";

/** ms to jiffies, rounded up as msecs_to_jiffies() does: at HZ 250 6, 7 and 8 ms are all 2 jiffies. */
export function msecsToJiffies(ms: number, hz: number): number {
  return Math.ceil((ms * hz) / 1000);
}

/** Ratio in force to the length of a cycle in jiffies: floored, so the share of idle is never below the ratio. */
export function intervalOf(durationJiffies: number, ratio: number): number {
  return Math.floor((durationJiffies * 100) / (ratio === 0 ? 1 : ratio));
}

/** Jiffies to sleep from `jiffies` to the next multiple of `interval`; exactly on a multiple it is 1, not a whole interval. */
export function sleepUntilMultiple(jiffies: number, interval: number): number {
  const past = jiffies % interval;
  return past === 0 ? 1 : interval - past;
}

/** What one worker decides at the beginning of a cycle. */
export interface Balance {
  readonly durationJiffies: number;
  readonly guard: number;
  readonly interval: number;
  readonly sleepJiffies: number;
}

/**
 * The balancing step of 3.9 and 6.1.
 * @param durationMs length of an injection, ms
 * @param target percent wanted, 1..49
 * @param compensation percent points on top
 * @param jiffies 64-bit jiffies now
 */
export function clampBalancing(
  hz: number,
  durationMs: number,
  target: number,
  compensation: number,
  jiffies: number,
): Balance {
  const durationJiffies = msecsToJiffies(durationMs, hz);
  const interval = intervalOf(durationJiffies, target + compensation);
  return { durationJiffies, guard: guardOf(target), interval, sleepJiffies: sleepUntilMultiple(jiffies, interval) };
}

/**
 * When a wheel timer (4.8 and later) armed at `jiffies` for `delay` jiffies fires: never early, and late by up to the
 * granularity of its level. Armed on a wheel that is not behind; `mod_timer` of a lagging base may differ.
 */
export function timerFiresAt(jiffies: number, delay: number): number {
  let granularity = 1;
  for (let level = 0; level < 8 && delay >= 63 * granularity; level++) granularity *= 8;
  return Math.floor((jiffies + delay + granularity) / granularity) * granularity;
}

/**
 * 6.3: the pause between two injections, µs. A ratio of 100 gives 0: idle without a pause.
 * @param durationUs length of an injection, µs
 */
export function getRunTime(durationUs: number, target: number, compensation: number): number {
  return Math.floor((durationUs * 100) / (target + compensation)) - durationUs;
}

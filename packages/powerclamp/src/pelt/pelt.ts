/**
 * PELT: one entity's load, runnable and utilisation averages, bit-exact with Linux 6.18.
 *
 *     const sa = new SchedAvg();
 *     peltUpdate(sa, 4_000_000, 1, 1, 1);        // 4 ms of running
 *     sa.utilAvg;                                // 86 of 1024
 *
 * Call `peltUpdate` at every change of what the entity does (with what it did *until* now) and at ticks. Averages move
 * only when a period boundary is crossed; less than 1024 ns is kept for the next call. A task passes 0/1 for all three
 * and has weight 1024 at nice 0; a run queue passes its weight and number of runnable tasks.
 */
import { accumulatePeltSegments, decayLoad, LOAD_AVG_MAX } from "./decayLoad.js";

/** The averages of a saturated entity; ticks of whole periods keep a real task at 1023. */
export const SCHED_CAPACITY_SCALE = 1024;

/** `struct sched_avg`: sums in units of 1024 ns (the last two times 1024), averages in 0..1024 (load: times weight/1024). */
export class SchedAvg {
  /** ns */
  lastUpdateTime = 0;
  /** Units of 1024 ns already in the current period, 0..1023. */
  periodContrib = 0;
  loadSum = 0;
  runnableSum = 0;
  utilSum = 0;
  loadAvg = 0;
  runnableAvg = 0;
  utilAvg = 0;

  /** @param weight what `loadAvg` is scaled by: 1024 for a task of nice 0, 1 for a run queue whose load is its weight */
  constructor(public weight: number = 1024) {}
}

/** The sum a fully busy entity has at this place in its period; averages are sums divided by it. */
export function peltDivider(sa: SchedAvg): number {
  return LOAD_AVG_MAX - 1024 + sa.periodContrib;
}

/**
 * Bring `sa` to `now`.
 * @param now ns; earlier than the last update only moves the stamp back
 * @param load weight that was runnable since the last update; 0 makes the other two 0
 * @param runnable how many were runnable (a task: 0 or 1)
 * @param running 1 if it was on a CPU
 * @returns true if averages moved (a period boundary was crossed)
 */
export function peltUpdate(sa: SchedAvg, now: number, load: number, runnable: number, running: number): boolean {
  const ns = now - sa.lastUpdateTime;
  if (ns < 0) {
    sa.lastUpdateTime = now;
    return false;
  }
  if (ns < 1024) return false;
  const units = Math.floor(ns * 2 ** -10);
  sa.lastUpdateTime += units * 1024;
  if (!accumulateSum(sa, units, load, runnable, running)) return false;
  const divider = peltDivider(sa);
  sa.loadAvg = Math.floor((sa.weight * sa.loadSum) / divider);
  sa.runnableAvg = Math.floor(sa.runnableSum / divider);
  sa.utilAvg = Math.floor(sa.utilSum / divider);
  return true;
}

/** Add `units` of 1024 ns to the sums; true if a period boundary was crossed. */
function accumulateSum(sa: SchedAvg, units: number, load: number, runnable: number, running: number): boolean {
  const end = units + sa.periodContrib;
  const periods = Math.floor(end * 2 ** -10);
  const rest = end - periods * 1024;
  let contrib = units;
  if (periods > 0) {
    sa.loadSum = decayLoad(sa.loadSum, periods);
    sa.runnableSum = decayLoad(sa.runnableSum, periods);
    sa.utilSum = decayLoad(sa.utilSum, periods);
    if (load !== 0) contrib = accumulatePeltSegments(periods, 1024 - sa.periodContrib, rest);
  }
  sa.periodContrib = rest;
  if (load !== 0) {
    sa.loadSum += load * contrib;
    sa.runnableSum += runnable * contrib * 1024;
    sa.utilSum += running * contrib * 1024;
  }
  return periods > 0;
}

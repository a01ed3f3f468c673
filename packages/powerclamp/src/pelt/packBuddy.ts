/**
 * checkPackBuddy: packing of small tasks, from the patches of 2012-13 that never became Linux's default.
 *
 * At wake-up a light task goes to the CPU's *buddy* (one CPU of the package that others hand their small work to), unless
 * the buddy is busy already. The work done is the same; more CPUs stay in deep idle and the package follows.
 * Both tests compare PELT's runnable sum with the time it was measured over (sum and period in the same unit).
 */

/** Light: runnable for less than a quarter of the time. */
export function isLightTask(sum: number, period: number): boolean {
  return sum * 4 < period;
}

/** Busy: each task that runs on the buddy halves what the buddy may have done already. */
export function isBuddyBusy(sum: number, period: number, nrRunning: number): boolean {
  return sum * 2 ** nrRunning > period;
}

/** The loads `checkPackBuddy` looks at: runnable sums and the periods they were measured over (same unit). */
export interface PackBuddyLoads {
  readonly taskSum: number;
  readonly taskPeriod: number;
  readonly buddySum: number;
  readonly buddyPeriod: number;
  readonly buddyNrRunning: number;
}

/** True if the waking task is light and the buddy has room for it. */
export function checkPackBuddy(l: PackBuddyLoads): boolean {
  return isLightTask(l.taskSum, l.taskPeriod) && !isBuddyBusy(l.buddySum, l.buddyPeriod, l.buddyNrRunning);
}

/**
 * pkgResidency: how long all CPUs of a package are idle at the same time when each idles periodically. The package is only
 * as deep as its shallowest CPU, and only from the instant the last one is in - the reason why powerclamp injects on all
 * CPUs in step (intel_powerclamp, "Idle Injection").
 *
 * Latencies are left out: this is the upper bound that a schedule allows.
 */

/** One CPU's schedule: idle for `idleUs` at the start of each `periodUs`, shifted by `phaseUs`. All µs. */
export interface PeriodicIdle {
  readonly idleUs: number;
  readonly periodUs: number;
  readonly phaseUs: number;
}

/** Bound on the number of injections looked at when periods have no short common multiple. */
const MAX_PERIODS = 100_000;

/**
 * Share of time (0..1) in which every CPU of the list is idle. RangeError for a period <= 0, an idle time outside
 * 0..period, or a number that is not finite; a package without CPUs is never idle (0).
 */
export function pkgResidency(cpus: readonly PeriodicIdle[]): number {
  if (cpus.length === 0) return 0;
  for (const [i, c] of cpus.entries()) check(c, i);
  const first = cpus[0];
  const horizon = Math.min(commonPeriod(cpus), first.periodUs * MAX_PERIODS);
  let common = 0;
  for (let t = 0; t < horizon; t += first.periodUs) {
    common += overlap(cpus, 1, first.phaseUs + t, first.phaseUs + t + first.idleUs);
  }
  return common / (Math.ceil(horizon / first.periodUs) * first.periodUs);
}

/** Idle time common to cpus[i..] within [from, to). */
function overlap(cpus: readonly PeriodicIdle[], i: number, from: number, to: number): number {
  if (to <= from) return 0;
  if (i === cpus.length) return to - from;
  const c = cpus[i];
  let sum = 0;
  let start = Math.floor((from - c.phaseUs) / c.periodUs) * c.periodUs + c.phaseUs;
  for (; start < to; start += c.periodUs) {
    sum += overlap(cpus, i + 1, Math.max(from, start), Math.min(to, start + c.idleUs));
  }
  return sum;
}

function commonPeriod(cpus: readonly PeriodicIdle[]): number {
  let lcm = cpus[0].periodUs;
  for (const c of cpus) {
    if (!Number.isInteger(c.periodUs) || !Number.isInteger(lcm)) return Number.POSITIVE_INFINITY;
    let [a, b] = [lcm, c.periodUs];
    while (b !== 0) [a, b] = [b, a % b];
    lcm = (lcm / a) * c.periodUs;
  }
  return lcm;
}

function check(c: PeriodicIdle, i: number): void {
  const bad = (what: string, value: number, allowed: string): never => {
    throw new RangeError(`pkgResidency: cpus[${i}].${what} must be ${allowed}, not ${value}`);
  };
  if (!(c.periodUs > 0 && c.periodUs < Number.POSITIVE_INFINITY)) bad("periodUs", c.periodUs, "a number > 0");
  if (!(c.idleUs >= 0 && c.idleUs <= c.periodUs)) bad("idleUs", c.idleUs, "within 0..periodUs");
  if (!Number.isFinite(c.phaseUs)) bad("phaseUs", c.phaseUs, "a finite number");
}

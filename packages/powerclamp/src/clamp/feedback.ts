/**
 * feedback: what a controlling CPU does once a window - measure, learn, decide whether to skip - and how much is injected on
 * top of the target. The rival compensations are chosen here.
 *
 * - "none": never anything on top;
 * - "steady": the calibration table's (6.1, 6.3);
 * - "steady+double": the same, or the target once more while interrupts wake the CPUs too often (3.9);
 * - "integral": no table; the measured shortfall is added up, window by window (this project's own).
 */
import { adjustCompensation, limitCompensation, steadyCompensation } from "./calibration.js";
import type { ClampState } from "./clampState.js";
import type { DriverDesign } from "./driverDesign.js";

export type Compensation = "none" | "steady" | "steady+double" | "integral";

/** Counters of the hardware at one instant. */
export interface PackageSample {
  /** Sum of the package residency counters, TSC ticks. */
  readonly msr: number;
  readonly tsc: number;
  /** Interrupts that woke injected CPUs since the last window (3.9). */
  readonly wakeups: number;
  readonly onlineCpus: number;
}

/** Part of the measured shortfall that "integral" takes over in each window. */
const INTEGRAL_GAIN = 0.25;
/** Differences up to this, percent points, are left alone: readings are truncated, and each change of the interval costs a cycle. */
const DEAD_ZONE = 1;

/** Percent points to inject on top of `ratio`. */
export function compensationFor(s: ClampState, kind: Compensation, ratio: number): number {
  if (kind === "none" || !s.pollEnable) return 0;
  const { table } = s;
  let comp: number;
  if (kind === "integral") comp = Math.max(0, Math.round(s.integral));
  else if (kind === "steady+double" && s.reduceIrq) comp = ratio;
  else comp = steadyCompensation(table, ratio);
  return limitCompensation(table.rows, ratio, comp);
}

/**
 * Measure one window, learn from it, and set `shouldSkip`.
 * @param pct the ratio the window ran at (in 6.3 the target in force)
 */
export function adjustControls(
  s: ClampState,
  design: DriverDesign,
  kind: Compensation,
  pct: number,
  guard: number,
  window: number,
  now: PackageSample,
): void {
  s.samples++;
  const hadHistory = s.sampler.msrLast !== 0;
  const current = s.sampler.sample(now.msr, now.tsc);
  const expected = window * now.onlineCpus;
  const spoiled = design.countsWakeups && now.wakeups > expected;
  if (kind !== "integral") adjustCompensation(s.table, pct, s.setTargetRatio, current, spoiled);
  else if (hadHistory && !s.shouldSkip) {
    // windows without injection say nothing about what injection loses
    const short = s.setTargetRatio - current;
    if (Math.abs(short) > DEAD_ZONE)
      s.integral = Math.min(Math.max(s.integral + INTEGRAL_GAIN * short, 0), design.maxTargetRatio);
  }
  if (design.countsWakeups) s.reduceIrq = now.wakeups >= 2 * expected;
  s.shouldSkip = s.setTargetRatio + guard <= current;
}

/**
 * Calibration: how much more than the target must be injected for the package to really be idle for the target's share,
 * learned per percentage (intel_powerclamp, "Calibration").
 *
 * A row is learned only while its own percentage is set, from windows whose difference is small and not negative; it is
 * *confident* after three of them and then frozen. The compensation of a percentage is the mean of its own and its two
 * neighbours' rows, and 0 until all three are confident. The table outlives a stop and dies with the module.
 */
import { CONFIDENCE_OK } from "./driverDesign.js";

/** The table in columns: `confidence[pct]` 0..3 and `steady[pct]` in percent points. dynamic_comp is always 0 in Linux. */
export class CalibrationTable {
  readonly confidence: Uint8Array;
  readonly steady: Uint8Array;

  /** @param rows 50 (3.9, 6.1) or 100 (6.3): percentages 0..rows-1 */
  constructor(readonly rows: number) {
    this.confidence = new Uint8Array(rows);
    this.steady = new Uint8Array(rows);
  }

  /** Set a row; used by tests and to replay a table measured elsewhere. RangeError outside the table. */
  set(pct: number, confidence: number, steady: number): void {
    if (!Number.isInteger(pct) || pct < 0 || pct >= this.rows)
      throw new RangeError(`calibration row: pct must be an integer in 0..${this.rows - 1}, not ${pct}`);
    if (!Number.isInteger(confidence) || confidence < 0 || confidence > CONFIDENCE_OK)
      throw new RangeError(`calibration row ${pct}: confidence must be 0..${CONFIDENCE_OK}, not ${confidence}`);
    if (!Number.isInteger(steady) || steady < 0 || steady > 255)
      throw new RangeError(`calibration row ${pct}: steady must be an integer in 0..255, not ${steady}`);
    this.confidence[pct] = confidence;
    this.steady[pct] = steady;
  }

  /** All three rows exist and are confident: their mean (truncated), else 0. */
  meanOf(a: number, b: number, c: number): number {
    const { confidence, steady } = this;
    // a row outside the table reads as undefined, which no comparison lets pass
    if (!(confidence[a] >= CONFIDENCE_OK && confidence[b] >= CONFIDENCE_OK && confidence[c] >= CONFIDENCE_OK)) return 0;
    return Math.floor((steady[a] + steady[b] + steady[c]) / 3);
  }
}

/** Compensation that the table gives for ratio `r` (steady part), before the limit. */
export function steadyCompensation(table: CalibrationTable, ratio: number): number {
  if (ratio === 1) return table.meanOf(1, 2, 3);
  if (ratio === table.rows - 1) return table.meanOf(ratio, ratio - 1, ratio - 2);
  return table.meanOf(ratio - 1, ratio, ratio + 1);
}

/**
 * Percent points to inject on top of `ratio`.
 * @param reduceIrq 3.9: interrupts woke the CPUs too often, so inject twice as much
 */
export function getCompensation(table: CalibrationTable, ratio: number, reduceIrq: boolean): number {
  return limitCompensation(table.rows, ratio, reduceIrq ? ratio : steadyCompensation(table, ratio));
}

/** Cut a compensation so that the sum stays below the design's maximum. */
export function limitCompensation(maxTargetRatio: number, ratio: number, compensation: number): number {
  return compensation + ratio >= maxTargetRatio ? maxTargetRatio - ratio - 1 : compensation;
}

/**
 * Learn from one window.
 * @param pct whose row: the ratio of the window
 * @param setTarget the target in force now (3.9 and 6.1 compare with this one, so a change inside a window credits the old row)
 * @param current percent measured
 * @param spoiled 3.9: more wake-ups than injections in the window
 * @returns true if the row learned
 */
export function adjustCompensation(
  table: CalibrationTable,
  pct: number,
  setTarget: number,
  current: number,
  spoiled: boolean,
): boolean {
  if (!(table.confidence[pct] < CONFIDENCE_OK) || spoiled) return false;
  const delta = setTarget - current;
  if (delta < 0 || delta > 1 + Math.trunc(pct / 10)) return false;
  const steady = table.steady[pct];
  table.steady[pct] = steady === 0 ? delta : Math.ceil((steady + delta) / 2);
  table.confidence[pct]++;
  return true;
}

/** Mean, spread and confidence of a sample, by jstat. */
/// <reference path="./jstat.d.ts" />
import jstat from "jstat";

const { jStat } = jstat;

export interface Statistics {
  /** Values that were finite. */
  readonly n: number;
  readonly mean: number;
  /** Standard deviation of the sample; NaN for one value. */
  readonly sd: number;
  readonly min: number;
  readonly max: number;
  readonly median: number;
  /** Half the width of the confidence interval of the mean (Student's t); NaN for one value. */
  readonly ci: number;
}

/** `confidence`: 0.95 for 95 %. */
export function statistics(values: readonly number[], confidence: number): Statistics {
  const n = values.length;
  const sd = n > 1 ? jStat.stdev(values, true) : Number.NaN;
  const t = n > 1 ? jStat.studentt.inv((1 + confidence) / 2, n - 1) : Number.NaN;
  return {
    n,
    mean: jStat.mean(values),
    sd,
    min: jStat.min(values),
    max: jStat.max(values),
    median: jStat.median(values),
    ci: (t * sd) / Math.sqrt(n),
  };
}

/**
 * A directory over an ascending list of numbers below 2^32: it says between which two places a number's neighbour lies, so that a search
 * of hundreds is a step or two. Lists with all numbers at one spot fall back to halving.
 */

const MAX_BUCKETS = 1024;

export class SortedIndex {
  private readonly min: number;
  private readonly shift: number;
  /** Per bucket of 2^shift numbers from `min` on: the place of the last entry not above its start; one more for the end. */
  private readonly start: Uint16Array;

  /** `sorted` has at least one entry and at most 65535. */
  constructor(readonly sorted: Uint32Array) {
    const last = sorted.length - 1;
    this.min = sorted[0];
    const span = sorted[last] - this.min;
    let shift = 0;
    while (span >>> shift >= MAX_BUCKETS) shift++;
    this.shift = shift;
    const buckets = (span >>> shift) + 1;
    this.start = new Uint16Array(buckets + 1);
    for (let b = 0, at = 0; b < buckets; b++) {
      while (at < last && sorted[at + 1] <= this.min + b * 2 ** shift) at++;
      this.start[b] = at;
    }
    this.start[buckets] = last;
  }

  /** Place of the last number that is not above `x`; any place if all are above it. */
  lastNotAbove(x: number): number {
    const { sorted, start } = this;
    const b = ((x - this.min) >>> 0) >>> this.shift;
    if (b + 1 >= start.length) return sorted.length - 1;
    let lo = start[b];
    // without a branch that depends on the data
    for (let n = start[b + 1] - lo + 1; n > 1; ) {
      const half = n >> 1;
      lo += sorted[lo + half] <= x ? half : 0;
      n -= half;
    }
    return lo;
  }
}

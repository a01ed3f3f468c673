/**
 * pkgRatio: the share of time a package was in its C-states, as powerclamp computes it from two samples of the residency
 * counters and the time stamp counter, quirks included.
 *
 * A sampler starts empty and outlives a stop of the clamp. The first sample gives 1 ("no history"). The divisor is the
 * difference of the TSC *cut to 32 bits*: at 2.6 GHz windows beyond 1.65 s read far too high.
 */

/** Two counters as they were last seen. Zero in either means "no history". */
export class RatioSampler {
  msrLast = 0;
  tscLast = 0;
  /** Percent; what the last sample gave. */
  ratio = 0;

  /**
   * Take a sample.
   * @param msr sum of the package residency counters, TSC ticks
   * @param tsc time stamp counter
   * @returns percent; kept if the TSC stands still (or its difference is a multiple of 2^32)
   */
  sample(msr: number, tsc: number): number {
    if (this.msrLast === 0 || this.tscLast === 0) this.ratio = 1;
    else {
      const divisor = mod32(tsc - this.tscLast);
      if (divisor !== 0) this.ratio = percent(msr - this.msrLast, divisor);
    }
    this.msrLast = msr;
    this.tscLast = tsc;
    return this.ratio;
  }
}

function mod32(n: number): number {
  const r = n % 0x100000000;
  return r < 0 ? r + 0x100000000 : r;
}

/** floor(100 * part / whole), exact for every part below 2^53. */
function percent(part: number, whole: number): number {
  const q = Math.floor(part / whole);
  return q * 100 + Math.floor(((part - q * whole) * 100) / whole);
}

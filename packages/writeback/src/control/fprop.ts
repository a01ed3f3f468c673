/**
 * Floating proportions: which share of recent events each of several sources had, where what is older counts half with each period.
 * Linux's lib/flex_proportions.c.
 */
import { FPROP_FRAC_BASE } from "./constants.js";
import { shr } from "./intMath.js";

/** All events of a set, aged. */
export class FpropGlobal {
  events = 1;
  /** Periods that have ended. */
  period = 0;

  /** `periods` ended at once. False: nothing is left, aging may stop. fprop_new_period(). */
  newPeriod(periods: number): boolean {
    if (this.events <= 1) return false;
    this.events = periods < 53 ? shr(this.events, periods) : 0;
    this.period += periods;
    return true;
  }
}

/** Events of one source. */
export class FpropLocal {
  events = 0;
  period = 0;
  /** Fraction as computed last. */
  numerator = 0;
  denominator = 1;

  /** Bring the count up to the set's period. */
  private reflect(p: FpropGlobal): void {
    if (this.period === p.period) return;
    const missed = p.period - this.period;
    this.events = missed < 53 ? shr(this.events, missed) : 0;
    this.period = p.period;
  }

  /** Add n events, unless the source has more than its maximal share (of 1024). __fprop_add_percpu_max(). */
  add(p: FpropGlobal, n: number, maxFrac: number = FPROP_FRAC_BASE): void {
    if (maxFrac < FPROP_FRAC_BASE) {
      this.fraction(p);
      if (this.numerator > Math.floor((this.denominator * maxFrac) / FPROP_FRAC_BASE)) return;
    } else this.reflect(p);
    this.events += n;
    p.events += n;
  }

  /** numerator and denominator of its share. fprop_fraction_percpu(). */
  fraction(p: FpropGlobal): void {
    this.reflect(p);
    let den = p.events;
    const num = this.events;
    if (den <= num) den = num !== 0 ? num : 1;
    this.numerator = num;
    this.denominator = den;
  }
}

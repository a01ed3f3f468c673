/**
 * Floating proportions: which share of recent events each of several sources had, where what is older counts half with each period.
 * Linux's lib/flex_proportions.c.
 */
import { FPROP_FRAC_BASE } from "./constants.js";
import { shr } from "./intMath.js";

/** Events that a CPU keeps to itself before the counter sees them: 8 * (1 + log2(CPUs)). */
const BATCH = 16;

/** A counter whose small changes are seen late. percpu_counter. */
class BatchedCounter {
  /** What a quick look sees. */
  seen: number;
  private pending = 0;
  constructor(start: number) {
    this.seen = start;
  }
  get sum(): number {
    return this.seen + this.pending;
  }
  add(n: number): void {
    this.pending += n;
    if (Math.abs(this.pending) >= BATCH) {
      this.seen += this.pending;
      this.pending = 0;
    }
  }
}

/** All events of a set, aged. */
export class FpropGlobal {
  readonly events: BatchedCounter = new BatchedCounter(1);
  /** Periods that have ended. */
  period = 0;

  /** `periods` ended at once. False: nothing is left, aging may stop. fprop_new_period(). */
  newPeriod(periods: number): boolean {
    const all = this.events.sum;
    if (all <= 1) return false;
    this.events.add((periods < 53 ? shr(all, periods) : 0) - all);
    this.period += periods;
    return true;
  }
}

/** Events of one source. */
export class FpropLocal {
  readonly events: BatchedCounter = new BatchedCounter(0);
  period = 0;
  /** Fraction as computed last. */
  numerator = 0;
  denominator = 1;

  /** Bring the count up to the set's period. */
  private reflect(p: FpropGlobal): void {
    if (this.period === p.period) return;
    const missed = p.period - this.period;
    const { events } = this;
    const val = events.seen < 2 * BATCH ? events.sum : events.seen;
    events.add((missed < 53 ? shr(val, missed) : 0) - val);
    this.period = p.period;
  }

  /** Add n events, unless the source has more than its maximal share (of 1024). __fprop_add_percpu_max(). */
  add(p: FpropGlobal, n: number, maxFrac: number = FPROP_FRAC_BASE): void {
    if (maxFrac < FPROP_FRAC_BASE) {
      this.fraction(p);
      if (this.numerator > Math.floor((this.denominator * maxFrac) / FPROP_FRAC_BASE)) return;
    } else this.reflect(p);
    this.events.add(n);
    p.events.add(n);
  }

  /** numerator and denominator of its share. fprop_fraction_percpu(). */
  fraction(p: FpropGlobal): void {
    this.reflect(p);
    const num = Math.max(this.events.seen, 0);
    let den = Math.max(p.events.seen, 0);
    if (den <= num) den = num !== 0 ? num : 1;
    this.numerator = num;
    this.denominator = den;
  }
}

/** A device's largest share (of 1024), from its maximum in parts per million. */
export function fpropMaxFrac(ppm: number): number {
  return Math.floor((ppm * FPROP_FRAC_BASE) / 1e6);
}

/** For the registry of state classes. */
export const fpropClasses: readonly (new (...a: never[]) => object)[] = [BatchedCounter, FpropGlobal, FpropLocal];

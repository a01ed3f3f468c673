/**
 * thermalRc: temperature from power by thermal resistances and capacities, solved exactly for constant power.
 *
 * Stages add up (a Foster network): the die's temperature is ambient + the sum of all stages; the slowest stage alone is
 * what one feels on the outside (the "skin"). One stage is the textbook RC element:
 *     T' = Ta + P*R + (T - Ta - P*R) * e^(-dt/RC)
 */
import { expDecay } from "./expDecay.js";

/** One stage: K per W, and its time constant R*C in seconds. */
export interface RcStage {
  readonly kelvinPerWatt: number;
  readonly tauS: number;
}

export interface ThermalRcOptions {
  /** °C; default 25. */
  readonly ambient?: number;
  /** Fastest first; default a die on a heat sink: 0.5 K/W in 1 s and 0.6 K/W in 60 s. */
  readonly stages?: readonly RcStage[];
}

export const defaultStages: readonly RcStage[] = [
  { kelvinPerWatt: 0.5, tauS: 1 },
  { kelvinPerWatt: 0.6, tauS: 60 },
];

/** Temperatures above ambient per stage, °C, in a column; plain data. */
export class ThermalRc {
  readonly ambient: number;
  readonly resistance: Float64Array;
  readonly tauS: Float64Array;
  readonly rise: Float64Array;

  /** RangeError for values that are not finite, resistances < 0 or time constants <= 0, or no stage at all. */
  constructor(o: ThermalRcOptions = {}) {
    const stages = o.stages ?? defaultStages;
    this.ambient = o.ambient ?? 25;
    if (!Number.isFinite(this.ambient)) throw new RangeError(`thermal.ambient must be finite °C, not ${this.ambient}`);
    if (stages.length === 0) throw new RangeError("thermal.stages must have at least one stage");
    for (const [i, s] of stages.entries()) {
      if (!(s.kelvinPerWatt >= 0 && s.kelvinPerWatt < Number.POSITIVE_INFINITY))
        throw new RangeError(`thermal.stages[${i}].kelvinPerWatt must be a number >= 0, not ${s.kelvinPerWatt}`);
      if (!(s.tauS > 0 && s.tauS < Number.POSITIVE_INFINITY))
        throw new RangeError(`thermal.stages[${i}].tauS must be a number > 0, not ${s.tauS}`);
    }
    this.resistance = Float64Array.from(stages, (s) => s.kelvinPerWatt);
    this.tauS = Float64Array.from(stages, (s) => s.tauS);
    this.rise = new Float64Array(stages.length);
  }

  /** `seconds` at constant `watts`. */
  step(watts: number, seconds: number): void {
    const { rise, resistance, tauS } = this;
    for (let i = 0; i < rise.length; i++) {
      const end = watts * resistance[i];
      rise[i] = end + (rise[i] - end) * expDecay(seconds / tauS[i]);
    }
  }

  /** Die temperature in °C now, or `seconds` from now at constant `watts`; changes nothing. */
  die(watts = 0, seconds = 0): number {
    let t = this.ambient;
    for (let i = 0; i < this.rise.length; i++) t += this.riseAfter(i, watts, seconds);
    return t;
  }

  /** Outside temperature in °C: the last (slowest) stage alone. */
  skin(watts = 0, seconds = 0): number {
    return this.ambient + this.riseAfter(this.rise.length - 1, watts, seconds);
  }

  private riseAfter(i: number, watts: number, seconds: number): number {
    if (seconds === 0) return this.rise[i];
    const end = watts * this.resistance[i];
    return end + (this.rise[i] - end) * expDecay(seconds / this.tauS[i]);
  }

  /** Start from the state of having drawn `watts` for ever. */
  settle(watts: number): void {
    for (let i = 0; i < this.rise.length; i++) this.rise[i] = watts * this.resistance[i];
  }
}

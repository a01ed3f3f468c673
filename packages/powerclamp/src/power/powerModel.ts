/**
 * powerModel: watts of a package from what its CPUs do. A model, not a measurement: defaults are shaped like a quad-core
 * of 2012 and every number can be overridden.
 *
 * - A busy core draws Cdyn * V^2 * f * activity, plus leakage that grows with voltage and temperature.
 * - C1 gates the clock (a tenth of the dynamic part is left); deeper states cut leakage (see cpuidle/cstateTables.ts).
 * - The uncore draws less only in package states, which need *all* CPUs.
 */
import type { CState } from "../cpuidle/cstateTables.js";

/** A performance state of all cores of a package. */
export interface PState {
  readonly mhz: number;
  readonly volts: number;
}

export interface PowerModelOptions {
  /** Fastest first. */
  readonly pstates?: readonly PState[];
  /** Dynamic power of a fully active core, W per V^2 and GHz. */
  readonly cdyn?: number;
  /** Leakage of a core at 50 °C and 1 V, W. */
  readonly leakageW?: number;
  /** Growth of leakage per °C; 0.01 is 1 %. */
  readonly leakagePerDegree?: number;
  /** Part of a busy core's dynamic power that a core in C0 without work draws (entering and leaving idle, polling). */
  readonly idleActivity?: number;
  /** Uncore, W, while the package is in C0. */
  readonly uncoreW?: number;
  /** What is left of it in package states; states not named take the next shallower one named. */
  readonly uncoreIn?: Readonly<Record<number, number>>;
  /** Graphics, W, constant. */
  readonly graphicsW?: number;
  /** Memory: at rest, and per busy core. W. */
  readonly dramW?: number;
  readonly dramPerCoreW?: number;
}

/** Voltage falls with frequency down to 1.2 GHz and no further: below, scaling saves only what clamping would save too. */
export const defaultPStates: readonly PState[] = [
  { mhz: 2600, volts: 1.1 },
  { mhz: 2400, volts: 1.05 },
  { mhz: 2200, volts: 1.0 },
  { mhz: 2000, volts: 0.96 },
  { mhz: 1800, volts: 0.92 },
  { mhz: 1600, volts: 0.88 },
  { mhz: 1400, volts: 0.84 },
  { mhz: 1200, volts: 0.8 },
  { mhz: 1000, volts: 0.8 },
  { mhz: 800, volts: 0.8 },
];

const LEAKAGE_REFERENCE_C = 50;

export class PowerModel {
  readonly pstates: readonly PState[];
  readonly cdyn: number;
  readonly leakageW: number;
  readonly leakagePerDegree: number;
  readonly idleActivity: number;
  readonly uncoreW: number;
  readonly uncoreIn: Readonly<Record<number, number>>;
  readonly graphicsW: number;
  readonly dramW: number;
  readonly dramPerCoreW: number;

  /** RangeError for a value that is not a finite number >= 0 (names the option). */
  constructor(o: PowerModelOptions = {}) {
    this.pstates = o.pstates ?? defaultPStates;
    if (this.pstates.length === 0) throw new RangeError("power.pstates must have at least one state");
    this.pstates.forEach((p, i) => {
      amount(`power.pstates[${i}].mhz`, p.mhz);
      amount(`power.pstates[${i}].volts`, p.volts);
    });
    this.cdyn = amount("power.cdyn", o.cdyn ?? 2);
    this.leakageW = amount("power.leakageW", o.leakageW ?? 1);
    this.leakagePerDegree = amount("power.leakagePerDegree", o.leakagePerDegree ?? 0.01);
    this.idleActivity = amount("power.idleActivity", o.idleActivity ?? 0.3);
    this.uncoreW = amount("power.uncoreW", o.uncoreW ?? 8);
    this.uncoreIn = o.uncoreIn ?? { 3: 0.6, 6: 0.25, 7: 0.2, 8: 0.15 };
    for (const [k, v] of Object.entries(this.uncoreIn)) amount(`power.uncoreIn[${k}]`, v);
    this.graphicsW = amount("power.graphicsW", o.graphicsW ?? 0.5);
    this.dramW = amount("power.dramW", o.dramW ?? 1.5);
    this.dramPerCoreW = amount("power.dramPerCoreW", o.dramPerCoreW ?? 0.5);
  }

  /** Dynamic watts of a core at P-state `p`. */
  dynamic(p: number, activity: number): number {
    const s = this.pstates[p];
    return (this.cdyn * s.volts * s.volts * s.mhz * activity) / 1000;
  }

  /** Leakage watts of a core at P-state `p` and a die of `celsius`. */
  leakage(p: number, celsius: number): number {
    const grown = 1 + this.leakagePerDegree * (celsius - LEAKAGE_REFERENCE_C);
    return this.leakageW * this.pstates[p].volts * Math.max(grown, 0);
  }

  /** Watts of a core in C0: busy (activity 1), or between idle states (`idleActivity`). */
  c0(p: number, celsius: number, activity: number): number {
    return this.dynamic(p, activity) + this.leakage(p, celsius);
  }

  /** Watts of a core in an idle state. */
  idle(state: CState, p: number, celsius: number): number {
    return this.dynamic(p, state.dynamic) + this.leakage(p, celsius) * state.leakage;
  }

  /** Uncore watts with the package in state `pkg` (0: C0). */
  uncore(pkg: number): number {
    let part = 1;
    for (const key of Object.keys(this.uncoreIn)) if (Number(key) <= pkg) part = this.uncoreIn[Number(key)];
    return this.uncoreW * part;
  }
}

function amount(what: string, v: number): number {
  if (!(v >= 0 && v < Number.POSITIVE_INFINITY)) throw new RangeError(`${what} must be a number >= 0, not ${v}`);
  return v;
}

/**
 * packagePower: energy and temperature of one package, integrated between events in closed form.
 *
 * Plain data: `advance` brings it to an instant, `copyFrom` lets a view look ahead without changing anything. Between two
 * events power is constant; the die's temperature (and leakage with it) follows in steps of at least `THERMAL_STEP_NS`.
 */
import type { CState } from "../cpuidle/cstateTables.js";
import type { PowerModel } from "./powerModel.js";
import type { ThermalRc } from "./thermalRc.js";

/** Energy domains, in the order of the columns. */
export const PKG = 0;
export const CORES = 1;
export const GRAPHICS = 2;
export const DRAM = 3;
export const DOMAINS = 4;

/** Counters show the energy up to the last multiple of this, as the hardware updates them about every ms. */
export const RAPL_UPDATE_NS = 1e6;
const THERMAL_STEP_NS = 10e6;
/** A long stretch without events is cut into pieces of this length, but not into more than MAX_PIECES. */
const PIECE_NS = 100e6;
const MAX_PIECES = 200;

export class PackagePower {
  /** CPUs in C0 [0] and in idle state i [i + 1]. */
  readonly inState: Int32Array;
  /** Present P-state, and the share of full activity of a busy core. */
  pstate = 0;
  activity = 1;
  /** Part of the time that the clock of busy cores runs (T-states). */
  duty = 1;
  /** Package C-state it is in (3, 6, ...), 0 for C0; from `since` on. */
  pkgState = 0;
  /** ns; the instant the package is really in: the last CPU's entry is over. */
  since = 0;
  /** Work of busy cores up to `last`, in seconds of one core at the fastest P-state; and its rate per busy core now. */
  work = 0;
  speed = 1;
  /** W by domain since `last`, valid unless `dirty`. */
  readonly watts: Float64Array = new Float64Array(DOMAINS);
  dirty = true;
  /** J by domain up to `last` (ns), and at the last counter update. */
  readonly joules: Float64Array = new Float64Array(DOMAINS);
  readonly latched: Float64Array = new Float64Array(DOMAINS);
  last = 0;
  /** The thermal model has been brought to `thermalAt` ns, at `thermalJoules` of the package. */
  thermalAt = 0;
  thermalJoules = 0;
  /** W of one core: in C0 between states [0], in idle state i [i + 1], busy [states + 1]. */
  readonly coreWatts: Float64Array;

  constructor(
    cpus: number,
    states: number,
    readonly rc: ThermalRc,
  ) {
    this.inState = new Int32Array(states + 1);
    this.inState[0] = cpus;
    this.coreWatts = new Float64Array(states + 2);
  }

  /** Core watts for the present temperature and P-state. */
  refresh(model: PowerModel, states: readonly CState[]): void {
    const t = this.rc.die();
    this.speed = (this.duty * model.pstates[this.pstate].mhz) / model.pstates[0].mhz;
    this.coreWatts[0] = model.c0(this.pstate, t, model.idleActivity);
    for (let i = 0; i < states.length; i++) this.coreWatts[i + 1] = model.idle(states[i], this.pstate, t);
    this.coreWatts[states.length + 1] = model.c0(this.pstate, t, this.activity * this.duty);
    this.dirty = true;
  }

  /** Bring energy and temperature to `now` (ns). Call before anything that draws power changes. */
  advance(now: number, model: PowerModel, states: readonly CState[]): void {
    let d = now - this.last;
    if (d <= 0) return;
    if (d > PIECE_NS) {
      const pieces = Math.min(Math.ceil(d / PIECE_NS), MAX_PIECES);
      const piece = Math.floor(d / pieces);
      for (let i = 1; i < pieces; i++) this.integrate(piece, model, states);
      d = now - this.last;
    }
    this.integrate(d, model, states);
  }

  private integrate(d: number, model: PowerModel, states: readonly CState[]): void {
    if (this.dirty) this.sumWatts(model, states.length);
    const { joules, latched, watts } = this;
    const end = this.last + d;
    const boundary = Math.floor(end / RAPL_UPDATE_NS) * RAPL_UPDATE_NS;
    const toBoundary = boundary > this.last ? (boundary - this.last) * 1e-9 : -1;
    for (let i = 0; i < DOMAINS; i++) {
      if (toBoundary >= 0) latched[i] = joules[i] + watts[i] * toBoundary;
      joules[i] += watts[i] * d * 1e-9;
    }
    this.work += this.inState[0] * this.speed * d * 1e-9;
    this.last = end;
    const since = end - this.thermalAt;
    if (since < THERMAL_STEP_NS) return;
    this.rc.step((joules[PKG] - this.thermalJoules) / (since * 1e-9), since * 1e-9);
    this.thermalAt = end;
    this.thermalJoules = joules[PKG];
    this.refresh(model, states);
  }

  private sumWatts(model: PowerModel, nrStates: number): void {
    const busy = this.inState[0];
    let cores = busy * this.coreWatts[nrStates + 1];
    for (let i = 1; i <= nrStates; i++) cores += this.inState[i] * this.coreWatts[i];
    const { watts } = this;
    watts[CORES] = cores;
    watts[GRAPHICS] = model.graphicsW;
    watts[DRAM] = model.dramW + model.dramPerCoreW * busy;
    watts[PKG] = cores + model.graphicsW + model.uncore(this.pkgState);
    this.dirty = false;
  }

  /** Energy that a change of state costs on top, J: entering and leaving deep states is not free. */
  add(joules: number): void {
    this.joules[PKG] += joules;
    this.joules[CORES] += joules;
  }

  copyFrom(o: PackagePower): void {
    this.inState.set(o.inState);
    this.pstate = o.pstate;
    this.activity = o.activity;
    this.duty = o.duty;
    this.work = o.work;
    this.speed = o.speed;
    this.pkgState = o.pkgState;
    this.since = o.since;
    this.watts.set(o.watts);
    this.dirty = o.dirty;
    this.joules.set(o.joules);
    this.latched.set(o.latched);
    this.last = o.last;
    this.thermalAt = o.thermalAt;
    this.thermalJoules = o.thermalJoules;
    this.coreWatts.set(o.coreWatts);
    this.rc.rise.set(o.rc.rise);
  }
}

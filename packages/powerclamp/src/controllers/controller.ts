/**
 * controllers: the loops a user-space daemon runs to hold a power or a temperature with a cooling device: read a value,
 * decide a state, write `cur_state`. Pure: they know no file and no clock.
 *
 *     const pid = new PidController({ setpoint: 30, kp: 1.5, ki: 0.8, kd: 0, max: 50 });
 *     const state = pid.step(watts, 1);          // seconds since the last step; an integer in 0..max
 *
 * More state means less power. Output is always within 0..max, and an actuator that refuses (EINVAL) does not wind a
 * controller up: tell it what is really in force with `applied`.
 */

export interface Controller {
  /**
   * @param measured what is to be held at the setpoint (W, °C, ...)
   * @param seconds since the last step, > 0
   * @returns the state to write, an integer in 0..max
   */
  step(measured: number, seconds: number): number;
  /** The device is in this state, whatever was asked (50 becomes 49; a write failed). */
  applied(state: number): void;
}

function finite(what: string, v: number): number {
  if (!Number.isFinite(v)) throw new RangeError(`${what} must be a finite number, not ${v}`);
  return v;
}

function limit(what: string, v: number): number {
  if (!Number.isInteger(v) || v < 0) throw new RangeError(`${what} must be an integer >= 0, not ${v}`);
  return v;
}

export interface BangBangOptions {
  /** Full on above it, off below setpoint - hysteresis. */
  readonly setpoint: number;
  /** Default 0. */
  readonly hysteresis?: number;
  /** The device's max_state. */
  readonly max: number;
  /** State that "on" means; default max. */
  readonly on?: number;
}

/** Two states: all or nothing. */
export class BangBangController implements Controller {
  private on = false;
  private readonly level: number;
  private readonly low: number;
  constructor(private readonly o: BangBangOptions) {
    const max = limit("max", o.max);
    this.level = o.on === undefined ? max : Math.min(limit("on", o.on), max);
    this.low = finite("setpoint", o.setpoint) - finite("hysteresis", o.hysteresis ?? 0);
  }

  step(measured: number): number {
    if (finite("measured", measured) > this.o.setpoint) this.on = true;
    else if (measured < this.low) this.on = false;
    return this.on ? this.level : 0;
  }

  applied(): void {}
}

export interface PidOptions {
  readonly setpoint: number;
  /** State per unit of error, per unit and second, and per unit a second; >= 0. `ki` and `kd` default to 0. */
  readonly kp: number;
  readonly ki?: number;
  readonly kd?: number;
  /** The device's max_state. */
  readonly max: number;
}

/** Proportional, integral, differential on the measurement; the integral stops where the output does. */
export class PidController implements Controller {
  private readonly o: Required<PidOptions>;
  /** Integral term, in units of state. */
  private integral = 0;
  private last = Number.NaN;
  private asked = 0;

  constructor(o: PidOptions) {
    this.o = { ki: 0, kd: 0, ...o };
    limit("max", o.max);
    for (const k of ["setpoint", "kp", "ki", "kd"] as const) finite(k, this.o[k]);
    for (const k of ["kp", "ki", "kd"] as const)
      if (this.o[k] < 0) throw new RangeError(`${k} must be >= 0, not ${this.o[k]}`);
  }

  step(measured: number, seconds: number): number {
    finite("measured", measured);
    if (!(seconds > 0)) throw new RangeError(`seconds must be > 0, not ${seconds}`);
    const { setpoint, kp, ki, kd, max } = this.o;
    const error = measured - setpoint;
    const rate = Number.isNaN(this.last) ? 0 : (measured - this.last) / seconds;
    this.last = measured;
    // the integral term never asks for more than the device can do, nor for less than nothing
    this.integral = Math.min(Math.max(this.integral + ki * error * seconds, 0), max);
    const out = Math.min(Math.max(kp * error + this.integral + kd * rate, 0), max);
    this.asked = Math.round(out);
    return this.asked;
  }

  applied(state: number): void {
    if (state >= 0 && state < this.asked && this.integral > state) this.integral = state;
  }
}

/**
 * cstateTables: idle states of some processor generations, as the intel_idle driver lists them (drivers/idle/intel_idle.c).
 *
 * Latencies are facts of the hardware's documentation; power fractions are this project's model (see power/powerModel.ts)
 * and can be overridden by giving a table of your own.
 */

export interface CState {
  /** "C1", "C1E", "C3", "C6", "C7"... */
  readonly name: string;
  /** µs from the wake-up to the first instruction. */
  readonly exitLatencyUs: number;
  /** µs the state must last to be worth it; ignored by forced idle. */
  readonly targetResidencyUs: number;
  /** Leakage that is left in it, as a part of the core's leakage in C0. */
  readonly leakage: number;
  /** Dynamic power that is left in it, as a part of that of a busy core (C1 only gates the clock). */
  readonly dynamic: number;
  /** The package state the package enters once all its CPUs are at least this deep: 0 none, 3, 6, 7... */
  readonly pkg: number;
}

export type CStateTableName = "nehalem" | "snb" | "ivb" | "hsw";

function state(name: string, exitLatencyUs: number, targetResidencyUs: number): CState {
  const depth = Number.parseInt(name.slice(1), 10);
  if (depth === 1) return { name, exitLatencyUs, targetResidencyUs, leakage: 1, dynamic: 0.1, pkg: 0 };
  if (depth === 3) return { name, exitLatencyUs, targetResidencyUs, leakage: 0.5, dynamic: 0, pkg: 3 };
  return { name, exitLatencyUs, targetResidencyUs, leakage: 0.02, dynamic: 0, pkg: depth };
}

/** By generation; shallowest first. */
export const cstateTables: Readonly<Record<CStateTableName, readonly CState[]>> = /* @__PURE__ */ (() => ({
  nehalem: [state("C1", 3, 6), state("C1E", 10, 20), state("C3", 20, 80), state("C6", 200, 800)],
  snb: [state("C1", 2, 2), state("C1E", 10, 20), state("C3", 80, 211), state("C6", 104, 345), state("C7", 109, 345)],
  ivb: [state("C1", 1, 1), state("C1E", 10, 20), state("C3", 59, 156), state("C6", 80, 300), state("C7", 87, 300)],
  hsw: [
    state("C1", 2, 2),
    state("C1E", 10, 20),
    state("C3", 33, 100),
    state("C6", 133, 400),
    state("C7s", 166, 500),
    state("C8", 300, 900),
  ],
}))();

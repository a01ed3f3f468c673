/**
 * cpuidleCooling: the cooling device `idle-cpuN` (driver-api/thermal/cpu-idle-cooling): state 0..100 is the percentage of time
 * its CPU is kept idle by the idle injection framework.
 */
import { EINVAL, ERANGE } from "@kernelkit/core";
import type { IdleInject, IdleInjectDevice } from "../idleInject/idleInject.js";
import type { CoolingDevice, CoolingOps } from "../thermal/coolingDevice.js";

/** Length of an injection, µs: one tick at HZ 250, as Linux takes for a CPU whose tree says nothing else. */
export const CPUIDLE_COOLING_IDLE_US = 4000;

/** Time to run between injections of `idleUs`, µs; 0 at state 0, which injects nothing. */
export function cpuidleCoolingRuntime(idleUs: number, state: number): number {
  return state === 0 ? 0 : Math.floor((idleUs * 100) / state) - idleUs;
}

/**
 * Time to run between injections of `idleUs` so that a CPU that draws `runMw` while running draws `targetMw` on average, µs.
 * (The last formula printed in the document is the reciprocal of this.) -EINVAL for a target at or above the running power:
 * there is no answer; -ERANGE for powers that are not finite and > 0.
 */
export function idleBudget(runMw: number, targetMw: number, idleUs: number): number {
  if (!(runMw > 0 && targetMw > 0 && runMw < Number.POSITIVE_INFINITY)) return -ERANGE;
  if (targetMw >= runMw) return -EINVAL;
  return Math.floor((idleUs * targetMw) / (runMw - targetMw));
}

/** Plain data of one device. */
export interface CpuidleCooling {
  readonly device: IdleInjectDevice;
  state: number;
}

/** The ops of all `idle-cpuN` devices. */
export function cpuidleCoolingOps(idleInject: IdleInject): CoolingOps {
  return {
    getMaxState: () => 100,
    getCurState: (cdev: CoolingDevice) => (cdev.devdata as CpuidleCooling).state,
    setCurState(cdev: CoolingDevice, state: number): number {
      const d = cdev.devdata as CpuidleCooling;
      const old = d.state;
      d.state = state;
      idleInject.setDuration(d.device, cpuidleCoolingRuntime(CPUIDLE_COOLING_IDLE_US, state), CPUIDLE_COOLING_IDLE_US);
      if (old === 0 && state > 0) return idleInject.start(d.device);
      if (old > 0 && state === 0) idleInject.stop(d.device);
      return 0;
    },
  };
}

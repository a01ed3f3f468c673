/**
 * clockModulation: the cooling device `Processor` of each package, by duty cycle of the clock (T-states): state i stops the
 * clock for i eighths of the time. Work and dynamic power shrink alike; voltage and leakage stay, and no C-state is entered.
 */
import type { Core } from "@kernelkit/core";
import type { PowerMachine } from "../power/powerMachine.js";
import type { CoolingOps } from "../thermal/coolingDevice.js";

/** T-states: T0 (full speed) to T7. */
const STEPS = 8;

export function clockModulationOps(k: Core, machine: PowerMachine): CoolingOps {
  const pkgOf = (d: unknown): number => (d as { pkg: number }).pkg;
  return {
    getMaxState: () => STEPS - 1,
    getCurState: (cdev) => Math.round((1 - machine.packages[pkgOf(cdev.devdata)].duty) * STEPS),
    setCurState(cdev, state) {
      machine.setDuty(pkgOf(cdev.devdata), 1 - state / STEPS, k.now);
      return 0;
    },
  };
}

/**
 * cpufreqCooling: the cooling device `cpufreq-cpuN` of each package (driver-api/thermal/cpu-cooling-api): state i is the i-th
 * P-state from the fastest. It is a power actor. Slower cores do less in the same time: `speed` is what is left.
 */
import type { Core } from "@kernelkit/core";
import type { PowerMachine } from "../power/powerMachine.js";
import type { CoolingDevice, CoolingOps } from "../thermal/coolingDevice.js";

/** Temperature static power is estimated at, °C: Linux's table of powers knows no temperature. */
const ESTIMATE_C = 50;

/** mW of the package's CPUs all busy at P-state `p`: the energy model power_allocator works with. */
export function packagePowerMw(machine: PowerMachine, pkg: number, p: number): number {
  return Math.round(machine.model.c0(p, ESTIMATE_C, 1) * machine.pkgCpus[pkg] * 1000);
}

export function cpufreqCoolingOps(k: Core, machine: PowerMachine): CoolingOps {
  const pkgOf = (cdev: CoolingDevice): number => (cdev.devdata as { pkg: number }).pkg;
  const last = machine.model.pstates.length - 1;
  return {
    getMaxState: () => last,
    getCurState: (cdev) => machine.packages[pkgOf(cdev)].pstate,
    setCurState(cdev, state) {
      machine.setPstate(pkgOf(cdev), state, k.now);
      return 0;
    },
    power: {
      getRequestedPower: (cdev) => packagePowerMw(machine, pkgOf(cdev), machine.packages[pkgOf(cdev)].pstate),
      state2power: (cdev, state) => packagePowerMw(machine, pkgOf(cdev), state),
      power2state(cdev, powerMw) {
        let s = 0;
        while (s < last && packagePowerMw(machine, pkgOf(cdev), s) > powerMw) s++;
        return s;
      },
    },
  };
}

/**
 * cpuOffline: a cooling device that takes CPUs off line, the rival the driver's text compares idle injection with
 * (intel_powerclamp, "CPU offlining"): state n keeps the n highest CPUs off.
 */
import type { Core } from "@kernelkit/core";
import type { CoolingOps } from "../thermal/coolingDevice.js";

export function cpuOfflineOps(k: Core): CoolingOps {
  return {
    getMaxState: () => k.cpus.nr - 1,
    getCurState: () => k.cpus.nr - k.cpus.nrOnline,
    setCurState(_cdev, state) {
      for (let cpu = k.cpus.nr - 1; cpu >= 0; cpu--) {
        const on = cpu < k.cpus.nr - state;
        if (on === (k.cpus.online[cpu] === 1)) continue;
        const e = on ? k.hotplug.up(cpu) : k.hotplug.down(cpu);
        if (e !== 0) return e;
      }
      return 0;
    },
  };
}

/**
 * cpuidleSysfs: /sys/devices/system/cpu/cpuidle and cpuN/cpuidle/stateI (admin-guide/pm/cpuidle).
 */
import { type Core, kstrtouint, type PseudoFile, type PseudoTree } from "@kernelkit/core";
import { nonEmpty, orEinval } from "../sysfsStore.js";
import type { CpuidleDriver } from "./cpuidleDriver.js";

const CPU = "/sys/devices/system/cpu";
const MAX_STATES = 16;

/** Plain data: state `index` (0 is POLL) of a CPU. */
interface StateOwner {
  readonly cpu: number;
  readonly index: number;
}

function stateFiles(k: Core, driver: CpuidleDriver): Record<string, PseudoFile<StateOwner>> {
  const def = (s: StateOwner): { name: string; exitLatencyNs: number; residencyNs: number } => k.idle.states[s.index];
  const at = (s: StateOwner): number => s.cpu * MAX_STATES + s.index;
  /** ns in the state up to now, the present stay included. */
  const time = (s: StateOwner): number => {
    const running = k.cpus.idleState[s.cpu] === s.index && k.cpus.online[s.cpu] === 1;
    return k.idle.timeNs[at(s)] + (running ? k.now - k.cpus.idleSince[s.cpu] : 0);
  };
  return {
    name: { show: (_c, s) => `${def(s).name}\n` },
    desc: { show: (_c, s) => (s.index === 0 ? "CPUIDLE CORE POLL IDLE\n" : `MWAIT ${def(s).name}\n`) },
    latency: { show: (_c, s) => `${def(s).exitLatencyNs / 1000}\n` },
    residency: { show: (_c, s) => `${def(s).residencyNs / 1000}\n` },
    usage: { show: (_c, s) => `${k.idle.usage[at(s)]}\n` },
    time: { show: (_c, s) => `${Math.floor(time(s) / 1000)}\n` },
    disable: {
      show: (_c, s) => `${s.index > 0 && driver.isDisabled(s.cpu, s.index - 1) ? 1 : 0}\n`,
      store: nonEmpty((_c, s, text) => {
        const v = orEinval(kstrtouint(text, 0));
        if (s.index > 0) driver.setDisabled(s.cpu, s.index - 1, v !== 0);
      }),
    },
    default_status: { show: () => "enabled\n" },
  };
}

/** Call once, in install. */
export function installCpuidleSysfs(sysfs: PseudoTree, k: Core, driver: CpuidleDriver): void {
  const group = sysfs.group("cpuidle.state", stateFiles(k, driver));
  sysfs.file(`${CPU}/cpuidle/current_driver`, { show: () => "intel_idle\n" });
  sysfs.file(`${CPU}/cpuidle/current_governor`, { show: () => "menu\n" });
  sysfs.file(`${CPU}/cpuidle/current_governor_ro`, { show: () => "menu\n" });
  sysfs.file(`${CPU}/cpuidle/available_governors`, { show: () => "menu \n" });
  for (let cpu = 0; cpu < k.cpus.nr; cpu++) {
    for (let index = 0; index < k.idle.states.length; index++)
      sysfs.dir(`${CPU}/cpu${cpu}/cpuidle/state${index}`, { group, owner: { cpu, index } satisfies StateOwner });
  }
}

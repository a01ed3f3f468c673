/**
 * packing: at wake-up, put small tasks on their package's buddy CPU (the patches of 2012-13; H 2013-02). See packBuddy.ts for
 * the rule; the choice is offered to the scheduler by the hook `selectCpu`.
 */
import { type Core, maskHas, type Task } from "@kernelkit/core";
import { checkPackBuddy } from "./packBuddy.js";
import { peltDivider, type SchedAvg } from "./pelt.js";
import type { PeltMeter } from "./peltMeter.js";

/** Time an entity's sum was measured over, in the unit of `runnableSum`. */
const periodOf = (sa: SchedAvg): number => peltDivider(sa) * 1024;

/**
 * The CPU that small tasks of `cpu` are packed on: the first of its package, whose own buddy is the machine's first - so that
 * small tasks gather step by step, and other packages sleep.
 */
export function buddyOf(cpuPkg: Uint8Array, cpu: number): number {
  const first = cpuPkg.indexOf(cpuPkg[cpu]);
  return cpu === first ? 0 : first;
}

/** Offer packing to the scheduler. */
export function installPacking(k: Core, meter: PeltMeter, cpuPkg: Uint8Array): void {
  k.hooks.selectCpu.tap(250, "powerclamp.packing", (t: Task, cpu: number) => {
    if (t.se.rtPriority > 0 || t.isKthread) return undefined;
    const buddy = buddyOf(cpuPkg, cpu);
    if (k.cpus.online[buddy] === 0 || !maskHas(t.cpusMask, buddy)) return undefined;
    const task = meter.slept(t);
    const load = meter.cpuAt(buddy);
    const pack = checkPackBuddy({
      taskSum: task.runnableSum,
      taskPeriod: periodOf(task),
      buddySum: load.runnableSum,
      buddyPeriod: periodOf(load),
      buddyNrRunning: k.sched.rqs[buddy].nrRunning,
    });
    return pack ? buddy : undefined;
  });
}

/**
 * Where a strategy meets the kernel: ticks, scheduling decisions and hint faults go to it; wake-ups and idle CPUs ask it where a task
 * belongs. Nothing here knows which strategy it is.
 */
import { type Core, maskHas, type Task } from "@kernelkit/core";
import type { NumaSystem } from "../state.js";
import type { Hinting } from "./hinting.js";

export function installBalancing(sys: NumaSystem, hinting: Hinting): void {
  const { k, strategy } = sys;
  const { hooks } = k;
  strategy.install(k);
  k.proc.numaSched = (t) => strategy.schedText(t);
  hooks.tick.tap(200, "numa", (cpu, t) => strategy.onTick(cpu, t));
  hooks.schedIn.tap(200, "numa", (t, cpu) => strategy.onSchedule(cpu, t));
  hooks.faultHint.tap(
    200,
    "numa",
    (f, c) => {
      if (c !== null) strategy.onHintFault(c.task, hinting.begin(f, c.task));
      return undefined;
    },
    true,
  );
  hooks.hintRun.tap(200, "numa", (f, t) => hinting.run(f, t, strategy));
  hooks.selectCpu.tap(200, "numa", (t, prev) => selectCpu(sys, t, prev));
  hooks.migrateDegrades.tap(200, "numa", (t) => {
    const nid = strategy.preferredNode(t);
    return nid >= 0 && nid === sys.nodeOfCpu(t.cpu);
  });
}

/** A task that wakes up: an idle CPU of the node it belongs to, else of the node it was on. Undefined: as core thinks. */
function selectCpu(sys: NumaSystem, t: Task, prev: number): number | undefined {
  const { k } = sys;
  // a new task goes where there is most room
  if (t.isKthread || t.se.sumExecNs === 0) return undefined;
  const here = sys.nodeOfCpu(prev);
  const belongs = sys.strategy.preferredNode(t);
  if (belongs >= 0 && belongs !== here) {
    const cpu = idleCpu(k, t, sys.cpusOf[belongs]);
    if (cpu >= 0) return cpu;
  }
  if (k.sched.rqs[prev].nrRunning === 0) return undefined;
  const cpu = idleCpu(k, t, sys.cpusOf[here]);
  return cpu < 0 ? undefined : cpu;
}

function idleCpu(k: Core, t: Task, cpus: readonly number[]): number {
  const { online, forcedIdleUntil } = k.cpus;
  for (const cpu of cpus)
    if (
      online[cpu] === 1 &&
      k.sched.rqs[cpu].nrRunning === 0 &&
      forcedIdleUntil[cpu] <= k.now &&
      maskHas(t.cpusMask, cpu)
    )
      return cpu;
  return -1;
}

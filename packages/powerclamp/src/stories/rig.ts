/**
 * rig: the machine a story runs on - a kernel with load on its CPUs, a clamp, and readings between two instants.
 */
import {
  type BareSys,
  createMachine,
  type Kernel,
  type KernelOptions,
  type MachineSys,
  type Program,
  type ProgramDef,
  program,
  type Task,
} from "@kernelkit/core";
import type { PowerclampApi } from "../api.js";
import type { PowerclampOptions } from "../options.js";
import { PKG } from "../power/packagePower.js";
import { powerclamp } from "../powerclamp.js";

/** Long enough to outlast any story, ns. */
const FOREVER_NS = 3600e9;

/** A task that never sleeps. */
export const hog: ProgramDef<MachineSys, Record<string, never>> = program(
  "hog",
  function* (sys: Program<MachineSys>, _s: Record<string, never>) {
    for (;;) yield* sys.compute(FOREVER_NS);
  },
);

/** A bare machine with this package. */
export type RigKernel = Kernel<{ readonly powerclamp: PowerclampApi }, BareSys>;

/** Averages over a stretch of time. */
export interface Reading {
  readonly seconds: number;
  /** Package 0: parts of the time in any C-state with a counter; W; seconds of work of one core at full speed, per second. */
  readonly residency: number;
  readonly watts: number;
  readonly workRate: number;
  /** Part of the time CPUs spent in injections, mean. */
  readonly injected: number;
  /** Part of the time CPUs idled, mean. */
  readonly idle: number;
}

export class Rig {
  readonly kernel: RigKernel;
  readonly clamp: PowerclampApi;

  constructor(options: KernelOptions, clamp: PowerclampOptions = {}) {
    this.kernel = createMachine(options).use(powerclamp(clamp)).boot();
    this.clamp = this.kernel.powerclamp;
    this.clamp.modprobe();
  }

  get cpus(): number {
    return this.kernel.cpus.nr;
  }

  /** Put a task on one CPU for good. */
  pin(t: Task, cpu: number): void {
    const mask = new Uint32Array(t.cpusMask.length);
    mask[cpu >> 5] = (1 << (cpu & 31)) >>> 0;
    // not in place: tasks may share a mask
    t.cpusMask = mask;
    this.kernel.core.sched.migrateTask(t, cpu);
  }

  /** A task that never sleeps, wherever the scheduler puts it. */
  spawnHog(): Task {
    return this.kernel.spawn(hog, {});
  }

  /** A task that never sleeps on each CPU. */
  hogs(): void {
    for (let cpu = 0; cpu < this.cpus; cpu++) this.pin(this.spawnHog(), cpu);
  }

  /** Ask the clamp for a percentage, as a governor would. */
  target(percent: number): void {
    const { coolingDevice, thermal } = this.clamp;
    if (coolingDevice !== null) thermal.setCurState(coolingDevice, percent);
  }

  /** Let time pass and say what it was like. */
  measure(seconds: number): Reading {
    const { machine, playIdle } = this.clamp;
    const now = (): number => this.kernel.now;
    const idleNs = (): number => {
      let sum = 0;
      for (let cpu = 0; cpu < this.cpus; cpu++) sum += this.kernel.cpus.timeAt(cpu, 3, now());
      return sum;
    };
    const start = {
      ns: now(),
      pkg: machine.residencyNs(0, now()),
      j: machine.joules(0, PKG, now()),
      work: machine.workSeconds(0, now()),
      injected: sum(playIdle.injectedNs),
      idle: idleNs(),
    };
    this.kernel.run(`${Math.round(seconds * 1e6)}us`);
    const ns = now() - start.ns;
    const all = ns * this.cpus;
    return {
      seconds: ns * 1e-9,
      residency: (machine.residencyNs(0, now()) - start.pkg) / ns,
      watts: (machine.joules(0, PKG, now()) - start.j) / (ns * 1e-9),
      workRate: (machine.workSeconds(0, now()) - start.work) / (ns * 1e-9),
      injected: (sum(playIdle.injectedNs) - start.injected) / all,
      idle: (idleNs() - start.idle) / all,
    };
  }
}

function sum(a: Float64Array): number {
  let s = 0;
  for (const v of a) s += v;
  return s;
}

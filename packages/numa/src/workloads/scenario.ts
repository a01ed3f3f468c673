/**
 * Running a workload on a machine under a strategy, and what came of it over time: accesses to local memory, work done, faults,
 * migrations, where time went. The scenario runner behind the stories.
 */
import { type CoreSys, createKernel, type Kernel, type MachineOptions, type Task } from "@kernelkit/core";
import type { NumaSys } from "../calls/numaSys.js";
import { type NumaApi, numa } from "../numa.js";
import type { NumaOptions } from "../options.js";
import { process, type Workload, worker } from "./workload.js";

export interface ScenarioOptions {
  readonly machine: MachineOptions;
  readonly numa?: NumaOptions;
  readonly cmdline?: string;
  readonly seed?: number;
  /** Virtual time in all, and between two samples. */
  readonly seconds: number;
  readonly sampleMs?: number;
  /** Called when the machine is up, before the workload. */
  readonly prepare?: (kernel: ScenarioKernel) => void;
}

export type ScenarioKernel = Kernel<{ readonly numa: NumaApi }, CoreSys & NumaSys>;

/** One sample: what happened since the one before. */
export interface Sample {
  /** s since the workload began. */
  readonly at: number;
  /** Part of the accesses that were local, 0..1; NaN: there were none. */
  readonly local: number;
  /** Million accesses per second. */
  readonly rate: number;
}

export interface ScenarioResult {
  readonly kernel: ScenarioKernel;
  readonly samples: readonly Sample[];
  /** Million accesses in all, and over the last third of the time; part of them local there. */
  readonly work: number;
  readonly workLate: number;
  readonly localLate: number;
  readonly local: number;
  /** Counters of /proc/vmstat by name. */
  readonly stat: (name: string) => number;
  /** Seconds of CPU time of the kernel's threads, over all CPU time. */
  readonly threadShare: number;
}

/** The machine of a scenario with its workload started. */
function start(w: Workload, o: ScenarioOptions): { kernel: ScenarioKernel; tasks: () => Task[] } {
  const kernel = createKernel({
    machine: o.machine,
    cmdline: o.cmdline ?? "transparent_hugepage=never",
    ...(o.seed !== undefined && { seed: o.seed }),
  })
    .use(numa(o.numa))
    .boot() as ScenarioKernel;
  kernel.core.programs.add(worker);
  o.prepare?.(kernel);
  const cpus = kernel.cpus.nr;
  const roots = w.processes.map((plan) => kernel.spawn(process as never, { plan, cpus, self: null }));
  const mine = new Set<Task>(roots);
  const tasks = (): Task[] => {
    for (const t of kernel.tasks.all()) if (!t.isKthread && (t.program?.name ?? "").startsWith("numa.")) mine.add(t);
    return [...mine];
  };
  return { kernel, tasks };
}

export function runScenario(w: Workload, o: ScenarioOptions): ScenarioResult {
  const { kernel, tasks } = start(w, o);
  const api = kernel.numa;
  const begin = kernel.now;
  const sums = (): { local: number; all: number } => {
    let local = 0;
    let all = 0;
    for (const t of tasks()) {
      const n = api.taskNuma(t);
      local += n.localAccesses;
      all += n.localAccesses + n.remoteAccesses;
    }
    return { local, all };
  };
  const step = o.sampleMs ?? 100;
  const samples: Sample[] = [];
  let before = { local: 0, all: 0 };
  let third = before;
  for (let ms = step; ms <= o.seconds * 1000; ms += step) {
    kernel.run(`${step}ms`);
    const now = sums();
    const all = now.all - before.all;
    samples.push({
      at: (kernel.now - begin) / 1e9,
      local: (now.local - before.local) / all,
      rate: (all / step) * 1e-3,
    });
    before = now;
    if (ms <= (o.seconds * 2000) / 3) third = now;
  }
  const late = before.all - third.all;
  let threads = 0;
  for (const t of kernel.tasks.all()) if (t.isKthread) threads += t.stimeNs + t.utimeNs;
  return {
    kernel,
    samples,
    work: before.all / 1e6,
    workLate: late / 1e6,
    localLate: (before.local - third.local) / late,
    local: before.local / before.all,
    stat: (name) => kernel.mm.read(kernel.mm.stat(name)),
    threadShare: threads / ((kernel.now - begin) * kernel.cpus.nr),
  };
}

/** The story "Home nodes": many memory-bound tasks on two nodes, more than there are CPUs. */
import { Rng } from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { manyTasks } from "../workloads/generators.js";
import { ASSUMES, compare, costTable, localSeries, machineOf, numbersOf, rival } from "./rig.js";

type Knobs = { readonly tasks: number; readonly cpusPerNode: number; readonly seconds: number; readonly seed: number };

const knobs: Story<Knobs>["knobs"] = {
  tasks: { kind: "number", default: 16, min: 4, max: 96, unit: "tasks" },
  cpusPerNode: { kind: "number", default: 4, min: 1, max: 24, unit: "CPUs" },
  seconds: { kind: "number", default: 30, min: 10, max: 300, unit: "s" },
  seed: { kind: "number", default: 1, min: 0, max: 1e6, unit: "" },
};

export const homeNodes: Story<Knobs> = {
  id: "home-nodes",
  question: "What do home nodes do for a machine full of memory-bound tasks?",
  source: "LWN 2012-03; the sched/numa posting: 50 % local without, 86 % with",
  claim:
    "about half of the accesses are local where nobody cares, and 80 % or more with home nodes; work grows by 10 % or more",
  assumes: [...ASSUMES, "without home nodes each task's memory was first touched on a CPU drawn from the seed"],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const rng = new Rng(o.seed).fork("tasks");
    const cpus = 2 * o.cpusPerNode;
    const firstCpus = Array.from({ length: o.tasks }, () => rng.below(cpus));
    const startCpus = firstCpus.map((_, i) => i % cpus);
    const runs = compare(
      [rival("none"), rival("schednuma"), rival("modern")],
      () => manyTasks({ pages: 512, firstCpus, startCpus }),
      { machine: machineOf(2, o.cpusPerNode, "256M"), seconds: o.seconds, sampleMs: 1000 },
    );
    return { series: localSeries(runs), table: costTable(runs), numbers: numbersOf(runs) };
  },
};

/** The story "Four threads, two nodes": threads with memory of their own that begin anywhere. */
import { Rng } from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { privateThreads } from "../workloads/generators.js";
import { ASSUMES, compare, costTable, DESIGNS, localSeries, machineOf, numbersOf, rival } from "./rig.js";

type Knobs = {
  readonly megabytes: number;
  readonly seconds: number;
  readonly seed: number;
  readonly as: string;
};

const knobs: Story<Knobs>["knobs"] = {
  megabytes: { kind: "number", default: 16, min: 1, max: 64, unit: "MiB of each" },
  seconds: { kind: "number", default: 60, min: 15, max: 300, unit: "s" },
  seed: { kind: "number", default: 1, min: 0, max: 1e6, unit: "" },
  as: { kind: "choice", default: "threads", choices: ["threads", "processes"] },
};

export const fourThreads: Story<Knobs> = {
  id: "four-threads",
  question: "Do memory and threads find each other, and what does it cost?",
  source: "LWN 2012-03 (AutoNUMA), LWN 2012-11 (NUMA in a hurry)",
  claim:
    "every design that moves pages on faults ends above 95 % local and gains 20 % or more; home nodes do so only with the group calls where the threads are one process",
  assumes: [...ASSUMES, "where memory is at first is drawn from the seed, at least two of the four on the wrong node"],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const rng = new Rng(o.seed).fork("start");
    // thread i begins on CPU i; the memory of the first on each node is on the other one
    const nodes = [1, rng.below(2), 0, rng.below(2)];
    const firstCpus = nodes.map((n, i) => n * 2 + (i & 1));
    const runs = compare(
      [...DESIGNS, rival("schednuma", true)],
      (r) =>
        privateThreads({
          pages: o.megabytes * 256,
          firstCpus,
          startCpus: [0, 1, 2, 3],
          as: o.as as "threads" | "processes",
          groups: r.groups,
        }),
      { machine: machineOf(2, 2, "512M"), seconds: o.seconds, sampleMs: 500 },
    );
    return { series: localSeries(runs), table: costTable(runs), numbers: numbersOf(runs) };
  },
};

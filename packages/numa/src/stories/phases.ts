/** The story "Another phase": threads that exchange their data, and how soon it is local again. */
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { phaseChange } from "../workloads/generators.js";
import { ASSUMES, compare, costTable, DESIGNS, localSeries, machineOf, numbersOf } from "./rig.js";

type Knobs = { readonly megabytes: number; readonly phaseSweeps: number; readonly seconds: number };

const knobs: Story<Knobs>["knobs"] = {
  megabytes: { kind: "number", default: 8, min: 1, max: 64, unit: "MiB of each" },
  phaseSweeps: { kind: "number", default: 300, min: 10, max: 100_000, unit: "sweeps" },
  seconds: { kind: "number", default: 120, min: 30, max: 600, unit: "s" },
};

export const phases: Story<Knobs> = {
  id: "phases",
  question: "How soon does placement follow a program that changes what it does?",
  source: "LWN 2012-03 (AutoNUMA: the statistics forget)",
  claim:
    "designs that follow faults have 85 % of the accesses or more local over all phases, doing nothing and a home node two thirds",
  assumes: ASSUMES,
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const runs = compare(
      DESIGNS,
      () => phaseChange({ pages: o.megabytes * 256, firstCpus: [0, 1, 2, 3], sweeps: o.phaseSweeps }),
      { machine: machineOf(2, 2, "256M"), seconds: o.seconds, sampleMs: 1000 },
    );
    const numbers = numbersOf(runs);
    for (const r of runs) numbers[`mean ${r.rival.name}`] = 100 * r.local;
    return { series: localSeries(runs), table: costTable(runs), numbers };
  },
};

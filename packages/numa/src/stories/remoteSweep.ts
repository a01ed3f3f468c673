/** The story "The pinned thread": memory on the wrong node of a thread that may not move. */
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { remoteSweep as workload } from "../workloads/generators.js";
import { ASSUMES, compare, costTable, DESIGNS, localSeries, machineOf, numbersOf } from "./rig.js";

type Knobs = { readonly megabytes: number; readonly seconds: number };

/** Time on the first node. */
const FIRST_NS = 1.6e9;

const knobs: Story<Knobs>["knobs"] = {
  megabytes: { kind: "number", default: 64, min: 1, max: 256, unit: "MiB" },
  seconds: { kind: "number", default: 40, min: 5, max: 300, unit: "s" },
};

export const remoteSweep: Story<Knobs> = {
  id: "remote-sweep",
  question: "How long does memory take to come to a thread that may not go to it?",
  source: "LWN 2012-11; observed on Linux 7.2: all of 64 MiB after the first scan",
  claim:
    "modern balancing moves all of it in the first scan, one or two seconds in, with a fault a page and none afterwards; balancenuma needs a second pass; AutoNUMA's first one comes when its thread has slept",
  assumes: ASSUMES,
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const pages = o.megabytes * 256;
    // long enough for every design to have seen it at home: a page takes 12.8 us
    const firstSweeps = Math.ceil(FIRST_NS / (pages * 12_800));
    const runs = compare(DESIGNS, () => workload({ pages, firstCpu: 0, firstSweeps, cpu: 2 }), {
      machine: machineOf(2, 2, "448M"),
      seconds: o.seconds,
      sampleMs: 250,
    });
    const numbers = numbersOf(runs);
    for (const r of runs) {
      const wrong = r.samples.findLastIndex((x) => !(x.local > 0.99));
      numbers[`local after ${r.rival.name}`] = r.samples[wrong + 1]?.at ?? Number.POSITIVE_INFINITY;
    }
    return { series: localSeries(runs), table: costTable(runs), numbers };
  },
};

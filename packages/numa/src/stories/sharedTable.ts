/** The story "The table everybody reads": shared pages have no right place. */
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { sharedRead } from "../workloads/generators.js";
import { ASSUMES, compare, localSeries, machineOf, numbersOf, rival, round } from "./rig.js";

type Knobs = { readonly megabytes: number; readonly seconds: number };

const knobs: Story<Knobs>["knobs"] = {
  megabytes: { kind: "number", default: 8, min: 1, max: 64, unit: "MiB" },
  seconds: { kind: "number", default: 60, min: 20, max: 300, unit: "s" },
};

export const sharedTable: Story<Knobs> = {
  id: "shared-table",
  question: "What happens to memory that threads of both nodes read?",
  source: "LWN 2012-03 (AutoNUMA), LWN 2012-11",
  claim:
    "moving it gains nothing: each page moves once or twice and then stays, and nobody loses more than a tenth by it",
  assumes: ASSUMES,
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const runs = compare(
      [rival("none"), rival("autonuma"), rival("autonuma-lazy"), rival("balancenuma"), rival("modern")],
      () => sharedRead({ pages: o.megabytes * 256, threads: 4, own: 64 }),
      { machine: machineOf(2, 2, "128M"), seconds: o.seconds, sampleMs: 1000 },
    );
    const numbers = numbersOf(runs);
    for (const r of runs) numbers[`cancelled ${r.rival.name}`] = r.kernel.numa.spent.cancelled;
    return {
      series: localSeries(runs),
      table: {
        columns: ["design", "local %", "work against none", "faults", "pages moved", "requests cancelled"],
        rows: runs.map((r) => [
          r.rival.name,
          round(100 * r.local),
          round(r.work / runs[0].work, 3),
          r.kernel.numa.spent.faults,
          r.kernel.numa.spent.migrated,
          r.kernel.numa.spent.cancelled,
        ]),
      },
      numbers,
    };
  },
};

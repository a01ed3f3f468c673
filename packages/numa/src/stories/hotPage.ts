/** The story "Everybody's page": one page that threads of all nodes use. */
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { hotInterleavedPage } from "../workloads/generators.js";
import { ASSUMES, compare, localSeries, machineOf, numbersOf, rival } from "./rig.js";

type Knobs = { readonly nodes: number; readonly seconds: number };

const knobs: Story<Knobs>["knobs"] = {
  nodes: { kind: "number", default: 4, min: 2, max: 8, unit: "nodes" },
  seconds: { kind: "number", default: 60, min: 20, max: 300, unit: "s" },
};

export const hotPage: Story<Knobs> = {
  id: "hot-page",
  question: "Does a page that all nodes use wander about?",
  source: "LWN 2012-03 (AutoNUMA: two faults in a row)",
  claim:
    "no: the filter of two faults in a row keeps it where it is most of the time; without a filter it would move at every fault",
  assumes: [...ASSUMES, "threads are pinned, one per node, and their own memory is local from the start"],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const cpus = Array.from({ length: o.nodes }, (_, i) => i);
    const runs = compare(
      [rival("autonuma"), rival("autonuma-lazy"), rival("balancenuma"), rival("modern")],
      () => hotInterleavedPage({ cpus, own: 1024 }),
      { machine: machineOf(o.nodes, 1, "64M"), seconds: o.seconds, sampleMs: 1000 },
    );
    return {
      series: localSeries(runs),
      table: {
        columns: ["design", "hint faults", "pages moved"],
        rows: runs.map((r) => [r.rival.name, r.kernel.numa.spent.faults, r.kernel.numa.spent.migrated]),
      },
      numbers: numbersOf(runs),
    };
  },
};

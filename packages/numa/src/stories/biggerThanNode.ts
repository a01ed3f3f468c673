/** The story "One process and a half": a process whose memory does not fit into a node. */
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { biggerThanNode as workload } from "../workloads/generators.js";
import { ASSUMES, compare, costTable, localSeries, machineOf, numbersOf, rival } from "./rig.js";

type Knobs = { readonly nodeMegabytes: number; readonly nodesFull: number; readonly seconds: number };

const knobs: Story<Knobs>["knobs"] = {
  nodeMegabytes: { kind: "number", default: 64, min: 32, max: 512, unit: "MiB of a node" },
  nodesFull: { kind: "number", default: 1.5, min: 1, max: 1.7, unit: "nodes of memory" },
  seconds: { kind: "number", default: 90, min: 30, max: 300, unit: "s" },
};

export const biggerThanNode: Story<Knobs> = {
  id: "bigger-than-node",
  question: "What becomes of a program that is larger than a node?",
  source: "LWN 2012-03 (AutoNUMA: the weakness of home nodes)",
  claim:
    "with a home node alone about a third of the memory stays remote; with groups, AutoNUMA and modern balancing nearly nothing does",
  assumes: [...ASSUMES, "two threads on the home node, each with half of the memory, all first touched by one of them"],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const pages = Math.floor(o.nodeMegabytes * 256 * o.nodesFull);
    const runs = compare(
      [
        rival("none"),
        rival("schednuma"),
        rival("schednuma", true),
        rival("autonuma"),
        rival("autonuma-lazy"),
        rival("balancenuma"),
        rival("modern"),
      ],
      (r) => workload({ pages, threads: 2, groups: r.groups }),
      { machine: machineOf(2, 2, `${o.nodeMegabytes}M`), seconds: o.seconds, sampleMs: 1000 },
    );
    return { series: localSeries(runs), table: costTable(runs), numbers: numbersOf(runs) };
  },
};

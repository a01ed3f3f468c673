/** The story "The objections": what AutoNUMA costs in the scheduler, in threads and in struct page. */
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { PAGE_METADATA } from "../balance/algorithms.js";
import { privateThreads } from "../workloads/generators.js";
import { runScenario } from "../workloads/scenario.js";
import { ASSUMES, machineOf, round } from "./rig.js";

type Knobs = { readonly seconds: number };

const knobs: Story<Knobs>["knobs"] = { seconds: { kind: "number", default: 15, min: 12, max: 120, unit: "s" } };

const CPUS = [4, 8, 16, 32];
const GIB64_PAGES = 2 ** 24;
const DESIGNS = [
  "autonuma",
  "autonuma-external",
  "autonuma-packed",
  "autonuma-v33",
  "balancenuma",
  "schednuma",
  "modern",
];

export const objections: Story<Knobs> = {
  id: "autonuma-objections",
  question: "Were the objections to AutoNUMA right: a loop over all CPUs in schedule(), threads, 24 bytes a page?",
  source: "LWN 2012-03 (AutoNUMA)",
  claim:
    "CPUs looked at per decision grow with the CPUs, and all of them with their square; the threads take less than 1 % of the time; 64 GiB cost 384 MiB as first posted and 32 MiB at the end",
  assumes: ASSUMES,
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const numbers: Record<string, number> = {};
    const perDecision: number[] = [];
    const perSecond: number[] = [];
    const rows: (string | number)[][] = [];
    for (const cpus of CPUS) {
      const each = cpus / 2;
      const r = runScenario(
        privateThreads({ pages: 256, firstCpus: Array.from({ length: cpus }, (_, i) => i), as: "threads" }),
        { machine: machineOf(2, each, "128M"), numa: { strategy: "autonuma" }, seconds: o.seconds, sampleMs: 1000 },
      );
      const { spent } = r.kernel.numa;
      const loop = spent.visitNs / (o.seconds * 1e9 * cpus);
      perDecision.push(round(spent.visits / spent.schedules, 2));
      perSecond.push(Math.round(spent.visits / o.seconds));
      rows.push([
        `${cpus} CPUs`,
        perDecision.at(-1) as number,
        perSecond.at(-1) as number,
        round(100 * loop, 3),
        round(100 * r.threadShare, 3),
      ]);
      numbers[`visits per decision ${cpus}`] = spent.visits / spent.schedules;
      numbers[`visits per second ${cpus}`] = spent.visits / o.seconds;
      numbers[`thread share ${cpus}`] = 100 * r.threadShare;
    }
    for (const d of DESIGNS) {
      const mib = (PAGE_METADATA[d] * GIB64_PAGES) / 2 ** 20;
      numbers[`MiB ${d}`] = mib;
      rows.push([`${d}: bytes a page`, PAGE_METADATA[d], mib, round((100 * PAGE_METADATA[d]) / 4096, 2), 0]);
    }
    return {
      series: [
        { name: "CPUs looked at per second", unit: "CPUs", of: "CPUs", x: CPUS, y: perSecond },
        { name: "CPUs looked at per decision", unit: "CPUs", of: "CPUs", x: CPUS, y: perDecision },
      ],
      table: {
        columns: [
          "",
          "CPUs per decision; or bytes",
          "CPUs per second; or MiB for 64 GiB",
          "% of time; or of memory",
          "% in threads",
        ],
        rows,
      },
      numbers,
    };
  },
};

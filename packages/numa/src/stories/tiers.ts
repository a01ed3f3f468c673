/** The story "Slow memory": a hot part that finds fast memory full of cold pages. */
import { knobsOf, type Story } from "@kernelkit/core/stories";
import type { NumaOptions } from "../options.js";
import { hotAndCold } from "../workloads/generators.js";
import { runScenario } from "../workloads/scenario.js";
import { ASSUMES, round } from "./rig.js";

type Knobs = { readonly fastMegabytes: number; readonly hotPercent: number; readonly seconds: number };

const knobs: Story<Knobs>["knobs"] = {
  fastMegabytes: { kind: "number", default: 64, min: 32, max: 256, unit: "MiB" },
  hotPercent: { kind: "number", default: 25, min: 5, max: 60, unit: "% of fast memory" },
  seconds: { kind: "number", default: 60, min: 20, max: 300, unit: "s" },
};

const MODES = [
  { name: "balancing off", balancing: 0, demotion: false },
  { name: "mode 2, no demotion", balancing: 2, demotion: false },
  { name: "mode 2, demotion", balancing: 2, demotion: true },
] as const;

export const tiers: Story<Knobs> = {
  id: "memory-tiers",
  question: "Do hot pages get into fast memory that cold ones fill?",
  source: "kernel document admin-guide/sysctl/kernel, numa_balancing mode 2",
  claim: "only if cold ones are demoted: then most accesses are to fast memory, else hardly more than without",
  assumes: [...ASSUMES, "slow memory is at distance 30: three times as slow", "the cold part was there first"],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const fast = o.fastMegabytes * 256;
    const hot = Math.floor((fast * o.hotPercent) / 100);
    const numa: NumaOptions = { strategy: "modern", slowNodes: [1] };
    const runs = MODES.map((m) => ({
      mode: m,
      ...runScenario(hotAndCold({ hot, cold: fast, ratio: 40, cpu: 0 }), {
        machine: {
          cpus: 2,
          nodes: 2,
          nodeMemory: [`${o.fastMegabytes}M`, `${o.fastMegabytes * 4}M`],
          cpuNode: [0, 0],
          distances: [
            [10, 30],
            [30, 10],
          ],
        },
        numa,
        seconds: o.seconds,
        sampleMs: 1000,
        prepare(kernel) {
          const sys = kernel.sys(kernel.init);
          sys.writeFile("/proc/sys/kernel/numa_balancing", `${m.balancing}\n`);
          sys.writeFile("/sys/kernel/mm/numa/demotion_enabled", `${m.demotion}\n`);
        },
      }),
    }));
    const demoted = (r: (typeof runs)[number]): number => r.stat("pgdemote_kswapd") + r.stat("pgdemote_direct");
    const numbers: Record<string, number> = {};
    for (const r of runs) {
      numbers[`fast ${r.mode.name}`] = 100 * r.localLate;
      numbers[`work ${r.mode.name}`] = r.workLate / runs[0].workLate;
      numbers[`promoted ${r.mode.name}`] = r.stat("pgpromote_success");
      numbers[`demoted ${r.mode.name}`] = demoted(r);
    }
    return {
      series: runs.map((r) => ({
        name: r.mode.name,
        unit: "% of accesses to fast memory",
        of: "time (s)",
        x: r.samples.map((s) => round(s.at, 3)),
        y: r.samples.map((s) => round(100 * s.local, 2)),
      })),
      table: {
        columns: ["", "% fast at the end", "work against off", "promoted", "demoted"],
        rows: runs.map((r) => [
          r.mode.name,
          round(100 * r.localLate),
          round(r.workLate / runs[0].workLate, 3),
          r.stat("pgpromote_success"),
          demoted(r),
        ]),
      },
      numbers,
    };
  },
};

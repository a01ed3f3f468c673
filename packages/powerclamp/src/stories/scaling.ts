/**
 * The story "More cores, more correction": every CPU's few interrupts wake the whole package, so what must be injected on top of the
 * target grows with the number of CPUs. The driver learns it by itself.
 */

import { knobsOf, type Story } from "@kernelkit/core/stories";
import { round } from "./clampTarget.js";
import { Rig } from "./rig.js";
import { startStorm } from "./storm.js";

type Knobs = { readonly cpus: number; readonly irqs: number; readonly seconds: number };

const knobs: Story<Knobs>["knobs"] = {
  cpus: { kind: "number", default: 80, min: 8, max: 256, unit: "CPUs" },
  irqs: { kind: "number", default: 6, min: 0, max: 100, unit: "interrupts/s on each CPU" },
  seconds: { kind: "number", default: 8, min: 4, max: 60, unit: "s at each target" },
};

const TARGETS = [2, 8, 20, 30, 40, 49];

export const scaling: Story<Knobs> = {
  id: "scaling",
  question: "How much must be injected on top of the target, and why more on a larger machine?",
  source: "intel_powerclamp, Calibration (its table of a Westmere machine)",
  claim:
    "the steady compensation the driver learns is about 1 on 4 and 8 CPUs and grows to about 3 on 80, and with the ratio",
  assumes: [
    "a few interrupts a second on each CPU, evenly and out of step; their handlers take no time",
    "each costs the package the entry latency of its C-state (table snb)",
  ],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const sizes = [4, 8, o.cpus];
    const steady = sizes.map((cpus) => {
      const rig = new Rig({ machine: { cpus } }, { driver: "6.1", compensation: "none", pelt: false });
      rig.hogs();
      startStorm(rig, o.irqs * cpus);
      rig.kernel.run("100ms");
      return TARGETS.map((target) => {
        rig.target(target);
        rig.kernel.run(`${o.seconds}s`);
        return rig.clamp.state?.table.steady[target] ?? 0;
      });
    });
    const last = steady[steady.length - 1];
    return {
      series: sizes.map((cpus, i) => ({
        name: `${cpus} CPUs`,
        unit: "percent points",
        of: "target (%)",
        x: TARGETS,
        y: steady[i],
      })),
      table: {
        columns: ["target %", ...sizes.map((n) => `${n} CPUs`)],
        rows: TARGETS.map((t, i) => [t, ...steady.map((s) => round(s[i]))]),
      },
      numbers: {
        small: Math.max(...steady[0]),
        large: Math.max(...last),
        largeAtLowTarget: last[1],
      },
    };
  },
};

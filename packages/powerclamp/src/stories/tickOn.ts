/**
 * The story "The tick that never stops": with `nohz=off` every CPU is woken at every tick, injected or not; on a large machine
 * the package hardly ever sleeps.
 */

import { knobsOf, type Story } from "@kernelkit/core/stories";
import { round } from "./clampTarget.js";
import { Rig } from "./rig.js";
import { startStorm } from "./storm.js";

type Knobs = { readonly target: number; readonly cpus: number; readonly hz: number; readonly seconds: number };

const knobs: Story<Knobs>["knobs"] = {
  target: { kind: "number", default: 25, min: 5, max: 49, unit: "%" },
  cpus: { kind: "number", default: 80, min: 2, max: 256, unit: "CPUs" },
  hz: { kind: "number", default: 1000, min: 100, max: 1000, unit: "Hz" },
  seconds: { kind: "number", default: 2, min: 1, max: 60, unit: "s" },
};

export const tickOn: Story<Knobs> = {
  id: "tick-on",
  question: "What does the tick cost a package that is told to sleep?",
  source: "intel_powerclamp (the effect is called dramatic on 80 CPUs)",
  claim: "residency with the tick on is far below that with the tick off, and the more so the more CPUs there are",
  assumes: [
    "each CPU's tick comes at its own place within the jiffy (skew_tick): its share of the period",
    "a tick's handler takes no time; what is lost is the entry latency of the C-state (table snb)",
  ],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const run = (cpus: number, tick: boolean): { residency: number; watts: number } => {
      const rig = new Rig({ machine: { cpus, hz: o.hz } }, { driver: "6.1", compensation: "none", pelt: false });
      rig.hogs();
      const ticks = tick ? startStorm(rig, o.hz * cpus) : null;
      rig.kernel.run("10ms");
      rig.target(o.target);
      rig.kernel.run("500ms");
      const r = rig.measure(o.seconds);
      ticks?.stop();
      return { residency: 100 * r.residency, watts: r.watts };
    };
    const sizes = [...new Set([2, 8, Math.max(2, Math.round(o.cpus / 4)), o.cpus])]
      .filter((n) => n <= o.cpus)
      .sort((a, b) => a - b);
    const rows = sizes.map((cpus) => ({ cpus, off: run(cpus, false), on: run(cpus, true) }));
    const last = rows[rows.length - 1];
    return {
      series: [
        { name: "tick off", unit: "%", of: "CPUs", x: sizes, y: rows.map((r) => r.off.residency) },
        { name: "tick on", unit: "%", of: "CPUs", x: sizes, y: rows.map((r) => r.on.residency) },
      ],
      table: {
        columns: ["CPUs", "package % tick off", "package % tick on", "W off", "W on"],
        rows: rows.map((r) => [
          r.cpus,
          round(r.off.residency),
          round(r.on.residency),
          round(r.off.watts),
          round(r.on.watts),
        ]),
      },
      numbers: { tickOff: last.off.residency, tickOn: last.on.residency, tickOnSmallest: rows[0].on.residency },
    };
  },
};

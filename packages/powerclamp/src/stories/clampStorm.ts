/**
 * The story "Sleep, interrupted": wake-ups of 5..20 kHz take package idle away; compensation injects more to get it back.
 */

import { knobsOf, type Series, type Story } from "@kernelkit/core/stories";
import type { Compensation } from "../clamp/feedback.js";
import { round } from "./clampTarget.js";
import { Rig } from "./rig.js";
import { startStorm } from "./storm.js";

type Knobs = { readonly target: number; readonly rate: number; readonly cpus: number; readonly seconds: number };

const knobs: Story<Knobs>["knobs"] = {
  target: { kind: "number", default: 20, min: 3, max: 48, unit: "%" },
  rate: { kind: "number", default: 5000, min: 0, max: 20_000, unit: "interrupts/s, all CPUs together" },
  cpus: { kind: "number", default: 4, min: 1, max: 80, unit: "CPUs" },
  seconds: { kind: "number", default: 60, min: 10, max: 600, unit: "s" },
};

const rivals: readonly Compensation[] = ["none", "steady", "steady+double", "integral"];

export const clampStorm: Story<Knobs> = {
  id: "clamp-storm",
  question: "Interrupts wake injected CPUs: how much package idle is lost, and who gets it back?",
  source: "LWN 2012-12; intel_powerclamp",
  claim:
    "without compensation residency falls short; 3.9's doubling recovers at least half the gap, up to the cap of 49",
  assumes: [
    "an interrupt's handler takes no time: what is lost is the way back into the C-state (entry latency of table snb)",
    "interrupts come evenly and on every CPU; each CPU is shifted by its share of the period",
    "the steady table is learned beforehand at the target and its neighbours, as the driver must",
  ],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const series: Series[] = [];
    const rows: (string | number)[][] = [];
    const numbers: Record<string, number> = {};
    const run = (name: string, compensation: Compensation, rate: number): number => {
      const rig = new Rig(
        { machine: { cpus: o.cpus } },
        // 3.9 counts wake-ups; it is the common base so that only the compensation differs
        { driver: "3.9", compensation, pelt: false },
      );
      rig.hogs();
      const storm = startStorm(rig, rate);
      rig.kernel.run("100ms");
      // confidence needs three clean windows at each neighbouring percentage
      for (const t of [o.target - 1, o.target + 1, o.target]) {
        rig.target(t);
        rig.kernel.run("4s");
      }
      const x: number[] = [];
      const y: number[] = [];
      for (let s = 0; s < o.seconds; s++) {
        x.push(s);
        y.push(100 * rig.measure(1).residency);
      }
      storm.stop();
      const mean = y.reduce((a, b) => a + b, 0) / y.length;
      series.push({ name, unit: "%", of: "time (s)", x, y });
      rows.push([name, round(mean)]);
      return mean;
    };
    numbers.calm = run("no interrupts", "none", 0);
    for (const c of rivals) numbers[c] = run(c, c, o.rate);
    numbers.gap = numbers.calm - numbers.none;
    for (const c of rivals)
      numbers[`recovered ${c}`] = numbers.gap === 0 ? 0 : (numbers[c] - numbers.none) / numbers.gap;
    return { series, table: { columns: ["compensation", "package %"], rows }, numbers };
  },
};

/**
 * The story "How busy is this CPU?": the number of runnable tasks at this moment, the load figure before 3.8, against PELT.
 */
import { type MachineSys, type Program, program, type TimeSys } from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { round } from "./clampTarget.js";
import { Rig } from "./rig.js";

type Knobs = { readonly share: number; readonly periodMs: number; readonly seconds: number };

const knobs: Story<Knobs>["knobs"] = {
  share: { kind: "number", default: 30, min: 1, max: 99, unit: "% of the CPU" },
  periodMs: { kind: "number", default: 10, min: 1, max: 200, unit: "ms" },
  seconds: { kind: "number", default: 10, min: 1, max: 120, unit: "s" },
};

const TICK_MS = 4;

const duty = program("duty", function* (sys: Program<MachineSys & TimeSys>, s: { workNs: number; restNs: number }) {
  for (;;) {
    yield* sys.compute(s.workNs);
    yield* sys.nanosleep(s.restNs);
  }
});

export const loadFigure: Story<Knobs> = {
  id: "load-figure",
  question: "Looking once a tick: which figure knows how busy a CPU is?",
  source: "H 2013-02 (the new load calculation)",
  claim:
    "the count of runnable tasks is 0 or 1 and wrong by a third of the scale; PELT stays within a tenth of the truth",
  assumes: ["one task that works and sleeps evenly; both figures are looked at every 4 ms"],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const rig = new Rig({ machine: { cpus: 1 } });
    const ns = o.periodMs * 1e6;
    const workNs = Math.round((ns * o.share) / 100);
    rig.kernel.spawn(duty, { workNs, restNs: Math.round(ns) - workNs });
    rig.kernel.run("1s");
    const x: number[] = [];
    const instant: number[] = [];
    const pelt: number[] = [];
    for (let t = 0; t < o.seconds * 1000; t += TICK_MS) {
      rig.kernel.run(`${TICK_MS}ms`);
      x.push(t / 1000);
      instant.push(100 * Math.min(1, rig.clamp.pelt?.nrRunning(0) ?? 0));
      pelt.push((100 * (rig.clamp.pelt?.utilAvg(0) ?? 0)) / 1024);
    }
    const error = (y: readonly number[]): number => y.reduce((sum, v) => sum + Math.abs(v - o.share), 0) / y.length;
    const numbers = { errorInstant: error(instant), errorPelt: error(pelt) };
    return {
      series: [
        { name: "runnable tasks", unit: "%", of: "time (s)", x, y: instant },
        { name: "PELT util_avg", unit: "%", of: "time (s)", x, y: pelt },
      ],
      table: {
        columns: ["figure", "mean error, points"],
        rows: [
          ["runnable tasks of the moment", round(numbers.errorInstant)],
          ["PELT", round(numbers.errorPelt)],
        ],
      },
      numbers,
    };
  },
};

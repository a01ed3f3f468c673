/**
 * The story "One busy, three asleep": packing small tasks on one CPU lets the others - and now and then the package - sleep.
 */
import { type MachineSys, type Program, program, type TimeSys } from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { PKG } from "../power/packagePower.js";
import { round } from "./clampTarget.js";
import { Rig } from "./rig.js";

type Knobs = { readonly tasks: number; readonly share: number; readonly cpus: number; readonly seconds: number };

const knobs: Story<Knobs>["knobs"] = {
  tasks: { kind: "number", default: 8, min: 1, max: 64, unit: "tasks" },
  share: { kind: "number", default: 4, min: 0.5, max: 24, unit: "% of a CPU each" },
  cpus: { kind: "number", default: 4, min: 2, max: 32, unit: "CPUs" },
  seconds: { kind: "number", default: 10, min: 2, max: 120, unit: "s" },
};

/** A little work, again and again; periods differ so that tasks do not stay in step. */
const small = program("small", function* (sys: Program<MachineSys & TimeSys>, s: { workNs: number; sleepNs: number }) {
  for (;;) {
    yield* sys.compute(s.workNs);
    yield* sys.nanosleep(s.sleepNs);
  }
});

export const packing: Story<Knobs> = {
  id: "packing",
  question: "Many small tasks: spread over all CPUs, or packed on one?",
  source: "H 2013-02 (packing small tasks)",
  claim: "the same work is done; with packing the second package sleeps practically always",
  assumes: [
    "two packages; tasks are light by PELT (below a quarter of the time); C-states of table snb",
    "no cost of sharing caches",
  ],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const run = (packing: boolean) => {
      const rig = new Rig({ machine: { cpus: o.cpus } }, { packing, packages: 2 });
      for (let i = 0; i < o.tasks; i++) {
        const period = 20e6 + i * 1.3e6;
        const workNs = Math.round((period * o.share) / 100);
        rig.kernel.spawn(small, { workNs, sleepNs: Math.round(period) - workNs });
      }
      rig.kernel.run("3s");
      const { machine } = rig.clamp;
      const start = rig.kernel.now;
      const other = machine.residencyNs(1, start);
      const joules = machine.joules(0, PKG, start) + machine.joules(1, PKG, start);
      const work = machine.workSeconds(0, start) + machine.workSeconds(1, start);
      rig.kernel.run(`${o.seconds}s`);
      const { now } = rig.kernel;
      return {
        work: (machine.workSeconds(0, now) + machine.workSeconds(1, now) - work) / o.seconds,
        residency: (100 * (machine.residencyNs(1, now) - other)) / (now - start),
        watts: (machine.joules(0, PKG, now) + machine.joules(1, PKG, now) - joules) / o.seconds,
      };
    };
    const rivals = { spread: run(false), packed: run(true) };
    return {
      series: Object.entries(rivals).map(([name, r]) => ({ name, unit: "W", of: "", x: [0], y: [r.watts] })),
      table: {
        columns: ["", "work (cores)", "second package asleep %", "W"],
        rows: Object.entries(rivals).map(([name, r]) => [name, round(r.work, 3), round(r.residency), round(r.watts)]),
      },
      numbers: {
        workSpread: rivals.spread.work,
        workPacked: rivals.packed.work,
        asleepSpread: rivals.spread.residency,
        asleepPacked: rivals.packed.residency,
        wattsSpread: rivals.spread.watts,
        wattsPacked: rivals.packed.watts,
      },
    };
  },
};

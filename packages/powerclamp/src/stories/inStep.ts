/**
 * The story "Everyone sleeps, nobody rests": the package sleeps only while all CPUs do, so injections must be in step.
 */
import { EV_HRTIMER } from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { round } from "./clampTarget.js";
import { Rig } from "./rig.js";

type Knobs = { readonly target: number; readonly cpus: number; readonly shifts: number; readonly seconds: number };

const knobs: Story<Knobs>["knobs"] = {
  target: { kind: "number", default: 49, min: 5, max: 49, unit: "%" },
  cpus: { kind: "number", default: 2, min: 2, max: 32, unit: "CPUs" },
  shifts: { kind: "number", default: 6, min: 2, max: 24, unit: "steps" },
  seconds: { kind: "number", default: 5, min: 1, max: 60, unit: "s" },
};

const IDLE_US = 24_000;

export const inStep: Story<Knobs> = {
  id: "in-step",
  question: "Every CPU sleeps half the time: does the package?",
  source: "LWN 2012-12; intel_powerclamp",
  claim: "at 50 % about 50 % of package residency in step and none in opposite phase; it falls linearly with the shift",
  assumes: ["uncore power falls only in package states: to 25 % in PC6, 20 % in PC7", "C-state latencies of table snb"],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const x: number[] = [];
    const residency: number[] = [];
    const watts: number[] = [];
    const cpuIdle: number[] = [];
    const period = (IDLE_US * 100) / o.target;
    for (let i = 0; i <= o.shifts; i++) {
      const shift = i / o.shifts / 2;
      const rig = new Rig({ machine: { cpus: o.cpus } }, { pelt: false });
      rig.hogs();
      rig.kernel.run("1ms");
      // the even CPUs at once, the odd ones later by the shift
      const { core } = rig.kernel;
      const devices = [0, 1].map((odd) => {
        const mask = new Uint32Array(1);
        for (let cpu = odd; cpu < o.cpus; cpu += 2) mask[0] |= 1 << cpu;
        const dev = rig.clamp.idleInjectRegister(mask);
        if (dev === null) throw new Error("in-step: CPUs are taken");
        rig.clamp.idleInjectSetDuration(dev, Math.round(period - IDLE_US), IDLE_US);
        return dev;
      });
      const start = core.events.define("story.start", () => {
        rig.clamp.idleInjectStart(devices[1]);
      });
      rig.clamp.idleInjectStart(devices[0]);
      core.events.at(core.now + Math.round(shift * period * 1000), EV_HRTIMER, start, null);
      rig.kernel.run("1s");
      const r = rig.measure(o.seconds);
      x.push(round(100 * shift, 1));
      residency.push(100 * r.residency);
      watts.push(r.watts);
      cpuIdle.push(100 * r.idle);
    }
    const last = x.length - 1;
    return {
      series: [
        { name: "package residency", unit: "%", of: "shift (% of the period)", x, y: residency },
        { name: "CPUs idle", unit: "%", of: "shift (% of the period)", x, y: cpuIdle },
        { name: "power", unit: "W", of: "shift (% of the period)", x, y: watts },
      ],
      table: {
        columns: ["shift %", "CPUs idle %", "package %", "W"],
        rows: x.map((s, i) => [s, round(cpuIdle[i]), round(residency[i]), round(watts[i])]),
      },
      numbers: {
        inStep: residency[0],
        opposite: residency[last],
        wattsInStep: watts[0],
        wattsOpposite: watts[last],
        cpuIdleInStep: cpuIdle[0],
        cpuIdleOpposite: cpuIdle[last],
      },
    };
  },
};

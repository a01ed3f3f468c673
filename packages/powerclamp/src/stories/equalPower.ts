/**
 * The story "The same watts, three ways": idle injection, lower frequency, fewer CPUs or a stuttering clock, compared at equal
 * power by the work that is done.
 */

import { knobsOf, type Story } from "@kernelkit/core/stories";
import type { Actuator } from "../options.js";
import { round } from "./clampTarget.js";
import { Rig } from "./rig.js";

type Knobs = { readonly cpus: number; readonly uncoreW: number; readonly seconds: number };

const knobs: Story<Knobs>["knobs"] = {
  cpus: { kind: "number", default: 8, min: 2, max: 32, unit: "CPUs" },
  uncoreW: { kind: "number", default: 16, min: 0, max: 60, unit: "W" },
  seconds: { kind: "number", default: 2, min: 1, max: 20, unit: "s" },
};

/** One way of saving power: at each setting the power and the work, hungriest first. */
interface Curve {
  readonly name: string;
  readonly watts: number[];
  readonly work: number[];
}

export const equalPower: Story<Knobs> = {
  id: "equal-power",
  question: "Which way of saving the same watts leaves most of the work?",
  source: "LWN 2012-12; intel_powerclamp",
  claim:
    "clamping does more work than offlining CPUs at equal power, by up to 40 %; lower frequency beats it while voltage falls, and loses below the lowest useful voltage",
  assumes: [
    "the power model decides by how much: Cdyn V^2 f, leakage, an uncore that sleeps only with the whole package",
    "work is busy time at the present clock; voltage stops falling at 1.2 GHz",
    "an offline CPU waits in the deepest state",
  ],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const rig = (actuators: readonly Actuator[]): Rig => {
      const r = new Rig(
        { machine: { cpus: o.cpus, hz: 1000 } },
        { pelt: false, actuators, power: { uncoreW: o.uncoreW }, rc: { stages: [{ kelvinPerWatt: 0.3, tauS: 0.2 }] } },
      );
      for (let i = 0; i < o.cpus; i++) r.spawnHog();
      r.clamp.counters.setRate(1);
      r.kernel.run("1s");
      return r;
    };
    const sweep = (
      name: string,
      actuators: readonly Actuator[],
      states: readonly number[],
      type: string,
      pstate = 0,
    ): Curve => {
      const watts: number[] = [];
      const work: number[] = [];
      for (const state of states) {
        const r = rig(actuators);
        r.clamp.machine.setPstate(0, pstate, r.kernel.now);
        const dev = r.clamp.thermal.coolingDevices.find((d) => d.type === type);
        if (dev === undefined) throw new Error(`equal-power: no cooling device ${type}`);
        if (state > 0) r.clamp.thermal.setCurState(dev, state);
        r.kernel.run("2s");
        const m = r.measure(o.seconds);
        watts.push(m.watts);
        work.push(m.workRate);
      }
      return { name, watts, work };
    };
    const range = (from: number, to: number, step = 1): number[] =>
      Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);
    const floor = rig([]).clamp.machine.model.pstates.findIndex((p) => p.mhz === FLOOR_MHZ);
    const clamp = sweep("idle injection", [], range(0, 49, 7), "intel_powerclamp");
    const offline = sweep("offline CPUs", ["cpu-offline"], range(0, o.cpus - 1), "cpu-offline");
    const dvfs = sweep("lower frequency", ["cpufreq"], range(0, 9), "cpufreq-cpu0");
    const clock = sweep("clock modulation", ["clock-modulation"], range(0, 7), "Processor");
    const clampAtFloor = sweep("injection at 1.2 GHz", [], range(0, 49, 7), "intel_powerclamp", floor);
    const curves = [clamp, offline, dvfs, clock, clampAtFloor];
    const full = clamp.watts[0];
    const rows: (string | number)[][] = [];
    for (const part of [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]) {
      const cells = curves.map((c) => workAt(c, part * full));
      rows.push([round(part * full, 1), ...cells.map((w) => (w === null ? "-" : round(w)))]);
    }
    /** Most that `a` does more than `b` anywhere both can be, as a part. */
    const lead = (a: Curve, b: Curve): number => {
      let best = Number.NEGATIVE_INFINITY;
      for (const w of a.watts) {
        const [x, y] = [workAt(a, w), workAt(b, w)];
        if (x !== null && y !== null && y > 0) best = Math.max(best, x / y - 1);
      }
      return best;
    };
    const slowest: Curve = { ...dvfs, watts: dvfs.watts.slice(floor), work: dvfs.work.slice(floor) };
    return {
      series: curves.map((c) => ({ name: c.name, unit: "cores", of: "power (W)", x: c.watts, y: c.work })),
      table: { columns: ["W", ...curves.map((c) => c.name)], rows },
      numbers: {
        clampOverOffline: lead(clamp, offline),
        dvfsOverClamp: lead(dvfs, clamp),
        clampOverDvfsAtFloor: lead(clampAtFloor, slowest),
        clampOverClock: lead(clamp, clock),
      },
    };
  },
};

/** Lowest frequency at which voltage still falls. */
const FLOOR_MHZ = 1200;

/** Work at a power, between the settings that were measured; null outside them. */
function workAt(c: Curve, watts: number): number | null {
  for (let i = 1; i < c.watts.length; i++) {
    const [hi, lo] = [c.watts[i - 1], c.watts[i]];
    if (watts > hi || watts < lo) continue;
    const f = hi === lo ? 0 : (hi - watts) / (hi - lo);
    return c.work[i - 1] + f * (c.work[i] - c.work[i - 1]);
  }
  return null;
}

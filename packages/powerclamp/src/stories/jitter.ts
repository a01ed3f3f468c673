/**
 * The story "A millisecond that takes twenty-four": a task that wakes every few milliseconds waits while its CPU is held idle.
 */
import { type MachineSys, type Program, program, type TimeSys } from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { round } from "./clampTarget.js";
import { Rig } from "./rig.js";

type Knobs = {
  readonly target: number;
  readonly durationMs: number;
  readonly periodMs: number;
  readonly seconds: number;
};

const knobs: Story<Knobs>["knobs"] = {
  target: { kind: "number", default: 25, min: 1, max: 49, unit: "%" },
  durationMs: { kind: "number", default: 24, min: 6, max: 25, unit: "ms" },
  periodMs: { kind: "number", default: 5, min: 1, max: 100, unit: "ms" },
  seconds: { kind: "number", default: 20, min: 2, max: 120, unit: "s" },
};

/** Upper ends of the histogram's bins, ms. */
const BINS = [0.1, 1, 2, 4, 8, 16, 24, 32];
const HZ = 1000;

/** Wakes at each multiple of its period and computes a little, like a sound server. */
const periodic = program(
  "periodic",
  function* (sys: Program<MachineSys & TimeSys>, s: { periodNs: number; workNs: number }) {
    for (;;) {
      yield* sys.nanosleep(s.periodNs);
      yield* sys.compute(s.workNs);
    }
  },
);

export const jitter: Story<Knobs> = {
  id: "jitter",
  question: "What does idle injection do to a task that has to be on time?",
  source: "LWN 2012-12; H 2013-02 (RCU and jitter)",
  claim:
    "without the clamp wake-ups are prompt; with it the worst one waits for the rest of an injection, and about the target's share is late",
  assumes: [
    "waking from a C-state takes no time here: the delay is the held run queue alone",
    "HZ 1000, 2 CPUs, no other load",
  ],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const run = (target: number): { late: number[]; worst: number; share: number } => {
      const rig = new Rig({ machine: { cpus: 2, hz: HZ } }, { driver: "6.3", pelt: false });
      const s = rig.clamp.state;
      if (s !== null) s.durationUs = o.durationMs * 1000;
      // the machine idles by itself: only counters that say "busy" keep the clamp at work
      rig.clamp.counters.setRate(1);
      const t = rig.kernel.spawn(periodic, { periodNs: o.periodMs * 1e6, workNs: 50_000 });
      rig.pin(t, 0);
      const woke: number[] = [];
      const ran: number[] = [];
      const { hooks } = rig.kernel.core;
      hooks.wakeup.tap(990, "story.jitter", (who) => {
        if (who === t) woke.push(rig.kernel.now);
      });
      hooks.schedIn.tap(990, "story.jitter", (who) => {
        if (who === t && ran.length < woke.length) ran.push(rig.kernel.now);
      });
      rig.kernel.run("100ms");
      if (target > 0) rig.target(target);
      rig.kernel.run(`${o.seconds}s`);
      const late = ran.map((r, i) => (r - woke[i]) / 1e6);
      return {
        late,
        worst: late.reduce((a, b) => Math.max(a, b), 0),
        share: late.filter((l) => l > 0.1).length / late.length,
      };
    };
    const rivals = { "no clamp": run(0), clamp: run(o.target) };
    const histogram = (late: readonly number[]): number[] =>
      BINS.map((top, i) => late.filter((l) => l <= top && (i === 0 || l > BINS[i - 1])).length);
    return {
      series: Object.entries(rivals).map(([name, r]) => ({
        name,
        unit: "wake-ups",
        of: "late by up to (ms)",
        x: BINS,
        y: histogram(r.late),
      })),
      table: {
        columns: ["", "wake-ups", "late %", "worst ms"],
        rows: Object.entries(rivals).map(([name, r]) => [name, r.late.length, round(100 * r.share), round(r.worst)]),
      },
      numbers: {
        worstCalm: rivals["no clamp"].worst,
        worst: rivals.clamp.worst,
        lateShare: 100 * rivals.clamp.share,
        lateShareCalm: 100 * rivals["no clamp"].share,
      },
    };
  },
};

/** Power: busy CPUs are forced idle together, and the package sleeps only where all of them do. */
import { powerclamp } from "@kernelkit/powerclamp";
import { hog } from "@kernelkit/powerclamp/stories";
import type { AssembledKernel } from "kernelkit/kernel";
import type { Scenario } from "../lab/scenario.js";
import { BASE, num, pin, some, Wiring, write } from "./common.js";

export interface PowerPicture {
  readonly cpus: readonly { state: number; injectedShare: number; cstate: string }[];
  readonly packageIdle: boolean;
  readonly packageState: string;
  readonly watts: number;
  readonly die: number;
  readonly skin: number;
  readonly target: number;
  readonly residency: number;
  readonly injections: number;
  readonly durationMs: number;
  readonly compensation: readonly { pct: number; confidence: number; steady: number }[];
}

const BUSY = 1;
const INJECTED = 2;
const IDLE = 3;

function doing(k: AssembledKernel, cpu: number): number {
  if (k.powerclamp.playIdle.active[cpu] === 1) return INJECTED;
  return k.cpus.curr[cpu] === null ? IDLE : BUSY;
}
/** A counter of ns whose growth per second is to be read in percent. */
const PERCENT = 1e-7;
const packageState = (k: AssembledKernel): number => k.powerclamp.machine.packages[0].pkgState;
/** All CPUs are in their states, not only on the way. */
const packageSleeps = (k: AssembledKernel): boolean =>
  packageState(k) > 0 && k.now >= k.powerclamp.machine.packages[0].since;
const target = (k: AssembledKernel): number => k.powerclamp.state?.setTargetRatio ?? 0;
const injectedNs = (k: AssembledKernel): number => {
  const { playIdle } = k.powerclamp;
  let sum = 0;
  for (let c = 0; c < k.cpus.nr; c++)
    sum += playIdle.injectedNs[c] + (playIdle.active[c] === 1 ? k.now - playIdle.startNs[c] : 0);
  return sum;
};
const clampPath = (k: AssembledKernel): string =>
  `/sys/class/thermal/cooling_device${k.powerclamp.coolingDevice?.id ?? 0}/cur_state`;

/** Interrupts that come at a rate, spread over the CPUs: they wake injected CPUs. */
interface Wakes {
  perSecond: number;
  cpu: number;
  armed: boolean;
}
const wakes = (k: AssembledKernel): Wakes => k.core.state.rootNamed("observatory.wakes") as Wakes;
const WAKE = "observatory.wake";
const wiring = new Wiring<{ readonly wake: number }>();

export const powerScenario: Scenario<PowerPicture> = {
  id: "power",
  name: "Power and idle injection",
  question: "Is the package really asleep, and what did it cost?",
  sees: "Every CPU is busy. The clamp forces all of them idle for a few ticks at a time, at the same ticks: the package lane is filled only where every CPU is idle, and only there does power fall much. Interrupts wake injected CPUs; the driver learns how much more it must inject.",
  howTrue:
    "The driver and its oddities were observed on Linux 6.1 in an emulator and 6.18 by its documents; C-states, watts and temperature are a model of a quad-core of 2012.",
  binNs: 4e6,
  settings: {
    cpus: { kind: "number", default: 4, min: 2, max: 16, unit: "CPUs" },
    driver: { kind: "choice", default: "6.1", choices: ["3.9", "6.1", "6.3"] },
    injection: { kind: "choice", default: "sync", choices: ["sync", "unsync"] },
    target: { kind: "number", default: 25, min: 0, max: 50, unit: "%" },
  },
  controls: [
    {
      name: "target",
      what: "The share of time in which all CPUs are to be idle.",
      linux: "echo VALUE > /sys/class/thermal/cooling_device0/cur_state",
      knob: { kind: "number", default: 25, min: 0, max: 50, unit: "%" },
      apply: (k, v) => write(k, clampPath(k), String(Math.round(num(v)))),
    },
    {
      name: "wakeups",
      what: "Interrupts per second, spread over the CPUs.",
      linux: "a device that interrupts VALUE times a second",
      knob: { kind: "number", default: 0, min: 0, max: 5000, unit: "1/s" },
      apply(k, v) {
        const w = wakes(k);
        w.perSecond = Math.round(num(v));
        if (w.perSecond === 0 || w.armed) return;
        w.armed = true;
        k.core.events.at(k.now + 1e9 / w.perSecond, 0, wiring.get(k).wake, null);
      },
    },
  ],
  gauges: [
    {
      name: "power",
      unit: "W",
      group: "power",
      what: "What the package draws now.",
      linux: "energy_uj in /sys/class/powercap",
      read: (k) => k.powerclamp.machine.watts(0, k.now),
    },
    {
      name: "die",
      unit: "°C",
      group: "temperature",
      what: "Temperature of the die.",
      linux: "/sys/class/thermal/thermal_zone0/temp",
      read: (k) => k.powerclamp.machine.dieCelsius(0, k.now),
    },
    {
      name: "package asleep",
      unit: "%",
      group: "residency",
      rate: true,
      what: "Share of the time in which the whole package is in a C-state.",
      linux: "package C-state residency counters (turbostat's Pkg%pc6)",
      read: (k) => k.powerclamp.machine.residencyNs(0, k.now) * PERCENT,
    },
    {
      name: "injected, mean CPU",
      unit: "%",
      group: "residency",
      rate: true,
      what: "Share of the time a CPU is forced idle.",
      linux: "kidle_inject's system time in /proc/PID/stat",
      read: (k) => (injectedNs(k) / k.cpus.nr) * PERCENT,
    },
    {
      name: "target",
      unit: "%",
      group: "target",
      what: "What was asked for.",
      linux: "cur_state of the cooling device",
      read: target,
    },
  ],
  lanes: {
    title: "CPUs, and the package",
    what: "What each CPU does; the package lane is filled only where all of them are in a C-state.",
    max: 17,
    states: [
      { name: "awake", what: "the package is awake, because some CPU is", tone: "empty" },
      { name: "busy", what: "a task runs", tone: "busy" },
      { name: "injected", what: "forced idle by the clamp", tone: "injected" },
      { name: "idle", what: "nothing to do", tone: "empty" },
      { name: "package asleep", what: "every CPU is idle: the package is in a C-state", tone: "system" },
    ],
    names: (k) => [...Array.from({ length: k.cpus.nr }, (_, c) => `CPU ${c}`), "package"],
    read(k, out) {
      for (let c = 0; c < k.cpus.nr; c++) out[c] = doing(k, c);
      out[k.cpus.nr] = packageSleeps(k) ? 4 : 0;
    },
  },
  heat: {
    title: "How far out of step",
    what: "How long after the last injection of CPU 0 each injection began: in step all are in the lowest row.",
    event: "injection",
    unit: "ms after CPU 0",
    steps: [0, 1, 4, 8, 16, 24, 48, 96],
  },
  traces: ["thermal:cdev_update"],
  files: ["/proc/stat", "/sys/class/thermal/cooling_device0/cur_state", "/sys/class/thermal/thermal_zone0/temp"],
  programs: [hog as never],
  packages: { ...BASE, powerclamp },
  options: (s) => ({
    machine: { cpus: num(s["cpus"]), memory: "512M" },
    powerclamp: { driver: s["driver"] as "6.1", injection: s["injection"] as "sync" },
  }),
  statics(k) {
    const { core } = k;
    core.state.root("observatory.wakes", { perSecond: 0, cpu: 0, armed: false } satisfies Wakes);
    const id = core.events.define(WAKE, () => {
      const w = wakes(k);
      if (w.perSecond === 0) {
        w.armed = false;
        return;
      }
      w.cpu = (w.cpu + 1) % core.cpus.nr;
      core.irq.enter(w.cpu);
      core.irq.exit(w.cpu);
      core.events.at(core.now + Math.round(1e9 / w.perSecond), 0, id, null);
    });
    wiring.set(k, { wake: id });
  },
  setup(k, s) {
    k.powerclamp.modprobe();
    for (let cpu = 0; cpu < k.cpus.nr; cpu++) pin(k, k.spawn(hog as never, {}), cpu);
    if (num(s["target"]) > 0) write(k, clampPath(k), String(Math.round(num(s["target"]))));
  },
  watch(k, emit) {
    k.powerclamp.playIdle.started.tap(950, "observatory", (cpu, ns) => {
      emit({
        name: "injection",
        cpu,
        text: `CPU ${cpu} is forced idle for ${(ns / 1e6).toFixed(1)} ms`,
        value: (k.now - k.powerclamp.playIdle.startNs[0]) / 1e6,
      });
    });
  },
  picture(k) {
    const { machine, playIdle, state } = k.powerclamp;
    const rows = state === null ? 0 : state.table.rows;
    return {
      cpus: Array.from({ length: k.cpus.nr }, (_, c) => ({
        state: doing(k, c),
        injectedShare: k.now === 0 ? 0 : playIdle.injectedNs[c] / k.now,
        cstate: machine.state[c] < 0 ? "C0" : machine.states[machine.state[c]].name,
      })),
      packageIdle: packageSleeps(k),
      packageState: packageState(k) === 0 ? "C0" : `PC${packageState(k)}`,
      watts: machine.watts(0, k.now),
      die: machine.dieCelsius(0, k.now),
      skin: machine.skinCelsius(0, k.now),
      target: target(k),
      residency: k.now === 0 ? 0 : machine.residencyNs(0, k.now) / k.now,
      injections: playIdle.count.reduce((a, b) => a + b, 0),
      durationMs: state?.durationMs ?? 0,
      compensation: Array.from({ length: rows }, (_, pct) => ({
        pct,
        confidence: state?.table.confidence[pct] ?? 0,
        steady: state?.table.steady[pct] ?? 0,
      })).filter((r) => r.confidence > 0),
    };
  },
  table: (p) => ({
    columns: ["what", "value", "unit"],
    rows: [
      ["target", p.target, "%"],
      ["package asleep, since boot", 100 * p.residency, "%"],
      ["power", p.watts, "W"],
      ["die", p.die, "°C"],
      ["skin", p.skin, "°C"],
      ["injections", p.injections, ""],
      ...p.cpus.map((c, i) => [`CPU ${i} injected, since boot`, 100 * c.injectedShare, "%"]),
      ...p.compensation.map((r) => [`calibration at ${r.pct} %, confidence ${r.confidence}`, r.steady, "points more"]),
    ],
  }),
  takeaway(p) {
    const injected = p.cpus.filter((c) => c.state === INJECTED).length;
    return `Target ${p.target} %: the package has been asleep ${(100 * p.residency).toFixed(1)} % of the time since boot. Now ${some(injected, "CPU")} of ${p.cpus.length} ${injected === 1 ? "is" : "are"} forced idle and the package is in ${p.packageIdle ? p.packageState : "C0"}; it draws ${p.watts.toFixed(1)} W at ${p.die.toFixed(1)} °C.`;
  },
};

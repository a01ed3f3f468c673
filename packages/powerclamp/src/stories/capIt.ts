/**
 * The story "Hold 30 watts": daemons hold a power or a temperature through the files alone - they read energy_uj or temp once a
 * second and write cur_state - against a load that comes and goes.
 */
import { type CoreSys, createKernel, O_RDONLY, O_WRONLY, type Program, program } from "@kernelkit/core";
import { knobsOf, type Series, type Story } from "@kernelkit/core/stories";
import { BangBangController, type Controller, PidController } from "../controllers/controller.js";
import type { Actuator } from "../options.js";
import { PKG } from "../power/packagePower.js";
import { powerclamp } from "../powerclamp.js";
import { round } from "./clampTarget.js";
import { hog } from "./rig.js";

type Knobs = {
  readonly hold: string;
  readonly watts: number;
  readonly celsius: number;
  readonly kp: number;
  readonly ki: number;
  readonly stepS: number;
  readonly seconds: number;
};

const knobs: Story<Knobs>["knobs"] = {
  hold: { kind: "choice", default: "power", choices: ["power", "skin"] },
  watts: { kind: "number", default: 24, min: 5, max: 100, unit: "W" },
  celsius: { kind: "number", default: 38, min: 26, max: 90, unit: "°C" },
  kp: { kind: "number", default: 0.6, min: 0, max: 10, unit: "% of the range per W (or 0.1 °C)" },
  ki: { kind: "number", default: 2, min: 0, max: 10, unit: "the same, per second" },
  stepS: { kind: "number", default: 40, min: 5, max: 600, unit: "s" },
  seconds: { kind: "number", default: 240, min: 20, max: 3600, unit: "s" },
};

const CPUS = 4;
const THERMAL = "/sys/class/thermal";
const PERIOD_S = 1;
const text = new TextEncoder();
const decode = (b: Uint8Array): string => String.fromCharCode(...b);

/** Plain state of a daemon: everything it is told. */
interface DaemonState {
  readonly hold: string;
  readonly setpoint: number;
  /** "bang-bang" or "pid". */
  readonly controller: string;
  readonly kp: number;
  readonly ki: number;
  /** Directory of its actuator, and highest state to use. */
  readonly device: string;
  readonly max: number;
}

function controllerOf(s: DaemonState): Controller {
  if (s.controller === "bang-bang")
    return new BangBangController({ setpoint: s.setpoint, hysteresis: 0.5, max: s.max });
  return new PidController({ setpoint: s.setpoint, kp: s.kp, ki: s.ki, max: s.max });
}

/** The daemon. It knows files and its own clock, nothing else. */
const daemon = program("capd", function* (sys: Program<CoreSys>, s: DaemonState) {
  const controller = controllerOf(s);
  function* read(path: string): Generator<undefined, number, void> {
    const fd = yield* sys.open(path, O_RDONLY);
    const bytes = yield* sys.read(fd, 64);
    yield* sys.close(fd);
    return Number(decode(bytes));
  }
  const energy = "/sys/class/powercap/intel-rapl:0/energy_uj";
  const zone = s.hold === "skin" ? yield* findZone(sys, "skin") : "";
  const range = yield* read("/sys/class/powercap/intel-rapl:0/max_energy_range_uj");
  let last = yield* read(energy);
  for (;;) {
    yield* sys.nanosleep(PERIOD_S * 1e9);
    let measured: number;
    if (s.hold === "power") {
      const now = yield* read(energy);
      measured = ((now < last ? now + range + 1 : now) - last) / 1e6 / PERIOD_S;
      last = now;
    } else measured = (yield* read(`${zone}/temp`)) / 1000;
    const state = controller.step(measured, PERIOD_S);
    const fd = yield* sys.open(`${s.device}/cur_state`, O_WRONLY);
    yield* sys.write(fd, text.encode(String(state)));
    yield* sys.close(fd);
  }
});

/** The directory of the zone of that type. */
function* findZone(sys: Program<CoreSys>, type: string): Generator<undefined, string, void> {
  for (let i = 0; ; i++) {
    const fd = yield* sys.open(`${THERMAL}/thermal_zone${i}/type`, O_RDONLY);
    const name = decode(yield* sys.read(fd, 64)).trim();
    yield* sys.close(fd);
    if (name === type) return `${THERMAL}/thermal_zone${i}`;
  }
}

/** Works for a while and sleeps for a while, for ever. */
const onOff = program("on-off", function* (sys: Program<CoreSys>, s: { ns: number }) {
  for (;;) {
    yield* sys.nanosleep(s.ns);
    const { sec, nsec } = yield* sys.clock_gettime(CLOCK_MONOTONIC);
    const end = sec * 1e9 + nsec + s.ns;
    for (let now = 0; now < end; ) {
      yield* sys.compute(50e6);
      const t = yield* sys.clock_gettime(CLOCK_MONOTONIC);
      now = t.sec * 1e9 + t.nsec;
    }
  }
});

const CLOCK_MONOTONIC = 1;

interface Rival {
  readonly name: string;
  readonly controller: string;
  /** Type of its cooling device; "" for none: powercap's own limit. */
  readonly device: string;
}

const rivals: readonly Rival[] = [
  { name: "nothing", controller: "", device: "" },
  { name: "bang-bang, idle injection", controller: "bang-bang", device: "intel_powerclamp" },
  { name: "PID, idle injection", controller: "pid", device: "intel_powerclamp" },
  { name: "PID, frequency", controller: "pid", device: "cpufreq-cpu0" },
  { name: "powercap's limit", controller: "powercap", device: "" },
];

export const capIt: Story<Knobs> = {
  id: "cap-it",
  question: "Can a daemon hold a power cap, or a skin temperature, with nothing but files?",
  source: "LWN 2012-12; H 2013-02 (turbostat's watts)",
  claim:
    "a PID loop holds the mean at the cap with little time above it; bang-bang swings between all and nothing; each load step overshoots for the second of lag",
  assumes: [
    "the power and temperature models; two of four CPUs are always busy, two work half of the time",
    "daemons wake once a second and take no CPU time beyond their system calls",
  ],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const setpoint = o.hold === "power" ? o.watts : o.celsius;
    const series: Series[] = [];
    const rows: (string | number)[][] = [];
    const numbers: Record<string, number> = {};
    for (const rival of rivals) {
      if (rival.controller === "powercap" && o.hold === "skin") continue;
      const r = runRival(rival, o, setpoint);
      series.push({ name: rival.name, unit: o.hold === "power" ? "W" : "°C", of: "time (s)", x: r.t, y: r.value });
      rows.push([
        rival.name,
        round(r.mean),
        round(100 * r.above),
        round(r.swing),
        round(r.work),
        round(r.work / r.joules, 4),
      ]);
      numbers[`mean ${rival.name}`] = r.mean;
      numbers[`above ${rival.name}`] = r.above;
      numbers[`swing ${rival.name}`] = r.swing;
      numbers[`work ${rival.name}`] = r.work;
    }
    return {
      series,
      table: { columns: ["", "mean", "time above %", "swing", "work (core s)", "work per J"], rows },
      numbers,
    };
  },
};

interface Outcome {
  readonly t: number[];
  readonly value: number[];
  readonly mean: number;
  /** Part of the seconds more than 2 % above the cap. */
  readonly above: number;
  /** Mean change from one second to the next. */
  readonly swing: number;
  readonly work: number;
  readonly joules: number;
}

function runRival(rival: Rival, o: Knobs, setpoint: number): Outcome {
  const actuators: Actuator[] = ["cpufreq"];
  const kernel = createKernel({ machine: { cpus: CPUS, memory: "64M" } })
    .use(powerclamp({ actuators, autoload: true, pelt: false }))
    .boot();
  const { machine, thermal } = kernel.powerclamp;
  const sys = kernel.sys(kernel.init);
  for (let i = 0; i < CPUS / 2; i++) {
    kernel.spawn(hog, {});
    kernel.spawn(onOff, { ns: o.stepS * 1e9 });
  }
  const device = thermal.coolingDevices.find((d) => d.type === rival.device);
  if (device !== undefined) {
    const max = Math.min(device.maxState, 49);
    // gains are given for a range of a hundred states and for watts
    const scale = (max / 100) * (o.hold === "skin" ? 20 : 1);
    kernel.spawn(daemon, {
      hold: o.hold,
      setpoint,
      controller: rival.controller,
      kp: o.kp * scale,
      // a temperature answers slowly: its integral must be slow, too
      ki: o.ki * scale * (o.hold === "skin" ? 0.02 : 1),
      device: `${THERMAL}/cooling_device${device.id}`,
      max,
    });
  }
  if (rival.controller === "powercap") {
    const dir = "/sys/class/powercap/intel-rapl:0";
    for (const [file, value] of [
      ["constraint_0_time_window_us", 1_000_000],
      ["constraint_0_power_limit_uw", o.watts * 1e6],
    ] as const) {
      const fd = sys.open(`${dir}/${file}`, O_WRONLY);
      sys.write(fd, text.encode(String(value)));
      sys.close(fd);
    }
  }
  kernel.run("10s");
  const t: number[] = [];
  const value: number[] = [];
  const startWork = machine.workSeconds(0, kernel.now);
  const startJ = machine.joules(0, PKG, kernel.now);
  let lastJ = startJ;
  for (let s = 0; s < o.seconds; s++) {
    kernel.run("1s");
    const j = machine.joules(0, PKG, kernel.now);
    t.push(s);
    value.push(o.hold === "power" ? j - lastJ : machine.skinCelsius(0, kernel.now));
    lastJ = j;
  }
  let swing = 0;
  for (let i = 1; i < value.length; i++) swing += Math.abs(value[i] - value[i - 1]);
  return {
    t,
    value,
    mean: value.reduce((a, b) => a + b, 0) / value.length,
    above: value.filter((v) => v > 1.02 * setpoint).length / value.length,
    swing: swing / (value.length - 1),
    work: machine.workSeconds(0, kernel.now) - startWork,
    joules: lastJ - startJ,
  };
}

/**
 * The kernel operations of powerclamp's cases: `name: (s, args, step) => result`. The vocabulary is in the README. What is
 * computed without a kernel is in `powerclampPure.ts`.
 */
import {
  bitmapParselist,
  type Core,
  Errno,
  errnoByName,
  errnoName,
  type LogLine,
  program,
  type Task,
} from "@kernelkit/core";
import type { CoolingDevice, CoolingOps, IdleInjectDevice, PowerclampApi, ThermalZone } from "@kernelkit/powerclamp";
import { Mismatch } from "../outcome.js";
import type { Result } from "../result.js";
import type { Session } from "../session.js";
import type { KernelOps } from "../steps/kernelSteps.js";
import { durationNs } from "../variables.js";
import { powerclampPureOps } from "./powerclampPure.js";

const USER_HZ_NS = 1e7;
const POLICIES = ["SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH"];
const STATES = "RSDDTtZXIS";
/** EV_HARDWARE: where a device's interrupts stand at an instant. */
const HARDWARE = 0;
/** How long injections are waited for. */
const TRACE_LIMIT_NS = 60e9;
const CPU_USER = 0;
const CPU_NICE = 1;

const api = (s: Session): PowerclampApi => s.api<PowerclampApi>("powerclamp");
const core = (s: Session): Core => s.kernel.core as Core;
const state = (s: Session): NonNullable<PowerclampApi["state"]> => {
  const st = api(s).state;
  if (st === null) throw new Mismatch("a loaded driver", "intel_powerclamp is not loaded");
  return st;
};
const done = (nr: number): Result => (nr < 0 ? { ret: -1, errno: errnoName(nr) } : { ret: nr });

/** Every line of the log since the case began. */
export const logLines = (s: Session): string[] =>
  s.state("powerclamp.log", () => {
    const lines: string[] = [];
    core(s).hooks.log.tap(990, "conformance.powerclamp", (l: LogLine) => lines.push(l.text));
    return lines;
  });

// --- threads and load ---

const spinner = program("spin", function* (sys: { compute(ns: number): Iterable<undefined> } & never, _s: object) {
  for (;;) yield* (sys as { compute(ns: number): Iterable<undefined> }).compute(3600e9);
});

function pin(s: Session, t: Task, cpu: number): void {
  const mask = new Uint32Array(t.cpusMask.length);
  mask[cpu >> 5] = (1 << (cpu & 31)) >>> 0;
  t.cpusMask = mask;
  core(s).sched.migrateTask(t, cpu);
}

function threadInfo(t: Task): Record<string, unknown> {
  const cpus: number[] = [];
  t.cpusMask.forEach((word, i) => {
    for (let b = 0; b < 32; b++) if (((word >>> b) & 1) === 1) cpus.push(i * 32 + b);
  });
  return {
    policy: POLICIES[t.se.policy],
    rt_priority: t.se.rtPriority,
    priority: -1 - t.se.rtPriority,
    ppid: t.parent.nr,
    cpus_allowed_list: cpus.join(","),
    state: STATES[t.state],
    stime_ticks: Math.floor(t.stimeNs / USER_HZ_NS),
  };
}

const tasks = (s: Session): Task[] => s.kernel.tasks.all();

// --- counts since load or since the last look that reset them ---

interface Marks {
  readonly injections: number[];
  samples: number;
}
const marks = (s: Session): Marks => s.state("powerclamp.marks", () => ({ injections: [], samples: 0 }));

function countPlayIdle(s: Session, cpu: number | undefined, reset: boolean): number {
  const { count } = api(s).playIdle;
  const { injections } = marks(s);
  let sum = 0;
  count.forEach((n, c) => {
    if (cpu === undefined || cpu === c) sum += n - (injections[c] ?? 0);
    if (reset) injections[c] = n;
  });
  return sum;
}

/** The next n injections of each CPU that is injected. */
function idleTrace(s: Session, n: number): Record<string, unknown> {
  const k = core(s);
  const { playIdle } = api(s);
  const starts: { ns: number; jiffy: number; durationNs: number }[][] = [];
  playIdle.started.tap(1, "conformance.trace", (cpu, durationNs) => {
    starts[cpu] ??= [];
    starts[cpu].push({ ns: k.now, jiffy: k.time.ticks, durationNs });
  });
  const end = k.now + TRACE_LIMIT_NS;
  const enough = (): boolean => starts.some((l) => l.length >= n) && starts.every((l) => l.length >= n);
  while (!enough() && k.now < end) s.advance(1e6);
  playIdle.started.untap("conformance.trace");
  const lists = starts.filter((l) => l !== undefined);
  if (lists.length === 0) throw new Mismatch(`${n} injections`, "none within a minute");
  const steps = (key: "ns" | "jiffy"): number | number[] => {
    const gaps = lists.flatMap((l) => l.slice(1, n).map((x, i) => x[key] - l[i][key]));
    return gaps.every((g) => g === gaps[0]) ? gaps[0] : gaps;
  };
  const period = steps("ns");
  const durations = [...new Set(lists.flatMap((l) => l.slice(0, n).map((x) => x.durationNs)))];
  return {
    same_jiffy: lists[0].slice(0, n).every((x, i) => lists.every((l) => l[i].jiffy === x.jiffy)),
    period_jiffies: steps("jiffy"),
    period_us: typeof period === "number" ? Math.floor(period / 1000) : period,
    duration_ns: durations.length === 1 ? durations[0] : durations,
  };
}

// --- idle injection devices, by the name a case gives them ---

const devices = (s: Session): Map<string, IdleInjectDevice> => s.state("powerclamp.devices", () => new Map());

function device(s: Session, name: unknown): IdleInjectDevice {
  const d = devices(s).get(String(name));
  if (d === undefined) throw new Mismatch(`an idle injection device ${String(name)}`, "none of that name");
  return d;
}

/** The case names the handle: by what `ret` it expects. */
function named(s: Session, dev: IdleInjectDevice | null, name: unknown): Result {
  if (dev === null) return { ret: null };
  devices(s).set(String(name), dev);
  return { ret: String(name) };
}

function maskOf(s: Session, list: unknown): Uint32Array {
  const mask = bitmapParselist(String(list), core(s).cpus.nr);
  if (mask instanceof Errno) throw new Mismatch("a list of CPUs", String(list));
  return mask;
}

// --- plain test devices ---

interface Fan {
  state: number;
  readonly max: number;
}
const fanOps: CoolingOps = {
  getMaxState: (c) => (c.devdata as Fan).max,
  getCurState: (c) => (c.devdata as Fan).state,
  setCurState: (c, v) => {
    (c.devdata as Fan).state = v;
    return 0;
  },
};
const sensor = { getTemp: (z: ThermalZone): number => (z.devdata as { temp: number }).temp };

function cdev(s: Session, type: unknown): CoolingDevice {
  const d = api(s).thermal.coolingDevices.find((x) => x.type === type);
  if (d === undefined) throw new Mismatch(`a cooling device ${String(type)}`, "none");
  return d;
}

interface ZoneArgs {
  readonly type: string;
  readonly temp: number;
  readonly trips: readonly { type: "active" | "passive" | "hot" | "critical"; temp: number; hyst?: number }[];
  readonly bind?: readonly { cdev: string; trip: number; lower?: number; upper?: number; weight?: number }[];
}

function registerZone(s: Session, a: ZoneArgs): Result {
  const p = api(s);
  const zone = p.thermalZoneDeviceRegister({ type: a.type, trips: a.trips, ops: sensor, devdata: { temp: a.temp } });
  for (const b of a.bind ?? []) {
    if (p.thermalZoneBindCoolingDevice(zone, b.trip, cdev(s, b.cdev), b.lower, b.upper, b.weight) === null)
      return { ret: -1, errno: "EINVAL" };
  }
  p.thermalZoneDeviceEnable(zone);
  return { ret: zone.id };
}

export const powerclampOps: KernelOps = {
  ...powerclampPureOps,

  modprobe: (s, [, options]) => done(api(s).modprobe(options === undefined ? "" : String(options))),
  rmmod: (s) => done(api(s).rmmod()),
  pkg_cstate_rate: (s, [permille]) => {
    api(s).counters.setRate(Number(permille));
    return { ret: 0 };
  },

  irq_storm: (s, [us]) => {
    const k = core(s);
    const storm = s.state("powerclamp.storm", () => {
      const st = { periodNs: 0, generation: 0, h: -1 };
      st.h = k.events.define("conformance.storm", (generation) => {
        if (generation !== st.generation) return;
        for (let cpu = 0; cpu < k.cpus.nr; cpu++) if (k.cpus.online[cpu] === 1) k.irq.raise(cpu, () => {});
        k.events.at(k.now + st.periodNs, HARDWARE, st.h, generation);
      });
      return st;
    });
    storm.generation++;
    storm.periodNs = Number(us) * 1000;
    if (storm.periodNs > 0) k.events.at(k.now + storm.periodNs, HARDWARE, storm.h, storm.generation);
    return { ret: 0 };
  },
  spin: (s, [, cpu]) => {
    const spawn = (s.kernel as unknown as { spawn(def: object, state: object): Task }).spawn;
    pin(s, spawn.call(s.kernel, spinner, {}), Number(cpu));
    return { ret: 0 };
  },
  cpu_user_share: (s, [time]) => {
    const k = core(s);
    const user = (): number => {
      let sum = 0;
      for (let cpu = 0; cpu < k.cpus.nr; cpu++)
        sum += k.cpus.timeAt(cpu, CPU_USER, k.now) + k.cpus.timeAt(cpu, CPU_NICE, k.now);
      return sum;
    };
    const ns = durationNs(time);
    const before = user();
    s.advance(ns);
    return { ret: (user() - before) / (ns * k.cpus.nr) };
  },

  kthreads: (s, [prefix]) => ({
    value: tasks(s)
      .map((t) => t.comm)
      .filter((name) => name.startsWith(String(prefix)))
      .sort(),
  }),
  kthread_info: (s, [name]) => {
    const t = tasks(s).find((x) => x.comm === name);
    if (t === undefined) throw new Mismatch(`a thread ${String(name)}`, "none");
    return { ret: 0, fields: threadInfo(t) };
  },

  powerclamp_state: (s) => {
    const st = state(s);
    return {
      ret: 0,
      fields: {
        set_target_ratio: st.setTargetRatio,
        clamping: st.clamping,
        should_skip: st.shouldSkip,
        reduce_irq: st.reduceIrq,
      },
    };
  },
  set_calibration: (s, [rows]) => {
    for (const [pct, [confidence, steady]] of Object.entries(rows as Record<string, number[]>))
      state(s).table.set(Number(pct), confidence, steady);
    return { ret: 0 };
  },
  count_play_idle: (s, [cpu], step) => ({
    ret: countPlayIdle(s, cpu === undefined ? undefined : Number(cpu), step.reset === true),
  }),
  count_samples: (s, _args, step) => {
    const m = marks(s);
    const n = state(s).samples - m.samples;
    if (step.reset === true) m.samples = state(s).samples;
    return { ret: n };
  },
  last_play_idle: (s, [cpu]) => {
    const p = api(s).playIdle;
    const c = Number(cpu);
    return {
      ret: 0,
      fields: {
        duration_ns: p.lastDurationNs[c],
        elapsed_ns: p.lastElapsedNs[c],
        interrupts: p.lastInterrupts[c],
      },
    };
  },
  idle_trace: (s, [n]) => ({ ret: 0, fields: idleTrace(s, Number(n)) }),

  idle_inject_register: (s, [mask], step) => named(s, api(s).idleInjectRegister(maskOf(s, mask)), step.ret),
  idle_inject_register_full: (s, [mask, options], step) => {
    const { update } = (options ?? {}) as { update?: readonly boolean[] };
    const answers = [...(update ?? [])];
    const callback = {
      name: `conformance.${devices(s).size}`,
      // when the list is used up the last answer stands
      update: (): boolean => (answers.length > 1 ? answers.shift() : answers[0]) !== false,
    };
    return named(s, api(s).idleInjectRegisterFull(maskOf(s, mask), callback), step.ret);
  },
  idle_inject_unregister: (s, [name]) => {
    api(s).idleInjectUnregister(device(s, name));
    devices(s).delete(String(name));
    return { ret: 0 };
  },
  idle_inject_set_duration: (s, [name, run, idle]) => {
    api(s).idleInjectSetDuration(device(s, name), Number(run), Number(idle));
    return { ret: 0 };
  },
  idle_inject_get_duration: (s, [name]) => {
    const { runUs, idleUs } = api(s).idleInjectGetDuration(device(s, name));
    return { ret: 0, fields: { run_us: runUs, idle_us: idleUs } };
  },
  idle_inject_set_latency: (s, [name, us]) => {
    api(s).idleInjectSetLatency(device(s, name), Number(us));
    return { ret: 0 };
  },
  idle_inject_start: (s, [name]) => done(api(s).idleInjectStart(device(s, name))),
  idle_inject_stop: (s, [name]) => ({ ret: 0, fields: { waited_us: api(s).idleInjectStop(device(s, name)) } }),

  thermal_cooling_device_register: (s, [spec]) => {
    const { type, max_state } = spec as { type: string; max_state: number };
    const fan: Fan = { state: 0, max: Number(max_state) };
    return { ret: api(s).thermalCoolingDeviceRegister(type, fanOps, fan).id };
  },
  thermal_zone_device_register: (s, [spec]) => registerZone(s, spec as ZoneArgs),
  thermal_zone_set_temp: (s, [type, temp]) => {
    const zone = api(s).thermal.zones.find((z) => z.type === type);
    if (zone === undefined) throw new Mismatch(`a thermal zone ${String(type)}`, "none");
    (zone.devdata as { temp: number }).temp = Number(temp);
    api(s).thermalZoneDeviceUpdate(zone);
    return { ret: 0 };
  },
  cdev_fail_next: (s, [type, errno]) => {
    cdev(s, type).failNext = errnoByName(String(errno)) ?? Number(errno);
    return { ret: 0 };
  },

  stat_mode: (s, [path]) => {
    const { mode } = s.syscall<{ mode: number }>("A", "stat", path);
    return { ret: (mode & 0o7777).toString(8).padStart(4, "0") };
  },
  dmesg_count: (s, [text]) => ({ ret: logLines(s).filter((l) => l.includes(String(text))).length }),
};

/**
 * What idle injection costs to simulate: driver events, real time against virtual time from 2 to 256 CPUs, and the parts (PELT,
 * C-state and energy accounting).
 *
 * A driver event is the end of a sleep or of an injection on one CPU, with all that follows: the injector's switches, the CPU's
 * C-state, the package's state and energy. The simulators' event is a bare wake-up of a process, the queue's a bare pop and push.
 */
import { createMachine } from "@kernelkit/core";
import {
  type Benchmark,
  bytesPerObject,
  peers,
  randomly,
  simjsWakeups,
  simscriptWakeups,
} from "../../../tooling/bench/src/index.js";
import { cstateTables, PowerMachine, PowerModel, peltUpdate, powerclamp, SchedAvg } from "../src/index.js";
import { hog } from "../src/stories.js";

const HZ = 1000;
const TARGET = 25;
/** Sleep end and injection end. */
const EVENTS_PER_INJECTION = 2;

/** A machine of busy CPUs that is being clamped, past its start. */
function clamped(cpus: number, driver: "6.1" | "6.3", busy = true) {
  const kernel = createMachine({ machine: { cpus, hz: HZ } })
    .use(powerclamp({ driver, pelt: false }))
    .boot();
  const { powerclamp: api } = kernel;
  api.modprobe();
  api.counters.setRate(1);
  for (let i = 0; i < cpus && busy; i++) kernel.spawn(hog, {});
  kernel.run("10ms");
  if (api.coolingDevice !== null) api.thermal.setCurState(api.coolingDevice, TARGET);
  kernel.run("5s");
  const injections = (): number => api.playIdle.count.reduce((a, b) => a + b, 0);
  return { kernel, injections };
}

const machines = new Map<string, ReturnType<typeof clamped>>();

/** ns per driver event, over a stretch of virtual time on a machine that is kept warm. */
function perEvent(cpus: number, driver: "6.1" | "6.3", seconds: number): number {
  const key = `${cpus} ${driver}`;
  let m = machines.get(key);
  if (m === undefined) {
    m = clamped(cpus, driver);
    m.kernel.run(`${seconds}s`);
    machines.set(key, m);
  }
  const before = m.injections();
  const t0 = performance.now();
  m.kernel.run(`${seconds}s`);
  return ((performance.now() - t0) * 1e6) / ((m.injections() - before) * EVENTS_PER_INJECTION);
}

/** ns of real time per virtual second. */
function perSecond(cpus: number, seconds: number): number {
  const key = `${cpus} 6.3`;
  let m = machines.get(key);
  if (m === undefined) {
    m = clamped(cpus, "6.3");
    m.kernel.run(`${seconds}s`);
    machines.set(key, m);
  }
  const t0 = performance.now();
  m.kernel.run(`${seconds}s`);
  return ((performance.now() - t0) * 1e6) / seconds;
}

const PENDING = 80;
const BATCH = 1000;

const heap = {
  name: "flatqueue, bare pop + push",
  per: BATCH,
  setup: async () => {
    const { default: FlatQueue } = await peers.flatqueue();
    const random = randomly(3);
    const queue = new FlatQueue<number>();
    for (let i = 0; i < PENDING; i++) queue.push(i, random() % 200_000);
    return () => {
      for (let i = 0; i < BATCH; i++) {
        const t = queue.peekValue() as number;
        queue.push(queue.pop() as number, t + 1 + (random() % 200_000));
      }
    };
  },
};

const benchmarks: Benchmark[] = [
  {
    name: "driver event, 80 CPUs, 6.1",
    unit: "event",
    target: 2e6,
    timed: () => perEvent(80, "6.1", 5),
    bytesPer: () => ({
      cpu: Math.round(bytesPerObject(4, (n) => Array.from({ length: n }, () => clamped(64, "6.1"))) / 64),
    }),
    peers: [
      { name: "simjs, bare wake-up", target: 1, ...simjsWakeups(PENDING, 40_000) },
      { name: "simscript, bare wake-up", target: 10, ...simscriptWakeups(PENDING, 40_000) },
      { ...heap, target: 0.125 },
    ],
  },
  {
    name: "driver event, 80 CPUs, 6.3",
    unit: "event",
    target: 2e6,
    timed: () => perEvent(80, "6.3", 5),
    peers: [
      { name: "simjs, bare wake-up", target: 1, ...simjsWakeups(PENDING, 40_000) },
      { name: "simscript, bare wake-up", target: 10, ...simscriptWakeups(PENDING, 40_000) },
      { ...heap, target: 0.125 },
    ],
  },
  { name: "second of clamping, 2 CPUs", unit: "second", timed: () => perSecond(2, 100) },
  { name: "second of clamping, 8 CPUs", unit: "second", target: 2000, timed: () => perSecond(8, 40) },
  { name: "second of clamping, 80 CPUs", unit: "second", target: 200, timed: () => perSecond(80, 5) },
  { name: "second of clamping, 256 CPUs", unit: "second", timed: () => perSecond(256, 2) },
  {
    name: "PELT update across a period",
    unit: "update",
    target: 20e6,
    per: BATCH,
    setup: () => {
      const sa = new SchedAvg();
      const random = randomly(5);
      const steps = Int32Array.from({ length: 4096 }, () => 1_000_000 + (random() % 3_000_000));
      let now = 0;
      let i = 0;
      return () => {
        for (let k = 0; k < BATCH; k++) {
          const s = steps[i++ & 4095];
          now += s;
          const on = s & 1;
          peltUpdate(sa, now, on, on, on);
        }
        return sa.utilAvg;
      };
    },
  },
  {
    name: "C-state change with package state and energy, 80 CPUs",
    unit: "change",
    per: BATCH,
    setup: () => {
      const m = new PowerMachine({
        cpus: 80,
        packages: 1,
        states: cstateTables.snb,
        model: new PowerModel(),
        thermal: {},
      });
      const random = randomly(7);
      const order = Int32Array.from({ length: 4096 }, () => random() % 80);
      let now = 0;
      let i = 0;
      return () => {
        for (let k = 0; k < BATCH; k++) {
          const cpu = order[i++ & 4095];
          now += 1000;
          m.set(cpu, m.state[cpu] < 0 ? 3 : -1, now);
        }
      };
    },
  },
];

export default benchmarks;

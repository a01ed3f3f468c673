/**
 * What time costs: the event queue and the timer wheel in the hold model (take the earliest, put one later), a sleeping process
 * that wakes, a switch between two programs, a getter through `sys`. Peers: the queues and discrete-event simulators of the registry.
 *
 * Not the same work everywhere: a wake-up here goes through an interrupt, a run queue with fair shares, accounting of every ns
 * and the run's digest; the simulators resume a callback.
 */

import {
  createKernel,
  createMachine,
  EV_HRTIMER,
  EventQueue,
  type MachineSys,
  type Program,
  program,
  type TimeSys,
} from "@kernelkit/core";
import {
  type Benchmark,
  peers,
  randomly,
  simjsWakeups,
  simscriptWakeups,
  sleeps,
} from "../../../tooling/bench/src/index.js";
import { TimerWheel } from "../src/time/timerWheel.js";

const OPERATIONS = 2000;
const GAPS = 4096;

function delays(): () => number {
  const random = randomly(3);
  const gaps = Float64Array.from({ length: GAPS }, () => 1 + (random() % 200_000));
  let next = 0;
  return () => gaps[next++ & (GAPS - 1)];
}

function heap(pending: number) {
  return () => {
    const queue = new EventQueue();
    const delay = delays();
    let now = 0;
    const handler = queue.define("hold", () => {
      queue.at(now + delay(), EV_HRTIMER, handler, null);
    });
    for (let i = 0; i < pending; i++) queue.at(delay(), EV_HRTIMER, handler, null);
    return () => {
      for (let i = 0; i < OPERATIONS; i++) {
        now = queue.peek();
        queue.runFirst();
      }
    };
  };
}

function flatqueue(pending: number) {
  return async () => {
    const { default: FlatQueue } = await peers.flatqueue();
    const queue = new FlatQueue<number>();
    const delay = delays();
    for (let id = 0; id < pending; id++) queue.push(id, delay());
    return () => {
      for (let i = 0; i < OPERATIONS; i++) {
        const time = queue.peekValue() as number;
        queue.push(queue.pop() as number, time + delay());
      }
    };
  };
}

function wheel(pending: number) {
  return () => {
    const w = new TimerWheel({ hz: 250 });
    const delay = delays();
    let now = 0;
    for (let i = 0; i < pending; i++) w.add(delay(), now);
    return () => {
      for (let i = 0; i < OPERATIONS; ) {
        now = Math.max(now + 1, w.nextExpiry());
        for (let x = w.popExpired(now); x >= 0; x = w.popExpired(now)) {
          w.add(now + delay(), now);
          i++;
        }
      }
    };
  };
}

type Sys = Program<MachineSys & TimeSys>;
/** One sequence for all processes, as the simulators have it. */
let next: () => number = sleeps();
const sleeper = program("sleeper", function* (sys: Sys, _: null) {
  for (;;) yield* sys.nanosleep(next());
});
const getter = program("getter", function* (sys: Sys, _: null) {
  for (;;) yield* sys.compute(0);
});

/** ns per wake-up of `n` sleeping programs. */
function wakeups(n: number) {
  return () => {
    const kernel = createMachine({ machine: { cpus: 1 }, costs: { syscall: 0 } }).boot();
    next = sleeps();
    for (let i = 0; i < n; i++) kernel.spawn(sleeper, null);
    kernel.run(2000);
    const { sched } = kernel.core;
    const before = sched.ctxt;
    const start = performance.now();
    while (sched.ctxt - before < 400_000) kernel.run(10_000);
    return ((performance.now() - start) * 1e6) / ((sched.ctxt - before) / 2);
  };
}

const benchmarks: Benchmark[] = [
  ...[64, 10_000, 1_000_000].map((pending) => ({
    name: `event queue, pop + push, ${pending} pending`,
    unit: "event",
    per: OPERATIONS,
    setup: heap(pending),
    peers: [
      {
        name: "flatqueue",
        target: pending < 1000 ? 0.9 : pending < 1e6 ? 0.7 : 1.2,
        per: OPERATIONS,
        setup: flatqueue(pending),
      },
    ],
  })),
  ...[10_000, 1_000_000].map((pending) => ({
    name: `timer wheel, expire + arm, ${pending} pending`,
    unit: "timer",
    per: OPERATIONS,
    setup: wheel(pending),
    peers: [{ name: "flatqueue", target: pending < 1e6 ? 1.5 : 4, per: OPERATIONS, setup: flatqueue(pending) }],
  })),
  ...[10, 1000].map((n) => ({
    name: `wake-up of a sleeping process, ${n} processes`,
    unit: "wake-up",
    timed: wakeups(n),
    peers: [
      { name: "simjs", target: 2, ...simjsWakeups(n, 400_000) },
      { name: "simscript", target: 50, ...simscriptWakeups(n, 20_000) },
    ],
  })),
  {
    name: "call in a program that does not block",
    unit: "call",
    timed: () => {
      const kernel = createMachine({ machine: { cpus: 1 } }).boot();
      kernel.spawn(getter, null);
      kernel.run("10ms");
      const start = performance.now();
      kernel.run("200ms");
      return ((performance.now() - start) * 1e6) / 2e6;
    },
    peers: [{ name: "Linux getppid", native: "getppid", target: 1 }],
  },
  {
    name: "getppid through sys",
    unit: "call",
    target: 50e6,
    per: 1000,
    setup: () => {
      const kernel = createMachine().boot();
      const sys = kernel.sys(kernel.init);
      return () => {
        let n = 0;
        for (let i = 0; i < 1000; i++) n = (n + sys.getppid()) | 0;
        return n;
      };
    },
    peers: [{ name: "Linux getppid", native: "getppid", target: 1 }],
  },
  {
    name: "boot of the bare machine",
    unit: "boot",
    target: 1000,
    setup: () => () => createMachine({ machine: { memory: "1G" } }).boot(),
  },
  {
    name: "boot of all of core",
    unit: "boot",
    target: 1000,
    setup: () => () => createKernel({ machine: { memory: "1G" } }).boot(),
  },
];

export default benchmarks;

/**
 * What processes cost: fork + exit + wait, by programs and driven from outside; signals; memory per task. Nothing here copies page
 * tables, as the real kernel's fork does: its number stands beside for scale.
 */

import { type BareSys, createMachine, type Program, program } from "@kernelkit/core";
import { type Benchmark, bytesPerObject } from "../../../tooling/bench/src/index.js";

const ROUNDS = 1000;

const child = program("child", function* (sys: Program<BareSys>, _s: object) {
  yield* sys.exit(0);
});

/** Forks `n` children one after the other; with a rest point now and then, as a long-running program has. */
const parent = program("parent", function* (sys: Program<BareSys>, s: { i: number; n: number }) {
  for (; s.i < s.n; s.i++) {
    if ((s.i & 63) === 0) yield* sys.restPoint(s);
    const pid = yield* sys.fork(child, {});
    yield* sys.wait4(pid, 0);
  }
});

const LINUX = { name: "Linux, fork of a small process (copies page tables)", native: "fork-exit-wait", target: 30 };
const LINUX_VFORK = { name: "Linux, vfork", native: "vfork-exit-wait" };

const benchmarks: Benchmark[] = [
  {
    name: "fork + exit + wait, by programs",
    unit: "fork",
    target: 300e3,
    timed: () => {
      const kernel = createMachine({ machine: { cpus: 1 } }).boot();
      kernel.spawn(parent, { i: 0, n: 20_000 });
      const t0 = performance.now();
      kernel.run("1s");
      const ns = (performance.now() - t0) * 1e6;
      return ns / (kernel.tasks.processes - 2);
    },
    peers: [LINUX, LINUX_VFORK],
  },
  {
    name: "fork + exit + wait, driven from outside",
    unit: "fork",
    target: 300e3,
    per: ROUNDS,
    setup: () => {
      const kernel = createMachine({ machine: { cpus: 1 } }).boot();
      const a = kernel.tasks.forkDriven();
      const sys = kernel.sys(a);
      return () => {
        for (let i = 0; i < ROUNDS; i++) {
          const pid = sys.fork();
          const t = kernel.tasks.find(pid);
          if (t !== null) kernel.sys(t).exit(0);
          sys.wait4(pid);
        }
      };
    },
    peers: [LINUX],
  },
  {
    name: "a tree of 1000 tasks: fork, exit, wait",
    unit: "task",
    per: 1000,
    timed: () => {
      const kernel = createMachine({ machine: { cpus: 2 } }).boot();
      const t = kernel.spawn(tree, { depth: 0 });
      const t0 = performance.now();
      kernel.run("1s");
      if (kernel.tasks.find(t.nr) !== null) kernel.sys(kernel.init).wait4(t.nr);
      return ((performance.now() - t0) * 1e6) / 1093;
    },
  },
  {
    name: "100 000 sleeping tasks: fork one more, reap it",
    unit: "fork",
    per: ROUNDS,
    bytesPer: () => ({
      task: bytesPerObject(20_000, (n) => {
        const kernel = crowd(n);
        return kernel;
      }),
    }),
    setup: () => {
      const kernel = crowd(100_000);
      const a = kernel.tasks.forkDriven();
      const sys = kernel.sys(a);
      return () => {
        for (let i = 0; i < ROUNDS; i++) {
          const pid = sys.fork();
          const t = kernel.tasks.find(pid);
          if (t !== null) kernel.sys(t).exit(0);
          sys.wait4(pid);
        }
      };
    },
  },
  {
    name: "kill of a process that counts the signal",
    unit: "signal",
    per: ROUNDS,
    setup: () => {
      const kernel = createMachine({ machine: { cpus: 1 } }).boot();
      const a = kernel.tasks.forkDriven();
      const sys = kernel.sys(a);
      sys.rt_sigaction(10, { handler: 4096 });
      const pid = sys.getpid();
      return () => {
        for (let i = 0; i < ROUNDS; i++) sys.kill(pid, 10);
      };
    },
  },
  {
    name: "getppid from outside",
    unit: "call",
    target: 16e6,
    per: ROUNDS,
    setup: () => {
      const kernel = createMachine({ machine: { cpus: 1 } }).boot();
      const sys = kernel.sys(kernel.tasks.forkDriven());
      return () => {
        let sum = 0;
        for (let i = 0; i < ROUNDS; i++) sum += sys.getppid();
        return sum;
      };
    },
    peers: [{ name: "Linux", native: "getppid" }],
  },
];

const tree = program("tree", function* (sys: Program<BareSys>, s: { depth: number }): Generator<
  undefined,
  number,
  void
> {
  // 3 children each, seven levels: 1 + 3 + ... + 3^6 = 1093 tasks
  if (s.depth < 6) {
    for (let i = 0; i < 3; i++) yield* sys.fork(tree, { depth: s.depth + 1 });
    for (let i = 0; i < 3; i++) yield* sys.wait4(-1, 0);
  }
  return 0;
});

function crowd(n: number) {
  const kernel = createMachine({ machine: { cpus: 1, memory: "64G" } }).boot();
  kernel.core.tasks.initPidNs.pidMax = 4194304;
  for (let i = 0; i < n; i++) kernel.tasks.forkDriven();
  return kernel;
}

export default benchmarks;

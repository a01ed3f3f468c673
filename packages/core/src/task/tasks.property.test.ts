/** Random life of many tasks: what must hold between them holds after every step. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KernelError } from "../abi/errors.js";
import { CLONE_PARENT, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from "../abi/sched.js";
import { WNOHANG, WUNTRACED } from "../abi/wait.js";
import { createMachine } from "../kernel/createKernel.js";
import { program } from "../kernel/program.js";
import type { StateGraph } from "../kernel/state.js";
import { pathOfDifference } from "../kernel/stateDiff.js";
import type { BareSys } from "../sys/bareSys.js";
import type { Outside, Program } from "../sys/types.js";
import { checkTasks } from "../testing/checkTasks.js";
import { testProgram } from "../testing/testProgram.js";
import { CALL_NONE, PF_SUPERPRIV, TASK_PARKED } from "./task.js";

const RUNS = Number(process.env.KERNELKIT_PROPERTY_RUNS ?? 200);

const worker = program("worker", function* (sys: Program<BareSys>, s: { ns: number; n: number }): Generator<
  undefined,
  number,
  void
> {
  for (let i = 0; i < s.n; i++) {
    yield* sys.compute(s.ns);
    if (i % 2 === 0) yield* sys.fork(worker, { ns: s.ns, n: s.n - i - 1 });
    try {
      yield* sys.wait4(-1, WNOHANG);
    } catch (e) {
      if (!(e instanceof KernelError)) throw e;
    }
  }
  return s.n;
});
const handler = program("handler", function* (sys: Program<BareSys>, _: object) {
  yield* sys.compute(1000);
});

const SIGNALS = [1, 2, 9, 10, 12, 15, 17, 18, 19, 20, 28, 34, 40, 64];
const sig = (n: number): number => SIGNALS[n % SIGNALS.length];

type Op = readonly [name: string, who: number, a: number, b: number];

/** What a task may do; `pid(n)` picks somebody. */
const acts: Record<string, (s: Outside<BareSys>, a: number, b: number, pid: (n: number) => number) => unknown> = {
  fork: (s) => s.fork(),
  fork2: (s) => s.fork(),
  worker: (s, a, b) => s.fork(worker, { ns: 1000 + a * 100, n: b % 4 }),
  thread: (s) => s.clone(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD),
  sibling: (s) => s.clone(CLONE_PARENT | 17),
  strange: (s, a) => s.clone(CLONE_VM | CLONE_SIGHAND | sig(a)),
  clone: (s, a, b) => s.clone((a * 0x100 + b * 0x10000) & 0x7fffff00),
  clone3: (s, a) => s.clone3({ exit_signal: 17, set_tid: [300 + (a % 40)] }),
  exit: (s, a) => s.exit(a),
  exit_group: (s, a) => s.exit_group(a),
  exec: (s, a) => s.execve("kk-test", ["p", a % 2 === 0 ? "pause" : "exit", String(a)]),
  kill: (s, a, b, pid) => s.kill(pid(a), sig(b)),
  kill2: (s, a, b, pid) => s.kill(pid(a), sig(b)),
  killGroup: (s, a, b, pid) => s.kill(0 - pid(a), sig(b)),
  tkill: (s, a, b, pid) => s.tkill(pid(a), sig(b)),
  queue: (s, a, b, pid) => s.rt_sigqueueinfo(pid(a), sig(b), { value: b }),
  wait: (s, a) => s.wait4(-1, WNOHANG | (a % 2 === 0 ? WUNTRACED : 0)),
  waitOne: (s, a, _b, pid) => s.wait4(pid(a), WNOHANG),
  setpgid: (s, a, b, pid) => s.setpgid(pid(a), b % 3 === 0 ? 0 : pid(b)),
  setsid: (s) => s.setsid(),
  action: (s, a, b) =>
    s.rt_sigaction(sig(a), { handler: b % 4 === 3 ? handler : [0, 1, 4096][b % 3], flags: (b % 2) * 0x10000000 }),
  mask: (s, a, b) => s.rt_sigprocmask(b % 3, [sig(a), sig(b)]),
  take: (s, a) => s.rt_sigtimedwait([sig(a), sig(a + 1)], { sec: 0, nsec: 0 }),
  uid: (s, a, b) => s.setresuid(a % 3, b % 3, 0),
  nice: (s, a, b, pid) => s.setpriority(0, pid(a), (b % 40) - 20),
  policy: (s, a, b, pid) => s.sched_setscheduler(pid(a), b % 6, b % 3),
  affinity: (s, a, b, pid) => s.sched_setaffinity(pid(a), [b % 3]),
  nproc: (s, a) => s.setrlimit(6, { cur: a % 30, max: 1000 }),
  pending: (s, a) => s.setrlimit(11, { cur: a % 3, max: 1000 }),
  subreaper: (s, a) => s.prctl(36, a % 2),
  pdeath: (s, a) => s.prctl(1, sig(a)),
};

const opArb: fc.Arbitrary<Op> = fc.tuple(
  fc.constantFrom(...Object.keys(acts), "run", "run"),
  fc.nat(30),
  fc.nat(63),
  fc.nat(63),
);
const opsArb = fc.array(opArb, { maxLength: 200, size: "max" });

type Kernel = ReturnType<typeof start>;

function play(
  ops: readonly Op[],
  after: (k: Kernel, op: Op, failed: boolean) => void,
  before: (k: Kernel) => void = () => {},
): void {
  const kernel = start();
  for (const op of ops) {
    const [name, who, a, b] = op;
    if (name === "run") {
      kernel.run(a * 1000);
      after(kernel, op, false);
      continue;
    }
    const drivable = kernel.tasks
      .all()
      .filter((t) => t.state === TASK_PARKED && t !== kernel.init && t.program === null);
    while (drivable.length < 3) drivable.push(kernel.tasks.forkDriven());
    const t = drivable[who % drivable.length];
    const others = kernel.tasks.all();
    const pid = (n: number): number => (n % 9 === 0 ? 0 : others[n % others.length].nr);
    let failed = false;
    before(kernel);
    try {
      // started, not carried through: it may sleep, stop or die
      const p = acts[name](kernel.call(t) as never, a, b, pid) as { done: boolean; error: Error | null };
      failed = p.done && p.error !== null;
    } catch (e) {
      if (!(e instanceof TypeError && /has (died|not returned)|is dead/.test(e.message))) throw e;
    }
    after(kernel, op, failed);
  }
}

function start() {
  const kernel = createMachine({ machine: { cpus: 2 } }).boot();
  kernel.core.programs.add(testProgram);
  for (let i = 0; i < 3; i++) kernel.tasks.forkDriven();
  return kernel;
}

describe("tasks", () => {
  it("stay consistent whatever they do to each other", () => {
    fc.assert(
      fc.property(opsArb, (ops) => {
        play(ops, (kernel) => checkTasks(kernel.core));
      }),
      { numRuns: RUNS },
    );
  });

  it("that fail a call are as they were before it", () => {
    fc.assert(
      fc.property(opsArb, (ops) => {
        let before: StateGraph;
        play(
          ops,
          (kernel, op, failed) => {
            if (failed) expect(pathOfDifference(before, fingerprint(kernel)), op.join(" ")).toBeNull();
          },
          (kernel) => {
            before = fingerprint(kernel);
          },
        );
      }),
      { numRuns: Math.ceil(RUNS / 10) },
    );
  });

  it("do the same again", () => {
    fc.assert(
      fc.property(opsArb, (ops) => {
        const digests = [0, 1].map(() => {
          let d = "";
          play(ops, (kernel) => {
            d = kernel.digest();
          });
          return d;
        });
        expect(digests[1]).toBe(digests[0]);
      }),
      { numRuns: Math.ceil(RUNS / 10) },
    );
  });

  it("go on after a restore as if nothing had happened", () => {
    fc.assert(
      fc.property(opsArb, fc.nat(99), (ops, at) => {
        let n = 0;
        play(ops, (kernel) => {
          if (n++ !== at || kernel.tasks.all().some((t) => t.started !== null)) return;
          const saved = JSON.stringify(kernel.checkpoint());
          const back = createMachine({ machine: { cpus: 2 } }).restore(JSON.parse(saved), [
            testProgram,
            worker,
            handler,
          ] as never);
          checkTasks(back.core);
          kernel.run("5ms");
          back.run("5ms");
          checkTasks(back.core);
          expect(back.digest()).toBe(kernel.digest());
        });
      }),
      { numRuns: Math.ceil(RUNS / 4) },
    );
  });
});

const clerk = program("clerk", function* (sys: Program<BareSys>, s: { ns: number; n: number }): Generator<
  undefined,
  number,
  void
> {
  let sum = 0;
  yield* sys.rt_sigprocmask(0, [34]);
  for (let i = 0; i < s.n; i++) {
    const pid = yield* sys.fork(clerk, { ns: s.ns, n: s.n - i - 1 });
    sum += (yield* sys.wait4(pid, 0)).status >> 8;
    try {
      yield* sys.rt_sigtimedwait([34], { sec: 0, nsec: s.ns });
    } catch (e) {
      if (!(e instanceof KernelError)) throw e;
      sum += e.errno === -11 ? 1 : 100;
    }
  }
  return sum;
});

describe("waiting", () => {
  it("has the same results and takes the same time when sleepers are woken for no reason", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 90_000 }), fc.nat(4), (ns, n) => {
        const run = (spuriousWakeups: boolean): string => {
          const kernel = createMachine({ machine: { cpus: 8 }, spuriousWakeups, costs: { syscall: 0 } }).boot();
          const t = kernel.spawn(clerk, { ns, n });
          return `${kernel.sys(kernel.init).wait4(t.nr).status} at ${kernel.now}`;
        };
        expect(run(true)).toBe(run(false));
      }),
      { numRuns: RUNS },
    );
  });
});

/** Everything that hangs from the tasks, but for what a call leaves in its caller, and numbers that only go up. */
function fingerprint(kernel: Kernel): StateGraph {
  for (const t of kernel.tasks.all()) {
    t.sighand.shared = true; // whether a table of actions is still a copy's is no matter
    if (t.phase !== CALL_NONE) continue;
    t.call = null;
    t.args = [];
    t.result = undefined;
    t.error = 0;
    t.frame = null;
    t.flags &= ~PF_SUPERPRIV;
  }
  const { pids } = kernel.core.tasks.initPidNs;
  const { last } = kernel.core.tasks.initPidNs;
  kernel.core.tasks.initPidNs.last = 0;
  const graph = kernel.core.state.save(["tasks"]);
  kernel.core.tasks.initPidNs.last = last;
  expect(pids.size).toBeGreaterThan(0);
  return graph;
}

/** Very many tasks: nothing is looked for by walking all of them. */
import { describe, expect, it } from "vitest";
import { KernelError } from "../abi/errors.js";
import { CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from "../abi/sched.js";
import { SIGKILL } from "../abi/signal.js";
import { createMachine } from "../kernel/createKernel.js";
import { program } from "../kernel/program.js";
import type { BareSys } from "../sys/bareSys.js";
import type { Program } from "../sys/types.js";
import { checkTasks } from "../testing/checkTasks.js";

function machine() {
  const kernel = createMachine({ machine: { memory: "64G" } }).boot();
  kernel.core.tasks.initPidNs.pidMax = 4194304;
  const a = kernel.tasks.forkDriven();
  const sys = kernel.sys(a);
  sys.setrlimit(6, { cur: 1_000_000, max: 1_000_000 });
  return { kernel, a, sys };
}

const tree = program("tree", function* (sys: Program<BareSys>, s: { depth: number }): Generator<
  undefined,
  number,
  void
> {
  let tasks = 1;
  if (s.depth < 6) {
    for (let i = 0; i < 3; i++) yield* sys.fork(tree, { depth: s.depth + 1 });
    for (let i = 0; i < 3; i++) yield* sys.wait4(-1, 0);
    tasks = 4;
  }
  return tasks;
});

/** Forks until it cannot, and so do its children. */
const bomb = program("bomb", function* (sys: Program<BareSys>, s: { left: number }): Generator<
  undefined,
  number,
  void
> {
  try {
    for (; s.left > 0; s.left--) yield* sys.fork(bomb, { left: s.left - 1 });
  } catch (e) {
    if (!(e instanceof KernelError) || e.code !== "EAGAIN") throw e;
  }
  yield* sys.pause();
  return 0;
});

describe("a crowd", () => {
  it("of 100 000 processes is forked, killed at once and waited for in order of birth", () => {
    const { kernel, sys } = machine();
    sys.setpgid(0, 0);
    const first = sys.fork();
    for (let i = 1; i < 100_000; i++) sys.fork();
    expect(kernel.tasks.nrThreads).toBe(100_003);
    sys.rt_sigprocmask(0, [34]);
    sys.kill(0, 34);
    kernel.run("1s");
    for (let i = 0; i < 100_000; i++) {
      const w = sys.wait4(-1);
      if (w.pid !== first + i || w.status !== 34) throw new Error(`${w.pid} died of ${w.status}`);
    }
    expect(() => sys.wait4(-1)).toThrow("ECHILD");
    expect(kernel.tasks.nrThreads).toBe(3);
    expect(kernel.core.tasks.initPidNs.pids.size).toBe(3);
  });

  it("of 10 000 threads ends with its process", () => {
    const { kernel, sys } = machine();
    const pid = sys.fork();
    const b = kernel.sys(kernel.tasks.find(pid) as never);
    for (let i = 0; i < 10_000; i++) (b as typeof sys).clone(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD);
    sys.kill(pid, SIGKILL);
    expect(sys.wait4(pid).status).toBe(SIGKILL);
    expect(kernel.tasks.nrThreads).toBe(3);
    checkTasks(kernel.core);
  });

  it("of 1093 programs in a tree of forks comes to its end", () => {
    const { kernel, a, sys } = machine();
    const root = kernel.spawn(tree, { depth: 0 }, a);
    expect(sys.wait4(root.nr).status >> 8).toBe(4);
    expect(kernel.tasks.processes).toBe(1 + 1093);
    checkTasks(kernel.core);
  });
});

describe("a fork bomb", () => {
  it("of a user stops at RLIMIT_NPROC, and root forks on", () => {
    const { kernel, a, sys } = machine();
    const pid = sys.fork();
    const u = kernel.tasks.find(pid) as typeof a;
    kernel.sys(u).setrlimit(6, { cur: 200, max: 200 });
    kernel.sys(u).setresuid(1000, 1000, 1000);
    kernel.spawn(bomb, { left: 12 }, u);
    kernel.run("10ms");
    expect(u.user.processes).toBeLessThanOrEqual(200);
    expect(u.user.processes).toBeGreaterThan(100);
    expect(sys.fork()).toBeGreaterThan(0);
    checkTasks(kernel.core);
  });
});

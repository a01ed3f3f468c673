import { describe, expect, it } from "vitest";
import { ENOMEM } from "../abi/errno.js";
import { RLIMIT_NPROC } from "../abi/resource.js";
import {
  CLONE_CLEAR_SIGHAND,
  CLONE_DETACHED,
  CLONE_FILES,
  CLONE_FS,
  CLONE_NEWIPC,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  CLONE_PARENT,
  CLONE_PIDFD,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
  SCHED_FIFO,
  SCHED_RESET_ON_FORK,
} from "../abi/sched.js";
import { SIG_BLOCK, SIGCHLD, SIGUSR1, SIGUSR2 } from "../abi/signal.js";
import { createMachine } from "../kernel/createKernel.js";
import { program } from "../kernel/program.js";
import type { BareSys } from "../sys/bareSys.js";
import type { Program } from "../sys/types.js";
import type { Task } from "./task.js";

function machine(cpus = 2) {
  const kernel = createMachine({ machine: { cpus } }).boot();
  const a = kernel.tasks.forkDriven();
  const of = (pid: number): Task => kernel.tasks.find(pid) as Task;
  return { kernel, k: kernel.core, a, sys: kernel.sys(a), of };
}
const THREAD = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;

describe("fork", () => {
  it("gives pids from 300 upward, whatever kernel threads there are", () => {
    const { kernel, sys } = machine();
    expect(sys.getpid()).toBe(300);
    const t = kernel.kthread({ name: "nop", step: (c) => c.sleep(null) }, "nop", null);
    expect(t.nr).toBe(3);
    expect(sys.fork()).toBe(301);
  });

  it("copies attributes but not pending signals, parent-death signal or times", () => {
    const { kernel, a, sys, of } = machine();
    sys.rt_sigaction(SIGUSR1, { handler: 4096 });
    sys.rt_sigprocmask(SIG_BLOCK, [SIGUSR1]);
    sys.kill(sys.getpid(), SIGUSR1);
    sys.prctl(1, SIGUSR2);
    sys.setpriority(0, 0, 3);
    a.utimeNs = 5;
    const c = of(sys.fork());
    const child = kernel.sys(c);
    expect(child.rt_sigpending()).toEqual([]);
    expect(sys.rt_sigpending()).toEqual([SIGUSR1]);
    expect(child.rt_sigprocmask(SIG_BLOCK)).toEqual([SIGUSR1]);
    expect(child.rt_sigaction(SIGUSR1).handler).toBe(4096);
    expect(child.prctl(2)).toBe(0);
    expect(child.getpriority(0, 0)).toBe(17);
    expect(c.utimeNs).toBe(0);
    expect(child.getppid()).toBe(sys.getpid());
  });

  it("does not share what a later sigaction of the parent or the child changes", () => {
    const { kernel, sys, of } = machine();
    sys.rt_sigaction(SIGUSR1, { handler: 4096 });
    const child = kernel.sys(of(sys.fork()));
    sys.rt_sigaction(SIGUSR1, { handler: 1 });
    child.rt_sigaction(SIGUSR2, { handler: 8192 });
    expect(child.rt_sigaction(SIGUSR1).handler).toBe(4096);
    expect(sys.rt_sigaction(SIGUSR2).handler).toBe(0);
  });

  it("inherits a real-time policy, but not with SCHED_RESET_ON_FORK", () => {
    const { kernel, sys, of } = machine();
    sys.sched_setscheduler(0, SCHED_FIFO, 5);
    expect(kernel.sys(of(sys.fork())).sched_getscheduler(0)).toBe(SCHED_FIFO);
    sys.sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, 5);
    const child = kernel.sys(of(sys.fork()));
    expect(child.sched_getscheduler(0)).toBe(0);
    expect(child.sched_getparam(0)).toEqual({ sched_priority: 0 });
  });

  it("fails with EAGAIN at RLIMIT_NPROC of the real user, root and CAP_SYS_RESOURCE aside", () => {
    const { kernel, sys, of } = machine();
    const n = kernel.sys(of(sys.fork()));
    n.setresuid(1000, 1000, 1000);
    n.fork();
    n.setrlimit(RLIMIT_NPROC, { cur: 2, max: 2 });
    expect(() => n.fork()).toThrow("EAGAIN");
    expect(() => n.clone(THREAD)).toThrow("EAGAIN");
    sys.setrlimit(RLIMIT_NPROC, { cur: 1, max: 1 });
    sys.fork();
  });

  it("fails with EAGAIN at threads-max", () => {
    const { k, sys } = machine();
    k.tasks.sysctl.threadsMax = k.tasks.nrThreads;
    expect(() => sys.fork()).toThrow("EAGAIN");
  });

  it("fails with EAGAIN when no pid is free, and reuses freed ones after the wrap", () => {
    const { kernel, k, sys, of } = machine();
    k.tasks.initPidNs.pidMax = 304;
    const pids = [sys.fork(), sys.fork(), sys.fork()];
    expect(pids).toEqual([301, 302, 303]);
    expect(() => sys.fork()).toThrow("EAGAIN");
    kernel.sys(of(302)).exit(0);
    expect(() => sys.fork()).toThrow("EAGAIN"); // a zombie keeps its pid
    sys.wait4(302);
    expect(sys.fork()).toBe(302);
  });

  it("does not give out a pid that still names a group or a session", () => {
    const { kernel, k, sys, of } = machine();
    k.tasks.initPidNs.pidMax = 303;
    const leader = kernel.sys(of(sys.fork()));
    leader.setsid();
    leader.fork();
    leader.exit(0);
    sys.wait4(301);
    expect(kernel.tasks.find(301)).toBeNull();
    expect(() => sys.fork()).toThrow("EAGAIN");
    kernel.sys(of(302)).exit(0);
    expect(sys.fork()).toBe(301);
  });

  it("asks the stages in order and takes back in reverse when a later one refuses", () => {
    const { k, sys, a } = machine();
    const seen: string[] = [];
    let refuse = "";
    k.hooks.fork.tap(
      100,
      "test",
      (ev) => {
        if (ev.stage === refuse) return ENOMEM;
        seen.push(ev.stage);
        return 0;
      },
      (ev) => void seen.push(`undo ${ev.stage}`),
    );
    const graph = (): string => JSON.stringify(k.state.save());
    for (const [stage, expected] of [
      ["task", []],
      ["mm", ["task", "signal", "undo signal", "undo task"]],
      ["cgroup", ["task", "signal", "mm", "ns", "undo ns", "undo mm", "undo signal", "undo task"]],
    ] as const) {
      refuse = stage;
      seen.length = 0;
      const { last } = k.tasks.initPidNs;
      const before = {
        threads: k.tasks.nrThreads,
        mine: a.user.processes,
        refs: a.nsproxy.refs,
        forks: k.tasks.processes,
      };
      expect(() => sys.fork()).toThrow("ENOMEM");
      expect(seen).toEqual(expected);
      expect({
        threads: k.tasks.nrThreads,
        mine: a.user.processes,
        refs: a.nsproxy.refs,
        forks: k.tasks.processes,
      }).toEqual(before);
      expect(k.tasks.initPidNs.pids.size).toBe(k.tasks.all().length);
      k.tasks.initPidNs.last = last;
    }
    refuse = "";
    const before = graph();
    expect(sys.fork()).toBe(301);
    expect(graph()).not.toBe(before);
  });
});

describe("clone", () => {
  it("refuses combinations of flags that make no sense", () => {
    const { kernel, sys } = machine();
    for (const flags of [
      CLONE_SIGHAND,
      CLONE_THREAD | CLONE_SIGHAND,
      CLONE_THREAD | CLONE_VM,
      CLONE_NEWNS | CLONE_FS,
      CLONE_NEWUSER | CLONE_FS,
      THREAD | CLONE_NEWPID,
      THREAD | CLONE_NEWUSER,
    ])
      expect(() => sys.clone(flags | SIGCHLD), flags.toString(16)).toThrow("EINVAL");
    expect(() => kernel.sys(kernel.init).clone(CLONE_PARENT | SIGCHLD)).toThrow("EINVAL");
    expect(() => sys.clone(CLONE_PIDFD | SIGCHLD)).toThrow("EFAULT");
  });

  it("refuses namespace types that nobody can create with EINVAL, after asking for CAP_SYS_ADMIN", () => {
    const { kernel, sys, of } = machine();
    for (const flags of [CLONE_NEWUTS, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWIPC, CLONE_NEWNS])
      expect(() => sys.clone(flags | SIGCHLD), flags.toString(16)).toThrow("EINVAL");
    const u = kernel.sys(of(sys.fork()));
    u.setresuid(1000, 1000, 1000);
    expect(() => u.clone(CLONE_NEWUTS | SIGCHLD)).toThrow("EPERM");
    expect(() => u.clone(CLONE_NEWIPC | SIGCHLD)).toThrow("EPERM");
  });

  it("makes threads with a pid of their own in one process", () => {
    const { kernel, k, a, sys, of } = machine();
    const tid = sys.clone(THREAD);
    const t = kernel.sys(of(tid));
    expect(t.getpid()).toBe(sys.getpid());
    expect(t.gettid()).toBe(tid);
    expect(t.getppid()).toBe(sys.getppid());
    expect(a.signal.threads.map((x) => x.nr)).toEqual([sys.getpid(), tid]);
    expect(k.tasks.children(kernel.init).includes(of(tid))).toBe(false);
    expect(() => sys.wait4(tid)).toThrow("ECHILD");
    t.rt_sigaction(SIGUSR1, { handler: 4096 });
    expect(sys.rt_sigaction(SIGUSR1).handler).toBe(4096);
    t.exit(3);
    expect(kernel.tasks.find(tid)).toBeNull();
    expect(a.signal.live).toBe(1);
  });

  it("with CLONE_PARENT makes a sibling", () => {
    const { kernel, sys, of } = machine();
    const b = kernel.sys(of(sys.fork()));
    const pid = b.clone(CLONE_PARENT | SIGCHLD);
    expect(kernel.sys(of(pid)).getppid()).toBe(sys.getpid());
    kernel.sys(of(pid)).exit(4);
    expect(sys.wait4(pid).status).toBe(4 << 8);
  });

  it("ignores the files and directory flags of tasks that have none", () => {
    const { sys } = machine();
    expect(sys.clone(CLONE_FILES | CLONE_FS | SIGCHLD)).toBe(301);
  });
});

describe("clone3", () => {
  it("takes wanted pids: EEXIST taken, EINVAL out of range or too many, EPERM without privilege", () => {
    const { kernel, sys, of } = machine();
    expect(sys.clone3({ exit_signal: SIGCHLD, set_tid: [500] })).toEqual({ pid: 500, pidfd: -1 });
    expect(sys.fork()).toBe(301);
    expect(() => sys.clone3({ exit_signal: SIGCHLD, set_tid: [500] })).toThrow("EEXIST");
    expect(() => sys.clone3({ exit_signal: SIGCHLD, set_tid: [0] })).toThrow("EINVAL");
    expect(() => sys.clone3({ exit_signal: SIGCHLD, set_tid: [32768] })).toThrow("EINVAL");
    expect(() => sys.clone3({ exit_signal: SIGCHLD, set_tid: [600, 601] })).toThrow("EINVAL");
    const u = kernel.sys(of(301));
    u.setresuid(1000, 1000, 1000);
    expect(() => u.clone3({ exit_signal: SIGCHLD, set_tid: [700] })).toThrow("EPERM");
  });

  it("refuses a signal in the flags, CLONE_DETACHED, unknown flags and bad exit signals with EINVAL", () => {
    const { sys } = machine();
    for (const args of [
      { flags: SIGCHLD },
      { flags: CLONE_DETACHED },
      { flags: 2 ** 34 },
      { exit_signal: 65 },
      { exit_signal: -1 },
      { flags: CLONE_PARENT, exit_signal: SIGCHLD },
      { set_tid: [5], set_tid_size: 2 },
      { flags: CLONE_CLEAR_SIGHAND + CLONE_SIGHAND + CLONE_VM },
    ])
      expect(() => sys.clone3(args), JSON.stringify(args)).toThrow("EINVAL");
  });

  it("with CLONE_CLEAR_SIGHAND keeps what is ignored and resets handlers", () => {
    const { kernel, sys, of } = machine();
    sys.rt_sigaction(SIGUSR1, { handler: 4096 });
    sys.rt_sigaction(SIGUSR2, { handler: 1 });
    const c = kernel.sys(of(sys.clone3({ flags: CLONE_CLEAR_SIGHAND, exit_signal: SIGCHLD }).pid));
    expect(c.rt_sigaction(SIGUSR1).handler).toBe(0);
    expect(c.rt_sigaction(SIGUSR2).handler).toBe(1);
  });
});

const seven = program("seven", function* (sys: Program<BareSys>, s: { ns: number }) {
  yield* sys.compute(s.ns);
  return 7;
});

describe("fork of programs", () => {
  it("gives the child a program of its own with a copy of the state", () => {
    const { kernel } = machine();
    const boss = program("boss", function* (sys: Program<BareSys>, _: object) {
      const s = { ns: 1000 };
      const pid = yield* sys.fork(seven, s);
      s.ns = 1;
      const w = yield* sys.wait4(pid, 0);
      return (w.status >> 8) + (pid === 302 ? 10 : 0);
    });
    const t = kernel.spawn(boss, {});
    const w = kernel.sys(kernel.init).wait4(t.nr);
    expect(w).toEqual({ pid: t.nr, status: 17 << 8, rusage: null });
    expect(kernel.now).toBeGreaterThanOrEqual(1000);
  });

  it("without a program for the child is a TypeError", () => {
    const { kernel } = machine();
    const bad = program("bad", function* (sys: Program<BareSys>, _: object) {
      yield* sys.fork();
    });
    kernel.spawn(bad, {});
    expect(() => kernel.run("1ms")).toThrow("the child of a program needs a program");
  });

  it("by a driven task starts the program at once", () => {
    const { sys } = machine();
    const pid = sys.fork(seven, { ns: 10 });
    expect(sys.wait4(pid).status).toBe(7 << 8);
  });
});

describe("vfork", () => {
  it("makes the parent sleep until the child exits", () => {
    const { kernel, a } = machine();
    const p = kernel.call(a).vfork(seven, { ns: 1_000_000 });
    expect(p.done).toBe(false);
    kernel.run(999_000);
    expect(p.done).toBe(false);
    kernel.run(2000);
    expect(p.value).toBe(301);
    expect(kernel.sys(a).wait4(301).status).toBe(7 << 8);
  });

  it("lets a parent that is killed go", () => {
    const { kernel, a, sys } = machine();
    const b = kernel.tasks.find(sys.fork()) as Task;
    const p = kernel.call(b).vfork(seven, { ns: 1e9 });
    kernel.sys(a).kill(b.nr, 9);
    kernel.run("1ms");
    expect(p.done).toBe(true);
    expect(sys.wait4(b.nr).status).toBe(9);
  });
});

describe("RLIMIT_NPROC", () => {
  it("counts users apart and forgets who has gone", () => {
    const { kernel, k, sys, of } = machine();
    const u = kernel.sys(of(sys.fork()));
    u.setresuid(7, 7, 7);
    expect(k.tasks.users.byUid.get(7)?.processes).toBe(1);
    u.exit(0);
    expect(k.tasks.users.byUid.get(7)?.processes).toBe(1);
    sys.wait4(-1);
    expect(k.tasks.users.byUid.has(7)).toBe(false);
  });
});

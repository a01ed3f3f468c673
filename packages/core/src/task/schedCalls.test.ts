import { describe, expect, it } from "vitest";
import { CAP_SYS_NICE } from "../abi/capability.js";
import { PR_SET_KEEPCAPS } from "../abi/prctl.js";
import { RLIMIT_NICE, RLIMIT_RTPRIO } from "../abi/resource.js";
import {
  PRIO_PGRP,
  PRIO_PROCESS,
  PRIO_USER,
  SCHED_BATCH,
  SCHED_DEADLINE,
  SCHED_FIFO,
  SCHED_FLAG_KEEP_PARAMS,
  SCHED_FLAG_KEEP_POLICY,
  SCHED_FLAG_RESET_ON_FORK,
  SCHED_IDLE,
  SCHED_OTHER,
  SCHED_RESET_ON_FORK,
  SCHED_RR,
} from "../abi/sched.js";
import { createMachine } from "../kernel/createKernel.js";
import { program } from "../kernel/program.js";
import type { BareSys } from "../sys/bareSys.js";
import type { Program } from "../sys/types.js";
import type { Task } from "./task.js";

function machine(cpus = 2) {
  const kernel = createMachine({ machine: { cpus } }).boot();
  const a = kernel.tasks.forkDriven();
  const user = (uid: number) => {
    const t = kernel.tasks.find(kernel.sys(a).fork()) as Task;
    const s = kernel.sys(t);
    s.setresuid(uid, uid, uid);
    return { t, s };
  };
  return { kernel, k: kernel.core, a, sys: kernel.sys(a), user };
}
const hog = program("hog", function* (sys: Program<BareSys>, s: { ms: number }) {
  yield* sys.compute(s.ms * 1e6);
});

describe("sched_setscheduler", () => {
  it("checks pid, process, policy and priority in that order", () => {
    const { sys } = machine();
    for (const [pid, policy, priority, error] of [
      [0, 4, 0, "EINVAL"],
      [0, -1, 0, "EINVAL"],
      [0, SCHED_FIFO, 0, "EINVAL"],
      [0, SCHED_FIFO, 100, "EINVAL"],
      [0, SCHED_OTHER, 1, "EINVAL"],
      [0, SCHED_IDLE, 1, "EINVAL"],
      [0, SCHED_DEADLINE, 0, "EINVAL"],
      [-1, SCHED_OTHER, 0, "EINVAL"],
      [9999, SCHED_OTHER, 0, "ESRCH"],
    ] as const)
      expect(() => sys.sched_setscheduler(pid, policy, priority), `${pid} ${policy} ${priority}`).toThrow(error);
    expect(() => sys.sched_getscheduler(-1)).toThrow("EINVAL");
    expect(() => sys.sched_getparam(9999)).toThrow("ESRCH");
  });

  it("an ordinary user goes real-time only within RLIMIT_RTPRIO, may lower himself, and cannot come back from IDLE", () => {
    const { sys, user } = machine();
    const { t, s } = user(1000);
    const other = user(1001).t;
    expect(() => s.sched_setscheduler(0, SCHED_FIFO, 1)).toThrow("EPERM");
    expect(() => s.sched_setscheduler(other.nr, SCHED_BATCH, 0)).toThrow("EPERM");
    sys.prlimit64(t.nr, RLIMIT_RTPRIO, { cur: 5, max: 5 });
    s.sched_setscheduler(0, SCHED_RR, 5);
    expect(() => s.sched_setparam(0, 6)).toThrow("EPERM");
    s.sched_setparam(0, 2);
    s.sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, 0);
    expect(s.sched_getscheduler(0)).toBe(SCHED_BATCH | SCHED_RESET_ON_FORK);
    expect(() => s.sched_setscheduler(0, SCHED_BATCH, 0)).toThrow("EPERM");
    s.sched_setscheduler(0, SCHED_IDLE | SCHED_RESET_ON_FORK, 0);
    expect(() => s.sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, 0)).toThrow("EPERM");
    sys.prlimit64(t.nr, RLIMIT_NICE, { cur: 20, max: 20 });
    s.sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, 0);
  });

  it("changes a task that is running or waiting for the CPU", () => {
    const { kernel, k, a } = machine(1);
    const one = kernel.spawn(hog, { ms: 50 }, a);
    const two = kernel.spawn(hog, { ms: 50 }, a);
    kernel.run("10ms");
    kernel.sys(a).sched_setscheduler(two.nr, SCHED_FIFO, 10);
    const used = one.se.sumExecNs;
    kernel.run("20ms");
    expect(one.se.sumExecNs - used).toBeLessThan(100_000);
    kernel.sys(a).sched_setscheduler(two.nr, SCHED_IDLE, 0);
    kernel.sys(a).sched_setscheduler(one.nr, SCHED_RR, 1);
    kernel.run("1ms");
    expect(k.cpus.curr[0]).toBe(one);
    kernel.run("100ms");
    expect(kernel.tasks.children(a).every((t) => t.state === 6)).toBe(true);
    expect(k.sched.rqs[0].nrRunning).toBe(0);
    expect(k.sched.rqs[0].sumWeight).toBe(0);
  });

  it("ranges and slices: 1..99 for FIFO and RR, RR takes turns of 100 ms", () => {
    const { sys } = machine();
    expect([SCHED_FIFO, SCHED_RR, SCHED_OTHER, SCHED_DEADLINE].map((p) => sys.sched_get_priority_max(p))).toEqual([
      99, 99, 0, 0,
    ]);
    expect([SCHED_FIFO, SCHED_OTHER].map((p) => sys.sched_get_priority_min(p))).toEqual([1, 0]);
    expect(() => sys.sched_get_priority_max(9)).toThrow("EINVAL");
    sys.sched_setscheduler(0, SCHED_RR, 3);
    expect(sys.sched_rr_get_interval(0)).toEqual({ sec: 0, nsec: 100_000_000 });
    sys.sched_setscheduler(0, SCHED_FIFO, 3);
    expect(sys.sched_rr_get_interval(0)).toEqual({ sec: 0, nsec: 0 });
  });

  it("sched_setattr sets nice and policy in one, or keeps either", () => {
    const { sys } = machine();
    sys.sched_setattr(0, { policy: SCHED_BATCH, nice: 7, flags: SCHED_FLAG_RESET_ON_FORK });
    expect(sys.sched_getattr(0)).toMatchObject({ policy: SCHED_BATCH, nice: 7, flags: 1, priority: 0 });
    sys.sched_setattr(0, { flags: SCHED_FLAG_KEEP_POLICY, nice: 100 });
    expect(sys.sched_getattr(0)).toMatchObject({ policy: SCHED_BATCH, nice: 19, flags: 0 });
    sys.sched_setattr(0, { policy: SCHED_OTHER, flags: SCHED_FLAG_KEEP_PARAMS });
    expect(sys.getpriority(PRIO_PROCESS, 0)).toBe(1);
    expect(() => sys.sched_setattr(0, { flags: 0x80 })).toThrow("EINVAL");
    expect(() => sys.sched_getattr(0, 47)).toThrow("EINVAL");
  });
});

describe("nice", () => {
  it("is clamped; going down needs RLIMIT_NICE or CAP_SYS_NICE (EACCES), another user's task EPERM", () => {
    const { sys, user } = machine();
    const { t, s } = user(1000);
    const v = user(1001).t;
    s.setpriority(PRIO_PROCESS, 0, 100);
    expect(s.getpriority(PRIO_PROCESS, 0)).toBe(1);
    expect(() => s.setpriority(PRIO_PROCESS, 0, 5)).toThrow("EACCES");
    expect(() => s.setpriority(PRIO_PROCESS, v.nr, 10)).toThrow("EPERM");
    expect(s.getpriority(PRIO_PROCESS, v.nr)).toBe(20);
    sys.prlimit64(t.nr, RLIMIT_NICE, { cur: 30, max: 30 });
    s.setpriority(PRIO_PROCESS, 0, -10);
    expect(() => s.setpriority(PRIO_PROCESS, 0, -11)).toThrow("EACCES");
    expect(() => sys.getpriority(7, 0)).toThrow("EINVAL");
    expect(() => sys.setpriority(-1, 0, 0)).toThrow("EINVAL");
    expect(() => sys.getpriority(PRIO_PROCESS, 9999)).toThrow("ESRCH");
  });

  it("names groups and users; the best of them is answered", () => {
    const { kernel, a, sys, user } = machine();
    sys.setpgid(0, 0);
    const b = kernel.tasks.find(sys.fork()) as Task;
    sys.setpriority(PRIO_PROCESS, b.nr, -5);
    expect(sys.getpriority(PRIO_PGRP, 0)).toBe(25);
    sys.setpriority(PRIO_PGRP, 0, 3);
    expect([a.se.nice, b.se.nice]).toEqual([3, 3]);
    const { t } = user(1000);
    sys.setpriority(PRIO_USER, 1000, 9);
    expect([t.se.nice, a.se.nice]).toEqual([9, 3]);
    expect(() => sys.getpriority(PRIO_USER, 4321)).toThrow("ESRCH");
  });

  it("shares a CPU 3 to 1 between nice 0 and nice 5", () => {
    const { kernel, a, sys } = machine(1);
    const x = kernel.spawn(hog, { ms: 1000 }, a);
    const y = kernel.spawn(hog, { ms: 1000 }, a);
    sys.setpriority(PRIO_PROCESS, y.nr, 5);
    kernel.run("400ms");
    expect(x.se.sumExecNs / y.se.sumExecNs).toBeGreaterThan(2.8);
    expect(x.se.sumExecNs / y.se.sumExecNs).toBeLessThan(3.4);
  });
});

describe("affinity", () => {
  it("drops impossible CPUs, refuses an empty rest, moves the task, and is inherited", () => {
    const { kernel, a, sys } = machine(2);
    sys.sched_setaffinity(0, [1, 7]);
    expect(sys.sched_getaffinity(0)).toEqual([1]);
    expect(sys.getcpu()).toEqual({ cpu: 1, node: 0 });
    expect(kernel.core.cpus.guest).toEqual([null, null]);
    expect(() => sys.sched_setaffinity(0, [])).toThrow("EINVAL");
    expect(() => sys.sched_setaffinity(0, [5])).toThrow("EINVAL");
    expect(() => sys.sched_getaffinity(0, 4)).toThrow("EINVAL");
    expect(() => sys.sched_getaffinity(0, 7)).toThrow("EINVAL");
    expect(() => sys.sched_setaffinity(9999, [0])).toThrow("ESRCH");
    const b = kernel.tasks.find(sys.fork()) as Task;
    expect(kernel.sys(b).sched_getaffinity(0)).toEqual([1]);
    kernel.sys(b).sched_setaffinity(a.nr, [0]);
    expect([sys.sched_getaffinity(0), kernel.sys(b).sched_getaffinity(0)]).toEqual([[0], [1]]);
  });

  it("of another user's task is EPERM without CAP_SYS_NICE, of a bound kernel thread EINVAL", () => {
    const { kernel, sys, user } = machine(2);
    const u = user(1000).s;
    const v = user(1001).t;
    expect(() => u.sched_setaffinity(v.nr, [0])).toThrow("EPERM");
    const bound = kernel.kthread({ name: "nop", step: (c) => c.sleep(null) }, "nop/1", null, { cpu: 1 });
    expect(() => sys.sched_setaffinity(bound.nr, [0])).toThrow("EINVAL");
    const strong = user(0).s;
    strong.prctl(PR_SET_KEEPCAPS, 1);
    strong.setresuid(1002, 1002, 1002);
    strong.capset({ effective: [CAP_SYS_NICE], permitted: [CAP_SYS_NICE] });
    strong.sched_setaffinity(v.nr, [0]);
  });

  it("moves a running program at once", () => {
    const { kernel, k, a, sys } = machine(2);
    const t = kernel.spawn(hog, { ms: 50 }, a);
    kernel.run("5ms");
    const other = 1 - t.cpu;
    sys.sched_setaffinity(t.nr, [other]);
    kernel.run("5ms");
    expect(k.cpus.curr[other]).toBe(t);
    k.sched.account(other);
    expect(t.utimeNs).toBeGreaterThanOrEqual(9_000_000);
  });

  it("may be narrowed further by a package", () => {
    const { k, sys } = machine(2);
    k.hooks.cpusAllowed.tap(100, "test", (_t, mask) => {
      mask[0] &= 1;
    });
    sys.sched_setaffinity(0, [0, 1]);
    expect(sys.sched_getaffinity(0)).toEqual([0]);
    expect(() => sys.sched_setaffinity(0, [1])).toThrow("EINVAL");
  });
});

describe("sched_yield", () => {
  it("lets an equal real-time task go first", () => {
    const { kernel, k } = machine(1);
    const order: number[] = [];
    const turn = program("turn", function* (sys: Program<BareSys>, s: { id: number }) {
      for (let i = 0; i < 3; i++) {
        yield* sys.rt_sigqueueinfo(1, 40, { value: s.id });
        yield* sys.sched_yield();
      }
    });
    kernel.sys(kernel.init).rt_sigprocmask(0, [40]);
    for (const id of [1, 2]) {
      const t = kernel.spawn(turn, { id });
      kernel.sys(kernel.init).sched_setscheduler(t.nr, SCHED_FIFO, 1);
    }
    kernel.run("1ms");
    for (const i of k.tasks.init.signal.pending.queue) order.push(i.value);
    expect(order).toEqual([1, 2, 1, 2, 1, 2]);
  });
});

import { describe, expect, it } from "vitest";
import { createMachine } from "../kernel/createKernel.js";
import { program } from "../kernel/program.js";
import type { BareSys } from "../sys/bareSys.js";
import type { Program } from "../sys/types.js";
import type { Task } from "./task.js";

function machine() {
  const kernel = createMachine().boot();
  const a = kernel.tasks.forkDriven();
  const fork = (t: Task = a): Task => kernel.tasks.find(kernel.sys(t).fork()) as Task;
  return { kernel, k: kernel.core, a, sys: kernel.sys(a), fork };
}

const pause = program("pause", function* (sys: Program<BareSys>, _: object) {
  yield* sys.pause();
});

describe("setpgid", () => {
  it("makes a group of its own for the caller or a child, and joins one of the session", () => {
    const { kernel, a, sys, fork } = machine();
    const [b, c] = [fork(), fork()];
    sys.setpgid(b.nr, 0);
    expect(sys.getpgid(b.nr)).toBe(b.nr);
    sys.setpgid(c.nr, b.nr);
    expect(b.pid.groupMembers()).toEqual([b, c]);
    expect(kernel.sys(c).getpgrp()).toBe(b.nr);
    sys.setpgid(b.nr, sys.getpgrp());
    expect(a.signal.pgrp.groupMembers()).toContain(b);
  });

  it("checks in Linux's order", () => {
    const { kernel, k, sys, fork } = machine();
    k.programs.add(pause);
    const b = fork();
    sys.setpgid(b.nr, 0);
    expect(() => sys.setpgid(1, 0)).toThrow("ESRCH");
    expect(() => sys.setpgid(9999, 0)).toThrow("ESRCH");
    expect(() => sys.setpgid(0, -1)).toThrow("EINVAL");
    expect(() => sys.setpgid(b.nr, 9999)).toThrow("EPERM");
    const s = fork();
    kernel.sys(s).setsid();
    expect(() => kernel.sys(s).setpgid(0, 0)).toThrow("EPERM");
    expect(() => sys.setpgid(s.nr, s.nr)).toThrow("EPERM");
    const c = fork();
    kernel.call(c).execve("pause", []);
    expect(() => sys.setpgid(c.nr, 0)).toThrow("EACCES");
    const grandchild = fork(b);
    expect(() => sys.setpgid(grandchild.nr, 0)).toThrow("ESRCH");
    const tid = kernel.sys(b).clone(0x10900);
    expect(() => kernel.sys(b).setpgid(tid, 0)).toThrow("EINVAL");
  });
});

describe("setsid", () => {
  it("makes the caller leader of a new session and group, unless he leads a group", () => {
    const { kernel, a, sys, fork } = machine();
    const b = fork();
    expect(kernel.sys(b).setsid()).toBe(b.nr);
    expect([sys.getsid(b.nr), sys.getpgid(b.nr)]).toEqual([b.nr, b.nr]);
    expect(b.signal.sessionLeader).toBe(true);
    expect(() => kernel.sys(b).setsid()).toThrow("EPERM");
    sys.setpgid(0, 0);
    expect(() => sys.setsid()).toThrow("EPERM");
    expect(() => sys.getsid(9999)).toThrow("ESRCH");
    expect(sys.getsid(0)).toBe(1);
    expect(a.signal.session.sessionRefs).toBe(2);
  });

  it("is EPERM while a group has the caller's number, even if he left it", () => {
    const { kernel, sys, fork } = machine();
    const b = fork();
    sys.setpgid(b.nr, 0);
    fork(b);
    kernel.sys(b).setpgid(0, sys.getpgrp());
    expect(() => kernel.sys(b).setsid()).toThrow("EPERM");
  });

  it("kernel threads are in group and session 0", () => {
    const { kernel, sys } = machine();
    const t = kernel.kthread({ name: "nop", step: (c) => c.sleep(null) }, "nop", null);
    expect([sys.getpgid(t.nr), sys.getsid(t.nr), sys.getsid(2)]).toEqual([0, 0, 0]);
    expect([sys.getpgid(1), sys.getsid(1)]).toEqual([1, 1]);
  });
});

import { describe, expect, it } from "vitest";
import { CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from "../abi/sched.js";
import {
  CLD_CONTINUED,
  CLD_EXITED,
  CLD_KILLED,
  CLD_STOPPED,
  SIGCONT,
  SIGSTOP,
  SIGTERM,
  SIGUSR1,
} from "../abi/signal.js";
import {
  __WALL,
  __WCLONE,
  __WNOTHREAD,
  P_ALL,
  P_PGID,
  P_PID,
  P_PIDFD,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WSTOPPED,
  WUNTRACED,
} from "../abi/wait.js";
import { createMachine } from "../kernel/createKernel.js";
import { program } from "../kernel/program.js";
import type { BareSys } from "../sys/bareSys.js";
import type { Program } from "../sys/types.js";
import type { Task } from "./task.js";

function machine() {
  const kernel = createMachine().boot();
  const a = kernel.tasks.forkDriven();
  const of = (pid: number): Task => kernel.tasks.find(pid) as Task;
  const fork = (t: Task): Task => of(kernel.sys(t).fork());
  return { kernel, a, sys: kernel.sys(a), of, fork };
}
const burn = program("burn", function* (sys: Program<BareSys>, s: { ns: number }) {
  yield* sys.compute(s.ns);
  return 1;
});

describe("wait4", () => {
  it("is ECHILD without a child, for a stranger and for a grandchild; 0 with WNOHANG while it lives", () => {
    const { kernel, a, sys, fork } = machine();
    expect(() => sys.wait4(-1)).toThrow("ECHILD");
    const b = fork(a);
    const c = fork(b);
    expect(sys.wait4(-1, WNOHANG)).toEqual({ pid: 0, status: 0, rusage: null });
    expect(() => sys.wait4(1)).toThrow("ECHILD");
    expect(() => sys.wait4(c.nr, WNOHANG)).toThrow("ECHILD");
    expect(() => sys.wait4(b.nr, 256)).toThrow("EINVAL");
    expect(() => sys.wait4(-2147483648)).toThrow("ESRCH");
    kernel.sys(b).exit(0);
    expect(sys.wait4(-1).pid).toBe(b.nr);
  });

  it("reaps in order of birth, whatever the order of death", () => {
    const { kernel, a, sys, fork } = machine();
    const [b, c, d] = [fork(a), fork(a), fork(a)];
    for (const t of [d, c, b]) kernel.sys(t).exit(0);
    expect([sys.wait4(-1).pid, sys.wait4(-1).pid, sys.wait4(-1).pid]).toEqual([b.nr, c.nr, d.nr]);
  });

  it("sleeps until a child ends, and any thread of the process may wait", () => {
    const { kernel, a, sys, of, fork } = machine();
    const b = fork(a);
    const t = of(sys.clone(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD));
    const w = kernel.call(t).wait4(-1);
    expect(w.done).toBe(false);
    kernel.sys(b).exit(6);
    kernel.run("1ms");
    expect(w.value).toMatchObject({ pid: b.nr, status: 6 << 8 });
  });

  it("with __WNOTHREAD does not see the children of other threads", () => {
    const { kernel, a, sys, of } = machine();
    const t = of(sys.clone(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD));
    const c = of(kernel.sys(t).fork());
    expect(() => sys.wait4(-1, __WNOTHREAD)).toThrow("ECHILD");
    kernel.sys(c).exit(0);
    expect(kernel.sys(t).wait4(-1, __WNOTHREAD).pid).toBe(c.nr);
    expect(a.signal.childHead).toBeNull();
  });

  it("asks for children without SIGCHLD by __WCLONE or __WALL only", () => {
    const { kernel, sys, of } = machine();
    const pid = sys.clone(SIGUSR1);
    kernel.sys(of(pid)).exit(2);
    kernel.run("1ms"); // SIGUSR1's default ends the parent, so:
    expect(kernel.tasks.find(300)?.exitCode ?? SIGUSR1).toBe(SIGUSR1);
    const b = kernel.tasks.forkDriven();
    const q = of(kernel.sys(b).clone(0));
    kernel.sys(q).exit(2);
    expect(() => kernel.sys(b).wait4(q.nr)).toThrow("ECHILD");
    expect(() => kernel.sys(b).wait4(-1)).toThrow("ECHILD");
    expect(kernel.sys(b).wait4(-1, __WCLONE | WNOHANG).pid).toBe(q.nr);
    const r = of(kernel.sys(b).clone(0));
    kernel.sys(r).exit(2);
    expect(kernel.sys(b).wait4(-1, __WALL).pid).toBe(r.nr);
  });

  it("names groups: 0 is the caller's, negative another", () => {
    const { kernel, a, sys, fork } = machine();
    sys.setpgid(0, 0);
    const b = fork(a);
    const c = fork(a);
    sys.setpgid(c.nr, 0);
    kernel.sys(c).exit(2);
    expect(sys.wait4(0, WNOHANG).pid).toBe(0);
    expect(sys.wait4(-c.nr).pid).toBe(c.nr);
    expect(() => sys.wait4(-c.nr)).toThrow("ECHILD");
    kernel.sys(b).exit(1);
    expect(sys.wait4(0).pid).toBe(b.nr);
  });

  it("reports a stop and a continuation once each, if asked", () => {
    const { kernel, a, sys, fork } = machine();
    const b = fork(a);
    sys.kill(b.nr, SIGSTOP);
    kernel.run("1ms");
    expect(sys.wait4(b.nr, WNOHANG).pid).toBe(0);
    expect(sys.wait4(b.nr, WUNTRACED | WNOHANG)).toMatchObject({ pid: b.nr, status: (SIGSTOP << 8) | 0x7f });
    expect(sys.wait4(b.nr, WUNTRACED | WNOHANG).pid).toBe(0);
    sys.kill(b.nr, SIGCONT);
    kernel.run("1ms");
    expect(sys.wait4(b.nr, WCONTINUED | WNOHANG)).toMatchObject({ pid: b.nr, status: 0xffff });
    expect(sys.wait4(b.nr, WCONTINUED | WNOHANG).pid).toBe(0);
  });

  it("wakes up for a stop that happens while it sleeps", () => {
    const { kernel, a, sys, fork } = machine();
    const killer = fork(a);
    const b = fork(a);
    const w = kernel.call(a).wait4(b.nr, WUNTRACED);
    kernel.sys(killer).kill(b.nr, SIGSTOP);
    kernel.run("1ms");
    expect(w.value).toMatchObject({ pid: b.nr });
    expect(sys.wait4(b.nr, WUNTRACED | WNOHANG).pid).toBe(0);
  });

  it("tells what a child used, which getrusage(RUSAGE_CHILDREN) then counts", () => {
    const { kernel, a, sys } = machine();
    const pid = kernel.sys(a).fork(burn, { ns: 5_000_000 });
    const w = sys.wait4(pid, 0, true);
    expect(w.rusage?.utimeNs).toBe(5_000_000);
    expect(sys.getrusage(-1).utimeNs).toBe(5_000_000);
    expect(sys.getrusage(0).utimeNs).toBe(0);
    expect(sys.times().cutime).toBe(0);
    sys.wait4(kernel.sys(a).fork(burn, { ns: 15_000_000 }));
    expect(sys.times().cutime).toBe(2);
  });
});

describe("waitid", () => {
  it("checks options, then the id type, then the id", () => {
    const { a, sys, fork } = machine();
    const b = fork(a);
    expect(() => sys.waitid(P_PID, b.nr, 0)).toThrow("EINVAL");
    expect(() => sys.waitid(P_PID, b.nr, WEXITED | 0x100)).toThrow("EINVAL");
    expect(() => sys.waitid(7, b.nr, WEXITED)).toThrow("EINVAL");
    expect(() => sys.waitid(P_PID, 0, WEXITED)).toThrow("EINVAL");
    expect(() => sys.waitid(P_PGID, -1, WEXITED)).toThrow("EINVAL");
    expect(() => sys.waitid(P_PIDFD, -1, WEXITED)).toThrow("EINVAL");
    expect(() => sys.waitid(P_PIDFD, 3, WEXITED)).toThrow("EBADF");
  });

  it("gives zeros with WNOHANG, leaves the zombie with WNOWAIT", () => {
    const { kernel, a, sys, fork } = machine();
    const b = fork(a);
    const none = { signo: 0, errno: 0, code: 0, pid: 0, uid: 0, status: 0 };
    expect(sys.waitid(P_PID, b.nr, WEXITED | WNOHANG)).toEqual(none);
    kernel.sys(b).exit(5);
    const info = { signo: 17, errno: 0, code: CLD_EXITED, pid: b.nr, uid: 0, status: 5 };
    expect(sys.waitid(P_PID, b.nr, WEXITED | WNOWAIT)).toEqual(info);
    expect(sys.waitid(P_ALL, 0, WEXITED)).toEqual(info);
    expect(() => sys.waitid(P_ALL, 0, WEXITED)).toThrow("ECHILD");
  });

  it("tells death by signal, stops and continuations by code", () => {
    const { kernel, a, sys, fork } = machine();
    const b = fork(a);
    sys.kill(b.nr, SIGSTOP);
    expect(sys.waitid(P_ALL, 0, WSTOPPED)).toMatchObject({ code: CLD_STOPPED, status: SIGSTOP });
    sys.kill(b.nr, SIGCONT);
    expect(sys.waitid(P_ALL, 0, WCONTINUED)).toMatchObject({ code: CLD_CONTINUED, status: SIGCONT });
    sys.kill(b.nr, SIGTERM);
    expect(sys.waitid(P_ALL, 0, WEXITED)).toMatchObject({ code: CLD_KILLED, status: SIGTERM });
    kernel.run("1ms");
  });

  it("does not count a zombie whose death is not asked for", () => {
    const { kernel, a, sys, fork } = machine();
    const b = fork(a);
    kernel.sys(b).exit(0);
    expect(() => sys.waitid(P_ALL, 0, WSTOPPED)).toThrow("ECHILD");
    expect(() => sys.waitid(P_ALL, 0, WCONTINUED | WNOHANG)).toThrow("ECHILD");
  });
});

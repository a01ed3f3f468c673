import { describe, expect, it } from "vitest";
import { CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from "../abi/sched.js";
import { SA_NOCLDWAIT, SIGCHLD, SIGCONT, SIGHUP, SIGKILL, SIGSTOP, SIGTSTP, SIGUSR1 } from "../abi/signal.js";
import { WNOHANG } from "../abi/wait.js";
import { createMachine } from "../kernel/createKernel.js";
import { TASK_STOPPED, TASK_ZOMBIE, type Task } from "./task.js";

function machine() {
  const kernel = createMachine().boot();
  const a = kernel.tasks.forkDriven();
  const of = (pid: number): Task => kernel.tasks.find(pid) as Task;
  const fork = (t: Task): Task => of(kernel.sys(t).fork());
  return { kernel, k: kernel.core, a, sys: kernel.sys(a), of, fork };
}
const THREAD = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
const SUBREAPER = 36;
const PDEATHSIG = 1;

describe("exit", () => {
  it("keeps the low eight bits of the code", () => {
    const { kernel, a, sys, fork } = machine();
    for (const [code, status] of [
      [300, 44],
      [-1, 255],
      [0, 0],
    ]) {
      kernel.sys(fork(a)).exit_group(code);
      expect(sys.wait4(-1).status).toBe(status << 8);
    }
  });

  it("leaves a zombie that keeps its pid until it is waited for", () => {
    const { kernel, a, sys, fork } = machine();
    const b = fork(a);
    kernel.sys(b).exit(1);
    expect(b.state).toBe(TASK_ZOMBIE);
    expect(sys.kill(b.nr, 0)).toBe(0);
    expect(sys.kill(b.nr, SIGKILL)).toBe(0);
    expect(sys.wait4(b.nr).status).toBe(1 << 8);
    expect(() => sys.kill(b.nr, 0)).toThrow("ESRCH");
    expect(() => kernel.sys(b).getpid()).toThrow("is dead");
  });

  it("of one thread leaves the process; its leader is a zombie until the last thread has gone", () => {
    const { kernel, a, sys, of, fork } = machine();
    const b = fork(a);
    const t = of(kernel.sys(b).clone(THREAD));
    kernel.sys(b).exit(5);
    expect(b.state).toBe(TASK_ZOMBIE);
    expect(sys.wait4(-1, WNOHANG).pid).toBe(0);
    kernel.sys(t).exit(9);
    // the status is the leader's own
    expect(sys.wait4(-1)).toMatchObject({ pid: b.nr, status: 5 << 8 });
  });

  it("exit_group by any thread ends all of them with its code", () => {
    const { kernel, a, sys, of, fork } = machine();
    const b = fork(a);
    const t1 = of(kernel.sys(b).clone(THREAD));
    const t2 = of(kernel.sys(b).clone(THREAD));
    kernel.sys(t1).exit_group(7);
    expect(sys.wait4(b.nr).status).toBe(7 << 8);
    expect([b, t1, t2].map((t) => kernel.tasks.find(t.nr))).toEqual([null, null, null]);
  });

  it("of the machine's init is a panic", () => {
    const { kernel } = machine();
    expect(() => kernel.sys(kernel.init).exit(3)).toThrow("Attempted to kill init! exitcode=0x00000300");
  });
});

describe("orphans", () => {
  it("go to the nearest living child subreaper, and from it to the next one up", () => {
    const { kernel, a, fork } = machine();
    const s1 = fork(a);
    kernel.sys(s1).prctl(SUBREAPER, 1);
    const s2 = fork(s1);
    const p = fork(s2);
    const c = fork(p);
    kernel.sys(s2).prctl(SUBREAPER, 7); // after the descendants were born
    kernel.sys(p).exit(0);
    expect(kernel.sys(c).getppid()).toBe(s2.nr);
    kernel.sys(s2).exit(0);
    expect(kernel.sys(c).getppid()).toBe(s1.nr);
    kernel.sys(c).exit(9);
    expect(kernel.sys(s1).wait4(c.nr).status).toBe(9 << 8);
  });

  it("go to init if there is no subreaper, who reaps them by itself", () => {
    const { kernel, a, fork } = machine();
    const p = fork(a);
    const c = fork(p);
    const dead = fork(p);
    kernel.sys(dead).exit(0);
    kernel.sys(p).exit(0);
    expect(kernel.sys(c).getppid()).toBe(1);
    expect(kernel.tasks.find(dead.nr)).toBeNull();
    kernel.sys(c).exit(0);
    expect(kernel.tasks.find(c.nr)).toBeNull();
  });

  it("of init's own making are for init to wait for", () => {
    const { kernel } = machine();
    const b = kernel.tasks.forkDriven();
    kernel.sys(b).exit(2);
    expect(kernel.sys(kernel.init).wait4(b.nr).status).toBe(2 << 8);
  });

  it("that are dead already can be waited for by who adopts them", () => {
    const { kernel, a, fork } = machine();
    const s = fork(a);
    kernel.sys(s).prctl(SUBREAPER, 1);
    const p = fork(s);
    const c = fork(p);
    kernel.sys(c).exit(11);
    kernel.sys(p).exit(0);
    expect(kernel.sys(s).wait4(c.nr).status).toBe(11 << 8);
    expect(kernel.sys(s).wait4(p.nr).status).toBe(0);
  });

  it("of a thread go to another thread of its process", () => {
    const { kernel, a, sys, of } = machine();
    const t = of(sys.clone(THREAD));
    const c = of(kernel.sys(t).fork());
    kernel.sys(t).exit(0);
    expect(c.parent).toBe(a);
    expect(kernel.sys(c).getppid()).toBe(a.nr);
    kernel.sys(c).exit(1);
    expect(sys.wait4(-1).pid).toBe(c.nr);
  });

  it("get the signal they asked for with PR_SET_PDEATHSIG", () => {
    const { kernel, a, fork } = machine();
    const p = fork(a);
    const b = fork(p);
    kernel.sys(b).rt_sigaction(SIGUSR1, { handler: 4096 });
    kernel.sys(b).prctl(PDEATHSIG, SIGUSR1);
    const c = fork(b);
    expect(kernel.sys(c).prctl(2)).toBe(0);
    kernel.sys(p).exit(0);
    kernel.run("1ms");
    expect(b.caught[SIGUSR1]).toBe(1);
  });
});

describe("SIGCHLD", () => {
  it("ignored: children leave no zombie, and wait blocks until the last is gone", () => {
    const { kernel, a, sys, fork } = machine();
    sys.rt_sigaction(SIGCHLD, { handler: 1 });
    const b = fork(a);
    const c = fork(a);
    kernel.sys(b).exit(3);
    expect(kernel.tasks.find(b.nr)).toBeNull();
    const w = kernel.call(a).wait4(-1);
    kernel.run("1ms");
    expect(w.done).toBe(false);
    kernel.sys(c).exit(4);
    kernel.run("1ms");
    expect(w.error).toMatchObject({ code: "ECHILD" });
  });

  it("with SA_NOCLDWAIT leaves no zombie, but is sent", () => {
    const { kernel, a, sys, fork } = machine();
    sys.rt_sigaction(SIGCHLD, { handler: 4096, flags: SA_NOCLDWAIT });
    const b = fork(a);
    kernel.sys(b).exit(3);
    kernel.run("1ms");
    expect(kernel.tasks.find(b.nr)).toBeNull();
    expect(a.caught[SIGCHLD]).toBe(1);
  });

  it("tells who died and how", () => {
    const { kernel, a, sys, fork } = machine();
    sys.rt_sigprocmask(0, [SIGCHLD]);
    const b = fork(a);
    kernel.sys(b).setresuid(77, 77, 77);
    kernel.sys(b).exit(9);
    expect(sys.rt_sigtimedwait([SIGCHLD])).toEqual({
      signo: SIGCHLD,
      code: 1,
      pid: b.nr,
      uid: 77,
      status: 9,
      addr: 0,
      value: 0,
    });
  });
});

describe("orphaned process groups", () => {
  it("with a stopped member are hung up and continued when the last parent outside exits", () => {
    const { kernel, a, fork } = machine();
    // a session: its leader, a job control shell, and a job in a group of its own
    const shell = fork(a);
    kernel.sys(shell).setsid();
    const job = fork(shell);
    kernel.sys(job).setpgid(0, 0);
    kernel.sys(job).rt_sigaction(SIGHUP, { handler: 4096 });
    kernel.sys(shell).kill(job.nr, SIGSTOP);
    kernel.run("1ms");
    expect(job.state).toBe(TASK_STOPPED);
    kernel.sys(shell).exit(0);
    kernel.run("1ms");
    expect(job.state).not.toBe(TASK_STOPPED);
    expect(job.caught[SIGHUP]).toBe(1);
  });

  it("do not stop by SIGTSTP, but by SIGSTOP", () => {
    const { kernel, a, fork } = machine();
    const leader = fork(a);
    kernel.sys(leader).setsid();
    const b = fork(leader);
    kernel.sys(a).kill(b.nr, SIGTSTP);
    kernel.run("1ms");
    expect(b.state).not.toBe(TASK_STOPPED);
    kernel.sys(a).kill(b.nr, SIGSTOP);
    kernel.run("1ms");
    expect(b.state).toBe(TASK_STOPPED);
    kernel.sys(a).kill(b.nr, SIGCONT);
    kernel.run("1ms");
    expect(b.state).not.toBe(TASK_STOPPED);
  });
});

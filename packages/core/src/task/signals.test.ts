import { describe, expect, it } from "vitest";
import { RLIMIT_SIGPENDING } from "../abi/resource.js";
import { CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from "../abi/sched.js";
import {
  SA_RESETHAND,
  SA_RESTART,
  SI_QUEUE,
  SI_TKILL,
  SIG_BLOCK,
  SIG_DFL,
  SIG_IGN,
  SIG_SETMASK,
  SIG_UNBLOCK,
  SIGCONT,
  SIGHUP,
  SIGKILL,
  SIGRTMIN,
  SIGSEGV,
  SIGSTOP,
  SIGTERM,
  SIGUSR1,
  SIGUSR2,
  SIGWINCH,
} from "../abi/signal.js";
import { signalMachine as machine } from "../testing/signalMachine.js";

const COUNT = 4096;

describe("kill", () => {
  it("looks for the process first, then at the signal, then at the permission", () => {
    const { kernel, a, sys, fork, user } = machine();
    const b = fork(a);
    expect(() => sys.kill(b.nr, 65)).toThrow("EINVAL");
    expect(() => sys.kill(b.nr, -1)).toThrow("EINVAL");
    expect(() => sys.kill(9999, 65)).toThrow("ESRCH");
    const u = kernel.sys(user(1000));
    const v = user(1001);
    expect(() => u.kill(v.nr, 0)).toThrow("EPERM");
    expect(() => u.kill(v.nr, 65)).toThrow("EINVAL");
    expect(sys.kill(v.nr, 0)).toBe(0);
  });

  it("compares the sender's real or effective uid with the target's real or saved one", () => {
    const { kernel, a, fork, user } = machine();
    const u = user(1000);
    const v = user(1001);
    const x = fork(a);
    kernel.sys(x).setresuid(1001, 1000, 1000);
    for (const t of [u, v]) {
      expect(kernel.sys(x).kill(t.nr, 0)).toBe(0);
      expect(kernel.sys(t).kill(x.nr, 0)).toBe(0);
    }
  });

  it("lets SIGCONT pass within a session", () => {
    const { kernel, user } = machine();
    const u = user(1000);
    const v = user(1001);
    expect(kernel.sys(u).kill(v.nr, SIGCONT)).toBe(0);
    kernel.sys(u).setsid();
    expect(() => kernel.sys(u).kill(v.nr, SIGCONT)).toThrow("EPERM");
    expect(() => kernel.sys(v).kill(u.nr, SIGHUP)).toThrow("EPERM");
  });

  it("with pid 0 reaches the caller's group, with -1 everybody but init and himself, with -pid a group", () => {
    const { kernel, a, sys, fork } = machine();
    sys.setpgid(0, 0);
    const b = fork(a);
    const c = fork(a);
    kernel.sys(c).setpgid(0, 0);
    for (const t of [a, b, c, kernel.init]) kernel.sys(t).rt_sigaction(SIGUSR1, { handler: COUNT });
    sys.kill(0, SIGUSR1);
    kernel.run("1ms");
    expect([a, b, c].map((t) => t.caught[SIGUSR1] ?? 0)).toEqual([1, 1, 0]);
    sys.kill(-c.nr, SIGUSR1);
    kernel.run("1ms");
    sys.kill(-1, SIGUSR1);
    kernel.run("1ms");
    expect([a, b, c, kernel.init].map((t) => t.caught[SIGUSR1] ?? 0)).toEqual([1, 2, 2, 0]);
    expect(() => sys.kill(-9999, SIGUSR1)).toThrow("ESRCH");
  });

  it("finds a process by the id of any of its threads; tgkill and tkill reach the thread alone", () => {
    const { kernel, sys, of } = machine();
    const tid = sys.clone(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD);
    expect(sys.kill(tid, 0)).toBe(0);
    expect(sys.tgkill(sys.getpid(), tid, 0)).toBe(0);
    expect(() => sys.tgkill(1, tid, 0)).toThrow("ESRCH");
    expect(() => sys.tgkill(0, tid, 0)).toThrow("EINVAL");
    expect(() => sys.tkill(-5, 0)).toThrow("EINVAL");
    sys.rt_sigaction(SIGUSR1, { handler: COUNT });
    sys.tkill(tid, SIGUSR1);
    kernel.run("1ms");
    expect(of(tid).caught[SIGUSR1]).toBe(1);
  });

  it("gives a process's signal to a thread that does not block it", () => {
    const { kernel, a, sys, of } = machine();
    const tid = sys.clone(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD);
    sys.rt_sigaction(SIGUSR1, { handler: COUNT });
    sys.rt_sigprocmask(SIG_BLOCK, [SIGUSR1]);
    kernel.sys(kernel.init).kill(a.nr, SIGUSR1);
    kernel.run("1ms");
    expect(of(tid).caught[SIGUSR1]).toBe(1);
    expect(sys.rt_sigpending()).toEqual([]);
  });
});

describe("a pending signal", () => {
  it("of the standard kind is there once, a real-time one as often as it was sent, in order of sending", () => {
    const { a, sys } = machine();
    const me = sys.getpid();
    sys.rt_sigprocmask(SIG_BLOCK, [SIGUSR1, 40]);
    for (const value of [1, 2, 3]) {
      sys.rt_sigqueueinfo(me, SIGUSR1, { value });
      sys.rt_sigqueueinfo(me, 40, { value });
    }
    expect(sys.rt_sigpending()).toEqual([SIGUSR1, 40]);
    const take = (): number => {
      const i = sys.rt_sigtimedwait([SIGUSR1, 40], { sec: 0, nsec: 0 });
      return i.signo * 10 + i.value;
    };
    expect([take(), take(), take(), take()]).toEqual([101, 401, 402, 403]);
    expect(take).toThrow("EAGAIN");
    expect(a.user.sigpending).toBe(0);
  });

  it("beyond RLIMIT_SIGPENDING is EAGAIN if it carries a value; kill and standard signals always pass", () => {
    const { sys } = machine();
    const me = sys.getpid();
    sys.setrlimit(RLIMIT_SIGPENDING, { cur: 1, max: 1 });
    sys.rt_sigprocmask(SIG_BLOCK, [40, 41, SIGUSR1]);
    sys.rt_sigqueueinfo(me, 40, { value: 1 });
    expect(() => sys.rt_sigqueueinfo(me, 40, { value: 2 })).toThrow("EAGAIN");
    sys.kill(me, 41);
    sys.kill(me, SIGUSR1);
    expect(sys.rt_sigpending()).toEqual([SIGUSR1, 40, 41]);
  });

  it("is dropped at once if it is ignored and not blocked, and when it is set to ignore", () => {
    const { kernel, a, sys, fork } = machine();
    const b = fork(a);
    const bs = kernel.sys(b);
    bs.rt_sigaction(SIGUSR1, { handler: SIG_IGN });
    sys.kill(b.nr, SIGUSR1);
    expect(b.signal.pending.set.lo).toBe(0);
    bs.rt_sigprocmask(SIG_BLOCK, [SIGUSR1, SIGWINCH]);
    sys.kill(b.nr, SIGUSR1);
    sys.kill(b.nr, SIGWINCH);
    expect(bs.rt_sigpending()).toEqual([SIGUSR1, SIGWINCH]);
    bs.rt_sigaction(SIGUSR1, { handler: SIG_IGN });
    bs.rt_sigaction(SIGWINCH, { handler: SIG_DFL });
    expect(bs.rt_sigpending()).toEqual([]);
  });

  it("arrives when it is unblocked, lowest number first", () => {
    const { kernel, a, sys } = machine();
    sys.rt_sigaction(SIGUSR1, { handler: COUNT });
    sys.rt_sigprocmask(SIG_SETMASK, [SIGUSR1, SIGKILL, SIGSTOP]);
    expect(sys.rt_sigprocmask(SIG_BLOCK)).toEqual([SIGUSR1]);
    sys.kill(a.nr, SIGUSR1);
    expect(a.caught[SIGUSR1]).toBeUndefined();
    sys.rt_sigprocmask(SIG_UNBLOCK, [SIGUSR1]);
    expect(a.caught[SIGUSR1]).toBe(1);
    expect(() => sys.rt_sigprocmask(3, [])).toThrow("EINVAL");
    expect(kernel.now).toBe(0);
  });
});

describe("sigaction", () => {
  it("refuses SIGKILL and SIGSTOP and numbers outside 1..64, but tells their action", () => {
    const { sys } = machine();
    expect(() => sys.rt_sigaction(SIGKILL, { handler: COUNT })).toThrow("EINVAL");
    expect(() => sys.rt_sigaction(SIGSTOP, { handler: SIG_IGN })).toThrow("EINVAL");
    expect(() => sys.rt_sigaction(0)).toThrow("EINVAL");
    expect(() => sys.rt_sigaction(65)).toThrow("EINVAL");
    expect(sys.rt_sigaction(SIGKILL)).toEqual({ handler: 0, flags: 0, mask: [] });
  });

  it("returns the old action; SIGKILL and SIGSTOP are not in the mask", () => {
    const { sys } = machine();
    sys.rt_sigaction(SIGUSR1, { handler: COUNT, flags: SA_RESTART, mask: [SIGKILL, SIGUSR2, 64] });
    expect(sys.rt_sigaction(SIGUSR1, { handler: SIG_DFL })).toEqual({
      handler: COUNT,
      flags: SA_RESTART,
      mask: [SIGUSR2, 64],
    });
  });

  it("with SA_RESETHAND is good for one signal", () => {
    const { kernel, a, sys } = machine();
    sys.rt_sigaction(SIGUSR1, { handler: COUNT, flags: SA_RESETHAND });
    sys.kill(a.nr, SIGUSR1);
    expect(a.caught[SIGUSR1]).toBe(1);
    expect(sys.rt_sigaction(SIGUSR1).handler).toBe(SIG_DFL);
    const p = kernel.call(a).kill(a.nr, SIGUSR1);
    expect(p.done).toBe(true);
    expect(a.exitCode).toBe(SIGUSR1);
  });
});

describe("a default action", () => {
  it("ends the process and tells the signal", () => {
    const { kernel, a, sys, fork } = machine();
    for (const sig of [SIGTERM, SIGSEGV, SIGRTMIN, SIGKILL]) {
      const b = fork(a);
      sys.kill(b.nr, sig);
      expect(sys.wait4(b.nr).status).toBe(sig);
    }
    expect(kernel.tasks.all().length).toBe(3);
  });

  it("ends all threads", () => {
    const { kernel, a, sys, of, fork } = machine();
    const b = fork(a);
    const t = of(kernel.sys(b).clone(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD));
    const w = kernel.call(t).pause();
    sys.kill(b.nr, SIGTERM);
    expect(sys.wait4(b.nr).status).toBe(SIGTERM);
    expect(w.done).toBe(true);
    expect(kernel.tasks.find(t.nr)).toBeNull();
  });

  it("is nothing for init, from inside", () => {
    const { kernel, sys } = machine();
    for (const sig of [SIGTERM, SIGKILL, SIGSTOP, SIGSEGV]) expect(sys.kill(1, sig)).toBe(0);
    kernel.run("1ms");
    expect(kernel.sys(kernel.init).getpid()).toBe(1);
  });

  it("is nothing for kernel threads", () => {
    const { kernel, k, sys } = machine();
    const t = kernel.kthread({ name: "nop", step: (c) => c.sleep(null) }, "nop", null);
    kernel.run("1ms");
    for (const sig of [SIGKILL, SIGSTOP, SIGTERM]) sys.kill(t.nr, sig);
    kernel.run("1ms");
    expect(kernel.tasks.find(t.nr)).toBe(t);
    expect(t.signal.pending.set.lo | t.pending.set.lo).toBe(0);
    expect(k.tasks.kthreadd.signal.groupExit).toBe(false);
  });
});

describe("rt_sigqueueinfo", () => {
  it("lets nobody pretend to be the kernel or kill, but to himself", () => {
    const { a, sys, fork } = machine();
    const b = fork(a);
    expect(() => sys.rt_sigqueueinfo(b.nr, SIGUSR1, { code: 0 })).toThrow("EPERM");
    expect(() => sys.rt_sigqueueinfo(b.nr, SIGUSR1, { code: SI_TKILL })).toThrow("EPERM");
    expect(() => sys.rt_sigqueueinfo(9999, SIGUSR1, { code: SI_QUEUE })).toThrow("ESRCH");
    sys.rt_sigprocmask(SIG_BLOCK, [SIGUSR1]);
    sys.rt_sigqueueinfo(a.nr, SIGUSR1, { code: 5, value: 6 });
    expect(sys.rt_sigtimedwait([SIGUSR1])).toMatchObject({ code: 5, value: 6 });
  });
});

describe("a forced signal", () => {
  it("ends the process even if it is blocked or ignored", () => {
    const { kernel, k, a, sys, fork } = machine();
    const b = fork(a);
    kernel.sys(b).rt_sigaction(SIGSEGV, { handler: SIG_IGN });
    kernel.sys(b).rt_sigprocmask(SIG_BLOCK, [SIGSEGV]);
    k.signals.force(b, SIGSEGV, 1, 0x1000);
    expect(sys.wait4(b.nr).status).toBe(SIGSEGV);
  });
});

import { describe, expect, it } from "vitest";
import { KernelError } from "../abi/errors.js";
import { CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from "../abi/sched.js";
import {
  SA_NODEFER,
  SA_RESTART,
  SI_TKILL,
  SI_USER,
  SIG_BLOCK,
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGSTOP,
  SIGTERM,
  SIGUSR1,
  SIGUSR2,
  SIGWINCH,
} from "../abi/signal.js";
import { program } from "../kernel/program.js";
import type { BareSys } from "../sys/bareSys.js";
import type { Siginfo } from "../sys/signalSys.js";
import type { Program } from "../sys/types.js";
import { signalMachine as machine } from "../testing/signalMachine.js";
import { TASK_STOPPED } from "./task.js";

type Sys = Program<BareSys>;
const COUNT = 4096;

describe("job control", () => {
  it("keeps signals pending for a stopped process, and SIGKILL ends it at once", () => {
    const { kernel, a, sys, fork } = machine();
    const b = fork(a);
    kernel.sys(b).rt_sigaction(SIGUSR1, { handler: COUNT });
    sys.kill(b.nr, SIGSTOP);
    kernel.run("1ms");
    expect(b.state).toBe(TASK_STOPPED);
    sys.kill(b.nr, SIGUSR1);
    kernel.run("1ms");
    expect(b.caught[SIGUSR1]).toBeUndefined();
    sys.kill(b.nr, SIGCONT);
    kernel.run("1ms");
    expect(b.caught[SIGUSR1]).toBe(1);
    sys.kill(b.nr, SIGSTOP);
    kernel.run("1ms");
    sys.kill(b.nr, SIGTERM);
    kernel.run("1ms");
    expect(b.state).toBe(TASK_STOPPED);
    sys.kill(b.nr, SIGKILL);
    expect(sys.wait4(b.nr).status).toBe(SIGKILL);
  });

  it("takes back a stop by SIGCONT even if that is blocked or ignored, and SIGCONT by a stop", () => {
    const { kernel, a, sys, fork } = machine();
    const b = fork(a);
    const bs = kernel.sys(b);
    bs.rt_sigprocmask(SIG_BLOCK, [SIGCONT]);
    sys.kill(b.nr, SIGSTOP);
    kernel.run("1ms");
    expect(b.state).toBe(TASK_STOPPED);
    sys.kill(b.nr, SIGCONT);
    kernel.run("1ms");
    expect(b.state).not.toBe(TASK_STOPPED);
    expect(bs.rt_sigpending()).toEqual([SIGCONT]);
    sys.kill(b.nr, SIGSTOP);
    expect(b.signal.pending.set.has(SIGCONT)).toBe(false);
  });

  it("stops and continues all threads, and interrupts no call that restarts", () => {
    const { kernel, a, sys, of, fork } = machine();
    const b = fork(a);
    const t = of(kernel.sys(b).clone(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD));
    const w = kernel.call(t).pause();
    sys.kill(b.nr, SIGSTOP);
    kernel.run("1ms");
    expect([b.state, t.state]).toEqual([TASK_STOPPED, TASK_STOPPED]);
    sys.kill(b.nr, SIGCONT);
    kernel.run("1ms");
    expect(w.done).toBe(false);
    expect(t.state).not.toBe(TASK_STOPPED);
    expect(kernel.sys(b).getpid()).toBe(b.nr);
  });

  it("a call made while stopped waits for SIGCONT", () => {
    const { kernel, a, sys, fork } = machine();
    const b = fork(a);
    sys.kill(b.nr, SIGSTOP);
    kernel.run("1ms");
    const p = kernel.call(b).getpid();
    kernel.run("1ms");
    expect(p.done).toBe(false);
    sys.kill(b.nr, SIGCONT);
    kernel.run("1ms");
    expect(p.value).toBe(b.nr);
  });

  it("a call made while stopped is not carried out if SIGKILL comes instead", () => {
    const { kernel, k, a, sys, fork } = machine();
    const b = fork(a);
    sys.kill(b.nr, SIGSTOP);
    kernel.run("1ms");
    const p = kernel.call(b).sethostname("never");
    sys.kill(b.nr, SIGKILL);
    kernel.run("1ms");
    expect(p.done).toBe(true);
    expect(k.tasks.uts.nodename).toBe("kernelkit");
  });
});

describe("an interrupted call", () => {
  it("is EINTR after a handler without SA_RESTART, goes on after one with it, and is not disturbed by what is ignored", () => {
    const { kernel, a, sys, fork } = machine();
    const b = fork(a);
    const bs = kernel.sys(b);
    bs.rt_sigaction(SIGUSR1, { handler: COUNT });
    bs.rt_sigaction(SIGUSR2, { handler: COUNT, flags: SA_RESTART });
    kernel.sys(b).fork();
    const w = kernel.call(b).wait4(-1);
    sys.kill(b.nr, SIGWINCH);
    kernel.run("1ms");
    sys.kill(b.nr, SIGUSR2);
    kernel.run("1ms");
    expect(w.done).toBe(false);
    expect(b.caught[SIGUSR2]).toBe(1);
    sys.kill(b.nr, SIGUSR1);
    kernel.run("1ms");
    expect(w.error).toMatchObject({ code: "EINTR" });
  });

  it("pause and sigsuspend end only by a handler, and restore the mask", () => {
    const { kernel, a, sys, fork } = machine();
    const b = fork(a);
    const bs = kernel.sys(b);
    bs.rt_sigaction(SIGUSR1, { handler: COUNT, flags: SA_RESTART });
    bs.rt_sigprocmask(SIG_BLOCK, [SIGUSR1]);
    sys.kill(b.nr, SIGUSR1);
    const w = kernel.call(b).rt_sigsuspend([]);
    kernel.run("1ms");
    expect(w.error).toMatchObject({ code: "EINTR" });
    expect(b.caught[SIGUSR1]).toBe(1);
    expect(bs.rt_sigprocmask(SIG_BLOCK)).toEqual([SIGUSR1]);
    const v = kernel.call(b).rt_sigsuspend([SIGUSR1]);
    sys.kill(b.nr, SIGUSR1);
    sys.kill(b.nr, SIGCHLD);
    kernel.run("1ms");
    expect(v.done).toBe(false);
  });

  it("sigtimedwait takes a blocked signal, times out with EAGAIN, and is EINTR by another's handler", () => {
    const { kernel, a, sys, fork } = machine();
    const b = fork(a);
    const bs = kernel.sys(b);
    bs.rt_sigprocmask(SIG_BLOCK, [SIGUSR1]);
    bs.rt_sigaction(SIGUSR2, { handler: COUNT, flags: SA_RESTART });
    const w = kernel.call(b).rt_sigtimedwait([SIGUSR1]);
    sys.kill(b.nr, SIGUSR1);
    kernel.run("1ms");
    expect(w.value).toMatchObject({ signo: SIGUSR1, pid: a.nr, code: SI_USER });
    expect(bs.rt_sigprocmask(SIG_BLOCK)).toEqual([SIGUSR1]);
    expect(() => bs.rt_sigtimedwait([SIGUSR1], { sec: 0, nsec: 5_000_000 })).toThrow("EAGAIN");
    expect(kernel.now).toBe(6_000_000);
    expect(() => bs.rt_sigtimedwait([SIGUSR1], { sec: 0, nsec: 1e9 })).toThrow("EINVAL");
    const v = kernel.call(b).rt_sigtimedwait([SIGUSR1]);
    sys.kill(b.nr, SIGUSR2);
    kernel.run("1ms");
    expect(v.error).toMatchObject({ code: "EINTR" });
  });
});

const onSignal = program("onSignal", function* (sys: Sys, info: Siginfo) {
  yield* sys.compute(100_000);
  yield* sys.rt_sigqueueinfo(1, 50, { value: info.signo * 1000 + info.code + 500 });
});

describe("a handler that is a program", () => {
  const victim = (flags: number, mask: number[] = []) =>
    program(`victim${flags}${mask}`, function* (sys: Sys, s: { left: number }) {
      yield* sys.rt_sigaction(SIGUSR1, { handler: onSignal, flags, mask });
      yield* sys.rt_sigaction(SIGUSR2, { handler: onSignal, flags, mask });
      try {
        yield* sys.pause();
      } catch (e) {
        if (!(e instanceof KernelError)) throw e;
        return -e.errno;
      }
      return s.left;
    });
  function start(flags: number, mask?: number[]) {
    const m = machine();
    m.kernel.sys(m.kernel.init).rt_sigprocmask(SIG_BLOCK, [50]);
    const t = m.kernel.spawn(victim(flags, mask), { left: 3 }, m.a);
    m.kernel.run("1ms");
    const values = (): number[] => m.kernel.init.signal.pending.queue.map((i) => i.value);
    return { ...m, t, values };
  }

  it("runs with the siginfo, then the call is EINTR", () => {
    const { sys, t, values, kernel } = start(0);
    sys.kill(t.nr, SIGUSR1);
    kernel.run("50us");
    expect(values()).toEqual([]);
    expect(sys.wait4(t.nr).status).toBe(4 << 8);
    expect(values()).toEqual([SIGUSR1 * 1000 + SI_USER + 500]);
  });

  it("blocks its own signal while it runs, and others by its mask", () => {
    const { sys, t, values, kernel } = start(0);
    sys.kill(t.nr, SIGUSR1);
    kernel.run("20us");
    expect(t.blocked.list()).toEqual([SIGUSR1]);
    sys.kill(t.nr, SIGUSR1);
    sys.tkill(t.nr, SIGUSR2);
    // the handler of the other one runs on top of the first
    kernel.run("120us");
    expect(values()).toEqual([SIGUSR2 * 1000 + SI_TKILL + 500]);
    sys.wait4(t.nr);
    expect(values().map((v) => Math.floor(v / 1000))).toEqual([SIGUSR2, SIGUSR1, SIGUSR1]);
  });

  it("is not interrupted by what its mask holds", () => {
    const { sys, t, values, kernel } = start(0, [SIGUSR2]);
    sys.kill(t.nr, SIGUSR1);
    kernel.run("20us");
    sys.kill(t.nr, SIGUSR2);
    sys.wait4(t.nr);
    expect(values().map((v) => Math.floor(v / 1000))).toEqual([SIGUSR1, SIGUSR2]);
  });

  it("with SA_NODEFER may be interrupted by its own signal", () => {
    const { sys, t, kernel } = start(SA_NODEFER);
    sys.kill(t.nr, SIGUSR1);
    kernel.run("20us");
    expect(t.blocked.list()).toEqual([]);
  });

  it("goes on computing what it interrupted for as long as was left", () => {
    const { kernel, k, a, sys } = machine();
    const worker = program("worker", function* (s: Sys, _: object) {
      yield* s.rt_sigaction(SIGUSR1, { handler: onSignal });
      yield* s.compute(10_000_000);
      return 0;
    });
    kernel.sys(kernel.init).rt_sigprocmask(SIG_BLOCK, [50]);
    const t = kernel.spawn(worker, {}, a);
    kernel.run("3ms");
    sys.kill(t.nr, SIGUSR1);
    kernel.run("200us");
    expect(kernel.init.signal.pending.queue.length).toBe(1);
    expect(kernel.tasks.find(t.nr)).toBe(t);
    sys.wait4(t.nr);
    expect(kernel.now).toBeGreaterThan(10_100_000);
    expect(kernel.now).toBeLessThan(10_102_000);
    expect(k.tasks.children(a)).toEqual([]);
  });

  it("SIGKILL ends a long computation at once", () => {
    const { kernel, a, sys } = machine();
    const hog = program("hog", function* (s: Sys, _: object) {
      yield* s.compute(60e9);
    });
    const t = kernel.spawn(hog, {}, a);
    kernel.run("2ms");
    sys.kill(t.nr, SIGKILL);
    expect(sys.wait4(t.nr, 0, true).rusage?.utimeNs).toBe(2_000_000);
    expect(kernel.now).toBe(2_000_000);
  });
});

import { describe, expect, it } from "vitest";
import { CAP_CHOWN, CAP_KILL, CAP_NET_BIND_SERVICE, CAP_SETUID } from "../abi/capability.js";
import { PR_GET_DUMPABLE, PR_GET_KEEPCAPS, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, SECBIT_NOROOT } from "../abi/prctl.js";
import { RLIMIT_STACK } from "../abi/resource.js";
import { CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from "../abi/sched.js";
import { SIG_IGN, SIG_SETMASK, SIGUSR1, SIGUSR2 } from "../abi/signal.js";
import { createMachine } from "../kernel/createKernel.js";
import { program } from "../kernel/program.js";
import type { BareSys } from "../sys/bareSys.js";
import type { Program } from "../sys/types.js";
import { testProgram } from "../testing/testProgram.js";
import { readBinfmt } from "./binfmt.js";
import { CapSet, Cred } from "./cred.js";
import { type ExecFile, execCreds } from "./execCreds.js";
import { parseFileCaps } from "./fileCaps.js";
import type { Task } from "./task.js";
import { UserNamespace } from "./userNamespace.js";

function machine() {
  const kernel = createMachine().boot();
  kernel.core.programs.add(testProgram);
  const a = kernel.tasks.forkDriven();
  const fork = (t: Task = a): Task => kernel.tasks.find(kernel.sys(t).fork()) as Task;
  const sys = kernel.sys(a);
  /** The exit code of the test program with these words, run by `t`. */
  const run = (t: Task, ...words: string[]): number => {
    kernel.call(t).execve("kk-test", ["p", ...words]);
    return sys.wait4(t.nr).status >> 8;
  };
  return { kernel, k: kernel.core, a, sys, fork, run };
}
const THREAD = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;

describe("execve in a machine without files", () => {
  it("runs the program registered under the path", () => {
    const { sys, fork, run } = machine();
    expect(run(fork(), "exit", "7")).toBe(7);
    expect(run(fork(), "argc", "x", "")).toBe(4);
    expect(() => sys.execve("nobody", [])).toThrow("ENOENT");
    expect(() => sys.execve(null as never, [])).toThrow("EFAULT");
  });

  it("does not return: the started call is done without a value, and the task is no longer driven", () => {
    const { kernel, fork } = machine();
    const b = fork();
    const p = kernel.call(b).execve("kk-test", ["p", "pause"]);
    expect(p.done).toBe(true);
    expect(p.value).toBeUndefined();
    expect(b.comm).toBe("kk-test");
    expect(() => kernel.sys(b).getpid()).toThrow("cannot be driven");
  });

  it("gives the arguments to a program, which may become another one", () => {
    const { kernel, sys, fork } = machine();
    const chain = program("chain", function* (s: Program<BareSys>, st: { argv: string[]; envp: string[] }) {
      if (st.argv.length > 1) yield* s.execve("chain", st.argv.slice(1), [...st.envp, st.argv[0]]);
      return st.envp.length * 10 + st.argv.length;
    });
    kernel.core.programs.add(chain);
    const b = fork();
    kernel.call(b).execve("chain", ["a", "b", "c"]);
    expect(sys.wait4(b.nr).status >> 8).toBe(21);
  });

  it("makes an empty argument list one empty argument", () => {
    const { kernel, sys, fork } = machine();
    const b = fork();
    kernel.call(b).execve("kk-test", null);
    expect(sys.wait4(b.nr).status >> 8).toBe(0);
  });

  it("is E2BIG for one argument above 131071 bytes, or all of them above a quarter of the stack", () => {
    const { kernel, sys, fork } = machine();
    const b = kernel.sys(fork());
    expect(() => b.execve("kk-test", ["x".repeat(131072)])).toThrow("E2BIG");
    expect(() => b.execve("kk-test", ["é".repeat(65536)])).toThrow("E2BIG");
    const many = new Array(21).fill("x".repeat(100_000));
    expect(() => b.execve("kk-test", many)).toThrow("E2BIG");
    b.setrlimit(RLIMIT_STACK, { cur: 64 * 1024 * 1024, max: 64 * 1024 * 1024 });
    expect(() => b.execve("kk-test", new Array(63).fill("x".repeat(100_000)))).toThrow("E2BIG");
    const c = fork();
    kernel.call(c).execve("kk-test", many.slice(1).concat(["pause"]));
    expect(c.comm).toBe("kk-test");
    expect(sys.getpid()).toBe(300);
  });

  it("resets handlers, keeps what is ignored and blocked, and pending signals", () => {
    const { kernel, fork, run } = machine();
    const setup = (t: Task): Task => {
      const s = kernel.sys(t);
      s.rt_sigaction(SIGUSR1, { handler: SIG_IGN, flags: 4 });
      s.rt_sigaction(SIGUSR2, { handler: 4096 });
      s.rt_sigprocmask(SIG_SETMASK, [SIGUSR2, 40]);
      s.rt_sigqueueinfo(t.nr, 40, {});
      return t;
    };
    expect(run(setup(fork()), "ignored", String(SIGUSR1))).toBe(1);
    expect(run(setup(fork()), "caught")).toBe(0);
    expect(run(setup(fork()), "blocked", "12")).toBe(1);
    const b = setup(fork());
    kernel.call(b).execve("kk-test", ["p", "pause"]);
    expect(b.signal.pending.set.has(40)).toBe(true);
  });

  it("does not change the actions of a task it shared them with", () => {
    const { kernel, sys, run } = machine();
    sys.rt_sigaction(SIGUSR2, { handler: 4096 });
    const b = kernel.tasks.find(sys.clone(CLONE_VM | CLONE_SIGHAND | 17)) as Task;
    expect(run(b, "caught")).toBe(0);
    expect(sys.rt_sigaction(SIGUSR2).handler).toBe(4096);
  });

  it("clears keepcaps, makes dumpable, or not if effective ids are not the real ones", () => {
    const { kernel, sys, fork, run } = machine();
    const b = fork();
    kernel.sys(b).prctl(PR_SET_DUMPABLE, 0);
    expect(run(b, "dumpable")).toBe(1);
    const c = fork();
    kernel.sys(c).setresuid(-1, 5, -1);
    kernel.sys(c).prctl(PR_SET_DUMPABLE, 1);
    expect(run(c, "dumpable")).toBe(0);
    const d = fork();
    kernel.sys(d).prctl(PR_SET_KEEPCAPS, 1);
    kernel.call(d).execve("kk-test", ["p", "pause"]);
    expect(d.cred.securebits).toBe(0);
    expect([sys.prctl(PR_GET_KEEPCAPS), sys.prctl(PR_GET_DUMPABLE)]).toEqual([0, 1]);
  });

  it("root keeps all capabilities, another user only ambient ones", () => {
    const { kernel, fork, run } = machine();
    expect(run(fork(), "cap", "10")).toBe(1);
    const user = (ambient: boolean): Task => {
      const t = fork();
      const s = kernel.sys(t);
      s.prctl(PR_SET_KEEPCAPS, 1);
      s.setresuid(1000, 1000, 1000);
      const caps = [CAP_NET_BIND_SERVICE];
      s.capset({ effective: caps, permitted: caps, inheritable: caps });
      if (ambient) s.prctl(47, 2, CAP_NET_BIND_SERVICE, 0, 0);
      return t;
    };
    expect(run(user(false), "cap", "10")).toBe(0);
    expect(run(user(true), "cap", "10")).toBe(1);
    expect(run(user(true), "capamb", "10")).toBe(1);
  });

  it("by one of several threads ends the others and takes the leader's pid", () => {
    const { kernel, a, sys, fork } = machine();
    const b = fork();
    const t1 = kernel.tasks.find(kernel.sys(b).clone(THREAD)) as Task;
    const t2 = kernel.tasks.find(kernel.sys(b).clone(THREAD)) as Task;
    const sleeping = kernel.call(t2).pause();
    const tid = t1.nr;
    kernel.call(t1).execve("kk-test", ["p", "pause"]);
    kernel.run("1ms");
    expect(sleeping.done).toBe(true);
    expect(t1.nr).toBe(b.signal.leader.nr);
    expect(kernel.tasks.find(tid)).toBeNull();
    expect(t1.signal.threads).toEqual([t1]);
    expect(kernel.tasks.children(a)).toEqual([t1]);
    expect(t1.pid.tgidOf).toBe(t1);
    sys.kill(t1.nr, 15);
    expect(sys.wait4(-1)).toMatchObject({ pid: t1.nr, status: 15 });
  });

  it("wakes a parent asleep in vfork", () => {
    const { kernel, k, a } = machine();
    const quick = program("quick", function* (s: Program<BareSys>, _: object) {
      yield* s.compute(1000);
      yield* s.execve("kk-test", ["p", "pause"]);
    });
    k.programs.add(quick);
    const p = kernel.call(a).vfork(quick, {});
    expect(p.done).toBe(false);
    kernel.run("1ms");
    expect(p.value).toBe(301);
  });

  it("setuid that exceeds RLIMIT_NPROC is EAGAIN at the next execve", () => {
    const { kernel, fork } = machine();
    const u1 = fork();
    kernel.sys(u1).setresuid(9, 9, 9);
    const u2 = fork();
    kernel.sys(u2).setrlimit(6, { cur: 1, max: 1 });
    kernel.sys(u2).setresuid(9, 9, 9);
    expect(() => kernel.sys(u2).execve("kk-test", [])).toThrow("EAGAIN");
    kernel.sys(u1).exit(0);
    kernel.sys(kernel.init).getpid();
    expect(u2.user.processes).toBe(2); // the zombie still counts
  });
});

describe("what is in a file", () => {
  const read = (s: string) => readBinfmt(new TextEncoder().encode(s).subarray(0, 256));
  it("#!kk NAME is a registered program", () => {
    expect(read("#!kk cat\n")).toEqual({ kind: "program", name: "cat" });
    expect(read("#!kk two words")).toEqual({ kind: "program", name: "two words" });
  });
  it("#! is a script: blanks trimmed, at most one argument, which keeps its blanks", () => {
    expect(read("#! /bin/p argc\n")).toEqual({ kind: "script", interpreter: "/bin/p", arg: "argc" });
    expect(read("#!\t/bin/p  -a  b \t\nrest")).toEqual({ kind: "script", interpreter: "/bin/p", arg: "-a  b" });
    expect(read("#!/bin/p")).toEqual({ kind: "script", interpreter: "/bin/p", arg: null });
    expect(read("#!/kk x")).toEqual({ kind: "script", interpreter: "/kk", arg: "x" });
  });
  it("without a name, empty, or with a name that 256 bytes do not hold it is nothing", () => {
    const none = ["", "#", "#!\n", "#!  \t \n", "hello", `#!/${"x".repeat(300)}\n`, `#!${" ".repeat(300)}/bin/p`];
    expect(none.map(read)).toEqual(none.map(() => null));
    expect(read(`#!/bin/p ${"a".repeat(300)}`)?.kind).toBe("script");
    // cut by the end of the file, not by a newline: an empty name, which Linux takes for the working directory
    for (const s of ["#!", "#!  ", "#!\0\n"]) expect(read(s)).toEqual({ kind: "script", interpreter: "", arg: null });
  });
});

describe("credentials over execve", () => {
  const type = { name: "user", flag: 0, procNames: [], index: -1, order: 0 };
  const init = new UserNamespace(type, 1, 0, null, 0, 0);
  const plain: ExecFile = { mode: 0o755, uid: 0, gid: 0, caps: null, maySuid: true };
  const free = { noNewPrivs: false, sharesFs: false };
  const caps = (...list: number[]) => list.reduce((s, c) => s.with(c), new CapSet());
  const user = (f: (c: Cred) => void = () => {}): Cred => {
    const c = new Cred(init);
    for (const id of ["uid", "euid", "suid", "fsuid"] as const) c[id] = 1000;
    for (const id of ["gid", "egid", "sgid", "fsgid"] as const) c[id] = 1000;
    f(c);
    return c;
  };

  it("a set-user-ID root program gives root's capabilities, and takes ambient ones", () => {
    const old = user((c) => {
      c.permitted = caps(5);
      c.inheritable = caps(5);
      c.ambient = caps(5);
    });
    const { cred, secure } = execCreds(old, { ...plain, mode: 0o4755 }, free);
    expect([cred.uid, cred.euid, cred.suid, cred.fsuid]).toEqual([1000, 0, 0, 0]);
    expect(cred.effective.equals(CapSet.all())).toBe(true);
    expect(cred.ambient.empty).toBe(true);
    expect(secure).toBe(true);
  });

  it("set-id bits do not count on a nosuid mount, under no_new_privs or with a shared root directory", () => {
    const suid = { ...plain, mode: 0o6755, uid: 7, gid: 8 };
    expect(execCreds(user(), suid, free).cred).toMatchObject({ euid: 7, egid: 8, suid: 7, sgid: 8, uid: 1000 });
    for (const [file, unsafe] of [
      [{ ...suid, maySuid: false }, free],
      [suid, { ...free, noNewPrivs: true }],
      [suid, { ...free, sharesFs: true }],
    ] as const)
      expect(execCreds(user(), file, unsafe).cred).toMatchObject({ euid: 1000, egid: 1000 });
    const strong = user((c) => {
      c.permitted = caps(CAP_SETUID);
      c.effective = caps(CAP_SETUID);
    });
    expect(execCreds(strong, suid, { ...free, sharesFs: true }).cred.euid).toBe(7);
    // set-group-ID without group execution is a lock of old, not an identity
    expect(execCreds(user(), { ...suid, mode: 0o2745 }, free).cred.egid).toBe(1000);
  });

  it("file capabilities: permitted within the bounding set, inheritable by intersection, effective all or EPERM", () => {
    const file = (permitted: CapSet, inheritable: CapSet, effective: boolean): ExecFile => ({
      ...plain,
      caps: { permitted, inheritable, effective },
    });
    const inh = user((c) => {
      c.inheritable = caps(CAP_CHOWN, CAP_KILL);
    });
    const r = execCreds(inh, file(caps(CAP_NET_BIND_SERVICE), caps(CAP_KILL), true), free).cred;
    expect(r.permitted.list()).toEqual([CAP_KILL, CAP_NET_BIND_SERVICE]);
    expect(r.effective.equals(r.permitted)).toBe(true);
    expect(execCreds(inh, file(caps(10), caps(), false), free).cred.effective.empty).toBe(true);
    const bounded = user((c) => {
      c.bounding = CapSet.all().without(10);
    });
    expect(() => execCreds(bounded, file(caps(10), caps(), true), free)).toThrow();
    expect(execCreds(bounded, file(caps(10), caps(), false), free).cred.permitted.empty).toBe(true);
    expect(execCreds(user(), file(caps(10), caps(), true), { ...free, noNewPrivs: true }).cred.permitted.empty).toBe(
      true,
    );
  });

  it("SECBIT_NOROOT makes user 0 an ordinary one", () => {
    const c = new Cred(init);
    c.permitted = CapSet.all();
    c.effective = CapSet.all();
    expect(execCreds(c, plain, free).cred.effective.equals(CapSet.all())).toBe(true);
    c.securebits = SECBIT_NOROOT;
    expect(execCreds(c, plain, free).cred.permitted.empty).toBe(true);
  });

  it("the attribute has three revisions; a root id counts only in its own namespaces", () => {
    const le = (...words: number[]): Uint8Array => new Uint8Array(Uint32Array.from(words).buffer);
    expect(parseFileCaps(le(0x02000001, 0x400, 0, 0, 0), init, init)).toMatchObject({
      effective: true,
      permitted: { lo: 0x400, hi: 0 },
      inheritable: { lo: 0, hi: 0 },
    });
    const v2 = parseFileCaps(le(0x02000000, 0x400, 0x20, 1, 0), init, init);
    expect([v2?.permitted.hex(), v2?.inheritable.hex(), v2?.effective]).toEqual([
      "0000000100000400",
      "0000000000000020",
      false,
    ]);
    expect(parseFileCaps(le(0x01000001, 0x400, 0x20), init, init)?.permitted.lo).toBe(0x400);
    expect(parseFileCaps(le(0x03000001, 0x400, 0, 0, 0, 0), init, init)?.permitted.lo).toBe(0x400);
    expect(parseFileCaps(le(0x03000001, 0x400, 0, 0, 0, 1000), init, init)).toBeNull();
    for (const bad of [le(0x02000001, 1), le(0x02000001, 1, 1), le(0x05000001, 1, 1, 1, 1), new Uint8Array(3)])
      expect(parseFileCaps(bad, init, init)).toBeNull();
  });
});

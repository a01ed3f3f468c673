/** Arguments nobody should pass: every call answers with a documented errno or names the misuse, and leaves no trace. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KernelError } from "../abi/errors.js";
import { createMachine } from "../kernel/createKernel.js";
import { pathOfDifference } from "../kernel/stateDiff.js";
import { checkTasks } from "../testing/checkTasks.js";
import { testProgram } from "../testing/testProgram.js";
import { credCalls } from "./credCalls.js";
import { miscCalls } from "./miscCalls.js";
import { processCalls } from "./processCalls.js";
import { schedCalls } from "./schedCalls.js";
import { signalCalls } from "./signalCalls.js";
import { CALL_NONE, PF_SUPERPRIV, TASK_PARKED, type Task } from "./task.js";

const RUNS = Number(process.env.KERNELKIT_PROPERTY_RUNS ?? 200);

/** Every errno a call may answer with, restarts aside; what is not listed may not fail. */
const ERRNO: Record<string, string> = {
  getpgid: "ESRCH",
  getsid: "ESRCH",
  setpgid: "EINVAL ESRCH EPERM EACCES",
  setsid: "EPERM",
  fork: "EAGAIN ENOMEM",
  vfork: "EAGAIN ENOMEM",
  clone: "EINVAL EFAULT EPERM EAGAIN ENOMEM ENOSPC",
  clone3: "EINVAL EPERM EAGAIN ENOMEM EEXIST EMFILE EBADF ENOSPC",
  execve: "EFAULT ENOENT E2BIG EAGAIN",
  execveat: "EFAULT EINVAL ENOENT E2BIG EAGAIN",
  wait4: "EINVAL ESRCH ECHILD",
  waitid: "EINVAL EBADF ECHILD",
  unshare: "EINVAL EPERM",
  setns: "EBADF EINVAL",
  prctl: "EINVAL EPERM",
  getrlimit: "EINVAL",
  setrlimit: "EINVAL EPERM",
  prlimit64: "EINVAL ESRCH EPERM",
  getrusage: "EINVAL",
  kill: "ESRCH EINVAL EPERM",
  tkill: "ESRCH EINVAL EPERM",
  tgkill: "ESRCH EINVAL EPERM",
  pidfd_send_signal: "EINVAL EBADF",
  rt_sigqueueinfo: "EPERM ESRCH EINVAL EAGAIN",
  rt_tgsigqueueinfo: "EINVAL EPERM ESRCH EAGAIN",
  rt_sigaction: "EINVAL",
  rt_sigprocmask: "EINVAL",
  rt_sigtimedwait: "EINVAL EAGAIN",
  sigaltstack: "EINVAL ENOMEM",
  setuid: "EINVAL EPERM",
  setgid: "EINVAL EPERM",
  setreuid: "EINVAL EPERM",
  setregid: "EINVAL EPERM",
  setresuid: "EINVAL EPERM",
  setresgid: "EINVAL EPERM",
  setgroups: "EINVAL EPERM",
  capget: "EINVAL ESRCH",
  capset: "EPERM",
  sched_setscheduler: "EINVAL ESRCH EPERM",
  sched_getscheduler: "EINVAL ESRCH",
  sched_setparam: "EINVAL ESRCH EPERM",
  sched_getparam: "EINVAL ESRCH",
  sched_setattr: "EINVAL ESRCH EPERM",
  sched_getattr: "EINVAL ESRCH",
  sched_get_priority_max: "EINVAL",
  sched_get_priority_min: "EINVAL",
  sched_rr_get_interval: "EINVAL ESRCH",
  sched_setaffinity: "EINVAL ESRCH EPERM",
  sched_getaffinity: "EINVAL ESRCH",
  getpriority: "EINVAL ESRCH",
  setpriority: "EINVAL ESRCH EPERM EACCES",
  sethostname: "EINVAL EPERM",
  setdomainname: "EINVAL EPERM",
  getrandom: "EINVAL EFAULT",
  reboot: "EPERM EINVAL",
};

const CALLS = Object.keys({ ...processCalls, ...signalCalls, ...credCalls, ...schedCalls, ...miscCalls }).filter(
  (n) => n !== "exit" && n !== "exit_group",
);

const numberArb = fc.oneof(
  fc.constantFrom(
    0,
    1,
    2,
    3,
    -1,
    8,
    9,
    17,
    19,
    40,
    64,
    65,
    300,
    301,
    302,
    2147483647,
    -2147483648,
    4294967295,
    2 ** 32,
  ),
  fc.constantFrom(2 ** 40, 2 ** 53, 2 ** 62, 0xfee1dead, 0x28121969, 0x10f00, 0x10000000, 0x40000000),
  fc.constantFrom(Number.NaN, -0, 1.5, Number.POSITIVE_INFINITY, 1e300),
  fc.integer(),
);
const hostileArb: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: numberArb },
  fc.constantFrom<unknown>(
    undefined,
    null,
    "",
    "kk-test",
    "x\0y",
    "é".repeat(40),
    true,
    5n,
    2n ** 64n,
    Symbol.iterator,
    () => 1,
  ),
  fc.array(fc.oneof(numberArb, fc.constantFrom<unknown>(null, "a", {})), { maxLength: 4 }),
  fc.record(
    {
      flags: hostileNumber(),
      exit_signal: hostileNumber(),
      set_tid: fc.array(numberArb, { maxLength: 3 }),
      set_tid_size: hostileNumber(),
      cgroup: hostileNumber(),
      cur: fc.oneof(numberArb, fc.bigInt()),
      max: fc.oneof(numberArb, fc.bigInt()),
      handler: fc.oneof(numberArb, fc.constantFrom<unknown>(null, {}, testProgram)),
      mask: fc.array(numberArb, { maxLength: 3 }),
      effective: fc.array(numberArb, { maxLength: 3 }),
      permitted: fc.array(numberArb, { maxLength: 3 }),
      inheritable: fc.array(numberArb, { maxLength: 3 }),
      sec: numberArb,
      nsec: numberArb,
      policy: hostileNumber(),
      nice: hostileNumber(),
      code: hostileNumber(),
      value: numberArb,
      sp: numberArb,
      size: numberArb,
    },
    { requiredKeys: [] },
  ),
);
function hostileNumber(): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 6, arbitrary: numberArb }, fc.constantFrom<unknown>(undefined, null, "1", {}));
}

function start() {
  const kernel = createMachine({ machine: { cpus: 2 } }).boot();
  kernel.core.programs.add(testProgram);
  const root = kernel.tasks.forkDriven();
  const user = kernel.tasks.forkDriven();
  kernel.sys(user).setresuid(1000, 1000, 1000);
  return { kernel, callers: [root, user] };
}

function settle(t: Task): void {
  t.call = null;
  t.args = [];
  t.result = undefined;
  t.error = 0;
  t.frame = null;
  t.flags &= ~PF_SUPERPRIV;
  t.sighand.shared = true;
}

type Hostile = readonly [call: string, who: number, args: unknown[]];
const callArb: fc.Arbitrary<Hostile> = fc.tuple(
  fc.constantFrom(...CALLS),
  fc.nat(1),
  fc.array(hostileArb, { maxLength: 6 }),
);

describe("hostile arguments", () => {
  it("give a documented errno or a TypeError that names the argument, and change nothing", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(callArb, { maxLength: 20, size: "max" }), (list) => {
        const { kernel, callers } = start();
        const k = kernel.core;
        for (const [name, who, args] of list) {
          const t = callers[who];
          if (t.phase !== CALL_NONE || t.state !== TASK_PARKED || t.program !== null) return; // it sleeps, or has become something else
          callers.forEach(settle);
          const { last } = k.tasks.initPidNs;
          const before = k.state.save(["tasks"]);
          let failed = true;
          try {
            const calls = kernel.call(t) as unknown as Record<
              string,
              (...a: unknown[]) => { done: boolean; error: KernelError | null }
            >;
            const p = calls[name](...args);
            failed = p.done && p.error !== null;
            if (failed) {
              const { code } = p.error as KernelError;
              seen.add(`${name} ${code}`);
              expect(` ${ERRNO[name] ?? ""} `, `${name}: ${code}`).toContain(` ${code} `);
            }
          } catch (e) {
            if (!(e instanceof TypeError)) throw e;
            expect(e.message).toMatch(/must be /);
          }
          checkTasks(k);
          if (!failed) continue;
          callers.forEach(settle);
          k.tasks.initPidNs.last = last;
          expect(pathOfDifference(before, k.state.save(["tasks"])), name).toBeNull();
        }
      }),
      { numRuns: RUNS },
    );
    expect(seen.size).toBeGreaterThan(RUNS / 5); // it reaches what is documented
  });
});

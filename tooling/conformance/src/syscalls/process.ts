/** Calls about processes, credentials and signals: fork(2) and on, credentials(7), signal(7), prctl(2), getrlimit(2). */
import type { CapData, Rlimit, WaitInfo, WaitResult } from "@kernelkit/core";
import type { Result } from "../result.js";
import { signalName, signalNumber } from "../uapi.js";
import { sameNumber } from "../value.js";
import { call, filled, flags, type MarshalTable, plain } from "./marshal.js";

/** How a case's handler is known to the kernel: an address that is only counted. */
const HANDLER = 0x401000;
const SA_RESTART = 0x10000000;
const RLIM_INFINITY = 2n ** 64n - 1n;

const DISPOSITIONS: Readonly<Record<string, number>> = { SIG_DFL: 0, SIG_IGN: 1, handler: HANDLER };

const PR_GET_PDEATHSIG = 2;
const PR_GET_NAME = 16;
const PR_GET_CHILD_SUBREAPER = 37;

/** Those that the recorder asks for, in its order. */
const PENDING_SHOWN = ["SIGHUP", "SIGINT", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGCHLD", "SIGCONT", "SIGPIPE"];

const CLD: Readonly<Record<number, string>> = {
  0: "none",
  1: "CLD_EXITED",
  2: "CLD_KILLED",
  3: "CLD_DUMPED",
  4: "CLD_TRAPPED",
  5: "CLD_STOPPED",
  6: "CLD_CONTINUED",
};

/** What WIFEXITED and its like say of a wait status. */
export function waitFields(pid: number, status: number): Record<string, unknown> {
  if (status === 0xffff) return { pid, continued: true };
  if ((status & 0xff) === 0x7f) return { pid, stopped: status >> 8 };
  if ((status & 0x7f) === 0) return { pid, exited: (status >> 8) & 0xff };
  return { pid, signaled: status & 0x7f };
}

const limit = (v: unknown): unknown => (v === "RLIM_INFINITY" ? RLIM_INFINITY : v);
const limits = (pair: unknown): unknown => {
  if (pair === null || pair === undefined) return null;
  const [cur, max] = pair as unknown[];
  return { cur: limit(cur), max: limit(max) };
};
const showLimit = (v: number | bigint): unknown =>
  sameNumber(v, RLIM_INFINITY) || v === Number.POSITIVE_INFINITY ? "RLIM_INFINITY" : v;
const limitFields = filled<Rlimit>((r) => ({ cur: showLimit(r.cur), max: showLimit(r.max) }));

const capNumbers = (sets: unknown): CapData =>
  Object.fromEntries(
    Object.entries(sets as Record<string, unknown[]>).map(([set, names]) => [set, names.map((n) => Number(flags(n)))]),
  );
const capHex = (caps: readonly number[]): string =>
  caps.reduce((bits, cap) => bits | (1n << BigInt(cap)), 0n).toString(16);

function prctlResult(option: unknown, value: unknown): Result {
  if (option === PR_GET_NAME) return { ret: 0, fields: { name: value } };
  if (option === PR_GET_PDEATHSIG || option === PR_GET_CHILD_SUBREAPER) return { ret: 0, fields: { value } };
  return { ret: value };
}

const prctl = call("prctl");

export const PROCESS_CALLS: MarshalTable = {
  ...plain("getpid", "gettid", "getppid", "getpgid", "getpgrp", "getsid", "setpgid", "setsid", "unshare", "setns"),
  ...plain("exit_group", "personality", "set_tid_address"),
  ...plain(
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
  ),
  ...plain("setfsuid", "setfsgid", "getresuid", "getresgid", "setgroups"),
  ...plain("kill", "tkill", "tgkill", "pidfd_send_signal", "pause"),
  ...plain("getrusage", "times"),
  getgroups: call("getgroups", {
    result: (groups) => ({ ret: (groups as number[]).length, fields: { groups } }),
  }),
  capset: call("capset", { args: ([sets]) => [capNumbers(sets)] }),
  capget: call("capget", {
    result: filled<Required<CapData>>((c) => ({
      effective: capHex(c.effective),
      permitted: capHex(c.permitted),
      inheritable: capHex(c.inheritable),
    })),
  }),
  execve: call("execve", {
    args: ([path, argv]) => {
      // {size}: one argument of that many bytes.
      if (argv !== null && typeof argv === "object" && "size" in argv)
        return [path, ["x".repeat(Number(argv.size))], []];
      return [path, argv ?? [path], []];
    },
  }),
  wait4: call("wait4", {
    result: (value) => {
      const { pid, status } = value as WaitResult;
      return { ret: pid, fields: pid > 0 ? waitFields(pid, status) : {} };
    },
  }),
  waitid: call("waitid", {
    result: filled<WaitInfo>((w) => ({
      signo: w.signo,
      pid: w.pid,
      status: w.status,
      uid: w.uid,
      code: CLD[w.code] ?? w.code,
    })),
  }),
  rt_sigaction: call("rt_sigaction", {
    args: ([sig, what, flag]) => [
      sig,
      { handler: DISPOSITIONS[String(what)], flags: flag === "SA_RESTART" ? SA_RESTART : 0 },
    ],
    result: () => ({ ret: 0 }),
  }),
  rt_sigprocmask: call("rt_sigprocmask", {
    args: ([how, sigs]) => [how, (sigs as unknown[]).map(signalNumber)],
    result: () => ({ ret: 0 }),
  }),
  rt_sigpending: call("rt_sigpending", {
    result: filled<number[]>((sigs) => {
      const names = sigs.map(signalName);
      return { set: PENDING_SHOWN.filter((name) => names.includes(name)) };
    }),
  }),
  prctl: {
    method: "prctl",
    plan: (args, s, step) => ({
      invoke: prctl.plan(args, s, step).invoke,
      convert: (value) => prctlResult(flags(args[0]), value),
    }),
  },
  getrlimit: call("getrlimit", { result: limitFields }),
  setrlimit: call("setrlimit", { args: ([resource, pair]) => [resource, limits(pair)] }),
  prlimit64: call("prlimit64", {
    args: ([pid, resource, pair]) => [pid, resource, limits(pair)],
    result: limitFields,
  }),
};

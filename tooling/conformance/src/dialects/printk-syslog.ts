/**
 * The dialect of the folder `printk-syslog`: descriptors have names without `$`, which a child inherits; what is written is
 * UTF-8, what is read Latin-1; `save` is `{result path: variable}`. A read of /dev/kmsg is also taken apart into `fields`.
 */
import type { PrintkApi } from "@kernelkit/printk-syslog";
import type { Step } from "../caseFile.js";
import type { Dialect, Effect, StepKind } from "../dialect.js";
import { compare, type Expectation } from "../expectations.js";
import { type KmsgRecord, parseKmsg } from "../kmsgRecord.js";
import { printkSyslogOps } from "../ops/printk-syslog.js";
import { Mismatch } from "../outcome.js";
import { pythonRegExp } from "../pythonRegExp.js";
import { fromHex, latin1, type Result } from "../result.js";
import type { Session } from "../session.js";
import { makeHolder, makeTasks } from "../startState.js";
import { fileSteps } from "../steps/fileSteps.js";
import { kernelStep } from "../steps/kernelSteps.js";
import { fdNames, fdOf } from "../steps/named.js";
import { carryOut, sysStep, taskOf } from "../steps/syscallSteps.js";
import { advanceStep, exitStep, forkStep } from "../steps/taskSteps.js";
import { CORE_CALLS } from "../syscalls/index.js";
import { bytes, call, flags, type Marshal, type MarshalTable, plainResult } from "../syscalls/marshal.js";
import { flagsValue } from "../uapi.js";
import { show } from "../value.js";
import { dollarVariables } from "../variables.js";

const BLOCK_NS = 400_000_000;
const RESUME_NS = 5_000_000_000;
/** What one read asks for where a step says nothing. */
const READ_SIZE = 8192;
const DEFAULT_EVENTS = "POLLIN|POLLPRI|POLLRDNORM";
const POLL_NAMES = ["POLLIN", "POLLPRI", "POLLOUT", "POLLERR", "POLLHUP", "POLLNVAL", "POLLRDNORM", "POLLWRNORM"];
/** syslog(2) actions that fill the buffer with text. */
const READ_ACTIONS: readonly unknown[] = [2, 3, 4];

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const dataOf = (step: Step): Uint8Array =>
  typeof step.hex === "string" ? fromHex(step.hex) : bytes(step.data ?? "", utf8);

/** A record that was read: its bytes as text, and taken apart. */
const recordResult = (value: unknown): Result => {
  const data = latin1(value as Uint8Array);
  return { ret: data.length, data, fields: { ...parseKmsg(data) } };
};

const fd = (s: Session, step: Step, name: unknown): number => fdOf(s, taskOf(step), name);

const SYSLOG: Marshal = {
  method: "syslog",
  plan: ([action, buf, length], s, step) => {
    const type = typeof action === "string" ? (flagsValue(action) ?? flagsValue(`SYSLOG_ACTION_${action}`)) : action;
    // "buf" is `length` good bytes, null none, "bad" an address that is not there.
    const buffer = buf === "buf" ? new Uint8Array(Math.max(Number(length), 0)) : buf === "bad" ? "bad" : null;
    return {
      invoke: call("syslog").plan([type, buffer, length ?? 0], s, step).invoke,
      convert: (value) => {
        const result = plainResult(value);
        return READ_ACTIONS.includes(type) ? result : { ...result, data: "" };
      },
    };
  },
};

/** Linux has no CLONE_SYSLOG: the kernel says which bit it has in the design that knows it. */
const UNSHARE: Marshal = {
  method: "unshare",
  plan: ([asked], s, step) => {
    const names = String(asked).split("|");
    const known = names.filter((n) => n !== "CLONE_SYSLOG");
    const bits = known.length === 0 ? 0 : Number(flags(known.length === names.length ? asked : known.join("|")));
    const own = known.length === names.length ? 0 : s.api<PrintkApi>("printk").cloneSyslog;
    return call("unshare").plan([bits | own], s, step);
  },
};

const CALLS: MarshalTable = {
  ...CORE_CALLS,
  unshare: UNSHARE,
  syslog: SYSLOG,
  capset: call("capset", {
    args: ([caps]) => {
      const list = (caps as unknown[]).map(flags);
      return [{ effective: list, permitted: list, inheritable: [] }];
    },
  }),
};

const files = fileSteps({ encode: utf8, blockNs: BLOCK_NS });

/** These cases know no zombies: who has exited is waited for. */
const exit: StepKind = {
  ...exitStep,
  run: (s, step) => {
    const t = s.task(String(step.exit));
    const parent = t.parent;
    const result = exitStep.run(s, step);
    if (parent !== null) s.kernel.sys(parent).wait4?.(t.nr);
    return result;
  },
};

const open: StepKind = {
  inputs: ["flags", "fd", "blocks"],
  missing: files.open.missing,
  run: (s, step) => {
    const number = s.syscall<number>(taskOf(step), "open", step.open, Number(flags(step.flags ?? 0)), 0);
    fdNames(s).set(taskOf(step), String(step.fd), number);
    return { ret: "fd" };
  },
};

const write: StepKind = {
  inputs: ["data", "hex"],
  missing: files.write.missing,
  run: (s, step) => {
    const task = taskOf(step);
    const number = s.syscall<number>(task, "open", step.write, 1, 0);
    try {
      return { ret: s.syscall(task, "write", number, dataOf(step)) };
    } finally {
      s.syscall(task, "close", number);
    }
  },
};

/** `{drain: fd, filter?}`: reads records until EAGAIN. */
const drain: StepKind = {
  inputs: ["filter"],
  missing: files.read.missing,
  run: (s, step) => {
    const number = fd(s, step, step.drain);
    let records: object[] = [];
    let epipe = 0;
    for (;;) {
      try {
        records.push(parseKmsg(latin1(s.syscall<Uint8Array>(taskOf(step), "read", number, READ_SIZE))));
      } catch (e) {
        const { errno } = s.errorResult(e);
        if (errno === "EAGAIN") break;
        if (errno !== "EPIPE") throw e;
        epipe++;
      }
    }
    if (typeof step.filter === "string") {
      const wanted = pythonRegExp(step.filter);
      records = records.filter((r) => wanted.test((r as Partial<KmsgRecord>).text ?? ""));
    }
    return { ret: records.length, records, texts: records.map((r) => (r as Partial<KmsgRecord>).text), epipe };
  },
};

/** `{repeat: fd, n, data}`: n writes, `%d` is the index. */
const repeat: StepKind = {
  inputs: ["n", "data"],
  missing: files.writefd.missing,
  run: (s, step) => {
    const number = fd(s, step, step.repeat);
    const n = Number(step.n);
    for (let i = 0; i < n; i++) {
      s.syscall(taskOf(step), "write", number, utf8(String(step.data).replaceAll("%d", String(i))));
    }
    return { ret: n };
  },
};

const poll: StepKind = {
  inputs: ["events", "timeout"],
  missing: (s) => (s.has("poll") ? undefined : "system call poll"),
  run: (s, step) => {
    const events = flags(step.events ?? DEFAULT_EVENTS);
    const polled = s.syscall<{ revents: number }[]>(
      taskOf(step),
      "poll",
      [{ fd: fd(s, step, step.poll), events }],
      step.timeout ?? 0,
    );
    const got = polled[0]?.revents ?? 0;
    return {
      ret: polled.filter((p) => p.revents !== 0).length,
      revents: POLL_NAMES.filter((name) => (got & Number(flags(name))) !== 0).sort(),
    };
  },
};

const saveByPath: Effect = (s, what, result) => {
  for (const [path, name] of Object.entries(what as Record<string, string>)) {
    let value: unknown = result;
    for (const part of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[part];
    s.vars.set(name, value);
  }
};

const texts: Expectation = (expected, result, context) => compare("texts", expected, result.texts, context);
const records: Expectation = (expected, result, context) => compare("records", expected, result.records, context);
const revents: Expectation = (expected, result) => {
  const wanted = [...(expected as string[])].sort();
  const got = (result.revents as string[] | undefined) ?? [];
  if (wanted.join() !== got.join()) throw new Mismatch(`revents ${show(wanted)}`, `revents ${show(got)}`);
};

function start(s: Session): void {
  makeHolder(s);
  makeTasks(s, (spec) => ({ ...spec, gid: spec.gid ?? spec.uid ?? 0 }));
}

export const printkSyslog: Dialect = {
  package: "printk-syslog",
  caseKeys: ["variant"],
  machineKeys: ["cpus", "memory", "cmdline", "syslogns", "syslogNs"],
  taskKeys: ["uid", "gid", "groups", "caps"],
  multiline: false,
  compose: (c) => {
    const { cpus, memory, cmdline } = c.machine ?? {};
    const logNamespaces = c.machine?.syslogns ?? c.machine?.syslogNs;
    return {
      needs: ["printk-syslog"],
      machine: { cpus: cpus ?? 2, ...(memory !== undefined && { memory }) },
      // the machines of the recordings had their first serial port as console
      cmdline:
        typeof cmdline === "string" && cmdline.includes("console=") ? cmdline : `console=ttyS0 ${cmdline ?? ""}`.trim(),
      options: {
        "printk-syslog": {
          ...(logNamespaces !== undefined && { logNamespaces }),
          // "transcript" is the default's console.
          ...(c.variant === "6.1" && { semantics: "6.1" }),
        },
      },
    };
  },
  start,
  substitute: (s, value) => dollarVariables(value, (name) => s.vars.get(name)),
  kinds: {
    advance: advanceStep,
    fork: {
      ...forkStep,
      run: (s, step) => {
        const result = forkStep.run(s, step);
        fdNames(s).inherit(taskOf(step), String(step.fork));
        return result;
      },
    },
    exit,
    resume: { inputs: [], run: (s, step) => s.join(String(step.resume), RESUME_NS) },
    open,
    read: files.read,
    write,
    readfd: {
      inputs: ["count", "blocks"],
      missing: files.readfd.missing,
      run: (s, step) => {
        const number = fd(s, step, step.readfd);
        const count = Number(step.count ?? READ_SIZE);
        return carryOut(s, step, { invoke: (sys) => sys.read?.(number, count), convert: recordResult }, BLOCK_NS);
      },
    },
    writefd: {
      inputs: ["data", "hex", "blocks"],
      missing: files.writefd.missing,
      run: (s, step) => {
        const number = fd(s, step, step.writefd);
        const data = dataOf(step);
        return carryOut(s, step, { invoke: (sys) => sys.write?.(number, data), convert: plainResult }, BLOCK_NS);
      },
    },
    writev: {
      inputs: ["data"],
      missing: (s) => (s.has("writev") ? undefined : "system call writev"),
      run: (s, step) => ({
        ret: s.syscall(
          taskOf(step),
          "writev",
          fd(s, step, step.writev),
          (step.data as unknown[]).map((d) => bytes(d, utf8)),
        ),
      }),
    },
    lseek: {
      inputs: ["whence", "offset"],
      missing: (s) => (s.has("lseek") ? undefined : "system call lseek"),
      run: (s, step) => ({
        ret: s.syscall(taskOf(step), "lseek", fd(s, step, step.lseek), step.offset ?? 0, flags(step.whence)),
      }),
    },
    poll,
    close: {
      inputs: [],
      missing: files.close.missing,
      run: (s, step) => {
        const ret = s.syscall(taskOf(step), "close", fd(s, step, step.close));
        fdNames(s).delete(taskOf(step), String(step.close));
        return { ret };
      },
    },
    drain,
    repeat,
    sys: sysStep(CALLS, BLOCK_NS),
    kernel: kernelStep(printkSyslogOps),
  },
  expectations: {
    texts,
    records,
    revents,
    epipe: (expected, result, context) => compare("epipe", expected, result.epipe, context),
  },
  effects: { save: saveByPath },
  pauseNs: 100_000,
};

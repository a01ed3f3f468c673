/**
 * The dialect of the folder `writeback`: files, mappings and sync calls, /proc/vmstat changes, traces, and the throttling
 * functions as operations. `as` saves a result (a list for pipe2); `$x`, `$x+n` stand for it; `repeat` counts in `i`.
 * `elapsed` is virtual time in seconds. Every task ignores SIGXFSZ.
 */
import type { Step } from "../caseFile.js";
import type { Dialect, Effect, KernelOp, StepKind } from "../dialect.js";
import { compare, type Expectation } from "../expectations.js";
import { addDevice, type DeviceModel, mountDescribed, traceEvents, writebackOps } from "../ops/writeback.js";
import { Mismatch } from "../outcome.js";
import { fromLatin1, latin1, type Result } from "../result.js";
import { runStep } from "../runStep.js";
import type { Script, Session } from "../session.js";
import { makeDirs, makeHolder, makeTasks, setSysctls } from "../startState.js";
import { fileSteps, readFile } from "../steps/fileSteps.js";
import { kernelStep } from "../steps/kernelSteps.js";
import { argsOf, sysStep, taskOf } from "../steps/syscallSteps.js";
import { advanceStep } from "../steps/taskSteps.js";
import { statFields } from "../syscalls/files.js";
import { CORE_CALLS } from "../syscalls/index.js";
import { bytes, call, filled, type MarshalTable, plain } from "../syscalls/marshal.js";
import { planOf } from "../syscalls/memcg.js";
import { difference, show } from "../value.js";
import { dollarVariables, evaluate } from "../variables.js";
import { dollarLookup } from "./core.js";
import { keyValues } from "./memcg.js";

const BLOCK_NS = 150_000_000;
/** Switching tracepoints on takes ticks: all CPUs must have seen it. */
const TRACE_NS = 20_000_000;
/** How long a background task may run until it is waited for. */
const WAIT_NS = 600_000_000_000;
const SIGXFSZ = 25;
const SIG_IGN = 1;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const stat = (name: string): ReturnType<typeof call> =>
  call(name, {
    result: filled((st: Parameters<typeof statFields>[0]) => ({
      ...Object.fromEntries(Object.entries(st).map(([k, v]) => [`st_${k}`, v])),
      ...statFields(st),
    })),
  });

const CALLS: MarshalTable = {
  ...CORE_CALLS,
  ...plain("sync_file_range", "msync", "mlock", "fadvise64", "madvise", "munlock", "splice", "tee", "readahead"),
  posix_fadvise: call("fadvise64"),
  stat: stat("stat"),
  lstat: stat("lstat"),
  fstat: stat("fstat"),
  pipe2: call("pipe2", { args: ([f]) => [f ?? 0], result: filled((fds: [number, number]) => ({ fds: [...fds] })) }),
  write: call("write", { args: ([fd, data]) => [fd, bytes(data, utf8)] }),
  pwrite64: call("pwrite64", { args: ([fd, data, offset]) => [fd, bytes(data, utf8), offset] }),
  setrlimit: call("setrlimit", { args: ([resource, cur, max]) => [resource, { cur, max }] }),
  fcntl: call("fcntl", { args: ([fd, cmd, arg]) => [fd, cmd, arg ?? 0] }),
  vmsplice: call("vmsplice", { args: ([fd, addr, length]) => [fd, [{ addr, length }], 0] }),
};

/** Notes the virtual time a step took, in seconds. */
const timed = (kind: StepKind): StepKind => ({
  ...kind,
  run: (s, step) => {
    const before = s.kernel.now;
    let result: Result | undefined;
    try {
      result = kind.run(s, step);
    } catch (e) {
      result = s.errorResult(e);
    }
    return { ...result, elapsed: (s.kernel.now - before) / 1e9 };
  },
});

const sys = timed(sysStep(CALLS, BLOCK_NS, ["elapsed_observed_ms"]));

const withDirs: StepKind = {
  ...sys,
  run: (s, step) => {
    // A mount step finds its directory there.
    if (step.sys === "mount") makeDirs(s, String(argsOf(step)[1]));
    const result = sys.run(s, step);
    const observed = step.elapsed_observed_ms;
    if (typeof observed === "number" && result?.elapsed !== undefined) {
      compare("elapsed", { max: (2 * observed) / 1000 }, result.elapsed, { multiline: false, readData: s.readData });
    }
    return result;
  },
};

/** `{repeat: n, step, total_elapsed?}`: the step n times with `i` = 0 to n-1, "4096*i" evaluated. */
const repeat: StepKind = {
  inputs: ["step", "total_elapsed"],
  raw: true,
  inner: (step) => [step.step as Step],
  run: (s, step) => {
    const before = s.kernel.now;
    const inner = step.step as Step;
    for (let i = 0; i < Number(step.repeat); i++) {
      s.vars.set("i", i);
      const args = (inner.args as unknown[] | undefined)?.map((a) =>
        typeof a === "string" && /^[\d+* ]*\bi\b[\d+* ]*$/.test(a) ? evaluate(a, { i }) : a,
      );
      runStep(s, { ...inner, ...(args !== undefined && { args }) } as Step);
    }
    if (step.total_elapsed !== undefined) {
      const context = { multiline: false, readData: s.readData };
      compare("total_elapsed", step.total_elapsed, (s.kernel.now - before) / 1e9, context);
    }
    return undefined;
  },
};

const vmstat = (s: Session): Record<string, unknown> => keyValues(readFile(s, "A", "/proc/vmstat"));

/** `{vmstat_delta: "start"}` takes a snapshot; `{vmstat_delta: {name: change}}` compares with it. */
const vmstatDelta: StepKind = {
  inputs: [],
  missing: (s) => (s.has("read") ? undefined : "system call read"),
  run: (s, step) => {
    if (step.vmstat_delta === "start") {
      s.extra.set("vmstat", vmstat(s));
      return undefined;
    }
    const before = s.state<Record<string, unknown>>("vmstat", () => ({}));
    const now = vmstat(s);
    const changes = Object.fromEntries(
      Object.keys(step.vmstat_delta as object).map((k) => [k, Number(now[k]) - Number(before[k])]),
    );
    compare("vmstat", step.vmstat_delta, changes, { multiline: false, readData: s.readData });
    return undefined;
  },
};

/** `{trace: "start"}`, `{trace: "stop", events, only?}`: these events in this order, others may come between. */
const trace: StepKind = {
  inputs: ["events", "only", "match"],
  run: (s, step) => {
    const seen = traceEvents(s, step.trace === "start" ? "start" : "stop").filter(
      (e) => step.only === undefined || e.event === step.only,
    );
    if (step.trace === "start") {
      s.advance(TRACE_NS);
      return undefined;
    }
    const wanted = step.events as Record<string, unknown>[];
    if (step.only !== undefined && wanted.length !== seen.length) {
      throw new Mismatch(`${wanted.length} events ${show(step.only)}`, show(seen));
    }
    let from = 0;
    for (const event of wanted) {
      const at = seen.findIndex((e, i) => i >= from && difference(event, e) === null);
      if (at < 0) throw new Mismatch(`event ${show(event)} after ${from} events`, show(seen.slice(from)));
      from = at + 1;
    }
    return undefined;
  },
};

/** `{sequential_write: {path, chunk, count}, background}`: the task writes chunk after chunk; `{wait: task}` waits for it. */
const sequentialWrite: StepKind = {
  inputs: ["background"],
  missing: (s) => (s.has("open") && s.has("write") ? undefined : "system call write"),
  run: (s, step) => {
    const { path, chunk, count } = step.sequential_write as { path: string; chunk: number; count: number };
    const script = writeChunks(path, chunk, count);
    if (step.background !== true) return s.performAll(taskOf(step), script);
    if ((s.spec.steps as readonly Step[]).some((x) => x.kernel === "throttle_summary")) {
      traceEvents(s, "start");
      s.state("throttleStart", () => s.kernel.now);
    }
    s.start(taskOf(step), script);
    return undefined;
  },
};

function* writeChunks(path: string, chunk: number, count: number): Script {
  const opened = yield planOf("open", path, 0o101, 0o644);
  if (opened.errno !== undefined) return opened;
  const data = new Uint8Array(chunk);
  for (let i = 0; i < count; i++) {
    const r = yield planOf("write", opened.ret, data);
    if (r.errno !== undefined || r.dies !== undefined) return r;
  }
  return yield planOf("close", opened.ret);
}

/** With `rows`: the operation once per row, with `common` and the row's inputs, compared with the row's outputs. */
const ops = kernelStep(writebackOps, ["common", "columns_in", "columns_out", "rows"]);
const kernel: StepKind = {
  ...ops,
  run: (s, step) => {
    if (step.rows === undefined) return ops.run(s, step);
    const op = writebackOps[String(step.kernel)] as KernelOp;
    const inputs = step.columns_in as string[];
    const outputs = step.columns_out as string[];
    (step.rows as unknown[][]).forEach((row, n) => {
      const args = { ...(step.common as object) } as Record<string, unknown>;
      inputs.forEach((name, i) => {
        args[name] = row[i];
      });
      const wanted = Object.fromEntries(outputs.map((name, i) => [name, row[inputs.length + i]]));
      const d = difference(wanted, op(s, [args], step)?.fields ?? {});
      if (d !== null) throw new Mismatch(`row ${n} ${d.path} ${show(d.expected)}`, `${d.path} ${show(d.got)}`);
    });
    return undefined;
  },
};

/** What was read: text, `{byte, count}`, or a list of such runs. */
const data: Expectation = (expected, result) => {
  const runs = Array.isArray(expected) ? expected : [expected];
  const wanted = runs.map((run) => latin1(bytes(run, fromLatin1))).join("");
  if (result.data !== wanted) throw new Mismatch(`data ${show(wanted)}`, `data ${show(result.data)}`);
};

const as: Effect = (s, what, result) => {
  if (Array.isArray(what)) {
    const fds = result.fields?.fds as unknown[] | undefined;
    what.forEach((name, i) => {
      s.vars.set(String(name), fds?.[i]);
    });
  } else {
    s.vars.set(String(what), result.data ?? result.ret);
  }
};

function start(s: Session): void {
  makeHolder(s);
  // a device that no model describes
  if (s.spec.devices === undefined && s.spec.mounts === undefined) addDevice(s, "D", {});
  for (const [name, model] of Object.entries((s.spec.devices ?? {}) as Record<string, DeviceModel>)) {
    addDevice(s, name, model);
  }
  for (const [path, text] of Object.entries((s.spec.mounts ?? {}) as Record<string, string>)) {
    mountDescribed(s, path, text);
  }
  setSysctls(s, (s.spec.sysctl ?? {}) as Record<string, unknown>, "vm.");
  makeTasks(s);
  for (const name of Object.keys(s.spec.tasks ?? { A: {} })) {
    s.syscall(name, "rt_sigaction", SIGXFSZ, { handler: SIG_IGN });
  }
}

/** Paths of a step with the device's number (254:0, 254:16 ... in the order of the case) where the case has its name. */
function bdiPath(s: Session, step: unknown): unknown {
  const out = { ...(step as Record<string, unknown>) };
  for (const key of ["read", "write"]) {
    const path = out[key];
    if (typeof path !== "string") continue;
    out[key] = path.replace(/^\/sys\/class\/bdi\/([A-Za-z]\w*)\//, (_all, name: string) => {
      const at = Math.max(0, Object.keys((s.spec.devices ?? {}) as object).indexOf(name));
      return `/sys/class/bdi/254:${at * 16}/`;
    });
  }
  return out;
}

interface Strategy {
  readonly stable_pages?: string;
  readonly ext3?: string;
}

/** `md` is the mirror's own: devices say it. */
const optionsOf = (s: Strategy = {}): object => ({
  ...(s.stable_pages !== undefined && { stablePages: s.stable_pages }),
  ...(s.ext3 !== undefined && { ext3: s.ext3 }),
});

const files = fileSteps({ encode: utf8 });

export const writeback: Dialect = {
  package: "writeback",
  caseKeys: ["mounts", "devices", "strategy", "sysctl"],
  machineKeys: ["hz", "page_size", "cpus", "memory", "cmdline"],
  taskKeys: ["uid", "gid", "groups", "caps"],
  multiline: false,
  compose: (c) => {
    const m = c.machine ?? {};
    return {
      needs: ["writeback"],
      machine: { cpus: m.cpus ?? 2, hz: m.hz ?? 250, memory: m.memory ?? "8G" },
      ...(typeof m.cmdline === "string" && { cmdline: m.cmdline }),
      options: { writeback: optionsOf(c.strategy as Strategy | undefined) },
    };
  },
  start,
  // /sys/class/bdi/D: the name there is the device's number
  substitute: (s, value, task) => dollarVariables(bdiPath(s, value), dollarLookup(s, task)),
  kinds: {
    repeat,
    advance: advanceStep,
    vmstat_delta: vmstatDelta,
    trace,
    sequential_write: sequentialWrite,
    wait: { inputs: [], run: (s, step) => s.join(String(step.wait), WAIT_NS) },
    sys: withDirs,
    kernel,
    ...files,
  },
  expectations: { data },
  effects: { as },
  pauseNs: 0,
};

/**
 * The dialect of the folder `memcg`: cgroup files, user-space accesses to named mappings, loops of forks and directories.
 * `$B` is the pid of task B, also inside paths; descriptors and mappings have names without `$`; a call that makes one
 * shows 0. A dead task stays a zombie until a `wait` step names it.
 */
import type { Step } from "../caseFile.js";
import type { Dialect, StepKind } from "../dialect.js";
import { compare, type Expectation } from "../expectations.js";
import type { Json } from "../json.js";
import { memcgOps } from "../ops/memcg.js";
import { Mismatch } from "../outcome.js";
import { makeImage, startUp } from "../processImage.js";
import { fromLatin1, latin1, type Result } from "../result.js";
import type { Script, Session } from "../session.js";
import { HOLDER, makeHolder, makeTasks, mountTmpfs } from "../startState.js";
import { dataOf, fileSteps } from "../steps/fileSteps.js";
import { kernelStep } from "../steps/kernelSteps.js";
import { fdNames, fdOf, mapNames } from "../steps/named.js";
import { argsOf, taskOf } from "../steps/syscallSteps.js";
import { advanceStep, exitStep, forkStep, isDead, pidOf } from "../steps/taskSteps.js";
import { CORE_CALLS } from "../syscalls/index.js";
import { flags, type Marshal } from "../syscalls/marshal.js";
import { MEMCG_CALLS, planOf } from "../syscalls/memcg.js";
import { waitFields } from "../syscalls/process.js";
import { pollNames, signalName } from "../uapi.js";
import { durationNs, taskVariables } from "../variables.js";

const PAGE = 4096;
const PAUSE_NS = 100_000;
const CHUNK = 65536;
/** A name of about 130 bytes for a file that is not there. */
const absentName = (i: number): string => `absent-${String(i).padStart(6, "0")}-${"x".repeat(116)}`;

/** Carries a script out for the step's task, or starts it (`blocks`). A task that dies on the way was `killed`. */
function carryOutScript(s: Session, step: Step, work: Script): Result | undefined {
  const task = taskOf(step);
  const script = (function* (): Script {
    yield* startUp(s, task);
    return yield* work;
  })();
  if (step.blocks === true) {
    s.state("started", () => new Map<string, number>()).set(task, s.kernel.now);
    s.start(task, script);
    return undefined;
  }
  const before = s.kernel.now;
  const result = s.performAll(task, script);
  tookTime(s, task, s.kernel.now - before);
  return withKilled(s, task, result);
}

function tookTime(s: Session, task: string, ns: number): void {
  s.state("elapsed", () => new Map<string, number>()).set(task, ns);
}

function withKilled(s: Session, task: string, result: Result): Result {
  if (result.dies === undefined) return result;
  const signal = s.killedBy(s.task(task));
  return signal === 0 ? result : { killed: signalName(signal) };
}

/** A call as core's vocabulary has it. */
function* single(marshal: Marshal, s: Session, step: Step): Script {
  return yield marshal.plan(argsOf(step), s, step);
}

const sys: StepKind = {
  inputs: ["args", "as", "blocks", "as_u64", "field"],
  missing: (s, step) => {
    const name = String(step.sys);
    const own = Object.hasOwn(MEMCG_CALLS, name) ? MEMCG_CALLS[name].needs : undefined;
    const needs = own ?? (Object.hasOwn(CORE_CALLS, name) ? [CORE_CALLS[name].method ?? name] : undefined);
    if (needs === undefined) return `system call ${name}`;
    const missing = needs.find((call) => !s.has(call));
    return missing === undefined ? undefined : `system call ${missing}`;
  },
  run: (s, step) => {
    const name = String(step.sys);
    if (name === "poll") return poll(s, step);
    const script = Object.hasOwn(MEMCG_CALLS, name)
      ? MEMCG_CALLS[name].script(s, taskOf(step), argsOf(step), step)
      : single(CORE_CALLS[name], s, step);
    const result = carryOutScript(s, step, script);
    const mode = result?.fields?.mode;
    // Four digits without the file type.
    return typeof mode === "string" ? { ...result, mode: mode.slice(-4).padStart(4, "0") } : result;
  },
};

function poll(s: Session, step: Step): Result {
  const [fd, events, timeout] = argsOf(step);
  const number = fdOf(s, taskOf(step), fd);
  const polled = s.syscall<{ revents: number }[]>(
    taskOf(step),
    "poll",
    [{ fd: number, events: flags(events) }],
    timeout ?? 0,
  );
  const revents = polled[0]?.revents ?? 0;
  return { ret: revents === 0 ? 0 : 1, revents: pollNames(revents) };
}

/** `{access: {map, off, len, op}}`: user-space loads or stores, one per page; `len` left out: to the end of the mapping. */
const access: StepKind = {
  inputs: ["blocks"],
  missing: (s) => (s.has("touch") ? undefined : "system call touch"),
  run: (s, step) => {
    const { map, off, len, op } = step.access as { map: string; off?: number; len?: number; op: string };
    const { addr, length } = mapNames(s).get(taskOf(step), map);
    const from = off ?? 0;
    const pages = Math.ceil((len ?? length - from) / PAGE);
    return carryOutScript(
      s,
      step,
      (function* (): Script {
        return yield planOf("touch", addr + from, pages, op === "write");
      })(),
    );
  },
};

/** `{forkLoop: n, childOomScoreAdj?}` and `{threadLoop: n}`: children that pause; `ret` is how many there are. */
function birthLoop(key: string, cloneFlags: number): StepKind {
  return {
    inputs: ["childOomScoreAdj", "blocks"],
    missing: (s) => (s.has("clone") ? undefined : "system call clone"),
    run: (s, step) => carryOutScript(s, step, births(s, step, Number(step[key]), cloneFlags)),
  };
}

function* births(s: Session, step: Step, n: number, cloneFlags: number): Script {
  const task = taskOf(step);
  const children = s.state(`children of ${task}`, (): number[] => []);
  const adjust = step.childOomScoreAdj;
  for (let made = 0; made < n; made++) {
    const r = yield planOf("clone", cloneFlags);
    if (r.dies !== undefined) return r;
    if (r.errno !== undefined) return { ret: made, errno: r.errno };
    children.push(Number(r.ret));
    if (adjust !== undefined) {
      const opened = yield planOf("open", `/proc/${String(r.ret)}/oom_score_adj`, 1, 0);
      yield planOf("write", opened.ret, fromLatin1(String(adjust)));
      yield planOf("close", opened.ret);
    }
  }
  return { ret: n };
}

const PR_SET_CHILD_SUBREAPER = 36;

const SIGCHLD = 17;
const SIGKILL = 9;
const THREAD_FLAGS = 0x50f00;

/** `{killLoop: true}`: ends the children of that task's forkLoop and reaps them. */
const killLoop: StepKind = {
  inputs: ["blocks"],
  missing: (s) => (s.has("kill") && s.has("wait4") ? undefined : "system call wait4"),
  run: (s, step) => carryOutScript(s, step, endChildren(s, taskOf(step))),
};

function* endChildren(s: Session, task: string): Script {
  const children = s.state(`children of ${task}`, (): number[] => []);
  for (const pid of children.splice(0)) {
    yield planOf("kill", pid, SIGKILL);
    yield planOf("wait4", pid, 0);
  }
  return { ret: 0 };
}

/** A loop of one call over numbered names: `{statLoop: n, dir}`, `{mkdirLoop: n, dir}`, `{rmdirLoop: n, dir}`. */
function nameLoop(key: string, call: string, name: (i: number) => string, rest: readonly unknown[]): StepKind {
  return {
    inputs: ["dir", "blocks"],
    missing: (s) => (s.has(call) ? undefined : `system call ${call}`),
    run: (s, step) => carryOutScript(s, step, names(Number(step[key]), String(step.dir))),
  };
  function* names(n: number, dir: string): Script {
    for (let i = 0; i < n; i++) {
      const r = yield planOf(call, `${dir}/${name(i)}`, ...rest);
      if (r.dies !== undefined) return r;
      // The names of a statLoop are not there, and nothing else may be wrong.
      if (r.errno !== undefined && !(key === "statLoop" && r.errno === "ENOENT")) return { ret: i, errno: r.errno };
    }
    return { ret: key === "statLoop" ? 0 : n };
  }
}

/** `{pipeLoop: n}`: makes n empty pipes and keeps them; `ret` is how many. */
const pipeLoop: StepKind = {
  inputs: ["blocks"],
  missing: (s) => (s.has("pipe2") ? undefined : "system call pipe2"),
  run: (s, step) =>
    carryOutScript(
      s,
      step,
      (function* (): Script {
        for (let i = 0; i < Number(step.pipeLoop); i++) {
          const r = yield planOf("pipe2", 0);
          if (r.errno !== undefined) return { ret: i, errno: r.errno };
        }
        return { ret: Number(step.pipeLoop) };
      })(),
    ),
};

/** `{join: T, within, blocked?}`: the started step ends within that time, or is still not done after it. */
const join: StepKind = {
  inputs: ["within", "blocked"],
  run: (s, step) => {
    const task = String(step.join);
    const within = durationNs(step.within ?? "60s");
    if (step.blocked === true) {
      s.advance(within);
      if (!s.isBlocked(task)) throw new Mismatch("still blocked", "the step has ended");
      return undefined;
    }
    const result = s.join(task, within);
    tookTime(s, task, s.kernel.now - (s.state("started", () => new Map<string, number>()).get(task) ?? s.kernel.now));
    return withKilled(s, task, result);
  },
};

/** `{wait: T, result}`: its parent reaps it; "alive", "exited:N" or "killed:N". */
const wait: StepKind = {
  inputs: [],
  missing: (s) => (s.has("wait4") ? undefined : "system call wait4"),
  run: (s, step) => {
    const name = String(step.wait);
    const born = s.state("parents", () => new Map<string, string>()).get(name) ?? "A";
    // orphans are A's: it is a child subreaper
    const parent = isDead(s.task(born)) ? "A" : born;
    const pid = s.task(name).nr;
    const { pid: dead, status } = s.syscall<{ pid: number; status: number }>(parent, "wait4", pid, 1);
    if (dead === 0) return { result: "alive" };
    const f = waitFields(dead, status);
    return { result: f.exited !== undefined ? `exited:${String(f.exited)}` : `killed:${String(f.signaled)}` };
  },
};

/** `{kill: T, signal}`: A sends a signal. */
const kill: StepKind = {
  inputs: ["signal"],
  missing: (s) => (s.has("kill") ? undefined : "system call kill"),
  run: (s, step) => ({
    ret: s.syscall(taskOf(step), "kill", s.task(String(step.kill)).nr, flags(step.signal ?? "SIGKILL")),
  }),
};

const readfd: StepKind = {
  inputs: ["count"],
  missing: (s) => (s.has("pread64") ? undefined : "system call pread64"),
  run: (s, step) => {
    const fd = fdOf(s, taskOf(step), step.readfd);
    let data = "";
    for (;;) {
      const chunk = s.syscall<Uint8Array>(taskOf(step), "pread64", fd, CHUNK, data.length);
      if (chunk.length === 0) return { ret: data.length, data };
      data += latin1(chunk);
    }
  },
};

const writefd: StepKind = {
  inputs: ["data"],
  missing: (s) => (s.has("pwrite64") ? undefined : "system call pwrite64"),
  run: (s, step) => {
    const data = dataOf(step, fromLatin1);
    return {
      ret: s.syscall(taskOf(step), "pwrite64", fdOf(s, taskOf(step), step.writefd), data, 0),
      wrote: data.length,
    };
  },
};

const files = fileSteps();

/** A file of `key value` lines, or with `key=value` words, as fields. */
export function keyValues(text: string): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const line of text.split("\n")) {
    const m = /^(\S+?)[ =]\s*(-?\d+|max)$/.exec(line.trim());
    if (m !== null) fields[m[1]] = m[2] === "max" ? "max" : Number(m[2]);
  }
  return fields;
}

const withFields = (kind: StepKind): StepKind => ({
  ...kind,
  run: (s, step) => {
    const result = kind.run(s, step);
    return result?.data === undefined ? result : { ...result, fields: keyValues(result.data) };
  },
});

/** "all": everything that was written was accepted. */
const ret: Expectation = (expected, result, context) =>
  compare("ret", expected === "all" ? result.wrote : expected, result.ret, context);

const elapsed: StepKind = {
  inputs: [],
  run: (s, step) => {
    const bounds = step.elapsed as Record<string, Json>;
    const ns = s.state("elapsed", () => new Map<string, number>()).get(taskOf(step));
    if (ns === undefined) throw new Mismatch("a step of that task before", "none");
    const tooShort = bounds.min !== undefined && ns < durationNs(bounds.min);
    const tooLong = bounds.max !== undefined && ns > durationNs(bounds.max);
    if (tooShort || tooLong) throw new Mismatch(`elapsed ${JSON.stringify(bounds)}`, `${ns / 1e6}ms`);
    return undefined;
  },
};

const property =
  (key: string): Expectation =>
  (expected, result, context) =>
    compare(key, expected, result[key], context);

/** Keys of a case's machine that are options of the package, and their names there. */
const OPTIONS: Readonly<Record<string, string>> = {
  semantics: "semantics",
  cgroup2_options: "cgroup2Options",
  kmem: "kmem",
  swap: "swap",
  use_hierarchy: "useHierarchy",
};

function start(s: Session): void {
  makeHolder(s);
  const machine = s.spec.machine ?? {};
  if (machine.cgroup === "v1") {
    s.syscall(HOLDER, "umount2", "/sys/fs/cgroup", 0);
    mountTmpfs(s, "/sys/fs/cgroup");
    s.syscall(HOLDER, "mkdir", "/sys/fs/cgroup/memory", 0o755);
    s.syscall(HOLDER, "mount", "cgroup", "/sys/fs/cgroup/memory", "cgroup", 0, "memory");
  } else {
    const fd = s.syscall<number>(HOLDER, "open", "/sys/fs/cgroup/cgroup.subtree_control", 1, 0);
    s.syscall(HOLDER, "write", fd, fromLatin1("+memory +pids"));
    s.syscall(HOLDER, "close", fd);
  }
  for (const [path, type] of Object.entries((machine.mounts ?? {}) as Record<string, string>)) {
    if (type === "tmpfs") mountTmpfs(s, path);
    else {
      mountTmpfs(s, path);
      s.syscall(HOLDER, "umount2", path, 0);
      const fs = type === "disk" ? "ext4" : type;
      const { vfs } = s.kernel.core as unknown as { vfs: { addDisk(o: { name: string; type: string }): unknown } };
      const name = `disk${path.replaceAll("/", "-")}`;
      vfs.addDisk({ name, type: fs });
      s.syscall(HOLDER, "mount", name, path, fs, 0, "");
    }
  }
  makeTasks(s);
  s.syscall("A", "prctl", PR_SET_CHILD_SUBREAPER, 1);
  makeImage(s, "A");
}

export const memcg: Dialect = {
  package: "memcg",
  caseKeys: [],
  machineKeys: [
    ...["cpus", "memory", "cgroup", "semantics", "mounts", "kmem", "thp", "cgroup2_options", "swap", "use_hierarchy"],
    "cmdline",
  ],
  taskKeys: ["uid", "gid", "groups", "caps"],
  multiline: false,
  compose: (c) => {
    const m = c.machine ?? {};
    const thp = m.thp === undefined ? "" : `transparent_hugepage=${String(m.thp)}`;
    const own = Object.keys(OPTIONS).filter((k) => k in m);
    return {
      needs: ["memcg"],
      machine: { cpus: m.cpus ?? 2, memory: m.memory ?? "1G" },
      cmdline: [m.cmdline ?? "", thp].filter((w) => w !== "").join(" "),
      options: {
        memcg: Object.fromEntries(own.map((k) => [OPTIONS[k], m[k]])),
      },
    };
  },
  start,
  substitute: (s, value, task) =>
    taskVariables(value, (name) => {
      const fd = /^fd\((\w+)\)$/.exec(name);
      if (fd !== null) return fdNames(s).find("A", fd[1]);
      return s.tasks.has(name) ? pidOf(s, name, s.tasks.has(task) ? task : HOLDER) : undefined;
    }),
  kinds: {
    advance: advanceStep,
    fork: {
      ...forkStep,
      run: (s, step) => {
        const result = forkStep.run(s, step);
        const child = String(step.fork);
        fdNames(s).inherit(taskOf(step), child);
        mapNames(s).inherit(taskOf(step), child);
        s.state("parents", () => new Map<string, string>()).set(child, taskOf(step));
        return result;
      },
    },
    exit: exitStep,
    wait,
    join,
    access,
    forkLoop: birthLoop("forkLoop", SIGCHLD),
    threadLoop: birthLoop("threadLoop", THREAD_FLAGS),
    killLoop,
    statLoop: nameLoop("statLoop", "stat", absentName, []),
    mkdirLoop: nameLoop("mkdirLoop", "mkdir", (i) => `d${i}`, [0o755]),
    rmdirLoop: nameLoop("rmdirLoop", "rmdir", (i) => `d${i}`, []),
    pipeLoop,
    kill,
    sys,
    kernel: kernelStep(memcgOps),
    readfd: withFields(readfd),
    writefd,
    read: withFields(files.read),
    write: {
      ...files.write,
      run: (s, step) => ({ ...files.write.run(s, step), wrote: dataOf(step, fromLatin1).length }),
    },
    elapsed,
  },
  expectations: { ret, killed: property("killed"), result: property("result"), mode: property("mode") },
  pauseNs: PAUSE_NS,
};

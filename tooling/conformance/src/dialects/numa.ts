/**
 * The dialect of the folder `numa`: memory policies, page placement and balancing. Addresses are hex text, `8P` is eight
 * pages, `{0-1,3}` a node mask; `$B` is the pid of task B, also in paths; a counter file is saved whole (`save`) and later
 * compared with (`since`, `fieldsDelta`).
 */
import { KernelError } from "@kernelkit/core";
import type { Step } from "../caseFile.js";
import type { Dialect, Effect, StepKind } from "../dialect.js";
import { compare, type Expectation, property } from "../expectations.js";
import { numaOps, userfault } from "../ops/numa.js";
import { Mismatch } from "../outcome.js";
import type { Result } from "../result.js";
import type { Script, Session } from "../session.js";
import { HOLDER, makeDirs, makeHolder, makeTasks } from "../startState.js";
import { fileSteps, listDir, readFile } from "../steps/fileSteps.js";
import { kernelStep } from "../steps/kernelSteps.js";
import { sysStep, taskOf } from "../steps/syscallSteps.js";
import { advanceStep, forkStep, pidOf } from "../steps/taskSteps.js";
import { CORE_CALLS } from "../syscalls/index.js";
import { call, type MarshalTable, octal } from "../syscalls/marshal.js";
import { planOf } from "../syscalls/memcg.js";
import { flagsValue, signalName } from "../uapi.js";
import { show } from "../value.js";
import { taskVariables } from "../variables.js";
import { keyValues } from "./memcg.js";
import { cpuList } from "./powerclamp.js";

const PAGE = 4096;
const SWEEP_NS = 1_000_000;
/** Pages asked for at once. */
const QUERY_PAGES = 4096;
const LAST_READ_NS = 1_000_000_000;

/** Hex text, `8P` and `{0-1,3}` as numbers and lists; everything else as it is. */
export function sizes(arg: unknown): unknown {
  if (typeof arg !== "string") return Array.isArray(arg) ? arg.map(sizes) : arg;
  if (/^-?0x[0-9a-f]+$/i.test(arg)) return arg.startsWith("-") ? -Number(arg.slice(1)) : Number(arg);
  // a flag without a name: MPOL_MF_MOVE|16
  const more = /^([A-Z_|]+)\|(\d+)$/.exec(arg);
  if (more !== null) return Number(flagsValue(more[1])) | Number(more[2]);
  if (/^\d+P$/.test(arg)) return Number.parseInt(arg, 10) * PAGE;
  if (/^\{[\d,-]*\}$/.test(arg)) return cpuList(arg.slice(1, -1));
  return arg;
}

const sized = (name: string, extra: Parameters<typeof call>[1] = {}): MarshalTable[string] => ({
  ...call(name),
  plan: (args, s, step) => call(name, extra).plan(args.map(sizes), s, step),
});

/** [addr, count] or a list of addresses. */
function addresses(arg: unknown): number[] {
  if (arg === null) return [];
  const list = arg as number[];
  if (list.length === 2 && list[1] < PAGE) return Array.from({ length: list[1] }, (_, i) => list[0] + i * PAGE);
  return list;
}

const statusText = (v: number): unknown => (v < 0 ? `-${new KernelError(-v).code}` : v);

const CALLS: MarshalTable = {
  ...CORE_CALLS,
  mmap: sized("mmap"),
  munmap: sized("munmap"),
  mprotect: sized("mprotect"),
  madvise: sized("madvise"),
  set_mempolicy: sized("set_mempolicy"),
  mbind: sized("mbind"),
  set_mempolicy_home_node: sized("set_mempolicy_home_node"),
  migrate_pages: sized("migrate_pages"),
  numa_tbind: sized("numa_tbind"),
  numa_mbind: sized("numa_mbind"),
  getcpu: sized("getcpu", { result: (out) => ({ ret: 0, out }) }),
  get_mempolicy: sized("get_mempolicy", {
    result: (value) => ({ ret: 0, out: value }),
  }),
  move_pages: sized("move_pages", {
    args: ([pid, pages, nodes, f]) => {
      const list = addresses(pages);
      // One node is for all pages.
      const wanted = Array.isArray(nodes) && nodes.length === 1 ? list.map(() => nodes[0] as number) : nodes;
      return [pid, list, wanted ?? null, f ?? 0];
    },
    result: (value) => {
      const { ret, status } = value as { ret: number; status: number[] };
      return { ret, status: status.map(statusText) };
    },
  }),
  mkdir: call("mkdir", { args: ([path, mode]) => [path, octal(mode ?? 0o755)] }),
};

const sys = sysStep(CALLS, 0);

/** A task that a step kills shows the signal. */
function withSignal(s: Session, task: string, result: Result): Result {
  if (result.dies === undefined) return result;
  const nr = s.killedBy(s.task(task));
  return nr === 0 ? result : { signal: signalName(nr) };
}

/** `{touch: addr, pages, write, background?}`: the first byte of each page, in order. */
const touch: StepKind = {
  inputs: ["pages", "write", "background"],
  missing: (s) => (s.has("touch") ? undefined : "system call touch"),
  run: (s, step) => {
    const task = taskOf(step);
    const addr = Number(sizes(step.touch));
    const pages = Number(step.pages ?? 1);
    if (step.background === true) {
      // What a blocked read finally sees is asked for later.
      s.start(task, step.write === true ? planOf("touch", addr, pages, true) : planOf("load", addr, 1));
      s.advance(SWEEP_NS);
      return undefined;
    }
    return withSignal(s, task, s.perform(task, planOf("touch", addr, pages, step.write === true)));
  },
};

/** `{access: addr, pages, ms, write, background}`: sweeps the range again and again for so long. */
const access: StepKind = {
  inputs: ["pages", "ms", "write", "background"],
  missing: (s) => (s.has("touch") && s.has("compute") ? undefined : "system call compute"),
  run: (s, step) => {
    const script = sweeps(
      s,
      Number(sizes(step.access)),
      Number(step.pages),
      Number(step.ms) * 1e6,
      step.write === true,
    );
    if (step.background !== true) return withSignal(s, taskOf(step), s.performAll(taskOf(step), script));
    s.start(taskOf(step), script);
    return undefined;
  },
};

function* sweeps(s: Session, addr: number, pages: number, ns: number, write: boolean): Script {
  const end = s.kernel.now + ns;
  while (s.kernel.now < end) {
    const r = yield planOf("touch", addr, pages, write);
    if (r.errno !== undefined || r.dies !== undefined) return r;
    yield planOf("compute", SWEEP_NS);
  }
  return { ret: 0 };
}

/** `{runs: addr, pages}`: `firstNode` and `nodesUsed` of the pages in the range. */
const runs: StepKind = {
  inputs: ["pages"],
  missing: (s) => (s.has("move_pages") ? undefined : "system call move_pages"),
  run: (s, step) => {
    const addr = Number(sizes(step.runs));
    const nodes: number[] = [];
    for (let i = 0; i < Number(step.pages); i += QUERY_PAGES) {
      const n = Math.min(QUERY_PAGES, Number(step.pages) - i);
      const pages = Array.from({ length: n }, (_, j) => addr + (i + j) * PAGE);
      nodes.push(...s.syscall<{ status: number[] }>(taskOf(step), "move_pages", 0, pages, null, 0).status);
    }
    return { firstNode: nodes[0], nodesUsed: [...new Set(nodes)].sort((a, b) => a - b) };
  },
};

/** `{uffd: op, args, fd?}`: one operation on a userfaultfd; `fd` names a second one. */
const uffd: StepKind = {
  inputs: ["args", "fd"],
  run: (s, step) => {
    const op = String(step.uffd);
    const fds = s.state("uffds", () => new Map<string, number>());
    const name = String(step.fd ?? "uffd");
    const args = ((step.args ?? []) as unknown[]).map(sizes);
    const result = userfault(s, taskOf(step), op, args, fds.get(name) ?? -1);
    if (op === "open" && typeof result.fd === "number") {
      fds.set(name, result.fd);
      return { ...result, ret: 0 };
    }
    return result;
  },
};

/** `{task, lastRead}`: the byte that its blocked touch has read. */
const lastRead: StepKind = {
  inputs: [],
  run: (s, step) => {
    const { data } = s.join(taskOf(step), LAST_READ_NS);
    const got = data?.charCodeAt(0);
    if (got !== step.lastRead) throw new Mismatch(`lastRead ${show(step.lastRead)}`, `lastRead ${show(got)}`);
    return undefined;
  },
};

const files = fileSteps();

const read: StepKind = {
  inputs: ["line", "since", "fieldsDelta", "nodeShare"],
  missing: files.read.missing,
  run: (s, step) => {
    // a step without a task looks on while the tasks run
    const reader = step.task === undefined ? HOLDER : taskOf(step);
    const text = readFile(s, reader, String(step.read));
    const data = step.line === undefined ? text : lineOf(text, String(step.line));
    if (step.fieldsDelta !== undefined) checkDelta(s, step, text);
    if (step.nodeShare !== undefined) checkShare(step.nodeShare as { node: number; min: number }, data);
    return { ret: text.length, data, text };
  },
};

function lineOf(text: string, prefix: string): string {
  const line = text.split("\n").find((l) => l.startsWith(prefix));
  if (line === undefined) throw new Mismatch(`a line that starts with ${show(prefix)}`, show(text));
  return `${line}\n`;
}

function checkDelta(s: Session, step: Step, text: string): void {
  const before = keyValues(String(s.vars.get(String(step.since)) ?? ""));
  const now = keyValues(text);
  const delta = Object.fromEntries(
    Object.keys(step.fieldsDelta as object).map((k) => [k, Number(now[k]) - Number(before[k])]),
  );
  compare("fieldsDelta", step.fieldsDelta, delta, { multiline: false, readData: s.readData });
}

/** The share of the N-counts of a numa_maps line that one node has. */
function checkShare({ node, min }: { node: number; min: number }, line: string): void {
  let all = 0;
  let own = 0;
  for (const [, n, pages] of line.matchAll(/\bN(\d+)=(\d+)/g)) {
    all += Number(pages);
    if (Number(n) === node) own = Number(pages);
  }
  if (!(own / all >= min)) throw new Mismatch(`share ${min} of node ${node}`, show(line));
}

const stat: StepKind = {
  inputs: [],
  missing: (s) => (s.has("stat") ? undefined : "system call stat"),
  run: (s, step) => ({ mode: s.syscall<{ mode: number }>(taskOf(step), "stat", step.stat).mode.toString(8) }),
};

const ls: StepKind = {
  inputs: [],
  missing: files.listdir.missing,
  run: (s, step) => ({ entries: listDir(s, taskOf(step), String(step.ls)) }),
};

/** An address is hex text. */
const ret: Expectation = (expected, result, context) =>
  compare(
    "ret",
    typeof expected === "string" && expected.startsWith("0x") ? Number(expected) : expected,
    result.ret,
    context,
  );

const save: Effect = (s, what, result) => {
  s.vars.set(String(what), result.text);
};

function machineOf(m: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { nodes, distances } = m;
  if (nodes === undefined) return { cpus: 2 };
  if (typeof nodes === "number") return { nodes, cpus: Math.max(2, nodes) };
  const list = nodes as { cpus: string; memory: string }[];
  const cpuNode: number[] = [];
  list.forEach((node, nid) => {
    for (const cpu of cpuList(node.cpus)) cpuNode[cpu] = nid;
  });
  return {
    nodes: list.length,
    cpus: cpuNode.length,
    cpuNode,
    nodeMemory: list.map((node) => (node.memory === "0" ? 0 : node.memory)),
    ...(distances !== undefined && { distances }),
  };
}

function start(s: Session): void {
  makeHolder(s);
  makeDirs(s, "/tmp");
  makeTasks(s);
}

export const numa: Dialect = {
  package: "numa",
  caseKeys: [],
  machineKeys: ["nodes", "distances", "cmdline", "cpus", "memory"],
  taskKeys: ["uid", "gid", "groups", "caps", "threadOf"],
  multiline: false,
  compose: (c) => {
    const m = c.machine ?? {};
    const own = String(m.cmdline ?? "");
    const defaults = ["transparent_hugepage=never", "numa_balancing=enable"];
    const rest = defaults.filter((word) => !own.includes(word.slice(0, word.indexOf("=") + 1)));
    return {
      needs: ["numa"],
      machine: machineOf(m),
      cmdline: [...rest, own].filter((w) => w !== "").join(" "),
      // the kernels that were observed have CONFIG_TMPFS_INODE64
      vfs: { tmpfsInode64: true },
    };
  },
  start,
  substitute: (s, value, task) => {
    const { ret, ...rest } = value as Record<string, unknown>;
    const done = taskVariables(rest, (name) =>
      s.tasks.has(name) ? pidOf(s, name, s.tasks.has(task) ? task : HOLDER) : s.vars.get(name),
    ) as Record<string, unknown>;
    if (ret === undefined) return done;
    // "$g" binds at its first use.
    const bound = typeof ret === "string" && ret.startsWith("$") ? s.vars.get(ret.slice(1)) : ret;
    return bound === undefined ? { ...done, bind: String(ret).slice(1) } : { ...done, ret: bound };
  },
  kinds: {
    advance: advanceStep,
    fork: forkStep,
    sys: { ...sys, inputs: [...sys.inputs] },
    kernel: kernelStep(numaOps),
    uffd,
    access,
    touch,
    runs,
    ls,
    stat,
    lastRead,
    read,
    write: files.write,
  },
  expectations: {
    ret,
    out: property("out"),
    event: property("event"),
    copy: property("copy"),
    zeropage: property("zeropage"),
    signal: property("signal"),
    firstNode: property("firstNode"),
    nodesUsed: property("nodesUsed"),
    entries: property("entries"),
    mode: property("mode"),
  },
  effects: {
    save,
    bind: (s, what, result) => {
      s.vars.set(String(what), result.ret);
    },
  },
  pauseNs: 0,
};

/** What a kernel is made of: machine, command line, seed, limits, costs. Every default is a small 6.18 machine. */
import { parseSize } from "../lib/units.js";

export interface MachineOptions {
  /** Possible CPUs, 1..4096. Default 2. */
  cpus?: number;
  /** NUMA nodes, 1..64. Default 1. */
  nodes?: number;
  /** Memory: bytes, or text like "8G". Default "1G". Shared evenly by the nodes unless `nodeMemory` says otherwise. */
  memory?: number | string;
  /** Memory of each node. */
  nodeMemory?: readonly (number | string)[];
  /** Node of each CPU. Default: CPUs in equal blocks. */
  cpuNode?: readonly number[];
  /** Distances between nodes, row by row. Default 10 on the diagonal, 20 elsewhere. */
  distances?: readonly (readonly number[])[];
  /** Ticks per second, 24..10000. Default 250. */
  hz?: number;
  /** Kernel release that is shown. Default "6.18.44". */
  release?: string;
  hostname?: string;
  /** Real time at boot: seconds since 1970. Default 2025-12-01. */
  epoch?: number;
  /** TSC frequency in Hz. Default 2e9. */
  tscHz?: number;
  /** Timer wheel: Linux's levels since 4.8 ("levels"), or exact expiry as before ("cascading"). */
  timerWheel?: "levels" | "cascading";
  /** Control groups can be seen (CONFIG_CGROUPS): their file systems, /proc/cgroups, /proc/PID/cgroup. Default true. */
  cgroups?: boolean;
}

export interface Limits {
  /** Steps and events at one instant of virtual time before the run is given up as endless. Default 1e7. */
  eventsPerInstant?: number;
  /** Virtual time an outside call may drive without a deadline of its own, ns. Default 1 hour. */
  outsideCallNs?: number;
  /** Virtual time the kernel may reach, ns since boot: whoever drives it further gets a RangeError. Default no limit. */
  virtualNs?: number;
}

/** What things cost in virtual time, ns. */
export interface CostModel {
  /** System time of each system call made by a program. Default 100. Calls from outside cost nothing. */
  syscall?: number;
  /** Each hard interrupt. Default 0. */
  irq?: number;
  /** A page fault. Default 0. */
  fault?: number;
}

/** How files behave where designs differ. Defaults are what Linux 6.18 does. */
export interface VfsOptions {
  /** When the last reference to an open file ends it: before the task returns to user mode, at once, or by a later event. */
  fput?: "task_work" | "inline" | "deferred";
  /** Which inodes count changes (i_version): all, those mounted with i_version, none. Default "always". */
  iversion?: "always" | "mount-option" | "none";
  /** tmpfs has inode numbers of 64 bits unless it is mounted with inode32, and says so (CONFIG_TMPFS_INODE64). Default false. */
  tmpfsInode64?: boolean;
}

export interface KernelOptions {
  machine?: MachineOptions;
  /** The kernel command line. */
  cmdline?: string;
  /** Same seed, same inputs: same run. Default 1. */
  seed?: number;
  limits?: Limits;
  costs?: CostModel;
  vfs?: VfsOptions;
  /** Wake random sleepers for no reason: a test mode in which no result may change. */
  spuriousWakeups?: boolean;
}

export interface Machine {
  readonly cpus: number;
  readonly nodes: number;
  readonly memoryBytes: number;
  readonly nodeMemoryBytes: readonly number[];
  readonly cpuNode: readonly number[];
  readonly distances: readonly (readonly number[])[];
  readonly hz: number;
  readonly release: string;
  readonly hostname: string;
  readonly epochNs: number;
  readonly tscHz: number;
  readonly timerWheel: "levels" | "cascading";
  readonly cgroups: boolean;
}

export interface Options {
  readonly machine: Machine;
  readonly cmdline: string;
  readonly seed: number;
  readonly limits: Required<Limits>;
  readonly costs: Required<CostModel>;
  readonly vfs: Required<VfsOptions>;
  readonly spuriousWakeups: boolean;
}

function integer(name: string, v: unknown, def: number, min: number, max: number): number {
  if (v === undefined) return def;
  if (typeof v !== "number" || !Number.isInteger(v) || v < min || v > max)
    throw new RangeError(`${name}: must be an integer from ${min} to ${max}, not ${String(v)}`);
  return v;
}

/** One of the values, the first if nothing is said. */
function oneOf<T extends string | boolean>(name: string, v: unknown, values: readonly T[]): T {
  if (v === undefined) return values[0];
  if (!values.includes(v as T)) throw new TypeError(`${name}: must be one of ${values.join(", ")}, not ${String(v)}`);
  return v as T;
}

function known(name: string, o: object | undefined, keys: readonly string[]): void {
  if (o === undefined) return;
  if (typeof o !== "object" || o === null) throw new TypeError(`${name}: must be an object, not ${String(o)}`);
  for (const k of Object.keys(o))
    if (!keys.includes(k)) throw new TypeError(`${name}.${k}: unknown option; allowed are ${keys.join(", ")}`);
}

function bytes(name: string, v: number | string): number {
  const n = typeof v === "number" ? v : parseSize(v);
  if (!Number.isInteger(n) || n < 4096)
    throw new RangeError(`${name}: must be at least 4096 bytes, as a number or like "8G", not ${String(v)}`);
  return n - (n % 4096);
}

/** Check options and fill in the defaults. TypeError/RangeError name the option, the value and what is allowed. */
export function resolveOptions(o: KernelOptions = {}): Options {
  known("createKernel options", o, ["machine", "cmdline", "seed", "limits", "costs", "vfs", "spuriousWakeups"]);
  const m = o.machine ?? {};
  known("machine", m, [
    "cpus",
    "nodes",
    "memory",
    "nodeMemory",
    "cpuNode",
    "distances",
    "hz",
    "release",
    "hostname",
    "epoch",
    "tscHz",
    "timerWheel",
    "cgroups",
  ]);
  known("limits", o.limits, ["eventsPerInstant", "outsideCallNs", "virtualNs"]);
  known("costs", o.costs, ["syscall", "irq", "fault"]);
  known("vfs", o.vfs, ["fput", "iversion", "tmpfsInode64"]);
  const cpus = integer("machine.cpus", m.cpus, m.cpuNode?.length ?? 2, 1, 4096);
  const nodes = integer("machine.nodes", m.nodes, m.nodeMemory?.length ?? 1, 1, 64);
  let nodeMemoryBytes: number[];
  if (m.nodeMemory !== undefined) {
    if (m.nodeMemory.length !== nodes)
      throw new RangeError(`machine.nodeMemory: must have ${nodes} entries, not ${m.nodeMemory.length}`);
    nodeMemoryBytes = m.nodeMemory.map((v, i) => (v === 0 ? 0 : bytes(`machine.nodeMemory[${i}]`, v)));
  } else {
    const total = bytes("machine.memory", m.memory ?? "1G");
    const each = Math.floor(total / nodes / 4096) * 4096;
    nodeMemoryBytes = Array.from({ length: nodes }, (_, i) => (i === nodes - 1 ? total - each * (nodes - 1) : each));
  }
  const cpuNode = m.cpuNode ?? Array.from({ length: cpus }, (_, i) => Math.floor((i * nodes) / cpus));
  if (cpuNode.length !== cpus || cpuNode.some((n) => !Number.isInteger(n) || n < 0 || n >= nodes))
    throw new RangeError(`machine.cpuNode: must have ${cpus} entries from 0 to ${nodes - 1}`);
  const distances =
    m.distances ??
    Array.from({ length: nodes }, (_, i) => Array.from({ length: nodes }, (_, j) => (i === j ? 10 : 20)));
  if (
    distances.length !== nodes ||
    distances.some((r) => r.length !== nodes || r.some((d) => !Number.isInteger(d) || d < 1 || d > 255))
  )
    throw new RangeError(`machine.distances: must be ${nodes} rows of ${nodes} integers from 1 to 255`);
  const wheel = m.timerWheel ?? "levels";
  if (wheel !== "levels" && wheel !== "cascading")
    throw new TypeError(`machine.timerWheel: must be "levels" or "cascading", not ${String(wheel)}`);
  if (o.cmdline !== undefined && typeof o.cmdline !== "string")
    throw new TypeError(`cmdline: must be a string, not ${String(o.cmdline)}`);
  const cost = (name: keyof CostModel, def: number): number => integer(`costs.${name}`, o.costs?.[name], def, 0, 1e9);
  return {
    machine: {
      cpus,
      nodes,
      memoryBytes: nodeMemoryBytes.reduce((a, b) => a + b, 0),
      nodeMemoryBytes,
      cpuNode,
      distances,
      hz: integer("machine.hz", m.hz, 250, 24, 10000),
      release: m.release ?? "6.18.44",
      hostname: m.hostname ?? "kernelkit",
      epochNs: integer("machine.epoch", m.epoch, 1_764_547_200, 0, 4e9) * 1e9,
      tscHz: integer("machine.tscHz", m.tscHz, 2e9, 1e6, 1e11),
      timerWheel: wheel,
      cgroups: oneOf("machine.cgroups", m.cgroups, [true, false]),
    },
    cmdline: o.cmdline ?? "",
    seed: integer("seed", o.seed, 1, 0, 0xffffffff),
    limits: {
      eventsPerInstant: integer("limits.eventsPerInstant", o.limits?.eventsPerInstant, 1e7, 1, 1e12),
      outsideCallNs: integer("limits.outsideCallNs", o.limits?.outsideCallNs, 3600e9, 0, 2 ** 53),
      virtualNs:
        o.limits?.virtualNs === undefined
          ? Number.POSITIVE_INFINITY
          : integer("limits.virtualNs", o.limits.virtualNs, 0, 0, 2 ** 53),
    },
    costs: { syscall: cost("syscall", 100), irq: cost("irq", 0), fault: cost("fault", 0) },
    vfs: {
      fput: oneOf("vfs.fput", o.vfs?.fput, ["task_work", "inline", "deferred"]),
      iversion: oneOf("vfs.iversion", o.vfs?.iversion, ["always", "mount-option", "none"]),
      tmpfsInode64: oneOf("vfs.tmpfsInode64", o.vfs?.tmpfsInode64, [false, true]),
    },
    spuriousWakeups: o.spuriousWakeups ?? false,
  };
}

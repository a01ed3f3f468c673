/**
 * cpusets: which CPUs and memory nodes the tasks of a control group may use. A `Cpuset` is the state of a group; what tasks get is the
 * effective part of it, what the ancestors leave. cpuset(7), kernel documents admin-guide/cgroup-v2 "Cpuset", admin-guide/cgroup-v1/cpusets.
 */
import { type Core, type Css, maskHas } from "@kernelkit/core";
import { maskOfNodes } from "../policy/nodes.js";

/** What cpuset.cpus.partition was told. */
export type PartitionKind = "member" | "root" | "isolated";

/** Flags of v1, by the name of their file. */
export type CpusetFlag =
  | "cpu_exclusive"
  | "mem_exclusive"
  | "mem_hardwall"
  | "memory_migrate"
  | "sched_load_balance"
  | "memory_spread_page"
  | "memory_spread_slab";

export class Cpuset {
  /** As configured; words of 32. */
  cpus: Uint32Array;
  mems: Uint32Array;
  exclusive: Uint32Array;
  /** What its tasks get. */
  effectiveCpus: Uint32Array;
  effectiveMems: Uint32Array;
  /** CPUs that it has to itself, as a valid partition. */
  exclusiveEffective: Uint32Array;
  /** Nodes its tasks' memory was last bound to. */
  oldMems: Uint32Array;
  readonly children: Cpuset[] = [];
  readonly flags: Record<CpusetFlag, boolean> = {
    cpu_exclusive: false,
    mem_exclusive: false,
    mem_hardwall: false,
    memory_migrate: false,
    sched_load_balance: true,
    memory_spread_page: false,
    memory_spread_slab: false,
  };
  relaxDomainLevel = -1;
  partition: PartitionKind = "member";
  /** Why the partition does not hold; "": it does. */
  invalid = "";

  constructor(
    readonly parent: Cpuset | null,
    cpuWords: number,
    nodeWords: number,
  ) {
    const words = (n: number): Uint32Array => new Uint32Array(n);
    this.cpus = words(cpuWords);
    this.exclusive = words(cpuWords);
    this.effectiveCpus = words(cpuWords);
    this.exclusiveEffective = words(cpuWords);
    this.mems = words(nodeWords);
    this.effectiveMems = words(nodeWords);
    this.oldMems = words(nodeWords);
  }

  /** A partition that holds. The top group is one. */
  get isPartition(): boolean {
    return this.parent === null || (this.partition !== "member" && this.invalid === "");
  }
}

export const cpusetOf = (css: Css): Cpuset => css.data as Cpuset;

// --- sets as words ---

export const isEmpty = (a: Uint32Array): boolean => a.every((w) => w === 0);
export const and = (a: Uint32Array, b: Uint32Array): Uint32Array => a.map((w, i) => w & (b[i] ?? 0));
export const or = (a: Uint32Array, b: Uint32Array): Uint32Array => a.map((w, i) => w | (b[i] ?? 0));
export const without = (a: Uint32Array, b: Uint32Array): Uint32Array => a.map((w, i) => w & ~(b[i] ?? 0));
export const isSubset = (a: Uint32Array, b: Uint32Array): boolean => isEmpty(without(a, b));
export const intersects = (a: Uint32Array, b: Uint32Array): boolean => !isEmpty(and(a, b));
export const sameSet = (a: Uint32Array, b: Uint32Array): boolean => a.every((w, i) => w === b[i]);

/** CPUs that are on line. */
export function onlineCpus(k: Core): Uint32Array {
  const m = new Uint32Array((k.cpus.nr + 31) >> 5);
  for (let cpu = 0; cpu < k.cpus.nr; cpu++) if (k.cpus.online[cpu] === 1) m[cpu >> 5] |= 1 << (cpu & 31);
  return m;
}

/** All CPUs there may ever be. */
export function possibleCpus(k: Core): Uint32Array {
  const m = new Uint32Array((k.cpus.nr + 31) >> 5);
  for (let cpu = 0; cpu < k.cpus.nr; cpu++) m[cpu >> 5] |= 1 << (cpu & 31);
  return m;
}

/** Nodes as words wide enough for tasks' masks. */
export const nodeWords = (nodes: readonly number[]): Uint32Array => maskOfNodes(nodes, 32);

export function anyOnline(k: Core, m: Uint32Array): boolean {
  for (let cpu = 0; cpu < k.cpus.nr; cpu++) if (k.cpus.online[cpu] === 1 && maskHas(m, cpu)) return true;
  return false;
}

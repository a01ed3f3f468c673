/** What the package shares: settings of the machine, slots of tasks, areas and page caches, and how to reach them. All plain state. */
import type { AddressSpace, Core, Inode, Mm, Task, Tracepoint, Vma } from "@kernelkit/core";
import { MmNuma, TaskNuma, type VmaNumab } from "./balance/taskNuma.js";
import { type NumaCosts, NumaSpent } from "./cost/numaCosts.js";
import type { ResolvedOptions } from "./options.js";
import { type Mempolicy, mpolEqual } from "./policy/mempolicy.js";
import { maskHasNode, type NodeList, nodesOfMask } from "./policy/nodes.js";
import { SharedPolicy } from "./policy/sharedPolicy.js";
import type { Strategy } from "./strategy/strategy.js";
import { MemoryTiers } from "./tiering/memoryTiers.js";

/** Settings behind files. */
export class NumaSettings {
  balancing = 0;
  promoteRateLimit = 65536;
  scanDelay = 1000;
  scanPeriodMin = 1000;
  scanPeriodMax = 60000;
  scanSize = 256;
  hotThreshold = 1000;
  demotion = false;
  /** Weight by node, and whether nobody has set one. */
  readonly weights: number[] = [];
  weightsAuto = true;
  numaStat = 1;
  zoneReclaimMode = 0;
}

/** Why pages moved, as mm_migrate_pages says. */
export type MigrateReason =
  | "compaction"
  | "syscall_or_cpuset"
  | "mempolicy_mbind"
  | "numa_misplaced"
  | "demotion"
  | "memory_hotplug";

export class NumaSystem {
  readonly settings: NumaSettings = new NumaSettings();
  readonly spent: NumaSpent = new NumaSpent();
  readonly costs: NumaCosts;
  /** Nodes that have memory, ascending; and nodes that have CPUs. */
  readonly memory: NodeList;
  readonly withCpus: NodeList;
  readonly nodes: number;
  /** CPUs of each node. */
  readonly cpusOf: readonly (readonly number[])[];
  readonly tiers: MemoryTiers;
  readonly taskSlot: number;
  readonly vmaSlot: number;
  readonly numabSlot: number;
  readonly mmSlot: number;
  readonly mappingSlot: number;
  /** Set at install. */
  strategy!: Strategy;
  private readonly migratePages: Tracepoint<
    [succeeded: number, failed: number, thp: number, thpFailed: number, thpSplit: number, reason: string]
  >;

  constructor(
    readonly k: Core,
    o: ResolvedOptions,
  ) {
    const { machine } = k.options;
    this.costs = o.costs;
    this.nodes = machine.nodes;
    this.memory = machine.nodeMemoryBytes.flatMap((b, i) => (b > 0 ? [i] : []));
    this.cpusOf = machine.nodeMemoryBytes.map((_, nid) =>
      machine.cpuNode.flatMap((n, cpu) => (n === nid ? [cpu] : [])),
    );
    this.withCpus = this.cpusOf.flatMap((cpus, nid) => (cpus.length > 0 ? [nid] : []));
    for (let i = 0; i < machine.nodes; i++) this.settings.weights.push(1);
    this.tiers = new MemoryTiers(k, this.memory, o.slowNodes);
    const { mm } = k;
    this.taskSlot = k.slots.task.add("numa", () => new TaskNuma());
    this.mmSlot = mm.mmSlots.add("numa", () => {
      const s = new MmNuma();
      s.nextScanNs = k.now + this.settings.scanDelay * 1e6;
      return s;
    });
    this.vmaSlot = mm.addVmaSlot({
      name: "numa.policy",
      init: () => null,
      // two calls make two policies that are alike
      same: (a, b) => mpolEqual(a as Mempolicy | null, b as Mempolicy | null),
    });
    this.numabSlot = mm.addVmaSlot({
      name: "numa.numab",
      init: () => null,
      same: () => true,
      split: () => null,
      fork: () => null,
    });
    this.mappingSlot = mm.mappingSlots.add("numa.policy", () => null);
    this.migratePages = k.trace.define(
      "migrate",
      "mm_migrate_pages",
      (ok: number, failed: number, thp: number, thpFailed: number, split: number, reason: string) =>
        `nr_succeeded=${ok} nr_failed=${failed} nr_thp_succeeded=${thp} nr_thp_failed=${thpFailed} nr_thp_split=${split} ` +
        `nr_split=${split} mode=${reason === "numa_misplaced" || reason === "demotion" ? "MIGRATE_ASYNC" : "MIGRATE_SYNC"} reason=${reason}`,
    );
  }

  /** Pages have moved, or could not: the tracepoint mm_migrate_pages. */
  migrated(ok: number, failed: number, huge: boolean, reason: MigrateReason, split = 0): void {
    const tp = this.migratePages;
    if (tp.on) tp.emit(ok, failed, huge && ok > 0 ? 1 : 0, huge && failed > 0 ? 1 : 0, split, reason);
  }

  task(t: Task): TaskNuma {
    return t.slots[this.taskSlot] as TaskNuma;
  }
  mm(mm: Mm): MmNuma {
    return mm.slots[this.mmSlot] as MmNuma;
  }
  numab(v: Vma): VmaNumab | null {
    return v.slots[this.numabSlot] as VmaNumab | null;
  }
  /** Node of a CPU. */
  nodeOfCpu(cpu: number): number {
    return this.k.options.machine.cpuNode[cpu];
  }
  distance(from: number, to: number): number {
    return this.k.options.machine.distances[from][to];
  }
  /** Nodes a task may use. */
  allowed(t: Task): NodeList {
    return nodesOfMask(t.memsAllowed).filter((n) => this.memory.includes(n));
  }
  hasMemory(nid: number): boolean {
    return this.memory.includes(nid);
  }

  /** Policies of an object, null: it has none. */
  shared(mapping: AddressSpace): SharedPolicy | null {
    return mapping.slots === null
      ? null
      : ((mapping.slots[this.mappingSlot] as SharedPolicy | null | undefined) ?? null);
  }
  /** Policy of a page of an object: set by mbind(2), or the mount's. */
  sharedAt(mapping: AddressSpace, index: number): Mempolicy | null {
    const own = this.shared(mapping)?.lookup(index);
    if (own != null) return own;
    const sb = (mapping.host as Partial<Inode>).sb;
    return ((sb?.data as { mpol?: Mempolicy } | null | undefined)?.mpol as Mempolicy | undefined) ?? null;
  }
  /** An area's own policy at an address: of its object if it maps shared memory. */
  vmaPolicy(v: Vma, addr: number): Mempolicy | null {
    if (v.mapping !== null && v.mapping.aOps.swapBacked === true) return this.sharedAt(v.mapping, v.pgoffOf(addr));
    return v.slots[this.vmaSlot] as Mempolicy | null;
  }
  setVmaPolicy(v: Vma, p: Mempolicy | null): void {
    v.slots[this.vmaSlot] = p;
    const { mapping } = v;
    if (mapping === null || mapping.aOps.swapBacked !== true) return;
    mapping.slots ??= [];
    mapping.slots[this.mappingSlot] ??= new SharedPolicy();
    (mapping.slots[this.mappingSlot] as SharedPolicy).set(v.pgoff, v.pgoff + v.pages, p);
  }
  /** The nearest node of `mask` in the order of the fallback list of `nid`; -1: none. */
  nearest(nid: number, mask: Uint32Array): number {
    for (const n of this.k.mm.fallback[nid]) if (maskHasNode(mask, n)) return n;
    return -1;
  }
}

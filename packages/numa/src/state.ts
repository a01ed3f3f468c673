/** What the package keeps on tasks, areas and page caches, and settings of the machine. All plain state. */
import type { AddressSpace, Core, Inode, Task, Vma } from "@kernelkit/core";
import type { Mempolicy } from "./policy/mempolicy.js";
import { maskHasNode, type NodeList, nodesOfMask } from "./policy/nodes.js";
import { SharedPolicy } from "./policy/sharedPolicy.js";

/** Of a task: its policy and balancing statistics. */
export class TaskNuma {
  policy: Mempolicy | null = null;
  /** Node of the last interleaved allocation without an area; -1: none. */
  ilPrev = -1;
  /** Allocations left on `ilPrev` under MPOL_WEIGHTED_INTERLEAVE. */
  ilWeight = 0;
  nodeStampNs = 0;
  scanPeriodMs = 0;
  scanSeq = 0;
  preferredNid = -1;
  pagesMigrated = 0;
  /** remote, local, failed */
  readonly locality: number[] = [0, 0, 0];
  /** [node][shared, private]: averages, and what came since the last pass; empty until the first hint fault. */
  faults: number[] = [];
  buffer: number[] = [];
  totalFaults = 0;
  /** A scan is queued for its next return to user mode. */
  workPending = false;
}

/** Of an address space. */
export class MmNuma {
  nextScanNs = 0;
  scanOffset = 0;
  scanSeq = 0;
}

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

export class NumaSystem {
  readonly settings: NumaSettings = new NumaSettings();
  /** Nodes that have memory, ascending. */
  readonly memory: NodeList;
  readonly nodes: number;
  readonly taskSlot: number;
  readonly vmaSlot: number;
  readonly mmSlot: number;
  readonly mappingSlot: number;

  constructor(readonly k: Core) {
    const { machine } = k.options;
    this.nodes = machine.nodes;
    this.memory = machine.nodeMemoryBytes.flatMap((b, i) => (b > 0 ? [i] : []));
    for (let i = 0; i < machine.nodes; i++) this.settings.weights.push(1);
    const { mm } = k;
    this.taskSlot = k.slots.task.add("numa", () => new TaskNuma());
    this.mmSlot = mm.mmSlots.add("numa", () => {
      const s = new MmNuma();
      s.nextScanNs = k.now + this.settings.scanDelay * 1e6;
      return s;
    });
    this.vmaSlot = mm.addVmaSlot({ name: "numa.policy", init: () => null });
    this.mappingSlot = mm.mappingSlots.add("numa.policy", () => null);
  }

  task(t: Task): TaskNuma {
    return t.slots[this.taskSlot] as TaskNuma;
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
  /** The nodes in the order of the fallback list of `nid`, only those of `mask`. */
  nearest(nid: number, mask: Uint32Array): number {
    for (const n of this.k.mm.fallback[nid]) if (maskHasNode(mask, n)) return n;
    return -1;
  }
}

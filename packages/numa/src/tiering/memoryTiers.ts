/**
 * Memory tiers: which nodes' memory is slower than others', and where pages of a node are demoted to. Linux puts a node into a tier by its
 * abstract distance (DRAM 576, memory that a device driver brings 2880 by default); here the option `slowNodes` says which nodes are of
 * the second kind. ABI/testing/sysfs-kernel-mm-memory-tiers, kernel document admin-guide/sysctl/kernel.
 */
import { type Core, formatList } from "@kernelkit/core";
import { maskOfNodes, type NodeList } from "../policy/nodes.js";

/** Tier numbers as sysfs has them: abstract distance / 128. */
const TIER_DRAM = 4;
const TIER_SLOW = 22;

export class MemoryTiers {
  /** 1: its memory is of the fastest tier. */
  readonly top: Uint8Array;
  /** Nodes that pages of a node are demoted to, the nearest; empty: nowhere. */
  readonly demotionTargets: readonly NodeList[];

  constructor(
    private readonly k: Core,
    private readonly memory: NodeList,
    readonly slow: NodeList,
  ) {
    const { nodes, distances } = k.options.machine;
    for (const n of slow)
      if (!memory.includes(n)) throw new RangeError(`numa: slowNodes has ${n}, which is no node with memory`);
    this.top = new Uint8Array(nodes).fill(1);
    // where all memory is slow none is
    if (slow.length < memory.length) for (const n of slow) this.top[n] = 0;
    this.demotionTargets = distances.map((row, nid) => {
      if (this.top[nid] === 0) return [];
      const lower = memory.filter((n) => this.top[n] === 0);
      const best = Math.min(...lower.map((n) => row[n]));
      return lower.filter((n) => row[n] === best);
    });
  }

  isTop(nid: number): boolean {
    return this.top[nid] === 1;
  }

  /** The files /sys/devices/virtual/memory_tiering/memory_tierN/nodelist. */
  install(): void {
    const of = (top: number): NodeList => this.memory.filter((n) => this.top[n] === top);
    for (const [tier, nodes] of [
      [TIER_DRAM, of(1)],
      [TIER_SLOW, of(0)],
    ] as const) {
      if (nodes.length === 0) continue;
      this.k.sysfs.file(`devices/virtual/memory_tiering/memory_tier${tier}/nodelist`, {
        show: () => `${formatList(maskOfNodes(nodes, 32))}\n`,
      });
    }
  }
}

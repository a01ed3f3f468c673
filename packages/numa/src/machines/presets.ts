/** Machines by published tables of distances, for `createKernel({ machine: MACHINES.ring4 })`. Memory is small: columns cost as much. */
import type { MachineOptions } from "@kernelkit/core";

/** A machine, which of its nodes are slow memory (`numa({ slowNodes })`), and where its table comes from. */
export interface MachinePreset {
  readonly machine: MachineOptions & { readonly distances: readonly (readonly number[])[] };
  readonly slowNodes: readonly number[];
  readonly source: string;
}

/** CPUs of `nodes` nodes with `each` CPUs in blocks. */
const blocks = (nodes: number, each: number): number[] =>
  Array.from({ length: nodes * each }, (_, i) => Math.floor(i / each));

function preset(
  nodes: number,
  withCpus: number,
  each: number,
  memory: string,
  distance: (a: number, b: number) => number,
  source: string,
  slowNodes: readonly number[] = [],
): MachinePreset {
  const ids = Array.from({ length: nodes }, (_, i) => i);
  return {
    machine: {
      cpus: withCpus * each,
      nodes,
      nodeMemory: ids.map(() => memory),
      cpuNode: blocks(withCpus, each),
      distances: ids.map((a) => ids.map((b) => (a === b ? 10 : distance(a, b)))),
    },
    slowNodes,
    source,
  };
}

const PMEM = [
  [10, 20, 30, 40],
  [20, 10, 40, 30],
  [30, 40, 10, 40],
  [40, 30, 40, 10],
];

export const MACHINES: Readonly<Record<"twoSocket" | "ring4" | "epycNps4" | "pmem" | "memoryOnly", MachinePreset>> = {
  twoSocket: preset(2, 2, 4, "512M", () => 21, "numactl --hardware of two-socket Xeon servers: 10 and 21"),
  ring4: preset(
    4,
    4,
    2,
    "256M",
    (a, b) => ((a + b) % 2 === 1 ? 20 : 30),
    "the four-node ring of the comment on sched_init_numa() in Linux: 20 to neighbours, 30 across",
  ),
  epycNps4: preset(
    8,
    8,
    2,
    "128M",
    (a, b) => (a >> 2 === b >> 2 ? 12 : 32),
    "AMD's EPYC tuning guides, two sockets in NPS4 mode: 12 within a socket, 32 between",
  ),
  pmem: preset(
    4,
    2,
    2,
    "256M",
    (a, b) => PMEM[a][b],
    "example 1 of mm/memory-tiers.c in Linux: two nodes of DRAM with CPUs, two of persistent memory without",
    [2, 3],
  ),
  memoryOnly: preset(
    3,
    2,
    2,
    "256M",
    (a, b) => (a === 2 || b === 2 ? 30 : 20),
    "example 2 of mm/memory-tiers.c in Linux: a third node with memory only, here as slow memory (a CXL expander)",
    [2],
  ),
};

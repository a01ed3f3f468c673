/**
 * How much a task or group belongs to a node: 1000 * its faults there / all of them, with the nodes nearby where the machine has more
 * than one step of distance. `task_weight()`, `group_weight()`, `preferred_group_nid()`.
 */
import type { NumaSystem } from "../../state.js";
import type { TaskNuma } from "../taskNuma.js";
import type { NumaGroup } from "./numaGroup.js";

/** How nodes are connected: all alike, through others, or in groups behind a backplane. `enum numa_topology_type` */
export type Topology = "direct" | "glueless mesh" | "backplane";

const LOCAL_DISTANCE = 10;

/** By the distance table: `init_numa_topology_type()`. */
export function topologyOf(distances: readonly (readonly number[])[]): { type: Topology; max: number } {
  const levels = new Set(distances.flat());
  const max = Math.max(...levels);
  if (levels.size <= 2) return { type: "direct", max };
  const n = distances.length;
  for (let a = 0; a < n; a++)
    for (let b = 0; b < n; b++) {
      if (distances[a][b] < max) continue;
      // is there a node between the two that are farthest apart?
      for (let c = 0; c < n; c++)
        if (distances[a][c] < max && distances[b][c] < max) return { type: "glueless mesh", max };
      return { type: "backplane", max };
    }
  return { type: "direct", max };
}

export class Weights {
  readonly topology: Topology;
  private readonly max: number;

  constructor(private readonly sys: NumaSystem) {
    const { type, max } = topologyOf(sys.k.options.machine.distances);
    this.topology = type;
    this.max = max;
  }

  private static of(n: TaskNuma | NumaGroup, nid: number): number {
    return n.faults.length === 0 ? 0 : n.faults[nid * 2] + n.faults[nid * 2 + 1];
  }

  /** Faults on nodes near `nid`: nearer ones count more, those at `limit` or beyond not at all behind a backplane. */
  private nearby(n: TaskNuma | NumaGroup, nid: number, limit: number): number {
    if (this.topology === "direct") return 0;
    let score = 0;
    for (let node = 0; node < this.sys.nodes; node++) {
      const dist = this.sys.distance(nid, node);
      if (node === nid || dist >= this.max || (this.topology === "backplane" && dist >= limit)) continue;
      const faults = Weights.of(n, node);
      score +=
        this.topology === "glueless mesh"
          ? Math.floor((faults * (this.max - dist)) / (this.max - LOCAL_DISTANCE))
          : faults;
    }
    return score;
  }

  private weight(n: TaskNuma | NumaGroup, nid: number, limit: number): number {
    if (n.totalFaults === 0) return 0;
    return Math.floor((1000 * (Weights.of(n, nid) + this.nearby(n, nid, limit))) / n.totalFaults);
  }

  /** 0..1000, more with nodes nearby. */
  task(n: TaskNuma, nid: number, limit: number): number {
    return this.weight(n, nid, limit);
  }
  group(n: TaskNuma, nid: number, limit: number): number {
    return n.group === null ? 0 : this.weight(n.group, nid, limit);
  }

  /** The node a task of a group should prefer, `nid` being the one with most faults. */
  preferredGroupNid(n: TaskNuma, nid: number): number {
    const g = n.group;
    if (g === null || this.topology === "direct") return nid;
    return this.topology === "glueless mesh" ? this.bestOfMesh(g, nid) : this.bestOfBackplane(g, nid);
  }

  private bestOfMesh(g: NumaGroup, nid: number): number {
    let best = nid;
    let most = 0;
    for (const node of this.sys.withCpus) {
      const score = this.weight(g, node, this.max);
      if (score > most) {
        most = score;
        best = node;
      }
    }
    return best;
  }

  /** The side of the backplane with most faults, in it the part with most, down to one node. */
  private bestOfBackplane(g: NumaGroup, nid: number): number {
    let nodes = [...this.sys.withCpus];
    let best = nid;
    const distances = [...new Set(this.sys.k.options.machine.distances.flat())].sort((a, b) => b - a);
    for (const dist of distances) {
      if (dist <= LOCAL_DISTANCE) break;
      let most = 0;
      let winners: number[] = [];
      let rest = nodes;
      for (const a of nodes) {
        if (!rest.includes(a)) continue;
        const part = rest.filter((b) => this.sys.distance(a, b) < dist);
        rest = rest.filter((b) => !part.includes(b));
        const faults = part.reduce((s, b) => s + g.faultsOf(b), 0);
        if (faults <= most) continue;
        most = faults;
        winners = part;
        best = a;
      }
      if (most === 0) break;
      nodes = winners;
    }
    return best;
  }
}

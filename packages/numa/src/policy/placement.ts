/**
 * Where a page goes: the policy that holds for it, and from that the node to begin with and the nodes that may serve. Kernel document
 * admin-guide/mm/numa_memory_policy. It listens to `pageChoose`, before every allocation.
 */
import {
  type AllocRequest,
  MPOL_BIND,
  MPOL_INTERLEAVE,
  MPOL_LOCAL,
  MPOL_PREFERRED,
  MPOL_PREFERRED_MANY,
  MPOL_WEIGHTED_INTERLEAVE,
  PAGE_ANON,
  PAGE_FILE,
  PAGE_KERNEL,
  PAGE_SHMEM,
} from "@kernelkit/core";
import type { TaskNuma } from "../balance/taskNuma.js";
import type { NumaSystem } from "../state.js";
import type { Mempolicy } from "./mempolicy.js";
import { maskHasNode } from "./nodes.js";

/** Node of the n-th page, by weights if `weights` is given. */
export function interleaveNid(p: Mempolicy, index: number, weights: readonly number[] | null): number {
  const { nodes } = p;
  if (weights === null) return nodes[index % nodes.length];
  let total = 0;
  for (let i = 0; i < nodes.length; i++) total += weights[nodes[i]];
  let rest = index % total;
  for (let i = 0; i < nodes.length; i++) {
    rest -= weights[nodes[i]];
    if (rest < 0) return nodes[i];
  }
  return nodes[0];
}

/** The member that follows `nid`, round. */
export function nextNodeIn(nid: number, nodes: readonly number[]): number {
  for (const n of nodes) if (n > nid) return n;
  return nodes[0];
}

/** Node of the next interleaved allocation without an area; the task's counters move on. */
function interleaveTask(sys: NumaSystem, t: TaskNuma, p: Mempolicy): number {
  if (p.mode === MPOL_INTERLEAVE) {
    t.ilPrev = nextNodeIn(t.ilPrev, p.nodes);
    return t.ilPrev;
  }
  if (t.ilWeight === 0 || !p.nodes.includes(t.ilPrev)) {
    t.ilPrev = nextNodeIn(t.ilPrev, p.nodes);
    t.ilWeight = sys.settings.weights[t.ilPrev];
  }
  t.ilWeight--;
  return t.ilPrev;
}

/** Has a member room above its min watermark? */
function hasRoom(sys: NumaSystem, p: Mempolicy, order: number): boolean {
  for (const z of sys.k.mm.zones)
    if (maskHasNode(p.mask, z.nid) && z.free - (1 << order) > z.min + z.reserve[2]) return true;
  return false;
}

/** Set node, mask and interleave of a request. */
export function placePage(sys: NumaSystem, r: AllocRequest): void {
  const { kind, task } = r;
  const user = kind === PAGE_ANON || kind === PAGE_FILE || kind === PAGE_SHMEM;
  if (!user && kind !== PAGE_KERNEL) return;
  const own = task === null ? null : sys.task(task);
  let p: Mempolicy | null = null;
  let indexed = false;
  if (r.vma !== null) {
    p = sys.vmaPolicy(r.vma, r.addr);
    indexed = true;
  } else if (r.mapping !== null && kind === PAGE_SHMEM) {
    p = sys.sharedAt(r.mapping, r.index);
    indexed = true;
  }
  if (p === null && own !== null) p = own.policy;
  if (p === null && user && task !== null) {
    const home = sys.strategy.homeNode(task);
    if (home >= 0) r.nid = home;
  }
  if (p !== null && p.mode !== MPOL_LOCAL) applyPolicy(sys, r, p, own, indexed);
  if (r.nodemask === null && user && task !== null && restricted(sys, task.memsAllowed)) r.nodemask = task.memsAllowed;
}

function restricted(sys: NumaSystem, mask: Uint32Array): boolean {
  for (const n of sys.memory) if (!maskHasNode(mask, n)) return true;
  return false;
}

function applyPolicy(sys: NumaSystem, r: AllocRequest, p: Mempolicy, own: TaskNuma | null, indexed: boolean): void {
  const near = p.homeNode >= 0 ? p.homeNode : r.nid;
  switch (p.mode) {
    case MPOL_PREFERRED:
      r.nid = p.nodes[0];
      break;
    case MPOL_BIND:
      r.nid = near;
      r.nodemask = p.mask;
      break;
    case MPOL_PREFERRED_MANY:
      if (hasRoom(sys, p, r.order)) {
        r.nid = near;
        r.nodemask = p.mask;
      }
      break;
    case MPOL_INTERLEAVE:
    case MPOL_WEIGHTED_INTERLEAVE:
      if (indexed) {
        const weights = p.mode === MPOL_WEIGHTED_INTERLEAVE ? sys.settings.weights : null;
        if (r.run > 1) spread(r, p, weights);
        r.nid = interleaveNid(p, Math.floor(r.index / (1 << r.order)), weights);
      } else if (own !== null) r.nid = interleaveTask(sys, own, p);
      r.interleave = true;
      break;
  }
}

/** Each page of a run has its own node. */
function spread(r: AllocRequest, p: Mempolicy, weights: readonly number[] | null): void {
  const { nids, run, index } = r;
  const { nodes } = p;
  r.spread = true;
  if (weights === null)
    for (let i = 0, at = index % nodes.length; i < run; i++) {
      nids[i] = nodes[at];
      if (++at === nodes.length) at = 0;
    }
  else for (let i = 0; i < run; i++) nids[i] = interleaveNid(p, index + i, weights);
}

/** The node where a page of an area belongs by its policy, for a task on `local`; -1: no policy holds for it. */
export function policyNode(sys: NumaSystem, p: Mempolicy | null, index: number, local: number): number {
  if (p === null || p.mode === MPOL_LOCAL) return sys.k.mm.fallback[local][0];
  switch (p.mode) {
    case MPOL_PREFERRED:
      return p.nodes[0];
    case MPOL_INTERLEAVE:
      return interleaveNid(p, index, null);
    case MPOL_WEIGHTED_INTERLEAVE:
      return interleaveNid(p, index, sys.settings.weights);
    default:
      return sys.nearest(p.homeNode >= 0 ? p.homeNode : local, p.mask);
  }
}

/**
 * A memory policy: where pages are allocated. Made by set_mempolicy(2), mbind(2) and tmpfs's mpol=; never changed, only replaced,
 * so tasks, areas and objects may share one. numa(7), kernel document admin-guide/mm/numa_memory_policy.
 */
import {
  EINVAL,
  fail,
  MPOL_BIND,
  MPOL_DEFAULT,
  MPOL_F_NUMA_BALANCING,
  MPOL_F_RELATIVE_NODES,
  MPOL_F_STATIC_NODES,
  MPOL_LOCAL,
  MPOL_MODE_FLAGS,
  MPOL_PREFERRED,
  MPOL_PREFERRED_MANY,
} from "@kernelkit/core";
import { intersect, maskOfNodes, mpolRelativeNodemask, type NodeList, nodesRemap, sameNodes } from "./nodes.js";

const MPOL_MAX = 7;
const KEEPS_USER = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;

export class Mempolicy {
  /** Effective nodes as words. */
  readonly mask: Uint32Array;

  constructor(
    /** MPOL_PREFERRED .. MPOL_WEIGHTED_INTERLEAVE; never MPOL_DEFAULT. */
    readonly mode: number,
    /** MPOL_F_STATIC_NODES, _RELATIVE_NODES, _NUMA_BALANCING */
    readonly flags: number,
    /** Effective nodes, ascending. Of MPOL_PREFERRED one; of MPOL_LOCAL none. */
    readonly nodes: NodeList,
    /** With STATIC or RELATIVE the user's mask, else the nodes that were allowed when it was made. */
    readonly context: NodeList,
    /** set_mempolicy_home_node(2); -1 none. */
    readonly homeNode: number = -1,
  ) {
    this.mask = maskOfNodes(nodes, 32);
  }

  /** STATIC or RELATIVE: get_mempolicy shows the user's mask. */
  get keepsUser(): boolean {
    return (this.flags & KEEPS_USER) !== 0;
  }
  /** A hint fault may move its pages: MPOL_F_NUMA_BALANCING. */
  get migrateOnFault(): boolean {
    return (this.flags & MPOL_F_NUMA_BALANCING) !== 0;
  }
}

export function mpolEqual(a: Mempolicy | null, b: Mempolicy | null): boolean {
  if (a === b) return true;
  if (a === null || b === null || a.mode !== b.mode || a.flags !== b.flags || a.homeNode !== b.homeNode) return false;
  return sameNodes(a.nodes, b.nodes) && (!a.keepsUser || sameNodes(a.context, b.context));
}

/** Take the flags off a mode. EINVAL: unknown mode or flag, STATIC with RELATIVE, BALANCING with a mode that has none. */
export function sanitizeMode(mode: number): { mode: number; flags: number } {
  const flags = mode & MPOL_MODE_FLAGS;
  const m = (mode & ~MPOL_MODE_FLAGS) >>> 0;
  if (m >= MPOL_MAX || (flags & KEEPS_USER) === KEEPS_USER) return fail(EINVAL);
  if ((flags & MPOL_F_NUMA_BALANCING) !== 0 && m !== MPOL_BIND && m !== MPOL_PREFERRED_MANY) return fail(EINVAL);
  return { mode: m, flags };
}

/**
 * mpol_new() and mpol_set_nodemask(): a policy of what the user asked for. `allowed`: nodes the task may use that have memory.
 * null: MPOL_DEFAULT. EINVAL: nodes where there must be none, none where there must be some, none left.
 */
export function mpolNew(mode: number, flags: number, user: NodeList, allowed: NodeList): Mempolicy | null {
  const empty = user.length === 0;
  if (mode === MPOL_DEFAULT) return empty ? null : fail(EINVAL);
  if (mode === MPOL_LOCAL || (mode === MPOL_PREFERRED && empty)) {
    if (!empty || (flags & KEEPS_USER) !== 0) return fail(EINVAL);
    return new Mempolicy(MPOL_LOCAL, flags, [], []);
  }
  if (empty) return fail(EINVAL);
  const relative = (flags & MPOL_F_RELATIVE_NODES) !== 0;
  let nodes = relative ? mpolRelativeNodemask(user, allowed) : intersect(user, allowed);
  if (nodes.length === 0) return fail(EINVAL);
  if (mode === MPOL_PREFERRED) nodes = [nodes[0]];
  return new Mempolicy(mode, flags, nodes, (flags & KEEPS_USER) !== 0 ? user : allowed);
}

/** The nodes of a policy after the allowed ones have become `to`. `mpol_rebind_nodemask()` */
export function rebindNodes(nodes: NodeList, flags: number, context: NodeList, to: NodeList): NodeList {
  const next =
    (flags & MPOL_F_STATIC_NODES) !== 0
      ? intersect(context, to)
      : (flags & MPOL_F_RELATIVE_NODES) !== 0
        ? mpolRelativeNodemask(context, to)
        : nodesRemap(nodes, context, to);
  return next.length === 0 ? to : next;
}

/** The policy after the task's allowed nodes have become `to`. Preferred nodes are kept. */
export function mpolRebind(p: Mempolicy, to: NodeList): Mempolicy {
  if (p.mode === MPOL_LOCAL || (!p.keepsUser && sameNodes(p.context, to))) return p;
  const context = p.keepsUser ? p.context : to;
  const keep = p.mode === MPOL_PREFERRED || p.mode === MPOL_PREFERRED_MANY;
  const nodes = keep ? p.nodes : rebindNodes(p.nodes, p.flags, p.context, to);
  return new Mempolicy(p.mode, p.flags, nodes, context, p.homeNode);
}

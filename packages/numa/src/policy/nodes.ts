/**
 * Sets of nodes: as sorted lists (what users pass and see) and as words of 32 bits (what the allocator tests). The three ways of
 * carrying a set over to another: remap, relative (fold and onto), by Linux's bitmap_remap, bitmap_fold, bitmap_onto.
 */

/** MAX_NUMNODES of x86-64: bits that a node mask has. */
export const MAX_NUMNODES = 1024;

export type NodeList = readonly number[];

/** Words of 32 bits with these nodes; at least `nodes` bits long. */
export function maskOfNodes(list: NodeList, nodes: number): Uint32Array {
  const top = list.length === 0 ? 0 : list[list.length - 1] + 1;
  const m = new Uint32Array((Math.max(nodes, top) + 31) >> 5);
  for (const n of list) m[n >> 5] |= 1 << (n & 31);
  return m;
}

/** The nodes of a mask, ascending. */
export function nodesOfMask(m: Uint32Array): number[] {
  const out: number[] = [];
  for (let i = 0; i < m.length * 32; i++) if (maskHasNode(m, i)) out.push(i);
  return out;
}

export function maskHasNode(m: Uint32Array, nid: number): boolean {
  return ((m[nid >> 5] >>> (nid & 31)) & 1) !== 0;
}

export function sameNodes(a: NodeList, b: NodeList): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

export function intersect(a: NodeList, b: NodeList): number[] {
  return a.filter((n) => b.includes(n));
}

/** Sorted, without doubles. */
export function sortedNodes(list: Iterable<number>): number[] {
  return [...new Set(list)].sort((a, b) => a - b);
}

/** Where one node of `from` goes when `from` becomes `to`: the same ordinal, modulo; others stay. `node_remap()` */
export function nodeRemap(nid: number, from: NodeList, to: NodeList): number {
  const i = from.indexOf(nid);
  return i < 0 || to.length === 0 ? nid : to[i % to.length];
}

/** `nodes_remap()` */
export function nodesRemap(set: NodeList, from: NodeList, to: NodeList): number[] {
  return sortedNodes(set.map((n) => nodeRemap(n, from, to)));
}

/** MPOL_F_RELATIVE_NODES: bit i means the i-th allowed node, counted round. `mpol_relative_nodemask()` */
export function mpolRelativeNodemask(user: NodeList, allowed: NodeList): number[] {
  if (allowed.length === 0) return [];
  return sortedNodes(user.map((n) => allowed[n % allowed.length]));
}

/**
 * Policies as text: in numa_maps and in tmpfs's mount option mpol=. numa(7), tmpfs(5), Linux's mpol_to_str and mpol_parse_str.
 */
import {
  bitmapParselist,
  EINVAL,
  fail,
  formatList,
  MPOL_BIND,
  MPOL_DEFAULT,
  MPOL_F_NUMA_BALANCING,
  MPOL_F_RELATIVE_NODES,
  MPOL_F_STATIC_NODES,
  MPOL_INTERLEAVE,
  MPOL_LOCAL,
  MPOL_MODE_FLAGS,
  MPOL_PREFERRED,
  MPOL_WEIGHTED_INTERLEAVE,
} from "@kernelkit/core";
import { type Mempolicy, mpolNew } from "./mempolicy.js";
import { maskOfNodes, type NodeList, nodesOfMask } from "./nodes.js";

/** By mode. */
const NAMES: readonly string[] = [
  "default",
  "prefer",
  "bind",
  "interleave",
  "local",
  "prefer (many)",
  "weighted interleave",
];

/** `bind=static:0-1`; null: `default`. */
export function mpolText(p: Mempolicy | null): string {
  if (p === null) return NAMES[MPOL_DEFAULT];
  let s = NAMES[p.mode];
  const flags = p.flags & MPOL_MODE_FLAGS;
  if (flags !== 0) {
    const words: string[] = [];
    if ((flags & MPOL_F_STATIC_NODES) !== 0) words.push("static");
    else if ((flags & MPOL_F_RELATIVE_NODES) !== 0) words.push("relative");
    if ((flags & MPOL_F_NUMA_BALANCING) !== 0) words.push("balancing");
    s += `=${words.join("|")}`;
  }
  return p.nodes.length === 0 ? s : `${s}:${formatList(maskOfNodes(p.nodes, 32))}`;
}

/**
 * The policy of tmpfs's `mpol=MODE[=FLAG][:NODES]`; null: default. `memory`: nodes with memory. EINVAL: unknown words, nodes without
 * memory, none or too many for the mode.
 */
export function mpolParse(text: string, memory: NodeList): Mempolicy | null {
  const m = /^([^=:]+)(?:=([^:]*))?(?::(.*))?$/.exec(text);
  if (m === null) return fail(EINVAL);
  const [, name, flagText, list] = m;
  const mode = NAMES.indexOf(name);
  if (mode < 0) return fail(EINVAL);
  let nodes: number[] | null = null;
  if (list !== undefined) {
    const map = bitmapParselist(list, 1024);
    if (!(map instanceof Uint32Array)) return fail(EINVAL);
    nodes = nodesOfMask(map);
    if (nodes.some((n) => !memory.includes(n))) return fail(EINVAL);
  }
  let flags = 0;
  if (flagText === "static") flags = MPOL_F_STATIC_NODES;
  else if (flagText === "relative") flags = MPOL_F_RELATIVE_NODES;
  else if (flagText !== undefined) return fail(EINVAL);
  switch (mode) {
    case MPOL_PREFERRED:
      if (nodes !== null && nodes.length !== 1) return fail(EINVAL);
      break;
    case MPOL_INTERLEAVE:
    case MPOL_WEIGHTED_INTERLEAVE:
      nodes ??= [...memory];
      break;
    case MPOL_LOCAL:
    case MPOL_DEFAULT:
      if (nodes !== null) return fail(EINVAL);
      break;
    default:
      if (mode === MPOL_BIND && nodes === null) return fail(EINVAL);
      if (nodes === null) return fail(EINVAL);
  }
  return mpolNew(mode, flags, nodes ?? [], memory);
}

/** Node masks as the calls get them from user memory, with Linux's limits on `maxnode`. set_mempolicy(2), NOTES. */
import { EFAULT, EINVAL, fail, uint, whole } from "@kernelkit/core";
import { MAX_NUMNODES, sortedNodes } from "../policy/nodes.js";

/** A node mask in user memory: the nodes that are set, null for the NULL pointer, "EFAULT" for an unreadable one. */
export type UserNodes = readonly number[] | null | "EFAULT";
/** Where a result goes: null for NULL (it is not wanted), "EFAULT" for an unwritable place. */
export type UserPlace<T extends string> = T | null | "EFAULT";

const MAX_BITS = 4096 * 8;

/** get_nodes(): the nodes of a mask whose bits 0..maxnode-2 count. EINVAL maxnode, nodes >= 1024; EFAULT. */
export function getNodes(mask: UserNodes, maxnode: number): number[] {
  if (mask !== null && mask !== "EFAULT" && !Array.isArray(mask))
    throw new TypeError(`nodemask: must be an array of nodes, null or "EFAULT", not ${String(mask)}`);
  const bits = whole(maxnode, "maxnode") - 1;
  if (bits === 0 || mask === null) return [];
  if (bits < 0 || bits > MAX_BITS) return fail(EINVAL);
  if (mask === "EFAULT") return fail(EFAULT);
  const nodes = sortedNodes(mask.map((n) => uint(n, "node")).filter((n) => n < bits));
  if (nodes.length > 0 && nodes[nodes.length - 1] >= MAX_NUMNODES) return fail(EINVAL);
  return nodes;
}

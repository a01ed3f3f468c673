/** Effective memory.min and memory.low, from the top down. Kernel document admin-guide/cgroup-v2, "memory.min". */
import type { PageCounter } from "./pageCounter.js";

function effective(
  usage: number,
  parentUsage: number,
  setting: number,
  parentEffective: number,
  siblings: number,
  recursive: boolean,
): number {
  const protectedPages = Math.min(usage, setting);
  if (siblings > parentEffective) return Math.floor((protectedPages * parentEffective) / siblings);
  let ep = protectedPages;
  if (recursive && parentEffective > siblings && parentUsage > siblings && usage > protectedPages)
    ep += Math.floor(((parentEffective - siblings) * (usage - protectedPages)) / (parentUsage - siblings));
  return ep;
}

/** Set c.emin and c.elow for a reclaim of `root`'s subtree; the parent's must have been set. Nothing happens at zero usage. */
export function calculateProtection(root: PageCounter, c: PageCounter, recursive: boolean): void {
  const p = c.parent;
  if (c === root || p === null || c.usage === 0) return;
  if (p === root) {
    c.emin = c.min;
    c.elow = c.low;
    return;
  }
  c.emin = effective(c.usage, p.usage, c.min, p.emin, p.childrenMinUsage, recursive);
  c.elow = effective(c.usage, p.usage, c.low, p.elow, p.childrenLowUsage, recursive);
}

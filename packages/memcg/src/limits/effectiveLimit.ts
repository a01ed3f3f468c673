/** The limit that holds for a task, with its reasons: the smallest of its group and all above it, whether it can see them or not. */
import type { Core, Task } from "@kernelkit/core";
import type { MemCgroup } from "../memCgroup.js";
import type { MemcgSystem } from "../memcgSystem.js";
import { PAGE_COUNTER_MAX } from "../pageCounter.js";

export interface LimitReason {
  /** Path in its hierarchy. */
  readonly group: string;
  /** Bytes; null: it sets none. */
  readonly max: number | null;
  readonly high: number | null;
  /** May the task see this group: is it within its cgroup namespace? */
  readonly visible: boolean;
}

export interface EffectiveLimit {
  /** Bytes: the smallest limit on the way to the root, or all of the machine's memory. Never null. */
  readonly bytes: number;
  /** The group whose limit it is; null: the machine's memory. */
  readonly by: string | null;
  /** The same over the groups that the task can see; null: none of them limits it. */
  readonly visible: number | null;
  /** The task's group first. */
  readonly chain: readonly LimitReason[];
}

const bytesOf = (pages: number): number | null => (pages === PAGE_COUNTER_MAX ? null : pages * 4096);

export function effectiveMemoryLimit(k: Core, s: MemcgSystem, t: Task): EffectiveLimit {
  const total = k.mm.totalram * 4096;
  let bytes = total;
  let by: string | null = null;
  let visible: number | null = null;
  const chain: LimitReason[] = [];
  for (let m: MemCgroup | null = s.ofTask(t); m !== null && !m.isRoot; m = m.parent) {
    const { cgroup } = m.css;
    const seen = cgroup.isDescendantOf(k.cgroup.viewRoot(t, cgroup.root.top));
    const max = bytesOf(m.memory.max);
    chain.push({ group: cgroup.path, max, high: bytesOf(m.memory.high), visible: seen });
    if (max === null) continue;
    if (max < bytes) {
      bytes = max;
      by = cgroup.path;
    }
    if (seen && max < total && (visible === null || max < visible)) visible = max;
  }
  return { bytes, by, visible, chain };
}

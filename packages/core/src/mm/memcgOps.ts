/**
 * What a memory controller tells the rest of the kernel about who pays: the contract `memcg`. Cgroup writeback gives each group
 * that dirties pages its own writeback and limits. Kernel document admin-guide/cgroup-v2, "Writeback".
 */
import type { Css } from "../cgroup/cgroup.js";
import type { Task } from "../task/task.js";

/** Pages of a group and its descendants, as writeback asks for them. */
export interface MemcgWbStats {
  /** Of files, in the cache. */
  filepages: number;
  /** What could still be charged before a limit (max or high) of the group or an ancestor; Infinity without one. */
  headroom: number;
  dirty: number;
  writeback: number;
}

export interface MemcgOps {
  /** The group that pays for what the task uses now. */
  cssOfTask(t: Task): Css;
  /** The group that has paid for a page; the root's for one nobody paid for. */
  cssOfPage(pfn: number): Css;
  /** Fills `out`. mem_cgroup_wb_stats(). */
  wbStats(css: Css, out: MemcgWbStats): void;
}

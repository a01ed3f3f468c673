/**
 * The limits that hold for a task, whether it can see them or not: over its group and all above it in each hierarchy, then the
 * machine's own. What a program should answer; `readLimits` of @kernelkit/memcg is what it can find out.
 */
import type { Css, Task } from "@kernelkit/core";
import type { PidsCgroup } from "@kernelkit/memcg";
import type { CpuGroup } from "../controllers/cpu.js";
import type { AssembledKernel } from "../kernel.js";

export interface HoldingLimits {
  /** Bytes. */
  readonly memory: number;
  /** CPUs' worth of time. */
  readonly cpus: number;
  /** Processes; null: no limit. */
  readonly pids: number | null;
}

function chain(kernel: AssembledKernel, task: Task, controller: string, visible: boolean): Css[] {
  const { cgroup } = kernel.core;
  const out: Css[] = [];
  const index = cgroup.index(controller);
  if (index < 0) return out;
  for (let css: Css | null = cgroup.css(task, index); css !== null; css = css.parent) {
    const g = css.cgroup;
    if (!visible || g.isDescendantOf(cgroup.viewRoot(task, g.root.top))) out.push(css);
  }
  return out;
}

function limits(kernel: AssembledKernel, task: Task, visible: boolean): HoldingLimits {
  const memory = kernel.memcg.effectiveMemoryLimit(task);
  const total = kernel.sys(kernel.init).sysinfo().totalram;
  const quotas = chain(kernel, task, "cpu", visible).map(
    (c) => (c.data as CpuGroup).quotaUs / (c.data as CpuGroup).periodUs,
  );
  const allowed = kernel.core.cpus.nr === 1 ? 1 : kernel.sys(task).sched_getaffinity(0).length;
  const pids = chain(kernel, task, "pids", visible).map((c) => (c.data as PidsCgroup).limit);
  const most = Math.min(...pids);
  return {
    memory: visible ? (memory.visible ?? total) : memory.bytes,
    cpus: Math.min(allowed, ...quotas),
    pids: Number.isFinite(most) ? most : null,
  };
}

/** Over all groups above the task. */
export function effectiveLimits(kernel: AssembledKernel, task: Task): HoldingLimits {
  return limits(kernel, task, false);
}

/** Over those that its cgroup namespace lets it see. */
export function visibleLimits(kernel: AssembledKernel, task: Task): HoldingLimits {
  return limits(kernel, task, true);
}

/**
 * A policy or cpuset that has no memory left: somebody who is bound there is killed, never anybody else, and nothing spills. OOM with
 * CONSTRAINT_MEMORY_POLICY; kernel document admin-guide/mm/numa_memory_policy.
 */
import { type AllocRequest, fatalSignalPending, oomBadness, type Task } from "@kernelkit/core";
import type { NumaSystem } from "../state.js";

/** Kill one of the tasks that allocate only within the request's nodes. True: somebody is dying. Undefined: not such a case. */
export function constrainedOom(sys: NumaSystem, r: AllocRequest): boolean | undefined {
  const { nodemask, task } = r;
  if (nodemask === null || task === null) return undefined;
  const { k } = sys;
  const overlaps = (m: Uint32Array): boolean => m.some((w, i) => (w & (nodemask[i] ?? 0)) !== 0);
  let victim: Task | null = null;
  let worst = Number.NEGATIVE_INFINITY;
  for (const pid of k.tasks.initPidNs.pids.values()) {
    const t = pid.task;
    if (t === null || !t.isLeader) continue;
    // a policy of the area that faults is not seen in the task's; a cpuset's nodes are
    const bound = nodemask === task.memsAllowed ? t.memsAllowed : (sys.task(t).policy?.mask ?? null);
    if (t.mm !== r.mm && (bound === null || !overlaps(bound))) continue;
    if (fatalSignalPending(t)) return true;
    const b = oomBadness(t, k.mm.totalram);
    if (b !== null && b > worst) {
      worst = b;
      victim = t;
    }
  }
  if (victim === null) return undefined;
  k.mm.count(k.mm.stat("oom_kill"), 1);
  k.log(3, `Out of memory: Killed process ${victim.nr} (${victim.comm}) total-vm:${(victim.mm?.totalVm ?? 0) * 4}kB`);
  k.signals.kill(victim);
  return true;
}

/**
 * What a cpuset does to its tasks: the CPUs they may run on (with what sched_setaffinity asked for, as far as it fits), the nodes they may
 * allocate from, their policies rebound, their memory moved. `cpuset_update_tasks_cpumask()`, `cpuset_update_tasks_nodemask()`.
 */
import { type Core, type Mm, maskHas, PF_NO_SETAFFINITY, type Task } from "@kernelkit/core";
import { doMigratePages } from "../migrate.js";
import { type Mempolicy, mpolRebind } from "../policy/mempolicy.js";
import { nodesOfMask } from "../policy/nodes.js";
import type { NumaSystem } from "../state.js";
import { and, anyOnline, sameSet } from "./cpuset.js";

/** Of a task: the CPUs that sched_setaffinity asked for; null: it was never called. */
export class TaskCpuset {
  userCpus: Uint32Array | null = null;
}

export class CpusetTasks {
  private readonly slot: number;

  constructor(
    private readonly sys: NumaSystem,
    private readonly k: Core,
  ) {
    this.slot = k.slots.task.add("cpuset", () => new TaskCpuset());
  }

  of(t: Task): TaskCpuset {
    return t.slots[this.slot] as TaskCpuset;
  }

  /** The task may use these CPUs; of what it asked for as much as there is. */
  setCpus(t: Task, allowed: Uint32Array): void {
    if ((t.flags & PF_NO_SETAFFINITY) !== 0) return;
    const user = this.of(t).userCpus;
    const both = user === null ? allowed : and(user, allowed);
    const mask = anyOnline(this.k, both) ? both : allowed;
    if (sameSet(t.cpusMask, mask)) return;
    t.cpusMask = mask.slice();
    if (!maskHas(mask, t.cpu)) this.k.sched.migrateTask(t, this.k.sched.anyAllowed(t));
  }

  /** The task allocates from these nodes, and its policy means them. */
  setMems(t: Task, mems: Uint32Array): void {
    t.memsAllowed = mems;
    const n = this.sys.task(t);
    if (n.policy !== null) n.policy = mpolRebind(n.policy, nodesOfMask(mems));
  }

  /** Policies of the areas mean other nodes now; `migrate`: the pages go to them from those they were on. */
  rebindMm(mm: Mm, from: Uint32Array, to: Uint32Array, migrate: boolean): void {
    const nodes = nodesOfMask(to);
    for (const v of mm.vmas) {
      const p = v.slots[this.sys.vmaSlot] as Mempolicy | null;
      if (p !== null) v.slots[this.sys.vmaSlot] = mpolRebind(p, nodes);
    }
    if (migrate && !sameSet(from, to)) doMigratePages(this.sys, null, mm, nodesOfMask(from), nodes, true);
  }
}

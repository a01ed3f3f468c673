/**
 * AutoNUMA's look at all CPUs, `sched_autonuma_balance()`: would the task be better off on another node than the one that runs there? Its
 * cost, CPUs looked at, is counted (`sys.spent`): the objection of 2012 was that it is paid at every scheduling decision.
 */
import { maskHas, type Task } from "@kernelkit/core";
import type { NumaSystem } from "../../state.js";
import type { AutonumaSettings } from "./settings.js";

/** A task that is to go to a CPU, and the one that comes in return. */
export interface Exchange {
  readonly task: Task;
  readonly cpu: number;
  readonly swap: Task | null;
}

/** All of a task's faults, or of a process's pages, make 1000. */
const WHOLE = 1000;

export class CpuBalance {
  /** When a CPU has decided last. */
  private readonly last: { readonly ns: number[] };

  constructor(
    private readonly sys: NumaSystem,
    private readonly settings: AutonumaSettings,
  ) {
    this.last = { ns: new Array<number>(sys.k.cpus.nr).fill(0) };
    sys.k.state.root("autonuma.decided", this.last);
  }

  sliceOver(cpu: number): boolean {
    return this.sys.k.now - this.last.ns[cpu] >= this.sys.k.sched.sliceNs;
  }

  private taskWeight(t: Task, nid: number): number {
    const n = this.sys.task(t);
    return n.totalFaults === 0 ? 0 : (WHOLE * n.faults[nid]) / n.totalFaults;
  }
  private memoryWeight(t: Task, nid: number): number {
    if (t.mm === null) return 0;
    const s = this.sys.mm(t.mm);
    return s.totalPages === 0 ? 0 : (WHOLE * s.pages[nid]) / s.totalPages;
  }

  /** The node where most of the task's faults were, -1: it has had none. */
  preferredNode(t: Task): number {
    const n = this.sys.task(t);
    if (n.totalFaults === 0) return -1;
    return n.faults.indexOf(Math.max(...n.faults));
  }

  /** Look at every CPU: the best exchange, null: stay. */
  look(cpu: number, t: Task): Exchange | null {
    const { sys } = this;
    const { k, costs, spent } = sys;
    const n = sys.task(t);
    const since = k.now - this.last.ns[cpu];
    if (this.settings.balanceMs > 0 && since < this.settings.balanceMs * 1e6) return null;
    this.last.ns[cpu] = k.now;
    if (n.moving) return null;
    spent.schedules++;
    spent.visits += k.cpus.nr;
    spent.visitNs += costs.visitNs * k.cpus.nr;
    t.remainingNs += costs.visitNs * k.cpus.nr;
    if (n.totalFaults === 0) return null;
    const here = sys.nodeOfCpu(cpu);
    const preferred = this.preferredNode(t);
    let best = 0;
    let found: Exchange | null = null;
    for (let other = 0; other < k.cpus.nr; other++) {
      if (other === cpu || k.cpus.online[other] === 0 || !maskHas(t.cpusMask, other)) continue;
      const nid = sys.nodeOfCpu(other);
      if (nid === here) continue;
      const curr = k.cpus.curr[other];
      if (curr === null && k.sched.rqs[other].nrRunning === 0) {
        if (nid === preferred) return { task: t, cpu: other, swap: null };
        continue;
      }
      if (curr === null || curr.isKthread || curr.mm === null || curr.exiting) continue;
      if (!maskHas(curr.cpusMask, cpu) || sys.task(curr).moving) continue;
      const gain = this.gain(t, curr, here, nid);
      if (gain <= best) continue;
      best = gain;
      found = { task: t, cpu: other, swap: curr };
    }
    return found;
  }

  /** What changing places brings: more of mine there than here, and more of mine there than of the other's. 0: not both. */
  private gain(t: Task, other: Task, here: number, nid: number): number {
    const same = t.mm === other.mm;
    const w = (x: Task, node: number): number => (same ? this.taskWeight(x, node) : this.memoryWeight(x, node));
    const there = w(t, nid);
    const leave = there - w(t, here);
    const push = there - w(other, nid);
    return leave > 0 && push > 0 ? leave + push : 0;
  }

  /** Do what was found, if it is still so. */
  carryOut(x: Exchange): void {
    const { k } = this.sys;
    this.sys.task(x.task).moving = false;
    if (x.task.exiting || this.sys.nodeOfCpu(x.task.cpu) === this.sys.nodeOfCpu(x.cpu)) return;
    if (x.swap === null) {
      if (k.sched.rqs[x.cpu].nrRunning === 0) k.sched.migrateTask(x.task, x.cpu);
    } else if (!x.swap.exiting && x.swap.cpu === x.cpu) k.sched.swapTasks(x.task, x.swap);
  }
}

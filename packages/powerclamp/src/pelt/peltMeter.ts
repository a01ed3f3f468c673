/**
 * peltMeter: PELT for the tasks and CPUs of a running kernel (scheduler/sched-pelt).
 *
 * Brought up to date whenever a task starts or stops running, wakes or sleeps: a task that waits is runnable, one on a CPU
 * running too. A CPU's utilisation counts fair tasks only; what is left to 1024 is idle (or realtime) time.
 *
 * `loadMeter: "instant"` in the old manner is `nrRunning(cpu)`: the number of tasks of this very moment.
 */
import { type Core, TASK_RUNNING, type Task } from "@kernelkit/core";
import { peltUpdate, SchedAvg } from "./pelt.js";

export class PeltMeter {
  static readonly transient: readonly string[] = ["k", "slot"];
  /** Utilisation of each CPU by fair tasks. */
  readonly cpus: SchedAvg[] = [];
  private readonly slot: number;

  constructor(private readonly k: Core) {
    k.state.class(SchedAvg);
    for (let c = 0; c < k.cpus.nr; c++) this.cpus.push(new SchedAvg());
    this.slot = k.slots.task.add("powerclamp.pelt", () => new SchedAvg());
    k.hooks.wakeup.tap(900, "powerclamp.pelt", (t) => {
      if (this.fair(t)) this.slept(t);
    });
    k.hooks.schedIn.tap(900, "powerclamp.pelt", (t, cpu) => {
      if (!this.fair(t)) return;
      // it waited for the CPU until now
      peltUpdate(this.of(t), this.k.now, 1, 1, 0);
      peltUpdate(this.cpus[cpu], this.k.now, 0, 0, 0);
    });
    k.hooks.schedOut.tap(900, "powerclamp.pelt", (t, cpu) => {
      if (!this.fair(t)) return;
      peltUpdate(this.of(t), this.k.now, 1, 1, 1);
      peltUpdate(this.cpus[cpu], this.k.now, 1, 1, 1);
    });
  }

  /** The lines se.avg.* of /proc/PID/sched, as last updated (the file does not bring them to now either). */
  schedLines(t: Task): readonly (readonly [string, number])[] {
    const sa = this.of(t);
    return [
      ["load_sum", sa.loadSum],
      ["runnable_sum", sa.runnableSum],
      ["util_sum", sa.utilSum],
      ["load_avg", sa.loadAvg],
      ["runnable_avg", sa.runnableAvg],
      ["util_avg", sa.utilAvg],
      ["last_update_time", sa.lastUpdateTime],
    ];
  }

  private fair(t: Task): boolean {
    return t.se.rtPriority === 0;
  }

  /** The task's averages as last updated: living state, not to be changed. */
  of(t: Task): SchedAvg {
    return t.slots[this.slot] as SchedAvg;
  }

  /** The task slept until now. (Its state may say "running" already: it is being woken.) */
  slept(t: Task): SchedAvg {
    const sa = this.of(t);
    peltUpdate(sa, this.k.now, 0, 0, 0);
    return sa;
  }

  /** The task's averages as they are now. */
  taskAt(t: Task): SchedAvg {
    const running = this.k.cpus.curr[t.cpu] === t ? 1 : 0;
    const runnable = t.state === TASK_RUNNING && this.fair(t) ? 1 : 0;
    return this.later(this.of(t), runnable, running);
  }

  /** A CPU's averages as they are now. */
  cpuAt(cpu: number): SchedAvg {
    const curr = this.k.cpus.curr[cpu];
    const busy = curr !== null && this.fair(curr) ? 1 : 0;
    return this.later(this.cpus[cpu], busy, busy);
  }

  /** 0..1024: time of fair tasks on the CPU. */
  utilAvg(cpu: number): number {
    return this.cpuAt(cpu).utilAvg;
  }

  /** Runnable tasks on the CPU at this moment: the load figure before 3.8. */
  nrRunning(cpu: number): number {
    return this.k.sched.rqs[cpu].nrRunning;
  }

  private later(sa: SchedAvg, runnable: number, running: number): SchedAvg {
    const copy = Object.assign(new SchedAvg(sa.weight), sa);
    peltUpdate(copy, this.k.now, runnable, runnable, running);
    return copy;
  }
}

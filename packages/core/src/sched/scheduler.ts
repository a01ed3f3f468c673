/**
 * The scheduler: which task is on which CPU, and for how long.
 *
 * A task on a CPU has `remainingNs` of CPU time to spend before its next step; a step (of a program, a kernel thread or a
 * driven call) happens at one instant. Steps of several CPUs at one instant are taken in CPU order, after the timers and
 * interrupts of that instant. Nothing is ever stepped from inside an event handler: waking a task only puts it on a CPU.
 * sched(7), sched-eevdf and sched-rt-group (kernel documentation).
 */

import type { Core } from "../kernel/core.js";
import {
  TASK_DEAD,
  TASK_IDLE,
  TASK_INTERRUPTIBLE,
  TASK_KILLABLE,
  TASK_PARKED,
  TASK_RUNNING,
  TASK_ZOMBIE,
  type Task,
} from "../task/task.js";
import { EV_HRTIMER, EV_TICK } from "../time/eventQueue.js";
import { CpuSteps } from "./cpuSteps.js";
import { CPU_IDLE, CPU_IOWAIT, CPU_IRQ, CPU_NICE, CPU_SYSTEM, CPU_USER } from "./cpus.js";
import { anyAllowed, pullFor, selectCpu, swapTasks } from "./loadBalance.js";
import { isRt, RunQueue, weightOf } from "./runQueue.js";
import { taskTick, tickNeeded } from "./tick.js";
import type { WaitQueue } from "./waitQueue.js";

const RR_TIMESLICE_NS = 100_000_000;
const SCHED_RR = 2;
const SCHED_BATCH = 3;

export class Scheduler {
  readonly rqs: RunQueue[] = [];
  /** Base slice of fair tasks in ns: 0.7 ms * (1 + log2 of the CPUs, at most 8). */
  readonly sliceNs: number;
  private readonly steps: CpuSteps;
  /** ns of interrupt work that the CPU has yet to spend. */
  private readonly irqDebt: Float64Array;
  private readonly hTick: number;
  private readonly hTimeout: number;
  /** CPU whose task is being stepped, -1: none. */
  stepping = -1;
  ctxt = 0;

  constructor(readonly k: Core) {
    const n = k.cpus.nr;
    for (let i = 0; i < n; i++) this.rqs.push(new RunQueue(i));
    this.sliceNs = 700_000 * (1 + Math.floor(Math.log2(Math.min(n, 8))));
    this.irqDebt = new Float64Array(n);
    this.steps = new CpuSteps(k, (cpu) => this.onContinue(cpu));
    this.hTick = k.events.define("sched.tick", (cpu) => this.onTick(cpu as number));
    this.hTimeout = k.events.define("sched.timeout", (t) => {
      (t as Task).timeout = -1;
      this.wakeTask(t as Task);
    });
  }

  // --- sleeping and waking ---

  /** Wake `t` at `untilNs` (at once if that is past). */
  armTimeout(t: Task, untilNs: number): number {
    return this.k.events.at(Math.max(untilNs, this.k.now), EV_HRTIMER, this.hTimeout, t);
  }

  /** The task looks at its condition anew: off all queues, no timeout. */
  finishWait(t: Task): void {
    while (t.waits.length > 0) {
      const e = t.waits.pop();
      if (e?.queue != null) e.queue.remove(e);
    }
    if (t.timeout >= 0) {
      this.k.events.cancel(t.timeout);
      t.timeout = -1;
    }
    t.waitingFor = "";
  }

  /** Wake all non-exclusive sleepers of `q` and `n` exclusive ones, in queue order. */
  wakeUp(q: WaitQueue, n = 1): void {
    let e = q.head;
    while (e !== null) {
      const next = e.next;
      if (e.task === null) e.target?.woken(this.k);
      else if (this.wakeTask(e.task) && e.exclusive && --n === 0) return;
      e = next;
    }
  }

  /**
   * Make a sleeping task runnable. False if it was not asleep (or is parked between outside calls, dead, stopped: those
   * are woken by `wakeState`).
   */
  wakeTask(t: Task): boolean {
    if ((t.state < TASK_INTERRUPTIBLE || t.state > TASK_KILLABLE) && t.state !== TASK_IDLE) return false;
    this.makeRunnable(t);
    return true;
  }

  /** Make a task runnable whatever it sleeps in (signals, thawing, continuing). False if it runs or is dead. */
  wakeState(t: Task): boolean {
    if (t.state === TASK_RUNNING || t.state === TASK_ZOMBIE || t.state === TASK_DEAD) return false;
    this.makeRunnable(t);
    return true;
  }

  private makeRunnable(t: Task): void {
    t.state = TASK_RUNNING;
    if (t.inIowait) {
      t.inIowait = false;
      this.k.cpus.nrIowait[t.cpu]--;
    }
    if (t.se.queued || this.k.cpus.curr[t.cpu] === t || this.k.cpus.guest[t.cpu] === t) return;
    const { hooks } = this.k;
    const cpu = selectCpu(this, t);
    if (this.k.trace.schedWakeup.on) this.k.trace.schedWakeup.emit(t, cpu);
    if (hooks.wakeup.on !== null) hooks.wakeup.on(t, cpu);
    this.activate(t, cpu);
  }

  /** Put a runnable task that is on no run queue on `cpu`'s. */
  activate(t: Task, cpu: number): void {
    const rq = this.rqs[cpu];
    const k = this.k;
    this.account(cpu);
    t.cpu = cpu;
    t.se.lastQueuedNs = k.now;
    if (!isRt(t)) {
      const w = weightOf(t);
      const limit = (2 * this.sliceNs * 1024) / w;
      const lag = Math.max(-limit, Math.min(limit, t.se.vlag));
      t.se.vruntime = rq.avgVruntime - lag;
      t.se.deadline = t.se.vruntime + (this.sliceNs * 1024) / w;
    } else if (t.se.policy === SCHED_RR) t.se.rrLeftNs = RR_TIMESLICE_NS;
    rq.attach(t);
    rq.push(t);
    this.checkPreempt(cpu, t);
  }

  /** Take a task that no longer wants to run off its run queue (it may be the running one). */
  deactivate(t: Task): void {
    const rq = this.rqs[t.cpu];
    this.account(t.cpu);
    if (t.se.queued) rq.remove(t);
    if (!isRt(t)) t.se.vlag = rq.avgVruntime - t.se.vruntime;
    rq.detach(t);
  }

  private checkPreempt(cpu: number, t: Task): void {
    const curr = this.k.cpus.curr[cpu];
    if (curr === null) {
      if (this.k.cpus.forcedIdleUntil[cpu] > this.k.now) return;
      this.schedule(cpu);
      return;
    }
    let preempt: boolean;
    if (isRt(t)) preempt = !isRt(curr) || t.se.rtPriority > curr.se.rtPriority;
    else preempt = !isRt(curr) && t.se.policy < SCHED_BATCH && t.se.deadline < curr.se.deadline;
    if (preempt) this.resched(cpu);
    else this.updateTick(cpu);
  }

  /** The running task should give way, when its step is over or before the next: several wake-ups of an instant cost one switch. */
  resched(cpu: number): void {
    const curr = this.k.cpus.curr[cpu];
    if (curr === null) {
      this.schedule(cpu);
      return;
    }
    curr.needResched = true;
    if (this.stepping !== cpu) this.steps.mark(cpu);
  }

  /** A fair task's slice in virtual time. */
  sliceOf(t: Task): number {
    return (this.sliceNs * 1024) / weightOf(t);
  }

  /** sched_yield(2): the others first - a real-time task behind its equals, a fair one with its deadline moved on. */
  yieldTask(t: Task): void {
    const { cpu } = t;
    if (this.k.cpus.curr[cpu] !== t) return;
    this.account(cpu);
    if (isRt(t)) t.se.yielded = true;
    else {
      if (this.rqs[cpu].nrFair === 1) return;
      t.se.deadline += this.sliceOf(t);
    }
    t.needResched = true;
  }

  /** A new task goes to its first CPU. */
  wakeUpNew(t: Task): void {
    const cpu = selectCpu(this, t);
    if (this.k.trace.schedWakeupNew.on) this.k.trace.schedWakeupNew.emit(t, cpu);
    this.activate(t, cpu);
  }

  /** Take a runnable driven task off its CPU: its driver goes on with it. */
  takeOff(t: Task): void {
    const { cpu } = t;
    t.state = TASK_PARKED;
    this.deactivate(t);
    if (this.k.cpus.curr[cpu] === t) this.schedule(cpu);
  }

  /** A task that is using user CPU time is to look at its user work now; what is left of that time is kept for later. */
  interruptCompute(t: Task): void {
    if (t.remainingNs === 0 || !t.remainingUser) return;
    const { cpu } = t;
    const running = this.k.cpus.curr[cpu] === t;
    if (running) this.account(cpu);
    if (t.remainingNs === 0) return;
    t.heldNs += t.remainingNs;
    t.remainingNs = 0;
    if (!running || this.stepping === cpu) return;
    this.steps.stop(cpu);
    this.steps.mark(cpu);
  }

  /** Lowest online CPU the task may use; any online one if its mask has none (its mask is then widened by hotplug). */
  anyAllowed(t: Task): number {
    return anyAllowed(this, t);
  }

  /** Exchange the places of two tasks that are on CPUs or queued there; neither CPU is idle in between. `migrate_swap()` */
  swapTasks(a: Task, b: Task): void {
    swapTasks(this, a, b);
  }

  /** Move a task to another CPU (queued, running or asleep). */
  migrateTask(t: Task, cpu: number): void {
    if (t.cpu === cpu) return;
    const k = this.k;
    if (k.trace.schedMigrateTask.on) k.trace.schedMigrateTask.emit(t, cpu);
    const from = t.cpu;
    const running = k.cpus.curr[from] === t;
    if (!t.se.queued && !running) {
      t.cpu = cpu;
      return;
    }
    this.deactivate(t);
    if (running) {
      k.cpus.curr[from] = null;
      this.steps.stop(from);
      t.needResched = false;
    }
    this.activate(t, cpu);
    if (running) this.schedule(from, t);
  }

  // --- running ---

  /** Bring the CPU's and its task's times up to now. */
  account(cpu: number): void {
    const { cpus, now } = this.k;
    let d = now - cpus.since[cpu];
    if (d <= 0) return;
    const t = cpus.curr[cpu];
    if (t !== null && t.remainingNs > 0) t.remainingNs = Math.max(0, t.remainingNs - d);
    if (this.irqDebt[cpu] > 0) {
      const x = Math.min(d, this.irqDebt[cpu]);
      this.irqDebt[cpu] -= x;
      cpus.times[cpu * 8 + CPU_IRQ] += x;
      cpus.since[cpu] += x;
      d -= x;
      if (d === 0) return;
    }
    cpus.times[cpu * 8 + cpus.mode[cpu]] += d;
    cpus.since[cpu] = now;
    if (t !== null) {
      if (cpus.mode[cpu] === CPU_SYSTEM) t.stimeNs += d;
      else t.utimeNs += d;
      this.charge(t, d);
    }
  }

  /** `d` ns of run time go to the task's scheduling class. */
  private charge(t: Task, d: number): void {
    const se = t.se;
    se.sumExecNs += d;
    if (se.rtPriority > 0) {
      if (se.policy === SCHED_RR) se.rrLeftNs -= d;
      return;
    }
    const w = weightOf(t);
    const dv = (d * 1024) / w;
    se.vruntime += dv;
    this.rqs[t.cpu].sumWeightedV += w * dv;
  }

  /**
   * Spend `ns` of system time of the stepping task without leaving it, if nothing else happens before that. False: not
   * possible, the caller adds to remainingNs and suspends.
   */
  spendInline(t: Task, ns: number): boolean {
    const k = this.k;
    const end = k.now + ns;
    if (this.steps.pending || this.stepping < 0 || end > k.inlineUntil || end >= k.events.peek()) return false;
    const cpu = t.cpu;
    if (this.irqDebt[cpu] > 0 || t.needResched) return false;
    k.now = end;
    k.cpus.times[cpu * 8 + CPU_SYSTEM] += ns;
    k.cpus.since[cpu] = end;
    t.stimeNs += ns;
    this.charge(t, ns);
    return true;
  }

  /** ns of interrupt work on a CPU: what it does is late by that much. */
  addIrqTime(cpu: number, ns: number): void {
    this.account(cpu);
    this.irqDebt[cpu] += ns;
    const t = this.k.cpus.curr[cpu];
    if (t !== null) {
      t.remainingNs += ns;
      this.steps.armAfter(cpu, t.remainingNs);
    }
  }

  /** Choose what runs on `cpu` now. `moved`: the task that has just been taken away from it. */
  schedule(cpu: number, moved: Task | null = null): void {
    const k = this.k;
    const { cpus, hooks } = k;
    const rq = this.rqs[cpu];
    this.account(cpu);
    const prev = cpus.curr[cpu];
    let voluntary = true;
    if (prev !== null) {
      prev.needResched = false;
      this.steps.stop(cpu);
      if (prev.state === TASK_RUNNING) {
        voluntary = false;
        const expired = prev.se.policy === SCHED_RR && prev.se.rrLeftNs <= 0;
        if (expired) prev.se.rrLeftNs = RR_TIMESLICE_NS;
        rq.push(prev, isRt(prev) && !expired && !prev.se.yielded);
        prev.se.yielded = false;
      }
    }
    const forced = cpus.forcedIdleUntil[cpu] > k.now;
    let next = forced ? null : rq.first();
    if (next === null && !forced && cpus.online[cpu] === 1) next = this.take(cpu, pullFor(this, cpu));
    if (next !== null) rq.remove(next);
    if (next === prev && moved === null) {
      if (next !== null) this.resume(cpu, next);
      return;
    }
    const out = prev ?? moved;
    if (prev !== null) {
      if (voluntary) prev.nvcsw++;
      else prev.nivcsw++;
    }
    this.ctxt++;
    cpus.switches[cpu]++;
    if (k.trace.schedSwitch.on) k.trace.schedSwitch.emit(cpu, out, next);
    if (out !== null && hooks.schedOut.on !== null) hooks.schedOut.on(out, cpu);
    if (out === null && next !== null) k.idle.exit(cpu, "task");
    cpus.curr[cpu] = next;
    if (next === null) {
      cpus.mode[cpu] = cpus.nrIowait[cpu] > 0 ? CPU_IOWAIT : CPU_IDLE;
      this.updateTick(cpu);
      k.idle.enter(cpu);
      return;
    }
    const se = next.se;
    se.runDelayNs += k.now - se.lastQueuedNs;
    se.lastArrivalNs = k.now;
    se.pcount++;
    if (hooks.schedIn.on !== null) hooks.schedIn.on(next, cpu);
    this.resume(cpu, next);
  }

  /** The CPU's (new or same) task goes on: spends what it owes, or is stepped at this instant. */
  private resume(cpu: number, t: Task): void {
    this.setMode(cpu, t);
    if (t.remainingNs > 0) this.steps.armAfter(cpu, t.remainingNs);
    else this.steps.mark(cpu);
    this.updateTick(cpu);
  }

  private setMode(cpu: number, t: Task): void {
    this.k.cpus.mode[cpu] = t.remainingUser ? (t.se.nice > 0 ? CPU_NICE : CPU_USER) : CPU_SYSTEM;
  }

  /** The CPU's task is no longer on its way to its next step. */
  stopSteps(cpu: number): void {
    this.steps.stop(cpu);
  }

  private onContinue(cpu: number): void {
    this.account(cpu);
    const t = this.k.cpus.curr[cpu];
    if (t === null) return;
    if (t.remainingNs > 0) {
      this.steps.armAfter(cpu, t.remainingNs); // interrupts took some of its time
      return;
    }
    this.steps.mark(cpu);
  }

  /** CPUs have steps to take at this instant. */
  get stepsPending(): boolean {
    return this.steps.pending;
  }

  /** Step the task of the lowest CPU that is due. */
  stepFirst(): void {
    const cpu = this.steps.takeFirst();
    const t = this.k.cpus.curr[cpu];
    if (t === null) return;
    if (t.needResched) {
      this.schedule(cpu);
      return;
    }
    this.stepping = cpu;
    try {
      this.k.entry.step(t);
    } finally {
      this.stepping = -1;
      if (this.k.cpus.curr[cpu] === t) this.afterStep(cpu, t);
    }
  }

  private afterStep(cpu: number, t: Task): void {
    if (t.state !== TASK_RUNNING) {
      this.deactivate(t);
      this.schedule(cpu);
    } else if (t.needResched) this.schedule(cpu);
    else this.resume(cpu, t);
  }

  /** A driven task's outside call is to go on by itself: it sleeps or needs CPU time. */
  startDriven(t: Task): void {
    if (t.state === TASK_RUNNING && !t.se.queued && this.k.cpus.curr[t.cpu] !== t) this.activate(t, selectCpu(this, t));
  }

  /** Park the driven task that is being stepped: it has returned to its driver. */
  park(t: Task): void {
    t.state = TASK_PARKED;
  }

  // --- tick and balance ---

  /** Start or stop the CPU's tick as its load asks. A stopped tick means no event at all. */
  updateTick(cpu: number): void {
    const { cpus } = this.k;
    if (cpus.tickOn[cpu] === 1) return; // it stops itself when it fires in vain
    if (!tickNeeded(this, cpu)) return;
    cpus.tickOn[cpu] = 1;
    this.k.events.at(this.k.time.nextTick(), EV_TICK, this.hTick, cpu, cpu);
  }

  private onTick(cpu: number): void {
    const { cpus, hooks } = this.k;
    cpus.tickOn[cpu] = 0;
    if (!tickNeeded(this, cpu)) return;
    this.k.irq.enter(cpu);
    this.account(cpu);
    const t = cpus.curr[cpu];
    if (t !== null) {
      if (hooks.tick.on !== null) hooks.tick.on(cpu, t);
      taskTick(this, cpu, t);
    }
    this.k.irq.exit(cpu);
    if (cpus.tickOn[cpu] === 0) this.updateTick(cpu);
  }

  private take(cpu: number, task: Task | null): Task | null {
    if (task === null) return null;
    if (this.k.trace.schedMigrateTask.on) this.k.trace.schedMigrateTask.emit(task, cpu);
    this.deactivate(task);
    const rq = this.rqs[cpu];
    task.cpu = cpu;
    if (!isRt(task)) {
      task.se.vruntime = rq.avgVruntime - task.se.vlag;
      task.se.deadline = task.se.vruntime + (this.sliceNs * 1024) / weightOf(task);
    }
    rq.attach(task);
    rq.push(task);
    return task;
  }
}

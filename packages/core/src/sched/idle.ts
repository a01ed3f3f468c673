/**
 * Idle CPUs: idle states, who chooses among them, and forced idle.
 *
 * An idle CPU is in one of `states` from `enter` to `exit`; the hook `idleSelect` chooses (default: state 1 if there is one).
 * Forced idle holds the run queue while interrupts are served: the CPU of a bound FIFO kernel thread does nothing until the
 * time is up. Documentation/admin-guide/pm/cpuidle, Documentation/driver-api/pm/cpuidle.
 */

import type { Core } from "../kernel/core.js";
import { PF_NO_SETAFFINITY, type Task } from "../task/task.js";
import { EV_HRTIMER } from "../time/eventQueue.js";
import { isRt } from "./runQueue.js";

export interface IdleStateDef {
  readonly name: string;
  readonly exitLatencyNs: number;
  readonly residencyNs: number;
}

/** Why a CPU left idle: an interrupt, or a task to run. */
export type IdleExitReason = "irq" | "task";

export class Idle {
  states: IdleStateDef[] = [
    { name: "POLL", exitLatencyNs: 0, residencyNs: 0 },
    { name: "C1", exitLatencyNs: 1000, residencyNs: 1000 },
  ];
  /** Entries into each state: [cpu * 16 + state], and ns spent. */
  readonly usage: Float64Array;
  readonly timeNs: Float64Array;
  private readonly hForcedEnd: number;

  constructor(readonly k: Core) {
    this.usage = new Float64Array(k.cpus.nr * 16);
    this.timeNs = new Float64Array(k.cpus.nr * 16);
    this.hForcedEnd = k.events.define("idle.forcedEnd", (cpu) => this.endForced(cpu as number));
    for (let c = 0; c < k.cpus.nr; c++) k.cpus.idleState[c] = this.states.length > 1 ? 1 : 0;
  }

  enter(cpu: number): void {
    const { cpus, hooks, now } = this.k;
    const chosen = hooks.idleSelect.on === null ? undefined : hooks.idleSelect.on(cpu, now);
    const state = chosen ?? (this.states.length > 1 ? 1 : 0);
    cpus.idleState[cpu] = state;
    cpus.idleSince[cpu] = now;
    this.usage[cpu * 16 + state]++;
    if (this.k.trace.cpuIdle.on) this.k.trace.cpuIdle.emit(cpu, state);
    if (hooks.idleEnter.on !== null) hooks.idleEnter.on(cpu, state);
  }

  exit(cpu: number, reason: IdleExitReason): void {
    const { cpus, hooks, now } = this.k;
    const state = cpus.idleState[cpu];
    if (state < 0) return;
    this.timeNs[cpu * 16 + state] += now - cpus.idleSince[cpu];
    cpus.idleState[cpu] = -1;
    if (this.k.trace.cpuIdle.on) this.k.trace.cpuIdle.emit(cpu, -1);
    if (hooks.idleExit.on !== null) hooks.idleExit.on(cpu, reason);
  }

  /**
   * Play idle: `t` (a FIFO kernel thread bound to its CPU, now running there) holds its CPU idle until `untilNs`. Returns false,
   * and warns, for any other task. The thread sleeps meanwhile; it is to `return c.sleep(null, untilNs, TASK_IDLE...)`-like WAIT.
   */
  force(t: Task, untilNs: number): boolean {
    const { k } = this;
    if (!t.isKthread || !isRt(t) || (t.flags & PF_NO_SETAFFINITY) === 0) {
      k.warn(`play_idle by ${t.comm}, which is not a FIFO kernel thread bound to one CPU`);
      return false;
    }
    const cpu = t.cpu;
    k.cpus.forcedIdleUntil[cpu] = untilNs;
    k.events.at(untilNs, EV_HRTIMER, this.hForcedEnd, cpu, cpu);
    return true;
  }

  private endForced(cpu: number): void {
    const { cpus } = this.k;
    if (cpus.forcedIdleUntil[cpu] > this.k.now) return; // it was extended
    cpus.forcedIdleUntil[cpu] = 0;
    this.k.irq.enter(cpu);
    this.k.irq.exit(cpu);
  }
}

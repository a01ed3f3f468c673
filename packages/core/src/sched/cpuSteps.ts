/**
 * When the task of each CPU takes its next step: at this instant (`mark`), or when it has spent the CPU time it owes (`armAfter`).
 *
 * Steps due at one instant are taken in CPU order. Interrupts that a CPU has yet to spend time on are part of what it owes.
 */
import type { Core } from "../kernel/core.js";
import { EV_TASK } from "../time/eventQueue.js";

export class CpuSteps {
  /** 1: the CPU's task must be stepped at this instant. */
  private readonly due: Uint8Array;
  private nDue = 0;
  /** No CPU below this one has a step to take. */
  private lowest = 0;
  /** Handle of the event at which the CPU's task has spent its remaining time, -1: none. */
  private readonly cont: Float64Array;
  private readonly hContinue: number;

  constructor(
    readonly k: Core,
    onContinue: (cpu: number) => void,
  ) {
    const { nr } = k.cpus;
    this.due = new Uint8Array(nr);
    this.cont = new Float64Array(nr).fill(-1);
    this.hContinue = k.events.define("sched.continue", (cpu) => {
      this.cont[cpu as number] = -1;
      onContinue(cpu as number);
    });
  }

  /** CPUs have steps to take at this instant. */
  get pending(): boolean {
    return this.nDue > 0;
  }

  /** The CPU's task is to be stepped at this instant. */
  mark(cpu: number): void {
    if (this.due[cpu] === 1) return;
    this.due[cpu] = 1;
    this.nDue++;
    if (cpu < this.lowest) this.lowest = cpu;
  }

  /** The lowest CPU that is due; it is not any more. Call it only while steps are pending. */
  takeFirst(): number {
    let cpu = this.lowest;
    while (this.due[cpu] === 0) cpu++;
    this.lowest = cpu;
    this.due[cpu] = 0;
    this.nDue--;
    return cpu;
  }

  /** The CPU's task is to be looked at again after `ns` of CPU time. */
  armAfter(cpu: number, ns: number): void {
    const { events } = this.k;
    if (this.cont[cpu] >= 0) events.cancel(this.cont[cpu]);
    this.cont[cpu] = events.at(this.k.now + ns, EV_TASK, this.hContinue, cpu, cpu);
  }

  /** The CPU's task is no longer on its way to its next step. */
  stop(cpu: number): void {
    if (this.cont[cpu] >= 0) {
      this.k.events.cancel(this.cont[cpu]);
      this.cont[cpu] = -1;
    }
    if (this.due[cpu] === 1) {
      this.due[cpu] = 0;
      this.nDue--;
    }
  }
}

/**
 * Interrupt context on a CPU: hard interrupts nest, soft interrupts run when the last one leaves, then the interrupted task
 * goes on, another is scheduled, or the CPU goes back to idle.
 *
 *     k.irq.enter(cpu); handler(); k.irq.exit(cpu);      or      k.irq.raise(cpu, handler)
 *
 * Handlers run at one instant; time they are said to take (`costs.irq`, or `k.sched.addIrqTime`) makes the interrupted work
 * late. Eleven softirq vectors are served in vector order. Documentation/core-api/genericirq, proc(5) /proc/softirqs.
 */
import type { Core } from "../kernel/core.js";

export const HI_SOFTIRQ = 0;
export const TIMER_SOFTIRQ = 1;
export const NET_TX_SOFTIRQ = 2;
export const NET_RX_SOFTIRQ = 3;
export const BLOCK_SOFTIRQ = 4;
export const IRQ_POLL_SOFTIRQ = 5;
export const TASKLET_SOFTIRQ = 6;
export const SCHED_SOFTIRQ = 7;
export const HRTIMER_SOFTIRQ = 8;
export const RCU_SOFTIRQ = 9;
export const NR_SOFTIRQS = 10;
/** Rounds of soft interrupts served on one exit before the rest is left for later. */
const MAX_SOFTIRQ_RESTART = 10;

export class Irq {
  static readonly transient: readonly string[] = ["actions"];
  private readonly actions: (((cpu: number) => void) | null)[] = new Array(NR_SOFTIRQS).fill(null);
  /** Served soft interrupts: [cpu * 10 + vector]. */
  readonly softirqCount: Float64Array;
  /** Soft interrupts left over after too many rounds are a package's to serve (ksoftirqd); null: they go on here. */
  deferred: ((cpu: number) => void) | null = null;
  /** CPU in whose interrupt context we are, -1: none. */
  currentCpu = -1;

  constructor(readonly k: Core) {
    this.softirqCount = new Float64Array(k.cpus.nr * NR_SOFTIRQS);
  }

  /** Give a vector its action. TypeError if it has one. */
  openSoftirq(nr: number, action: (cpu: number) => void): void {
    if (this.actions[nr] !== null) throw new TypeError(`softirq vector ${nr} already has an action`);
    this.actions[nr] = action;
  }

  /** Mark a vector pending; outside interrupt context it is served at once. */
  raiseSoftirq(cpu: number, nr: number): void {
    const { cpus } = this.k;
    cpus.softirqPending[cpu] |= 1 << nr;
    if (cpus.irqDepth[cpu] === 0 && cpus.inSoftirq[cpu] === 0) {
      this.enter(cpu);
      this.exit(cpu);
    }
  }

  /** True in a hard or soft interrupt. */
  inInterrupt(): boolean {
    return this.currentCpu >= 0;
  }

  /** An interrupt arrives. An idle CPU leaves its idle state. */
  enter(cpu: number): void {
    const { cpus, hooks, sched } = this.k;
    sched.account(cpu);
    if (cpus.irqDepth[cpu]++ === 0) {
      if (cpus.curr[cpu] === null && cpus.inSoftirq[cpu] === 0) this.k.idle.exit(cpu, "irq");
      if (this.k.costs.irq > 0) sched.addIrqTime(cpu, this.k.costs.irq);
    }
    this.currentCpu = cpu;
    if (hooks.irqEnter.on !== null) hooks.irqEnter.on(cpu, cpus.currentOf(cpu));
  }

  /** It is over: soft interrupts, then whatever should run. */
  exit(cpu: number): void {
    const { cpus, hooks, sched } = this.k;
    if (hooks.irqExit.on !== null) hooks.irqExit.on(cpu, cpus.currentOf(cpu));
    if (--cpus.irqDepth[cpu] > 0) return;
    if (cpus.softirqPending[cpu] !== 0 && cpus.inSoftirq[cpu] === 0) this.serve(cpu);
    if (cpus.inSoftirq[cpu] === 1) return;
    this.currentCpu = -1;
    const curr = cpus.curr[cpu];
    if (curr !== null) {
      if (curr.needResched) sched.resched(cpu);
      return;
    }
    if (cpus.online[cpu] === 0) return;
    if (sched.rqs[cpu].first() !== null && cpus.forcedIdleUntil[cpu] <= this.k.now) sched.schedule(cpu);
    else if (cpus.idleState[cpu] < 0) this.k.idle.enter(cpu);
  }

  /** Run `fn` as a hard interrupt on `cpu`, now. */
  raise(cpu: number, fn: () => void): void {
    this.enter(cpu);
    try {
      fn();
    } finally {
      this.exit(cpu);
    }
  }

  /** Serve what is pending outside a hard interrupt, in process context (ksoftirqd). */
  doSoftirq(cpu: number): void {
    const { cpus } = this.k;
    if (cpus.softirqPending[cpu] === 0 || cpus.inSoftirq[cpu] === 1 || cpus.irqDepth[cpu] > 0) return;
    const was = this.currentCpu;
    this.currentCpu = cpu;
    this.serve(cpu);
    this.currentCpu = was;
  }

  private serve(cpu: number): void {
    const { cpus } = this.k;
    cpus.inSoftirq[cpu] = 1;
    for (let round = 0; cpus.softirqPending[cpu] !== 0; round++) {
      if (round >= MAX_SOFTIRQ_RESTART && this.deferred !== null) {
        this.deferred(cpu);
        break;
      }
      const pending = cpus.softirqPending[cpu];
      cpus.softirqPending[cpu] = 0;
      for (let nr = 0; nr < NR_SOFTIRQS; nr++) {
        if (((pending >>> nr) & 1) === 0) continue;
        this.softirqCount[cpu * NR_SOFTIRQS + nr]++;
        if (this.k.trace.softirqEntry.on) this.k.trace.softirqEntry.emit(cpu, nr);
        this.actions[nr]?.(cpu);
        if (this.k.trace.softirqExit.on) this.k.trace.softirqExit.emit(cpu, nr);
      }
    }
    cpus.inSoftirq[cpu] = 0;
  }
}

/**
 * Soft interrupts: work that a hard interrupt leaves for its end. Core keeps the ten vectors and runs them at the exit of the last
 * hard interrupt; here is raising them from anywhere, and the thread for what is raised where no interrupt will end soon.
 */
import type { Irqs } from "../irqs.js";
import { wakeKsoftirqd } from "./ksoftirqd.js";

/** Give a vector its action. TypeError if it has one. */
export function openSoftirq(g: Irqs, nr: number, action: (cpu: number) => void): void {
  g.k.irq.openSoftirq(nr, action);
}

/** Mark a vector of this CPU pending: served at the end of the interrupt we are in, else by ksoftirqd. */
export function raiseSoftirq(g: Irqs, nr: number): void {
  const { cpus } = g.k;
  const { cpu } = g;
  if (g.trace.softirqRaise.on) g.trace.softirqRaise.emit(nr);
  cpus.softirqPending[cpu] |= 1 << nr;
  if (cpus.irqDepth[cpu] === 0 && cpus.inSoftirq[cpu] === 0) wakeKsoftirqd(g, cpu);
}

/**
 * irq_work: run a function in hard interrupt context soon, from wherever one is. Queued twice before it runs, it runs once.
 * The CPU interrupts itself (row IWI of /proc/interrupts).
 */
import { EV_HARDWARE } from "@kernelkit/core";
import type { Irqs } from "../irqs.js";

export class IrqWork {
  pending = false;
  cpu = 0;
  constructor(
    readonly g: Irqs,
    readonly fn: (data: unknown) => void,
    readonly data: unknown,
  ) {}
}

/** Run `work` as an interrupt of this CPU (or of `cpu`), after what is going on. False if it is queued already. */
export function irqWorkQueue(g: Irqs, work: IrqWork, cpu: number = g.cpu): boolean {
  if (work.pending) return false;
  g.adopt("irq_work", work.fn);
  work.pending = true;
  work.cpu = cpu;
  g.k.events.at(g.k.now, EV_HARDWARE, g.workEvent, work);
  return true;
}

/** The event behind it. */
export function runIrqWork(work: IrqWork): void {
  const { g } = work;
  g.archIncr("IWI", work.cpu);
  g.k.irq.raise(work.cpu, () => {
    work.pending = false;
    work.fn(work.data);
  });
}

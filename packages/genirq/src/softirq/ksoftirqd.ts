/**
 * ksoftirqd/N: serves soft interrupts that were raised in process context, or that did not end after ten rounds at one interrupt's
 * exit, so that tasks run in between. A CPU's thread is made when it is first needed.
 */
import { type Ctx, type KthreadDef, TASK_IDLE, type Task, type Wait, WaitQueue } from "@kernelkit/core";
import type { Irqs } from "../irqs.js";

export class Ksoftirqd {
  readonly more: WaitQueue = new WaitQueue("ksoftirqd");
  task: Task | null = null;
  constructor(
    readonly g: Irqs,
    readonly cpu: number,
  ) {}
}

export const KSOFTIRQD: KthreadDef<Ksoftirqd> = {
  name: "genirq.ksoftirqd",
  step(c: Ctx, d: Ksoftirqd): number | Wait {
    if (c.k.cpus.softirqPending[d.cpu] === 0) return c.sleep(d.more, undefined, TASK_IDLE);
    c.k.irq.doSoftirq(d.cpu);
    return 0;
  },
};

/** Let the CPU's thread serve what is pending there. */
export function wakeKsoftirqd(g: Irqs, cpu: number): void {
  const d = g.ksoftirqd[cpu];
  if (d !== null) {
    g.k.sched.wakeUp(d.more);
    return;
  }
  const made = new Ksoftirqd(g, cpu);
  g.ksoftirqd[cpu] = made;
  made.task = g.k.tasks.kthreadCreate(KSOFTIRQD, `ksoftirqd/${cpu}`, made, { cpu });
}

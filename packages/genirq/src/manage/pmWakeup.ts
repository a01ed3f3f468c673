/** What the flows do for an interrupt that wakes the machine from suspend (irq_pm_handle_wakeup). */
import { IRQD_WAKEUP_ARMED, IRQS_PENDING, IRQS_SUSPENDED } from "../abi.js";
import type { Irqs } from "../irqs.js";
import { irqDisable } from "./startup.js";

/** An armed line's interrupt: it is the one that wakes the machine, and is kept for resume. */
export function pmHandleWakeup(g: Irqs, irq: number): void {
  g.state[irq] = (g.state[irq] & ~IRQD_WAKEUP_ARMED) | IRQS_SUSPENDED | IRQS_PENDING;
  g.depth[irq]++;
  irqDisable(g, irq);
  if (g.wakeupIrq === 0) g.wakeupIrq = irq;
}

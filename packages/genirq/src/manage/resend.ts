/**
 * Resending: an interrupt that came while its line was disabled (or had no action) is sent again when the line is enabled - by the
 * chip if it can, else by a tasklet that calls the flow. Level lines are not resent: if the level is still there, it comes by itself.
 */
import { EBUSY, EINVAL } from "@kernelkit/core";
import { IRQ_LEVEL, IRQ_NESTED_THREAD, IRQS_PENDING, IRQS_REPLAY } from "../abi.js";
import { irqChipRetriggerHierarchy } from "../chip/parent.js";
import type { IrqData, IrqDesc } from "../desc.js";
import type { Irqs } from "../irqs.js";
import { taskletSchedule } from "../softirq/tasklet.js";

/** Send again what is pending; with `inject` in any case. 0, or -EINVAL (level line, no way to do it), -EBUSY (on its way already). */
export function checkIrqResend(g: Irqs, irq: number, inject: boolean): number {
  if ((g.settings[irq] & IRQ_LEVEL) !== 0) {
    g.state[irq] &= ~IRQS_PENDING;
    return -EINVAL;
  }
  if ((g.state[irq] & IRQS_REPLAY) !== 0) return -EBUSY;
  if ((g.state[irq] & IRQS_PENDING) === 0 && !inject) return 0;
  g.state[irq] &= ~IRQS_PENDING;
  let err = 0;
  if (!retrigger(g, irq)) err = softwareResend(g, irq);
  if (err === 0) g.state[irq] |= IRQS_REPLAY;
  return err;
}

function retrigger(g: Irqs, irq: number): boolean {
  const d = g.data[irq] as IrqData;
  if (d.chip.irqRetrigger !== null) return Boolean(d.chip.irqRetrigger(d));
  return Boolean(irqChipRetriggerHierarchy(d));
}

/** Queue the line (a nested one: its parent) for the resend tasklet. */
export function softwareResend(g: Irqs, irq: number): number {
  // it cannot be called from a tasklet if it insists on hard interrupt context
  if (g.state[irq] < 0) return -EINVAL;
  let target = irq;
  if ((g.settings[irq] & IRQ_NESTED_THREAD) !== 0) {
    target = (g.desc[irq] as IrqDesc).parentIrq;
    if (target === 0 || !g.has(target)) return -EINVAL;
  }
  const desc = g.desc[target] as IrqDesc;
  if (!desc.resendQueued) {
    desc.resendQueued = true;
    g.resendList.push(target);
  }
  taskletSchedule(g, g.resendTasklet);
  return 0;
}

/** The line is shut down: what was to be resent is forgotten. */
export function clearIrqResend(g: Irqs, irq: number): void {
  const desc = g.desc[irq] as IrqDesc;
  if (!desc.resendQueued) return;
  desc.resendQueued = false;
  g.resendList.splice(g.resendList.indexOf(irq), 1);
}

/** The tasklet: calls the flows of all queued lines, the last one queued first. */
export function resendTask(data: unknown): void {
  const g = data as Irqs;
  while (g.resendList.length > 0) {
    const irq = g.resendList.pop() as number;
    const desc = g.desc[irq];
    if (desc === null) continue;
    desc.resendQueued = false;
    g.handle(irq);
  }
  g.rethrow();
}

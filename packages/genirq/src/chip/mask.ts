/**
 * Masking: the only places where IRQD_IRQ_MASKED changes outside start-up. Every flow is made of these.
 */
import { IRQD_IRQ_DISABLED, IRQD_IRQ_MASKED, IRQS_ONESHOT } from "../abi.js";
import type { IrqData } from "../desc.js";
import type { Irqs } from "../irqs.js";

/** Mask the line unless it is. A chip without irqMask leaves it as it is. */
export function maskIrq(g: Irqs, irq: number): void {
  if ((g.state[irq] & IRQD_IRQ_MASKED) !== 0) return;
  const d = g.data[irq] as IrqData;
  if (d.chip.irqMask === null) return;
  d.chip.irqMask(d);
  g.state[irq] |= IRQD_IRQ_MASKED;
}

export function unmaskIrq(g: Irqs, irq: number): void {
  if ((g.state[irq] & IRQD_IRQ_MASKED) === 0) return;
  const d = g.data[irq] as IrqData;
  if (d.chip.irqUnmask === null) return;
  d.chip.irqUnmask(d);
  g.state[irq] &= ~IRQD_IRQ_MASKED;
}

/** Mask and acknowledge. The combined operation is called even on a masked line; of separate ones only the ack. */
export function maskAckIrq(g: Irqs, irq: number): void {
  const d = g.data[irq] as IrqData;
  const { chip } = d;
  if (chip.irqMaskAck !== null) {
    chip.irqMaskAck(d);
    g.state[irq] |= IRQD_IRQ_MASKED;
    return;
  }
  // recorded before the ack, which may look at it
  if (chip.irqMask !== null && (g.state[irq] & IRQD_IRQ_MASKED) === 0) {
    chip.irqMask(d);
    g.state[irq] |= IRQD_IRQ_MASKED;
  }
  if (chip.irqAck !== null) chip.irqAck(d);
}

/** After the handlers: unmask if the line is enabled, masked, and no thread of it has work. */
export function condUnmaskIrq(g: Irqs, irq: number): void {
  const s = g.state[irq];
  if ((s & (IRQD_IRQ_DISABLED | IRQD_IRQ_MASKED)) !== IRQD_IRQ_MASKED) return;
  // only a oneshot line waits for threads
  if ((s & IRQS_ONESHOT) !== 0 && (g.threadsOneshot[2 * irq] | g.threadsOneshot[2 * irq + 1]) !== 0) return;
  const d = g.data[irq] as IrqData;
  if (d.chip.irqUnmask === null) return;
  d.chip.irqUnmask(d);
  g.state[irq] &= ~IRQD_IRQ_MASKED;
}

/** A chip behind a slow bus: begin a group of changes. */
export function busLock(g: Irqs, irq: number): void {
  const d = g.data[irq] as IrqData;
  if (d.chip.irqBusLock !== null) d.chip.irqBusLock(d);
}

/** End a group of changes: they are sent now. */
export function busSyncUnlock(g: Irqs, irq: number): void {
  const d = g.data[irq] as IrqData;
  if (d.chip.irqBusSyncUnlock !== null) d.chip.irqBusSyncUnlock(d);
}

/**
 * __do_IRQ(): the one big handler that ran every line before the flows of 2006 ("A new generic IRQ layer", LWN 2006-05). It
 * acknowledges at entry and ends at exit, whatever the hardware is; what a level line needs is in its chip's ack and end. Arrivals that
 * may not be handled are counted all the same. Chosen by `genirq({ entry: "__do_IRQ" })`.
 */
import {
  IRQD_IRQ_DISABLED,
  IRQD_IRQ_INPROGRESS,
  IRQD_IRQ_MASKED,
  IRQD_PER_CPU,
  IRQS_PENDING,
  IRQS_REPLAY,
  IRQS_WAITING,
} from "./abi.js";
import type { IrqData } from "./desc.js";
import { judge, kstatIncr, runActions } from "./flow/handleIrqEvent.js";
import type { Irqs } from "./irqs.js";
import { softwareResend } from "./manage/resend.js";

export function doIrq(g: Irqs, irq: number): void {
  const d = g.data[irq] as IrqData;
  const { irqAck, irqEnd } = d.chip;
  kstatIncr(g, irq);
  if ((g.state[irq] & IRQD_PER_CPU) !== 0) {
    if (irqAck !== null) irqAck(d);
    judge(g, irq, runActions(g, irq));
    if (irqEnd !== null) irqEnd(d);
    return;
  }
  if (irqAck !== null) irqAck(d);
  const s = (g.state[irq] & ~(IRQS_REPLAY | IRQS_WAITING)) | IRQS_PENDING;
  // disabled, running already (it will look once more), or nobody there: only remembered
  if ((s & (IRQD_IRQ_DISABLED | IRQD_IRQ_INPROGRESS)) !== 0 || g.action[irq] === null) g.state[irq] = s;
  else {
    g.state[irq] = (s & ~IRQS_PENDING) | IRQD_IRQ_INPROGRESS;
    for (;;) {
      judge(g, irq, runActions(g, irq));
      if ((g.state[irq] & IRQS_PENDING) === 0) break;
      g.state[irq] &= ~IRQS_PENDING;
    }
    g.state[irq] &= ~IRQD_IRQ_INPROGRESS;
  }
  if (irqEnd !== null) irqEnd(d);
}

/** enable_irq() at depth 1, as it was: what is pending is sent again first, then the chip enables. */
export function superEnable(g: Irqs, irq: number): void {
  const d = g.data[irq] as IrqData;
  g.depth[irq] = 0;
  g.state[irq] &= ~(IRQD_IRQ_DISABLED | IRQD_IRQ_MASKED);
  if ((g.state[irq] & (IRQS_PENDING | IRQS_REPLAY)) === IRQS_PENDING) {
    g.state[irq] |= IRQS_REPLAY;
    if (d.chip.irqRetrigger === null || !d.chip.irqRetrigger(d)) softwareResend(g, irq);
  }
  d.chip.irqEnable?.(d);
}

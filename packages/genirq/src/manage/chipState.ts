/** What the hardware says of a line (irq_get_irqchip_state, irq_set_irqchip_state), and interrupts from nowhere. */
import { EINVAL } from "@kernelkit/core";
import { IRQCHIP_STATE_PENDING, IRQD_ACTIVATED } from "../abi.js";
import { busLock, busSyncUnlock } from "../chip/mask.js";
import type { IrqData } from "../desc.js";
import type { Irqs } from "../irqs.js";
import { globalLine } from "./line.js";
import { checkIrqResend } from "./resend.js";

/** State of the hardware (IRQCHIP_STATE_): true or false, of the first controller that knows; -EINVAL: no such line, nobody knows. */
export function irqGetIrqchipState(g: Irqs, irq: number, which: number): boolean | number {
  if (!g.has(irq)) return -EINVAL;
  busLock(g, irq);
  let ret: boolean | number = -EINVAL;
  for (let d: IrqData | null = g.data[irq]; d !== null; d = d.parentData) {
    if (d.chip.irqGetIrqchipState === null) continue;
    ret = d.chip.irqGetIrqchipState(d, which);
    break;
  }
  busSyncUnlock(g, irq);
  return ret;
}

/** Set it. 0, -EINVAL, or the chip's error. */
export function irqSetIrqchipState(g: Irqs, irq: number, which: number, value: boolean): number {
  if (!g.has(irq)) return -EINVAL;
  busLock(g, irq);
  let ret = -EINVAL;
  for (let d: IrqData | null = g.data[irq]; d !== null; d = d.parentData) {
    if (d.chip.irqSetIrqchipState === null) continue;
    ret = d.chip.irqSetIrqchipState(d, which, value);
    break;
  }
  busSyncUnlock(g, irq);
  return ret;
}

/**
 * Make an interrupt happen for a test: by the hardware's pending state, else by resending. 0; -EINVAL: no such line, not activated,
 * a level line; -EBUSY: one is on its way.
 */
export function irqInjectInterrupt(g: Irqs, irq: number): number {
  if (irqSetIrqchipState(g, irq, IRQCHIP_STATE_PENDING, true) === 0) return 0;
  if (!globalLine(g, irq)) return -EINVAL;
  busLock(g, irq);
  const ret = (g.state[irq] & IRQD_ACTIVATED) === 0 ? -EINVAL : checkIrqResend(g, irq, true);
  busSyncUnlock(g, irq);
  return ret;
}

/** Programming a line's trigger at its chip (__irq_set_trigger): the lower layer of irq_set_irq_type() and of requests. */
import {
  IRQ_LEVEL,
  IRQ_SET_MASK_OK_NOCOPY,
  IRQ_TYPE_LEVEL_MASK,
  IRQ_TYPE_SENSE_MASK,
  IRQCHIP_SET_TYPE_MASKED,
  IRQD_IRQ_DISABLED,
  IRQD_IRQ_MASKED,
  IRQD_LEVEL,
  IRQD_TRIGGER_MASK,
} from "../abi.js";
import { maskIrq, unmaskIrq } from "../chip/mask.js";
import type { IrqData } from "../desc.js";
import type { Irqs } from "../irqs.js";

/** Program the trigger and record it (__irq_set_trigger): 0, or the chip's negative errno. A chip that cannot is content. */
export function setTrigger(g: Irqs, irq: number, type: number): number {
  const d = g.data[irq] as IrqData;
  const { chip } = d;
  if (chip.irqSetType === null) return 0;
  let unmask = false;
  if ((chip.flags & IRQCHIP_SET_TYPE_MASKED) !== 0 && (g.state[irq] & IRQD_IRQ_MASKED) === 0) {
    maskIrq(g, irq);
    unmask = (g.state[irq] & IRQD_IRQ_DISABLED) === 0;
  }
  const sense = type & IRQ_TYPE_SENSE_MASK;
  let ret = chip.irqSetType(d, sense);
  if (ret >= 0) {
    if (ret !== IRQ_SET_MASK_OK_NOCOPY) g.state[irq] = (g.state[irq] & ~IRQD_TRIGGER_MASK) | sense;
    const is = g.state[irq] & IRQD_TRIGGER_MASK;
    g.settings[irq] = (g.settings[irq] & ~(IRQ_TYPE_SENSE_MASK | IRQ_LEVEL)) | is;
    g.state[irq] &= ~IRQD_LEVEL;
    if ((is & IRQ_TYPE_LEVEL_MASK) !== 0) {
      g.settings[irq] |= IRQ_LEVEL;
      g.state[irq] |= IRQD_LEVEL;
    }
    ret = 0;
  } else
    g.k.log(
      3,
      `genirq: Setting trigger mode ${sense} for irq ${irq} failed (${chip.irqSetType.name || "irq_set_type"})`,
    );
  if (unmask) unmaskIrq(g, irq);
  return ret;
}

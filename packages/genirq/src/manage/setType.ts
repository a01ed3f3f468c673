/** irq_set_irq_type(): how a line signals. The chip decides; what it accepts is recorded. Sharers are not asked. */
import { EINVAL } from "@kernelkit/core";
import { IRQ_TYPE_NONE, IRQ_TYPE_PERCPU, IRQ_TYPE_SIMPLE, IRQD_TRIGGER_MASK } from "../abi.js";
import { busLock, busSyncUnlock } from "../chip/mask.js";
import { handlePercpuIrq, handleSimpleIrq } from "../flow/flowHandlers.js";
import type { Irqs } from "../irqs.js";
import { globalLine } from "./line.js";
import { setTrigger } from "./setTrigger.js";

/**
 * Set the trigger type of a line (IRQ_TYPE_, only bits 0..3 reach the chip). 0; -EINVAL: no such line, or a per-CPU device line;
 * else the chip's error. The two types of 2006 that no hardware has, SIMPLE and PERCPU, pick the flow and nothing else.
 */
export function irqSetIrqType(g: Irqs, irq: number, type: number): number {
  if (!globalLine(g, irq)) return -EINVAL;
  busLock(g, irq);
  let ret = 0;
  if (type === IRQ_TYPE_SIMPLE) g.flow[irq] = handleSimpleIrq;
  else if (type === IRQ_TYPE_PERCPU) g.flow[irq] = handlePercpuIrq;
  else ret = setTrigger(g, irq, type);
  busSyncUnlock(g, irq);
  return ret;
}

/** The recorded trigger type, IRQ_TYPE_NONE if there is no such line. */
export function irqGetTriggerType(g: Irqs, irq: number): number {
  return g.has(irq) ? g.state[irq] & IRQD_TRIGGER_MASK : IRQ_TYPE_NONE;
}

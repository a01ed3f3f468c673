/** irq_modify_status(): the settings of a line (IRQ_ bits), and what the state word shows of them. */
import { bitmapAlloc, EINVAL } from "@kernelkit/core";
import {
  IRQ_LEVEL,
  IRQ_NESTED_THREAD,
  IRQ_NO_BALANCING,
  IRQ_NOAUTOEN,
  IRQ_NOPROBE,
  IRQ_NOTHREAD,
  IRQ_PER_CPU,
  IRQ_PER_CPU_DEVID,
  IRQ_TYPE_SENSE_MASK,
  IRQD_LEVEL,
  IRQD_NO_BALANCING,
  IRQD_PER_CPU,
  IRQD_TRIGGER_MASK,
} from "../abi.js";
import type { IrqDesc } from "../desc.js";
import type { Irqs } from "../irqs.js";

/** Clear and set settings of a line. -EINVAL: no such line. */
export function irqModifyStatus(g: Irqs, irq: number, clear: number, set: number): number {
  if (!g.has(irq)) return -EINVAL;
  if (g.depth[irq] === 0 && (set & IRQ_NOAUTOEN) !== 0) g.warnOnce("chip.c", "irq_modify_status");
  const s = (g.settings[irq] & ~clear) | set;
  g.settings[irq] = s;
  let trigger = g.state[irq] & IRQD_TRIGGER_MASK;
  let state = g.state[irq] & ~(IRQD_NO_BALANCING | IRQD_PER_CPU | IRQD_TRIGGER_MASK | IRQD_LEVEL);
  if ((s & (IRQ_PER_CPU | IRQ_NO_BALANCING)) !== 0) state |= IRQD_NO_BALANCING;
  if ((s & IRQ_PER_CPU) !== 0) state |= IRQD_PER_CPU;
  if ((s & IRQ_LEVEL) !== 0) state |= IRQD_LEVEL;
  if ((s & IRQ_TYPE_SENSE_MASK) !== 0) trigger = s & IRQ_TYPE_SENSE_MASK;
  g.state[irq] = state | trigger;
  return 0;
}

export function irqSetStatusFlags(g: Irqs, irq: number, set: number): number {
  return irqModifyStatus(g, irq, 0, set);
}
export function irqClearStatusFlags(g: Irqs, irq: number, clear: number): number {
  return irqModifyStatus(g, irq, clear, 0);
}

/** The line's handlers run in the thread of the line it is behind. */
export function irqSetNestedThread(g: Irqs, irq: number, nest: boolean): number {
  return nest ? irqModifyStatus(g, irq, 0, IRQ_NESTED_THREAD) : irqModifyStatus(g, irq, IRQ_NESTED_THREAD, 0);
}

/** The line a nested one is resent through. -EINVAL: no such line. */
export function irqSetParent(g: Irqs, irq: number, parent: number): number {
  if (!g.has(irq)) return -EINVAL;
  (g.desc[irq] as IrqDesc).parentIrq = parent;
  return 0;
}

/** Make it a line of per-CPU devices. -EINVAL: no such line, or it is one. */
export function irqSetPercpuDevid(g: Irqs, irq: number): number {
  if (!g.has(irq)) return -EINVAL;
  const d = g.desc[irq] as IrqDesc;
  if (d.percpuEnabled !== null) return -EINVAL;
  d.percpuEnabled = bitmapAlloc(g.nrCpus);
  return irqModifyStatus(g, irq, 0, IRQ_NOAUTOEN | IRQ_PER_CPU | IRQ_PER_CPU_DEVID | IRQ_NOTHREAD | IRQ_NOPROBE);
}

/**
 * Interrupts from the hardware and from drivers: generic_handle_irq() and its kin, for whoever models devices and processors.
 */
import type { IrqDomain } from "./domain/irqDomain.js";
import { handleDomainIrq } from "./domain/irqDomain.js";
import { handleEdgeIrq, handleFasteoiIrq, handleLevelIrq, handleSimpleIrq } from "./flow/flowHandlers.js";
import type { Irqs } from "./irqs.js";

/** Run the line's flow. The common ones by name: a call of a known function is far cheaper than one of whatever is there. */
function dispatch(g: Irqs, irq: number): number {
  const flow = g.flow[irq];
  if (g.superHandler || g.state[irq] < 0) return g.handle(irq);
  if (flow === handleSimpleIrq) handleSimpleIrq(g, irq);
  else if (flow === handleLevelIrq) handleLevelIrq(g, irq);
  else if (flow === handleEdgeIrq) handleEdgeIrq(g, irq);
  else if (flow === handleFasteoiIrq) handleFasteoiIrq(g, irq);
  else return g.handle(irq);
  return 0;
}

/**
 * An interrupt arrives on a line, in the context and on the CPU we are in. 0; -EINVAL: no such line; -EPERM: its chip insists on hard
 * interrupt context. What a handler throws is thrown here, when the line is back in order.
 */
export function genericHandleIrq(g: Irqs, irq: number): number {
  const ret = dispatch(g, irq);
  if (g.caught !== null) g.rethrow();
  return ret;
}

/** As `genericHandleIrq`, by the domain's number of the line. -EINVAL: not mapped. */
export function genericHandleDomainIrq(g: Irqs, d: IrqDomain, hwirq: number): number {
  const ret = handleDomainIrq(g, d, hwirq);
  if (g.caught !== null) g.rethrow();
  return ret;
}

/**
 * The hardware interrupts `cpu` on a line: hard interrupt context, soft interrupts at its end, and an idle CPU wakes. -EINVAL: no such
 * line. RangeError: no such CPU, or it is off line.
 */
export function raise(g: Irqs, irq: number, cpu: number = 0): number {
  const { k } = g;
  if (k.cpus.online[cpu] !== 1) throw new RangeError(`raise: cpu ${cpu} is not on line`);
  const ctx = k.irq;
  const was = ctx.currentCpu;
  k.digestOf.add(irq);
  ctx.enter(cpu);
  let ret: number;
  try {
    ret = dispatch(g, irq);
  } finally {
    ctx.exit(cpu);
    // an interrupt of another CPU may have come from within a handler of this one
    if (was >= 0) ctx.currentCpu = was;
  }
  if (g.caught !== null && was < 0) g.rethrow();
  return ret;
}

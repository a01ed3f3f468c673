/** Getting a line for a hardware line: by its number, or by a firmware description; and giving it back. */
import { IRQ_TYPE_NONE, IRQ_TYPE_SENSE_MASK, IRQD_DEFAULT_TRIGGER_SET, IRQD_TRIGGER_MASK } from "../abi.js";
import type { Irqs } from "../irqs.js";
import { irqAllocDescs, irqFreeDescs } from "../manage/setChip.js";
import { irqDomainAllocIrqs, irqDomainFreeIrqs } from "./hierarchy.js";
import {
  disassociate,
  type IrqDomain,
  irqDomainAssociate,
  irqDomainXlateOnecell,
  irqFindMapping,
  removeMapping,
} from "./irqDomain.js";

/** The line of a hardware line, made at first asking. 0 on failure, with a line in the log. */
export function irqCreateMapping(g: Irqs, d: IrqDomain, hwirq: number): number {
  const there = irqFindMapping(g, d, hwirq);
  if (there !== 0) return there;
  const virq = irqAllocDescs(g, -1, 1, 1);
  if (virq <= 0) return 0;
  if (irqDomainAssociate(g, d, virq, hwirq) !== 0) {
    irqFreeDescs(g, virq, 1);
    return 0;
  }
  return virq;
}

/** Take a mapping and its line back. */
export function irqDisposeMapping(g: Irqs, virq: number): void {
  const data = g.data[virq] ?? null;
  const d = data?.domain ?? null;
  if (data === null || d === null) return;
  if (d.hierarchy) {
    irqDomainFreeIrqs(g, virq, 1);
    return;
  }
  disassociate(g, virq);
  d.ops.unmap?.(d, virq);
  removeMapping(d, data);
  irqFreeDescs(g, virq, 1);
}

/**
 * The line a firmware description (cells) means, made at first asking. The type is recorded for the request, not yet programmed.
 * 0 on failure: not a description, or of another type than the line has (logged).
 */
export function irqCreateFwspecMapping(g: Irqs, d: IrqDomain, cells: readonly number[]): number {
  const t = (d.ops.xlate ?? irqDomainXlateOnecell)(d, cells);
  if (t === null) return 0;
  const type = t.type & IRQ_TYPE_SENSE_MASK;
  let virq = irqFindMapping(g, d, t.hwirq);
  if (virq !== 0) {
    const has = g.state[virq] & IRQD_TRIGGER_MASK;
    if (type === IRQ_TYPE_NONE || type === has) return virq;
    if (has === IRQ_TYPE_NONE) {
      setTriggerType(g, virq, type);
      return virq;
    }
    g.k.log(4, `irq: type mismatch, failed to map hwirq-${t.hwirq} for ${d.name}!`);
    return 0;
  }
  if (d.hierarchy) virq = irqDomainAllocIrqs(g, d, 1, cells);
  else virq = irqCreateMapping(g, d, t.hwirq);
  if (virq <= 0) return 0;
  setTriggerType(g, virq, type);
  return virq;
}

/** Record a type as given by firmware: sharers must agree with it. The LEVEL flag follows when it is programmed. */
function setTriggerType(g: Irqs, irq: number, type: number): void {
  g.state[irq] = (g.state[irq] & ~IRQD_TRIGGER_MASK) | type | IRQD_DEFAULT_TRIGGER_SET;
}

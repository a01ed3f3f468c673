/** Activation of a line in its hierarchy: resources (a vector, a message address) are taken when it starts, the parents' first. */
import { IRQD_ACTIVATED } from "../abi.js";
import type { IrqData } from "../desc.js";
import type { Irqs } from "../irqs.js";

function activate(d: IrqData | null): number {
  if (d === null || d.domain === null) return 0;
  const up = activate(d.parentData);
  if (up !== 0) return up;
  const ret = d.domain.ops.activate?.(d.domain, d, false) ?? 0;
  if (ret !== 0) deactivate(d.parentData);
  return ret;
}

function deactivate(d: IrqData | null): void {
  if (d === null || d.domain === null) return;
  d.domain.ops.deactivate?.(d.domain, d);
  deactivate(d.parentData);
}

/** 0, or the negative errno of a domain that cannot; those above it are undone. */
export function irqDomainActivateIrq(g: Irqs, irq: number): number {
  if ((g.state[irq] & IRQD_ACTIVATED) !== 0) return 0;
  const ret = activate(g.data[irq]);
  if (ret === 0) g.state[irq] |= IRQD_ACTIVATED;
  return ret;
}

export function irqDomainDeactivateIrq(g: Irqs, irq: number): void {
  if ((g.state[irq] & IRQD_ACTIVATED) === 0) return;
  deactivate(g.data[irq]);
  g.state[irq] &= ~IRQD_ACTIVATED;
}

/**
 * Stacked controllers: a line is a line of each domain on the way to the CPU, with an IrqData per level. Allocation asks the innermost
 * domain, which asks its parent; masks, acks and moves are handed up by the chips (chip/parent.ts).
 * Documentation/core-api/irq/irq-domain.rst, "Hierarchy IRQ domain".
 */
import { EINVAL, ENOSYS } from "@kernelkit/core";
import { IRQ_NOREQUEST } from "../abi.js";
import type { IrqChip } from "../chip/irqChip.js";
import { type FlowHandler, IrqData } from "../desc.js";
import { irqSetHandler } from "../flow/chained.js";
import type { Irqs } from "../irqs.js";
import { irqClearStatusFlags } from "../manage/modifyStatus.js";
import { irqAllocDescs, irqFreeDescs } from "../manage/setChip.js";
import { disassociate, type IrqDomain, removeMapping } from "./irqDomain.js";

/** `nr` lines of a hierarchy. The first number; -ENOSYS: not a hierarchy; -ENOMEM; else what a domain's alloc said. */
export function irqDomainAllocIrqs(g: Irqs, d: IrqDomain, nr: number, arg: unknown = null, node: number = -1): number {
  if (d.ops.alloc === undefined) return -ENOSYS;
  const virq = irqAllocDescs(g, -1, 1, nr, node);
  if (virq < 0) return virq;
  for (let i = virq; i < virq + nr; i++) {
    let data = g.data[i] as IrqData;
    data.domain = d;
    for (let p = d.parent; p !== null; p = p.parent) {
      data.parentData = new IrqData(g, i);
      data = data.parentData;
      data.domain = p;
    }
  }
  const ret = d.ops.alloc(d, virq, nr, arg);
  if (ret < 0) {
    irqFreeDescs(g, virq, nr);
    return ret;
  }
  for (let i = virq; i < virq + nr; i++) {
    for (let data: IrqData | null = g.data[i]; data !== null; data = data.parentData) {
      const domain = data.domain as IrqDomain;
      domain.mapcount++;
      domain.revmap.set(data.hwirq, data);
    }
    irqClearStatusFlags(g, i, IRQ_NOREQUEST);
  }
  return virq;
}

/** For a domain's alloc: the same lines of its parent. -ENOSYS: it has none. */
export function irqDomainAllocIrqsParent(d: IrqDomain, virq: number, nr: number, arg: unknown): number {
  const alloc = d.parent?.ops.alloc;
  return d.parent === null || alloc === undefined ? -ENOSYS : alloc(d.parent, virq, nr, arg);
}

/** For a domain's free: the same lines of its parent. */
export function irqDomainFreeIrqsParent(d: IrqDomain, virq: number, nr: number): void {
  if (d.parent !== null) d.parent.ops.free?.(d.parent, virq, nr);
}

/** The line as this domain of its hierarchy sees it. */
export function irqDomainGetIrqData(d: IrqDomain, virq: number): IrqData | null {
  for (let data = d.g.data[virq] ?? null; data !== null; data = data.parentData) if (data.domain === d) return data;
  return null;
}

/** For a domain's alloc: hardware line and chip of a line at its level. -EINVAL: the line is not in the domain. */
export function irqDomainSetHwirqAndChip(
  d: IrqDomain,
  virq: number,
  hwirq: number,
  chip: IrqChip,
  chipData: unknown = null,
): number {
  const data = irqDomainGetIrqData(d, virq);
  if (data === null) return -EINVAL;
  d.g.adopt("chip", chip);
  data.hwirq = hwirq;
  data.chip = chip;
  data.chipData = chipData;
  return 0;
}

/** As `irqDomainSetHwirqAndChip`, with the flow of the line. */
export function irqDomainSetInfo(
  d: IrqDomain,
  virq: number,
  hwirq: number,
  chip: IrqChip,
  chipData: unknown,
  flow: FlowHandler,
  name: string | null = null,
): number {
  return irqDomainSetHwirqAndChip(d, virq, hwirq, chip, chipData) || irqSetHandler(d.g, virq, flow, name);
}

/** Give lines of a hierarchy back. */
export function irqDomainFreeIrqs(g: Irqs, virq: number, nr: number): void {
  const d = g.data[virq]?.domain ?? null;
  if (d === null) return;
  for (let i = virq; i < virq + nr; i++) {
    if (!g.has(i)) continue;
    disassociate(g, i);
    for (let data: IrqData | null = g.data[i]; data !== null; data = data.parentData) {
      const { hwirq, domain } = data;
      if (domain === null) continue;
      removeMapping(domain, data);
      // the domain's free still asks which line it was
      data.hwirq = hwirq;
      data.domain = domain;
    }
  }
  d.ops.free?.(d, virq, nr);
  irqFreeDescs(g, virq, nr);
}

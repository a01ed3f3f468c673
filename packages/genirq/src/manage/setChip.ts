/** Descriptors and what is attached to them: irq_alloc_descs(), irq_set_chip(), chip data, handler data. */
import { EINVAL } from "@kernelkit/core";
import { IRQ_NOREQUEST, IRQD_HANDLE_ENFORCE_IRQCTX, IRQD_RESEND_WHEN_IN_PROGRESS, IRQD_SINGLE_TARGET } from "../abi.js";
import { type IrqChip, noIrqChip } from "../chip/irqChip.js";
import type { FlowHandler, IrqData, IrqDesc } from "../desc.js";
import { registerDescFiles, unregisterDescFiles } from "../files/lineFiles.js";
import { irqSetHandler } from "../flow/chained.js";
import type { Irqs } from "../irqs.js";

/**
 * New lines: `cnt` of them in a row, the first at `irq` (>= 0), or the first free place from `from` on. `managed`: a mask per line; such
 * lines are moved by the layer alone. The first number; -EINVAL: cnt 0 or from beyond irq; -EEXIST: `irq` is taken; -ENOMEM.
 */
export function irqAllocDescs(
  g: Irqs,
  irq: number,
  from: number,
  cnt: number,
  node: number = -1,
  managed: readonly Uint32Array[] | null = null,
): number {
  const start = g.alloc(irq, from, cnt, node, managed);
  for (let i = 0; start >= 0 && i < cnt; i++) registerDescFiles(g, start + i);
  return start;
}

/** One new line anywhere. Its number or a negative errno. */
export function irqAllocDesc(g: Irqs, node: number = -1): number {
  return irqAllocDescs(g, -1, 0, 1, node);
}

/** Forget lines. Those that are requested are freed first, with a warning. */
export function irqFreeDescs(g: Irqs, from: number, cnt: number): void {
  for (let i = from; i < from + cnt; i++) {
    if (!g.has(i)) continue;
    if (g.action[i] !== null) g.warn("irqdesc.c", "free_desc", `irq ${i} is still requested`);
    unregisterDescFiles(g, i);
    g.release(i);
  }
}

/** Attach a controller; null: none. -EINVAL: no such line. */
export function irqSetChip(g: Irqs, irq: number, chip: IrqChip | null): number {
  if (!g.has(irq)) return -EINVAL;
  const c = chip ?? noIrqChip;
  g.adopt("chip", c);
  (g.data[irq] as IrqData).chip = c;
  return 0;
}

export function irqSetChipAndHandlerName(
  g: Irqs,
  irq: number,
  chip: IrqChip | null,
  flow: FlowHandler | null,
  name: string | null,
): number {
  return irqSetChip(g, irq, chip) || irqSetHandler(g, irq, flow, name);
}

export function irqSetChipAndHandler(g: Irqs, irq: number, chip: IrqChip | null, flow: FlowHandler | null): number {
  return irqSetChipAndHandlerName(g, irq, chip, flow, null);
}

/** The chip's own data of a line (state). -EINVAL. */
export function irqSetChipData(g: Irqs, irq: number, data: unknown): number {
  if (!g.has(irq)) return -EINVAL;
  (g.data[irq] as IrqData).chipData = data;
  return 0;
}

/** The flow's own data of a line (state). -EINVAL. */
export function irqSetHandlerData(g: Irqs, irq: number, data: unknown): number {
  if (!g.has(irq)) return -EINVAL;
  (g.desc[irq] as IrqDesc).handlerData = data;
  return 0;
}

export function irqGetHandlerData(g: Irqs, irq: number): unknown {
  return g.desc[irq]?.handlerData ?? null;
}

/** The line as its outermost controller sees it, null: no such line. */
export function irqGetIrqData(g: Irqs, irq: number): IrqData | null {
  return g.data[irq] ?? null;
}

/** The chip can direct the line to one CPU only (irqd_set_single_target). */
export function irqdSetSingleTarget(d: IrqData): void {
  d.g.state[d.irq] |= IRQD_SINGLE_TARGET;
}
/** An arrival while the handlers run is kept and sent again. */
export function irqdSetResendWhenInProgress(d: IrqData): void {
  d.g.state[d.irq] |= IRQD_RESEND_WHEN_IN_PROGRESS;
}
/** Arrivals outside hard interrupt context are refused (EPERM). */
export function irqdSetHandleEnforceIrqctx(d: IrqData): void {
  d.g.state[d.irq] |= IRQD_HANDLE_ENFORCE_IRQCTX;
}
/** May the line be requested? */
export function canRequestIrq(g: Irqs, irq: number): boolean {
  return g.has(irq) && (g.settings[irq] & IRQ_NOREQUEST) === 0;
}

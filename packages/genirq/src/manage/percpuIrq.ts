/** Lines of per-CPU devices (timers, performance counters): one line number, a device and an enable bit on each CPU. */
import { bitmapClear, bitmapSet, bitmapTest } from "@kernelkit/core";
import { IRQ_TYPE_SENSE_MASK, IRQD_TRIGGER_MASK } from "../abi.js";
import { busLock, busSyncUnlock } from "../chip/mask.js";
import type { IrqData, IrqDesc } from "../desc.js";
import type { Irqs } from "../irqs.js";
import { percpuLine } from "./line.js";
import { setTrigger } from "./setTrigger.js";

/** Enable the line on this CPU, after programming `type` if it is not 0 (else the recorded one). Nothing if it is no per-CPU line. */
export function enablePercpuIrq(g: Irqs, irq: number, type: number = 0): void {
  if (!percpuLine(g, irq)) return;
  busLock(g, irq);
  const t = type & IRQ_TYPE_SENSE_MASK || g.state[irq] & IRQD_TRIGGER_MASK;
  if (t !== 0 && setTrigger(g, irq, t) !== 0)
    g.warn("manage.c", "enable_percpu_irq", `failed to set type for IRQ${irq}`);
  else {
    const d = g.data[irq] as IrqData;
    if (d.chip.irqEnable !== null) d.chip.irqEnable(d);
    else d.chip.irqUnmask?.(d);
    bitmapSet((g.desc[irq] as IrqDesc).percpuEnabled as Uint32Array, g.cpu);
  }
  busSyncUnlock(g, irq);
}

/** Disable the line on this CPU. */
export function disablePercpuIrq(g: Irqs, irq: number): void {
  if (!percpuLine(g, irq)) return;
  busLock(g, irq);
  irqPercpuDisable(g, irq, g.cpu);
  busSyncUnlock(g, irq);
}

/** Is the line enabled on this CPU? */
export function irqPercpuIsEnabled(g: Irqs, irq: number): boolean {
  return percpuLine(g, irq) && bitmapTest((g.desc[irq] as IrqDesc).percpuEnabled as Uint32Array, g.cpu);
}

export function irqPercpuDisable(g: Irqs, irq: number, cpu: number): void {
  const d = g.data[irq] as IrqData;
  if (d.chip.irqDisable !== null) d.chip.irqDisable(d);
  else d.chip.irqMask?.(d);
  bitmapClear((g.desc[irq] as IrqDesc).percpuEnabled as Uint32Array, cpu);
}

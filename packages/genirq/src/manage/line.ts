/** Which lines a function is for: all but per-CPU device lines, or only these. */
import { IRQ_PER_CPU_DEVID } from "../abi.js";
import type { Irqs } from "../irqs.js";

/** An existing line that is not of per-CPU devices. */
export function globalLine(g: Irqs, irq: number): boolean {
  return g.has(irq) && (g.settings[irq] & IRQ_PER_CPU_DEVID) === 0;
}

/** An existing line of per-CPU devices. */
export function percpuLine(g: Irqs, irq: number): boolean {
  return g.has(irq) && (g.settings[irq] & IRQ_PER_CPU_DEVID) !== 0;
}

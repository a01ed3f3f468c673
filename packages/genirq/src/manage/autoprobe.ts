/**
 * Finding a device's line by experiment: enable all free lines, let the device interrupt, see which one it was. probe_irq_on() and
 * probe_irq_off() of ISA days. They let virtual time pass (20 and 100 ms) and so are called from outside.
 */
import { IRQ_NOPROBE, IRQ_NOREQUEST, IRQ_TYPE_PROBE, IRQS_AUTODETECT, IRQS_PENDING, IRQS_WAITING } from "../abi.js";
import { noIrqChip } from "../chip/irqChip.js";
import type { IrqData } from "../desc.js";
import type { Irqs } from "../irqs.js";
import { irqActivateAndStartup, irqShutdownAndDeactivate } from "./startup.js";

function probeable(g: Irqs, irq: number): boolean {
  if (!g.has(irq) || g.action[irq] !== null) return false;
  return (g.settings[irq] & (IRQ_NOPROBE | IRQ_NOREQUEST)) === 0 && (g.data[irq] as IrqData).chip !== noIrqChip;
}

/** Begin: free lines are enabled; those that are noisy by themselves drop out. A bit per line below 32 that is watched. */
export function probeIrqOn(g: Irqs): number {
  if (g.k.inEvent) throw new TypeError("probeIrqOn: waits, and so cannot be called from a program, hook or handler");
  for (let i = g.desc.length - 1; i > 0; i--) {
    if (!probeable(g, i)) continue;
    const d = g.data[i] as IrqData;
    d.chip.irqSetType?.(d, IRQ_TYPE_PROBE);
    irqActivateAndStartup(g, i, false);
  }
  g.k.run(20e6);
  for (let i = g.desc.length - 1; i > 0; i--) {
    if (!probeable(g, i)) continue;
    g.state[i] |= IRQS_AUTODETECT | IRQS_WAITING;
    if (irqActivateAndStartup(g, i, false) !== 0) g.state[i] |= IRQS_PENDING;
  }
  g.k.run(100e6);
  let mask = 0;
  for (let i = 1; i < g.desc.length; i++) {
    if (!g.has(i) || (g.state[i] & IRQS_AUTODETECT) === 0) continue;
    if ((g.state[i] & IRQS_WAITING) === 0) {
      g.state[i] &= ~IRQS_AUTODETECT;
      irqShutdownAndDeactivate(g, i);
    } else if (i < 32) mask |= 1 << i;
  }
  return mask >>> 0;
}

/** End: the line that has interrupted since; 0: none; the first one, negative: several. */
export function probeIrqOff(g: Irqs): number {
  let found = 0;
  let nr = 0;
  for (let i = 1; i < g.desc.length; i++) {
    if (!g.has(i) || (g.state[i] & IRQS_AUTODETECT) === 0) continue;
    if ((g.state[i] & IRQS_WAITING) === 0 && nr++ === 0) found = i;
    g.state[i] &= ~IRQS_AUTODETECT;
    irqShutdownAndDeactivate(g, i);
  }
  return nr > 1 ? -found : found;
}

/**
 * Moving a line at its chip (irq_do_set_affinity): the lower layer of the affinity functions. The chip sees only CPUs that are on
 * line, says whether the mask is to be recorded, and writes the effective mask itself.
 */
import { bitmapAlloc, bitmapAnd, bitmapEmpty, EINVAL } from "@kernelkit/core";
import { IRQ_SET_MASK_OK_NOCOPY, IRQCHIP_MOVE_DEFERRED, IRQD_NO_BALANCING, IRQD_PER_CPU } from "../abi.js";
import type { IrqData, IrqDesc } from "../desc.js";
import type { Irqs } from "../irqs.js";
import { setThreadAffinity } from "./irqThread.js";

/** CPUs on line, as a mask. */
export function onlineMask(g: Irqs): Uint32Array {
  const m = bitmapAlloc(g.nrCpus);
  const { online } = g.k.cpus;
  for (let c = 0; c < g.nrCpus; c++) if (online[c] === 1) m[c >> 5] |= 1 << (c & 31);
  return m;
}

/** Lines that stay where they are: per-CPU, not balanced, or of a chip that cannot move. */
export function canSetAffinity(g: Irqs, irq: number): boolean {
  if ((g.state[irq] & (IRQD_PER_CPU | IRQD_NO_BALANCING)) !== 0) return false;
  return (g.data[irq] as IrqData).chip.irqSetAffinity !== null;
}

/** May the line be moved at once, from process context? */
export function canMovePcntxt(g: Irqs, irq: number): boolean {
  return ((g.data[irq] as IrqData).chip.flags & IRQCHIP_MOVE_DEFERRED) === 0;
}

/** 0 or a negative errno (-EINVAL: the chip cannot, or no CPU of the mask is on line). `force`: the mask as it is. */
export function doSetAffinity(g: Irqs, irq: number, mask: Uint32Array, force: boolean): number {
  const d = g.data[irq] as IrqData;
  const { irqSetAffinity } = d.chip;
  if (irqSetAffinity === null) return -EINVAL;
  const desc = g.desc[irq] as IrqDesc;
  const target = bitmapAlloc(g.nrCpus);
  if (force) target.set(mask);
  else if (!bitmapAnd(target, housekeeping(g, irq, mask), onlineMask(g))) return -EINVAL;
  const ret = irqSetAffinity(d, target, force);
  if (ret < 0) return ret;
  if (ret !== IRQ_SET_MASK_OK_NOCOPY) desc.affinity.set(mask);
  validateEffective(g, irq, desc, d);
  for (let a = g.action[irq]; a !== null; a = a.next) {
    setThreadAffinity(g, a);
    if (a.secondary !== null) setThreadAffinity(g, a.secondary);
  }
  return 0;
}

/** isolcpus=managed_irq: managed lines keep off isolated CPUs if a housekeeping one of their mask is on line. */
function housekeeping(g: Irqs, irq: number, mask: Uint32Array): Uint32Array {
  const isolated = g.isolated;
  if (isolated === null || !g.isManaged(irq)) return mask;
  const keep = bitmapAlloc(g.nrCpus);
  for (let i = 0; i < keep.length; i++) keep[i] = mask[i] & ~isolated[i];
  const online = bitmapAlloc(g.nrCpus);
  return bitmapAnd(online, keep, onlineMask(g)) ? keep : mask;
}

function validateEffective(g: Irqs, irq: number, desc: IrqDesc, d: IrqData): void {
  if (!bitmapEmpty(desc.effective) || desc.warnedEffective) return;
  desc.warnedEffective = true;
  g.k.log(4, `genirq: irq_chip ${d.chip.name} did not update eff. affinity mask of irq ${irq}`);
}

/** irq_data_update_effective_affinity(): a chip's irqSetAffinity says where it has put the line. */
export function irqDataUpdateEffectiveAffinity(d: IrqData, mask: Uint32Array): void {
  (d.g.desc[d.irq] as IrqDesc).effective.set(mask);
}

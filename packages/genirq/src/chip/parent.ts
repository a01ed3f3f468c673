/**
 * Operations for the chip of a child domain that hand on to the next controller up (irq_chip_*_parent): use them as they are
 * in a chip's operations. What the parent's chip does not have gives ENOSYS where Linux does.
 */
import { ENOSYS } from "@kernelkit/core";
import { IRQCHIP_SKIP_SET_WAKE } from "../abi.js";
import type { IrqData } from "../desc.js";

const up = (d: IrqData): IrqData => {
  if (d.parentData === null) throw new TypeError(`irq ${d.irq}: the chip '${d.chip.name}' has no parent to hand on to`);
  return d.parentData;
};

export function irqChipAckParent(d: IrqData): void {
  const p = up(d);
  p.chip.irqAck?.(p);
}
export function irqChipMaskParent(d: IrqData): void {
  const p = up(d);
  p.chip.irqMask?.(p);
}
export function irqChipMaskAckParent(d: IrqData): void {
  const p = up(d);
  p.chip.irqMaskAck?.(p);
}
export function irqChipUnmaskParent(d: IrqData): void {
  const p = up(d);
  p.chip.irqUnmask?.(p);
}
export function irqChipEoiParent(d: IrqData): void {
  const p = up(d);
  p.chip.irqEoi?.(p);
}
export function irqChipEnableParent(d: IrqData): void {
  const p = up(d);
  if (p.chip.irqEnable !== null) p.chip.irqEnable(p);
  else p.chip.irqUnmask?.(p);
}
export function irqChipDisableParent(d: IrqData): void {
  const p = up(d);
  if (p.chip.irqDisable !== null) p.chip.irqDisable(p);
  else p.chip.irqMask?.(p);
}
export function irqChipSetAffinityParent(d: IrqData, mask: Uint32Array, force: boolean): number {
  const p = up(d);
  return p.chip.irqSetAffinity === null ? -ENOSYS : p.chip.irqSetAffinity(p, mask, force);
}
export function irqChipSetTypeParent(d: IrqData, type: number): number {
  const p = up(d);
  return p.chip.irqSetType === null ? -ENOSYS : p.chip.irqSetType(p, type);
}
export function irqChipSetWakeParent(d: IrqData, on: boolean): number {
  const p = up(d);
  if ((p.chip.flags & IRQCHIP_SKIP_SET_WAKE) !== 0) return 0;
  return p.chip.irqSetWake === null ? -ENOSYS : p.chip.irqSetWake(p, on);
}
export function irqChipRequestResourcesParent(d: IrqData): number {
  const p = up(d);
  return p.chip.irqRequestResources === null ? 0 : p.chip.irqRequestResources(p);
}
export function irqChipReleaseResourcesParent(d: IrqData): void {
  const p = up(d);
  p.chip.irqReleaseResources?.(p);
}
/** The first controller up the hierarchy that can send it again does. */
export function irqChipRetriggerHierarchy(d: IrqData): number {
  for (let p = d.parentData; p !== null; p = p.parentData)
    if (p.chip.irqRetrigger !== null) return p.chip.irqRetrigger(p);
  return 0;
}
export function irqChipGetParentState(d: IrqData, which: number): boolean | number {
  const p = up(d);
  return p.chip.irqGetIrqchipState === null ? -ENOSYS : p.chip.irqGetIrqchipState(p, which);
}
export function irqChipSetParentState(d: IrqData, which: number, value: boolean): number {
  const p = up(d);
  return p.chip.irqSetIrqchipState === null ? -ENOSYS : p.chip.irqSetIrqchipState(p, which, value);
}

/**
 * The generic chip: controllers that are a few registers with a bit per line, written once for all (irq_gc_*). A driver says where the
 * mask, ack, eoi and enable registers are and which of the functions below its chip uses; the mask register is kept in a cache, so
 * that bits are changed without reading it back. Documentation/core-api/genericirq.rst, "Generic interrupt chip".
 */
import { IRQ_LEVEL, IRQ_NOPROBE } from "../abi.js";
import type { FlowHandler, IrqData } from "../desc.js";
import type { Irqs } from "../irqs.js";
import { irqModifyStatus } from "../manage/modifyStatus.js";
import { irqSetChipAndHandlerName } from "../manage/setChip.js";
import { type IrqChip, type IrqChipOps, irqChip } from "./irqChip.js";

/** Offsets of a chip's registers from its base, in units of `regs`. */
export interface IrqChipRegs {
  enable?: number;
  disable?: number;
  mask?: number;
  ack?: number;
  eoi?: number;
}

/** Registers: memory the model of the device reads and writes. */
export class IrqChipGeneric {
  /** Lines that may wake the machine, and those the chip can. */
  wakeActive = 0;
  wakeEnabled: number = 0xffffffff | 0;
  /** Bits of the mask register. */
  maskCache = 0;
  readonly regs: Uint32Array;

  constructor(
    readonly name: string,
    /** First line of the chip: bit 0 of its registers. */
    readonly irqBase: number,
    readonly offsets: Required<IrqChipRegs>,
    regs: number,
  ) {
    this.regs = new Uint32Array(regs);
  }
}

const gcOf = (d: IrqData): IrqChipGeneric => d.chipData as IrqChipGeneric;
const bitOf = (d: IrqData): number => 1 << ((d.domain !== null ? d.hwirq : d.irq - gcOf(d).irqBase) & 31);
const write = (gc: IrqChipGeneric, value: number, reg: number): void => {
  gc.regs[reg] = value;
};

export function irqGcNoop(): void {}
/** Mask by writing the bit to the disable register. */
export function irqGcMaskDisableReg(d: IrqData): void {
  const gc = gcOf(d);
  write(gc, bitOf(d), gc.offsets.disable);
  gc.maskCache &= ~bitOf(d);
}
/** Mask by setting the bit in the mask register. */
export function irqGcMaskSetBit(d: IrqData): void {
  const gc = gcOf(d);
  gc.maskCache |= bitOf(d);
  write(gc, gc.maskCache, gc.offsets.mask);
}
/** Mask by clearing the bit in the mask register. */
export function irqGcMaskClrBit(d: IrqData): void {
  const gc = gcOf(d);
  gc.maskCache &= ~bitOf(d);
  write(gc, gc.maskCache, gc.offsets.mask);
}
/** Unmask by writing the bit to the enable register. */
export function irqGcUnmaskEnableReg(d: IrqData): void {
  const gc = gcOf(d);
  write(gc, bitOf(d), gc.offsets.enable);
  gc.maskCache |= bitOf(d);
}
/** Acknowledge by writing a one. */
export function irqGcAckSetBit(d: IrqData): void {
  const gc = gcOf(d);
  write(gc, bitOf(d), gc.offsets.ack);
}
/** Acknowledge by writing a zero. */
export function irqGcAckClrBit(d: IrqData): void {
  const gc = gcOf(d);
  write(gc, ~bitOf(d), gc.offsets.ack);
}
/** Mask by the disable register and acknowledge. */
export function irqGcMaskDisableAndAckSet(d: IrqData): void {
  irqGcMaskDisableReg(d);
  irqGcAckSetBit(d);
}
export function irqGcEoi(d: IrqData): void {
  const gc = gcOf(d);
  write(gc, bitOf(d), gc.offsets.eoi);
}
/** Remember which lines may wake the machine. -EINVAL (-22): the chip cannot for this one. */
export function irqGcSetWake(d: IrqData, on: boolean): number {
  const gc = gcOf(d);
  if ((bitOf(d) & gc.wakeEnabled) === 0) return -22;
  if (on) gc.wakeActive |= bitOf(d);
  else gc.wakeActive &= ~bitOf(d);
  return 0;
}

/** The registers of a chip and the first of its lines. `regs`: how many registers there are. */
export function irqAllocGenericChip(
  g: Irqs,
  name: string,
  irqBase: number,
  offsets: IrqChipRegs,
  regs: number = 1 + Math.max(0, ...Object.values(offsets)),
): IrqChipGeneric {
  const gc = new IrqChipGeneric(name, irqBase, { enable: 0, disable: 0, mask: 0, ack: 0, eoi: 0, ...offsets }, regs);
  g.genericChips.push(gc);
  return gc;
}

/** What irqSetupGenericChip does besides. */
export const IRQ_GC_INIT_MASK_CACHE = 1;
export const IRQ_GC_INIT_NESTED_LOCK = 2;

/** Give the lines with a bit in `lines` (from the chip's base) their chip and flow. Returns the chip. */
export function irqSetupGenericChip(
  g: Irqs,
  gc: IrqChipGeneric,
  lines: number,
  ops: IrqChipOps,
  flow: FlowHandler,
  flags: number = 0,
  clear: number = 0,
  set: number = IRQ_NOPROBE,
): IrqChip {
  const chip = irqChip(gc.name, ops);
  if ((flags & IRQ_GC_INIT_MASK_CACHE) !== 0) gc.maskCache = gc.regs[gc.offsets.mask] | 0;
  for (let n = 0; n < 32; n++) {
    const irq = gc.irqBase + n;
    if (((lines >>> n) & 1) === 0 || !g.has(irq)) continue;
    (g.data[irq] as IrqData).chipData = gc;
    irqSetChipAndHandlerName(g, irq, chip, flow, null);
    irqModifyStatus(g, irq, clear, set & ~IRQ_LEVEL);
  }
  return chip;
}

/**
 * irq_chip: the driver of an interrupt controller. Every operation is optional; what an absent one means stands with its use.
 *
 *     const plic = irqChip("PLIC", { irqMask(d) { ... }, irqUnmask(d) { ... }, irqEoi(d) { ... } }, IRQCHIP_MASK_ON_SUSPEND);
 *
 * A chip is made once and never changes: all have one shape, so that calls stay fast. `legacyIrqChip` takes the names of
 * hw_interrupt_type, from before 2006. Documentation/core-api/genericirq.rst, "Chip-level hardware encapsulation".
 */
import { IRQCHIP_SKIP_SET_WAKE } from "../abi.js";
import type { IrqData } from "../desc.js";

type Op = { f(d: IrqData): void }["f"];
type IntOp = { f(d: IrqData): number }["f"];

/** Operations, in the order of struct irq_chip. Those that return a number give 0 or a negative errno unless it says otherwise. */
export interface IrqChipOps {
  /** Start the line up (default: irqEnable). */
  irqStartup?: IntOp;
  /** Shut it down (default: irqDisable, else irqMask). */
  irqShutdown?: Op;
  /** Default: irqUnmask. */
  irqEnable?: Op;
  /** Default: the line is only marked (lazy disable) and masked when an interrupt comes. */
  irqDisable?: Op;
  /** Start of a new interrupt. */
  irqAck?: Op;
  irqMask?: Op;
  /** irqMask and irqAck in one. */
  irqMaskAck?: Op;
  irqUnmask?: Op;
  /** End of interrupt. */
  irqEoi?: Op;
  /** Of 2006's hw_interrupt_type: end of interrupt for the one big handler, which has to look whether the line is disabled. */
  irqEnd?: Op;
  /** Move the line: IRQ_SET_MASK_OK, _NOCOPY, _DONE or a negative errno; writes the effective mask (`irqDataUpdateEffectiveAffinity`). */
  irqSetAffinity?: { f(d: IrqData, mask: Uint32Array, force: boolean): number }["f"];
  /** Make the hardware send it again: not 0 if it will. */
  irqRetrigger?: IntOp;
  /** IRQ_TYPE_ bits 0..3; may install another flow (`irqSetHandlerLocked`). */
  irqSetType?: { f(d: IrqData, type: number): number }["f"];
  /** May it wake the machine from suspend? */
  irqSetWake?: { f(d: IrqData, on: boolean): number }["f"];
  /** A chip behind a slow bus: begin and end of a group of changes. Process context. */
  irqBusLock?: Op;
  irqBusSyncUnlock?: Op;
  irqRequestResources?: IntOp;
  irqReleaseResources?: Op;
  irqSuspend?: Op;
  irqResume?: Op;
  irqPmShutdown?: Op;
  /** Text instead of the name in /proc/interrupts. */
  irqPrintChip?: { f(d: IrqData): string }["f"];
  /** State of the hardware (IRQCHIP_STATE_), or a negative errno. */
  irqGetIrqchipState?: { f(d: IrqData, which: number): boolean | number }["f"];
  irqSetIrqchipState?: { f(d: IrqData, which: number, value: boolean): number }["f"];
}

export class IrqChip {
  readonly irqStartup: NonNullable<IrqChipOps["irqStartup"]> | null;
  readonly irqShutdown: Op | null;
  readonly irqEnable: Op | null;
  readonly irqDisable: Op | null;
  readonly irqAck: Op | null;
  readonly irqMask: Op | null;
  readonly irqMaskAck: Op | null;
  readonly irqUnmask: Op | null;
  readonly irqEoi: Op | null;
  readonly irqEnd: Op | null;
  readonly irqSetAffinity: NonNullable<IrqChipOps["irqSetAffinity"]> | null;
  readonly irqRetrigger: IntOp | null;
  readonly irqSetType: NonNullable<IrqChipOps["irqSetType"]> | null;
  readonly irqSetWake: NonNullable<IrqChipOps["irqSetWake"]> | null;
  readonly irqBusLock: Op | null;
  readonly irqBusSyncUnlock: Op | null;
  readonly irqRequestResources: IntOp | null;
  readonly irqReleaseResources: Op | null;
  readonly irqSuspend: Op | null;
  readonly irqResume: Op | null;
  readonly irqPmShutdown: Op | null;
  readonly irqPrintChip: NonNullable<IrqChipOps["irqPrintChip"]> | null;
  readonly irqGetIrqchipState: NonNullable<IrqChipOps["irqGetIrqchipState"]> | null;
  readonly irqSetIrqchipState: NonNullable<IrqChipOps["irqSetIrqchipState"]> | null;

  constructor(
    readonly name: string,
    ops: IrqChipOps,
    /** IRQCHIP_ bits. */
    readonly flags: number,
  ) {
    this.irqStartup = ops.irqStartup ?? null;
    this.irqShutdown = ops.irqShutdown ?? null;
    this.irqEnable = ops.irqEnable ?? null;
    this.irqDisable = ops.irqDisable ?? null;
    this.irqAck = ops.irqAck ?? null;
    this.irqMask = ops.irqMask ?? null;
    this.irqMaskAck = ops.irqMaskAck ?? null;
    this.irqUnmask = ops.irqUnmask ?? null;
    this.irqEoi = ops.irqEoi ?? null;
    this.irqEnd = ops.irqEnd ?? null;
    this.irqSetAffinity = ops.irqSetAffinity ?? null;
    this.irqRetrigger = ops.irqRetrigger ?? null;
    this.irqSetType = ops.irqSetType ?? null;
    this.irqSetWake = ops.irqSetWake ?? null;
    this.irqBusLock = ops.irqBusLock ?? null;
    this.irqBusSyncUnlock = ops.irqBusSyncUnlock ?? null;
    this.irqRequestResources = ops.irqRequestResources ?? null;
    this.irqReleaseResources = ops.irqReleaseResources ?? null;
    this.irqSuspend = ops.irqSuspend ?? null;
    this.irqResume = ops.irqResume ?? null;
    this.irqPmShutdown = ops.irqPmShutdown ?? null;
    this.irqPrintChip = ops.irqPrintChip ?? null;
    this.irqGetIrqchipState = ops.irqGetIrqchipState ?? null;
    this.irqSetIrqchipState = ops.irqSetIrqchipState ?? null;
  }
}

const KNOWN: readonly string[] = Object.keys(/* @__PURE__ */ new IrqChip("", {}, 0)).filter((k) => k.startsWith("irq"));

/** Make a chip. TypeError for an operation that irq_chip does not have, or one that is no function. */
export function irqChip(name: string, ops: IrqChipOps, flags: number = 0): IrqChip {
  if (typeof name !== "string") throw new TypeError(`irqChip: name must be a text, not ${String(name)}`);
  for (const [op, fn] of Object.entries(ops)) {
    if (!KNOWN.includes(op))
      throw new TypeError(`irqChip '${name}': there is no operation ${op}; allowed are ${KNOWN.join(", ")}`);
    if (fn !== undefined && typeof fn !== "function")
      throw new TypeError(`irqChip '${name}': ${op} must be a function, not ${String(fn)}`);
  }
  return new IrqChip(name, ops, flags);
}

/** Controller operations of before 2006 (struct hw_interrupt_type). */
export interface HwInterruptType {
  startup?: IntOp;
  shutdown?: Op;
  enable?: Op;
  disable?: Op;
  ack?: Op;
  end?: Op;
  setAffinity?: IrqChipOps["irqSetAffinity"];
}

/** A chip with the operations that the one big handler knew. */
export function legacyIrqChip(name: string, ops: HwInterruptType): IrqChip {
  const { startup, shutdown, enable, disable, ack, end, setAffinity } = ops;
  return irqChip(name, {
    ...(startup && { irqStartup: startup }),
    ...(shutdown && { irqShutdown: shutdown }),
    ...(enable && { irqEnable: enable }),
    ...(disable && { irqDisable: disable }),
    ...(ack && { irqAck: ack }),
    ...(end && { irqEnd: end }),
    ...(setAffinity && { irqSetAffinity: setAffinity }),
  });
}

const noop = (): void => {};
const noopRet = (): number => 0;

/** The chip of a line that has none: every operation does nothing. */
export const noIrqChip: IrqChip = /* @__PURE__ */ new IrqChip(
  "none",
  { irqStartup: noopRet, irqShutdown: noop, irqEnable: noop, irqDisable: noop, irqAck: noop },
  IRQCHIP_SKIP_SET_WAKE,
);

/** A chip for lines without a controller (dummy_irq_chip): as `noIrqChip`, but lines can be requested. */
export const dummyIrqChip: IrqChip = /* @__PURE__ */ new IrqChip(
  "dummy",
  {
    irqStartup: noopRet,
    irqShutdown: noop,
    irqEnable: noop,
    irqDisable: noop,
    irqAck: noop,
    irqMask: noop,
    irqUnmask: noop,
  },
  IRQCHIP_SKIP_SET_WAKE,
);

/**
 * Flow handlers: each turns one arrival on a line into chip calls and handler calls, in an order that fits how the hardware
 * signals. A line has one; `irqSetHandler` changes it, and a platform with a quirk brings its own `(g, irq) => void`.
 *
 * | flow | chip calls around the handlers | an arrival meanwhile |
 * |---|---|---|
 * | simple, untracked | none | dropped |
 * | level | mask+ack ... unmask | mask+ack, dropped (the level is still there) |
 * | edge | ack ... | remembered (one), handled by a further turn of the loop |
 * | fasteoi | ... eoi | eoi, dropped |
 * | percpu, percpu_devid | ack ... eoi | runs at once: no state |
 *
 * An arrival that may not be handled is not counted. Documentation/core-api/genericirq.rst, "Default flow implementations".
 */
import { bitmapTest } from "@kernelkit/core";
import {
  IRQCHIP_EOI_IF_HANDLED,
  IRQCHIP_EOI_THREADED,
  IRQD_IRQ_DISABLED,
  IRQD_IRQ_INPROGRESS,
  IRQD_IRQ_MASKED,
  IRQD_RESEND_WHEN_IN_PROGRESS,
  IRQD_WAKEUP_ARMED,
  IRQS_ONESHOT,
  IRQS_PENDING,
  IRQS_REPLAY,
  IRQS_WAITING,
} from "../abi.js";
import type { IrqChip } from "../chip/irqChip.js";
import { condUnmaskIrq, maskAckIrq, maskIrq, unmaskIrq } from "../chip/mask.js";
import type { IrqData, IrqDesc } from "../desc.js";
import type { Irqs } from "../irqs.js";
import { irqPercpuDisable } from "../manage/percpuIrq.js";
import { checkIrqResend } from "../manage/resend.js";
import { canHandle, canHandleActions, canHandlePm, runWaiting, waitsForMove } from "./canHandle.js";
import { finishEvent, handleIrqEvent, judge, kstatIncr, kstatIncrCpu, runActions } from "./handleIrqEvent.js";

/** A flow calls an operation that it cannot do without. */
function missing(d: IrqData, op: string, flow: string): never {
  throw new TypeError(`irq ${d.irq}: ${flow} needs ${op}, which irq_chip '${d.chip.name}' does not have`);
}

/** Bits of which one makes an arrival anything but the usual. */
const UNUSUAL = IRQD_IRQ_INPROGRESS | IRQD_WAKEUP_ARMED | IRQD_IRQ_DISABLED;

/**
 * The usual beginning: nothing speaks against handling it, so it is counted and the line is in progress. False: nothing was done, ask
 * `canHandle`, which says why.
 */
function begin(g: Irqs, irq: number): boolean {
  const s = g.state[irq];
  if ((s & UNUSUAL) !== 0 || g.action[irq] === null) return false;
  g.state[irq] = (s & ~(IRQS_PENDING | IRQS_REPLAY | IRQS_WAITING)) | IRQD_IRQ_INPROGRESS;
  kstatIncr(g, irq);
  return true;
}

/** No controller is touched: for software demultiplexed and purely simulated lines. */
export function handleSimpleIrq(g: Irqs, irq: number): void {
  if (begin(g, irq)) finishEvent(g, irq);
  else if (canHandlePm(g, irq)) canHandleActions(g, irq);
  else if ((g.state[irq] & IRQD_RESEND_WHEN_IN_PROGRESS) !== 0) g.state[irq] |= IRQS_PENDING;
}

/** As simple, but not counted and not judged: the demultiplexed line will be. */
export function handleUntrackedIrq(g: Irqs, irq: number): void {
  if (!canHandle(g, irq)) return;
  g.state[irq] = (g.state[irq] & ~IRQS_PENDING) | IRQD_IRQ_INPROGRESS;
  runActions(g, irq);
  g.state[irq] &= ~IRQD_IRQ_INPROGRESS;
}

/** Level: the device holds the line until its handler has satisfied it, so it is masked meanwhile. */
export function handleLevelIrq(g: Irqs, irq: number): void {
  maskAckIrq(g, irq);
  if (begin(g, irq)) {
    finishEvent(g, irq);
    condUnmaskIrq(g, irq);
  } else canHandle(g, irq);
}

/** Edge: an edge is there once and must not be lost; those that come while the handlers run make them run once more. */
export function handleEdgeIrq(g: Irqs, irq: number): void {
  const d = g.data[irq] as IrqData;
  if (d.chip.irqAck === null) missing(d, "irqAck", "handle_edge_irq");
  const s = g.state[irq];
  // the usual: one action, not in progress, not masked by an earlier arrival
  if ((s & (UNUSUAL | IRQS_PENDING)) === 0 && begin(g, irq)) {
    d.chip.irqAck(d);
    finishEvent(g, irq);
  } else {
    if (waitsForMove(g, irq)) return;
    if (!canHandle(g, irq)) {
      g.state[irq] |= IRQS_PENDING;
      maskAckIrq(g, irq);
      return;
    }
    kstatIncr(g, irq);
    d.chip.irqAck(d);
    turn(g, irq);
  }
  while ((g.state[irq] & (IRQS_PENDING | IRQD_IRQ_DISABLED)) === IRQS_PENDING && turn(g, irq));
  if (g.waiters > 0) runWaiting(g, irq);
}

/** One run of an edge line's handlers. An edge that came while they ran was masked then. False: the action is gone. */
function turn(g: Irqs, irq: number): boolean {
  if (g.action[irq] === null) {
    maskIrq(g, irq);
    return false;
  }
  const waits = IRQS_PENDING | IRQD_IRQ_MASKED;
  if ((g.state[irq] & (waits | IRQD_IRQ_DISABLED)) === waits) unmaskIrq(g, irq);
  handleIrqEvent(g, irq);
  return true;
}

/** Edge on a controller that also wants an end of interrupt. */
export function handleEdgeEoiIrq(g: Irqs, irq: number): void {
  const d = g.data[irq] as IrqData;
  const { irqEoi } = d.chip;
  if (irqEoi === null) missing(d, "irqEoi", "handle_edge_eoi_irq");
  if (!canHandle(g, irq)) g.state[irq] |= IRQS_PENDING;
  else {
    kstatIncr(g, irq);
    do {
      if (g.action[irq] === null) break;
      handleIrqEvent(g, irq);
    } while ((g.state[irq] & (IRQS_PENDING | IRQD_IRQ_DISABLED)) === IRQS_PENDING);
  }
  irqEoi(d);
}

function condEoi(chip: IrqChip, d: IrqData): void {
  if ((chip.flags & IRQCHIP_EOI_IF_HANDLED) === 0) (chip.irqEoi as (d: IrqData) => void)(d);
}

/** End of a oneshot or plain fasteoi interrupt: eoi now, or by the thread with EOI_THREADED. */
function condUnmaskEoi(g: Irqs, irq: number, chip: IrqChip, d: IrqData): void {
  const eoi = chip.irqEoi as (d: IrqData) => void;
  if ((g.state[irq] & IRQS_ONESHOT) === 0) {
    eoi(d);
    return;
  }
  const threads = g.threadsOneshot[2 * irq] | g.threadsOneshot[2 * irq + 1];
  if ((g.state[irq] & (IRQD_IRQ_DISABLED | IRQD_IRQ_MASKED)) === IRQD_IRQ_MASKED && threads === 0) {
    eoi(d);
    unmaskIrq(g, irq);
  } else if ((chip.flags & IRQCHIP_EOI_THREADED) === 0) eoi(d);
}

/** Transparent controllers: all they need is an end of interrupt. */
export function handleFasteoiIrq(g: Irqs, irq: number): void {
  const d = g.data[irq] as IrqData;
  const { chip } = d;
  if (chip.irqEoi === null) missing(d, "irqEoi", "handle_fasteoi_irq");
  if ((g.state[irq] & IRQS_ONESHOT) === 0 && begin(g, irq)) {
    finishEvent(g, irq);
    chip.irqEoi(d);
    if ((g.state[irq] & IRQS_PENDING) !== 0) checkIrqResend(g, irq, false);
    return;
  }
  if (!canHandlePm(g, irq)) {
    if ((g.state[irq] & IRQD_RESEND_WHEN_IN_PROGRESS) !== 0) g.state[irq] |= IRQS_PENDING;
    condEoi(chip, d);
    return;
  }
  if (!canHandleActions(g, irq)) {
    maskIrq(g, irq);
    condEoi(chip, d);
    return;
  }
  kstatIncr(g, irq);
  if ((g.state[irq] & IRQS_ONESHOT) !== 0) maskIrq(g, irq);
  handleIrqEvent(g, irq);
  condUnmaskEoi(g, irq, chip, d);
  if ((g.state[irq] & IRQS_PENDING) !== 0) checkIrqResend(g, irq, false);
}

/** Fasteoi with an ack before the handlers. */
export function handleFasteoiAckIrq(g: Irqs, irq: number): void {
  const d = g.data[irq] as IrqData;
  const { chip } = d;
  if (chip.irqEoi === null) missing(d, "irqEoi", "handle_fasteoi_ack_irq");
  if (chip.irqAck === null) missing(d, "irqAck", "handle_fasteoi_ack_irq");
  if (!canHandlePm(g, irq)) {
    condEoi(chip, d);
    return;
  }
  if (!canHandleActions(g, irq)) {
    maskIrq(g, irq);
    condEoi(chip, d);
    return;
  }
  kstatIncr(g, irq);
  if ((g.state[irq] & IRQS_ONESHOT) !== 0) maskIrq(g, irq);
  chip.irqAck(d);
  handleIrqEvent(g, irq);
  condUnmaskEoi(g, irq, chip, d);
}

/** Fasteoi on a hierarchy whose parent is level: masked and acknowledged at entry. */
export function handleFasteoiMaskIrq(g: Irqs, irq: number): void {
  const d = g.data[irq] as IrqData;
  const { chip } = d;
  if (chip.irqEoi === null) missing(d, "irqEoi", "handle_fasteoi_mask_irq");
  maskAckIrq(g, irq);
  if (!canHandle(g, irq)) {
    condEoi(chip, d);
    return;
  }
  kstatIncr(g, irq);
  if ((g.state[irq] & IRQS_ONESHOT) !== 0) maskIrq(g, irq);
  handleIrqEvent(g, irq);
  condUnmaskIrq(g, irq);
  condEoi(chip, d);
}

/** Per-CPU lines: no lock, no state, on all CPUs at once. */
export function handlePercpuIrq(g: Irqs, irq: number): void {
  const d = g.data[irq] as IrqData;
  kstatIncrCpu(g, irq);
  if (d.chip.irqAck !== null) d.chip.irqAck(d);
  judge(g, irq, runActions(g, irq));
  if (d.chip.irqEoi !== null) d.chip.irqEoi(d);
}

/** Per-CPU lines whose handler gets this CPU's device. Whether the line is enabled here only the chip knows. */
export function handlePercpuDevidIrq(g: Irqs, irq: number): void {
  const d = g.data[irq] as IrqData;
  kstatIncrCpu(g, irq);
  if (d.chip.irqAck !== null) d.chip.irqAck(d);
  if (g.action[irq] !== null) runActions(g, irq);
  else {
    const { cpu } = g;
    const mask = (g.desc[irq] as IrqDesc).percpuEnabled;
    const enabled = mask !== null && bitmapTest(mask, cpu);
    if (enabled) irqPercpuDisable(g, irq, cpu);
    if (!g.warned.has("percpu spurious")) {
      g.warned.add("percpu spurious");
      g.k.log(3, `genirq: Spurious${enabled ? " and unmasked" : ""} percpu IRQ${irq} on CPU${cpu}`);
    }
  }
  if (d.chip.irqEoi !== null) d.chip.irqEoi(d);
}

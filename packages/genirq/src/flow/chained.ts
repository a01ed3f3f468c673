/**
 * Chained handlers: a line that is the output of another controller. Its flow function is the demultiplexer: it asks that controller
 * which of its lines are up and hands on to them with `g.handle(child)`. Nothing is requested and nothing counted on such a line.
 */
import { EINVAL } from "@kernelkit/core";
import { IRQ_NOPROBE, IRQ_NOREQUEST, IRQ_NOTHREAD, IRQD_IRQ_DISABLED, IRQD_TRIGGER_MASK } from "../abi.js";
import { noIrqChip } from "../chip/irqChip.js";
import { busLock, busSyncUnlock, maskAckIrq } from "../chip/mask.js";
import { type FlowHandler, IrqAction, type IrqData, type IrqDesc } from "../desc.js";
import type { Irqs } from "../irqs.js";
import { setTrigger } from "../manage/setTrigger.js";
import { irqActivateAndStartup } from "../manage/startup.js";
import { handleBadIrq } from "./badIrq.js";

/** Called if a chained line is ever run as an ordinary one. */
export function badChainedIrq(irq: number): number {
  throw new Error(`Chained irq ${irq} should not call an action`);
}

/** The action that every chained line of a machine has. */
export function chainedAction(g: Irqs): IrqAction {
  g.chained ??= new IrqAction(g, badChainedIrq, 0, "", null, true);
  return g.chained;
}

/** Begin of a demultiplexer: a chip with an eoi needs nothing, any other is masked and acknowledged. */
export function chainedIrqEnter(g: Irqs, irq: number): void {
  const d = g.data[irq] as IrqData;
  const { chip } = d;
  if (chip.irqEoi !== null) return;
  if (chip.irqMaskAck !== null) {
    chip.irqMaskAck(d);
    return;
  }
  chip.irqMask?.(d);
  chip.irqAck?.(d);
}

/** End of a demultiplexer: eoi, or unmask. */
export function chainedIrqExit(g: Irqs, irq: number): void {
  const d = g.data[irq] as IrqData;
  if (d.chip.irqEoi !== null) d.chip.irqEoi(d);
  else d.chip.irqUnmask?.(d);
}

/** Install a flow (null: handle_bad_irq, which masks, acknowledges and disables the line); chained ones start at once. */
export function setHandler(
  g: Irqs,
  irq: number,
  flow: FlowHandler | null,
  chained: boolean,
  name: string | null,
): void {
  const handle = flow ?? handleBadIrq;
  const d = g.data[irq] as IrqData;
  g.adopt("flow", handle);
  // before 2006 there were no flows to take away
  if (handle === handleBadIrq && !(g.superHandler && flow === null)) {
    if (d.chip !== noIrqChip) maskAckIrq(g, irq);
    g.state[irq] |= IRQD_IRQ_DISABLED;
    if (chained) g.action[irq] = null;
    g.depth[irq] = 1;
  }
  g.flow[irq] = handle;
  (g.desc[irq] as IrqDesc).name = name;
  if (handle === handleBadIrq || !chained) return;
  const type = g.state[irq] & IRQD_TRIGGER_MASK;
  if (type !== 0) {
    setTrigger(g, irq, type);
    // set_type may have chosen an ordinary flow
    g.flow[irq] = handle;
  }
  g.settings[irq] |= IRQ_NOPROBE | IRQ_NOREQUEST | IRQ_NOTHREAD;
  g.action[irq] = chainedAction(g);
  irqActivateAndStartup(g, irq, true);
}

/** Give a line its flow. null: none (handle_bad_irq). -EINVAL: no such line. */
export function irqSetHandler(g: Irqs, irq: number, flow: FlowHandler | null, name: string | null = null): number {
  return install(g, irq, flow, false, name);
}

/** Give a line a demultiplexer, and `handlerData` (state) for it; it starts at once. null takes it away again. */
export function irqSetChainedHandler(
  g: Irqs,
  irq: number,
  flow: FlowHandler | null,
  handlerData: unknown = null,
): number {
  if (!g.has(irq)) return -EINVAL;
  (g.desc[irq] as IrqDesc).handlerData = handlerData;
  return install(g, irq, flow, true, null);
}

/** For a chip's irqSetType: change the flow with the line locked. */
export function irqSetHandlerLocked(d: IrqData, flow: FlowHandler): void {
  d.g.adopt("flow", flow);
  d.g.flow[d.irq] = flow;
}

function install(g: Irqs, irq: number, flow: FlowHandler | null, chained: boolean, name: string | null): number {
  if (!g.has(irq)) return -EINVAL;
  busLock(g, irq);
  setHandler(g, irq, flow, chained, name);
  busSyncUnlock(g, irq);
  return 0;
}

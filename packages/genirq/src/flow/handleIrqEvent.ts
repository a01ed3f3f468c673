/**
 * Running the handlers of a line: all actions in the order of their requests, whoever handled it. What they returned is or-ed and
 * given to the spurious detector. Every flow calls this; nothing here is done per controller.
 *
 * This is the path that every interrupt takes: the usual case (one action, nobody traces, handled, nothing suspicious) is kept short,
 * and reads the state word once on each side of the handler.
 */
import {
  IRQ_HANDLED,
  IRQ_IS_POLLED,
  IRQ_NO_DEBUG,
  IRQ_NONE,
  IRQ_WAKE_THREAD,
  IRQD_IRQ_INPROGRESS,
  IRQS_PENDING,
  IRQS_POLL_INPROGRESS,
  IRQS_WATCHED,
} from "../abi.js";
import type { IrqAction } from "../desc.js";
import type { Irqs } from "../irqs.js";
import { wakeIrqThread } from "../manage/irqThread.js";

/** Count an interrupt of this line on this CPU. */
export function kstatIncr(g: Irqs, irq: number): void {
  const { cpu } = g;
  g.total[irq]++;
  g.kstat[irq * g.nrCpus + cpu]++;
  g.irqsSum[cpu]++;
}

/** As `kstatIncr`, but not into the line's total: for per-CPU lines, which share no word between CPUs. */
export function kstatIncrCpu(g: Irqs, irq: number): void {
  const { cpu } = g;
  g.kstat[irq * g.nrCpus + cpu]++;
  g.irqsSum[cpu]++;
}

/** Run the actions of a line. No state but that of its threads is touched. */
export function runActions(g: Irqs, irq: number): number {
  const a = g.action[irq];
  if (a === null) return IRQ_NONE;
  if (a.plain === false || a.next !== null || g.entry.on || g.exit.on) return runAll(g, irq, a);
  try {
    const res = a.handler(irq, a.dev);
    if (res === IRQ_WAKE_THREAD) wakeThread(g, a);
    return res | 0;
  } catch (error) {
    return thrown(g, error);
  }
}

/** Several actions, per-CPU devices, or somebody traces. */
function runAll(g: Irqs, irq: number, first: IrqAction): number {
  let ret = IRQ_NONE;
  for (let a: IrqAction | null = first; a !== null; a = a.next) {
    if (g.entry.on) g.entry.emit(irq, a.name);
    let res: number;
    try {
      res = a.handler(irq, a.plain ? a.dev : (a.dev as unknown[])[g.cpu]);
    } catch (error) {
      res = thrown(g, error);
    }
    if (g.exit.on) g.exit.emit(irq, res);
    if (res === IRQ_WAKE_THREAD) wakeThread(g, a);
    ret |= res;
  }
  return ret;
}

/** A handler has thrown: the flow goes on, so that the line is left as it should be, and the arrival's caller is told. */
function thrown(g: Irqs, error: unknown): number {
  g.caught ??= { error };
  return IRQ_NONE;
}

function wakeThread(g: Irqs, a: IrqAction): void {
  if (a.threadFn !== null) {
    wakeIrqThread(g, a);
    return;
  }
  if (a.warned) return;
  a.warned = true;
  g.k.log(4, `IRQ ${a.irq} device ${a.name} returned IRQ_WAKE_THREAD but no thread function available.`);
}

/** Clear PENDING, run the handlers with INPROGRESS set, let them be judged. Returns what they returned. */
export function handleIrqEvent(g: Irqs, irq: number): number {
  g.state[irq] = (g.state[irq] & ~IRQS_PENDING) | IRQD_IRQ_INPROGRESS;
  return finishEvent(g, irq);
}

/** The rest of `handleIrqEvent`, for a flow that has set the state already. */
export function finishEvent(g: Irqs, irq: number): number {
  const ret = runActions(g, irq);
  const s = g.state[irq];
  if (ret === IRQ_HANDLED && (s & IRQS_WATCHED) === 0) {
    g.state[irq] = s & ~IRQD_IRQ_INPROGRESS;
    return ret;
  }
  judge(g, irq, ret);
  g.state[irq] &= ~IRQD_IRQ_INPROGRESS;
  return ret;
}

/** Hand the result to the spurious detector, if there is anything it could have to do. */
export function judge(g: Irqs, irq: number, ret: number): void {
  const s = g.state[irq];
  if (ret === IRQ_HANDLED && (s & IRQS_WATCHED) === 0) return;
  if ((s & IRQS_POLL_INPROGRESS) !== 0 || (g.settings[irq] & (IRQ_NO_DEBUG | IRQ_IS_POLLED)) !== 0) return;
  g.calls.noteInterrupt(g, irq, ret);
}

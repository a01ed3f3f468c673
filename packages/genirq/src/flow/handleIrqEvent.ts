/**
 * Running the handlers of a line: all actions in the order of their requests, whoever handled it. What they returned is or-ed and
 * given to the spurious detector. Every flow calls this; nothing here is done per controller.
 */
import {
  IRQ_HANDLED,
  IRQ_NONE,
  IRQ_WAKE_THREAD,
  IRQD_IRQ_INPROGRESS,
  IRQS_NOT_JUDGED,
  IRQS_PENDING,
  IRQS_POLL_INPROGRESS,
} from "../abi.js";
import type { IrqAction } from "../desc.js";
import type { Irqs } from "../irqs.js";
import { wakeIrqThread } from "../manage/irqThread.js";

/** Count an interrupt of this line on this CPU. */
export function kstatIncr(g: Irqs, irq: number): void {
  g.total[irq]++;
  kstatIncrCpu(g, irq);
}

/** As `kstatIncr`, but not into the line's total: for per-CPU lines, which share no word between CPUs. */
export function kstatIncrCpu(g: Irqs, irq: number): void {
  const { cpu } = g;
  g.kstat[irq * g.nrCpus + cpu]++;
  g.irqsSum[cpu]++;
}

/** Run the actions of a line. No state but that of its threads is touched. */
export function runActions(g: Irqs, irq: number): number {
  let a = g.action[irq];
  let ret = IRQ_NONE;
  while (a !== null) {
    const { trace } = g;
    if (trace.handlerEntry.on) trace.handlerEntry.emit(irq, a.name);
    let res: number;
    try {
      res = a.handler(irq, a.percpu ? (a.dev as unknown[])[g.cpu] : a.dev);
    } catch (error) {
      // the flow goes on, so that the line is left as it should be; the arrival's caller is told
      g.caught ??= { error };
      res = IRQ_NONE;
    }
    if (trace.handlerExit.on) trace.handlerExit.emit(irq, res);
    if (res === IRQ_WAKE_THREAD) wakeThread(g, a);
    ret |= res;
    a = a.next;
  }
  return ret;
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
  const { state } = g;
  state[irq] = (state[irq] & ~IRQS_PENDING) | IRQD_IRQ_INPROGRESS;
  const ret = runActions(g, irq);
  judge(g, irq, ret);
  g.state[irq] &= ~IRQD_IRQ_INPROGRESS;
  return ret;
}

/** Hand the result to the spurious detector, if there is anything it could have to do. */
export function judge(g: Irqs, irq: number, ret: number): void {
  if ((g.state[irq] & (IRQS_NOT_JUDGED | IRQS_POLL_INPROGRESS)) !== 0) return;
  if (ret === IRQ_HANDLED && g.irqsUnhandled[irq] === 0 && g.threadsHandledLast[irq] >= 0 && g.irqfixup === 0) return;
  g.calls.noteInterrupt(g, irq, ret);
}

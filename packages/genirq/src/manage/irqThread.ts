/**
 * Interrupt threads: process context for the slow half of a handler. One kernel thread per threaded action (SCHED_FIFO 50, named
 * `irq/N-device`), woken by IRQ_WAKE_THREAD. A ONESHOT line stays masked until the last of its woken threads is done.
 */
import { type Ctx, type KthreadDef, SCHED_FIFO, TASK_IDLE, WAIT, type Wait, WaitQueue } from "@kernelkit/core";
import {
  IRQ_HANDLED,
  IRQ_WAKE_THREAD,
  IRQCHIP_EOI_THREADED,
  IRQD_IRQ_DISABLED,
  IRQD_IRQ_MASKED,
  IRQF_NO_THREAD,
  IRQF_ONESHOT,
  IRQF_PERCPU,
  IRQS_ONESHOT,
} from "../abi.js";
import { busLock, busSyncUnlock, unmaskIrq } from "../chip/mask.js";
import { IrqAction, type IrqData } from "../desc.js";
import type { Irqs } from "../irqs.js";

const IRQ_THREAD_PRIORITY = 50;

/** Primary handler of a request that brought none: wakes the thread. */
export function defaultPrimaryHandler(): number {
  return IRQ_WAKE_THREAD;
}

/** Primary handler of a nested line: never to be called. */
export function nestedPrimaryHandler(): number {
  return 0;
}

/** Primary handler of the second thread that `threadirqs` makes: never to be called. */
export function forcedSecondaryHandler(): number {
  return 0;
}

/** `threadirqs`: the handler becomes the thread function; a thread function the request had gets a thread of its own. */
export function setupForcedThreading(g: Irqs, a: IrqAction): void {
  if (!g.threadirqs) return;
  if ((a.flags & (IRQF_NO_THREAD | IRQF_PERCPU | IRQF_ONESHOT)) !== 0) return;
  if (a.handler === defaultPrimaryHandler) return;
  a.flags |= IRQF_ONESHOT;
  if (a.threadFn !== null) {
    const s = new IrqAction(g, forcedSecondaryHandler, 0, a.name, a.dev, true);
    s.threadFn = a.threadFn;
    s.irq = a.irq;
    a.secondary = s;
  }
  a.forced = true;
  a.threadFn = a.handler;
  a.handler = defaultPrimaryHandler;
}

/** Make the kernel thread of an action. */
export function setupIrqThread(g: Irqs, a: IrqAction, secondary: boolean): void {
  a.more = new WaitQueue(`irq ${a.irq}`);
  a.thread = g.k.tasks.kthreadCreate(IRQ_THREAD, `irq/${a.irq}-${secondary ? "s-" : ""}${a.name}`, a, {
    policy: SCHED_FIFO,
    rtPriority: IRQ_THREAD_PRIORITY,
  });
  setThreadAffinity(g, a);
}

/** The thread follows its line. */
export function setThreadAffinity(g: Irqs, a: IrqAction): void {
  const mask = g.desc[a.irq]?.effective;
  const affinity = g.desc[a.irq]?.affinity;
  const m = mask?.some((w) => w !== 0) ? mask : affinity;
  if (a.thread === null || m === undefined || !m.some((w) => w !== 0)) return;
  a.thread.cpusMask = m.slice();
}

/** Wake the thread of an action; a second wake before it runs is the same one. */
export function wakeIrqThread(g: Irqs, a: IrqAction): void {
  if (a.runThread || a.thread === null) return;
  a.runThread = true;
  g.threadsOneshot[2 * a.irq] |= a.maskLo;
  g.threadsOneshot[2 * a.irq + 1] |= a.maskHi;
  g.threadsActive[a.irq]++;
  g.k.sched.wakeTask(a.thread);
}

/** The thread of `a` is done: unmask the line if it was the last, and the line is not disabled meanwhile. */
function finalizeOneshot(g: Irqs, a: IrqAction): void {
  const { irq } = a;
  if ((g.state[irq] & IRQS_ONESHOT) === 0 || a.handler === forcedSecondaryHandler || !g.has(irq)) return;
  busLock(g, irq);
  if (!a.runThread) {
    const t = g.threadsOneshot;
    t[2 * irq] &= ~a.maskLo;
    t[2 * irq + 1] &= ~a.maskHi;
    const due = (g.state[irq] & (IRQD_IRQ_DISABLED | IRQD_IRQ_MASKED)) === IRQD_IRQ_MASKED;
    if ((t[2 * irq] | t[2 * irq + 1]) === 0 && due) {
      const d = g.data[irq] as IrqData;
      if ((d.chip.flags & IRQCHIP_EOI_THREADED) !== 0) d.chip.irqEoi?.(d);
      unmaskIrq(g, irq);
    }
  }
  busSyncUnlock(g, irq);
}

function threadDone(g: Irqs, irq: number): void {
  const q = g.desc[irq]?.waitForThreads ?? null;
  if (--g.threadsActive[irq] === 0 && q !== null && q.head !== null) g.k.sched.wakeUp(q);
}

/** Body of every interrupt thread. */
export const IRQ_THREAD: KthreadDef<IrqAction> = {
  name: "genirq.irqThread",
  step(c: Ctx, a: IrqAction): number | Wait {
    const { g } = a;
    if (!a.running) {
      if (!a.runThread) {
        if (a.stop) {
          c.k.tasks.doExit(c.task, 0);
          return 0;
        }
        return c.sleep(a.more, undefined, TASK_IDLE);
      }
      a.runThread = false;
      a.running = true;
    }
    let ret: number | Wait;
    try {
      ret = (a.threadFn as NonNullable<IrqAction["threadFn"]>)(a.irq, a.dev, c);
    } catch (error) {
      g.caught ??= { error };
      ret = 0;
    }
    if (ret === WAIT) return WAIT;
    c.task.frame = null;
    a.running = false;
    if (ret === IRQ_HANDLED) g.threadsHandled[a.irq]++;
    finalizeOneshot(g, a);
    if (ret === IRQ_WAKE_THREAD) {
      if (a.secondary === null) g.warnOnce("manage.c", "irq_wake_secondary");
      else wakeIrqThread(g, a.secondary);
    }
    threadDone(g, a.irq);
    g.rethrow();
    return 0;
  },
};

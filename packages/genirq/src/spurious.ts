/**
 * Spurious interrupts: a line whose interrupts nobody handles is shut off before it stops the machine, and polled from then on
 * if it is shared. Boot parameters `noirqdebug`, `irqfixup`, `irqpoll` (Documentation/admin-guide/kernel-parameters).
 *
 * The window of 100,000 interrupts begins with the first unhandled one; more than 99,900 unhandled in it, none more than a tenth
 * of a second after the one before, and the line is disabled.
 */
import {
  __IRQF_TIMER,
  IRQ_HANDLED,
  IRQ_IS_POLLED,
  IRQ_NESTED_THREAD,
  IRQ_NONE,
  IRQ_PER_CPU,
  IRQ_WAKE_THREAD,
  IRQD_IRQ_DISABLED,
  IRQD_IRQ_INPROGRESS,
  IRQF_IRQPOLL,
  IRQF_SHARED,
  IRQS_PENDING,
  IRQS_POLL_INPROGRESS,
  IRQS_SPURIOUS_DISABLED,
  IRQS_WATCHED,
} from "./abi.js";
import { runWaiting } from "./flow/canHandle.js";
import { handleIrqEvent } from "./flow/handleIrqEvent.js";
import type { Irqs } from "./irqs.js";
import { irqDisable } from "./manage/startup.js";

const WINDOW = 100_000;
const UNHANDLED_LIMIT = 99_900;
/** Sign bit of threadsHandledLast: the judgement of the last interrupt waits for its threads. */
const DEFERRED = 0x80000000 | 0;

/** Name of the timer that polls; defined at install. */
export const POLL_TIMER = "genirq.pollSpurious";

/** Judge what the handlers of one interrupt returned (note_interrupt). Called while the line is in progress. */
export function noteInterrupt(g: Irqs, irq: number, ret: number): void {
  note(g, irq, ret);
  if (g.irqsUnhandled[irq] !== 0 || g.threadsHandledLast[irq] < 0 || g.irqfixup > 1) g.state[irq] |= IRQS_WATCHED;
  else g.state[irq] &= ~IRQS_WATCHED;
}

function note(g: Irqs, irq: number, ret: number): void {
  if (ret >>> 0 > (IRQ_HANDLED | IRQ_WAKE_THREAD)) {
    if (g.badReports > 0) {
      g.badReports--;
      g.k.log(3, `irq event ${irq}: bogus return value ${(ret >>> 0).toString(16)}`);
      reportHandlers(g, irq);
    }
    return;
  }
  let verdict = ret;
  const last = g.threadsHandledLast[irq];
  if (ret === IRQ_WAKE_THREAD) {
    if (last >= 0) {
      g.threadsHandledLast[irq] = last | DEFERRED;
      return;
    }
    const handled = g.threadsHandled[irq] | DEFERRED;
    verdict = handled === last ? IRQ_NONE : IRQ_HANDLED;
    g.threadsHandledLast[irq] = handled;
  } else g.threadsHandledLast[irq] = last & ~DEFERRED;

  if (verdict === IRQ_NONE) {
    const { jiffies } = g;
    if (jiffies > g.lastUnhandled[irq] + g.tenth) g.irqsUnhandled[irq] = 1;
    else g.irqsUnhandled[irq]++;
    g.lastUnhandled[irq] = jiffies;
  }
  if (g.irqfixup > 0 && tryMisrouted(g, irq, verdict)) {
    const ok = misroutedIrq(g, irq);
    if (verdict === IRQ_NONE && ok) g.irqsUnhandled[irq]--;
  }
  if (g.irqsUnhandled[irq] === 0) return;
  if (++g.irqCount[irq] < WINDOW) return;
  g.irqCount[irq] = 0;
  if (g.irqsUnhandled[irq] > UNHANDLED_LIMIT) {
    g.k.log(3, `irq ${irq}: nobody cared (try booting with the "irqpoll" option)`);
    reportHandlers(g, irq);
    g.k.log(0, `Disabling IRQ #${irq}`);
    g.state[irq] |= IRQS_SPURIOUS_DISABLED;
    g.depth[irq]++;
    irqDisable(g, irq);
    armPoll(g);
  }
  g.irqsUnhandled[irq] = 0;
}

/** irqfixup: nobody handled it; irqpoll: also the timer's line and those marked IRQF_IRQPOLL. */
function tryMisrouted(g: Irqs, irq: number, verdict: number): boolean {
  if (verdict === IRQ_NONE) return true;
  if (g.irqfixup < 2) return false;
  return irq === 0 || ((g.action[irq]?.flags ?? 0) & IRQF_IRQPOLL) !== 0;
}

/** Perhaps it came in on the wrong line: ask all others. */
function misroutedIrq(g: Irqs, irq: number): boolean {
  let ok = false;
  for (let i = 1; i < g.desc.length; i++) if (i !== irq && g.desc[i] !== null && tryOneIrq(g, i, false)) ok = true;
  return ok;
}

/** Run a shared line's handlers without its chip. True if one of them handled something. */
function tryOneIrq(g: Irqs, irq: number, force: boolean): boolean {
  if ((g.settings[irq] & (IRQ_PER_CPU | IRQ_NESTED_THREAD | IRQ_IS_POLLED)) !== 0) return false;
  if ((g.state[irq] & IRQD_IRQ_DISABLED) !== 0 && !force) return false;
  const a = g.action[irq];
  if (a === null || (a.flags & (IRQF_SHARED | __IRQF_TIMER)) !== IRQF_SHARED) return false;
  if ((g.state[irq] & IRQD_IRQ_INPROGRESS) !== 0) {
    g.state[irq] |= IRQS_PENDING;
    return false;
  }
  g.state[irq] |= IRQS_POLL_INPROGRESS;
  let handled = false;
  do {
    if (handleIrqEvent(g, irq) === IRQ_HANDLED) handled = true;
  } while ((g.state[irq] & IRQS_PENDING) !== 0 && g.action[irq] !== null);
  g.state[irq] &= ~IRQS_POLL_INPROGRESS;
  if (g.waiters > 0) runWaiting(g, irq);
  return handled;
}

/** Poll every HZ/10 from now on. */
function armPoll(g: Irqs): void {
  const { timers, time } = g.k;
  const at = time.ticks + g.tenth;
  if (!timers.mod(g.pollTimer, at)) g.pollTimer = timers.add(g.pollFn, at, null);
}

/** The timer: the handlers of all stormed lines, and on to the next round. */
export function pollSpuriousIrqs(g: Irqs): void {
  g.pollTimer = -1;
  for (let i = 1; i < g.desc.length; i++)
    if (g.desc[i] !== null && (g.state[i] & IRQS_SPURIOUS_DISABLED) !== 0) tryOneIrq(g, i, true);
  armPoll(g);
  g.rethrow();
}

function reportHandlers(g: Irqs, irq: number): void {
  const { k, cpu } = g;
  const t = k.cpus.currentOf(cpu);
  k.log(3, `CPU: ${cpu} PID: ${t?.nr ?? 0} Comm: ${t?.comm ?? `swapper/${cpu}`} ${k.options.machine.release}`);
  k.log(3, "Call Trace:");
  k.log(3, "handlers:");
  for (let a = g.action[irq]; a !== null; a = a.next)
    k.log(
      3,
      `${a.handler.name || "anonymous"}${a.threadFn === null ? "" : ` threaded ${a.threadFn.name || "anonymous"}`}`,
    );
}

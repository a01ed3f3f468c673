/**
 * May an arrival run the handlers now? Asked by every flow that keeps state, before anything is counted.
 */
import { bitmapTest } from "@kernelkit/core";
import {
  IRQD_IRQ_DISABLED,
  IRQD_IRQ_INPROGRESS,
  IRQD_SINGLE_TARGET,
  IRQD_WAKEUP_ARMED,
  IRQS_PENDING,
  IRQS_POLL_INPROGRESS,
  IRQS_REPLAY,
  IRQS_WAITING,
} from "../abi.js";
import type { IrqDesc } from "../desc.js";
import type { Irqs } from "../irqs.js";
import { pmHandleWakeup } from "../manage/pmWakeup.js";

/** In progress, or armed as a wake-up source: false, and in the latter case the machine is told to wake. */
export function canHandlePm(g: Irqs, irq: number): boolean {
  const s = g.state[irq];
  if ((s & (IRQD_IRQ_INPROGRESS | IRQD_WAKEUP_ARMED)) === 0) return true;
  if ((s & IRQD_WAKEUP_ARMED) !== 0) {
    pmHandleWakeup(g, irq);
    return false;
  }
  // Handlers run for the poll's sake: the arrival waits for their end (on its own CPU) and is handled then.
  if ((s & IRQS_POLL_INPROGRESS) !== 0) waitOnInprogress(g, irq);
  return false;
}

/** Nobody to handle it, or disabled: remembered, and false. */
export function canHandleActions(g: Irqs, irq: number): boolean {
  const s = g.state[irq] & ~(IRQS_REPLAY | IRQS_WAITING);
  if ((s & IRQD_IRQ_DISABLED) !== 0 || g.action[irq] === null) {
    g.state[irq] = s | IRQS_PENDING;
    return false;
  }
  g.state[irq] = s;
  return true;
}

export function canHandle(g: Irqs, irq: number): boolean {
  return canHandlePm(g, irq) && canHandleActions(g, irq);
}

/**
 * A single-target edge line whose effective CPU is this one while its handler still runs on another CPU (the line was moved
 * meanwhile): this CPU waits for the handler's end. True if it does.
 */
export function waitsForMove(g: Irqs, irq: number): boolean {
  const s = g.state[irq];
  if ((s & (IRQD_SINGLE_TARGET | IRQD_IRQ_INPROGRESS)) !== (IRQD_SINGLE_TARGET | IRQD_IRQ_INPROGRESS)) return false;
  const d = g.desc[irq] as IrqDesc;
  const { cpu } = g;
  // a handler that this arrival has interrupted is on this CPU, and cannot be waited for
  if (!bitmapTest(d.effective, cpu) || g.k.cpus.irqDepth[cpu] > 1) return false;
  waitOnInprogress(g, irq);
  return true;
}

function waitOnInprogress(g: Irqs, irq: number): void {
  const d = g.desc[irq] as IrqDesc;
  d.waiting ??= [];
  if (d.waiting.includes(g.cpu)) return;
  d.waiting.push(g.cpu);
  g.waiters++;
}

/** The handler is done: arrivals that waited for it on other CPUs go on there. */
export function runWaiting(g: Irqs, irq: number): void {
  const d = g.desc[irq];
  while (d?.waiting != null && d.waiting.length > 0 && (g.state[irq] & IRQD_IRQ_INPROGRESS) === 0) {
    const cpu = d.waiting.shift() as number;
    g.waiters--;
    const { irq: ctx } = g.k;
    const was = ctx.currentCpu;
    ctx.currentCpu = cpu;
    g.flow[irq]?.(g, irq);
    ctx.currentCpu = was;
  }
}

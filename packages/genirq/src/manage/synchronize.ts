/**
 * Waiting until handlers and threads of a line are done: synchronize_irq(). From outside the kernel it drives virtual time; a kernel
 * thread gives its context and gets WAIT back, to be called again from the top.
 */
import { type Ctx, EDEADLK, KernelError, TASK_UNINTERRUPTIBLE, type Wait, WaitQueue } from "@kernelkit/core";
import { IRQD_IRQ_INPROGRESS } from "../abi.js";
import type { IrqDesc } from "../desc.js";
import type { Irqs } from "../irqs.js";

/** Longest that a thread may take before a driver's wait for it is given up, ns. */
const LIMIT = 3600e9;

/** A handler of the line is running right now, so waiting for its end would never end: throws EDEADLK. */
export function checkNotInHandler(g: Irqs, irq: number, what: string): void {
  if ((g.state[irq] & IRQD_IRQ_INPROGRESS) !== 0)
    throw new KernelError(EDEADLK, `${what}(${irq}) waits for the handler that calls it`);
}

/** Wait until no thread of the line is active. */
export function waitForThreads(g: Irqs, irq: number, what: string, c?: Ctx): Wait | undefined {
  if (g.threadsActive[irq] === 0) return undefined;
  const { k } = g;
  const desc = g.desc[irq] as IrqDesc;
  if (c !== undefined) {
    desc.waitForThreads ??= new WaitQueue(`threads of irq ${irq}`);
    return c.sleep(desc.waitForThreads, undefined, TASK_UNINTERRUPTIBLE);
  }
  if (k.inEvent) k.warn(`${what}(${irq}) cannot wait for the line's threads here; give it the thread's context`);
  else k.runUntil(() => g.threadsActive[irq] === 0, LIMIT);
  return undefined;
}

/**
 * synchronize_irq(): wait for handlers and threads. `c`: the kernel thread that calls (WAIT: call again). Throws a KernelError EDEADLK
 * when called from the line's own handler.
 */
export function synchronizeIrq(g: Irqs, irq: number, c?: Ctx): Wait | undefined {
  if (!g.has(irq)) return undefined;
  checkNotInHandler(g, irq, "synchronize_irq");
  return waitForThreads(g, irq, "synchronize_irq", c);
}

/** Wait for handlers only; true if no thread of the line is active (or there is no such line). EDEADLK as above. */
export function synchronizeHardirq(g: Irqs, irq: number): boolean {
  if (!g.has(irq)) return true;
  checkNotInHandler(g, irq, "synchronize_hardirq");
  return g.threadsActive[irq] === 0;
}

/**
 * Enabling and disabling a line: disable_irq() and enable_irq() nest. On a chip without irqDisable the line is only marked; an
 * interrupt that comes then masks it, is remembered, and is sent again at the last enable.
 */
import type { Ctx, Wait } from "@kernelkit/core";
import { busLock, busSyncUnlock } from "../chip/mask.js";
import type { Irqs } from "../irqs.js";
import { globalLine } from "./line.js";
import { disableDepth, enableDepth } from "./startup.js";
import { checkNotInHandler, waitForThreads } from "./synchronize.js";

/** Disable, without waiting for running handlers: may be called from them. */
export function disableIrqNosync(g: Irqs, irq: number): void {
  if (!globalLine(g, irq)) return;
  busLock(g, irq);
  disableDepth(g, irq);
  busSyncUnlock(g, irq);
}

/**
 * Disable, and wait for handlers and threads (drives virtual time; in a kernel thread give `c`: WAIT is then to be returned, and the
 * call repeated with `synchronizeIrq`). Throws a KernelError EDEADLK from the line's own handler, and changes nothing.
 */
export function disableIrq(g: Irqs, irq: number, c?: Ctx): Wait | undefined {
  if (!globalLine(g, irq)) return undefined;
  checkNotInHandler(g, irq, "disable_irq");
  disableIrqNosync(g, irq);
  return waitForThreads(g, irq, "disable_irq", c);
}

/** Disable, wait for handlers; false if a thread is still active, or there is no such line. */
export function disableHardirq(g: Irqs, irq: number): boolean {
  if (!globalLine(g, irq)) return false;
  checkNotInHandler(g, irq, "disable_hardirq");
  disableIrqNosync(g, irq);
  return g.threadsActive[irq] === 0;
}

/** Undo one disable. At the last one the line is enabled (started, if it never was) and what it missed is sent again. */
export function enableIrq(g: Irqs, irq: number): void {
  if (!globalLine(g, irq)) return;
  busLock(g, irq);
  enableDepth(g, irq);
  busSyncUnlock(g, irq);
}

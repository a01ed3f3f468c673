/** irq_wake_thread(): run a request's thread function without an interrupt. */
import type { Irqs } from "../irqs.js";
import { wakeIrqThread } from "./irqThread.js";
import { globalLine } from "./line.js";

/** Wake the thread of the request made with `dev`. Nothing if there is none. */
export function irqWakeThread(g: Irqs, irq: number, dev: unknown): void {
  if (!globalLine(g, irq)) return;
  for (let a = g.action[irq]; a !== null; a = a.next) {
    if (a.dev !== dev) continue;
    wakeIrqThread(g, a);
    return;
  }
}

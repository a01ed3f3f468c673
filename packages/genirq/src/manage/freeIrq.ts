/** Giving a line back: free_irq(), free_percpu_irq(). The last one shuts the line down and waits until nothing of it runs. */

import { bitmapEmpty } from "@kernelkit/core";
import { IRQ_DISABLE_UNLAZY } from "../abi.js";
import { busLock, busSyncUnlock } from "../chip/mask.js";
import type { IrqAction, IrqData, IrqDesc } from "../desc.js";
import { irqDomainDeactivateIrq } from "../domain/activate.js";
import { unregisterHandlerFiles } from "../files/lineFiles.js";
import type { Irqs } from "../irqs.js";
import { globalLine, percpuLine } from "./line.js";
import { pmRemoveAction } from "./pm.js";
import { irqShutdown } from "./startup.js";
import { waitForThreads } from "./synchronize.js";

/**
 * Free the request that was made with `dev` (the first of several). Returns its name; null, with a warning, if there is none.
 * Waits for the line's threads: call it from outside or process context.
 */
export function freeIrq(g: Irqs, irq: number, dev: unknown = null): string | null {
  if (!globalLine(g, irq)) return null;
  if (g.k.irq.inInterrupt()) g.warn("manage.c", "__free_irq", `Trying to free IRQ ${irq} from IRQ context!`);
  return free(g, irq, dev, "__free_irq");
}

/** Free a per-CPU request; it must be disabled on all CPUs. Its name, or null. */
export function freePercpuIrq(g: Irqs, irq: number, devs: unknown): string | null {
  if (!percpuLine(g, irq)) return null;
  const a = g.action[irq];
  if (a === null || a.dev !== devs) {
    g.warn("manage.c", "__free_percpu_irq", `Trying to free already-free IRQ ${irq}`);
    return null;
  }
  const enabled = (g.desc[irq] as IrqDesc).percpuEnabled as Uint32Array;
  if (!bitmapEmpty(enabled)) {
    g.warn(
      "manage.c",
      "__free_percpu_irq",
      `percpu IRQ ${irq} still enabled on CPU${enabled.findIndex((w) => w !== 0) * 32}!`,
    );
    return null;
  }
  g.action[irq] = null;
  pmRemoveAction(g, irq, a);
  unregisterHandlerFiles(g, a);
  return a.name;
}

function free(g: Irqs, irq: number, dev: unknown, where: string): string | null {
  const id = dev ?? null;
  busLock(g, irq);
  let prev: IrqAction | null = null;
  let a = g.action[irq];
  while (a !== null && a.dev !== id) {
    prev = a;
    a = a.next;
  }
  if (a === null || a === g.chained) {
    g.warn("manage.c", where, `Trying to free already-free IRQ ${irq}`);
    busSyncUnlock(g, irq);
    return null;
  }
  if (prev === null) g.action[irq] = a.next;
  else prev.next = a.next;
  pmRemoveAction(g, irq, a);
  if (g.action[irq] === null) {
    g.settings[irq] &= ~IRQ_DISABLE_UNLAZY;
    irqShutdown(g, irq);
  }
  busSyncUnlock(g, irq);
  unregisterHandlerFiles(g, a);
  waitForThreads(g, irq, "free_irq");
  stopThread(g, a);
  if (a.secondary !== null) stopThread(g, a.secondary);
  if (g.action[irq] === null) {
    const d = g.data[irq] as IrqData;
    busLock(g, irq);
    irqDomainDeactivateIrq(g, irq);
    d.chip.irqReleaseResources?.(d);
    busSyncUnlock(g, irq);
  }
  return a.name;
}

function stopThread(g: Irqs, a: IrqAction): void {
  a.stop = true;
  if (a.thread !== null) g.k.sched.wakeTask(a.thread);
}

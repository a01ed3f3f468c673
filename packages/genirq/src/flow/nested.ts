/** handle_nested_irq(): a line behind a slow bus, handled in the thread of the line it is behind. No chip is called. */
import { type Ctx, WAIT } from "@kernelkit/core";
import { IRQ_NONE } from "../abi.js";
import type { Irqs } from "../irqs.js";
import { canHandleActions } from "./canHandle.js";
import { judge, kstatIncr } from "./handleIrqEvent.js";

/** Run the thread functions of a nested line, here and now; `c` is handed to them. They may not sleep. */
export function handleNestedIrq(g: Irqs, irq: number, c?: Ctx): void {
  if (!g.has(irq) || !canHandleActions(g, irq)) return;
  kstatIncr(g, irq);
  let ret = IRQ_NONE;
  for (let a = g.action[irq]; a !== null; a = a.next) {
    if (a.threadFn === null) continue;
    let r: ReturnType<typeof a.threadFn>;
    try {
      r = a.threadFn(irq, a.dev, c as Ctx);
    } catch (error) {
      g.caught ??= { error };
      r = IRQ_NONE;
    }
    if (r === WAIT)
      throw new TypeError(`irq ${irq}: the thread function of '${a.name}' sleeps, which a nested line's may not`);
    ret |= r;
  }
  judge(g, irq, ret);
  g.rethrow();
}

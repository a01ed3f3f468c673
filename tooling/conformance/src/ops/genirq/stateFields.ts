/** What a case can ask of a line's state. */
import type { Irqs } from "@kernelkit/genirq";
import * as genirq from "@kernelkit/genirq";

export function stateFields(g: Irqs, irq: number): Record<string, unknown> {
  const w = g.state[irq];
  const is = (bit: number): boolean => (w & bit) !== 0;
  const names: string[] = [];
  for (let a = g.action[irq]; a !== null; a = a.next) names.push(a.name);
  let kstat = 0;
  for (let c = 0; c < g.nrCpus; c++) kstat += g.kstat[irq * g.nrCpus + c];
  return {
    depth: g.depth[irq],
    wake_depth: g.wakeDepth[irq],
    disabled: is(genirq.IRQD_IRQ_DISABLED),
    masked: is(genirq.IRQD_IRQ_MASKED),
    pending: is(genirq.IRQS_PENDING),
    replay: is(genirq.IRQS_REPLAY),
    oneshot: is(genirq.IRQS_ONESHOT),
    suspended: is(genirq.IRQS_SUSPENDED),
    spurious_disabled: is(genirq.IRQS_SPURIOUS_DISABLED),
    level: is(genirq.IRQD_LEVEL),
    per_cpu: is(genirq.IRQD_PER_CPU),
    no_balancing: is(genirq.IRQD_PER_CPU | genirq.IRQD_NO_BALANCING),
    started: is(genirq.IRQD_IRQ_STARTED),
    activated: is(genirq.IRQD_ACTIVATED),
    wakeup_state: is(genirq.IRQD_WAKEUP_STATE),
    wakeup_armed: is(genirq.IRQD_WAKEUP_ARMED),
    inprogress: is(genirq.IRQD_IRQ_INPROGRESS),
    trigger: w & genirq.IRQD_TRIGGER_MASK,
    irq_count: g.irqCount[irq],
    irqs_unhandled: g.irqsUnhandled[irq],
    threads_handled: g.threadsHandled[irq],
    kstat: g.counterBits === 32 ? kstat >>> 0 : kstat,
    actions: names,
    handler: genirq.flowName(g.flow[irq]),
  };
}

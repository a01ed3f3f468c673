/**
 * Tracepoints of interrupts under Linux's names (include/trace/events/irq.h): irq:irq_handler_entry, irq:irq_handler_exit (one
 * pair per action), irq:softirq_raise, irq:tasklet_entry, irq:tasklet_exit. Free when nobody listens.
 */
import type { Core, Tracepoint } from "@kernelkit/core";

/** Names of the softirq vectors, in order. */
export const SOFTIRQ_NAMES: readonly string[] = [
  "HI",
  "TIMER",
  "NET_TX",
  "NET_RX",
  "BLOCK",
  "IRQ_POLL",
  "TASKLET",
  "SCHED",
  "HRTIMER",
  "RCU",
];

export interface IrqTrace {
  readonly handlerEntry: Tracepoint<[irq: number, name: string]>;
  readonly handlerExit: Tracepoint<[irq: number, ret: number]>;
  readonly softirqRaise: Tracepoint<[vec: number]>;
  readonly taskletEntry: Tracepoint<[tasklet: string, fn: string]>;
  readonly taskletExit: Tracepoint<[tasklet: string, fn: string]>;
}

export function defineIrqTrace(k: Core): IrqTrace {
  const tasklet = (t: string, fn: string): string => `tasklet=${t} function=${fn}`;
  const t: IrqTrace = {
    handlerEntry: k.trace.define("irq", "irq_handler_entry", (irq: number, name: string) => `irq=${irq} name=${name}`),
    handlerExit: k.trace.define(
      "irq",
      "irq_handler_exit",
      (irq: number, ret: number) => `irq=${irq} ret=${ret !== 0 ? "handled" : "unhandled"}`,
    ),
    softirqRaise: k.trace.define("irq", "softirq_raise", (vec: number) => `vec=${vec} [action=${SOFTIRQ_NAMES[vec]}]`),
    taskletEntry: k.trace.define("irq", "tasklet_entry", tasklet),
    taskletExit: k.trace.define("irq", "tasklet_exit", tasklet),
  };
  const int = (name: string) => ["int", name, 4, 1] as const;
  t.handlerEntry.format = {
    fields: [int("irq"), ["__data_loc char[]", "name", 4, 0]],
    print: '"irq=%d name=%s", REC->irq, __get_str(name)',
  };
  t.handlerExit.format = {
    fields: [int("irq"), int("ret")],
    print: '"irq=%d ret=%s", REC->irq, REC->ret ? "handled" : "unhandled"',
  };
  t.softirqRaise.format = k.trace.softirqEntry.format;
  t.taskletEntry.format = t.taskletExit.format = {
    fields: [
      ["void *", "tasklet", 8, 0],
      ["void *", "func", 8, 0],
    ],
    print: '"tasklet=%ps function=%ps", REC->tasklet, REC->func',
  };
  return t;
}

/**
 * Tasklets: functions run once in soft interrupt context on the CPU that scheduled them, however often they were scheduled before.
 *
 *     const t = new Tasklet("net_rx", fn, data);   taskletSchedule(g, t);   taskletDisable(t) ... taskletEnable(g, t)
 *
 * `fn` must be a static and `data` state if checkpoints are taken. Documentation/core-api, include/linux/interrupt.h.
 */
import { HI_SOFTIRQ, TASKLET_SOFTIRQ } from "@kernelkit/core";
import type { Irqs } from "../irqs.js";
import { raiseSoftirq } from "./softirq.js";

export class Tasklet {
  /** Queued and not yet run. */
  scheduled = false;
  /** Disabled this many times. */
  count = 0;

  constructor(
    readonly name: string,
    readonly fn: (data: unknown) => void,
    readonly data: unknown,
  ) {}
}

function schedule(g: Irqs, t: Tasklet, hi: boolean): void {
  if (t.scheduled) return;
  g.adopt("tasklet", t.fn);
  t.scheduled = true;
  g.tasklets[hi ? g.nrCpus + g.cpu : g.cpu].push(t);
  raiseSoftirq(g, hi ? HI_SOFTIRQ : TASKLET_SOFTIRQ);
}

/** Run `t` soon on this CPU. */
export function taskletSchedule(g: Irqs, t: Tasklet): void {
  schedule(g, t, false);
}

/** Run `t` soon, before all other soft interrupts. */
export function taskletHiSchedule(g: Irqs, t: Tasklet): void {
  schedule(g, t, true);
}

/** Keep `t` from running; nests. */
export function taskletDisable(_: Irqs, t: Tasklet): void {
  t.count++;
}

/** Undo one taskletDisable. RangeError if there was none. */
export function taskletEnable(_: Irqs, t: Tasklet): void {
  if (t.count === 0) throw new RangeError(`taskletEnable: tasklet '${t.name}' is not disabled`);
  t.count--;
}

/** Take `t` off its queue: it will not run until it is scheduled again. */
export function taskletKill(g: Irqs, t: Tasklet): void {
  for (const q of g.tasklets) {
    const at = q.indexOf(t);
    if (at >= 0) q.splice(at, 1);
  }
  t.scheduled = false;
}

/** The action of the two vectors: run what was queued before, keep what is disabled. */
export function taskletAction(g: Irqs, cpu: number, hi: boolean): void {
  const at = hi ? g.nrCpus + cpu : cpu;
  const list = g.tasklets[at];
  g.tasklets[at] = [];
  for (const t of list) {
    if (t.count > 0) {
      g.tasklets[at].push(t);
      continue;
    }
    t.scheduled = false;
    if (g.trace.taskletEntry.on) g.trace.taskletEntry.emit(t.name, t.fn.name);
    t.fn(t.data);
    if (g.trace.taskletExit.on) g.trace.taskletExit.emit(t.name, t.fn.name);
  }
  if (g.tasklets[at].length > 0) g.k.cpus.softirqPending[cpu] |= 1 << (hi ? HI_SOFTIRQ : TASKLET_SOFTIRQ);
}

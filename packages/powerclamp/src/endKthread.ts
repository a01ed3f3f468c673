/**
 * endKthread: kthread_stop() for a thread that is not being stepped: asleep, or runnable and off its CPU.
 */
import type { Core, Task } from "@kernelkit/core";

export function endKthread(k: Core, t: Task): void {
  const { cpu } = t;
  if (t.se.queued) k.sched.deactivate(t);
  k.tasks.doExit(t, 0);
  // its CPU may have been held idle for it
  if (k.cpus.curr[cpu] === null && k.cpus.online[cpu] === 1 && k.sched.rqs[cpu].first() !== null) k.sched.schedule(cpu);
}

/**
 * endKthread: kthread_stop() and kthread_park() for a thread that is not being stepped at this instant.
 */
import { type Core, TASK_INTERRUPTIBLE, TASK_RUNNING, type Task } from "@kernelkit/core";

export function endKthread(k: Core, t: Task): void {
  const { cpu } = t;
  const onCpu = k.cpus.curr[cpu] === t;
  if (t.se.queued || onCpu) k.sched.deactivate(t);
  k.tasks.doExit(t, 0);
  releaseCpu(k, cpu, onCpu);
}

/** kthread_park() of a thread whose CPU goes down: it sleeps until somebody wakes it on its CPU. */
export function parkKthread(k: Core, t: Task): void {
  const { cpu } = t;
  if (t.state !== TASK_RUNNING) return;
  const onCpu = k.cpus.curr[cpu] === t;
  if (t.se.queued || onCpu) k.sched.deactivate(t);
  t.state = TASK_INTERRUPTIBLE;
  releaseCpu(k, cpu, onCpu);
}

/** A CPU that was held (by a forced idle that is over, or by a thread that is gone) takes up what waits. */
export function releaseCpu(k: Core, cpu: number, force = false): void {
  const idle = k.cpus.curr[cpu] === null && k.cpus.online[cpu] === 1;
  if (force || (idle && k.cpus.forcedIdleUntil[cpu] === 0 && k.sched.rqs[cpu].first() !== null)) k.sched.schedule(cpu);
}

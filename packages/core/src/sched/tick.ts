/** The tick: a CPU has one only while something on it goes by it (NO_HZ: timers/no_hz, kernel documentation). */
import type { Task } from "../task/task.js";
import { isRt, weightOf } from "./runQueue.js";
import type { Scheduler } from "./scheduler.js";

const SCHED_RR = 2;

/** Does anything on this CPU go by the tick? */
export function tickNeeded(s: Scheduler, cpu: number): boolean {
  const { cpus, hooks } = s.k;
  if (cpus.online[cpu] === 0) return false;
  if (s.k.nohzOff) return true;
  const t = cpus.curr[cpu];
  if (t === null) return false;
  if (hooks.tick.on !== null) return true;
  const rq = s.rqs[cpu];
  if (isRt(t)) return t.se.policy === SCHED_RR && rq.rt.length > 0;
  return rq.nrFair > 1;
}

/** What a tick does to the task it finds: the end of its slice, if others wait. */
export function taskTick(s: Scheduler, cpu: number, t: Task): void {
  const rq = s.rqs[cpu];
  if (isRt(t)) {
    if (t.se.policy === SCHED_RR && t.se.rrLeftNs <= 0 && rq.rt.length > 0) t.needResched = true;
    return;
  }
  if (t.se.vruntime < t.se.deadline) return;
  t.se.deadline = t.se.vruntime + (s.sliceNs * 1024) / weightOf(t);
  if (rq.fair.length > 0) t.needResched = true;
}

/** SIGALRM to a process when its alarm is due. alarm(2). */
import { SIGALRM } from "../abi/signal.js";
import type { Task } from "../task/task.js";
import type { Timers } from "./timers.js";

/** Defines the timer function; its argument is the process's leader. */
export function defineAlarm(timers: Timers): number {
  return timers.defineHr("alarm", (leader) => {
    const t = leader as Task;
    t.signal.alarm = -1;
    timers.k.signals.sendProcess(t, SIGALRM);
  });
}

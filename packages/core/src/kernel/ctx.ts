/**
 * The context a system call or kernel thread runs in: one per task, reused.
 *
 * A step function does its work from the top each time it is called. When it cannot go on it *returns* what `sleep` gives
 * it (`return c.sleep(q)`) and is called again after a wake-up. What it must remember meanwhile lives in `frame`.
 * Everything before a sleep runs again, so check and count under a flag in the frame, or after the last sleep.
 */
import { ERESTARTSYS, fail } from "../abi/errors.js";
import { WaitEntry, type WaitQueue } from "../sched/waitQueue.js";
import { WAIT, type Wait } from "../sys/types.js";
import { fatalSignalPending, signalPending } from "../task/signalPending.js";
import { TASK_INTERRUPTIBLE, TASK_KILLABLE, TASK_RUNNING, type Task } from "../task/task.js";
import type { Core } from "./core.js";

export class Ctx {
  constructor(
    readonly k: Core,
    readonly task: Task,
  ) {}

  /** Virtual time since boot, ns. */
  get now(): number {
    return this.k.now;
  }

  /** Plain data of this call, made on its first try; survives sleeps and snapshots. */
  frame<T extends object>(init: () => T): T {
    if (this.task.frame === null) this.task.frame = init();
    return this.task.frame as T;
  }

  /** The frame of a sleeping part of the call (a fault, a throttle), kept in the caller's frame under `key`. */
  part<T extends object>(key: string, init: () => T): T {
    const f = this.frame<Record<string, unknown>>(() => ({}));
    if (f[key] === undefined) f[key] = init();
    return f[key] as T;
  }

  /** The part is over: its next use starts anew. */
  endPart(key: string): void {
    if (this.task.frame !== null) delete (this.task.frame as Record<string, unknown>)[key];
  }

  /**
   * Sleep until `q` is woken or `untilNs` comes. Interruptible by default: with a signal pending it does not sleep but throws
   * the restart code (the caller returns what it has done so far if it can). Returns WAIT, to be returned at once.
   */
  sleep(
    q: WaitQueue | null,
    untilNs: number = Number.POSITIVE_INFINITY,
    state: number = TASK_INTERRUPTIBLE,
    restart: number = ERESTARTSYS,
    exclusive = false,
  ): Wait {
    const t = this.task;
    if (state === TASK_INTERRUPTIBLE ? signalPending(t) : state === TASK_KILLABLE && fatalSignalPending(t))
      return fail(restart);
    t.state = state;
    if (q !== null) {
      t.waitingFor = q.name;
      const e = new WaitEntry(t, exclusive);
      t.waits.push(e);
      q.add(e);
    }
    if (untilNs !== Number.POSITIVE_INFINITY && t.timeout < 0) t.timeout = this.k.sched.armTimeout(t, untilNs);
    return WAIT;
  }

  /** As `sleep`, on several queues at once. */
  sleepOn(queues: readonly WaitQueue[], untilNs?: number, state?: number, restart?: number): Wait {
    for (const q of queues) this.sleep(q, untilNs, state, restart);
    return queues.length > 0 ? WAIT : this.sleep(null, untilNs, state, restart);
  }

  /** Use `ns` of CPU time (user or system), then be called again: keep a flag in the frame. */
  busy(ns: number, user: boolean): Wait {
    const t = this.task;
    t.state = TASK_RUNNING;
    t.remainingNs += ns;
    t.remainingUser = user;
    return WAIT;
  }

  /** Wake all non-exclusive sleepers of `q` and `n` exclusive ones. */
  wake(q: WaitQueue, n = 1): void {
    if (q.head !== null) this.k.sched.wakeUp(q, n);
  }

  get signalPending(): boolean {
    return signalPending(this.task);
  }

  /** SIGKILL is pending, or the process is exiting. */
  get fatalSignalPending(): boolean {
    return fatalSignalPending(this.task);
  }
}

/**
 * Calls that wait for an ipc object: what each wants stands in a list of the object, and whoever can give it does so on its behalf and
 * wakes it. So the order is that of arrival, nobody who comes later is first, and a call that is tried again finds its answer.
 */
import { type Core, type Ctx, fail, TASK_INTERRUPTIBLE, type Task, type Wait, WaitQueue } from "@kernelkit/core";

const ALL = 0x7fffffff;

export class IpcWaiter<W = unknown> {
  done = false;
  /** Of a finished wait: an errno, or 0 and what it got (plain state). */
  errno = 0;
  value: unknown = null;
  readonly queue: WaitQueue;

  constructor(
    readonly task: Task,
    name: string,
    /** Where it stands. */
    readonly list: IpcWaiter<W>[],
    /** What it waits for (plain state). */
    readonly want: W,
    /** Virtual time at which it gives up; Infinity: never. */
    readonly untilNs: number = Number.POSITIVE_INFINITY,
  ) {
    this.queue = new WaitQueue(name);
  }
}

/** What a call that is tried again stands in; null: it is the first try. */
export function waiterOf<W>(c: Ctx): IpcWaiter<W> | null {
  return (c.task.frame as { waiter?: IpcWaiter<W> } | null)?.waiter ?? null;
}

/** A first sleep: into the list, at `place`. */
export function startWait<W>(c: Ctx, w: IpcWaiter<W>, timeout: number, interrupted: number, place?: number): Wait {
  w.list.splice(place ?? w.list.length, 0, w);
  c.frame(() => ({ waiter: w }));
  return wait(c, w, timeout, interrupted);
}

/** A call that is tried again: its answer, its errno, or more sleep. */
export function resumeWait<R>(c: Ctx, w: IpcWaiter, timeout: number, interrupted: number): R | Wait {
  if (!w.done) return wait(c, w, timeout, interrupted);
  return w.errno !== 0 ? fail(w.errno) : (w.value as R);
}

/** Past the time: `timeout`; a signal: `interrupted`; in both cases it is in no list any more. */
function wait<W>(c: Ctx, w: IpcWaiter<W>, timeout: number, interrupted: number): Wait {
  try {
    if (c.now >= w.untilNs) return fail(timeout);
    return c.sleep(w.queue, w.untilNs, TASK_INTERRUPTIBLE, interrupted);
  } catch (e) {
    w.list.splice(w.list.indexOf(w), 1);
    throw e;
  }
}

/** Its wait is over. */
export function finishWait<W>(k: Core, w: IpcWaiter<W>, errno: number, value: unknown = null): void {
  w.list.splice(w.list.indexOf(w), 1);
  w.done = true;
  w.errno = errno;
  w.value = value;
  if (w.queue.head !== null) k.sched.wakeUp(w.queue, ALL);
}

/** All who wait learn that the object has gone. */
export function failAll<W>(k: Core, list: IpcWaiter<W>[], errno: number): void {
  while (list.length > 0) finishWait(k, list[0], errno);
}

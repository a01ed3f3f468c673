/**
 * sleepLock: a mutex for step functions. A call that is tried again from the top locks again and finds that it has the lock.
 *
 *     if (lock.lock(c) === WAIT) return WAIT;
 *     ...
 *     lock.unlock(c);
 */
import {
  CALL_NONE,
  type Ctx,
  TASK_DEAD,
  TASK_UNINTERRUPTIBLE,
  TASK_ZOMBIE,
  type Task,
  type Wait,
  WaitQueue,
} from "@kernelkit/core";

export class SleepLock {
  owner: Task | null = null;
  readonly queue: WaitQueue;

  constructor(name: string) {
    this.queue = new WaitQueue(name);
  }

  /** 0: the caller has it; WAIT: return WAIT. */
  lock(c: Ctx): 0 | Wait {
    if (this.owner !== c.task && this.locked) return c.sleep(this.queue, undefined, TASK_UNINTERRUPTIBLE);
    this.owner = c.task;
    return 0;
  }

  /** Somebody has it who is still in the call that took it (mutex_trylock would fail). */
  get locked(): boolean {
    const o = this.owner;
    return o !== null && o.phase !== CALL_NONE && o.state !== TASK_ZOMBIE && o.state !== TASK_DEAD;
  }

  unlock(c: Ctx): void {
    this.owner = null;
    c.wake(this.queue);
  }
}

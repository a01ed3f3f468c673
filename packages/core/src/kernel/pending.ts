/** What `kernel.call(task).x(...)` gives back: a system call that has been started and may still sleep. */
import { KernelError } from "../abi/errors.js";
import type { Pending } from "../sys/types.js";
import { CALL_NONE, type Task } from "../task/task.js";

export class PendingCall implements Pending<unknown> {
  done = false;
  private result: unknown = undefined;
  error: Error | null = null;

  constructor(
    readonly task: Task,
    readonly syscall: string,
  ) {}

  /** The task has returned from its call. */
  settle(result: unknown, errno: number, path: string | undefined): void {
    this.done = true;
    this.result = result;
    if (errno !== 0) this.error = new KernelError(errno, this.syscall, path);
  }

  /** The task will never return from it. */
  abandon(): void {
    this.done = true;
  }

  get value(): unknown {
    if (!this.done) {
      const what = this.task.phase === CALL_NONE ? "" : ` (waits for ${this.task.waitingFor || "nothing named"})`;
      throw new TypeError(`${this.syscall}() has not returned yet${what}: advance the kernel first`);
    }
    if (this.error !== null) throw this.error;
    return this.result;
  }
}

/** Is a task on its way out? Then its memory is coming, and it is not held up. */
import type { Task } from "@kernelkit/core";

const SIGKILL = 9;

export function dying(t: Task): boolean {
  return t.exiting || t.signal.groupExit || t.pending.set.has(SIGKILL) || t.signal.pending.set.has(SIGKILL);
}

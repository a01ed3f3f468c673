/** The name of a task: at most 15 bytes, set by fork, execve, PR_SET_NAME and /proc/PID/comm. proc_pid_comm(5). */

import type { Core } from "../kernel/core.js";
import { utf8Into, utf8Text } from "../lib/text.js";
import type { Task } from "./task.js";

export const TASK_COMM_LEN = 16;

/** At most 15 bytes of UTF-8, whole characters; cut at a NUL. */
export function cutComm(name: string): string {
  const nul = name.indexOf("\0");
  const s = nul < 0 ? name : name.slice(0, nul);
  if (s.length * 3 < TASK_COMM_LEN) return s;
  const bytes = new Uint8Array(TASK_COMM_LEN - 1);
  return utf8Text(bytes, 0, utf8Into(s, bytes));
}

export function setComm(k: Core, t: Task, name: string): void {
  const comm = cutComm(name);
  if (k.trace.taskRename.on) k.trace.taskRename.emit(t, comm);
  t.comm = comm;
  if (k.hooks.commChange.on !== null) k.hooks.commChange.on(t, comm);
}

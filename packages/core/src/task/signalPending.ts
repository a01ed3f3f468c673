/** Is there a signal that a sleeping task must look at? Kept apart: it is asked on every sleep. */
import type { Task } from "./task.js";

/** A pending signal that is not blocked (its own or its process's), or the task is to stop, freeze or exit. */
export function signalPending(t: Task): boolean {
  const b = t.blocked;
  const a = t.pending.set;
  const s = t.signal.pending.set;
  return (
    t.signal.groupExit ||
    (((a.lo | s.lo) & ~b.lo) | ((a.hi | s.hi) & ~b.hi)) !== 0 ||
    t.stopPending ||
    (t.frozenBy > 0 && !t.isKthread)
  );
}

const KILL_BIT = 1 << 8;

/** SIGKILL is pending, or the process is exiting. */
export function fatalSignalPending(t: Task): boolean {
  return t.signal.groupExit || ((t.pending.set.lo | t.signal.pending.set.lo) & KILL_BIT) !== 0;
}

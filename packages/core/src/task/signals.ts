/** Signals: sending, and what happens on the way back to user. signal(7). */
import type { SignalOutcome } from "../kernel/entry.js";
import type { Core } from "../kernel/core.js";
import type { Task } from "./task.js";

const GO: SignalOutcome = { outcome: 0, handled: false, restartFlag: false, run: null };
const GONE: SignalOutcome = { outcome: 2, handled: false, restartFlag: false, run: null };

export class Signals {
  constructor(readonly k: Core) {}

  /** Deliver what is pending and not blocked, on the way back to user mode. */
  handle(t: Task): SignalOutcome {
    if (t.signal.groupExit) {
      this.k.tasks.doExit(t, t.signal.groupExitCode);
      return GONE;
    }
    return GO;
  }

  /** Make the task look at its user work soon: a sleeping or parked one is woken. */
  kick(t: Task): void {
    t.userWork = true;
    if (t.state === 1 || t.state === 9) this.k.sched.wakeState(t);
  }
}

/**
 * Calls from outside: `kernel.call(task).x(...)` starts one, `kernel.sys(task).x(...)` drives virtual time until it has returned. The task
 * must be alive, driven (no program, no kernel thread) and not in a call.
 */
import { ERESTARTSYS } from "../abi/errors.js";
import {
  CALL_NONE,
  CALL_RETURNING,
  TASK_DEAD,
  TASK_FROZEN,
  TASK_PARKED,
  TASK_RUNNING,
  TASK_STOPPED,
  TASK_ZOMBIE,
  type Task,
} from "../task/task.js";
import type { Entry } from "./entry.js";
import { PendingCall } from "./pending.js";
import type { SyscallEntry } from "./syscallTable.js";
import { USER_GO } from "./userMode.js";

export class DrivenCalls {
  /** Above 0 while an outside call drives the kernel: driving is not re-entrant. */
  private driving = 0;

  constructor(private readonly entry: Entry) {}

  /** Start a call of a driven task. The task must be alive, driven, and not in a call. */
  start(t: Task, e: SyscallEntry, args: unknown[]): PendingCall {
    const { entry } = this;
    const { k } = entry;
    if (k.current !== null || k.inEvent)
      throw new TypeError(
        `kernel.sys(...).${e.name}() was called from inside the kernel (a program, hook or handler): in a program use yield* sys.${e.name}()`,
      );
    if (t.state === TASK_ZOMBIE || t.state === TASK_DEAD)
      throw new TypeError(`task ${t.nr} (${t.comm}) is dead: it cannot call ${e.name}()`);
    if (t.program !== null || t.kthread !== null)
      throw new TypeError(
        `task ${t.nr} (${t.comm}) runs ${t.program !== null ? "a program" : "as a kernel thread"}: it cannot be driven from outside`,
      );
    if (t.phase === CALL_NONE && t.state === TASK_RUNNING) this.settleDriven(t, e.name);
    if (t.frozenBy > 0 && t.state === TASK_PARKED) t.state = TASK_FROZEN;
    const held = t.phase === CALL_NONE && (t.state === TASK_STOPPED || t.state === TASK_FROZEN);
    if (!held && (t.phase !== CALL_NONE || t.state !== TASK_PARKED))
      throw new TypeError(
        `task ${t.nr} (${t.comm}) has not returned from ${t.call?.name ?? "its last call"}(): it cannot call ${e.name}()`,
      );
    const p = new PendingCall(t, e.name);
    t.started = p;
    entry.begin(t, e, args);
    if (held) {
      // a stopped or frozen process makes no call before it goes on
      t.held = true;
      t.waitingFor = t.state === TASK_STOPPED ? "SIGCONT" : "thawing";
      return p;
    }
    t.state = TASK_RUNNING;
    const { cpu } = t;
    k.cpus.guest[cpu] = t;
    try {
      k.inEvent = true;
      if (entry.attempt(t)) {
        if (t.error >= ERESTARTSYS) t.userWork = true;
        else if (t.state === TASK_RUNNING) entry.finish(t);
        if (t.state === TASK_RUNNING && !t.userWork && t.remainingNs === 0) entry.stepDriven(t);
        else if (t.state === TASK_RUNNING && t.remainingNs === 0 && entry.exitToUser(t) === USER_GO) {
          if ((t.phase as number) === CALL_RETURNING && t.state === TASK_RUNNING && t.remainingNs === 0)
            entry.stepDriven(t);
        }
      }
    } catch (x) {
      t.started = null;
      t.phase = CALL_NONE;
      if (t.state === TASK_RUNNING) t.state = TASK_PARKED;
      throw x;
    } finally {
      k.cpus.guest[cpu] = null;
      k.inEvent = false;
    }
    if (t.state === TASK_RUNNING) k.sched.startDriven(t);
    return p;
  }

  /** A driven task has been woken between two calls (a signal): it acts on that before its next call. */
  private settleDriven(t: Task, name: string): void {
    const { entry } = this;
    const { k } = entry;
    k.sched.takeOff(t);
    t.state = TASK_RUNNING;
    k.inEvent = true;
    k.cpus.guest[t.cpu] = t;
    try {
      if (entry.exitToUser(t) === USER_GO) t.state = TASK_PARKED;
    } finally {
      k.cpus.guest[t.cpu] = null;
      k.inEvent = false;
    }
    if (t.exiting) throw new TypeError(`task ${t.nr} (${t.comm}) has died: it cannot call ${name}()`);
  }

  /** Carry out a call from outside, driving virtual time until it returns. */
  outside(t: Task, e: SyscallEntry, args: unknown[]): unknown {
    const p = this.start(t, e, args);
    if (p.done) return p.value;
    if (this.driving > 0) throw new TypeError(`${e.name}() needs virtual time, but another outside call is driving it`);
    this.driving++;
    try {
      this.entry.k.driveUntil(p);
    } finally {
      this.driving--;
    }
    return p.value;
  }
}

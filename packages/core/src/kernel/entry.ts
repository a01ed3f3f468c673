/**
 * Kernel entry and exit: the life of a system call.
 *
 * 1. A view (`sys.read(...)` in a program, `kernel.sys(t).read(...)`, `kernel.call(t).read(...)`) puts call and arguments into
 *    the task and tries it (`attempt`): the implementation runs from the top with its frame.
 * 2. WAIT: the task sleeps or needs CPU time; the scheduler tries again after a wake-up. Otherwise the result waits in the task
 *    (CALL_RETURNING) while the call's own cost is spent.
 * 3. On the way back to user (`exitToUser`): task work, the returnToUser hook, signals - which may stop or end the task, run a
 *    handler, or turn an interrupted call into EINTR or a restart.
 * 4. The result is delivered: to the generator, to the outside caller, to the Pending.
 *
 * How calls from outside are started and driven is in drivenCalls.ts.
 */

import { EINTR } from "../abi/errno.js";
import { ERESTARTNOINTR, ERESTARTSYS, Errno, KernelError } from "../abi/errors.js";
import { WAIT } from "../sys/types.js";
import { CALL_ACTIVE, CALL_NONE, CALL_RETURNING, TASK_RUNNING, type Task } from "../task/task.js";
import type { Core } from "./core.js";
import { isForeignErrno, otherCore } from "./coreInstance.js";
import { DrivenCalls } from "./drivenCalls.js";
import { type AnyProgramDef, copyPlain, type SavedCall, TAPE_HANDLER, Tape } from "./program.js";
import type { SyscallEntry } from "./syscallTable.js";
import { USER_GO, USER_WAIT } from "./userMode.js";
import { makeViews, type ProgramView, type Views } from "./views.js";

const REST_POINT = "restPoint";

export class Entry {
  static readonly transient: readonly string[] = ["views", "driven"];
  views!: Views;
  /** Calls from outside. */
  readonly driven: DrivenCalls;

  constructor(readonly k: Core) {
    this.driven = new DrivenCalls(this);
  }

  /** All calls are registered: make the views. */
  ready(): void {
    this.views = makeViews(this);
  }

  // --- trying a call ---

  /** Put a call into the task. */
  begin(t: Task, e: SyscallEntry, a: unknown[]): void {
    t.call = e;
    t.args = a;
    t.frame = null;
    t.result = undefined;
    t.error = 0;
    t.phase = CALL_ACTIVE;
    if (this.k.trace.sysEnter.on) this.k.trace.sysEnter.emit(t, e.name);
  }

  /**
   * Run the implementation from the top. True: it has finished (result or error in the task; the error may be a restart
   * code). False: it waits.
   */
  attempt(t: Task): boolean {
    if (t.waits.length > 0 || t.timeout >= 0) this.k.sched.finishWait(t);
    const a = t.args;
    const prev = this.k.current;
    this.k.current = t;
    try {
      const r = (t.call as SyscallEntry).fn(t.ctx, a[0], a[1], a[2], a[3], a[4], a[5]);
      if (r === WAIT) return false;
      t.result = r;
      t.error = 0;
    } catch (x) {
      if (t.waits.length > 0 || t.timeout >= 0) this.k.sched.finishWait(t);
      if (!(x instanceof Errno)) {
        t.phase = CALL_NONE;
        t.state = TASK_RUNNING;
        if (isForeignErrno(x)) throw otherCore(`system call ${(t.call as SyscallEntry).name}`);
        throw x;
      }
      t.state = TASK_RUNNING;
      t.result = undefined;
      t.error = x.nr;
    } finally {
      this.k.current = prev;
    }
    return true;
  }

  /** The call has an answer that is no restart: it goes into the digest and the trace, and waits to be delivered. */
  finish(t: Task): void {
    t.phase = CALL_RETURNING;
    const e = t.call as SyscallEntry;
    const d = this.k.digestOf;
    const r = t.result;
    const value = t.error !== 0 ? -t.error : typeof r === "number" ? r : 0;
    d.addEvent(this.k.now, e.hash, t.nr, value, t.cpu);
    if (typeof r === "string") d.addString(r);
    else if (r instanceof Uint8Array) {
      // the data itself was made by something that is in the digest: its length and beginning tell runs apart
      d.add(r.length);
      d.addBytes(r.length <= 64 ? r : r.subarray(0, 64));
    }
    if (this.k.trace.sysExit.on) this.k.trace.sysExit.emit(t, e.name, t.error !== 0 ? -t.error : r);
  }

  // --- the way back ---

  /** Everything that is done before a task returns to user mode: USER_GO, USER_WAIT or USER_GONE. */
  exitToUser(t: Task): number {
    const { k } = this;
    const prev = k.current;
    k.current = t;
    try {
      return this.userWorkLoop(t);
    } finally {
      k.current = prev;
    }
  }

  private userWorkLoop(t: Task): number {
    const { hooks, works, signals } = this.k;
    for (;;) {
      t.userWork = false;
      for (let w = t.taskWorks.shift(); w !== undefined; w = t.taskWorks.shift()) works.run(w.name, t, w.arg);
      if (hooks.returnToUser.on !== null) hooks.returnToUser.on(t, undefined);
      const restart = t.phase === CALL_ACTIVE && t.error >= ERESTARTSYS ? t.error : 0;
      const s = signals.handle(t);
      if (s.outcome !== USER_GO) {
        if (s.outcome === USER_WAIT) t.userWork = true; // whether the call restarts is decided when the task goes on
        return s.outcome;
      }
      if (restart !== 0) {
        const again = !s.handled || restart === ERESTARTNOINTR || (restart === ERESTARTSYS && s.restartFlag);
        t.error = again ? 0 : EINTR;
        if (!again) this.finish(t);
      }
      if (s.run !== null) this.pushHandler(t, s.run.def, s.run.state, s.run.maskLo, s.run.maskHi);
      if (!t.userWork && t.taskWorks.length === 0) return USER_GO;
    }
  }

  // --- steps, called by the scheduler ---

  /** One step of the task on its CPU. Afterwards it sleeps, is gone, owes CPU time, or is to be stepped again. */
  step(t: Task): void {
    if (t.kthread !== null) {
      this.stepKthread(t);
      return;
    }
    if (t.exiting) {
      this.k.tasks.continueExit(t);
      return;
    }
    if (t.held) {
      // what stopped it, or killed it meanwhile, comes before the call
      if (t.userWork && this.exitToUser(t) !== USER_GO) return;
      t.held = false;
      t.waitingFor = "";
    }
    if (t.heldNs > 0) {
      // it was interrupted while it computed
      if (t.userWork && this.exitToUser(t) !== USER_GO) return;
      t.remainingNs += t.heldNs;
      t.remainingUser = true;
      t.heldNs = 0;
      return;
    }
    if (t.phase === CALL_ACTIVE && t.error < ERESTARTSYS) {
      if (!this.attempt(t)) return;
      if (t.state !== TASK_RUNNING) return; // it has exited or become another program
      if (t.error >= ERESTARTSYS) t.userWork = true;
      else this.finish(t);
      const cost = t.program === null ? 0 : this.k.costs.syscall;
      if (t.remainingNs > 0 || (cost > 0 && !this.k.sched.spendInline(t, cost))) {
        t.remainingNs += cost;
        t.remainingUser = false;
        return;
      }
    }
    if (t.userWork || t.error >= ERESTARTSYS) {
      if (this.exitToUser(t) !== USER_GO) return;
      if (t.phase === CALL_ACTIVE) return; // restart: tried again at the next step
      if (t.state !== TASK_RUNNING || t.remainingNs > 0) return;
    }
    if (t.program !== null) this.stepProgram(t);
    else this.stepDriven(t);
  }

  private stepKthread(t: Task): void {
    if (t.waits.length > 0 || t.timeout >= 0) this.k.sched.finishWait(t);
    const def = t.kthread as NonNullable<Task["kthread"]>;
    const prev = this.k.current;
    this.k.current = t;
    try {
      const r = def.step(t.ctx, t.kthreadData);
      if (r !== WAIT && r > 0) {
        t.remainingNs += r;
        t.remainingUser = false;
      }
    } finally {
      this.k.current = prev;
    }
  }

  stepDriven(t: Task): void {
    if (t.phase === CALL_RETURNING) {
      t.phase = CALL_NONE;
      const p = t.started;
      t.started = null;
      p?.settle(t.result, t.error, pathOf(t));
      // what the caller has now is no longer the task's
      t.result = undefined;
      t.frame = null;
      t.args = [];
    }
    this.k.sched.park(t);
  }

  // --- programs ---

  /** Give a task a program to run, from its beginning or from a rest point's state. */
  startProgram(t: Task, def: AnyProgramDef, state: unknown): void {
    this.k.programs.add(def);
    t.view ??= this.views.program(t);
    t.program = def;
    t.rest = copyPlain(state);
    t.tape = new Tape();
    t.gens = [def.run(t.view as never, copyPlain(state) as never)];
  }

  private stepProgram(t: Task): void {
    if (t.gens === undefined || t.gens.length === 0) this.replay(t);
    const gen = t.gens[t.gens.length - 1];
    const prev = this.k.current;
    this.k.current = t;
    let r: IteratorResult<undefined, unknown>;
    try {
      r = gen.next();
    } catch (x) {
      if (!(x instanceof KernelError)) {
        this.k.tasks.doExit(t, 1 << 8);
        throw x;
      }
      this.k.log(6, `${t.comm}[${t.nr}]: exits with uncaught ${x.message}`);
      this.k.tasks.exitGroup(t, 1 << 8);
      return;
    } finally {
      this.k.current = prev;
    }
    if (!r.done) return;
    if (t.gens[t.gens.length - 1] !== gen) return; // it became another program
    (t.view as ProgramView).$call.assertIdle();
    if (t.gens.length > 1) {
      this.endHandler(t);
      return;
    }
    const code = typeof r.value === "number" ? r.value : 0;
    this.k.tasks.exitGroup(t, (code & 0xff) << 8);
  }

  /** `sys.x(...)` was called in a program and is being `yield*`ed. True: its result can be delivered without leaving it. */
  programCall(t: Task): boolean {
    const e = t.call as SyscallEntry;
    if (this.k.trace.sysEnter.on) this.k.trace.sysEnter.emit(t, e.name);
    t.frame = null;
    t.error = 0;
    t.phase = CALL_ACTIVE;
    const cost = this.k.costs.syscall;
    if (!this.attempt(t)) return false; // its cost is spent when it has an answer
    if (t.state !== TASK_RUNNING) return false; // it has exited or become another program
    if (t.error >= ERESTARTSYS) t.userWork = true;
    else this.finish(t);
    if (t.remainingNs > 0 || (cost > 0 && !this.k.sched.spendInline(t, cost))) {
      t.remainingNs += cost;
      t.remainingUser = false;
      return false;
    }
    if (t.userWork || t.needResched) return false;
    return true;
  }

  /** Deliver a program's result: onto the tape, then to the generator. Throws the KernelError of a failed call. */
  deliver(t: Task): unknown {
    t.phase = CALL_NONE;
    const e = t.call as SyscallEntry;
    const r = t.result;
    if (t.tape !== null) {
      if (e.name === REST_POINT && t.error === 0) {
        t.rest = copyPlain(t.args[0]);
        t.tape.clear(); // what a restored program calls first is this very call
      }
      t.tape.record(e.name, ownResult(r), t.error);
    }
    const path = t.error !== 0 ? pathOf(t) : undefined;
    t.result = undefined;
    t.frame = null;
    const a = t.args;
    a[0] = a[1] = a[2] = a[3] = a[4] = a[5] = undefined;
    if (t.error !== 0) throw new KernelError(t.error, e.name, path);
    return r;
  }

  /** Run a signal handler as a program on top of what the task does; its call and signal mask are put aside. */
  private pushHandler(t: Task, def: AnyProgramDef, state: unknown, maskLo: number, maskHi: number): void {
    if (t.gens.length === 0) this.replay(t); // restored, and not yet stepped
    const { call, args, frame, result, error, phase, heldNs } = t;
    t.savedCalls.push({ call, args, frame, result, error, phase, heldNs, maskLo, maskHi });
    t.heldNs = 0;
    this.k.programs.add(def);
    t.tape?.record(TAPE_HANDLER, { def: def.name, state: copyPlain(state) }, 0);
    t.phase = CALL_NONE;
    t.call = null;
    t.args = [];
    t.frame = null;
    t.gens.push(def.run(t.view as never, copyPlain(state) as never));
  }

  private endHandler(t: Task): void {
    t.gens.pop();
    t.tape?.record(TAPE_HANDLER, null, 0);
    const s = t.savedCalls.pop() as SavedCall;
    t.call = s.call;
    t.args = s.args;
    t.frame = s.frame;
    t.result = s.result;
    t.error = s.error;
    t.phase = s.phase;
    t.heldNs = s.heldNs;
    t.blocked.set(s.maskLo, s.maskHi);
    t.userWork = true;
  }

  /** After a restore: fresh generators, fed from the tape, up to the call that was in progress. */
  private replay(t: Task): void {
    const def = t.program as AnyProgramDef;
    t.view ??= this.views.program(t);
    const view = t.view as ProgramView;
    t.gens = [def.run(view as never, copyPlain(t.rest) as never)];
    view.$call.replay(t.tape as Tape);
    while (view.$call.replaying) {
      const r = (t.gens[t.gens.length - 1] as Iterator<undefined, unknown, void>).next();
      const h = view.$call.takeHandler(r.done === true);
      if (h === null) t.gens.pop();
      else if (h !== undefined)
        t.gens.push((this.k.programs.get(h.def) as AnyProgramDef).run(view as never, copyPlain(h.state) as never));
    }
  }

  /** The task will not return from the call its driver waits for (it exited or became a program). */
  abandon(t: Task): void {
    const p = t.started;
    t.started = null;
    p?.abandon();
  }
}

/** Results on the tape are the tape's own. */
function ownResult(r: unknown): unknown {
  return typeof r === "object" && r !== null ? copyPlain(r, "a result") : r;
}

/** The call's first path argument, for the error's message. */
function pathOf(t: Task): string | undefined {
  const a = t.args;
  return typeof a[0] === "string" ? a[0] : typeof a[1] === "string" ? a[1] : undefined;
}

/**
 * Sending signals, and what happens to them on the way back to user mode. signal(7).
 *
 * - `send(...)` queues a signal for a task or its process, without asking for permission (that is task/kill.ts);
 * - `sendTask`, `sendProcess`, `force`, `kill` are the kernel's own;
 * - `kick(t)` makes a task look at its user work soon;
 * - `handle(t)` is called by the entry code before every return to user mode with work pending: it stops or ends the task, or
 *   chooses a handler to run.
 */
import {
  CLD_CONTINUED,
  CLD_STOPPED,
  SA_NOCLDSTOP,
  SA_NODEFER,
  SA_RESETHAND,
  SA_RESTART,
  SI_KERNEL,
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGRTMIN,
  SIGSTOP,
} from "../abi/signal.js";
import type { Core } from "../kernel/core.js";
import { type SignalOutcome, USER_GO, USER_GONE, USER_WAIT } from "../kernel/userMode.js";
import { isOrphanedPgrp } from "./orphanedPgrp.js";
import { dequeueSignal, flushSignals, queueSignal } from "./pendingSignals.js";
import { SIG_KERNEL_COREDUMP, SIG_KERNEL_IGNORE, SIG_KERNEL_ONLY, SIG_KERNEL_STOP, sigIn } from "./sigDefaults.js";
import { signalPending } from "./signalPending.js";
import { SIG_DFL, SIG_IGN, type SigAction, type SigInfo, type SignalStruct } from "./signalState.js";
import {
  PF_SIGNALED,
  TASK_FROZEN,
  TASK_INTERRUPTIBLE,
  TASK_KILLABLE,
  TASK_PARKED,
  TASK_RUNNING,
  TASK_STOPPED,
  TASK_TRACED,
  type Task,
} from "./task.js";
import { fromKuidMunged } from "./userNamespace.js";

const GO: SignalOutcome = { outcome: USER_GO, handled: false, restartFlag: false, run: null };
const GO_EINTR: SignalOutcome = { outcome: USER_GO, handled: true, restartFlag: false, run: null };
const GO_RESTART: SignalOutcome = { outcome: USER_GO, handled: true, restartFlag: true, run: null };
const WAITS: SignalOutcome = { outcome: USER_WAIT, handled: false, restartFlag: false, run: null };
const GONE: SignalOutcome = { outcome: USER_GONE, handled: false, restartFlag: false, run: null };

/** What became of a signal that was generated (tracepoint signal_generate). */
const DELIVERED = 0;
const IGNORED = 1;
const ALREADY_PENDING = 2;
const OVERFLOW_FAIL = 3;

const CONT_LO: number = 1 << (SIGCONT - 1);

/** The parts of a siginfo that only some signals have. */
export interface SigExtra {
  readonly status?: number;
  readonly addr?: number;
  readonly value?: number;
}

export class Signals {
  constructor(readonly k: Core) {}

  // --- sending ---

  /**
   * Queue a signal for `t` (`group`: for its process). `sender` null: the kernel, whom a namespace's init cannot ignore. Returns 0, or
   * EAGAIN if a real-time signal with a value finds no room.
   */
  send(
    t: Task,
    sig: number,
    code: number,
    sender: Task | null,
    group: boolean,
    extra: SigExtra = NOTHING,
    from: Task | null = sender,
  ): number {
    const { trace } = this.k;
    const ns = t.pid.ns[t.pid.level];
    const pid = from === null ? 0 : from.tgid.nrNs(ns);
    const force = sender === null || sender.tgid.nrNs(ns) === 0;
    let result = DELIVERED;
    let error = 0;
    if (!this.prepare(sig, t, force)) result = IGNORED;
    else {
      const q = group ? t.signal.pending : t.pending;
      if (sig < SIGRTMIN && q.set.has(sig)) result = ALREADY_PENDING;
      else if (sig === SIGKILL) q.set.add(sig);
      else {
        error = queueSignal(this.k, t, q, {
          signo: sig,
          code,
          pid,
          uid: from === null ? 0 : fromKuidMunged(t.cred.userNs, from.cred.uid),
          status: extra.status ?? 0,
          addr: extra.addr ?? 0,
          value: extra.value ?? 0,
        });
        if (error !== 0) result = OVERFLOW_FAIL;
      }
    }
    if (trace.signalGenerate.on) trace.signalGenerate.emit(sig, t, code, group ? 1 : 0, result);
    if (result === DELIVERED) this.complete(sig, t, group);
    return error;
  }

  /** A signal of the kernel to one thread (SIGPIPE, SIGXFSZ). */
  sendTask(t: Task, sig: number, code: number = SI_KERNEL): void {
    this.send(t, sig, code, null, false);
  }

  /** A signal of the kernel to a process. */
  sendProcess(t: Task, sig: number, code: number = SI_KERNEL): void {
    this.send(t, sig, code, null, true);
  }

  /** SIGKILL to a process, by the kernel (out of memory, cgroup.kill). */
  kill(t: Task): void {
    this.send(t, SIGKILL, SI_KERNEL, null, true);
  }

  /** A signal for what the task itself has just done (SIGSEGV, SIGBUS): if it is blocked or ignored the process ends by it. */
  force(t: Task, sig: number, code: number, addr = 0): void {
    const act = t.sighand.actions[sig];
    const ignored = act !== null && act.handler === SIG_IGN;
    if (t.blocked.has(sig) || ignored) {
      t.sighand.set(sig, null);
      t.blocked.delete(sig);
    }
    const now = t.sighand.actions[sig];
    if (now === null || now.handler === SIG_DFL) t.signal.unkillable = false;
    this.send(t, sig, code, null, false, { addr });
  }

  /** Effects of being sent at all; false: it is dropped. */
  private prepare(sig: number, t: Task, force: boolean): boolean {
    const s = t.signal;
    if (s.groupExit) return false;
    if (sigIn(SIG_KERNEL_STOP, sig)) this.flushAll(s, CONT_LO);
    else if (sig === SIGCONT) this.resume(s);
    if (t.blocked.has(sig) || isRealBlocked(t, sig)) return true;
    return !this.ignored(t, sig, force);
  }

  /** Would the task ignore it? */
  private ignored(t: Task, sig: number, force: boolean): boolean {
    if (t.isKthread) return true;
    const act = t.sighand.actions[sig];
    const handler = act === null ? SIG_DFL : act.handler;
    if (t.signal.unkillable) {
      const only = sigIn(SIG_KERNEL_ONLY, sig);
      if (only && t.signal.leader === this.k.tasks.init) return true;
      if (handler === SIG_DFL && !(force && only)) return true;
    }
    return handler === SIG_IGN || (handler === SIG_DFL && sigIn(SIG_KERNEL_IGNORE, sig));
  }

  private flushAll(s: SignalStruct, lo: number): void {
    flushSignals(this.k, s.pending, lo, 0);
    for (const o of s.threads) flushSignals(this.k, o.pending, lo, 0);
  }

  /** SIGCONT: stops are taken back, stopped threads go on, whatever its own action is. */
  private resume(s: SignalStruct): void {
    this.flushAll(s, SIG_KERNEL_STOP);
    const why = s.stopped ? CLD_CONTINUED : s.stopCount > 0 ? CLD_STOPPED : 0;
    if (why !== 0) {
      s.notifyParent = why;
      s.continued = true;
      s.stopped = false;
      s.stopCount = 0;
      s.stopSignal = 0;
    }
    for (const o of s.threads) {
      o.stopPending = false;
      if (o.state === TASK_STOPPED) this.wake(o);
    }
  }

  /** Find the thread that shall act on it; a signal that ends the process ends it from here on. */
  private complete(sig: number, p: Task, group: boolean): void {
    const s = p.signal;
    let t: Task | undefined;
    if (wants(sig, p)) t = p;
    else if (group && s.threads.length > 1) t = s.threads.find((o) => wants(sig, o));
    if (t === undefined) return;
    if (!s.groupExit && !sigIn(SIG_KERNEL_COREDUMP, sig) && this.fatal(p, sig) && !isRealBlocked(t, sig)) {
      s.groupExit = true;
      s.groupExitCode = sig;
      s.stopCount = 0;
      for (const o of s.threads) {
        o.stopPending = false;
        o.pending.set.add(SIGKILL);
        this.kick(o, true);
      }
      return;
    }
    this.kick(t, sig === SIGKILL);
  }

  private fatal(t: Task, sig: number): boolean {
    if (sigIn(SIG_KERNEL_IGNORE | SIG_KERNEL_STOP, sig)) return false;
    const act = t.sighand.actions[sig];
    return act === null || act.handler === SIG_DFL;
  }

  // --- waking ---

  /** Make the task look at its user work soon; `fatal` also ends sleeps that only death ends. */
  kick(t: Task, fatal = false): void {
    t.userWork = true;
    switch (t.state) {
      case TASK_INTERRUPTIBLE:
      case TASK_PARKED:
      case TASK_FROZEN:
        this.wake(t);
        break;
      case TASK_KILLABLE:
      case TASK_STOPPED:
      case TASK_TRACED:
        if (fatal) this.wake(t);
        break;
      case TASK_RUNNING:
        this.k.sched.interruptCompute(t);
        break;
    }
  }

  private wake(t: Task): void {
    t.userWork = true;
    this.k.sched.wakeState(t);
  }

  // --- on the way back to user mode ---

  /** Act on what is pending and not blocked. */
  handle(t: Task): SignalOutcome {
    const { k } = this;
    const s = t.signal;
    for (;;) {
      if (s.groupExit || (s.execTask !== null && s.execTask !== t)) {
        k.tasks.doExit(t, s.groupExit ? s.groupExitCode : SIGKILL);
        return GONE;
      }
      if (s.notifyParent !== 0) {
        const why = s.notifyParent;
        s.notifyParent = 0;
        this.notifyParentCldstop(s.leader, why);
      }
      if (t.stopPending) {
        this.stop(t);
        return WAITS;
      }
      if (t.frozenBy > 0) {
        t.state = TASK_FROZEN;
        t.wasFrozen = true;
        k.cgroup.froze(t);
        return WAITS;
      }
      if (t.wasFrozen) {
        t.wasFrozen = false;
        k.cgroup.froze(t);
      }
      const info = dequeueSignal(k, t, t.blocked.lo, t.blocked.hi);
      if (info === null) break;
      const sig = info.signo;
      const act = t.sighand.actions[sig];
      if (k.trace.signalDeliver.on) k.trace.signalDeliver.emit(sig, info.code, handlerName(act), act?.flags ?? 0);
      if (act !== null && act.handler === SIG_IGN) continue;
      if (k.hooks.signalDeliver.on !== null) k.hooks.signalDeliver.on(t, info);
      if (act !== null && act.handler !== SIG_DFL) {
        const run = this.runHandler(t, info, act);
        if (run !== null) return run;
        continue;
      }
      if (sigIn(SIG_KERNEL_IGNORE, sig)) continue;
      if (s.unkillable && !sigIn(SIG_KERNEL_ONLY, sig)) continue;
      if (sigIn(SIG_KERNEL_STOP, sig)) {
        if (sig !== SIGSTOP && isOrphanedPgrp(s.pgrp)) continue;
        this.beginStop(t, sig);
        continue;
      }
      t.flags |= PF_SIGNALED;
      k.tasks.exitGroup(t, sig);
      return GONE;
    }
    if (t.savedMask !== null) {
      t.blocked.set(t.savedMask.lo, t.savedMask.hi);
      t.savedMask = null;
      // what was blocked only for the call may be deliverable now
      if (signalPending(t)) t.userWork = true;
    }
    const ran = t.handlerRan;
    t.handlerRan = 0;
    return ran === 0 ? GO : ran === 1 ? GO_EINTR : GO_RESTART;
  }

  /** Count a handler that is an address and go on (null), or have a program run as the handler. */
  private runHandler(t: Task, info: SigInfo, act: SigAction): SignalOutcome | null {
    const sig = info.signo;
    // the first handler decides about the interrupted call
    if (t.handlerRan === 0) t.handlerRan = (act.flags & SA_RESTART) !== 0 ? 2 : 1;
    if ((act.flags & SA_RESETHAND) !== 0) t.sighand.set(sig, null);
    // user code of a driven task is outside: it can only be told
    if (typeof act.handler === "number" || t.program === null) {
      t.caught[sig] = (t.caught[sig] ?? 0) + 1;
      return null;
    }
    const back = t.savedMask ?? { lo: t.blocked.lo, hi: t.blocked.hi };
    t.savedMask = null;
    const { lo, hi } = t.blocked;
    t.blocked.set(lo | act.maskLo, hi | act.maskHi);
    if ((act.flags & SA_NODEFER) === 0) t.blocked.add(sig);
    unblockKernelOnly(t);
    const restartFlag = t.handlerRan === 2;
    t.handlerRan = 0;
    if (signalPending(t)) t.userWork = true;
    const { user: _, ...state } = info;
    return {
      outcome: USER_GO,
      handled: true,
      restartFlag,
      run: { def: act.handler, state, maskLo: back.lo, maskHi: back.hi },
    };
  }

  // --- job control ---

  /** A stop signal's default action: all threads are to stop. */
  private beginStop(t: Task, sig: number): void {
    const s = t.signal;
    if (!s.stopped) s.stopSignal = sig;
    s.stopCount = 0;
    for (const o of s.threads) {
      if (o.exiting || o.state === TASK_STOPPED) continue;
      o.stopPending = true;
      s.stopCount++;
      if (o !== t) this.kick(o);
    }
  }

  /** This thread stops; with the last one the process is stopped, and the parent is told. */
  private stop(t: Task): void {
    t.state = TASK_STOPPED;
    if (this.participate(t)) this.notifyParentCldstop(t.signal.leader, CLD_STOPPED);
  }

  /** One thread less to wait for (it stops, or it ends). True: the process is now stopped. */
  participate(t: Task): boolean {
    const s = t.signal;
    t.stopPending = false;
    if (s.stopCount > 0) s.stopCount--;
    if (s.stopCount > 0 || s.stopped) return false;
    s.stopped = true;
    s.continued = false;
    return true;
  }

  /** Tell the parent that a child has stopped or goes on. */
  notifyParentCldstop(leader: Task, why: number): void {
    const parent = leader.parent;
    const act = parent.sighand.actions[SIGCHLD];
    if (act === null || (act.handler !== SIG_IGN && (act.flags & SA_NOCLDSTOP) === 0)) {
      const status = why === CLD_CONTINUED ? SIGCONT : leader.signal.stopSignal;
      this.send(parent, SIGCHLD, why, null, true, { status }, leader);
    }
    this.wakeParent(parent);
  }

  /** Whoever waits for children of `parent`'s process looks again. */
  wakeParent(parent: Task): void {
    const q = parent.signal.waitChild;
    if (q.head !== null) this.k.sched.wakeUp(q);
  }
}

const NOTHING: SigExtra = {};

/** Blocked, but for a sigtimedwait(2) in progress. */
function isRealBlocked(t: Task, sig: number): boolean {
  const m = t.realBlocked;
  return m !== null && ((sig <= 32 ? m.lo >>> (sig - 1) : m.hi >>> (sig - 33)) & 1) === 1;
}

function wants(sig: number, t: Task): boolean {
  if (t.exiting || t.blocked.has(sig)) return false;
  return sig === SIGKILL || (t.state !== TASK_STOPPED && t.state !== TASK_TRACED);
}

/** SIGKILL and SIGSTOP are never blocked. */
export function unblockKernelOnly(t: Task): void {
  t.blocked.set(t.blocked.lo & ~SIG_KERNEL_ONLY, t.blocked.hi);
}

function handlerName(a: SigAction | null): string {
  if (a === null) return "0";
  return typeof a.handler === "number" ? a.handler.toString(16) : a.handler.name;
}

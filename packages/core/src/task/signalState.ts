/**
 * The signal-related state of processes: actions (shared with CLONE_SIGHAND), pending sets (per task and per process), and
 * what a whole thread group shares. signal(7), sigaction(2), wait(2).
 */

import type { AnyProgramDef } from "../kernel/program.js";
import { WaitQueue } from "../sched/waitQueue.js";
import type { Pid } from "./pid.js";
import type { Rlim } from "./rlimits.js";
import type { Task } from "./task.js";
import type { UserCounts } from "./userCounts.js";

export const NSIG = 64;
export const SIG_DFL = 0;
export const SIG_IGN = 1;

/** What a queued signal says about itself. siginfo_t. Never changed once it is queued. */
export interface SigInfo {
  signo: number;
  code: number;
  /** Sender's process id in the receiver's pid namespace (0: the kernel, or somebody the receiver cannot see). */
  pid: number;
  /** Sender's real uid in the receiver's user namespace. */
  uid: number;
  status: number;
  /** Fault address for SIGSEGV and SIGBUS. */
  addr: number;
  value: number;
  /** Whose RLIMIT_SIGPENDING it counts against while it is queued. */
  user?: UserCounts;
}

/**
 * A disposition; never changed, but replaced. `handler` is SIG_DFL, SIG_IGN, a named program that runs as the handler, or a
 * number above 1: the address of a handler that is only counted (for tasks driven from outside, see `Task.caught`).
 */
export interface SigAction {
  handler: number | AnyProgramDef;
  flags: number;
  /** Blocked while the handler runs: bit n-1 is signal n, in two words. */
  maskLo: number;
  maskHi: number;
}

/** A set of signals 1..64 in two words. */
export class SigSet {
  lo = 0;
  hi = 0;
  has(sig: number): boolean {
    return ((sig <= 32 ? this.lo >>> (sig - 1) : this.hi >>> (sig - 33)) & 1) === 1;
  }
  add(sig: number): void {
    if (sig <= 32) this.lo = (this.lo | (1 << (sig - 1))) >>> 0;
    else this.hi = (this.hi | (1 << (sig - 33))) >>> 0;
  }
  delete(sig: number): void {
    if (sig <= 32) this.lo = (this.lo & ~(1 << (sig - 1))) >>> 0;
    else this.hi = (this.hi & ~(1 << (sig - 33))) >>> 0;
  }
  set(lo: number, hi: number): void {
    this.lo = lo >>> 0;
    this.hi = hi >>> 0;
  }
  /** The signals in it, ascending. */
  list(): number[] {
    return sigList(this.lo, this.hi);
  }
  /** 16 hex digits. */
  hex(): string {
    return this.hi.toString(16).padStart(8, "0") + this.lo.toString(16).padStart(8, "0");
  }
}

/** The signals in two words, ascending. */
export function sigList(lo: number, hi: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < 32; i++) if ((lo >>> i) & 1) out.push(i + 1);
  for (let i = 0; i < 32; i++) if ((hi >>> i) & 1) out.push(i + 33);
  return out;
}

/** Pending signals with their infos, oldest first. A signal may be pending without an info. */
export class PendingSignals {
  readonly set: SigSet = new SigSet();
  readonly queue: SigInfo[] = [];
}

/** Actions of all signals; index = signal number. null: default, no flags. */
export class SigHand {
  refs = 1;
  /** `actions` also belongs to another SigHand (a fork's): copied before it is changed. */
  shared = false;

  constructor(public actions: readonly (SigAction | null)[] = NO_ACTIONS.slice()) {}

  /** For a child that gets a copy. */
  fork(): SigHand {
    this.shared = true;
    const c = new SigHand(this.actions);
    c.shared = true;
    return c;
  }

  set(sig: number, act: SigAction | null): void {
    if (this.shared) {
      this.actions = this.actions.slice();
      this.shared = false;
    }
    (this.actions as (SigAction | null)[])[sig] = act;
  }
}

const NO_ACTIONS: readonly null[] = /* @__PURE__ */ Array.from({ length: 65 }, () => null);

/** What the threads of one process share. */
export class SignalStruct {
  /** Threads that are not gone, in order of birth: the leader (perhaps a zombie) and those who live. */
  readonly threads: Task[] = [];
  /** Children of the whole process in order of birth or adoption, linked by `sibNext`. */
  childHead: Task | null = null;
  childTail: Task | null = null;
  readonly pending: PendingSignals = new PendingSignals();
  /** Woken when a child changes state. */
  readonly waitChild: WaitQueue = new WaitQueue("wait4");
  /** Threads not yet dead. */
  live = 1;
  groupExit = false;
  /** Status as wait(2) shows it. */
  groupExitCode = 0;
  /** The thread that is becoming another program: all others are dying for it. */
  execTask: Task | null = null;
  /** All threads are stopped. */
  stopped = false;
  /** Signal of the stop in progress or done; 0: none, or wait(2) has reported it. */
  stopSignal = 0;
  /** Threads that have yet to stop. */
  stopCount = 0;
  /** Was continued, and wait(2) has not reported it. */
  continued = false;
  /** CLD_CONTINUED or CLD_STOPPED: the parent is to be told by the first thread that runs. */
  notifyParent = 0;
  isChildSubreaper = false;
  /** An ancestor is a child subreaper (or was when this process was born). */
  hasChildSubreaper = false;
  /** It leads its session. */
  sessionLeader = false;
  /** alarm(2): timer handle (-1: none) and when it is due. */
  alarm = -1;
  alarmNs = 0;
  oomScoreAdj = 0;
  oomScoreAdjMin = 0;
  /** What `dumpable` of the address space is, for tasks without one. */
  dumpable = 1;
  /** Of dead threads and of waited-for children: ns, faults, switches. */
  utimeNs = 0;
  stimeNs = 0;
  cutimeNs = 0;
  cstimeNs = 0;
  minFlt = 0;
  majFlt = 0;
  cminFlt = 0;
  cmajFlt = 0;
  nvcsw = 0;
  nivcsw = 0;
  cnvcsw = 0;
  cnivcsw = 0;
  /** Highest resident set of the process and of its waited-for children, pages. */
  maxRss = 0;
  cmaxRss = 0;
  /** It is a namespace's init (of the initial or another pid namespace): signals with default action do not touch it. */
  unkillable = false;

  constructor(
    /** The thread group's leader. */
    public leader: Task,
    public pgrp: Pid,
    public session: Pid,
    /** Soft and hard limits by RLIMIT_ number; the array and its entries are replaced, not changed. See task/rlimits.ts. */
    public rlimits: readonly Rlim[],
  ) {}

  addChild(t: Task): void {
    t.sibPrev = this.childTail;
    t.sibNext = null;
    if (this.childTail === null) this.childHead = t;
    else this.childTail.sibNext = t;
    this.childTail = t;
  }

  removeChild(t: Task): void {
    if (t.sibPrev === null) this.childHead = t.sibNext;
    else t.sibPrev.sibNext = t.sibNext;
    if (t.sibNext === null) this.childTail = t.sibPrev;
    else t.sibNext.sibPrev = t.sibPrev;
    t.sibPrev = null;
    t.sibNext = null;
  }

  removeThread(t: Task): void {
    // born in ascending order of serial numbers
    const { threads } = this;
    let lo = 0;
    let hi = threads.length - 1;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (threads[mid].serial < t.serial) lo = mid + 1;
      else hi = mid;
    }
    if (threads[lo] === t) threads.splice(lo, 1);
  }
}

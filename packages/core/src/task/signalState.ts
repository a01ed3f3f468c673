/**
 * The signal-related state of processes: actions (shared with CLONE_SIGHAND), pending sets (per task and per process), and
 * what a whole thread group shares. signal(7), sigaction(2), wait(2).
 */
import { WaitQueue } from "../sched/waitQueue.js";
import type { ProgramDef } from "../kernel/program.js";
import type { Pid } from "./pid.js";
import type { Task } from "./task.js";

export const NSIG = 64;
export const SIG_DFL = 0;
export const SIG_IGN = 1;

/** What a queued signal says about itself. siginfo_t. */
export interface SigInfo {
  signo: number;
  code: number;
  /** Sender, in the initial namespace's numbers (0: the kernel). */
  pid: number;
  uid: number;
  status: number;
  /** Fault address for SIGSEGV and SIGBUS. */
  addr: number;
  value: number;
}

/**
 * A disposition. `handler` is SIG_DFL, SIG_IGN, a named program that runs as the handler, or a number above 1: the address
 * of a handler that is only counted (for tasks driven from outside, see `Task.caught`).
 */
export interface SigAction {
  handler: number | ProgramDef<never, never>;
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
  /** 16 hex digits. */
  hex(): string {
    return this.hi.toString(16).padStart(8, "0") + this.lo.toString(16).padStart(8, "0");
  }
}

/** Pending signals with their infos, oldest first. */
export class PendingSignals {
  readonly set: SigSet = new SigSet();
  readonly queue: SigInfo[] = [];
}

/** Actions of all signals; index = signal number. */
export class SigHand {
  refs = 1;
  readonly actions: (SigAction | null)[] = new Array(NSIG + 1).fill(null);
}

/** What the threads of one process share. */
export class SignalStruct {
  readonly threads: Task[] = [];
  /** Children of the whole process, in order of birth (each a thread group leader or a thread being waited for). */
  readonly children: Task[] = [];
  readonly pending: PendingSignals = new PendingSignals();
  /** Woken when a child changes state. */
  readonly waitChild: WaitQueue = new WaitQueue("wait4");
  /** Soft and hard limits by RLIMIT_ number. Infinity = RLIM_INFINITY. */
  readonly rlimits: { cur: number; max: number }[] = [];
  /** Threads not yet dead. */
  live = 1;
  groupExit = false;
  groupExitCode = 0;
  /** Stop state of the process: signal that stopped it (0: running), and whether wait has yet to report stop/continue. */
  stopSignal = 0;
  stopReported = true;
  continueReported = true;
  isChildSubreaper = false;
  hasChildSubreaper = false;
  /** Has done execve (setpgid by the parent is then EACCES). */
  didExec = false;
  oomScoreAdj = 0;
  oomScoreAdjMin = 0;
  /** Accumulated of dead threads and waited-for children, ns. */
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

  constructor(
    /** The thread group's leader. */
    public leader: Task,
    public pgrp: Pid,
    public session: Pid,
  ) {}
}

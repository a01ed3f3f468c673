/**
 * System calls about signals. signal(7), kill(2), sigaction(2), sigprocmask(2), sigpending(2), sigsuspend(2), sigwaitinfo(2).
 *
 * A signal set is an array of signal numbers (1..64), ascending in results. A handler is a named program (`handler(sys, info)`), or a
 * number above 1: the address of a handler that is only counted (`task.caught[sig]`), as all handlers of tasks driven from
 * outside are.
 */
import type { AnyProgramDef } from "../kernel/program.js";
import type { Ret, SysBase } from "./types.js";

/** A signal set. */
export type Sigset = readonly number[];

/** `struct sigaction`. */
export interface Sigaction {
  /** SIG_DFL (0), SIG_IGN (1), a program that gets the Siginfo as its state, or an address (> 1) that is only counted. */
  handler: number | AnyProgramDef;
  /** SA_ flags. Default 0. */
  flags?: number;
  /** Blocked while the handler runs. Default none. */
  mask?: Sigset;
}

/** `siginfo_t`, fields without `si_`; pid and uid as the receiver's namespaces see them. */
export interface Siginfo {
  signo: number;
  /** SI_USER, SI_TKILL, SI_QUEUE, SI_KERNEL, CLD_EXITED, SEGV_MAPERR ... */
  code: number;
  pid: number;
  uid: number;
  status: number;
  addr: number;
  /** What rt_sigqueueinfo carried. */
  value: number;
}

export interface Timespec {
  sec: number;
  nsec: number;
}

/** What rt_sigqueueinfo takes. */
export interface QueueInfo {
  /** Default SI_QUEUE. */
  code?: number;
  value?: number;
}

export interface SignalSys extends SysBase {
  /**
   * kill(2). pid > 0 a process, 0 the caller's group, -1 everybody but init and the caller's process, < -1 group -pid.
   * ESRCH nobody; EINVAL signal (so a dead pid with signal 65 is ESRCH); EPERM. Signal 0 only checks.
   */
  kill(pid: number, sig: number): Ret<this["mode"], number>;
  /** tkill(2). EINVAL tid <= 0; ESRCH; EINVAL signal; EPERM. */
  tkill(tid: number, sig: number): Ret<this["mode"], number>;
  /** tgkill(2). EINVAL tgid or tid <= 0; ESRCH no such pair; EINVAL signal; EPERM. */
  tgkill(tgid: number, tid: number, sig: number): Ret<this["mode"], number>;
  /**
   * pidfd_send_signal(2). EINVAL flags; EBADF; EINVAL info.signo differs; EPERM info with a code >= 0 or SI_TKILL to another
   * process; ESRCH; EINVAL signal; EPERM.
   */
  pidfd_send_signal(
    pidfd: number,
    sig: number,
    info?: (QueueInfo & { signo?: number }) | null | number,
    flags?: number,
  ): Ret<this["mode"], number>;
  /** rt_sigqueueinfo(2). EPERM code >= 0 or SI_TKILL to another process; ESRCH; EINVAL; EPERM; EAGAIN RLIMIT_SIGPENDING. */
  rt_sigqueueinfo(tgid: number, sig: number, info: QueueInfo): Ret<this["mode"], number>;
  /** rt_tgsigqueueinfo(2). EINVAL tgid or tid <= 0; then as rt_sigqueueinfo. */
  rt_tgsigqueueinfo(tgid: number, tid: number, sig: number, info: QueueInfo): Ret<this["mode"], number>;
  /** sigaction(2): the old action; sets a new one if given. EINVAL signal out of range, or a new action for KILL or STOP. */
  rt_sigaction(sig: number, act?: Sigaction | null): Ret<this["mode"], Required<Sigaction>>;
  /** sigprocmask(2): the old mask; changes it if a set is given. EINVAL how. KILL and STOP are never blocked. */
  rt_sigprocmask(how: number, set?: Sigset | null): Ret<this["mode"], number[]>;
  /** sigpending(2): pending for the thread or its process, and blocked. */
  rt_sigpending(): Ret<this["mode"], number[]>;
  /** sigsuspend(2): sleeps under another mask until a handler has run. EINTR always. */
  rt_sigsuspend(set: Sigset): Ret<this["mode"], never>;
  /** sigtimedwait(2): takes one of `set`. EINVAL timeout; EAGAIN it ran out; EINTR another signal's handler ran. */
  rt_sigtimedwait(set: Sigset, timeout?: Timespec | null): Ret<this["mode"], Siginfo>;
  /** pause(2): EINTR always. */
  pause(): Ret<this["mode"], never>;
  /** sigaltstack(2): the old stack; sets a new one if given. EINVAL flags; ENOMEM smaller than 2048 bytes; EPERM while on it. */
  sigaltstack(
    ss?: { sp: number; flags: number; size: number } | null,
  ): Ret<this["mode"], { sp: number; flags: number; size: number }>;
}

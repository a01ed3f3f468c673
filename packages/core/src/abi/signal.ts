/**
 * signal: signal numbers of signal(7), x86-64, flags of sigaction(2), `how` of sigprocmask(2) and si_code of sigaction(2).
 */

// Standard signals.
export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGABRT = 6;
export const SIGBUS = 7;
export const SIGFPE = 8;
export const SIGKILL = 9;
export const SIGUSR1 = 10;
export const SIGSEGV = 11;
export const SIGUSR2 = 12;
export const SIGPIPE = 13;
export const SIGALRM = 14;
export const SIGTERM = 15;
export const SIGSTKFLT = 16;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGSTOP = 19;
export const SIGTSTP = 20;
export const SIGTTIN = 21;
export const SIGTTOU = 22;
export const SIGURG = 23;
export const SIGXCPU = 24;
export const SIGXFSZ = 25;
export const SIGVTALRM = 26;
export const SIGPROF = 27;
export const SIGWINCH = 28;
export const SIGIO = 29;
export const SIGPWR = 30;
export const SIGSYS = 31;

// Other names of SIGABRT, SIGIO and SIGSYS.
export const SIGIOT = 6;
export const SIGPOLL = 29;
export const SIGUNUSED = 31;

// Real-time signals: the kernel's first and last, and how many signals there are.
export const SIGRTMIN = 32;
export const SIGRTMAX = 64;
export const _NSIG = 64;

const names: readonly string[] = /* @__PURE__ */ (
  "0,HUP,INT,QUIT,ILL,TRAP,ABRT,BUS,FPE,KILL,USR1,SEGV,USR2,PIPE,ALRM,TERM,STKFLT,CHLD,CONT,STOP,TSTP,TTIN,TTOU,URG," +
  "XCPU,XFSZ,VTALRM,PROF,WINCH,IO,PWR,SYS"
).split(",");

/** "SIGKILL" for 9, "SIGRTMIN+3" for 35; the decimal number for what is no signal. */
export function signalName(sig: number): string {
  if (sig >= SIGRTMIN && sig <= SIGRTMAX) return sig === SIGRTMIN ? "SIGRTMIN" : `SIGRTMIN+${sig - SIGRTMIN}`;
  return sig > 0 && sig < SIGRTMIN ? `SIG${names[sig]}` : String(sig);
}

// Dispositions, as sa_handler values.
export const SIG_DFL = 0;
export const SIG_IGN = 1;

// sigaction(2): sa_flags.
export const SA_NOCLDSTOP = 0x1;
export const SA_NOCLDWAIT = 0x2;
export const SA_SIGINFO = 0x4;
export const SA_UNSUPPORTED = 0x400;
export const SA_EXPOSE_TAGBITS = 0x800;
export const SA_ONSTACK = 0x8000000;
export const SA_RESTART = 0x10000000;
export const SA_NODEFER = 0x40000000;
export const SA_RESETHAND = 0x80000000;
export const SA_RESTORER = 0x4000000;

// sigprocmask(2)
export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;
export const SIG_SETMASK = 2;

// si_code: from a process (0 and below) or from the kernel.
export const SI_USER = 0;
export const SI_KERNEL = 128;
export const SI_QUEUE = -1;
export const SI_TIMER = -2;
export const SI_MESGQ = -3;
export const SI_ASYNCIO = -4;
export const SI_SIGIO = -5;
export const SI_TKILL = -6;

// si_code of SIGSEGV, SIGBUS, SIGCHLD.
export const SEGV_MAPERR = 1;
export const SEGV_ACCERR = 2;
export const SEGV_BNDERR = 3;
export const SEGV_PKUERR = 4;
export const BUS_ADRALN = 1;
export const BUS_ADRERR = 2;
export const BUS_OBJERR = 3;
export const BUS_MCEERR_AR = 4;
export const BUS_MCEERR_AO = 5;
export const CLD_EXITED = 1;
export const CLD_KILLED = 2;
export const CLD_DUMPED = 3;
export const CLD_TRAPPED = 4;
export const CLD_STOPPED = 5;
export const CLD_CONTINUED = 6;

// signalfd(2)
export const SFD_CLOEXEC = 0o2000000;
export const SFD_NONBLOCK = 0o4000;

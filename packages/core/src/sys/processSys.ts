/**
 * System calls about processes: birth, becoming another program, death, waiting, groups and sessions, namespaces, prctl and
 * limits. fork(2), clone(2), execve(2), wait(2), setpgid(2), credentials(7), unshare(2), setns(2), prctl(2), getrlimit(2).
 *
 * Ids in arguments and results are those of the caller's pid namespace. Errors are listed in the order in which they are
 * checked.
 */
import type { ProgramDef } from "../kernel/program.js";
import type { Ret, SysBase } from "./types.js";

/** Arguments of clone3(2). `struct clone_args`. */
export interface CloneArgs {
  /** CLONE_ flags; no signal in the low byte. Default 0. */
  readonly flags?: number;
  /** Sent to the parent when the child dies; 0: nothing. Default 0, as in Linux. */
  readonly exit_signal?: number;
  /** Wanted numbers, innermost pid namespace first. */
  readonly set_tid?: readonly number[];
  /** Its length, if it is to differ (EINVAL if there are fewer numbers than that or more than 32). */
  readonly set_tid_size?: number;
  /** Descriptor of the cgroup for CLONE_INTO_CGROUP. */
  readonly cgroup?: number;
}

/** What clone3 returns: the child's pid, and its pidfd if CLONE_PIDFD was given (else -1). */
export interface CloneResult {
  pid: number;
  pidfd: number;
}

/** Resource usage. `struct rusage`; times in ns, maxrss in kB. */
export interface Rusage {
  utimeNs: number;
  stimeNs: number;
  maxrss: number;
  minflt: number;
  majflt: number;
  inblock: number;
  oublock: number;
  nvcsw: number;
  nivcsw: number;
}

/**
 * What wait4 returns: pid 0 with WNOHANG if no child has changed state. `status` is to be read with WIFEXITED and its like.
 * `rusage` is null unless it was asked for.
 */
export interface WaitResult {
  pid: number;
  status: number;
  rusage: Rusage | null;
}

/** What waitid returns: all zero with WNOHANG if no child has changed state. The fields of siginfo_t that it fills. */
export interface WaitInfo {
  signo: number;
  errno: number;
  /** CLD_EXITED, CLD_KILLED, CLD_DUMPED, CLD_STOPPED, CLD_CONTINUED; 0: nothing. */
  code: number;
  pid: number;
  uid: number;
  /** Exit code or signal. */
  status: number;
}

/** A resource limit: numbers, or a bigint where a number is not exact (RLIM_INFINITY). `struct rlimit`. */
export interface Rlimit {
  cur: number | bigint;
  max: number | bigint;
}

/** A path or descriptor's arguments and environment: text; null is an empty list. */
export type ExecArgs = readonly string[] | null;

export interface ProcessSys extends SysBase {
  /** getpid(2): the thread group's id in the caller's pid namespace. */
  getpid(): Ret<this["mode"], number>;
  /** gettid(2). */
  gettid(): Ret<this["mode"], number>;
  /** getppid(2): 0 if the parent is outside the caller's pid namespace. */
  getppid(): Ret<this["mode"], number>;
  /** getpgid(2); pid 0: the caller. ESRCH. 0 if the group is outside the caller's pid namespace. */
  getpgid(pid: number): Ret<this["mode"], number>;
  /** getpgrp(2). */
  getpgrp(): Ret<this["mode"], number>;
  /** getsid(2); pid 0: the caller. ESRCH. */
  getsid(pid: number): Ret<this["mode"], number>;
  /**
   * setpgid(2); 0 means the caller, and pgid 0 the pid. EINVAL pgid < 0; ESRCH no such process; EINVAL not a thread group
   * leader; for a child: EPERM in another session, EACCES has done execve; ESRCH neither the caller nor a child; EPERM session
   * leader; EPERM no such group in the session.
   */
  setpgid(pid: number, pgid: number): Ret<this["mode"], number>;
  /** setsid(2): returns the new session id. EPERM if the caller leads a process group. */
  setsid(): Ret<this["mode"], number>;

  /**
   * fork(2): returns the child's pid. In a program the child needs a program of its own (`fork(def, state)`); a task driven
   * from outside forks a child to be driven. ENOMEM, EAGAIN (RLIMIT_NPROC, threads-max, no free pid, pids controller).
   */
  fork<St>(def?: ProgramDef<never, St>, state?: St): Ret<this["mode"], number>;
  /** vfork(2): as fork, but the caller sleeps until the child execs or exits. A driven caller must be started (`kernel.call`). */
  vfork<St>(def?: ProgramDef<never, St>, state?: St): Ret<this["mode"], number>;
  /**
   * clone(2), the legacy call: the exit signal in the low byte of `flags`. Returns the child's pid. CLONE_PIDFD is EFAULT (there
   * is no place for the descriptor: use clone3).
   * EINVAL NEWNS|FS, NEWUSER|FS, THREAD without SIGHAND, SIGHAND without VM, PARENT by a namespace's init, THREAD with
   * NEWUSER/NEWPID; ENOMEM; ENOSPC, EPERM (user namespace); EAGAIN RLIMIT_NPROC, threads-max; EPERM (namespaces without
   * CAP_SYS_ADMIN); EINVAL a namespace type that nobody can create; ENOMEM dead pid namespace; EAGAIN no free pid; EAGAIN pids
   * controller.
   */
  clone<St>(flags: number, def?: ProgramDef<never, St>, state?: St): Ret<this["mode"], number>;
  /**
   * clone3(2). EINVAL unknown flags, CLONE_DETACHED or a signal in flags, exit signal beyond 64, set_tid list; then as clone;
   * EPERM set_tid without CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN over the pid namespace, EEXIST number taken, EMFILE with
   * CLONE_PIDFD.
   */
  clone3<St>(args: CloneArgs, def?: ProgramDef<never, St>, state?: St): Ret<this["mode"], CloneResult>;

  /**
   * execve(2): does not return but becomes the program in the file: one registered by name (content `#!kk NAME`), or the
   * interpreter of a `#!` script.
   * Path walk errors; EACCES not a regular file, noexec mount, no execute permission; ETXTBSY open for writing; hooks;
   * E2BIG; ENOEXEC; ELOOP more than five interpreters; EPERM file capabilities that cannot be granted.
   */
  execve(path: string, argv: ExecArgs, envp?: ExecArgs): Ret<this["mode"], number>;
  /** execveat(2): EINVAL flags; with AT_EMPTY_PATH and "" the file of `dirfd`; else as execve. AT_EXECVE_CHECK only checks. */
  execveat(dirfd: number, path: string, argv: ExecArgs, envp?: ExecArgs, flags?: number): Ret<this["mode"], number>;
  /** exit(2) of the calling thread: does not return. The low eight bits are what the parent sees. */
  exit(code: number): Ret<this["mode"], never>;
  /** exit_group(2): ends all threads of the process. */
  exit_group(code: number): Ret<this["mode"], never>;
  /**
   * wait4(2). pid > 0: that child; 0: the caller's group; -1: any; < -1: group -pid. `rusage` true: tell what it used, too. EINVAL
   * options; ESRCH pid -2^31; ECHILD; EINTR.
   */
  wait4(pid: number, options?: number, rusage?: boolean): Ret<this["mode"], WaitResult>;
  /**
   * waitid(2). EINVAL options (unknown, or none of WEXITED, WSTOPPED, WCONTINUED); EINVAL idtype or id; P_PIDFD: EBADF, EAGAIN
   * (non-blocking pidfd, nothing there); ECHILD; EINTR.
   */
  waitid(idtype: number, id: number, options: number): Ret<this["mode"], WaitInfo>;

  /**
   * unshare(2). EINVAL unknown flags, or THREAD, SIGHAND or VM in a process of several threads; ENOSPC, EPERM (user namespace);
   * EPERM without CAP_SYS_ADMIN; EINVAL a type nobody can create. All or nothing.
   */
  unshare(flags: number): Ret<this["mode"], number>;
  /** setns(2), `fd` a namespace file or a pidfd. EBADF; EINVAL neither, or flags do not fit; then as the type says. */
  setns(fd: number, flags: number): Ret<this["mode"], number>;

  /** prctl(2) PR_GET_NAME: the caller's comm. */
  prctl(option: 16): Ret<this["mode"], string>;
  /**
   * prctl(2). What Linux stores through a pointer is the result (PR_GET_PDEATHSIG, PR_GET_CHILD_SUBREAPER). EINVAL unknown option
   * or an argument out of range; EPERM as the option says.
   */
  prctl(option: number, arg2?: number | string, arg3?: number, arg4?: number, arg5?: number): Ret<this["mode"], number>;

  /** getrlimit(2). EINVAL. */
  getrlimit(resource: number): Ret<this["mode"], Rlimit>;
  /** setrlimit(2). EINVAL resource, soft above hard; EPERM RLIMIT_NOFILE above fs.nr_open, raising a hard limit. */
  setrlimit(resource: number, limit: Rlimit): Ret<this["mode"], number>;
  /** prlimit(2): the old limits; sets new ones if given. EINVAL resource; ESRCH; EPERM other ids; then as setrlimit. */
  prlimit64(pid: number, resource: number, limit?: Rlimit | null): Ret<this["mode"], Rlimit>;
  /** getrusage(2): RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD. EINVAL. */
  getrusage(who: number): Ret<this["mode"], Rusage>;
  /** times(2), in USER_HZ (1/100 s); `elapsed` is what the call itself returns: time since boot plus 300 s before 2^32. */
  times(): Ret<this["mode"], { utime: number; stime: number; cutime: number; cstime: number; elapsed: number }>;
  /** personality(2): the old one; 0xffffffff only asks. */
  personality(persona: number): Ret<this["mode"], number>;
  /** set_tid_address(2): returns the thread id. */
  set_tid_address(addr: number): Ret<this["mode"], number>;
}

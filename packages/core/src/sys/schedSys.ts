/**
 * System calls about scheduling: policies, nice values, affinity. sched(7), sched_setscheduler(2), sched_setaffinity(2),
 * getpriority(2).
 */
import type { Timespec } from "./signalSys.js";
import type { Ret, SysBase } from "./types.js";

/** `struct sched_attr`. */
export interface SchedAttr {
  policy: number;
  /** SCHED_FLAG_ flags. */
  flags: number;
  nice: number;
  priority: number;
  /** ns; for SCHED_DEADLINE, and the slice of fair tasks. */
  runtime: number;
  deadline: number;
  period: number;
}

export interface SchedSys extends SysBase {
  /**
   * sched_setscheduler(2); `policy` may have SCHED_RESET_ON_FORK. EINVAL pid < 0; ESRCH; EINVAL policy, priority (1..99 for FIFO
   * and RR, else 0), SCHED_DEADLINE; EPERM beyond RLIMIT_RTPRIO, another user's, coming back from SCHED_IDLE, taking back
   * RESET_ON_FORK, all but with CAP_SYS_NICE.
   */
  sched_setscheduler(pid: number, policy: number, priority: number): Ret<this["mode"], number>;
  /** sched_getscheduler(2): policy, with SCHED_RESET_ON_FORK. EINVAL; ESRCH. */
  sched_getscheduler(pid: number): Ret<this["mode"], number>;
  /** sched_setparam(2). As sched_setscheduler with the same policy. */
  sched_setparam(pid: number, priority: number): Ret<this["mode"], number>;
  /** sched_getparam(2). EINVAL; ESRCH. */
  sched_getparam(pid: number): Ret<this["mode"], { sched_priority: number }>;
  /** sched_setattr(2). EINVAL pid < 0, flags, nice; ESRCH; then as sched_setscheduler and setpriority. */
  sched_setattr(pid: number, attr: Partial<SchedAttr>, flags?: number): Ret<this["mode"], number>;
  /** sched_getattr(2). EINVAL; ESRCH. */
  sched_getattr(pid: number, size?: number, flags?: number): Ret<this["mode"], SchedAttr>;
  /** sched_get_priority_max(2). EINVAL. */
  sched_get_priority_max(policy: number): Ret<this["mode"], number>;
  sched_get_priority_min(policy: number): Ret<this["mode"], number>;
  /** sched_rr_get_interval(2): 100 ms for RR, 0 for FIFO, the slice for fair tasks. EINVAL; ESRCH. */
  sched_rr_get_interval(pid: number): Ret<this["mode"], Timespec>;
  /**
   * sched_setaffinity(2), CPUs as numbers. ESRCH; EINVAL a bound kernel thread; EPERM another user's without CAP_SYS_NICE;
   * EINVAL none of the CPUs is possible (and in the cpuset).
   */
  sched_setaffinity(pid: number, cpus: readonly number[]): Ret<this["mode"], number>;
  /** sched_getaffinity(2): those of its CPUs that are active. EINVAL `size` (bytes) not a multiple of 8 or too small; ESRCH. */
  sched_getaffinity(pid: number, size?: number): Ret<this["mode"], number[]>;
  /** sched_yield(2). */
  sched_yield(): Ret<this["mode"], number>;
  /** getpriority, the system call: 20 - nice, the best of the tasks named. EINVAL which; ESRCH. */
  getpriority(which: number, who: number): Ret<this["mode"], number>;
  /** setpriority(2), nice clamped to -20..19. EINVAL which; ESRCH; EPERM another user's; EACCES lowering beyond RLIMIT_NICE. */
  setpriority(which: number, who: number, nice: number): Ret<this["mode"], number>;
  /** getcpu(2): where the caller runs. */
  getcpu(): Ret<this["mode"], { cpu: number; node: number }>;
}

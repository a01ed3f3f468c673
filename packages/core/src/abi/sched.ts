/**
 * sched: clone(2) and unshare(2) flags, scheduling policies of sched(7), getpriority(2).
 *
 * CLONE_IO is bit 31 and the two flags of clone3(2) lie above it: JavaScript's bit operators see 32 signed bits, so test
 * CLONE_IO with `(flags & CLONE_IO) !== 0` and keep the clone3-only flags out of such expressions. The legacy clone carries
 * the exit signal in the lowest eight bits (CSIGNAL).
 */

export const CSIGNAL = 0xff;
export const CLONE_NEWTIME = 0x80;
export const CLONE_VM = 0x100;
export const CLONE_FS = 0x200;
export const CLONE_FILES = 0x400;
export const CLONE_SIGHAND = 0x800;
export const CLONE_PIDFD = 0x1000;
export const CLONE_PTRACE = 0x2000;
export const CLONE_VFORK = 0x4000;
export const CLONE_PARENT = 0x8000;
export const CLONE_THREAD = 0x10000;
export const CLONE_NEWNS = 0x20000;
export const CLONE_SYSVSEM = 0x40000;
export const CLONE_SETTLS = 0x80000;
export const CLONE_PARENT_SETTID = 0x100000;
export const CLONE_CHILD_CLEARTID = 0x200000;
export const CLONE_DETACHED = 0x400000;
export const CLONE_UNTRACED = 0x800000;
export const CLONE_CHILD_SETTID = 0x1000000;
export const CLONE_NEWCGROUP = 0x2000000;
export const CLONE_STOPPED = 0x2000000;
export const CLONE_NEWUTS = 0x4000000;
export const CLONE_NEWIPC = 0x8000000;
export const CLONE_NEWUSER = 0x10000000;
export const CLONE_NEWPID = 0x20000000;
export const CLONE_NEWNET = 0x40000000;
export const CLONE_IO = 0x80000000;

// clone3(2) only.
export const CLONE_CLEAR_SIGHAND = 0x100000000;
export const CLONE_INTO_CGROUP = 0x200000000;

// Policies, sched(7). SCHED_RESET_ON_FORK is or-ed to one.
export const SCHED_NORMAL = 0;
export const SCHED_OTHER = 0;
export const SCHED_FIFO = 1;
export const SCHED_RR = 2;
export const SCHED_BATCH = 3;
export const SCHED_IDLE = 5;
export const SCHED_DEADLINE = 6;
export const SCHED_EXT = 7;
export const SCHED_RESET_ON_FORK = 0x40000000;

// sched_setattr(2)
export const SCHED_FLAG_RESET_ON_FORK = 1;
export const SCHED_FLAG_RECLAIM = 2;
export const SCHED_FLAG_DL_OVERRUN = 4;
export const SCHED_FLAG_KEEP_POLICY = 8;
export const SCHED_FLAG_KEEP_PARAMS = 0x10;
export const SCHED_FLAG_UTIL_CLAMP_MIN = 0x20;
export const SCHED_FLAG_UTIL_CLAMP_MAX = 0x40;
export const SCHED_FLAG_ALL = 0x7f;

// getpriority(2)
export const PRIO_PROCESS = 0;
export const PRIO_PGRP = 1;
export const PRIO_USER = 2;
export const MIN_NICE = -20;
export const MAX_NICE = 19;

/** Clocks and sleeping: the calls of sys/timeSys.ts. clock_gettime(2), clock_nanosleep(2). */

import { CAP_SYS_TIME } from "../abi/capability.js";
import { EFAULT, EINVAL, EOPNOTSUPP, EPERM } from "../abi/errno.js";
import { ERESTART_RESTARTBLOCK, ERESTARTNOHAND, fail } from "../abi/errors.js";
import {
  CLOCK_BOOTTIME,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_MONOTONIC_RAW,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME,
  CLOCK_REALTIME_ALARM,
  CLOCK_REALTIME_COARSE,
  CLOCK_TAI,
  CLOCK_THREAD_CPUTIME_ID,
  NSEC_PER_SEC,
  TIMER_ABSTIME,
} from "../abi/time.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { int, struct, uint } from "../sys/args.js";
import type { Timespec } from "../sys/signalSys.js";
import type { Span, TimeSys } from "../sys/timeSys.js";
import type { Impl } from "../sys/types.js";
import { nsCapable } from "../task/capable.js";
import { TASK_INTERRUPTIBLE, type Task } from "../task/task.js";

/** A span in ns; fails EFAULT, EINVAL. */
function spanNs(v: Span | null): number {
  if (v === null) return fail(EFAULT);
  if (typeof v === "number") return Number.isFinite(v) && v >= 0 ? Math.floor(v) : fail(EINVAL);
  const { sec, nsec } = struct(v, "req");
  if (!Number.isInteger(sec) || !Number.isInteger(nsec) || sec < 0 || nsec < 0 || nsec >= NSEC_PER_SEC)
    return fail(EINVAL);
  return sec * NSEC_PER_SEC + nsec;
}

function timespec(ns: number): Timespec {
  const nsec = ns % NSEC_PER_SEC;
  return { sec: (ns - nsec) / NSEC_PER_SEC, nsec };
}

/** CPU time of a task up to now, ns: its own counters are brought up when it leaves its CPU, the rest is added here. */
export function taskCpuNs(k: Core, t: Task): number {
  const running = k.cpus.curr[t.cpu] === t ? k.now - k.cpus.since[t.cpu] : 0;
  return t.utimeNs + t.stimeNs + running;
}

/** CPU time of a process: its live threads and what dead ones used. */
export function processCpuNs(k: Core, t: Task): number {
  let ns = t.signal.utimeNs + t.signal.stimeNs;
  for (const x of t.signal.threads) ns += taskCpuNs(k, x);
  return ns;
}

/** Value of a clock as the task sees it (a time namespace adds its offsets), or -1 if there is no such clock. */
function clock(c: Ctx, id: number): Timespec | null {
  const { k, task } = c;
  const { time } = k;
  const shift = (ns: number, clockId: number): Timespec =>
    timespec(ns + (k.hooks.clockOffset.on === null ? 0 : (k.hooks.clockOffset.on(task, clockId) ?? 0)));
  switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI:
      return time.realtime();
    case CLOCK_REALTIME_COARSE: {
      const back = k.now - time.coarseNs;
      const { sec, nsec } = time.realtime();
      return nsec >= back ? { sec, nsec: nsec - back } : { sec: sec - 1, nsec: nsec - back + NSEC_PER_SEC };
    }
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
      return shift(k.now, CLOCK_MONOTONIC);
    case CLOCK_MONOTONIC_COARSE:
      return shift(time.coarseNs, CLOCK_MONOTONIC);
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
      return shift(time.boottimeNs, CLOCK_BOOTTIME);
    case CLOCK_PROCESS_CPUTIME_ID:
      return timespec(processCpuNs(k, task));
    case CLOCK_THREAD_CPUTIME_ID:
      return timespec(taskCpuNs(k, task));
    default:
      return null;
  }
}

function sleepUntil(c: Ctx, untilNs: number, restart: number): 0 | ReturnType<Ctx["sleep"]> {
  return c.now >= untilNs ? 0 : c.sleep(null, untilNs, TASK_INTERRUPTIBLE, restart);
}

export const timeCalls: Impl<TimeSys> = {
  nanosleep(c, req) {
    const f = c.frame(() => ({ until: c.now + spanNs(req) }));
    return sleepUntil(c, f.until, ERESTART_RESTARTBLOCK);
  },
  clock_nanosleep(c, id, flags, req) {
    int(flags, "flags");
    const f = c.frame<{ until: number; cpu: boolean }>(() => {
      const now = clock(c, id);
      if (now === null) return fail(EINVAL);
      if (
        id === CLOCK_REALTIME_COARSE ||
        id === CLOCK_MONOTONIC_COARSE ||
        id === CLOCK_MONOTONIC_RAW ||
        id === CLOCK_THREAD_CPUTIME_ID
      )
        return fail(EOPNOTSUPP);
      const ns = spanNs(req);
      const nowNs = now.sec * NSEC_PER_SEC + now.nsec;
      const left = (flags & TIMER_ABSTIME) === 0 ? ns : Math.max(0, ns - nowNs);
      const cpu = id === CLOCK_PROCESS_CPUTIME_ID;
      return { until: (cpu ? nowNs : c.now) + left, cpu };
    });
    if (f.cpu) {
      // no sooner than if all the process's threads ran from now on
      const left = f.until - processCpuNs(c.k, c.task);
      return sleepUntil(c, c.now + Math.max(0, left), ERESTART_RESTARTBLOCK);
    }
    return sleepUntil(c, f.until, (flags & TIMER_ABSTIME) !== 0 ? ERESTARTNOHAND : ERESTART_RESTARTBLOCK);
  },
  clock_gettime: (c, id) => clock(c, id) ?? fail(EINVAL),
  clock_getres(c, id) {
    if (clock(c, id) === null) return fail(EINVAL);
    const coarse = id === CLOCK_REALTIME_COARSE || id === CLOCK_MONOTONIC_COARSE;
    return { sec: 0, nsec: coarse ? Math.floor(NSEC_PER_SEC / c.k.time.hz) : 1 };
  },
  clock_settime(c, id, time) {
    if (id !== CLOCK_REALTIME) return fail(EINVAL);
    const ns = spanNs(time);
    if (!nsCapable(c.k, c.task, c.k.tasks.initUserNs, CAP_SYS_TIME)) return fail(EPERM);
    const t = c.k.time;
    const up = c.now + t.suspendedNs;
    if (ns < up) return fail(EINVAL);
    t.setRealtime(Math.floor(ns / NSEC_PER_SEC), ns % NSEC_PER_SEC);
    return 0;
  },
  alarm(c, seconds) {
    const { k, task } = c;
    const s = task.signal;
    const n = uint(seconds, "seconds");
    const left = s.alarm >= 0 ? Math.max(1, Math.round((s.alarmNs - k.now) / NSEC_PER_SEC)) : 0;
    if (s.alarm >= 0) k.timers.cancelHr(s.alarm);
    s.alarm = -1;
    if (n > 0) {
      s.alarmNs = k.now + n * NSEC_PER_SEC;
      s.alarm = k.timers.startHr(k.timers.alarmFn, s.alarmNs, task.signal.leader, task.cpu);
    }
    return left;
  },
};

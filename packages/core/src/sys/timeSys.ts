/** System calls about clocks and sleeping. clock_gettime(2), clock_nanosleep(2), nanosleep(2), setitimer(2), alarm(2). */

import type { Timespec } from "./signalSys.js";
import type { Ret, SysBase } from "./types.js";

/** A span of time as these calls take it: {sec, nsec}, or a number of ns. */
export type Span = Timespec | number;

export interface TimeSys extends SysBase {
  /** nanosleep(2): by CLOCK_MONOTONIC, at least that long. EFAULT (null), EINVAL (negative, nsec >= 1e9), EINTR. */
  nanosleep(req: Span | null): Ret<this["mode"], 0>;
  /** clock_nanosleep(2): EINVAL clock; EOPNOTSUPP for clocks that cannot sleep; EFAULT; EINVAL span; TIMER_ABSTIME in the past: 0. EINTR. */
  clock_nanosleep(clockId: number, flags: number, req: Span | null): Ret<this["mode"], 0>;
  /** clock_gettime(2): EINVAL. */
  clock_gettime(clockId: number): Ret<this["mode"], Timespec>;
  /** clock_getres(2): EINVAL. */
  clock_getres(clockId: number): Ret<this["mode"], Timespec>;
  /** clock_settime(2): EINVAL clock or time, EPERM without CAP_SYS_TIME. Only CLOCK_REALTIME can be set. */
  clock_settime(clockId: number, time: Span | null): Ret<this["mode"], 0>;
  /** alarm(2): SIGALRM after `seconds` (0: none any more); returns what was left of an earlier one, rounded. */
  alarm(seconds: number): Ret<this["mode"], number>;
}

/**
 * time: clocks of clock_gettime(2), flags of clock_nanosleep(2) and timerfd_create(2), the units of times(2).
 */

export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;
export const CLOCK_PROCESS_CPUTIME_ID = 2;
export const CLOCK_THREAD_CPUTIME_ID = 3;
export const CLOCK_MONOTONIC_RAW = 4;
export const CLOCK_REALTIME_COARSE = 5;
export const CLOCK_MONOTONIC_COARSE = 6;
export const CLOCK_BOOTTIME = 7;
export const CLOCK_REALTIME_ALARM = 8;
export const CLOCK_BOOTTIME_ALARM = 9;
export const CLOCK_TAI = 11;

// clock_nanosleep(2)
export const TIMER_ABSTIME = 1;

// timerfd_create(2)
export const TFD_TIMER_ABSTIME = 1;
export const TFD_TIMER_CANCEL_ON_SET = 2;
export const TFD_CLOEXEC = 0o2000000;
export const TFD_NONBLOCK = 0o4000;

// getitimer(2)
export const ITIMER_REAL = 0;
export const ITIMER_VIRTUAL = 1;
export const ITIMER_PROF = 2;

// Nanoseconds of the usual units, and ticks per second of times(2) and /proc (sysconf _SC_CLK_TCK).
export const NSEC_PER_SEC = 1000000000;
export const NSEC_PER_MSEC = 1000000;
export const NSEC_PER_USEC = 1000;
export const USER_HZ = 100;

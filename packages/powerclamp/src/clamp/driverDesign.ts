/**
 * driverDesign: the three designs of intel_powerclamp as data; what differs between them is a field here, not a branch
 * on a version (admin-guide/thermal/intel_powerclamp).
 *
 * - `"3.9"`: the form first merged (LWN 2012-12, H 2013-02): a realtime thread per CPU that loops on MWAIT and counts
 *   what wakes it;
 * - `"6.1"`: 4.10 to 6.2, kthread workers and play_idle;
 * - `"6.3"`: 6.3 and later, on the idle_inject framework; what 6.18 does.
 */

export type DriverVersion = "3.9" | "6.1" | "6.3";

export interface DriverDesign {
  readonly version: DriverVersion;
  /** Injector threads are called this, a slash, and the CPU's number. */
  readonly threadName: string;
  /** Percentages run below this; also the number of rows of the calibration table. */
  readonly maxTargetRatio: number;
  /** What the cooling device's max_state reads. */
  readonly maxState: number;
  /** cur_state while off. */
  readonly offState: number;
  /** cur_state while on: the ratio measured once a second, or the target. */
  readonly readsMeasured: boolean;
  /** Interrupt wake-ups are counted, and too many double the injection. */
  readonly countsWakeups: boolean;
  /** A duration out of range is refused, and yet leaves the nearest allowed one. */
  readonly clampsDuration: boolean;
  /** The table in debugfs begins with the CPU in control. */
  readonly showsControlCpu: boolean;
  /** Injection is aligned by multiples of the interval in jiffies, or by one timer that wakes all CPUs. */
  readonly alignment: "jiffies" | "timer";
  /** Sleeps end exactly at their jiffy (the cascading timer wheel before 4.8), or up to one granularity late. */
  readonly exactTimers: boolean;
}

export const driverDesigns: Readonly<Record<DriverVersion, DriverDesign>> = {
  "3.9": {
    version: "3.9",
    threadName: "kidle_inject",
    maxTargetRatio: 50,
    maxState: 50,
    offState: -1,
    readsMeasured: true,
    countsWakeups: true,
    clampsDuration: true,
    showsControlCpu: true,
    alignment: "jiffies",
    exactTimers: true,
  },
  "6.1": {
    version: "6.1",
    threadName: "kidle_inj",
    maxTargetRatio: 50,
    maxState: 50,
    offState: -1,
    readsMeasured: true,
    countsWakeups: false,
    clampsDuration: true,
    showsControlCpu: true,
    alignment: "jiffies",
    exactTimers: false,
  },
  "6.3": {
    version: "6.3",
    threadName: "idle_inject",
    maxTargetRatio: 100,
    maxState: 100,
    offState: 0,
    readsMeasured: false,
    countsWakeups: false,
    clampsDuration: false,
    showsControlCpu: false,
    alignment: "timer",
    exactTimers: false,
  },
};

/** A calibration row is trusted after this many clean windows, and then never changes again. */
export const CONFIDENCE_OK = 3;
/** Length of an injection when `duration` is not given: jiffies, so 24 ms at HZ 250 and 6 ms at HZ 1000. */
export const DEFAULT_DURATION_JIFFIES = 6;
/** Range of the parameter `duration`, ms. The default may lie outside it. */
export const DURATION_MS = [6, 25] as const;
/** Range of the parameter `window_size`: injections between two looks at the counters. */
export const WINDOW_SIZE = [2, 10] as const;
/** What init sets `window_size` to, whatever was given at load. */
export const DEFAULT_WINDOW_SIZE = 2;
/** 6.3: default of `max_idle`, percent. */
export const DEFAULT_MAX_IDLE = 50;
/** 6.3: highest `max_idle` while every present CPU is injected, percent. */
export const MAX_ALL_CPU_IDLE = 75;

/** How far above its target a machine may idle by itself before injection is skipped: percent points. */
export function guardOf(targetRatio: number): number {
  return 1 + Math.trunc(targetRatio / 20);
}

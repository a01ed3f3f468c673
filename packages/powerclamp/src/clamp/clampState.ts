/**
 * clampState: everything intel_powerclamp remembers while it is loaded, as plain data. A reload starts afresh; a stop does
 * not: samples, `shouldSkip` and the calibration table stay.
 */
import { type Task, WaitQueue } from "@kernelkit/core";
import type { IdleInjectDevice } from "../idleInject/idleInject.js";
import { SleepLock } from "../sleepLock.js";
import { CalibrationTable } from "./calibration.js";
import { DEFAULT_DURATION_JIFFIES, DEFAULT_MAX_IDLE, DEFAULT_WINDOW_SIZE, type DriverDesign } from "./driverDesign.js";
import { jiffiesToMsecs } from "./params.js";
import { RatioSampler } from "./pkgRatio.js";

/** Between injections, and asleep until the next one. */
export const PHASE_BALANCE = 0;
export const PHASE_SLEEP = 1;

/** One injector of 3.9 or 6.1: the per-CPU worker. */
export class ClampWorker {
  task: Task | null = null;
  phase: number = PHASE_BALANCE;
  /** End of the sleep, ns. */
  wakeNs = 0;
  count = 0;
  guard = 0;
  windowSizeNow = 0;
  targetRatio = 0;
  durationJiffies = 0;
  /** It is to end as soon as it is on its CPU again. */
  stop = false;
  /** It has run since it was made. */
  alive = false;

  constructor(readonly cpu: number) {}
}

export class ClampState {
  // parameters
  /** Length of an injection, µs. */
  durationUs: number;
  windowSize: number = DEFAULT_WINDOW_SIZE;
  maxIdle: number = DEFAULT_MAX_IDLE;
  /** CPUs to inject (6.3). */
  cpumask: Uint32Array;

  /** Percent in force, 0: off. */
  setTargetRatio = 0;
  clamping = false;
  shouldSkip = false;
  /** 3.9: interrupts woke the CPUs too often in the last window. */
  reduceIrq = false;
  controlCpu = 0;
  /** Compensation is learned and used: one package, and (6.3) every CPU in the mask. */
  pollEnable = false;
  readonly table: CalibrationTable;
  /** For decisions, and the separate pair behind cur_state. */
  readonly sampler: RatioSampler = new RatioSampler();
  readonly poll: RatioSampler = new RatioSampler();
  /** Event of the next poll, -1: none is due. */
  pollTimer = -1;
  /** Samples taken for decisions since load. */
  samples = 0;
  /** Integral compensation: what has been added up, percent points. */
  integral = 0;

  // 3.9, 6.1
  readonly workers: (ClampWorker | null)[];

  // 6.3: powerclamp_data
  count = 0;
  guard = 0;
  windowSizeNow = 0;
  device: IdleInjectDevice | null = null;

  /** The parameter `duration`: ms, truncated. */
  get durationMs(): number {
    return Math.floor(this.durationUs / 1000);
  }

  readonly lock: SleepLock = new SleepLock("powerclamp_lock");
  /** Woken when a worker has started or gone. */
  readonly changed: WaitQueue = new WaitQueue("powerclamp");

  constructor(design: DriverDesign, cpus: number, hz: number, present: Uint32Array) {
    this.durationUs =
      design.alignment === "timer"
        ? Math.floor((DEFAULT_DURATION_JIFFIES * 1e6) / hz)
        : jiffiesToMsecs(DEFAULT_DURATION_JIFFIES, hz) * 1000;
    this.table = new CalibrationTable(design.maxTargetRatio);
    this.workers = new Array(cpus).fill(null);
    this.cpumask = present.slice();
  }
}

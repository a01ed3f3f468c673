/** clampHost: what the driver designs share - the machine they run on, chosen design and compensation, the log. */
import type { Core } from "@kernelkit/core";
import type { IdleInject } from "../idleInject/idleInject.js";
import type { PlayIdle } from "../idleInject/playIdle.js";
import type { ClampState } from "./clampState.js";
import type { DriverDesign } from "./driverDesign.js";
import { adjustControls, type Compensation, compensationFor } from "./feedback.js";
import type { PkgCounters } from "./pkgCounters.js";

/** How injections are laid in time. "sync" is the design's own way; "unsync" shifts each CPU by its share of the interval. */
export type Injection = "sync" | "unsync";

export class ClampHost {
  constructor(
    readonly k: Core,
    readonly design: DriverDesign,
    readonly compensation: Compensation,
    readonly injection: Injection,
    readonly packages: number,
    readonly play: PlayIdle,
    readonly idleInject: IdleInject,
    readonly counters: PkgCounters,
  ) {}

  /** Jiffies as Linux's 64-bit counter: it starts 300 seconds before 2^32. */
  get jiffies(): number {
    const { time } = this.k;
    return 2 ** 32 - 300 * time.hz + time.ticks;
  }

  /** Instant of a jiffy, ns. */
  jiffyNs(jiffies: number): number {
    const { time } = this.k;
    return time.tickTime(jiffies - 2 ** 32 + 300 * time.hz);
  }

  log(level: number, text: string): void {
    this.k.log(level, `intel_powerclamp: ${text}`);
  }

  compensationFor(s: ClampState, ratio: number): number {
    return compensationFor(s, this.compensation, ratio);
  }

  /** Once a window: measure, learn, decide. */
  measure(s: ClampState, pct: number, guard: number, window: number): void {
    const { counters, play } = this;
    const sample = {
      msr: counters.msr(),
      tsc: counters.tsc(),
      wakeups: play.wakeups,
      onlineCpus: this.k.cpus.nrOnline,
    };
    adjustControls(s, this.design, this.compensation, pct, guard, window, sample);
    play.wakeups = 0;
  }
}

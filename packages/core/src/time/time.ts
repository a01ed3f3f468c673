/**
 * Time as the kernel counts it. `k.now` is ns since boot; everything else is derived from it, never accumulated.
 *
 * ns are exact integers up to 2^53 (104 days of uptime); beyond that instants are multiples of 2 ns (208 days), 4 ns (416
 * days) ..., and remain deterministic: ticks and seconds are computed by multiplication, so nothing drifts.
 * clock_gettime(2), Documentation/timers.
 */
import { NSEC_PER_SEC } from "../abi/time.js";
import type { Core } from "../kernel/core.js";

/** jiffies start 300 seconds before a 32-bit wrap. */
const INITIAL_JIFFIES_SECONDS = 300;

export class Time {
  readonly hz: number;
  /** Real time at boot: seconds since 1970, and ns. */
  epochSec: number;
  epochNsec = 0;
  /** ns spent suspended: boot time = now + this. */
  suspendedNs = 0;

  constructor(
    readonly k: Core,
    hz: number,
    epochNs: number,
  ) {
    this.hz = hz;
    this.epochSec = Math.floor(epochNs / NSEC_PER_SEC);
  }

  /** Ticks since boot. */
  get ticks(): number {
    return this.ticksAt(this.k.now);
  }

  ticksAt(ns: number): number {
    return 1e9 % this.hz === 0 ? Math.floor(ns / (1e9 / this.hz)) : floorTicks(ns, this.hz);
  }

  /** The 32-bit jiffies counter. */
  get jiffies32(): number {
    return (this.ticks - INITIAL_JIFFIES_SECONDS * this.hz) >>> 0;
  }

  /** Instant of tick number `n`, ns since boot. */
  tickTime(n: number): number {
    return 1e9 % this.hz === 0
      ? n * (1e9 / this.hz)
      : Math.floor(n / this.hz) * 1e9 + Math.floor(((n % this.hz) * 1e9) / this.hz);
  }

  /** Instant of the next tick after now. */
  nextTick(): number {
    return this.tickTime(this.ticks + 1);
  }

  /** Milliseconds in jiffies, rounded up. */
  msecsToJiffies(ms: number): number {
    return Math.ceil((ms * this.hz) / 1000);
  }

  /** CLOCK_REALTIME in seconds and ns, exact. */
  realtime(): { sec: number; nsec: number } {
    const up = this.k.now + this.suspendedNs;
    const upNsec = up % NSEC_PER_SEC;
    const nsec = upNsec + this.epochNsec;
    const sec = this.epochSec + (up - upNsec) / NSEC_PER_SEC;
    return nsec >= NSEC_PER_SEC ? { sec: sec + 1, nsec: nsec - NSEC_PER_SEC } : { sec, nsec };
  }

  /** Set the real-time clock. */
  setRealtime(sec: number, nsec: number): void {
    const now = this.realtime();
    const d = nsec - now.nsec + this.epochNsec;
    this.epochNsec = ((d % NSEC_PER_SEC) + NSEC_PER_SEC) % NSEC_PER_SEC;
    this.epochSec += sec - now.sec + (d - this.epochNsec) / NSEC_PER_SEC;
  }

  /** CLOCK_BOOTTIME, ns. */
  get boottimeNs(): number {
    return this.k.now + this.suspendedNs;
  }

  /** Time of the last tick, ns since boot: what coarse clocks and file timestamps show. */
  get coarseNs(): number {
    return this.tickTime(this.ticks);
  }
}

function floorTicks(ns: number, hz: number): number {
  const s = Math.floor(ns / 1e9);
  // the largest n with tickTime(n) <= ns
  return s * hz + Math.ceil(((ns - s * 1e9 + 1) * hz) / 1e9) - 1;
}

/**
 * pkgCounters: the package C-state counters and the TSC as the driver reads them.
 *
 * Normally they follow the machine's own C-states. `setRate` cuts that link: from then on the counter grows at a given part
 * of the TSC whatever the CPUs do - how the driver was observed in an emulator without such counters, and how its decisions
 * are tested one at a time.
 */
import type { Core } from "@kernelkit/core";
import type { PowerMachine } from "../power/powerMachine.js";

/** Counters never read 0, which the driver takes for "no history". */
const COUNTER_AT_BOOT = 1e9;

export class PkgCounters {
  static readonly transient: readonly string[] = ["k", "machine", "tscHz"];
  /** Parts in a thousand of the TSC; -1: the counters follow the machine. */
  permille = -1;
  private base: number = COUNTER_AT_BOOT;
  private baseTsc = 0;
  private readonly tscHz: number;

  constructor(
    private readonly k: Core,
    private readonly machine: PowerMachine,
  ) {
    this.tscHz = k.options.machine.tscHz;
  }

  /** The time stamp counter; it ran for a second before the kernel's clock did. */
  tsc(): number {
    return this.ticks(this.k.now + 1e9);
  }

  private ticks(ns: number): number {
    const s = Math.floor(ns / 1e9);
    return s * this.tscHz + Math.floor(((ns - s * 1e9) * this.tscHz) / 1e9);
  }

  /** Sum of package 0's residency counters, TSC ticks. */
  msr(): number {
    if (this.permille < 0) return this.base + this.ticks(this.machine.residencyNs(0, this.k.now));
    return this.base + Math.floor(((this.tsc() - this.baseTsc) * this.permille) / 1000);
  }

  /** From now on the counter grows at `permille`/1000 of the TSC (0..1000). RangeError otherwise. */
  setRate(permille: number): void {
    if (!(permille >= 0 && permille <= 1000))
      throw new RangeError(
        `package counter rate must be within 0..1000 (parts in a thousand of the TSC), not ${permille}`,
      );
    this.base = this.msr();
    this.baseTsc = this.tsc();
    this.permille = permille;
  }

  /** Back to the machine's own C-states, without a step back. */
  followMachine(): void {
    const now = this.msr();
    this.permille = -1;
    this.base = now - this.ticks(this.machine.residencyNs(0, this.k.now));
  }
}

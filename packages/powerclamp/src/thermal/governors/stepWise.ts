/**
 * step_wise: one step up while it gets hotter above the trip, one step down while it gets colder below it; the default
 * governor (drivers/thermal/gov_step_wise.c, driver-api/thermal/sysfs-api).
 *
 * - Flat temperature: nothing moves.
 * - 6.1 keeps the state while the zone cools above the trip, and ignores the hysteresis.
 * - 6.18 lets it fall one step even there, never below lower + 1, and leaves a trip only below its hysteresis.
 */
import { NO_TARGET } from "../thermalInstance.js";
import type { ThermalZone, Trend } from "../thermalZone.js";
import type { Trip } from "../trip.js";
import type { GovernorHost, ThermalGovernor, ThermalVersion } from "./governor.js";

export interface StepWiseInput {
  readonly version: ThermalVersion;
  readonly lower: number;
  readonly upper: number;
  /** The device's state; -1 (powerclamp 6.1, off) counts as the largest unsigned long, as in Linux. */
  readonly curState: number;
  readonly initialized: boolean;
  /** The temperature is at or above the trip. */
  readonly throttle: boolean;
  readonly trend: Trend;
  /** What the governor asked for so far. */
  readonly target: number;
}

/** The target of one instance, NO_TARGET (-1) for none. */
export function stepWiseTarget(i: StepWiseInput): number {
  const { lower, upper, curState, throttle, trend } = i;
  const clamp = (n: number, low: number): number => Math.min(Math.max(n, low), upper);
  if (!i.initialized) return throttle ? clamp(curState + 1, lower) : NO_TARGET;
  // -1 + 1 wraps to 0 above; -1 - 1 is as high as a state can be
  const oneLess = curState < 0 ? Number.POSITIVE_INFINITY : curState - 1;
  if (throttle) {
    if (trend === "raising") return clamp(curState + 1, lower);
    if (trend === "dropping" && i.version !== "6.1") return clamp(oneLess, Math.min(lower + 1, upper));
  } else if (trend === "dropping") {
    return curState >= 0 && curState <= lower ? NO_TARGET : clamp(oneLess, lower);
  }
  return i.target;
}

export const stepWise: ThermalGovernor = {
  name: "step_wise",
  manage(zone: ThermalZone, host: GovernorHost): void {
    for (let t = 0; t < zone.trips.length; t++) {
      const trip = zone.trips[t];
      if (trip.governed && trip.valid) updateTrip(zone, t, trip, host);
      // 6.1 calls the governor per trip, and devices follow after each
      if (host.version === "6.1") for (const i of zone.instances) host.updateDevice(i.cdev);
    }
    if (host.version !== "6.1") for (const i of zone.instances) host.updateDevice(i.cdev);
  },
};

function updateTrip(zone: ThermalZone, index: number, trip: Trip, host: GovernorHost): void {
  const throttle = host.version === "6.1" ? zone.temperature >= trip.temp : trip.reached;
  const trend = zone.trend;
  for (const i of zone.instances) {
    if (i.trip !== index) continue;
    const old = i.target;
    const { lower, upper, initialized, target } = i;
    const curState = i.cdev.ops.getCurState(i.cdev);
    i.target = stepWiseTarget({
      version: host.version,
      lower,
      upper,
      curState,
      initialized,
      throttle,
      trend,
      target,
    });
    if (initialized && old === i.target) continue;
    i.initialized = true;
    if (trip.type === "passive") {
      if (old === NO_TARGET && i.target !== NO_TARGET) zone.passive++;
      else if (old !== NO_TARGET && i.target === NO_TARGET) zone.passive--;
    }
    i.cdev.updated = false;
  }
}

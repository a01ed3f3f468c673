/**
 * governor: the policy of a zone - what its cooling devices are asked to do. Chosen per zone by the file `policy`.
 */
import type { CoolingDevice } from "../coolingDevice.js";
import type { ThermalZone } from "../thermalZone.js";

/** Which kernel's rules: 6.1 (per-trip throttle, no hysteresis in step_wise) or 6.18 (thresholds). */
export type ThermalVersion = "6.1" | "6.18";

/** What a governor may use of the thermal core. */
export interface GovernorHost {
  readonly version: ThermalVersion;
  readonly nowNs: number;
  /** Set the device to what its instances ask for, if one has changed. */
  updateDevice(cdev: CoolingDevice): void;
  /** Say something in the log at level 4 (warning). */
  warn(text: string): void;
  /** power_allocator has computed a budget (tracepoint thermal_power_allocator_pid). */
  tracePid(zone: ThermalZone, err: number, p: number, i: number, d: number, output: number): void;
}

export interface ThermalGovernor {
  readonly name: string;
  /** The zone is about to use it: 0, or the errno of a refusal. */
  bindToZone?(zone: ThermalZone, host: GovernorHost): number;
  unbindFromZone?(zone: ThermalZone): void;
  /** The zone has a new temperature. */
  manage(zone: ThermalZone, host: GovernorHost): void;
}

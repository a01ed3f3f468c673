/**
 * thermalInstance: one cooling device bound to one trip of one zone, with the limits it may be driven between and what the
 * governor asks of it now.
 */
import type { CoolingDevice } from "./coolingDevice.js";

/** The governor asks nothing of the device. */
export const NO_TARGET = -1;
/** As a binding's limit: 0 below, the device's max_state above. */
export const THERMAL_NO_LIMIT = -1;

export class ThermalInstance {
  target: number = NO_TARGET;
  /** A governor has decided at least once. */
  initialized = false;

  constructor(
    /** K of cdevK. */
    readonly index: number,
    readonly cdev: CoolingDevice,
    /** Index of the trip. */
    readonly trip: number,
    readonly lower: number,
    readonly upper: number,
    /** cdevK_weight: share under fair_share and power_allocator. */
    public weight: number,
  ) {}
}

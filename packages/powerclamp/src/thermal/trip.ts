/**
 * Trip points: the temperatures at which a zone does something (driver-api/thermal/sysfs-api).
 *
 * 6.18 keeps a *threshold* per trip: the temperature for reaching it is the trip's; once reached, it is left only below
 * trip - hysteresis. 6.1 compares with the trip temperature alone.
 */

export type TripType = "active" | "passive" | "hot" | "critical";

/** A temperature nobody has measured; what a zone starts from. Millidegrees, as all temperatures here. */
export const THERMAL_TEMP_INVALID = -274000;

/** What a zone's driver says about a trip. */
export interface TripSpec {
  readonly type: TripType;
  /** Millidegrees Celsius. */
  readonly temp: number;
  /** Millidegrees below `temp` at which a reached trip is left; default 0. */
  readonly hyst?: number;
  /** trip_point_K_temp can be written; default false. */
  readonly writableTemp?: boolean;
  /** trip_point_K_hyst can be written; default false. */
  readonly writableHyst?: boolean;
}

export class Trip {
  /** The zone has been at or above it and not yet below the hysteresis. */
  reached = false;

  constructor(
    readonly type: TripType,
    public temp: number,
    public hyst: number,
    readonly writableTemp: boolean,
    readonly writableHyst: boolean,
  ) {}

  /** Passive and active trips are governed; hot and critical ones only notify. */
  get governed(): boolean {
    return this.type === "passive" || this.type === "active";
  }

  /** 6.18: the temperature at which the next crossing happens, millidegrees. */
  get threshold(): number {
    return this.reached ? this.temp - this.hyst : this.temp;
  }

  /** A temperature has been set; a trip without one does nothing. */
  get valid(): boolean {
    return this.temp > THERMAL_TEMP_INVALID;
  }

  /** Look at a new temperature: "up" or "down" if the trip is crossed, else null. */
  cross(temperature: number): "up" | "down" | null {
    const reached = this.valid && temperature >= this.threshold;
    if (reached === this.reached) return null;
    this.reached = reached;
    return reached ? "up" : "down";
  }
}

/**
 * thermalZone: a place with a temperature, its trips, and the cooling devices bound to them (driver-api/thermal/sysfs-api).
 */
import type { ThermalInstance } from "./thermalInstance.js";
import { THERMAL_TEMP_INVALID, type Trip } from "./trip.js";

/** Where a zone is warming to. */
export type Trend = "raising" | "dropping" | "stable";

/** The sensor's side. */
export interface ZoneOps {
  /** Millidegrees, or null if the sensor has nothing to say now (EAGAIN). */
  getTemp(zone: ThermalZone): number | null;
  /** A hot or critical trip is reached; default: critical logs a line. */
  hot?(zone: ThermalZone): void;
  critical?(zone: ThermalZone): void;
}

/** Tunables of a zone (`thermal_zone_params`); files read and write them, and answer EIO where a zone has none. */
export class ZoneParams {
  sustainablePower = 0;
  kPo = 0;
  kPu = 0;
  kI = 0;
  kD = 0;
  integralCutoff = 0;
  slope = 1;
  offset = 0;
}

export class ThermalZone {
  temperature: number = THERMAL_TEMP_INVALID;
  lastTemperature: number = THERMAL_TEMP_INVALID;
  /** Temperature that stands for the sensor's, 0 none (thermal emulation). */
  emulTemperature = 0;
  enabled = false;
  /** Instances of passive trips that ask for something: the zone is then polled at the passive delay. */
  passive = 0;
  readonly instances: ThermalInstance[] = [];
  /** What the governor keeps per zone; plain data. */
  governorData: unknown = null;
  /** Counts re-armings of the polling work; a work item of an older count does nothing. */
  pollSeq = 0;

  constructor(
    /** N of thermal_zoneN. */
    readonly id: number,
    readonly type: string,
    readonly trips: readonly Trip[],
    readonly ops: ZoneOps,
    readonly params: ZoneParams | null,
    /** Name of the governor in force. */
    public policy: string,
    /** ms; 0: not polled. */
    readonly passiveDelayMs: number,
    readonly pollingDelayMs: number,
    readonly devdata: unknown,
  ) {}

  get trend(): Trend {
    if (this.temperature > this.lastTemperature) return "raising";
    return this.temperature < this.lastTemperature ? "dropping" : "stable";
  }
}

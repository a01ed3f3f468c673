/**
 * thermalCore: cooling devices, zones and governors of a kernel (driver-api/thermal/sysfs-api).
 *
 *     const fan = thermal.registerCoolingDevice("fan", ops, null);
 *     const zone = thermal.registerZone({ type: "soc", trips: [{ type: "passive", temp: 60000 }], ops, ... });
 *     thermal.bind(zone, 0, fan);
 *     thermal.enable(zone);
 *     thermal.update(zone);                  // a new temperature: the sensor's interrupt, or the polling work
 *
 * Zones are polled by themselves at their polling delay (passive delay while a passive trip asks for cooling).
 */
import { type Core, type Ctx, EINVAL, EV_WORK, type Tracepoint, type Wait } from "@kernelkit/core";
import { CoolingDevice, type CoolingOps } from "./coolingDevice.js";
import { CoolingStats } from "./coolingStats.js";
import { bangBang } from "./governors/bangBang.js";
import { fairShare } from "./governors/fairShare.js";
import type { GovernorHost, ThermalGovernor, ThermalVersion } from "./governors/governor.js";
import { powerAllocator } from "./governors/powerAllocator.js";
import { stepWise } from "./governors/stepWise.js";
import { userSpace } from "./governors/userSpace.js";
import { THERMAL_NO_LIMIT, ThermalInstance } from "./thermalInstance.js";
import { ThermalZone, type ZoneOps, ZoneParams } from "./thermalZone.js";
import { Trip, type TripSpec } from "./trip.js";

export interface ZoneSpec {
  /** At most 19 characters. */
  readonly type: string;
  readonly trips?: readonly TripSpec[];
  readonly ops: ZoneOps;
  /** Give the zone tunables of its own (sustainable_power, k_*). */
  readonly params?: Partial<ZoneParams>;
  /** Default "step_wise". */
  readonly governor?: string;
  /** ms; 0 (default): not polled. */
  readonly passiveDelayMs?: number;
  readonly pollingDelayMs?: number;
  /** The sensor's plain data. */
  readonly devdata?: unknown;
}

/** Told of devices and zones as they come and go: the sysfs side. */
export interface ThermalListener {
  coolingDevice(cdev: CoolingDevice, added: boolean): void;
  zone(zone: ThermalZone, added: boolean): void;
  bound(zone: ThermalZone, instance: ThermalInstance, added: boolean): void;
}

const THERMAL_NAME_LENGTH = 20;

export class ThermalCore {
  static readonly transient: readonly string[] = ["k", "governors", "listener", "host", "hPoll", "version", "tp"];
  readonly coolingDevices: CoolingDevice[] = [];
  readonly zones: ThermalZone[] = [];
  /** A transition table was found too big, and that has been said (pr_warn_once). */
  transTableWarned = false;
  private nextCdev = 0;
  private nextZone = 0;

  /** In the order of `available_policies`: the last registered first. */
  readonly governors: ThermalGovernor[] = [];
  listener: ThermalListener | null = null;
  private readonly k: Core;
  private readonly host: GovernorHost;
  private readonly hPoll: number;
  private readonly tp: {
    readonly temperature: Tracepoint<[zone: ThermalZone]>;
    readonly cdevUpdate: Tracepoint<[cdev: CoolingDevice, target: number]>;
    readonly zoneTrip: Tracepoint<[zone: ThermalZone, trip: number]>;
    readonly pid: Tracepoint<[zone: ThermalZone, err: number, p: number, i: number, d: number, output: number]>;
  };

  constructor(
    k: Core,
    readonly version: ThermalVersion,
  ) {
    this.k = k;
    k.state.class(CoolingDevice, CoolingStats, ThermalZone, ThermalInstance, Trip, ZoneParams);
    this.hPoll = k.events.define("thermal.poll", (arg) => this.onPoll(arg as { zone: ThermalZone; seq: number }));
    this.tp = {
      temperature: k.trace.define(
        "thermal",
        "thermal_temperature",
        (z: ThermalZone) => `thermal_zone=${z.type} id=${z.id} temp_prev=${z.lastTemperature} temp=${z.temperature}`,
      ),
      cdevUpdate: k.trace.define(
        "thermal",
        "cdev_update",
        (c: CoolingDevice, target: number) => `type=${c.type} target=${target}`,
      ),
      zoneTrip: k.trace.define(
        "thermal",
        "thermal_zone_trip",
        (z: ThermalZone, trip: number) =>
          `thermal_zone=${z.type} id=${z.id} trip=${trip} trip_type=${z.trips[trip].type.toUpperCase()}`,
      ),
      pid: k.trace.define(
        "thermal_power_allocator",
        "thermal_power_allocator_pid",
        (z: ThermalZone, err: number, p: number, i: number, d: number, output: number) =>
          `thermal_zone_id=${z.id} err=${err} err_integral=${integralOf(z)} p=${p} i=${i} d=${d} output=${output}`,
      ),
    };
    this.host = {
      version,
      get nowNs() {
        return k.now;
      },
      updateDevice: (cdev) => this.updateDevice(cdev),
      warn: (text) => k.log(4, text),
      tracePid: (z, err, p, i, d, output) => {
        if (this.tp.pid.on) this.tp.pid.emit(z, err, p, i, d, output);
      },
    };
    for (const g of [fairShare, bangBang, stepWise, userSpace, powerAllocator]) this.registerGovernor(g);
  }

  /** A new policy; the newest stands first in `available_policies`. TypeError if the name is taken. */
  registerGovernor(g: ThermalGovernor): void {
    if (this.findGovernor(g.name) !== undefined)
      throw new TypeError(`thermal governor '${g.name}' is registered twice`);
    this.governors.unshift(g);
    this.k.state.static(`thermal.governor.${g.name}`, g);
  }

  /** By name, whatever its case. */
  findGovernor(name: string): ThermalGovernor | undefined {
    const wanted = name.toLowerCase();
    return this.governors.find((g) => g.name.toLowerCase() === wanted);
  }

  // --- cooling devices ---

  /**
   * thermal_cooling_device_register(). The ops table is a static under "thermal.cdev.TYPE". RangeError if max_state is not an
   * integer >= 0.
   */
  registerCoolingDevice(type: string, ops: CoolingOps, devdata: unknown = null, name: string = type): CoolingDevice {
    this.k.state.static(`thermal.cdev.${name}`, ops);
    const probe = new CoolingDevice(this.nextCdev, type, 0, ops, null, devdata);
    const max = ops.getMaxState(probe);
    if (!Number.isInteger(max) || max < 0)
      throw new RangeError(`cooling device '${type}': max_state must be an integer >= 0, not ${max}`);
    const cdev = new CoolingDevice(this.nextCdev++, type, max, ops, CoolingStats.create(max, this.k.now), devdata);
    this.coolingDevices.push(cdev);
    this.listener?.coolingDevice(cdev, true);
    return cdev;
  }

  /** The device goes: its bindings too. */
  unregisterCoolingDevice(cdev: CoolingDevice): void {
    for (const zone of this.zones) {
      for (const i of zone.instances.filter((x) => x.cdev === cdev)) this.unbind(zone, i);
    }
    remove(this.coolingDevices, cdev);
    this.listener?.coolingDevice(cdev, false);
  }

  /** Set a device to what its zones ask for, if one of them has changed its mind. A driver's refusal is ignored. */
  updateDevice(cdev: CoolingDevice): void {
    if (cdev.updated) return;
    const target = cdev.wantedState;
    if (this.tp.cdevUpdate.on) this.tp.cdevUpdate.emit(cdev, target);
    cdev.setState(target, this.k.now);
    cdev.updated = true;
  }

  /** A write to `cur_state`: 0, WAIT, or an errno. EINVAL above max_state. */
  setCurState(cdev: CoolingDevice, state: number, c?: Ctx): number | Wait {
    return state < 0 || state > cdev.maxState ? EINVAL : cdev.setState(state, this.k.now, c);
  }

  // --- zones ---

  /** thermal_zone_device_register(); the zone is disabled until `enable`. TypeError for an unknown governor. */
  registerZone(spec: ZoneSpec): ThermalZone {
    const policy = spec.governor ?? "step_wise";
    const governor = this.findGovernor(policy);
    if (governor === undefined)
      throw new TypeError(`governor '${policy}' is unknown; there are ${this.governors.map((g) => g.name).join(", ")}`);
    if (spec.type.length === 0 || spec.type.length >= THERMAL_NAME_LENGTH)
      throw new RangeError(`zone type must have 1..${THERMAL_NAME_LENGTH - 1} characters: '${spec.type}'`);
    this.k.state.static(`thermal.zone.${spec.type}`, spec.ops);
    const trips = (spec.trips ?? []).map(
      (t) =>
        new Trip(
          t.type,
          millidegrees(spec.type, t.temp),
          t.hyst ?? 0,
          t.writableTemp ?? false,
          t.writableHyst ?? false,
        ),
    );
    const params = spec.params === undefined ? null : Object.assign(new ZoneParams(), spec.params);
    const zone = new ThermalZone(
      this.nextZone++,
      spec.type,
      trips,
      spec.ops,
      params,
      governor.name,
      spec.passiveDelayMs ?? 0,
      spec.pollingDelayMs ?? 0,
      spec.devdata ?? null,
    );
    this.zones.push(zone);
    this.listener?.zone(zone, true);
    governor.bindToZone?.(zone, this.host);
    return zone;
  }

  unregisterZone(zone: ThermalZone): void {
    zone.enabled = false;
    zone.pollSeq++;
    for (const i of [...zone.instances]) this.unbind(zone, i);
    remove(this.zones, zone);
    this.listener?.zone(zone, false);
  }

  /**
   * Bind a device to a trip. Limits default to 0 and max_state (THERMAL_NO_LIMIT). Null, with EINVAL in Linux, for a trip
   * outside the zone, or limits that are not 0 <= lower <= upper <= max_state.
   */
  bind(
    zone: ThermalZone,
    trip: number,
    cdev: CoolingDevice,
    lower: number = THERMAL_NO_LIMIT,
    upper: number = THERMAL_NO_LIMIT,
    weight = 0,
  ): ThermalInstance | null {
    const low = lower === THERMAL_NO_LIMIT ? 0 : lower;
    const high = upper === THERMAL_NO_LIMIT ? cdev.maxState : upper;
    if (zone.trips[trip] === undefined || low < 0 || low > high || high > cdev.maxState) return null;
    if (zone.instances.some((i) => i.cdev === cdev && i.trip === trip)) return null;
    let index = 0;
    while (zone.instances.some((i) => i.index === index)) index++;
    const instance = new ThermalInstance(index, cdev, trip, low, high, weight);
    zone.instances.push(instance);
    cdev.instances.push(instance);
    this.listener?.bound(zone, instance, true);
    return instance;
  }

  private unbind(zone: ThermalZone, i: ThermalInstance): void {
    remove(zone.instances, i);
    remove(i.cdev.instances, i);
    this.listener?.bound(zone, i, false);
    if (i.target !== -1) {
      i.cdev.updated = false;
      this.updateDevice(i.cdev);
    }
  }

  /** `mode`: "enabled" begins with an update. */
  enable(zone: ThermalZone, on = true): void {
    if (zone.enabled === on) return;
    zone.enabled = on;
    zone.pollSeq++;
    if (on) this.update(zone);
  }

  /** Change the policy: 0, or EINVAL for an unknown governor or one that refuses the zone (the old one stays). */
  setPolicy(zone: ThermalZone, name: string): number {
    const governor = this.findGovernor(name);
    if (governor === undefined) return EINVAL;
    const old = this.findGovernor(zone.policy);
    const data = zone.governorData;
    old?.unbindFromZone?.(zone);
    const e = governor.bindToZone?.(zone, this.host) ?? 0;
    if (e !== 0) {
      zone.governorData = data;
      return e;
    }
    zone.policy = governor.name;
    return 0;
  }

  /** thermal_zone_device_update(): read the sensor, look at the trips, let the governor act, arm the next poll. */
  update(zone: ThermalZone): void {
    if (!zone.enabled) return;
    const t = zone.emulTemperature !== 0 ? zone.emulTemperature : zone.ops.getTemp(zone);
    if (t !== null) {
      zone.lastTemperature = zone.temperature;
      zone.temperature = millidegrees(zone.type, t);
      if (this.tp.temperature.on) this.tp.temperature.emit(zone);
      this.handleTrips(zone);
      this.findGovernor(zone.policy)?.manage(zone, this.host);
    }
    this.armPoll(zone);
  }

  private handleTrips(zone: ThermalZone): void {
    for (let i = 0; i < zone.trips.length; i++) {
      const trip = zone.trips[i];
      const crossed = trip.cross(zone.temperature);
      if (trip.reached && this.tp.zoneTrip.on) this.tp.zoneTrip.emit(zone, i);
      if (crossed !== "up") continue;
      if (trip.type === "critical") {
        if (zone.ops.critical !== undefined) zone.ops.critical(zone);
        else this.k.log(0, `thermal thermal_zone${zone.id}: ${zone.type}: critical temperature reached, shutting down`);
      } else if (trip.type === "hot") zone.ops.hot?.(zone);
    }
  }

  private armPoll(zone: ThermalZone): void {
    const ms = zone.passive > 0 && zone.passiveDelayMs > 0 ? zone.passiveDelayMs : zone.pollingDelayMs;
    zone.pollSeq++;
    if (ms > 0) this.k.events.at(this.k.now + ms * 1e6, EV_WORK, this.hPoll, { zone, seq: zone.pollSeq });
  }

  private onPoll({ zone, seq }: { zone: ThermalZone; seq: number }): void {
    if (zone.pollSeq === seq) this.update(zone);
  }
}

function integralOf(z: ThermalZone): number {
  return (z.governorData as { errIntegral?: number } | null)?.errIntegral ?? 0;
}

function millidegrees(zone: string, t: number): number {
  if (!Number.isFinite(t))
    throw new RangeError(`thermal zone '${zone}': a temperature must be finite millidegrees, not ${t}`);
  return Math.trunc(t);
}

function remove<T>(list: T[], item: T): void {
  const i = list.indexOf(item);
  if (i >= 0) list.splice(i, 1);
}

/**
 * power_allocator: a PID controller computes a power budget that holds the control temperature; the budget is shared among
 * the zone's power actors (driver-api/thermal/power_allocator, drivers/thermal/gov_power_allocator.c).
 *
 * Below the *switch-on* trip (the first passive one, if there are two) everybody may use the maximum. The *control* trip is
 * the last passive one, else the last active one. A zone with a device that is no power actor refuses it (EINVAL).
 */
import { EINVAL } from "@kernelkit/core";
import type { ThermalInstance } from "../thermalInstance.js";
import { type ThermalZone, ZoneParams } from "../thermalZone.js";
import { divvyUpPower } from "./divvyUpPower.js";
import type { GovernorHost, ThermalGovernor } from "./governor.js";
import { estimatePidGains, type PidState, pidController } from "./powerAllocatorPid.js";

/** Plain data the governor keeps in the zone. Trips by index, -1: none. */
interface AllocatorData extends PidState {
  readonly switchOn: number;
  readonly control: number;
  /** Parameters for a zone that has none of its own. */
  readonly own: ZoneParams;
}

function chooseTrips(zone: ThermalZone): { switchOn: number; control: number } {
  const passive = zone.trips.flatMap((t, i) => (t.type === "passive" ? [i] : []));
  const active = zone.trips.flatMap((t, i) => (t.type === "active" ? [i] : []));
  if (passive.length > 1) return { switchOn: passive[0], control: passive[passive.length - 1] };
  if (passive.length === 1) return { switchOn: -1, control: passive[0] };
  return { switchOn: -1, control: active.length > 0 ? active[active.length - 1] : -1 };
}

const isActor = (i: ThermalInstance): boolean => i.cdev.ops.power !== undefined;

export const powerAllocator: ThermalGovernor = {
  name: "power_allocator",

  bindToZone(zone: ThermalZone, host: GovernorHost): number {
    const stranger = zone.instances.find((i) => !isActor(i));
    if (stranger !== undefined) {
      host.warn(`thermal thermal_zone${zone.id}: power_allocator_bind: ${stranger.cdev.type} is not a power actor`);
      return EINVAL;
    }
    const trips = chooseTrips(zone);
    const data: AllocatorData = { ...trips, errIntegral: 0, prevErr: 0, own: new ZoneParams() };
    const params = zone.params ?? data.own;
    if (trips.control >= 0) {
      const controlTemp = zone.trips[trips.control].temp;
      const switchOnTemp = trips.switchOn < 0 ? 0 : zone.trips[trips.switchOn].temp;
      const g = estimatePidGains(sustainablePower(zone, params, trips.control), switchOnTemp, controlTemp);
      if (params.kPo === 0) params.kPo = g.kPo;
      if (params.kPu === 0) params.kPu = g.kPu;
      if (params.kI === 0) params.kI = g.kI;
    }
    zone.governorData = data;
    return 0;
  },

  unbindFromZone(zone: ThermalZone): void {
    zone.governorData = null;
  },

  manage(zone: ThermalZone, host: GovernorHost): void {
    const data = zone.governorData as AllocatorData;
    if (data.control < 0) return;
    const actors = zone.instances.filter((i) => i.trip === data.control && isActor(i));
    if (data.switchOn >= 0 && zone.temperature < zone.trips[data.switchOn].temp) {
      data.errIntegral = 0;
      data.prevErr = 0;
      zone.passive = 0;
      for (const i of actors) grant(i, i.lower, host);
      return;
    }
    zone.passive = 1;
    allocate(zone, data, actors, host);
  },
};

function sustainablePower(zone: ThermalZone, params: ZoneParams, control: number): number {
  if (params.sustainablePower !== 0) return params.sustainablePower;
  let sum = 0;
  for (const i of zone.instances) {
    if (i.trip === control) sum += i.cdev.ops.power?.state2power(i.cdev, i.upper) ?? 0;
  }
  return sum;
}

function allocate(
  zone: ThermalZone,
  data: AllocatorData,
  actors: readonly ThermalInstance[],
  host: GovernorHost,
): void {
  const params = zone.params ?? data.own;
  const weights = actors.reduce((sum, i) => sum + i.weight, 0);
  const asks = actors.map((i) => {
    const power = i.cdev.ops.power as NonNullable<typeof i.cdev.ops.power>;
    const req = power.getRequestedPower(i.cdev);
    return {
      requested: weights === 0 ? req : Math.floor((i.weight * req) / 1024),
      max: power.state2power(i.cdev, i.lower),
    };
  });
  const max = asks.reduce((sum, a) => sum + a.max, 0);
  const gains = { ...params, sustainablePower: sustainablePower(zone, params, data.control) };
  const control = zone.trips[data.control].temp;
  const step = pidController(gains, data, zone.temperature, control, zone.passiveDelayMs, max);
  host.tracePid(zone, step.err, step.p, step.i, step.d, step.output);
  const granted = divvyUpPower(asks, step.output);
  actors.forEach((i, k) => {
    grant(i, i.cdev.ops.power?.power2state(i.cdev, granted[k]) ?? 0, host);
  });
}

function grant(i: ThermalInstance, state: number, host: GovernorHost): void {
  i.target = Math.min(Math.max(state, i.lower), i.upper);
  i.initialized = true;
  i.cdev.updated = false;
  host.updateDevice(i.cdev);
}

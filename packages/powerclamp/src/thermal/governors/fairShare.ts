/**
 * fair_share: each device works in proportion to its weight and to how many trips have been passed
 * (drivers/thermal/gov_fair_share.c): state = max_state * passed/trips * weight/sum of weights. Without weights all share alike.
 */
import type { ThermalZone } from "../thermalZone.js";
import type { GovernorHost, ThermalGovernor } from "./governor.js";

/** Trips that the temperature has passed (6.18: and not yet left). Trips are in rising order. */
function tripLevel(zone: ThermalZone, host: GovernorHost): number {
  let level = 0;
  for (const trip of zone.trips) {
    if (host.version === "6.1" ? zone.temperature > trip.temp : trip.reached) level++;
    else if (host.version === "6.1") break;
  }
  return level;
}

export const fairShare: ThermalGovernor = {
  name: "fair_share",
  manage(zone: ThermalZone, host: GovernorHost): void {
    const level = tripLevel(zone, host);
    for (let t = 0; t < zone.trips.length; t++) {
      if (!zone.trips[t].governed) continue;
      const bound = zone.instances.filter((i) => i.trip === t);
      const weights = bound.reduce((sum, i) => sum + i.weight, 0);
      for (const i of bound) {
        const share = weights === 0 ? 1 / bound.length : i.weight / weights;
        i.target = Math.floor((level * i.cdev.maxState * share) / zone.trips.length);
        i.initialized = true;
        i.cdev.updated = false;
      }
      for (const i of bound) host.updateDevice(i.cdev);
    }
  },
};

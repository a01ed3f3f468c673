/**
 * bang_bang: on at the trip, off below trip - hysteresis; for fans that know only two states
 * (drivers/thermal/gov_bang_bang.c).
 *
 * 6.1 switches off at or below trip - hysteresis; 6.18 follows the trip's threshold: strictly below.
 */
import type { ThermalZone } from "../thermalZone.js";
import type { GovernorHost, ThermalGovernor } from "./governor.js";

export const bangBang: ThermalGovernor = {
  name: "bang_bang",
  manage(zone: ThermalZone, host: GovernorHost): void {
    for (const i of zone.instances) {
      const trip = zone.trips[i.trip];
      if (!trip.governed || !trip.valid) continue;
      let target = i.target > 0 ? 1 : 0;
      if (host.version === "6.1") {
        if (target === 0 && zone.temperature >= trip.temp) target = 1;
        else if (target === 1 && zone.temperature <= trip.temp - trip.hyst) target = 0;
      } else target = trip.reached ? 1 : 0;
      if (i.initialized && target === i.target) continue;
      i.target = target;
      i.initialized = true;
      i.cdev.updated = false;
    }
    for (const i of zone.instances) host.updateDevice(i.cdev);
  },
};

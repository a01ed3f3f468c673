/**
 * modelZones: the zones of the modelled machine: `x86_pkg_temp` for each package's die (whole degrees, as its sensor has them), and
 * `skin` for the outside of the first package where the thermal model has a slow stage. The die has two trips that are not set
 * until a daemon writes them; nothing is bound to either zone.
 */
import type { Core } from "@kernelkit/core";
import type { PowerMachine } from "../power/powerMachine.js";
import type { ThermalCore } from "./thermalCore.js";
import type { ZoneOps } from "./thermalZone.js";
import { THERMAL_TEMP_INVALID, type TripSpec } from "./trip.js";

/** A threshold of the die's sensor that nobody has set. */
const UNSET: TripSpec = { type: "passive", temp: THERMAL_TEMP_INVALID, writableTemp: true };

export class ModelZones {
  private readonly die: ZoneOps;
  private readonly skin: ZoneOps;

  constructor(
    k: Core,
    private readonly machine: PowerMachine,
    private readonly thermal: ThermalCore,
  ) {
    this.die = {
      getTemp: (z) => Math.floor(machine.dieCelsius((z.devdata as { pkg: number }).pkg, k.now)) * 1000,
    };
    this.skin = { getTemp: () => Math.floor(machine.skinCelsius(0, k.now) * 10) * 100 };
    k.state.static("thermal.zone.x86_pkg_temp", this.die);
    k.state.static("thermal.zone.skin", this.skin);
  }

  /** Make them. */
  boot(): void {
    const { machine, thermal } = this;
    for (let pkg = 0; pkg < machine.nrPackages; pkg++)
      thermal.enable(
        thermal.registerZone({
          type: "x86_pkg_temp",
          ops: this.die,
          trips: [UNSET, UNSET],
          params: {},
          devdata: { pkg },
        }),
      );
    if (machine.packages[0].rc.rise.length > 1) thermal.enable(thermal.registerZone({ type: "skin", ops: this.skin }));
  }
}

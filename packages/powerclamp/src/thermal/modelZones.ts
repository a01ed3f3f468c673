/**
 * modelZones: the zones of the modelled machine: `x86_pkg_temp` for each package's die (whole degrees, as its sensor has them), and
 * `skin` for the outside of the first package where the thermal model has a slow stage. No trips, and nobody governs them: they
 * are for daemons.
 */
import type { Core } from "@kernelkit/core";
import type { PowerMachine } from "../power/powerMachine.js";
import type { ThermalCore } from "./thermalCore.js";
import type { ZoneOps } from "./thermalZone.js";

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
        thermal.registerZone({ type: "x86_pkg_temp", ops: this.die, governor: "user_space", devdata: { pkg } }),
      );
    if (machine.packages[0].rc.rise.length > 1)
      thermal.enable(thermal.registerZone({ type: "skin", ops: this.skin, governor: "user_space" }));
  }
}

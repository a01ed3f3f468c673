/**
 * api: `kernel.powerclamp` - the in-kernel interface under Linux's names in camelCase, and views of the hardware model. What
 * user space does goes through the files (see README).
 */
import type { Core, Task } from "@kernelkit/core";
import { errnoOfCall, MODULE_NAME } from "./clamp/clampModule.js";
import type { ClampState } from "./clamp/clampState.js";
import type { PkgCounters } from "./clamp/pkgCounters.js";
import type { PowerclampDriver } from "./clamp/powerclampDriver.js";
import type { CpuidleDriver } from "./cpuidle/cpuidleDriver.js";
import type { IdleInject, IdleInjectDevice, IdleInjectUpdate } from "./idleInject/idleInject.js";
import type { PlayIdle } from "./idleInject/playIdle.js";
import type { SchedAvg } from "./pelt/pelt.js";
import type { PeltMeter } from "./pelt/peltMeter.js";
import type { PowerLimits } from "./power/powerLimit.js";
import type { PowerMachine } from "./power/powerMachine.js";
import type { RaplCounters } from "./power/raplCounters.js";
import { type TurbostatSample, turbostatSample } from "./power/turbostat.js";
import type { CoolingDevice, CoolingOps } from "./thermal/coolingDevice.js";
import type { ThermalGovernor } from "./thermal/governors/governor.js";
import type { ModelZones } from "./thermal/modelZones.js";
import type { ThermalCore, ZoneSpec } from "./thermal/thermalCore.js";
import type { ThermalInstance } from "./thermal/thermalInstance.js";
import type { ThermalZone } from "./thermal/thermalZone.js";

/** What the parts of the package offer each other; made once per kernel. */
export interface PowerclampParts {
  readonly k: Core;
  readonly machine: PowerMachine;
  readonly rapl: RaplCounters;
  readonly play: PlayIdle;
  readonly idleInject: IdleInject;
  readonly cpuidle: CpuidleDriver;
  readonly thermal: ThermalCore;
  readonly driver: PowerclampDriver;
  readonly counters: PkgCounters;
  readonly meter: PeltMeter | null;
  readonly limits: PowerLimits;
  readonly zones: ModelZones;
}

export class PowerclampApi {
  constructor(private readonly p: PowerclampParts) {}

  // --- the module ---

  /** Load intel_powerclamp with parameters ("duration=8"): 0, or a negative errno (ENODEV, EINVAL, EEXIST). */
  modprobe(params = ""): number {
    const words = params.split(/\s+/).filter((w) => w !== "");
    return errnoOfCall(() => this.p.k.tasks.modules.load(MODULE_NAME, words));
  }
  /** Unload it, stopping whatever goes on: 0, or -ENOENT if it is not loaded. */
  rmmod(): number {
    return errnoOfCall(() => this.p.k.tasks.modules.unload(MODULE_NAME));
  }
  /** The driver's living state, null while it is not loaded. For views; change it through the files. */
  get state(): ClampState | null {
    return this.p.driver.s;
  }
  /** Its cooling device, null while it is not loaded. */
  get coolingDevice(): CoolingDevice | null {
    return this.p.thermal.coolingDevices.find((c) => c.type === "intel_powerclamp") ?? null;
  }

  // --- idle injection ---

  /** Injections begun and finished, per CPU: columns and an observer (`started.tap`). */
  get playIdle(): PlayIdle {
    return this.p.play;
  }
  /** idle_inject_register(): a device over a CPU mask (32-bit words), null if a CPU has one already. */
  idleInjectRegister(mask: Uint32Array): IdleInjectDevice | null {
    return this.p.idleInject.register(mask);
  }
  /** idle_inject_register_full(): with a callback that may skip an injection (a named static without state of its own). */
  idleInjectRegisterFull(mask: Uint32Array, update: IdleInjectUpdate, data: unknown = null): IdleInjectDevice | null {
    return this.p.idleInject.register(mask, update, data);
  }
  idleInjectUnregister(dev: IdleInjectDevice): void {
    this.p.idleInject.unregister(dev);
  }
  /** µs; both 0 is ignored. */
  idleInjectSetDuration(dev: IdleInjectDevice, runUs: number, idleUs: number): void {
    this.p.idleInject.setDuration(dev, runUs, idleUs);
  }
  idleInjectGetDuration(dev: IdleInjectDevice): { runUs: number; idleUs: number } {
    return { runUs: dev.runDurationUs, idleUs: dev.idleDurationUs };
  }
  idleInjectSetLatency(dev: IdleInjectDevice, latencyUs: number): void {
    this.p.idleInject.setLatency(dev, latencyUs);
  }
  /** 0, or -EINVAL without durations. The first injection begins now. */
  idleInjectStart(dev: IdleInjectDevice): number {
    return 0 - this.p.idleInject.start(dev);
  }
  /** Stop and wait for running injections to end, driving virtual time; how long that took, µs. */
  idleInjectStop(dev: IdleInjectDevice): number {
    const { idleInject, k } = this.p;
    const start = k.now;
    idleInject.stop(dev);
    k.runUntil(() => !idleInject.running(dev));
    return Math.round((k.now - start) / 1000);
  }

  // --- thermal ---

  /** The thermal core with all zones, devices and governors. */
  get thermal(): ThermalCore {
    return this.p.thermal;
  }
  /** thermal_cooling_device_register(); `ops` is a static, `devdata` plain data. */
  thermalCoolingDeviceRegister(type: string, ops: CoolingOps, devdata: unknown = null): CoolingDevice {
    return this.p.thermal.registerCoolingDevice(type, ops, devdata);
  }
  thermalCoolingDeviceUnregister(cdev: CoolingDevice): void {
    this.p.thermal.unregisterCoolingDevice(cdev);
  }
  /** thermal_zone_device_register(); disabled until `thermalZoneDeviceEnable`. */
  thermalZoneDeviceRegister(spec: ZoneSpec): ThermalZone {
    return this.p.thermal.registerZone(spec);
  }
  thermalZoneDeviceUnregister(zone: ThermalZone): void {
    this.p.thermal.unregisterZone(zone);
  }
  thermalZoneDeviceEnable(zone: ThermalZone): void {
    this.p.thermal.enable(zone);
  }
  thermalZoneDeviceUpdate(zone: ThermalZone): void {
    this.p.thermal.update(zone);
  }
  /** Bind; null (EINVAL in Linux) for bad limits or a trip outside the zone. */
  thermalZoneBindCoolingDevice(
    zone: ThermalZone,
    trip: number,
    cdev: CoolingDevice,
    lower?: number,
    upper?: number,
    weight?: number,
  ): ThermalInstance | null {
    return this.p.thermal.bind(zone, trip, cdev, lower, upper, weight);
  }
  thermalRegisterGovernor(g: ThermalGovernor): void {
    this.p.thermal.registerGovernor(g);
  }

  // --- the hardware ---

  /** C-states, packages, energy, temperature. */
  get machine(): PowerMachine {
    return this.p.machine;
  }
  get rapl(): RaplCounters {
    return this.p.rapl;
  }
  /** The package counters the driver reads; `setRate` takes them in hand. */
  get counters(): PkgCounters {
    return this.p.counters;
  }
  /** Readings for `turbostatReport`. */
  turbostat(): TurbostatSample {
    const { k, machine, rapl } = this.p;
    return turbostatSample(machine, rapl, k.now, k.options.machine.tscHz);
  }

  // --- load ---

  /** PELT of tasks and CPUs; null with `pelt: false`. */
  get pelt(): PeltMeter | null {
    return this.p.meter;
  }
  /** A task's averages now. TypeError with `pelt: false`. */
  schedAvg(t: Task): SchedAvg {
    if (this.p.meter === null) throw new TypeError("powerclamp: load is not tracked (pelt: false)");
    return this.p.meter.taskAt(t);
  }
}

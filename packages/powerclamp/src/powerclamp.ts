/**
 * powerclamp: the package as a feature.
 *
 *     const kernel = createKernel({ machine: { cpus: 4, hz: 1000 } }).use(powerclamp({ driver: "6.1" })).boot();
 *     kernel.powerclamp.modprobe();
 *     sys.write(open("/sys/class/thermal/cooling_device0/cur_state"), "25");
 *     kernel.run("10s");
 *
 * It brings idle states and their power to the kernel's CPUs, the idle injection framework, the thermal core, powercap's RAPL
 * zones and PELT; the module intel_powerclamp on top is loaded by `modprobe`.
 */
import { type Core, coreInstance, type Feature, type SysBase } from "@kernelkit/core";
import { clockModulationOps } from "./actuators/clockModulation.js";
import { cpufreqCoolingOps } from "./actuators/cpufreqCooling.js";
import { type CpuidleCooling, cpuidleCoolingOps } from "./actuators/cpuidleCooling.js";
import { cpuOfflineOps } from "./actuators/cpuOffline.js";
import { PowerclampApi, type PowerclampParts } from "./api.js";
import { CalibrationTable } from "./clamp/calibration.js";
import { ClampHost } from "./clamp/clampHost.js";
import { calibFile, clampModule, MODULE_NAME } from "./clamp/clampModule.js";
import { ClampState, ClampWorker } from "./clamp/clampState.js";
import { driverDesigns } from "./clamp/driverDesign.js";
import { PkgCounters } from "./clamp/pkgCounters.js";
import { RatioSampler } from "./clamp/pkgRatio.js";
import { PowerclampDriver } from "./clamp/powerclampDriver.js";
import { CpuidleDriver, statesFor } from "./cpuidle/cpuidleDriver.js";
import { installCpuidleSysfs } from "./cpuidle/cpuidleSysfs.js";
import { IdleInject } from "./idleInject/idleInject.js";
import { PlayIdle } from "./idleInject/playIdle.js";
import { type PowerclampOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import { installPacking } from "./pelt/packing.js";
import { PeltMeter } from "./pelt/peltMeter.js";
import { PackagePower } from "./power/packagePower.js";
import { installPowercapSysfs } from "./power/powercapSysfs.js";
import { PowerLimits } from "./power/powerLimit.js";
import { PowerMachine } from "./power/powerMachine.js";
import { PowerModel } from "./power/powerModel.js";
import { RaplCounters } from "./power/raplCounters.js";
import { ThermalRc } from "./power/thermalRc.js";
import { SleepLock } from "./sleepLock.js";
import { ModelZones } from "./thermal/modelZones.js";
import { ThermalCore } from "./thermal/thermalCore.js";
import { installThermalSysfs } from "./thermal/thermalSysfs.js";

/** The feature. TypeError or RangeError for a bad option, naming it. */
export function powerclamp(options: PowerclampOptions = {}): Feature<"powerclamp", PowerclampApi, SysBase> {
  const o = resolveOptions(options);
  return {
    name: "powerclamp",
    core: coreInstance,
    install(k: Core) {
      const parts = makeParts(k, o);
      return {
        api: new PowerclampApi(parts),
        boot() {
          parts.cpuidle.boot();
          parts.zones.boot();
          if (o.driver === "6.3") parts.idleInject.boot();
          if (o.autoload) k.tasks.modules.load(MODULE_NAME);
        },
      };
    },
  };
}

function makeParts(k: Core, o: ResolvedOptions): PowerclampParts {
  const { state } = k;
  state.class(PackagePower, ThermalRc, ClampState, ClampWorker, CalibrationTable, RatioSampler, SleepLock);
  const machine = new PowerMachine({
    cpus: k.cpus.nr,
    packages: o.packages,
    states: statesFor(k, o.cstates),
    model: new PowerModel(o.power),
    thermal: o.rc,
  });
  const play = new PlayIdle(k);
  const idleInject = new IdleInject(k, play);
  const counters = new PkgCounters(k, machine);
  const thermal = new ThermalCore(k, o.thermal);
  const host = new ClampHost(
    k,
    driverDesigns[o.driver],
    o.compensation,
    o.injection,
    o.packages,
    play,
    idleInject,
    counters,
  );
  const driver = new PowerclampDriver(host, { mwait: o.mwait, packageCstates: o.packageCstates });
  const meter = o.pelt ? new PeltMeter(k) : null;
  if (o.packing && meter !== null) installPacking(k, meter, machine.cpuPkg);
  const parts: PowerclampParts = {
    k,
    machine,
    rapl: new RaplCounters(machine, o.raplUnits),
    play,
    idleInject,
    cpuidle: new CpuidleDriver(k, machine, play),
    thermal,
    driver,
    counters,
    meter,
    limits: new PowerLimits(k, machine),
    zones: new ModelZones(k, machine, thermal),
  };
  state.root("powerclamp.machine", machine);
  state.root("powerclamp.playIdle", play);
  state.root("powerclamp.idleInject", idleInject);
  state.root("powerclamp.counters", counters);
  state.root("powerclamp.thermal", thermal);
  state.root("powerclamp.driver", driver);
  state.root("powerclamp.cpuidle", parts.cpuidle);
  if (meter !== null) state.root("powerclamp.pelt", meter);
  state.root("powerclamp.limits", parts.limits);
  installFiles(parts, o);
  addActuators(parts, o);
  return parts;
}

/** Files, where the kernel has file systems; the module in any case. */
function installFiles(p: PowerclampParts, o: ResolvedOptions): void {
  const { k } = p;
  const file = calibFile(driverDesigns[o.driver]);
  k.state.static("debugfs:powerclamp_calib", file);
  const { sysfs, debugfs, proc } = k;
  const { meter } = p;
  if (proc !== undefined && meter !== null) proc.peltSched = (t) => meter.schedLines(t);
  if (sysfs !== undefined) {
    installThermalSysfs(sysfs, p.thermal, o.emulation);
    installPowercapSysfs(sysfs, p.rapl, p.limits);
    installCpuidleSysfs(sysfs, k, p.cpuidle);
  }
  const calib =
    debugfs === undefined
      ? null
      : {
          add: (s: ClampState) => debugfs.file("intel_powerclamp/powerclamp_calib", file, { owner: s }),
          remove() {
            const node = debugfs.find("intel_powerclamp");
            if (node !== null) debugfs.remove(node);
          },
        };
  k.tasks.modules.register(clampModule(p.driver, p.thermal, o.maxIdleZero, calib));
}

function addActuators(p: PowerclampParts, o: ResolvedOptions): void {
  for (const a of o.actuators) {
    if (a === "cpuidle") {
      const ops = cpuidleCoolingOps(p.idleInject);
      for (let cpu = 0; cpu < p.k.cpus.nr; cpu++) {
        const mask = new Uint32Array((p.k.cpus.nr + 31) >> 5);
        mask[cpu >> 5] = (1 << (cpu & 31)) >>> 0;
        const device = p.idleInject.register(mask);
        if (device === null) continue;
        p.thermal.registerCoolingDevice(
          `idle-cpu${cpu}`,
          ops,
          { device, state: 0 } satisfies CpuidleCooling,
          "cpuidle",
        );
      }
      continue;
    }
    if (a === "cpu-offline") {
      p.thermal.registerCoolingDevice("cpu-offline", cpuOfflineOps(p.k), null, a);
      continue;
    }
    const ops = a === "cpufreq" ? cpufreqCoolingOps(p.k, p.machine) : clockModulationOps(p.k, p.machine);
    for (let pkg = 0; pkg < p.machine.nrPackages; pkg++) {
      const type = a === "cpufreq" ? `cpufreq-cpu${p.machine.cpuPkg.indexOf(pkg)}` : "Processor";
      p.thermal.registerCoolingDevice(type, ops, { pkg }, a);
    }
  }
}

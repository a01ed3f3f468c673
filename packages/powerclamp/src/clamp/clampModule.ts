/**
 * clampModule: the module as the kernel loads it - parameters below /sys/module/intel_powerclamp/parameters, the cooling device,
 * the calibration table in debugfs.
 */
import {
  Errno,
  fail,
  formatMask,
  type Knode,
  type ModuleDef,
  type ModuleParam,
  type PseudoFile,
} from "@kernelkit/core";
import type { ThermalCore } from "../thermal/thermalCore.js";
import type { ClampState } from "./clampState.js";
import type { DriverDesign } from "./driverDesign.js";
import { isFullMask, type ParamWrite, writeCpumask, writeDuration, writeMaxIdle, writeWindowSize } from "./params.js";
import type { PowerclampDriver } from "./powerclampDriver.js";

export const MODULE_NAME = "intel_powerclamp";

/** The table as debugfs shows it. */
export function calibrationText(design: DriverDesign, s: ClampState): string {
  let text = design.showsControlCpu ? `controlling cpu: ${s.controlCpu}\n` : "";
  text += "pct confidence steady dynamic (compensation)\n";
  for (let pct = 0; pct < s.table.rows; pct++)
    text += `${pct}\t${s.table.confidence[pct]}\t${s.table.steady[pct]}\t0\n`;
  return text;
}

/** `powerclamp_calib`; its owner is the driver's state, so a file left open over a reload shows the old table. */
export function calibFile(design: DriverDesign): PseudoFile<ClampState> {
  return { mode: 0o444, show: (_c, s) => calibrationText(design, s) };
}

function parameters(driver: PowerclampDriver, maxIdleZero: boolean): Record<string, ModuleParam> {
  const { design, k } = driver.host;
  /** Apply a write; a value that comes with an errno is kept all the same. */
  const apply = <T>(w: ParamWrite<T>, keep: (s: ClampState, value: T) => void): void => {
    if (w.message !== undefined) driver.host.log(3, w.message);
    if (w.value !== undefined) keep(driver.memory(), w.value);
    if (w.errno === 0) return;
    driver.forget();
    fail(w.errno);
  };
  const params: Record<string, ModuleParam> = {
    duration: {
      mode: 0o644,
      get: () => String(driver.memory().durationMs),
      set: (text) =>
        apply(writeDuration(design, text), (s, ms) => {
          s.durationUs = ms * 1000;
        }),
    },
    window_size: {
      mode: 0o644,
      get: () => String(driver.memory().windowSize),
      set: (text) =>
        apply(writeWindowSize(text), (s, n) => {
          s.windowSize = n;
        }),
    },
  };
  if (design.alignment !== "timer") return params;
  params.cpumask = {
    mode: 0o644,
    get: () => formatMask(driver.memory().cpumask, k.cpus.nr),
    set(text) {
      const s = driver.memory();
      apply(writeCpumask(text, s.clamping, k.cpus.present, s.maxIdle), (m, mask) => {
        m.cpumask = mask;
      });
    },
  };
  params.max_idle = {
    mode: 0o644,
    get: () => String(driver.memory().maxIdle),
    set(text) {
      const s = driver.memory();
      const full = isFullMask(s.cpumask, k.cpus.present);
      apply(writeMaxIdle(text, s.clamping, full, !maxIdleZero), (m, v) => {
        m.maxIdle = v;
      });
    },
  };
  return params;
}

/** The module's definition. `calib` makes and removes the file in debugfs; null where there is none. */
export function clampModule(
  driver: PowerclampDriver,
  thermal: ThermalCore,
  maxIdleZero: boolean,
  calib: { add(s: ClampState): Knode; remove(): void } | null,
): ModuleDef {
  return {
    name: MODULE_NAME,
    params: parameters(driver, maxIdleZero),
    init() {
      const e = driver.load();
      if (e !== 0) return fail(e);
      thermal.registerCoolingDevice(MODULE_NAME, driver.ops);
      if (driver.s !== null) calib?.add(driver.s);
      return undefined;
    },
    exit() {
      const cdev = thermal.coolingDevices.find((d) => d.ops === driver.ops);
      calib?.remove();
      driver.unload();
      if (cdev !== undefined) thermal.unregisterCoolingDevice(cdev);
    },
  };
}

/** Run `f`: 0, or the negative errno it failed with. */
export function errnoOfCall(f: () => void): number {
  try {
    f();
    return 0;
  } catch (e) {
    if (e instanceof Errno) return -e.nr;
    throw e;
  }
}

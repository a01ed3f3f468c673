/**
 * options: what `powerclamp()` can be given. Every default is what Linux 6.18 does.
 */

import type { Injection } from "./clamp/clampHost.js";
import { type DriverVersion, driverDesigns } from "./clamp/driverDesign.js";
import type { Compensation } from "./clamp/feedback.js";
import { type CState, type CStateTableName, cstateTables } from "./cpuidle/cstateTables.js";
import type { PowerModelOptions } from "./power/powerModel.js";
import type { RaplUnits } from "./power/rapl.js";
import type { ThermalRcOptions } from "./power/thermalRc.js";
import type { ThermalVersion } from "./thermal/governors/governor.js";

/** Cooling devices besides powerclamp's that a machine may have: the rivals of idle injection. */
export type Actuator = "cpufreq" | "clock-modulation" | "cpuidle" | "cpu-offline";

export interface PowerclampOptions {
  /** Which design of intel_powerclamp. Default "6.3" (6.3 and later). */
  driver?: DriverVersion;
  /** Which rules of the thermal core and step_wise. Default "6.18". */
  thermal?: ThermalVersion;
  /** What is injected on top of the target. Default: the driver's own ("steady+double" for 3.9, else "steady"). */
  compensation?: Compensation;
  /** "unsync" starts the CPUs out of step, a control for 3.9 and 6.1. Default "sync". */
  injection?: Injection;
  /** Load the module at boot (a distribution's thermald would). Default false. */
  autoload?: boolean;
  /** Packages the CPUs are spread over, in equal runs. Default 1. */
  packages?: number;
  /** The CPU has MWAIT, the package has C-state counters; without either the module does not load. Default true. */
  mwait?: boolean;
  packageCstates?: boolean;
  /** Idle states: a processor's table by name, or your own (shallowest first). Default "snb". */
  cstates?: CStateTableName | readonly CState[];
  /** Watts; see PowerModel. */
  power?: PowerModelOptions;
  /** Degrees; see ThermalRc. */
  rc?: ThermalRcOptions;
  /** Exponents of the RAPL units. Default 3, 14, 10 (register 0xA0E03). */
  raplUnits?: RaplUnits;
  /** Further cooling devices. Default none. */
  actuators?: readonly Actuator[];
  /** Track load per task and CPU (PELT). Default true. */
  pelt?: boolean;
  /** Put small tasks on one CPU so that others sleep (the patches of 2012-13); needs `pelt`. Default false. */
  packing?: boolean;
  /** `emul_temp` files (CONFIG_THERMAL_EMULATION). Default false. */
  emulation?: boolean;
  /** Known oddities of Linux; false repairs one. */
  quirks?: {
    /** 6.3: max_idle takes 0, which removes the cap, though the document says 1..100. Default true. */
    maxIdleZero?: boolean;
  };
}

export interface ResolvedOptions {
  readonly driver: DriverVersion;
  readonly thermal: ThermalVersion;
  readonly compensation: Compensation;
  readonly injection: Injection;
  readonly autoload: boolean;
  readonly packages: number;
  readonly mwait: boolean;
  readonly packageCstates: boolean;
  readonly cstates: readonly CState[];
  readonly power: PowerModelOptions;
  readonly rc: ThermalRcOptions;
  readonly raplUnits: RaplUnits | undefined;
  readonly actuators: readonly Actuator[];
  readonly pelt: boolean;
  readonly packing: boolean;
  readonly emulation: boolean;
  readonly maxIdleZero: boolean;
}

const CHOICES: Readonly<Record<string, readonly unknown[]>> = {
  driver: ["3.9", "6.1", "6.3"] satisfies DriverVersion[],
  thermal: ["6.1", "6.18"],
  compensation: ["none", "steady", "steady+double", "integral"],
  injection: ["sync", "unsync"],
};
const FLAGS = ["autoload", "mwait", "packageCstates", "pelt", "packing", "emulation"];
const OTHERS = ["packages", "cstates", "power", "rc", "raplUnits", "actuators", "quirks"];
const ACTUATORS: readonly string[] = ["cpufreq", "clock-modulation", "cpuidle", "cpu-offline"];

/** Check and fill in. TypeError for an unknown or mistyped option, RangeError for a value out of range; both name it. */
export function resolveOptions(o: PowerclampOptions): ResolvedOptions {
  if (typeof o !== "object" || o === null)
    throw new TypeError(`powerclamp: options must be an object, not ${String(o)}`);
  const allowed = [...Object.keys(CHOICES), ...FLAGS, ...OTHERS];
  for (const [key, value] of Object.entries(o)) {
    if (!allowed.includes(key))
      throw new TypeError(`powerclamp: unknown option '${key}'; there are ${allowed.join(", ")}`);
    if (value === undefined) continue;
    const choices = CHOICES[key];
    if (choices !== undefined && !choices.includes(value))
      throw new RangeError(`powerclamp: ${key} must be one of ${choices.join(", ")}, not ${String(value)}`);
    if (FLAGS.includes(key) && typeof value !== "boolean")
      throw new TypeError(`powerclamp: ${key} must be true or false, not ${String(value)}`);
  }
  const driver = o.driver ?? "6.3";
  const packages = o.packages ?? 1;
  if (!Number.isInteger(packages) || packages < 1)
    throw new RangeError(`powerclamp: packages must be an integer >= 1, not ${packages}`);
  const injection = o.injection ?? "sync";
  if (injection === "unsync" && driverDesigns[driver].alignment === "timer")
    throw new RangeError(
      `powerclamp: injection "unsync" needs driver 3.9 or 6.1: in ${driver} one timer wakes all CPUs`,
    );
  const actuators = o.actuators ?? [];
  for (const a of actuators)
    if (!ACTUATORS.includes(a))
      throw new RangeError(`powerclamp: actuators are ${ACTUATORS.join(", ")}, not ${String(a)}`);
  if (o.packing === true && o.pelt === false) throw new TypeError("powerclamp: packing needs pelt");
  return {
    driver,
    thermal: o.thermal ?? "6.18",
    compensation: o.compensation ?? (driver === "3.9" ? "steady+double" : "steady"),
    injection,
    autoload: o.autoload ?? false,
    packages,
    mwait: o.mwait ?? true,
    packageCstates: o.packageCstates ?? true,
    cstates: tableOf(o.cstates ?? "snb"),
    power: o.power ?? {},
    rc: o.rc ?? {},
    raplUnits: o.raplUnits,
    actuators,
    pelt: o.pelt ?? true,
    packing: o.packing ?? false,
    emulation: o.emulation ?? false,
    maxIdleZero: o.quirks?.maxIdleZero ?? true,
  };
}

function tableOf(t: CStateTableName | readonly CState[]): readonly CState[] {
  if (typeof t !== "string") return t;
  const table = cstateTables[t];
  if (table === undefined)
    throw new RangeError(
      `powerclamp: cstates must be one of ${Object.keys(cstateTables).join(", ")} or a table, not ${t}`,
    );
  return table;
}

/**
 * raplCounters: a package's energy registers, read from the power model as rdmsr would read them.
 */
import { CORES, DRAM, GRAPHICS, PKG } from "./packagePower.js";
import type { PowerMachine } from "./powerMachine.js";
import {
  MSR_DRAM_ENERGY_STATUS,
  MSR_PKG_ENERGY_STATUS,
  MSR_PP0_ENERGY_STATUS,
  MSR_PP1_ENERGY_STATUS,
  type RaplUnits,
} from "./rapl.js";

/** 0xA0E03, the unit register of most machines: 1/8 W, 1/16384 J (61 µJ), 1/1024 s. */
export const defaultRaplUnits: RaplUnits = { power: 3, energy: 14, time: 10 };

const domainOfMsr: Readonly<Record<number, number>> = {
  [MSR_PKG_ENERGY_STATUS]: PKG,
  [MSR_PP0_ENERGY_STATUS]: CORES,
  [MSR_PP1_ENERGY_STATUS]: GRAPHICS,
  [MSR_DRAM_ENERGY_STATUS]: DRAM,
};

export class RaplCounters {
  constructor(
    private readonly machine: PowerMachine,
    readonly units: RaplUnits = defaultRaplUnits,
  ) {}

  /** The 32-bit counter of a domain (PKG, CORES, GRAPHICS, DRAM) of package `pkg` at `now` (ns). */
  raw(pkg: number, domain: number, now: number): number {
    return Math.floor(this.machine.counterJoules(pkg, domain, now) * 2 ** this.units.energy) % 0x100000000;
  }

  /** rdmsr of an energy status register; undefined for any other register. */
  rdmsr(pkg: number, msr: number, now: number): number | undefined {
    const domain = domainOfMsr[msr];
    return domain === undefined ? undefined : this.raw(pkg, domain, now);
  }

  /** Seconds until a counter wraps at `watts`: a reader must look at least this often. */
  wrapSeconds(watts: number): number {
    return 0x100000000 / 2 ** this.units.energy / watts;
  }
}

/**
 * rapl: the energy counters of a package as turbostat and powercap read them (Intel SDM vol. 3, "RAPL interfaces";
 * Documentation/power/powercap; turbostat(8) shows watts since Linux 3.8).
 *
 * A counter has 32 bits and counts units of 1/2^n joule, n from the unit register. It wraps - at n = 16 and 100 W in
 * 655 s - so a reader takes differences modulo 2^32 and must look often enough.
 */

export const MSR_RAPL_POWER_UNIT = 0x606;
export const MSR_PKG_POWER_LIMIT = 0x610;
export const MSR_PKG_ENERGY_STATUS = 0x611;
export const MSR_DRAM_ENERGY_STATUS = 0x619;
export const MSR_PP0_ENERGY_STATUS = 0x639;
export const MSR_PP1_ENERGY_STATUS = 0x641;

/** Residency counters of the package, TSC ticks, by package state. */
export const MSR_PKG_CSTATE_RESIDENCY: Readonly<Record<number, number>> = {
  2: 0x60d,
  3: 0x3f8,
  6: 0x3f9,
  7: 0x3fa,
  8: 0x630,
  9: 0x631,
  10: 0x632,
};

/** Exponents n of the units 1/2^n W, J and s. */
export interface RaplUnits {
  readonly power: number;
  readonly energy: number;
  readonly time: number;
}

/** The unit register taken apart: power in bits 3:0, energy in 12:8, time in 19:16. 0xa0e03 is common. */
export function raplUnits(msr: number): RaplUnits {
  return { power: msr & 0xf, energy: (msr >>> 8) & 0x1f, time: (msr >>> 16) & 0xf };
}

/** The unit register for given exponents. RangeError if one does not fit its field. */
export function raplUnitRegister(u: RaplUnits): number {
  const fits = (what: string, v: number, max: number): number => {
    if (!Number.isInteger(v) || v < 0 || v > max)
      throw new RangeError(`RAPL ${what} unit must be an integer in 0..${max}, not ${v}`);
    return v;
  };
  return fits("power", u.power, 15) | (fits("energy", u.energy, 31) << 8) | (fits("time", u.time, 15) << 16);
}

/** powercap's energy unit for exponent n: whole nanojoules (it computes in nJ and truncates). */
function energyUnitNj(n: number): number {
  return Math.floor(1e9 / 2 ** n);
}

/** `energy_uj` of a raw counter value (0..2^32-1) at energy exponent n: µJ, truncated. */
export function raplEnergyUj(raw: number, n: number): number {
  const nj = energyUnitNj(n);
  const uj = Math.floor(nj / 1000);
  return raw * uj + Math.floor((raw * (nj - uj * 1000)) / 1000);
}

/** `max_energy_range_uj` at energy exponent n: where `energy_uj` wraps to 0, µJ. */
export function raplMaxEnergyRangeUj(n: number): number {
  return raplEnergyUj(0xffffffff, n);
}

/** Counts between two readings of a 32-bit counter that wrapped at most once: (now - before) mod 2^32. */
export function raplDelta(before: number, now: number): number {
  const d = (now - before) % 0x100000000;
  return d < 0 ? d + 0x100000000 : d;
}

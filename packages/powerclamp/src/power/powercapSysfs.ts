/**
 * powercapSysfs: /sys/class/powercap/intel-rapl:N and its parts core, uncore, dram (Documentation/power/powercap).
 *
 * `energy_uj` is for root alone (0400, as since 5.10). Values go through the registers: energy is truncated to the unit, a
 * limit to 1/8 W, a window to what the register can hold is left as written.
 */
import {
  type Ctx,
  EINVAL,
  fail,
  type Knode,
  kstrtobool,
  kstrtou64,
  type PseudoFile,
  type PseudoTree,
} from "@kernelkit/core";
import { nonEmpty, orEinval } from "../sysfsStore.js";
import { CORES, DRAM, GRAPHICS, PKG } from "./packagePower.js";
import type { PowerLimit, PowerLimits } from "./powerLimit.js";
import { raplEnergyUj, raplMaxEnergyRangeUj } from "./rapl.js";
import type { RaplCounters } from "./raplCounters.js";

const DEVICES = "/sys/devices/virtual/powercap/intel-rapl";
const CLASS = "/sys/class/powercap";

/** One zone: what its files are about. Plain data. */
interface RaplZone {
  readonly name: string;
  readonly pkg: number;
  readonly domain: number;
  /** The package's limit; parts have none. */
  readonly limit: PowerLimit | null;
}

function zoneFiles(rapl: RaplCounters): Record<string, PseudoFile<RaplZone>> {
  const n = rapl.units.energy;
  return {
    name: { show: (_c, z) => `${z.name}\n` },
    energy_uj: { mode: 0o400, show: (c, z) => `${raplEnergyUj(rapl.raw(z.pkg, z.domain, c.now), n)}\n` },
    max_energy_range_uj: { show: () => `${raplMaxEnergyRangeUj(n)}\n` },
  };
}

function packageFiles(rapl: RaplCounters, limits: PowerLimits): Record<string, PseudoFile<RaplZone>> {
  const unitUw = 1e6 / 2 ** rapl.units.power;
  const limitOf = (z: RaplZone): PowerLimit => z.limit ?? fail(EINVAL);
  const number = (text: string): number => {
    const v = orEinval(kstrtou64(text, 10));
    // beyond what any register holds
    return v > BigInt(Number.MAX_SAFE_INTEGER) ? fail(EINVAL) : Number(v);
  };
  return {
    ...zoneFiles(rapl),
    enabled: {
      show: (_c, z) => `${limitOf(z).enabled ? 1 : 0}\n`,
      store: nonEmpty((_c: Ctx, z, text) => {
        const l = limitOf(z);
        l.enabled = orEinval(kstrtobool(text));
        limits.changed(l);
      }),
    },
    constraint_0_name: { show: () => "long_term\n" },
    constraint_0_power_limit_uw: {
      show: (_c, z) => `${limitOf(z).limitUw}\n`,
      store: nonEmpty((_c: Ctx, z, text) => {
        const l = limitOf(z);
        l.limitUw = Math.floor(number(text) / unitUw) * unitUw;
        limits.changed(l);
      }),
    },
    constraint_0_time_window_us: {
      show: (_c, z) => `${limitOf(z).windowUs}\n`,
      store: nonEmpty((_c: Ctx, z, text) => {
        const us = number(text);
        if (us === 0) return fail(EINVAL);
        limitOf(z).windowUs = us;
        return undefined;
      }),
    },
    constraint_0_max_power_uw: { show: (_c, z) => `${limits.tdpUw(z.pkg)}\n` },
  };
}

/** The tree of a machine. Call once, in install. */
export function installPowercapSysfs(sysfs: PseudoTree, rapl: RaplCounters, limits: PowerLimits): void {
  const pkgGroup = sysfs.group("powercap.package", packageFiles(rapl, limits));
  const partGroup = sysfs.group("powercap.part", zoneFiles(rapl));
  const type = sysfs.dir(DEVICES);
  sysfs.file("enabled", ENABLED, { in: type });
  sysfs.link(`${CLASS}/intel-rapl`, type);
  limits.limits.forEach((limit, pkg) => {
    const zone: RaplZone = { name: `package-${pkg}`, pkg, domain: PKG, limit };
    const dir = sysfs.dir(`${DEVICES}/intel-rapl:${pkg}`, { group: pkgGroup, owner: zone });
    sysfs.link(`${CLASS}/intel-rapl:${pkg}`, dir);
    const parts: [string, number][] = [
      ["core", CORES],
      ["uncore", GRAPHICS],
      ["dram", DRAM],
    ];
    parts.forEach(([name, domain], i) => {
      const part: RaplZone = { name, pkg, domain, limit: null };
      const node: Knode = sysfs.dir(`intel-rapl:${pkg}:${i}`, { in: dir, group: partGroup, owner: part });
      sysfs.link(`${CLASS}/intel-rapl:${pkg}:${i}`, node);
    });
  });
}

const ENABLED: PseudoFile = { show: () => "1\n" };

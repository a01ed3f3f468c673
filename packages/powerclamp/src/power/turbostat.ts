/**
 * turbostat: what the tool of that name computes from two readings of the counters (turbostat(8)): per-CPU and package
 * residencies and, since Linux 3.8 (H 2013-02), watts of package, cores, graphics and memory.
 *
 *     const a = turbostatSample(machine, rapl, t0, hz);
 *     const b = turbostatSample(machine, rapl, t1, hz);
 *     turbostatText(turbostatReport(a, b, rapl.units));
 *
 * Counters have 32 bits. A sleep longer than the wrap makes watts wrong: the tool of 3.8 marks them with `**`.
 */
import { CORES, DOMAINS, DRAM, GRAPHICS, PKG } from "./packagePower.js";
import type { PowerMachine } from "./powerMachine.js";
import { type RaplUnits, raplDelta } from "./rapl.js";
import type { RaplCounters } from "./raplCounters.js";

/** Raw readings at one instant. */
export interface TurbostatSample {
  readonly timeNs: number;
  readonly tscHz: number;
  /** Names of the C-states, as in the table. */
  readonly states: readonly string[];
  readonly cpus: readonly { readonly pkg: number; readonly mhz: number; readonly cstateNs: readonly number[] }[];
  readonly packages: readonly {
    readonly raw: readonly number[];
    readonly residencyNs: Readonly<Record<number, number>>;
    readonly celsius: number;
  }[];
}

const PKG_STATES_SHOWN = [2, 3, 6, 7, 8];

/** Read everything at `now` (ns). */
export function turbostatSample(
  machine: PowerMachine,
  rapl: RaplCounters,
  now: number,
  tscHz: number,
): TurbostatSample {
  const { states, cpuPkg, model } = machine;
  return {
    timeNs: now,
    tscHz,
    states: states.map((s) => s.name),
    cpus: Array.from(cpuPkg, (pkg, cpu) => ({
      pkg,
      mhz: model.pstates[machine.packages[pkg].pstate].mhz,
      cstateNs: states.map((_, i) => machine.cpuResidencyNs(cpu, i, now)),
    })),
    packages: machine.packages.map((_, pkg) => ({
      raw: Array.from({ length: DOMAINS }, (_, d) => rapl.raw(pkg, d, now)),
      residencyNs: Object.fromEntries(PKG_STATES_SHOWN.map((n) => [n, machine.residencyNs(pkg, now, n)])),
      celsius: machine.dieCelsius(pkg, now),
    })),
  };
}

/** Percentages of the interval, watts, °C. */
export interface TurbostatReport {
  readonly seconds: number;
  readonly cpus: readonly {
    readonly cpu: number;
    readonly pkg: number;
    readonly avgMhz: number;
    readonly busy: number;
    readonly bzyMhz: number;
    /** Percent by C-state name. */
    readonly cstates: Readonly<Record<string, number>>;
  }[];
  readonly packages: readonly {
    readonly pkg: number;
    readonly pkgStates: Readonly<Record<number, number>>;
    readonly celsius: number;
    readonly pkgWatt: number;
    readonly corWatt: number;
    readonly gfxWatt: number;
    readonly ramWatt: number;
  }[];
  /** The interval is longer than a counter lasts at 100 W or more: watts may be wrong. */
  readonly suspect: boolean;
}

/** A counter is trusted for what it lasts at this power. */
const TDP_W = 100;

/** RangeError unless `b` is later than `a`. */
export function turbostatReport(a: TurbostatSample, b: TurbostatSample, units: RaplUnits): TurbostatReport {
  const ns = b.timeNs - a.timeNs;
  if (!(ns > 0)) throw new RangeError(`turbostat: the second sample must be later than the first, not by ${ns} ns`);
  const seconds = ns * 1e-9;
  const unit = 2 ** -units.energy;
  const percent = (x: number): number => (100 * x) / ns;
  return {
    seconds,
    suspect: seconds > (0x100000000 * unit) / TDP_W,
    cpus: b.cpus.map((c, cpu) => {
      const idle = c.cstateNs.map((x, i) => percent(x - a.cpus[cpu].cstateNs[i]));
      const busy = Math.max(0, 100 - idle.reduce((s, x) => s + x, 0));
      return {
        cpu,
        pkg: c.pkg,
        avgMhz: (c.mhz * busy) / 100,
        busy,
        bzyMhz: c.mhz,
        cstates: Object.fromEntries(b.states.map((name, i) => [name, idle[i]])),
      };
    }),
    packages: b.packages.map((p, pkg) => {
      const before = a.packages[pkg];
      const watt = (d: number): number => (raplDelta(before.raw[d], p.raw[d]) * unit) / seconds;
      return {
        pkg,
        pkgStates: Object.fromEntries(
          PKG_STATES_SHOWN.map((n) => [n, percent(p.residencyNs[n] - before.residencyNs[n])]),
        ),
        celsius: p.celsius,
        pkgWatt: watt(PKG),
        corWatt: watt(CORES),
        gfxWatt: watt(GRAPHICS),
        ramWatt: watt(DRAM),
      };
    }),
  };
}

/** The report as the tool prints it: a header, then a row per CPU with its package's columns on the package's first CPU. */
export function turbostatText(r: TurbostatReport): string {
  const names = r.cpus.length === 0 ? [] : Object.keys(r.cpus[0].cstates);
  const watt = (w: number): string => (r.suspect ? `${w.toFixed(0)}**` : w.toFixed(2));
  const head = ["Package", "CPU", "Avg_MHz", "Busy%", "Bzy_MHz", ...names.map((n) => `CPU%${n.toLowerCase()}`)];
  const pkgHead = ["PkgTmp", ...PKG_STATES_SHOWN.map((n) => `Pkg%pc${n}`), "PkgWatt", "CorWatt", "GFXWatt", "RAMWatt"];
  let text = `${[...head, ...pkgHead].join("\t")}\n`;
  let shown = -1;
  for (const c of r.cpus) {
    const row = [c.pkg, c.cpu, c.avgMhz.toFixed(0), c.busy.toFixed(2), c.bzyMhz.toFixed(0)].map(String);
    for (const n of names) row.push(c.cstates[n].toFixed(2));
    if (c.pkg !== shown) {
      shown = c.pkg;
      const p = r.packages[c.pkg];
      row.push(p.celsius.toFixed(0), ...PKG_STATES_SHOWN.map((n) => p.pkgStates[n].toFixed(2)));
      row.push(watt(p.pkgWatt), watt(p.corWatt), watt(p.gfxWatt), watt(p.ramWatt));
    }
    text += `${row.join("\t")}\n`;
  }
  return text;
}

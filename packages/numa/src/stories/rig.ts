/** What the stories share: the machine with two nodes, running one workload under several designs, and the table that comes of it. */
import type { MachineOptions } from "@kernelkit/core";
import type { Series, Table } from "@kernelkit/core/stories";
import type { NumaOptions } from "../options.js";
import type { StrategyName } from "../strategy/strategy.js";
import { runScenario, type ScenarioOptions, type ScenarioResult } from "../workloads/scenario.js";
import type { Workload } from "../workloads/workload.js";

/** `nodes` nodes of `each` CPUs, 20 from each other: remote memory costs twice as much. */
export function machineOf(nodes: number, each: number, memory: string): MachineOptions {
  const ids = Array.from({ length: nodes }, (_, i) => i);
  return {
    cpus: nodes * each,
    nodes,
    nodeMemory: ids.map(() => memory),
    cpuNode: ids.flatMap((n) => Array<number>(each).fill(n)),
    distances: ids.map((a) => ids.map((b) => (a === b ? 10 : 20))),
  };
}

/** A design in a comparison: a strategy, and with "+ groups" a workload that uses sched/numa's calls. */
export interface Rival {
  readonly name: string;
  readonly numa: NumaOptions;
  readonly groups: boolean;
}

export const rival = (strategy: StrategyName, groups = false): Rival => ({
  name: groups ? `${strategy} + groups` : strategy,
  numa: { strategy },
  groups,
});

export const DESIGNS: readonly Rival[] = [
  rival("none"),
  rival("schednuma"),
  rival("autonuma"),
  rival("autonuma-lazy"),
  rival("balancenuma"),
  rival("modern"),
];

export interface Run extends ScenarioResult {
  readonly rival: Rival;
}

/** The same workload under each design. */
export function compare(
  rivals: readonly Rival[],
  workload: (r: Rival) => Workload,
  o: Omit<ScenarioOptions, "numa">,
): Run[] {
  return rivals.map((r) => ({ rival: r, ...runScenario(workload(r), { ...o, numa: r.numa }) }));
}

export const round = (x: number, digits = 1): number => Math.round(x * 10 ** digits) / 10 ** digits;

/** Local share over time, one line per design. */
export function localSeries(runs: readonly Run[]): Series[] {
  return runs.map((r) => ({
    name: r.rival.name,
    unit: "% local",
    of: "time (s)",
    x: r.samples.map((s) => round(s.at, 3)),
    y: r.samples.map((s) => round(100 * s.local, 2)),
  }));
}

const PAGES_64G = 2 ** 24;

/** What each design reached, and what it cost. */
export function costTable(runs: readonly Run[]): Table {
  const base = runs[0].work;
  return {
    columns: [
      "design",
      "local % at the end",
      "work against first",
      "faults",
      "pages moved",
      "kernel ms",
      "MiB for 64 GiB",
    ],
    rows: runs.map((r) => {
      const { spent } = r.kernel.numa;
      const { bytesPerPage } = r.kernel.numa.metadata();
      return [
        r.rival.name,
        round(100 * r.localLate),
        round(r.work / base, 3),
        spent.faults,
        spent.migrated,
        round((spent.armNs + spent.faultNs + spent.migrateNs + spent.visitNs) / 1e6),
        (bytesPerPage * PAGES_64G) / 2 ** 20,
      ];
    }),
  };
}

/** `local NAME` (at the end, %), `speed NAME` (against the first), `moved NAME`. */
export function numbersOf(runs: readonly Run[]): Record<string, number> {
  const out: Record<string, number> = {};
  for (const r of runs) {
    out[`local ${r.rival.name}`] = 100 * r.localLate;
    out[`speed ${r.rival.name}`] = r.work / runs[0].work;
    out[`late ${r.rival.name}`] = r.workLate / runs[0].workLate;
    out[`moved ${r.rival.name}`] = r.kernel.numa.spent.migrated;
    out[`faults ${r.rival.name}`] = r.kernel.numa.spent.faults;
  }
  return out;
}

/** What all stories of this package assume. */
export const ASSUMES: readonly string[] = [
  "an access costs 100 ns times distance / 10; caches and bandwidth are not modelled",
  "a hint fault costs 1 us, moving a page 2.5 us, arming an entry 15 ns, AutoNUMA's look at a CPU 40 ns",
];

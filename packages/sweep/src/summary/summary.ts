/**
 * What a sweep has found: each point's figures over its seeds with means and confidence intervals, and the best point. Results are added
 * one by one; of each only its figures are kept.
 */
import { canonical } from "../canonical.js";
import type { Objective, Parameters, Value } from "../define.js";
import type { RunRecord } from "../results/record.js";
import { type Statistics, statistics } from "./statistics.js";

export interface PointSummary {
  /** The parameters that vary. */
  readonly parameters: Parameters;
  /** Runs with figures. */
  readonly runs: number;
  /** Runs without. */
  readonly failed: number;
  readonly measures: Readonly<Record<string, Statistics>>;
}

export interface SweepSummary {
  /** Names of the parameters that vary. */
  readonly varying: readonly string[];
  readonly measures: readonly string[];
  /** In the order of the parameters' values. */
  readonly points: readonly PointSummary[];
  readonly objective: Objective | null;
  /** null without an objective, or when no point fulfils its bounds. */
  readonly best: PointSummary | null;
  /** How many other points cannot be told from the best one: their intervals overlap. */
  readonly tied: number;
}

interface Collected {
  readonly parameters: Parameters;
  readonly values: Map<string, number[]>;
  runs: number;
  failed: number;
}

export class SummaryBuilder {
  private readonly points = new Map<string, Collected>();
  private readonly measures = new Set<string>();

  constructor(
    private readonly varying: readonly string[],
    private readonly objective: Objective | null = null,
    private readonly confidence: number = 0.95,
  ) {}

  add({ parameters, outcome }: RunRecord): void {
    const own = Object.fromEntries(this.varying.map((name) => [name, parameters[name]]));
    const key = canonical(own);
    let point = this.points.get(key);
    if (point === undefined) {
      point = { parameters: own, values: new Map(), runs: 0, failed: 0 };
      this.points.set(key, point);
    }
    if (outcome.status !== "ok") {
      point.failed++;
      return;
    }
    point.runs++;
    for (const [name, v] of Object.entries(outcome.measures)) {
      this.measures.add(name);
      if (v === null) continue;
      const values = point.values.get(name);
      if (values === undefined) point.values.set(name, [v]);
      else values.push(v);
    }
  }

  summary(): SweepSummary {
    const { varying, objective } = this;
    const points = [...this.points.values()]
      .map((p): PointSummary => {
        const measures = Object.fromEntries(
          [...p.values].map(([m, values]) => [m, statistics(values, this.confidence)]),
        );
        return { parameters: p.parameters, runs: p.runs, failed: p.failed, measures };
      })
      .sort((a, b) => compare(varying, a.parameters, b.parameters));
    const best = objective === null ? null : bestPoint(points, objective);
    const tied =
      best === null || objective === null ? 0 : points.filter((p) => p !== best && overlaps(p, best, objective)).length;
    return { varying, measures: [...this.measures], points, objective, best, tied };
  }
}

function compare(names: readonly string[], a: Parameters, b: Parameters): number {
  for (const name of names) {
    const order = compareValues(a[name], b[name]);
    if (order !== 0) return order;
  }
  return 0;
}

export function compareValues(a: Value, b: Value): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return a === b ? 0 : String(a) < String(b) ? -1 : 1;
}

/** Whether a point's means keep the objective's bounds, and it has a figure to compare. */
function allowed(p: PointSummary, objective: Objective): boolean {
  if (!Number.isFinite(p.measures[objective.measure]?.mean)) return false;
  return (objective.subjectTo ?? []).every(({ measure, min = -Infinity, max = Infinity }) => {
    const mean = p.measures[measure]?.mean;
    return mean >= min && mean <= max;
  });
}

function bestPoint(points: readonly PointSummary[], objective: Objective): PointSummary | null {
  const sign = objective.goal === "min" ? 1 : -1;
  let best: PointSummary | null = null;
  let least = Infinity;
  for (const p of points) {
    if (!allowed(p, objective)) continue;
    const v = sign * p.measures[objective.measure].mean;
    if (v < least) {
      best = p;
      least = v;
    }
  }
  return best;
}

function overlaps(p: PointSummary, best: PointSummary, objective: Objective): boolean {
  if (!allowed(p, objective)) return false;
  const a = p.measures[objective.measure];
  const b = best.measures[objective.measure];
  return Math.abs(a.mean - b.mean) <= (a.ci || 0) + (b.ci || 0);
}

/**
 * The runs of a sweep: every point of its design with every seed, each with an id that is the hash of what determines its result
 * (scenario, its code, parameters, seed, figures kept, limit of virtual time). A sweep that is changed keeps the results of the runs it still has.
 */
import { canonical, hash } from "./canonical.js";
import type { Axis, Parameters, Sweep } from "./define.js";
import { completeParameters, isSeeded, knobOf } from "./scenario.js";
import { resolveAxis } from "./space/axis.js";
import { type PointSet, pointSet } from "./space/design.js";

export interface PlannedRun {
  readonly id: string;
  readonly parameters: Parameters;
  readonly seed: number;
}

export interface Plan {
  readonly sweep: Sweep;
  /** Hash of the code that is run. */
  readonly code: string;
  readonly points: PointSet;
  readonly seeds: readonly number[];
  /** points × seeds */
  readonly length: number;
  /** Names of the parameters that vary. */
  readonly varying: readonly string[];
}

const seedsOf = (seeds: number | readonly number[]): readonly number[] =>
  typeof seeds === "number" ? Array.from({ length: seeds }, (_, i) => i + 1) : seeds;

/** RangeError for a sweep that does not fit its scenario. */
export async function makePlan(sweep: Sweep, code: string): Promise<Plan> {
  const { scenario } = sweep;
  const space = sweep.space as Readonly<Record<string, Axis>>;
  const axes = Object.entries(space).map(([name, axis]) => resolveAxis(name, axis, knobOf(scenario, name)));
  const points = pointSet(axes, sweep.design ?? "grid");
  const seeds = seedsOf(sweep.seeds ?? 1);
  if (seeds.length === 0 || seeds.some((s) => !(Number.isInteger(s) && s >= 0 && s <= 0xffffffff)))
    throw new RangeError("sweep: seeds must be a whole number from 1, or a list of numbers from 0 to 2^32 - 1");
  if (new Set(seeds).size !== seeds.length) throw new RangeError("sweep: a seed stands twice in seeds");
  if (!isSeeded(scenario) && seeds.length > 1)
    throw new RangeError(`sweep: ${scenario.id} takes no seed: more than one run of a point would be the same`);
  const plan: Plan = {
    sweep,
    code,
    points,
    seeds,
    length: points.length * seeds.length,
    varying: axes.map((a) => a.name),
  };
  // A parameter that is wrong at the first or the last point is wrong before anything runs.
  for (const i of new Set([0, points.length - 1]))
    await completeParameters(scenario, { ...(sweep.set as Parameters | undefined), ...points.at(i) });
  return plan;
}

/** The run of a number, 0 <= index < plan.length: the seeds of a point follow each other. */
export function runAt(plan: Plan, index: number): PlannedRun {
  const { sweep, seeds } = plan;
  const point = plan.points.at(Math.floor(index / seeds.length));
  const parameters = { ...(sweep.set as Parameters | undefined), ...point };
  const seed = seeds[index % seeds.length];
  return { id: runId(plan, parameters, seed), parameters, seed };
}

/** Hash of what determines a run's result. */
export function runId({ sweep, code }: Plan, parameters: Parameters, seed: number): string {
  const { scenario, limits, measures } = sweep;
  return hash(canonical({ scenario: scenario.id, code, parameters, seed, measures, virtualNs: limits?.virtualNs }));
}

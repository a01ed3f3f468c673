/**
 * The entry `@kernelkit/sweep/define`: what a sweep file is written with. It imports nothing at run time, so a sweep file stays small
 * when it is bundled for the workers.
 *
 *     export const scenario = defineScenario({ id, parameters: v.object({ dirtyBytes: v.number() }), run: (p, ctx) => ({ ... }) });
 *     export default defineSweep({ scenario, space: { dirtyBytes: { from: 1e6, to: 1e9, steps: 7, scale: "log" } }, seeds: 5 });
 *
 * A scenario is either a story (`@kernelkit/core/stories`), whose knobs say which parameters there are, or a `Scenario` with a schema
 * of any library that speaks Standard Schema (valibot, zod, arktype). Exporting the scenario by the name `scenario` keeps its results
 * valid when only the sweep around it changes.
 */
import type { Story, StoryResult } from "@kernelkit/core/stories";
import type { StandardSchemaV1 } from "@standard-schema/spec";

/** What a parameter can be. */
export type Value = number | string | boolean;
export type Parameters = Readonly<Record<string, Value>>;
/** Figures of a run, by name. One that is not finite is kept as null and left out of statistics. */
export type Measures = Readonly<Record<string, number>>;

/** What a run is given beside its parameters. */
export interface RunContext {
  /** The run's seed, for `createKernel({ seed })`: the only chance a scenario may use. */
  readonly seed: number;
  /** For `createKernel({ limits })`: gives the run up when its kernel has passed the sweep's limit of virtual time. */
  readonly limits: { readonly virtualNs?: number };
}

/** What a run gives: figures, or figures with anything else that shall count for its digest (a kernel's digest, a trace). */
export type RunResult = Measures | StoryResult | { readonly numbers: Measures; readonly [more: string]: unknown };

/** A scenario with a schema of its own. */
export interface Scenario<S extends StandardSchemaV1 = StandardSchemaV1> {
  readonly id: string;
  /** What it answers, one sentence. */
  readonly question?: string;
  /** Checks parameters and fills in defaults. */
  readonly parameters: S;
  /** One run. The same parameters and seed must give the same result. Throwing makes it a failed run. */
  run(parameters: StandardSchemaV1.InferOutput<S>, context: RunContext): RunResult | Promise<RunResult>;
}

// biome-ignore lint/suspicious/noExplicitAny: a story of any knobs; their names are taken from the type where it is known
export type AnyStory = Story<any>;
export type AnyScenario = Scenario | AnyStory;

/** The parameters that a scenario takes, as they are given to it. */
export type ParametersOf<S> =
  S extends Story<infer P> ? P : S extends Scenario<infer Schema> ? StandardSchemaV1.InferInput<Schema> : Parameters;

/** A range of numbers. A grid needs `steps` (at least 2, both ends included); samples are drawn from all of it. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly steps?: number;
  /** Even steps, or even factors (`from` must be above 0). Default linear. */
  readonly scale?: "linear" | "log";
  /** Whole numbers only. Default false. */
  readonly whole?: boolean;
}

/** What a parameter takes: these values, a range, or `true` for all that a story's knob allows (samples only, or a choice). */
export type Axis<V = Value> = readonly V[] | (V extends number ? Range : never) | true;

/** Which points of the space are run: all of the grid, points drawn evenly, or a Latin hypercube (each parameter evenly spread). */
export type Design =
  | "grid"
  | { readonly kind: "random" | "latin-hypercube"; readonly points: number; readonly seed?: number };

export interface Objective {
  readonly measure: string;
  readonly goal: "min" | "max";
  /** Points whose mean breaks a bound are no candidates. */
  readonly subjectTo?: readonly { readonly measure: string; readonly min?: number; readonly max?: number }[];
}

export interface RunLimits {
  /** Real time a run may take, ms. Default 60 000. A run that takes longer is ended with its thread. */
  readonly wallMs?: number;
  /** Virtual time the run's kernels may take, ns; the scenario hands it to them (`RunContext.limits`). */
  readonly virtualNs?: number;
  /** Heap of the thread, MB. Default what Node gives. A run that needs more dies with its thread. */
  readonly memoryMb?: number;
}

export interface Sweep<S extends AnyScenario = AnyScenario> {
  readonly name?: string;
  readonly scenario: S;
  /** Parameters that vary. */
  readonly space: { readonly [K in keyof ParametersOf<S>]?: Axis<ParametersOf<S>[K]> };
  /** Parameters that do not; those in neither take the scenario's default. */
  readonly set?: { readonly [K in keyof ParametersOf<S>]?: ParametersOf<S>[K] };
  /** Default "grid". */
  readonly design?: Design;
  /** Runs of each point: seeds 1 to n, or these. Every point gets the same. Default 1. */
  readonly seeds?: number | readonly number[];
  /** Figures to keep. Default: all that a run gives. */
  readonly measures?: readonly string[];
  readonly objective?: Objective;
  readonly limits?: RunLimits;
  /** How often a run is tried whose thread or machine dies. Default 3. */
  readonly attempts?: number;
}

/** A sweep, with its parameters checked against the scenario's by the compiler. */
// @__NO_SIDE_EFFECTS__
export function defineSweep<S extends AnyScenario>(sweep: Sweep<S>): Sweep<S> {
  return sweep;
}

/** A scenario, with the type of its run's parameters taken from the schema. */
// @__NO_SIDE_EFFECTS__
export function defineScenario<S extends StandardSchemaV1>(scenario: Scenario<S>): Scenario<S> {
  return scenario;
}

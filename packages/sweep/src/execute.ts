/**
 * What a worker does with a run: the scenario once, in this thread, its figures and its digest. `makeRunner` becomes the default export
 * of the bundle that workers load (bundle.ts), so that workers of every machine run the same code.
 */
import { workerData } from "node:worker_threads";
import { canonical, hash } from "./canonical.js";
import type { AnyScenario, Measures, Parameters, RunContext } from "./define.js";
import type { Outcome } from "./outcome.js";
import { checkScenario, runScenario } from "./scenario.js";

export interface RunTask {
  readonly parameters: Parameters;
  readonly seed: number;
  readonly limits: RunContext["limits"];
  /** Figures to keep, null for all. */
  readonly measures: readonly string[] | null;
  /** Where in the pool's clock the run's start is written (local/pool.ts). */
  readonly slot: number;
}

/** What a worker sends back. */
export interface Executed {
  readonly outcome: Outcome;
  /** Real time the run took, ms. */
  readonly wallMs: number;
}

export type Runner = (task: RunTask) => Promise<Executed>;

/** The figures of a result: its own, or those of a result that has more than figures. */
function numbersOf(result: unknown): Measures {
  if (typeof result !== "object" || result === null) throw new TypeError("the run returned no figures");
  const numbers = "numbers" in result ? result.numbers : result;
  if (typeof numbers !== "object" || numbers === null) throw new TypeError("the run returned no figures");
  for (const [name, v] of Object.entries(numbers))
    if (typeof v !== "number") throw new TypeError(`the figure ${name} is no number but ${typeof v}`);
  return numbers as Measures;
}

function outcomeOf(result: unknown, kept: readonly string[] | null): Outcome {
  const numbers = numbersOf(result);
  const measures: Record<string, number | null> = {};
  for (const name of kept ?? Object.keys(numbers)) {
    if (!Object.hasOwn(numbers, name)) throw new RangeError(`the run returned no figure ${name}`);
    measures[name] = Number.isFinite(numbers[name]) ? numbers[name] : null;
  }
  return { status: "ok", measures, digest: hash(canonical(result)) };
}

/** One run, whatever happens inside: never throws. */
export async function execute(scenario: AnyScenario, task: RunTask): Promise<Executed> {
  const start = performance.now();
  let outcome: Outcome;
  try {
    const result = await runScenario(scenario, task.parameters, { seed: task.seed, limits: task.limits });
    outcome = outcomeOf(result, task.measures);
  } catch (e) {
    outcome = { status: "failed", error: e instanceof Error ? `${e.name}: ${e.message}` : String(e) };
  }
  return { outcome, wallMs: Math.round((performance.now() - start) * 1000) / 1000 };
}

/** The handler of a pool's thread. */
export function makeRunner(scenario: unknown): Runner {
  const checked = checkScenario(scenario);
  const clock = (workerData as { clock?: BigInt64Array } | null)?.clock;
  return async (task) => {
    if (clock !== undefined) Atomics.store(clock, task.slot, BigInt(Date.now()));
    return execute(checked, task);
  };
}

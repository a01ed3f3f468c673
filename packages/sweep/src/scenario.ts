/** Scenarios of both kinds, stories and those with a schema, behind one face: their parameters and one run. */
import { type Knob, type Knobs, knobsOf } from "@kernelkit/core/stories";
import type { AnyScenario, AnyStory, Parameters, RunContext, RunResult, Scenario } from "./define.js";

const SEED = "seed";

export function isStory(s: AnyScenario): s is AnyStory {
  return "knobs" in s;
}

/** RangeError unless it can be run. */
export function checkScenario(s: unknown): AnyScenario {
  const o = s as Partial<AnyStory & Scenario> | null | undefined;
  if (typeof o !== "object" || o === null || typeof o.run !== "function" || typeof o.id !== "string")
    throw new TypeError("sweep: scenario must be a story or have an id, parameters and run()");
  if (!("knobs" in o) && typeof o.parameters?.["~standard"]?.validate !== "function")
    throw new TypeError(`sweep: the scenario ${o.id} has neither knobs nor a schema of its parameters`);
  return o as AnyScenario;
}

/** The knob of a story, null for scenarios with a schema; RangeError for a knob that is not there. */
export function knobOf(s: AnyScenario, name: string): Knob | null {
  if (!isStory(s)) return null;
  const knobs = s.knobs as Readonly<Record<string, Knob>>;
  if (!Object.hasOwn(knobs, name))
    throw new RangeError(`sweep: ${s.id} has no parameter ${name}; there are ${Object.keys(knobs).join(", ")}`);
  return knobs[name];
}

/** Whether seeds make a difference: a story without a knob of that name takes none. */
export function isSeeded(s: AnyScenario): boolean {
  return !isStory(s) || Object.hasOwn(s.knobs, SEED);
}

/** The parameters as the run will get them, checked, with defaults. RangeError says what is wrong. */
export async function completeParameters(s: AnyScenario, given: Parameters): Promise<Parameters> {
  if (isStory(s)) return knobsOf(s.knobs, given as Knobs) as Parameters;
  const checked = await s.parameters["~standard"].validate(given);
  if (checked.issues === undefined) return checked.value as Parameters;
  const issue = checked.issues[0];
  const path = (issue.path ?? []).map((p) => String(typeof p === "object" ? p.key : p)).join(".");
  throw new RangeError(`sweep: parameter ${path === "" ? "set" : path} of ${s.id}: ${issue.message}`);
}

/** One run. */
export async function runScenario(s: AnyScenario, given: Parameters, context: RunContext): Promise<RunResult> {
  if (isStory(s)) return s.run(isSeeded(s) ? { ...given, [SEED]: context.seed } : given);
  return s.run(await completeParameters(s, given), context);
}

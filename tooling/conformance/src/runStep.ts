/**
 * runStep: carries one step of a case out and compares what it saw with what the step says. A dialect knows the kinds of step.
 */
import type { Step } from "./caseFile.js";
import type { Dialect, StepKind } from "./dialect.js";
import { COMMON, checkOutcome, type Expectation, isOutcomeKey } from "./expectations.js";
import { NotYet } from "./outcome.js";
import type { Result } from "./result.js";
import type { Session } from "./session.js";

/** Keys that every step may have. */
const STEP_KEYS: readonly string[] = ["task", "note"];

/** Is there nothing in the step but a comment? */
export const isNote = (step: Step): boolean => Object.keys(step).every((key) => STEP_KEYS.includes(key));

/** Every key of a step is the step's kind, an input of it, an expectation or an effect; NotYet names the one that is not. */
export function checkStepKeys(step: Step, dialect: Dialect): void {
  if (isNote(step)) return;
  const [kindKey, kind] = kindOf(step, dialect);
  for (const key of Object.keys(step)) {
    const known =
      key === kindKey ||
      STEP_KEYS.includes(key) ||
      kind.inputs.includes(key) ||
      isOutcomeKey(key) ||
      expectationOf(dialect, key) !== undefined ||
      dialect.effects?.[key] !== undefined;
    if (!known) throw new NotYet(`step key ${key} (of a ${kindKey} step)`);
  }
  for (const inner of kind.inner?.(step) ?? []) checkStepKeys(inner, dialect);
}

/** The kind of a step, by the first of the dialect's keys that it has. NotYet if it has none. */
export function kindOf(step: Step, dialect: Dialect): [string, StepKind] {
  for (const [key, kind] of Object.entries(dialect.kinds)) if (Object.hasOwn(step, key)) return [key, kind];
  throw new NotYet(`step ${Object.keys(step).join(" ")}`);
}

/** What a key expects in this dialect; undefined if it is no expectation. */
function expectationOf(dialect: Dialect, key: string): Expectation | undefined {
  return dialect.expectations?.[key] ?? (Object.hasOwn(COMMON, key) ? COMMON[key] : undefined);
}

/** Carries out one step and compares what it saw. Used by rep and repeat for the steps inside them. */
export function runStep(s: Session, raw: Step): Result | undefined {
  const { dialect } = s;
  if (isNote(raw)) return undefined;
  const [kindKey, kind] = kindOf(raw, dialect);
  const task = typeof raw.task === "string" ? raw.task : "A";
  const step = kind.raw === true ? raw : (dialect.substitute(s, raw, task) as Step);
  let result: Result | undefined;
  try {
    result = kind.run(s, step);
  } catch (e) {
    result = s.errorResult(e);
  }
  if (kind.raw === true) return result;
  const seen = result ?? {};
  checkOutcome(step, seen);
  if (seen.dies !== undefined) return result;
  // What a step saves may be what it is compared with ("ret": "$x"), so look at everything before anything is kept.
  const context = { multiline: dialect.multiline, readData: s.readData };
  for (const key of Object.keys(step)) {
    if (key === kindKey || STEP_KEYS.includes(key) || kind.inputs.includes(key) || isOutcomeKey(key)) continue;
    expectationOf(dialect, key)?.(step[key], seen, context);
  }
  if (seen.errno === undefined) {
    for (const key of Object.keys(step)) {
      if (!kind.inputs.includes(key)) dialect.effects?.[key]?.(s, step[key], seen, step);
    }
  }
  return result;
}

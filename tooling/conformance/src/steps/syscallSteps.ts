/**
 * Steps that make system calls: `sys`, `blocks` and `join`.
 *
 * `{task, sys, args}` calls and waits. With `blocks: true` the call is started and must not have returned after the time the
 * folder gives it; `{join: task}` takes its result later, `{join: task, blocked: true}` says it has still not returned.
 */
import type { Step } from "../caseFile.js";
import type { StepKind } from "../dialect.js";
import { Mismatch } from "../outcome.js";
import type { Result } from "../result.js";
import type { CallPlan, Session } from "../session.js";
import type { Marshal, MarshalTable } from "../syscalls/marshal.js";

export const taskOf = (step: Step): string => (typeof step.task === "string" ? step.task : "A");
export const argsOf = (step: Step): readonly unknown[] => (Array.isArray(step.args) ? step.args : []);

/** Makes the call of a step as the step says: wait for it, or (`blocks`) leave it sleeping. */
export function carryOut(s: Session, step: Step, plan: CallPlan, blockNs: number): Result | undefined {
  const task = taskOf(step);
  if (step.blocks !== true) return s.perform(task, plan);
  s.begin(task, plan, blockNs);
  return undefined;
}

/** `{sys, args}`. @param blockNs how long a call with `blocks` is watched */
export function sysStep(calls: MarshalTable, blockNs: number, inputs: readonly string[] = []): StepKind {
  const marshal = (step: Step): Marshal | undefined =>
    Object.hasOwn(calls, String(step.sys)) ? calls[String(step.sys)] : undefined;
  return {
    inputs: ["args", "blocks", ...inputs],
    missing: (s, step) => {
      const m = marshal(step);
      return m === undefined || (m.method !== null && !s.has(m.method)) ? `system call ${String(step.sys)}` : undefined;
    },
    run: (s, step) => carryOut(s, step, (marshal(step) as Marshal).plan(argsOf(step), s, step), blockNs),
  };
}

/** `{join: task}`. @param watchNs how long a call that is said to be still blocked is watched */
export function joinStep(watchNs: number): StepKind {
  return {
    inputs: ["blocked"],
    run: (s, step) => {
      const task = String(step.join);
      if (step.blocked !== true) return s.join(task);
      s.advance(watchNs);
      if (!s.isBlocked(task)) throw new Mismatch("still blocked", "the call returned");
      return undefined;
    },
  };
}

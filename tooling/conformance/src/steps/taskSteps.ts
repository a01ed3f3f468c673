/**
 * Steps about tasks: `fork`, `thread`, `exit`, `gone`, `alive`, `caught`, and those about time and order: `advance`, `rep`.
 */
import type { Task } from "@kernelkit/core";
import type { Step } from "../caseFile.js";
import type { StepKind } from "../dialect.js";
import type { Json } from "../json.js";
import { Mismatch } from "../outcome.js";
import type { Result } from "../result.js";
import { runStep } from "../runStep.js";
import type { CallPlan, Session } from "../session.js";
import { call, flags } from "../syscalls/marshal.js";
import { signalNumber } from "../uapi.js";
import { durationNs } from "../variables.js";
import { taskOf } from "./syscallSteps.js";

const SIGCHLD = 17;
/** CLONE_VM|FS|FILES|SIGHAND|THREAD|SYSVSEM, as a threads library has it. */
const THREAD_FLAGS = 0x50f00;
const TASK_ZOMBIE = 6;
const TASK_DEAD = 7;
/** How long a task may take to die. */
const DEATH_LIMIT_NS = 2_000_000_000;
const STEP_NS = 1_000_000;
/** How long an `alive` step watches. */
const ALIVE_NS = 50_000_000;
const CAUGHT_NS = 20_000_000;

export const isDead = (t: Task): boolean => t.state === TASK_ZOMBIE || t.state === TASK_DEAD;

/** Calls that make tasks: fork, thread and their clone3 form. */
const CLONE = call("clone");
const CLONE3 = call("clone3", { result: (value) => ({ ret: (value as { pid: number }).pid }) });

/** The task with that number in the pid namespace of `parent`. */
function childOf(parent: Task, pid: unknown): Task {
  const child = parent.pid.ns[parent.pid.level].pids.get(Number(pid))?.task;
  if (child === null || child === undefined) throw new Mismatch(`a task with pid ${String(pid)}`, "no such task");
  return child;
}

function birth(s: Session, parent: string, child: string, plan: CallPlan): Result {
  const result = s.perform(parent, plan);
  if (typeof result.ret === "number" && result.ret > 0) s.tasks.set(child, childOf(s.task(parent), result.ret));
  return result;
}

/** `{fork: "B", task: "A", flags?, clone3?}`: a child driven like its parent; `ret` is its pid as the parent sees it. */
export const forkStep: StepKind = {
  inputs: ["flags", "clone3"],
  missing: (s, step) => {
    const method = "clone3" in step ? "clone3" : "clone";
    return s.has(method) ? undefined : `system call ${method}`;
  },
  run: (s, step) => {
    const bits = Number(flags(step.flags ?? 0));
    const plan =
      "clone3" in step
        ? CLONE3.plan([{ flags: bits, exit_signal: SIGCHLD, ...(step.clone3 as object) }], s, step)
        : CLONE.plan([bits + SIGCHLD], s, step);
    return birth(s, taskOf(step), String(step.fork), plan);
  },
};

/** `{thread: "T", task: "A"}`: a new thread of A's process. */
export const threadStep: StepKind = {
  inputs: [],
  missing: (s) => (s.has("clone") ? undefined : "system call clone"),
  run: (s, step) => {
    const result = birth(s, taskOf(step), String(step.thread), CLONE.plan([THREAD_FLAGS], s, step));
    return result.errno === undefined ? { ...result, ret: 0 } : result;
  },
};

/** Lets time pass until the task is dead. */
export function awaitDeath(s: Session, name: string): void {
  const task = s.task(name);
  for (let ns = 0; !isDead(task); ns += STEP_NS) {
    if (ns > DEATH_LIMIT_NS) throw new Mismatch(`task ${name} is dead`, `it lives after ${DEATH_LIMIT_NS / 1e9} s`);
    s.advance(STEP_NS);
  }
}

/** `{exit: "B", code, nowait?}`: B calls exit_group; ends when B is a zombie or gone (nowait: at once). */
export const exitStep: StepKind = {
  inputs: ["code", "nowait"],
  missing: (s) => (s.has("exit_group") ? undefined : "system call exit_group"),
  run: (s, step) => {
    const name = String(step.exit);
    s.kernel.call(s.task(name)).exit_group?.(Number(step.code ?? 0));
    if (step.nowait !== true) awaitDeath(s, name);
    return undefined;
  },
};

/** `{gone: "C"}`: C is a zombie or gone, or becomes so by itself. */
export const goneStep: StepKind = {
  inputs: [],
  run: (s, step) => {
    awaitDeath(s, String(step.gone));
    return undefined;
  },
};

/** `{alive: "C"}`: C is not a zombie or gone, and stays so. */
export const aliveStep: StepKind = {
  inputs: [],
  run: (s, step) => {
    s.advance(ALIVE_NS);
    if (isDead(s.task(String(step.alive)))) throw new Mismatch(`task ${String(step.alive)} lives`, "it is dead");
    return undefined;
  },
};

/** `{task, caught: SIG, ret}`: how often that task's handler ran since asked last. */
export const caughtStep: StepKind = {
  inputs: [],
  run: (s, step) => {
    s.advance(CAUGHT_NS);
    const { caught } = s.task(taskOf(step));
    const signal = signalNumber(step.caught);
    const ret = caught[signal] ?? 0;
    caught[signal] = 0;
    return { ret };
  },
};

/** `{advance: "0.5s"}`: time passes. */
export const advanceStep: StepKind = {
  inputs: [],
  run: (s, step) => {
    s.advance(durationNs(step.advance));
    return undefined;
  },
};

/** `{rep: n, steps}`: the steps n times, with `$i` = 0 to n-1. */
export const repStep: StepKind = {
  inputs: ["steps"],
  raw: true,
  inner: (step) => stepsOf(step),
  run: (s, step) => {
    for (let i = 0; i < Number(step.rep); i++) {
      for (const inner of stepsOf(step)) {
        s.vars.set("i", i);
        runStep(s, inner);
      }
    }
    return undefined;
  },
};

const stepsOf = (step: Step): readonly Step[] =>
  (Array.isArray(step.steps) ? (step.steps as Json[]) : []) as readonly Step[];

/** The steps about tasks that core and namespaces share. */
export const TASK_STEPS: Readonly<Record<string, StepKind>> = {
  rep: repStep,
  fork: forkStep,
  thread: threadStep,
  exit: exitStep,
  gone: goneStep,
  alive: aliveStep,
  caught: caughtStep,
  advance: advanceStep,
};

/** `$B.pid`: the pid of B in the active pid namespace of the task whose step it is; 0 if it is not visible there. */
export function pidOf(s: Session, name: string, seenBy: string): number {
  const observer = s.task(seenBy);
  return s.task(name).tgid.nrNs(observer.pid.ns[observer.pid.level]);
}

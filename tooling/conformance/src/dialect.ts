/**
 * dialect: how one folder of cases is read. Each package has one, in `dialects/<package>.ts`; the runner (`runCases.ts`)
 * knows no step by itself.
 *
 * A dialect says which keys a case, its machine and its tasks may have, how names stand in for values, what machine a case
 * starts on, and what each kind of step does. A key, step, operation or system call that it does not name makes the case
 * "not yet" and names what is missing, so that nothing in a case is passed over in silence.
 *
 * To fill in a package: add its operations to the `ops` table of its dialect (`name: (s, args, step) => result`), and what
 * is particular to its start state to `start`. Everything that several folders share is in `steps/`.
 */
import type { Case, Step } from "./caseFile.js";
import type { Composition } from "./composition.js";
import type { Expectation } from "./expectations.js";
import type { Result } from "./result.js";
import type { Session } from "./session.js";

/** What a kind of step does, and which keys besides its own it takes as input. */
export interface StepKind {
  /** Keys that this kind reads. Every other key of the step must be an expectation or an effect of the dialect. */
  readonly inputs: readonly string[];
  /** What this step needs that is not there ("system call mremap"); undefined if it can be carried out. */
  readonly missing?: ((s: Session, step: Step) => string | undefined) | undefined;
  /** Steps inside this one (rep, repeat): its keys are checked too. */
  readonly inner?: (step: Step) => readonly Step[];
  /** True: the step is handed over with its variables not yet replaced. */
  readonly raw?: boolean;
  /** Carries the step out. Nothing: there is nothing to be expected of it. Throws Mismatch, NotYet or a KernelError. */
  readonly run: (s: Session, step: Step) => Result | undefined;
}

/** Keeps something of a step's result for later steps (`save`, `as`). */
export type Effect = (s: Session, what: unknown, result: Result, step: Step) => void;

/** An operation of a `kernel` step. */
export type KernelOp = (s: Session, args: readonly unknown[], step: Step) => Result | undefined;

export interface Dialect {
  readonly package: string;
  /** Keys of a case besides id, title, provenance, steps, machine, tasks, note, safe. */
  readonly caseKeys: readonly string[];
  readonly machineKeys: readonly string[];
  readonly taskKeys: readonly string[];
  /** Patterns are multi-line. */
  readonly multiline: boolean;
  /** The kernel a case runs on. `readData` reads a data file beside the cases. */
  readonly compose: (c: Case, readData: (path: string) => Uint8Array | undefined) => Composition;
  /** From a kernel that has just booted to the folder's start state. */
  readonly start: (s: Session) => void;
  /** Replaces names by values in a step; `task` is the step's. */
  readonly substitute: (s: Session, value: unknown, task: string) => unknown;
  /** The kinds of step. A step is of the first kind whose key it has. */
  readonly kinds: Readonly<Record<string, StepKind>>;
  /** Expectations of this dialect, besides or instead of the common ones. */
  readonly expectations?: Readonly<Record<string, Expectation>>;
  readonly effects?: Readonly<Record<string, Effect>>;
  /** Virtual time between two steps, ns: a real recorder is never faster than that. */
  readonly pauseNs: number;
}

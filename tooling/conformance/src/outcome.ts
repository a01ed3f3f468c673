/**
 * outcome: how a case ends, and the two exceptions that end it early.
 *
 * A step that sees something else than the case says throws `Mismatch`; a step (or case) that this runner or the
 * composed kernel cannot carry out throws `NotYet`. Everything else that is thrown is a failure too: the runner
 * reports its message as what it got.
 */

export type Outcome = "pass" | "fail" | "known" | "notYet";

/** Something else was seen than the case says. Both texts are for people. */
export class Mismatch extends Error {
  readonly expected: string;
  readonly got: string;
  constructor(expected: string, got: string) {
    super(`expected ${expected}, got ${got}`);
    this.name = "Mismatch";
    this.expected = expected;
    this.got = got;
  }
}

/** The case needs what is not there: a step, an operation, a key, a system call, a package. Never a pass, never a failure. */
export class NotYet extends Error {
  constructor(what: string) {
    super(what);
    this.name = "NotYet";
  }
}

/** One case that did not do what it says. */
export interface Failure {
  readonly id: string;
  /** Index into the case's steps; -1: the start state could not be made. */
  readonly step: number;
  readonly expected: string;
  readonly got: string;
}

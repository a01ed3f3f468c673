/** What the way back to user mode finds, and what signal handling tells it. */
import type { AnyProgramDef } from "./program.js";

/** What `exitToUser` found. */
export const USER_GO = 0;
/** The task sleeps (stopped, frozen) or has a handler to run: come again. */
export const USER_WAIT = 1;
/** It is gone. */
export const USER_GONE = 2;

/** What signal handling tells the entry code. */
export interface SignalOutcome {
  /** USER_GO, USER_WAIT (stopped or frozen: its state says so) or USER_GONE. */
  readonly outcome: number;
  /** A handler ran (a counted one) or is to run; its SA_RESTART flag. */
  readonly handled: boolean;
  readonly restartFlag: boolean;
  /** The handler to run as a program, and the signal mask to put back after it. */
  readonly run: { def: AnyProgramDef; state: unknown; maskLo: number; maskHi: number } | null;
}

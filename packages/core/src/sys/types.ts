/**
 * One declaration per system call, four views of it.
 *
 * A package declares its calls once in an interface that extends `SysBase`; each method's result is
 * `Ret<this["mode"], R>`. Intersecting the interface with a mode turns every method at once:
 * - `Program<S>`  inside a program: `yield* sys.read(fd, 10)` is the result;
 * - `Outside<S>`  `kernel.sys(task).read(fd, 10)` is the result; virtual time is driven until it is there;
 * - `Started<S>`  `kernel.call(task).read(fd, 10)` is a `Pending`;
 * - `Impl<S>`     what a package hands in: the context first, the result or `WAIT` back.
 *
 * Never write a helper that is generic in S: `Ret<S["mode"], R>` stays unresolved. Take `Program<CoreSys & XSys>`.
 */
import type { Ctx } from "../kernel/ctx.js";

export type Mode = "program" | "outside" | "call" | "impl";

/** A type only: no such property exists at run time. */
export interface SysBase {
  readonly mode: Mode;
}

/** Returned by a step function that has gone to sleep (or is using CPU time): it is called again from the top. */
export const WAIT: unique symbol = Symbol("WAIT");
export type Wait = typeof WAIT;

/** A system call inside a program: `yield*` it. */
export interface Call<R> {
  [Symbol.iterator](): Iterator<undefined, R, void>;
}

/** A started call: `done` becomes true when the task has returned from it (or can never return: `value` undefined). */
export interface Pending<R> {
  readonly done: boolean;
  /** The result. Throws the call's KernelError if it failed, a TypeError if it is not done. */
  readonly value: R;
  /** The error, if the call is done and failed. */
  readonly error: Error | null;
}

export type Ret<M, R> = [M] extends ["program"]
  ? Call<R>
  : [M] extends ["call"]
    ? Pending<R>
    : [M] extends ["impl"]
      ? R | Wait
      : R;

export type Program<S> = S & { readonly mode: "program" };
export type Outside<S> = S & { readonly mode: "outside" };
export type Started<S> = S & { readonly mode: "call" };
/** The implementations of the calls of S: the context comes first; a failure is thrown with `fail(errno)`. */
export type Impl<S, M = S & { readonly mode: "impl" }> = {
  [K in Exclude<keyof M, "mode">]: M[K] extends (...a: infer A) => infer R ? (c: Ctx, ...a: A) => R : never;
};

/**
 * sysfsStore: what all writable files here have in common. An empty write reaches no driver: sysfs itself answers 0.
 */
import { type Ctx, EINVAL, Errno, fail, kstrtouint, type OpenFile, type Wait } from "@kernelkit/core";

// biome-ignore lint/suspicious/noConfusingVoidType: a store that takes everything need not say so
type Stored = number | Wait | void;

/** A `store` that is not called for an empty write. */
export function nonEmpty<O>(
  f: (c: Ctx, owner: O, text: string) => Stored,
): (c: Ctx, owner: O, text: string, file: OpenFile, pos: number) => Stored {
  return (c, owner, text) => (text === "" ? 0 : f(c, owner, text));
}

/** The number a strict parser read; a parse error is thrown as EINVAL (many drivers report nothing finer). */
export function orEinval<T>(v: T | Errno): T {
  if (v instanceof Errno) return fail(EINVAL);
  return v;
}

/** kstrtouint in base 10, EINVAL for anything else. */
export function uintOf(text: string): number {
  return orEinval(kstrtouint(text, 10));
}

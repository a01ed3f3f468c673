/**
 * The table of system calls: what each composed part hands in, by name. A later registration of a name replaces an earlier
 * one (a package that extends a core call), in the order: core's parts, then packages by name.
 */
import { hashString } from "../lib/hashString.js";
import type { Ctx } from "./ctx.js";

export type SyscallFn = (c: Ctx, a: unknown, b: unknown, d: unknown, e: unknown, f: unknown, g: unknown) => unknown;

/** A static: state refers to it as `sys.NAME`. */
export class SyscallEntry {
  /** Hash of the name: what the digest takes, so that a package that adds calls moves nothing. */
  readonly hash: number;

  constructor(
    readonly name: string,
    public fn: SyscallFn,
  ) {
    this.hash = hashString(name);
  }
}

export class SyscallTable {
  readonly byName: Map<string, SyscallEntry> = new Map();

  add(impl: object): void {
    for (const name of Object.keys(impl)) {
      const fn = (impl as Record<string, SyscallFn>)[name];
      const e = this.byName.get(name);
      if (e === undefined) this.byName.set(name, new SyscallEntry(name, fn));
      else e.fn = fn;
    }
  }
}

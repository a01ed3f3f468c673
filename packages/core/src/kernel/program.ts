/**
 * Programs: user code as named generators. Each system call in a program is `yield*`; a program is a function of its state
 * and of what its calls returned - no outer variables, no clock but the kernel's - so it can be run again from its last
 * rest point against the tape of results. That is how a generator, which cannot be copied, is checkpointed.
 *
 *     const writer = program("writer", function* (sys: Program<CoreSys>, s: { i: number; fd: number }) {
 *       for (; s.i < 1e5; s.i++) {
 *         yield* sys.restPoint(s);          // from here a restored writer starts again, with a copy of s
 *         yield* sys.write(s.fd, block);
 *       }
 *     });
 *     kernel.spawn(writer, { i: 0, fd });
 *
 * The return value is the exit code (undefined: 0). An uncaught KernelError exits 1 with a log line; any other exception
 * surfaces from `run()`.
 */
import type { Program, SysBase } from "../sys/types.js";
import type { SyscallEntry } from "./syscallTable.js";

export interface ProgramDef<S, St> {
  /** Unique within a kernel: what a checkpoint knows the program by. */
  readonly name: string;
  // biome-ignore lint/suspicious/noConfusingVoidType: a program without an exit code
  readonly run: (sys: Program<S>, state: St) => Generator<undefined, number | void, void>;
}

/** A program whose calls and state nobody asks about: what a task holds. */
export type AnyProgramDef = ProgramDef<never, never>;

/** Name a program. `state` must be plain data (numbers, strings, arrays, plain objects, typed arrays). */
export function program<S extends SysBase, St>(
  name: string,
  // biome-ignore lint/suspicious/noConfusingVoidType: a program without an exit code
  run: (sys: Program<S>, state: St) => Generator<undefined, number | void, void>,
): ProgramDef<S, St> {
  if (typeof name !== "string" || name === "")
    throw new TypeError(`program: name must be a non-empty string, not ${String(name)}`);
  if (typeof run !== "function") throw new TypeError(`program '${name}': run must be a generator function`);
  return { name, run: run as ProgramDef<S, St>["run"] };
}

/** On the tape: the program was given control to a signal handler here, which ran as a program of its own. */
export const TAPE_HANDLER = "(handler)";

/**
 * What a program has been told since its last rest point: call, result or errno, how many times in a row. A write loop is
 * one entry.
 */
export class Tape {
  readonly calls: string[] = [];
  readonly results: unknown[] = [];
  readonly errors: number[] = [];
  readonly counts: number[] = [];

  record(call: string, result: unknown, error: number): void {
    const n = this.calls.length - 1;
    if (
      n >= 0 &&
      this.calls[n] === call &&
      this.errors[n] === error &&
      this.results[n] === result &&
      typeof result !== "object"
    ) {
      this.counts[n]++;
      return;
    }
    this.calls.push(call);
    this.results.push(result);
    this.errors.push(error);
    this.counts.push(1);
  }

  clear(): void {
    this.calls.length = 0;
    this.results.length = 0;
    this.errors.length = 0;
    this.counts.length = 0;
  }
}

/** A deep copy of plain data. Throws a TypeError naming the path of what is not plain. */
export function copyPlain<T>(v: T, path = "state"): T {
  if (typeof v !== "object" || v === null) {
    if (typeof v === "function" || typeof v === "symbol")
      throw new TypeError(`${path} must be plain data, but is a ${typeof v}`);
    return v;
  }
  if (Array.isArray(v)) return v.map((x, i) => copyPlain(x, `${path}[${i}]`)) as T;
  if (ArrayBuffer.isView(v)) return (v as unknown as Uint8Array).slice() as T;
  if (v instanceof Map)
    return new Map([...v].map(([a, b]) => [copyPlain(a, `${path}.key`), copyPlain(b, `${path}.value`)])) as T;
  if (v instanceof Set) return new Set([...v].map((a) => copyPlain(a, `${path}.item`))) as T;
  const proto = Object.getPrototypeOf(v);
  if (proto !== Object.prototype && proto !== null)
    throw new TypeError(`${path} must be plain data, but is an instance of ${v.constructor?.name}`);
  const out: Record<string, unknown> = {};
  // the prototype has nothing to enumerate; for-in makes no list of keys
  for (const k in v) {
    const x = (v as Record<string, unknown>)[k];
    out[k] = typeof x === "object" && x !== null ? copyPlain(x, `${path}.${k}`) : x;
    if (typeof x === "function") throw new TypeError(`${path}.${k} must be plain data, but is a function`);
  }
  return out as T;
}

/** A call that an outer frame of a program is in, put aside while a signal handler runs. */
export interface SavedCall {
  call: SyscallEntry | null;
  args: unknown[];
  frame: object | null;
  result: unknown;
  error: number;
  phase: number;
  /** CPU time it was still computing for when it was interrupted, ns. */
  heldNs: number;
  maskLo: number;
  maskHi: number;
}

/**
 * marshal: between the arguments of a case's `sys` step and a call of the kernel's `sys` object, and back.
 *
 * A case has arguments as the system call has them, with names for flags and without pointers; `kernel.sys(task)` has the
 * same calls with JavaScript values. `call("pipe2")` passes the arguments on; `call("sched_rr_get_interval", {result})`
 * says what becomes of the result.
 */
import type { Step } from "../caseFile.js";
import { latin1, type Result } from "../result.js";
import type { CallPlan, Session } from "../session.js";
import { flagsValue } from "../uapi.js";

/** How one system call of the cases is made. */
export interface Marshal {
  /** The call of `kernel.sys(task)` it needs; null: none (a user-space access). */
  readonly method: string | null;
  readonly plan: (args: readonly unknown[], s: Session, step: Step) => CallPlan;
}

export type MarshalTable = Readonly<Record<string, Marshal>>;

export interface CallShape {
  /** The method of `sys`, if it is not the name of the call. */
  readonly method?: string;
  /** From the case's arguments (names of flags already numbers) to the method's. */
  readonly args?: (a: readonly unknown[], s: Session, step: Step) => readonly unknown[];
  /** From what the method returned to what the case can expect. */
  readonly result?: (value: unknown) => Result;
}

/** A call whose arguments and results are as `shape` says, else passed on. */
export function call(name: string, shape: CallShape = {}): Marshal {
  const method = shape.method ?? name;
  const convert = shape.result ?? plainResult;
  return {
    method,
    plan: (raw, s, step) => {
      const named = raw.map(flags);
      const args = shape.args === undefined ? named : shape.args(named, s, step);
      return {
        invoke: (sys) => (sys[method] as (...a: unknown[]) => unknown).apply(sys, [...args]),
        convert,
      };
    },
  };
}

/** Several calls that are passed on as they are. */
export function plain(...names: string[]): MarshalTable {
  return Object.fromEntries(names.map((name) => [name, call(name)]));
}

/** A name or `A|B` as its number; everything else as it is. */
export function flags(arg: unknown): unknown {
  return typeof arg === "string" ? (flagsValue(arg) ?? arg) : arg;
}

/** Numbers are `ret`; bytes and text are `data` with their length as `ret`; an object is `fields` with `ret` 0. */
export function plainResult(value: unknown): Result {
  if (value instanceof Uint8Array) return { ret: value.length, data: latin1(value) };
  if (typeof value === "string") return { ret: value.length, data: value };
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    return { ret: 0, fields: { ...(value as Record<string, unknown>) } };
  }
  return { ret: value };
}

/** The result of a call that fills a structure: `ret` 0 and the fields that `pick` makes of it. */
export function filled<T>(pick: (value: T) => Record<string, unknown>): (value: unknown) => Result {
  return (value) => ({ ret: 0, fields: pick(value as T) });
}

/** Octal text ("0755") as its number; a number as it is. */
export function octal(mode: unknown): unknown {
  return typeof mode === "string" && /^[0-7]+$/.test(mode) ? Number.parseInt(mode, 8) : mode;
}

/** The bytes that a case writes: text with one character per byte, or `{byte, count}` with a character or a number. */
export function bytes(data: unknown, encode: (text: string) => Uint8Array): Uint8Array {
  if (typeof data === "number" || typeof data === "bigint") return encode(String(data));
  if (typeof data === "string") return encode(data);
  const { byte, count } = data as { byte: unknown; count: unknown };
  const value = typeof byte === "string" ? byte.charCodeAt(0) : Number(byte);
  return new Uint8Array(Number(count)).fill(value);
}

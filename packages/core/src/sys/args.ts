/**
 * What system calls do with their arguments first. A wrong type is a misuse of the TypeScript API (TypeError naming the
 * argument); a number is taken modulo 2^32 where the ABI has int or unsigned int.
 */

function misuse(name: string, v: unknown, what: string): never {
  const shown = typeof v === "string" ? `"${v}"` : Object.is(v, -0) ? "-0" : String(v);
  throw new TypeError(`${name}: must be ${what}, not ${shown}`);
}

function whole(v: unknown, name: string): number {
  if (typeof v !== "number" || !Number.isInteger(v) || Object.is(v, -0)) return misuse(name, v, "a whole number");
  return v;
}

/** An `int`: -2^31 .. 2^31-1. */
export function int(v: unknown, name: string): number {
  return (v as number) | 0 && v === ((v as number) | 0) ? (v as number) : whole(v, name) | 0;
}

/** An `unsigned int`: 0 .. 2^32-1. */
export function uint(v: unknown, name: string): number {
  return whole(v, name) >>> 0;
}

/** An `int` or a default for what is left out. */
export function intOr(v: unknown, otherwise: number, name: string): number {
  return v === undefined ? otherwise : int(v, name);
}

/** Text, cut at its first NUL as a C caller would. */
export function text(v: unknown, name: string): string {
  if (typeof v !== "string") return misuse(name, v, "a string");
  const i = v.indexOf("\0");
  return i < 0 ? v : v.slice(0, i);
}

/** A list. */
export function list(v: unknown, name: string): readonly unknown[] {
  return Array.isArray(v) ? v : misuse(name, v, "an array");
}

/** A structure. */
export function struct<T extends object>(v: T | null | undefined, name: string): T {
  return typeof v === "object" && v !== null && !Array.isArray(v) ? v : misuse(name, v, "an object");
}

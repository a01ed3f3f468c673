/**
 * What system calls do with their arguments first. A wrong type is a misuse of the TypeScript API (TypeError naming the
 * argument); a number is taken modulo 2^32 where the ABI has int or unsigned int.
 */

/** A value for a message, whatever it is. */
function shown(v: unknown): string {
  if (typeof v === "string") return JSON.stringify(v.length > 40 ? `${v.slice(0, 40)}...` : v);
  if (typeof v === "object" && v !== null) return Array.isArray(v) ? "an array" : "an object";
  if (typeof v === "function") return "a function";
  return Object.is(v, -0) ? "-0" : String(v);
}

/** A TypeError that names the argument, the value, and what is allowed. */
export function misuse(name: string, v: unknown, what: string): never {
  throw new TypeError(`${name}: must be ${what}, not ${shown(v)}`);
}

/** A whole number of any size. */
export function whole(v: unknown, name: string): number {
  if (typeof v !== "number" || !Number.isInteger(v) || Object.is(v, -0)) return misuse(name, v, "a whole number");
  return v;
}

/** An `int`: -2^31 .. 2^31-1. */
export function int(v: unknown, name: string): number {
  // most numbers are small and not 0 (which -0 looks like)
  if (typeof v === "number" && (v | 0) === v && v !== 0) return v;
  return whole(v, name) | 0;
}

/** An `unsigned int`: 0 .. 2^32-1. */
export function uint(v: unknown, name: string): number {
  return whole(v, name) >>> 0;
}

/** An `unsigned long` that is small or exact as a number: an address, a size, an option's argument. Negative: modulo 2^64. */
export function ulong(v: unknown, name: string): number {
  const n = whole(v, name);
  return n < 0 ? n + 2 ** 64 : n;
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

/**
 * value: comparing what a case says with what was seen, and showing both.
 *
 * An expected value is literal, or one of the forms that the cases use in its place:
 *
 * | form | holds for |
 * |---|---|
 * | `">0"`, `">=0"` | a number above (or equal to) that |
 * | `{ "min": a, "max": b }` | a number in the closed range; either end may be missing |
 * | `{ "approx": x, "tolerance": t }`, `{ "value": x, "tolerance": t }`, `{ "approx": { "value", "tolerance" } }` | x - t to x + t |
 * | `{ "differs": x }` | everything but x |
 * | `{ "match": pattern }` | a text in which Python's re.search finds the pattern |
 * | a flag name or `"A|B"` | that text, or the number of the names |
 * | an object | an object that has at least these fields |
 * | `null` | null, or a field that is not there |
 */
import { pythonRegExp } from "./pythonRegExp.js";
import { flagsValue } from "./uapi.js";

/** Where an expected value is not met: the path into it ("" for the whole), and both sides. */
export interface Difference {
  readonly path: string;
  readonly expected: unknown;
  readonly got: unknown;
}

export interface CompareOptions {
  /** Patterns are multi-line (core, namespaces). */
  readonly multiline?: boolean;
}

const isNumeric = (v: unknown): v is number | bigint => typeof v === "number" || typeof v === "bigint";
const isObject = (v: unknown): v is Record<string, unknown> =>
  v !== null && typeof v === "object" && !Array.isArray(v) && !(v instanceof Uint8Array);

/** Equal by value, exactly, also a bigint and a number. */
export const sameNumber = (a: number | bigint, b: number | bigint): boolean => a <= b && a >= b;

/** The first difference between what is expected and what was seen; null if there is none. */
export function difference(
  expected: unknown,
  got: unknown,
  options: CompareOptions = {},
  path = "",
): Difference | null {
  const no = (): Difference => ({ path, expected, got });
  if (expected === null || expected === undefined) return got === null || got === undefined ? null : no();
  if (typeof expected === "boolean") return got === expected ? null : no();
  if (isNumeric(expected)) return isNumeric(got) && sameNumber(got, expected) ? null : no();
  if (typeof expected === "string") return matchesText(expected, got) ? null : no();
  if (Array.isArray(expected)) {
    if (!Array.isArray(got) || got.length !== expected.length) return no();
    for (let i = 0; i < expected.length; i++) {
      const d = difference(expected[i], got[i], options, `${path}[${i}]`);
      if (d !== null) return d;
    }
    return null;
  }
  const form = expected as Record<string, unknown>;
  const keys = Object.keys(form);
  const only = (...allowed: string[]): boolean => keys.length > 0 && keys.every((k) => allowed.includes(k));
  if (only("min", "max")) return inRange(form, got) ? null : no();
  if (only("approx")) return difference(form.approx, got, options, path) === null ? null : no();
  if (keys.length === 2 && "tolerance" in form && (only("approx", "tolerance") || only("value", "tolerance"))) {
    return isNear(form.approx ?? form.value, form.tolerance, got) ? null : no();
  }
  if (only("differs")) return got !== undefined && difference(form.differs, got, options) !== null ? null : no();
  if (only("match")) {
    return typeof got === "string" && pythonRegExp(String(form.match), options.multiline).test(got) ? null : no();
  }
  if (!isObject(got)) return no();
  for (const key of keys) {
    const d = difference(form[key], got[key], options, path === "" ? key : `${path}.${key}`);
    if (d !== null) return d;
  }
  return null;
}

function matchesText(expected: string, got: unknown): boolean {
  if (got === expected) return true;
  if (!isNumeric(got)) return false;
  const bound = /^>(=?)(-?\d+)$/.exec(expected);
  if (bound !== null) return bound[1] === "=" ? got >= BigInt(bound[2]) : got > BigInt(bound[2]);
  const flags = flagsValue(expected);
  return flags !== undefined && sameNumber(got, flags);
}

/** A number, or a text that holds one number and at most a newline. */
export function toNumber(v: unknown): number | bigint | undefined {
  if (isNumeric(v)) return v;
  if (typeof v === "string" && /^-?\d+(\.\d+)?\n?$/.test(v)) return Number(v);
  return undefined;
}

function inRange(range: Record<string, unknown>, got: unknown): boolean {
  const n = toNumber(got);
  if (n === undefined) return false;
  return !(isNumeric(range.min) && n < range.min) && !(isNumeric(range.max) && n > range.max);
}

function isNear(value: unknown, tolerance: unknown, got: unknown): boolean {
  const n = toNumber(got);
  return n !== undefined && Math.abs(Number(n) - Number(value)) <= Number(tolerance);
}

const LONGEST = 600;

/** A value as a person reads it: JSON with integers of any size, long texts cut in the middle. */
export function show(value: unknown): string {
  const text = showWhole(value);
  if (text.length <= LONGEST) return text;
  return `${text.slice(0, LONGEST / 2)} ... (${text.length} characters) ... ${text.slice(-LONGEST / 2)}`;
}

function showWhole(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(showWhole).join(", ")}]`;
  if (value instanceof Uint8Array) return `bytes ${Array.from(value.subarray(0, 64)).join(" ")}`;
  if (isObject(value)) {
    return `{${Object.entries(value)
      .map(([k, v]) => `${JSON.stringify(k)}: ${showWhole(v)}`)
      .join(", ")}}`;
  }
  return String(value);
}

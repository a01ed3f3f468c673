/**
 * expectations: what a case says must be seen at a step, one function per key. Each compares the step's result and throws
 * `Mismatch` if it is something else. A step that says nothing of an error must succeed.
 *
 * A dialect may replace or add some (`Dialect.expectations`); a key that nobody knows makes the case "not yet".
 */
import { Mismatch } from "./outcome.js";
import { pythonRegExp } from "./pythonRegExp.js";
import { type Result, subject, toHex } from "./result.js";
import { difference, show, toNumber } from "./value.js";

export interface ExpectContext {
  /** Patterns are multi-line: `^` and `$` at every line. */
  readonly multiline: boolean;
  /** Reads a data file beside the cases. */
  readonly readData: (path: string) => Uint8Array | undefined;
}

export type Expectation = (expected: unknown, result: Result, context: ExpectContext) => void;

/** Compares a whole value; the message names the path where they differ. */
export function compare(what: string, expected: unknown, got: unknown, context: ExpectContext): void {
  const d = difference(expected, got, context);
  if (d === null) return;
  const at = d.path === "" ? what : `${what}${d.path.startsWith("[") ? "" : "."}${d.path}`;
  throw new Mismatch(`${at} ${show(d.expected)}`, `${at} ${show(d.got)}`);
}

/** The expectation that is about the part of the result of the same name. */
export const property =
  (key: string): Expectation =>
  (expected, result, context) =>
    compare(key, expected, result[key], context);

const text = (result: Result): string => {
  const s = subject(result);
  if (typeof s === "string") return s;
  if (typeof s === "number" || typeof s === "bigint" || typeof s === "boolean") return String(s);
  return show(s);
};

function found(pattern: string, result: Result, context: ExpectContext): boolean {
  return pythonRegExp(pattern, context.multiline).test(text(result));
}

const match: Expectation = (expected, result, context) => {
  if (Array.isArray(expected)) {
    // One pattern per entry of a list, in order.
    const got = subject(result);
    const lines: unknown[] = Array.isArray(got) ? got : [];
    if (lines.length !== expected.length) throw new Mismatch(`${expected.length} entries`, show(got));
    expected.forEach((pattern, i) => {
      match(pattern, { value: lines[i] }, context);
    });
    return;
  }
  if (!found(String(expected), result, context)) throw new Mismatch(`match ${show(expected)}`, show(subject(result)));
};

const contains: Expectation = (expected, result) => {
  const got = subject(result);
  for (const part of Array.isArray(expected) ? expected : [expected]) {
    const has = Array.isArray(got) ? got.includes(part) : text(result).includes(String(part));
    if (!has) throw new Mismatch(`contains ${show(part)}`, show(got));
  }
};

const excludes: Expectation = (expected, result) => {
  const got = subject(result);
  for (const part of Array.isArray(expected) ? expected : [expected]) {
    const has = Array.isArray(got) ? got.includes(part) : text(result).includes(String(part));
    if (has) throw new Mismatch(`without ${show(part)}`, show(got));
  }
};

/** A saved number that is compared with a text that was read is its text. */
function asRead(expected: unknown, result: Result): unknown {
  const number = typeof expected === "number" || typeof expected === "bigint";
  return number && typeof subject(result) === "string" ? String(expected) : expected;
}

/** These texts stand in log lines of this step, in this order. */
const log: Expectation = (expected, result) => {
  const lines = (result.log as string[] | undefined) ?? [];
  let from = 0;
  for (const part of expected as string[]) {
    const at = lines.findIndex((line, i) => i >= from && line.includes(part));
    if (at < 0) throw new Mismatch(`log line with ${show(part)}`, `log ${show(lines)}`);
    from = at + 1;
  }
};

/** `{value, tolerance}` of the result, with `field` of that field; or one such object per field. */
const approx: Expectation = (expected, result, context) => {
  const { field, ...near } = expected as Record<string, unknown>;
  if ("value" in near && "tolerance" in near) {
    const got = field === undefined ? (toNumber(subject(result)) ?? subject(result)) : result.fields?.[String(field)];
    compare(field === undefined ? "approx" : `fields.${String(field)}`, near, got, context);
  } else {
    compare("fields", expected, result.fields, context);
  }
};

const range: Expectation = (expected, result, context) => {
  const bounds = Array.isArray(expected) ? { min: expected[0], max: expected[1] } : expected;
  compare("range", bounds, toNumber(subject(result)) ?? subject(result), context);
};

const hex: Expectation = (expected, result) => {
  const got = result.data === undefined ? undefined : toHex(Uint8Array.from(result.data, (c) => c.charCodeAt(0)));
  if (got !== expected)
    throw new Mismatch(`hex ${show(expected)}`, got === undefined ? "no bytes" : `hex ${show(got)}`);
};

const equalsFile: Expectation = (expected, result, context) => {
  const bytes = context.readData(String(expected));
  if (bytes === undefined) throw new Mismatch(`the text of ${show(expected)}`, "no such data file");
  compare("equals_file", new TextDecoder("latin1").decode(bytes), subject(result), context);
};

/** The expectations that every dialect has. */
export const COMMON: Readonly<Record<string, Expectation>> = {
  ret: property("ret"),
  equals: (expected, result, context) => compare("equals", asRead(expected, result), subject(result), context),
  match,
  nomatch: (expected, result, context) => {
    if (found(String(expected), result, context))
      throw new Mismatch(`nomatch ${show(expected)}`, show(subject(result)));
  },
  contains,
  excludes,
  differs: (expected, result, context) =>
    compare("differs", { differs: asRead(expected, result) }, subject(result), context),
  fields: (expected, result, context) => {
    // a field may be called "max": the whole is never a bound
    for (const [name, value] of Object.entries(expected as object))
      compare(`fields.${name}`, value, result.fields?.[name], context);
  },
  approx,
  range,
  hex,
  calls: property("calls"),
  log,
  revents: property("revents"),
  elapsed: property("elapsed"),
  status: property("status"),
  equals_file: equalsFile,
};

/** Keys that are checked before all others, since they say whether the call came back at all. */
const OUTCOME_KEYS = ["errno", "fails", "dies"];

export const isOutcomeKey = (key: string): boolean => OUTCOME_KEYS.includes(key);

/** errno, fails and dies: how the call ended. A step that says none of them must have succeeded. */
export function checkOutcome(step: Readonly<Record<string, unknown>>, result: Result): void {
  if (step.dies === true) {
    if (result.dies === undefined) throw new Mismatch("does not return", returned(result));
    return;
  }
  if (result.dies !== undefined) throw new Mismatch("returns", result.dies);
  const wanted = step.errno;
  if (wanted !== undefined && wanted !== null) {
    const names = Array.isArray(wanted) ? wanted : [wanted];
    if (!names.includes(result.errno)) throw new Mismatch(names.join(" or "), returned(result));
  } else if (step.fails !== undefined && step.fails !== false) {
    if (result.errno === undefined) throw new Mismatch("fails", returned(result));
  } else if (result.errno !== undefined) {
    throw new Mismatch("success", result.errno);
  }
}

/** A result in words, for messages. */
export function returned(result: Result): string {
  if (result.dies !== undefined) return result.dies;
  if (result.errno !== undefined) return result.errno;
  const parts: string[] = [];
  if (result.ret !== undefined) parts.push(`ret ${show(result.ret)}`);
  if (result.data !== undefined) parts.push(show(result.data));
  if ("value" in result) parts.push(show(result.value));
  if (result.fields !== undefined) parts.push(show(result.fields));
  return parts.length > 0 ? parts.join(" ") : "success";
}

/**
 * json: JSON without loss of integers. The cases hold integers up to 2^63-1 (file offsets, limits), which JSON.parse
 * rounds to a double. Here an integer is a number where a double holds it exactly (2^62 too) and a bigint elsewhere,
 * which is the form in which the kernel's system calls take and give 64-bit values.
 *
 *     parseJson('{"a": 1, "b": 9223372036854775807}')      // { a: 1, b: 9223372036854775807n }
 */

/** A JSON value whose integers are exact. */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

const LONG_INTEGER = /\d{16}/;
// A string literal, or a number: strings are matched so that digits inside them are left alone.
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g;
const INTEGER = /^-?\d{16,}$/;
// NUL cannot stand unescaped in JSON and starts no string of a case.
const MARK = "\u0000integer:";

/** Parses JSON text. Integers that a double cannot hold exactly become bigint. SyntaxError as JSON.parse. */
export function parseJson(text: string): Json {
  if (!LONG_INTEGER.test(text)) return JSON.parse(text) as Json;
  const marked = text.replace(TOKEN, (token) =>
    INTEGER.test(token) && !isExact(token) ? JSON.stringify(MARK + token) : token,
  );
  return unmark(JSON.parse(marked) as Json);
}

function isExact(integer: string): boolean {
  return BigInt(Number(integer)) === BigInt(integer);
}

function unmark(value: Json): Json {
  if (typeof value === "string") return value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = unmark(value[i]);
  } else if (value !== null && typeof value === "object") {
    for (const key of Object.keys(value)) value[key] = unmark(value[key]);
  }
  return value;
}

/**
 * sysctlParser: how a write to a number file below /proc/sys is read (kernel document admin-guide/sysctl, proc_sys(5)).
 *
 * A write is a list of numbers apart by blanks, tabs or newlines. Each may have a `-`; 0x means hex and a leading 0 octal.
 * The file stores them one after the other, so those before a bad one *are stored*. A write to a file of n numbers reads n and
 * returns how far it came ("12 13" to a file of one number: 3); only the unsigned int files claim everything.
 *
 *     const w = sysctlInts(text, 1, { min: 0, max: 100 });
 *     for (let i = 0; i < w.values.length; i++) store(i, w.values[i]);
 *     return w.ret;                                   // bytes consumed, or -EINVAL
 *
 * Text is one character per byte. That only a write at offset 0 counts is the file's business, not the parser's.
 */
import { EINVAL } from "../abi/errno.js";
import { isspace, simpleStrtoull } from "./numberParsers.js";

/** What a write brought: the values to store, in order, and what the call returns: bytes consumed or -EINVAL. */
export interface SysctlWrite<T> {
  readonly values: T[];
  readonly ret: number;
}

/** Bounds of each value, inclusive; `convert` turns what was written into what is stored, undefined refuses it (EINVAL). */
export interface SysctlRange<T> {
  readonly min?: T | undefined;
  readonly max?: T | undefined;
  readonly convert?: ((value: T, index: number) => T | undefined) | undefined;
}

// The kernel copies one number into a buffer of 22 bytes and refuses what fills it, sign included.
const LONGEST = 21;
const PAGE_LIMIT = 4095;

/** Reads one number at `pos`: null if malformed. `limit` is where the text ends. */
function oneNumber(text: string, pos: number, limit: number): { value: bigint; negative: boolean; end: number } | null {
  const part = text.slice(pos, Math.min(limit, pos + LONGEST));
  const negative = part.charCodeAt(0) === 45 && limit - pos > 1;
  const first = negative ? 1 : 0;
  const c = part.charCodeAt(first);
  if (!(c >= 48 && c <= 57)) return null;
  const { end } = simpleStrtoull(part, 0, first);
  if (end === LONGEST) return null;
  // At most 20 digits were read here; beyond 64 bits they would have wrapped.
  const digits = part.slice(first, end);
  const value = /^0[0-7]/.test(digits) ? BigInt(`0o${digits.slice(1)}`) : BigInt(digits);
  if (value > 0xffffffffffffffffn) return null;
  if (pos + end < limit) {
    const next = text.charCodeAt(pos + end);
    if (next !== 32 && next !== 9 && next !== 10) return null;
  }
  return { value, negative, end: pos + end };
}

/** The loop of the int and unsigned long files; `accept` gives the value to store, or undefined to refuse. */
function vector<T>(
  text: string,
  n: number,
  accept: (value: bigint, negative: boolean, index: number) => T | undefined,
): SysctlWrite<T> {
  const values: T[] = [];
  if (text.length === 0) return { values, ret: 0 };
  const limit = Math.min(text.length, PAGE_LIMIT);
  let pos = 0;
  while (values.length < n) {
    while (pos < limit && isspace(text.charCodeAt(pos))) pos++;
    if (pos === limit) break;
    const one = oneNumber(text, pos, limit);
    if (one === null) return { values, ret: -EINVAL };
    const v = accept(one.value, one.negative, values.length);
    if (v === undefined) return { values, ret: -EINVAL };
    values.push(v);
    pos = one.end;
  }
  if (values.length === 0) return { values, ret: -EINVAL };
  while (pos < limit && isspace(text.charCodeAt(pos))) pos++;
  return { values, ret: text.length - limit + pos };
}

function inRange<T extends number | bigint>(v: T, i: number, range: SysctlRange<T> | undefined): T | undefined {
  if (range === undefined) return v;
  const c = range.convert === undefined ? v : range.convert(v, i);
  if (c === undefined || (range.min !== undefined && c < range.min)) return undefined;
  return range.max !== undefined && c > range.max ? undefined : c;
}

/** proc_dointvec and proc_dointvec_minmax: up to n ints. The range is checked after `convert`. */
export function sysctlInts(text: string, n: number, range?: SysctlRange<number>): SysctlWrite<number> {
  return vector(text, n, (value, negative, i) => {
    if (value > (negative ? 0x80000000n : 0x7fffffffn)) return undefined;
    return inRange(negative ? 0 - Number(value) : Number(value), i, range);
  });
}

/**
 * proc_douintvec and proc_douintvec_minmax (and the u8 files): one unsigned int, no sign at all. The whole write is claimed,
 * whatever follows the first number.
 */
export function sysctlUint(text: string, range?: SysctlRange<number>): SysctlWrite<number> {
  const w = vector(text, 1, (value, negative, i) =>
    negative || value > 0xffffffffn ? undefined : inRange(Number(value), i, range),
  );
  return w.ret > 0 ? { values: w.values, ret: text.length } : w;
}

/** proc_doulongvec_minmax: up to n unsigned longs, no sign; numbers, and bigints beyond 2^53. */
export function sysctlUlongs(
  text: string,
  n: number,
  range?: SysctlRange<number | bigint>,
): SysctlWrite<number | bigint> {
  return vector<number | bigint>(text, n, (value, negative, i) => {
    if (negative) return undefined;
    return inRange(value <= 0x1fffffffffffffn ? Number(value) : value, i, range);
  });
}

/** proc_dostring: what is kept of a written text: up to the first newline or NUL, at most `size - 1` bytes. */
export function sysctlString(text: string, size: number): string {
  let end = 0;
  const limit = Math.min(text.length, size - 1);
  while (end < limit && text.charCodeAt(end) !== 10 && text.charCodeAt(end) !== 0) end++;
  return text.slice(0, end);
}

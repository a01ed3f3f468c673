/**
 * numberParsers: how Linux reads numbers and words that user space writes into its files - the kstrto* family of module
 * parameters and sysfs, memparse of sizes, the lenient simple_strto* and scanf family, and comparison with words
 * (kernel document core-api/kernel-api, "Basic C Library Functions"). sysctl files have their own syntax: `sysctlParser.ts`.
 *
 *     const v = kstrtoint(text, 0);
 *     if (v instanceof Errno) return -v.nr;          // or: const v = orFail(kstrtoint(text, 0))
 *
 * - Strict parsers return the value, or the shared `Errno` object Linux would return: a signed result leaves no number free
 *   to say -EINVAL with. 32 bits and less come as number, 64 bits as bigint.
 * - Lenient parsers cannot fail: they return value and position of the first character they did not read.
 * - Text ends at a NUL, as in C.
 */
import { EINVAL, ERANGE } from "../abi/errno.js";
import { type Errno, errnoOf } from "../abi/errors.js";

/** 10, 16 or 8 reads those digits; 0 takes 0x for 16, a leading 0 for 8, else 10. Base 16 skips 0x. */
export type Base = 0 | 8 | 10 | 16;

/** What a lenient parser read: the value, and the index in the text behind it. */
export interface Scanned {
  readonly value: bigint;
  readonly end: number;
}

const U64 = 0xffffffffffffffffn;

// NaN at the end of the text fails every comparison below, as a NUL would.
function hexDigit(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  const l = c | 32;
  return l >= 97 && l <= 102 ? l - 87 : 99;
}

/** Index behind the digits; `start` itself when there is none. */
function digitsEnd(text: string, start: number, base: number): number {
  let i = start;
  while (hexDigit(text.charCodeAt(i)) < base) i++;
  return i;
}

function toBigInt(digits: string, base: number): bigint {
  return BigInt(base === 16 ? `0x${digits}` : base === 8 ? `0o${digits}` : digits);
}

/** The base that a number at `pos` is read with, and where its digits start, packed as `start << 5 | base`. */
function radixAt(text: string, pos: number, base: Base): number {
  const x = text.charCodeAt(pos) === 48 && (text.charCodeAt(pos + 1) | 32) === 120;
  if (base === 0) {
    if (text.charCodeAt(pos) !== 48) return (pos << 5) | 10;
    return x && hexDigit(text.charCodeAt(pos + 2)) < 16 ? ((pos + 2) << 5) | 16 : (pos << 5) | 8;
  }
  return base === 16 && x ? ((pos + 2) << 5) | 16 : (pos << 5) | base;
}

/** Unsigned digits up to the end of the text or one newline before it. ERANGE comes before EINVAL for what follows. */
function strictU64(text: string, pos: number, base: Base): bigint | Errno {
  const packed = radixAt(text, pos, base);
  const start = packed >> 5;
  let end = digitsEnd(text, start, packed & 31);
  if (end === start) return errnoOf(EINVAL);
  const v = toBigInt(text.slice(start, end), packed & 31);
  if (v > U64) return errnoOf(ERANGE);
  if (text.charCodeAt(end) === 10) end++;
  return end === text.length || text.charCodeAt(end) === 0 ? v : errnoOf(EINVAL);
}

/** kstrtou64 and kstrtoul: optional `+`, digits, optional newline. EINVAL, ERANGE at 2^64. */
export function kstrtou64(text: string, base: Base): bigint | Errno {
  return strictU64(text, text.charCodeAt(0) === 43 ? 1 : 0, base);
}

/** kstrtos64 and kstrtol: as kstrtou64, or `-` and digits. EINVAL, ERANGE outside -2^63..2^63-1. */
export function kstrtos64(text: string, base: Base): bigint | Errno {
  const negative = text.charCodeAt(0) === 45;
  const v = negative ? strictU64(text, 1, base) : kstrtou64(text, base);
  if (typeof v !== "bigint") return v;
  if (v > (negative ? 0x8000000000000000n : 0x7fffffffffffffffn)) return errnoOf(ERANGE);
  return negative ? -v : v;
}

function unsigned(text: string, base: Base, max: number): number | Errno {
  const v = kstrtou64(text, base);
  return typeof v !== "bigint" ? v : v > max ? errnoOf(ERANGE) : Number(v);
}

function signed(text: string, base: Base, limit: number): number | Errno {
  const v = kstrtos64(text, base);
  return typeof v !== "bigint" ? v : v < -limit || v >= limit ? errnoOf(ERANGE) : Number(v);
}

/** kstrtouint: 0..2^32-1. EINVAL, ERANGE. */
export function kstrtouint(text: string, base: Base): number | Errno {
  return unsigned(text, base, 0xffffffff);
}
/** kstrtoint: -2^31..2^31-1. EINVAL, ERANGE. */
export function kstrtoint(text: string, base: Base): number | Errno {
  return signed(text, base, 0x80000000);
}
/** kstrtou16: 0..65535. EINVAL, ERANGE. */
export function kstrtou16(text: string, base: Base): number | Errno {
  return unsigned(text, base, 0xffff);
}
/** kstrtou8: 0..255. EINVAL, ERANGE. */
export function kstrtou8(text: string, base: Base): number | Errno {
  return unsigned(text, base, 0xff);
}

/** kstrtoul on a 64-bit machine: the same as kstrtou64. */
export const kstrtoul: typeof kstrtou64 = kstrtou64;
/** kstrtol on a 64-bit machine: the same as kstrtos64. */
export const kstrtol: typeof kstrtos64 = kstrtos64;

/**
 * kstrtobool: decided by the first character - `y Y t T 1 e E` yes, `n N f F 0 d D` no - and for `o` by the second
 * (`on`, `off`); what follows is not looked at. EINVAL for anything else.
 */
export function kstrtobool(text: string): boolean | Errno {
  let c = text.charAt(0).toLowerCase();
  if (c === "o") c = `o${text.charAt(1).toLowerCase()}`;
  if (c === "y" || c === "t" || c === "1" || c === "e" || c === "on") return true;
  if (c === "n" || c === "f" || c === "0" || c === "d" || c === "of") return false;
  return errnoOf(EINVAL);
}

/** simple_strtoull: digits from `pos` on, no sign, no blanks; 0 if there are none; wraps at 2^64. */
export function simpleStrtoull(text: string, base: Base, pos: number = 0): Scanned {
  const packed = radixAt(text, pos, base);
  const start = packed >> 5;
  const end = digitsEnd(text, start, packed & 31);
  return { value: end === start ? 0n : toBigInt(text.slice(start, end), packed & 31) & U64, end };
}

/** simple_strtol: the same with an optional `-`; wraps into -2^63..2^63-1. */
export function simpleStrtol(text: string, base: Base, pos: number = 0): Scanned {
  if (text.charCodeAt(pos) !== 45) {
    const u = simpleStrtoull(text, base, pos);
    return { value: BigInt.asIntN(64, u.value), end: u.end };
  }
  const u = simpleStrtoull(text, base, pos + 1);
  return { value: BigInt.asIntN(64, -u.value), end: u.end };
}

/** What the kernel's isspace() takes for a blank: tab, newline, VT, FF, CR, blank and Latin-1's no-break space. */
export function isspace(charCode: number): boolean {
  return (charCode >= 9 && charCode <= 13) || charCode === 32 || charCode === 160;
}

/** Index of the first character from `pos` on that is no blank. */
export function skipSpaces(text: string, pos: number = 0): number {
  let i = pos;
  while (isspace(text.charCodeAt(i))) i++;
  return i;
}

/**
 * One conversion of the kernel's sscanf: blanks skipped, `d` and `i` take a `-` (never `+`), then at least one digit;
 * null if there is none ("matched nothing"). `d u` decimal, `i` by prefix, `x` hex, `o` octal. 64 bits, as %ld or %llu.
 */
export function scanNumber(
  text: string,
  pos: number = 0,
  conversion: "d" | "u" | "i" | "x" | "o" = "d",
): Scanned | null {
  const start = skipSpaces(text, pos);
  const signedConversion = conversion === "d" || conversion === "i";
  const first = signedConversion && text.charCodeAt(start) === 45 ? start + 1 : start;
  const base: Base = conversion === "x" ? 16 : conversion === "o" ? 8 : conversion === "i" ? 0 : 10;
  if (hexDigit(text.charCodeAt(first)) >= (base || 10)) return null;
  return signedConversion ? simpleStrtol(text, base, start) : simpleStrtoull(text, base, start);
}

/**
 * memparse: a number by prefix (0x, leading 0) and one of the suffixes K M G T P E in either case, powers of 1024. Lenient:
 * the caller looks at `text[end]`; no digits give 0 at `pos`. Wraps at 2^64.
 */
export function memparse(text: string, pos: number = 0): Scanned {
  const n = simpleStrtoull(text, 0, pos);
  const unit = text.charAt(n.end);
  const k = unit === "" ? -1 : "KMGTPE".indexOf(unit.toUpperCase());
  return k < 0 ? n : { value: (n.value << BigInt(10 * (k + 1))) & U64, end: n.end + 1 };
}

function upToNul(text: string): string {
  const nul = text.indexOf("\0");
  return nul < 0 ? text : text.slice(0, nul);
}

/** sysfs_streq: equal, where one of the two may have a newline at its end that the other has not. */
export function sysfsStreq(a: string, b: string): boolean {
  const x = upToNul(a);
  const y = upToNul(b);
  return x === y || `${x}\n` === y || x === `${y}\n`;
}

/** match_string: the index of the word that is exactly `text`, or -EINVAL. */
export function matchString(words: readonly string[], text: string): number {
  const i = words.indexOf(upToNul(text));
  return i < 0 ? -EINVAL : i;
}

/** sysfs_match_string: the index of the first word that `sysfsStreq` takes for equal, or -EINVAL. */
export function sysfsMatchString(words: readonly string[], text: string): number {
  for (let i = 0; i < words.length; i++) if (sysfsStreq(words[i], text)) return i;
  return -EINVAL;
}

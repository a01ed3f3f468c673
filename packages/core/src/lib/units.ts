/**
 * units: durations and sizes in the TypeScript API, where options and arguments may be text: "30s", "150ms", "1h30m"; "8G",
 * "512M", "64KiB". (What user space writes into files is Linux's business: `numberParsers.ts`.) Misuse is a TypeError or
 * RangeError that names the option.
 */
import { NSEC_PER_MSEC, NSEC_PER_SEC, NSEC_PER_USEC } from "../abi/time.js";

/** Nanoseconds as a number, or text of one or more amounts with units: ns, us, ms, s, m or min, h, d. */
export type Duration = number | string;

/** Bytes as a number, or text with a binary unit: K M G T P, optionally followed by `iB` or `B`. */
export type Size = number | string;

function nsPer(unit: string): number {
  switch (unit) {
    case "ns":
      return 1;
    case "us":
    case "µs":
      return NSEC_PER_USEC;
    case "ms":
      return NSEC_PER_MSEC;
    case "s":
      return NSEC_PER_SEC;
    case "m":
    case "min":
      return 60 * NSEC_PER_SEC;
    case "h":
      return 3600 * NSEC_PER_SEC;
    default:
      return 86400 * NSEC_PER_SEC;
  }
}

function whole(n: number, max: number, name: string, value: Duration | Size, allowed: string): number {
  if (Number.isInteger(n) && n >= 0 && n <= max) return n;
  throw new RangeError(`${name}: ${JSON.stringify(value)} is out of range, ${allowed}`);
}

/**
 * A duration in whole nanoseconds, 0..2^63 (292 years); above 2^53 (104 days) as exact as a double is. `name` is what the
 * caller calls it.
 */
export function parseDuration(value: Duration, name: string = "duration"): number {
  const allowed = 'allowed are whole nanoseconds as a number from 0 to 2^63, or text like "150ms", "30s", "1h30m"';
  if (typeof value === "number") return whole(value, 2 ** 63, name, value, allowed);
  if (typeof value !== "string") throw new TypeError(`${name}: ${String(value)} is no duration, ${allowed}`);
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|min|m|h|d))+$/.test(value)) {
    throw new RangeError(`${name}: ${JSON.stringify(value)} is no duration, ${allowed}`);
  }
  let ns = 0;
  for (const [, amount, unit] of value.matchAll(/([\d.]+)([a-zµ]+)/g)) {
    const exact = Number(amount) * nsPer(unit);
    const rounded = Math.round(exact);
    // 0.3 s is 300000000.00000004 in doubles: that is whole; 0.5 ns is not.
    ns += Math.abs(exact - rounded) < 1e-6 * Math.max(1, rounded * 1e-9) ? rounded : Number.NaN;
  }
  return whole(ns, 2 ** 63, name, value, allowed);
}

/** A size in whole bytes, 0..2^53-1. `name` is what the caller calls it. */
export function parseSize(value: Size, name: string = "size"): number {
  const allowed = 'allowed are whole bytes as a number from 0 to 2^53-1, or text like "64K", "512M", "8GiB"';
  if (typeof value === "number") return whole(value, Number.MAX_SAFE_INTEGER, name, value, allowed);
  if (typeof value !== "string") throw new TypeError(`${name}: ${String(value)} is no size, ${allowed}`);
  const m = /^(\d+(?:\.\d+)?)(?:([KMGTP])(?:iB|B)?|B)?$/i.exec(value);
  if (m === null) throw new RangeError(`${name}: ${JSON.stringify(value)} is no size, ${allowed}`);
  const unit = m[2] ? 1024 ** ("KMGTP".indexOf(m[2].toUpperCase()) + 1) : 1;
  return whole(Number(m[1]) * unit, Number.MAX_SAFE_INTEGER, name, value, allowed);
}

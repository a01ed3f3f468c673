/**
 * 64-bit file offsets. They are numbers where those are exact and bigints otherwise (2^63-1); inside, a value is kept as a number
 * (`high`) and a small correction (`low`, 0 for everything up to 2^53), so that hot paths only ever look at a number.
 */
import type { Loff } from "../sys/fileSys.js";

/** 2^53: whole numbers up to here are exact. */
export const MAX_EXACT = 9007199254740992;
/** 2^63-1: as a double it is 2^63. */
export const LLONG_MAX = 0x7fffffffffffffffn;

/** An offset or length argument. TypeError for what is not a whole number. A value beyond 64 bits signed is taken modulo 2^64. */
export function loffArg(v: unknown, name: string): Loff {
  if (typeof v === "number") {
    if (!Number.isInteger(v) || Object.is(v, -0))
      throw new TypeError(`${name}: must be a whole number or a bigint, not ${v}`);
    if (v >= -MAX_EXACT && v <= MAX_EXACT) return v;
    // the double next to 2^63-1
    if (v === 2 ** 63) return LLONG_MAX;
    return shown(BigInt.asIntN(64, BigInt(v)));
  }
  if (typeof v === "bigint") return shown(BigInt.asIntN(64, v));
  throw new TypeError(`${name}: must be a whole number or a bigint, not ${String(v)}`);
}

/** As a result: a number if that is exact. */
export function shown(v: bigint): Loff {
  const n = Number(v);
  return BigInt(n) === v ? n : v;
}

export function loffHigh(v: Loff): number {
  return typeof v === "number" ? v : Number(v);
}

export function loffLow(v: Loff): number {
  return typeof v === "number" ? 0 : Number(v - BigInt(Number(v)));
}

/** The exact value of a kept pair. */
export function loffJoin(high: number, low: number): Loff {
  return low === 0 ? high : shown(BigInt(high) + BigInt(low));
}

/** a + b, exact. */
export function loffAdd(a: Loff, b: Loff): Loff {
  if (typeof a === "number" && typeof b === "number") {
    const s = a + b;
    if (s > -MAX_EXACT && s < MAX_EXACT) return s;
  }
  return shown(BigInt(a) + BigInt(b));
}

/** Addresses and lengths as system calls take them: unsigned 64-bit values in doubles. */

/**
 * A whole number or bigint as an unsigned 64-bit value; negative numbers are what their bits are. Exact below 2^53 (every valid
 * address is); TypeError for anything else than a whole number.
 */
export function ulong(v: unknown, name: string): number {
  if (typeof v === "bigint") return Number(BigInt.asUintN(64, v));
  if (typeof v !== "number" || !Number.isInteger(v) || Object.is(v, -0))
    throw new TypeError(`${name}: must be a whole number or a bigint, not ${String(v)}`);
  if (v >= 0 && v < 2 ** 64) return v;
  return v < 0 && v >= -(2 ** 63) ? v + 2 ** 64 : Number(BigInt.asUintN(64, BigInt(v)));
}

/** End of a range of whole pages from `addr`: above 2^64, Infinity: it wraps. */
export function rangeEnd(addr: number, length: number): number {
  const len = Math.ceil(length / 4096) * 4096;
  const end = addr + len;
  return len >= 2 ** 64 || end > 2 ** 64 ? Number.POSITIVE_INFINITY : end;
}

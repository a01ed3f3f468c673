/**
 * Integer arithmetic of the control loop as the kernel does it: division truncates, shifts of negative numbers round down. All
 * values are whole numbers in doubles; products stay below 2^53 as long as counts of pages are below 2^32 (16 TiB of memory).
 */

/** a / b in C: truncated toward zero; b must not be 0. */
export function div(a: number, b: number): number {
  return Math.trunc(a / b);
}

/** a * b / c, exact also where the product is beyond 2^53. */
export function mulDiv(a: number, b: number, c: number): number {
  const p = a * b;
  return p <= Number.MAX_SAFE_INTEGER && p >= -Number.MAX_SAFE_INTEGER
    ? Math.trunc(p / c)
    : Number((BigInt(a) * BigInt(b)) / BigInt(c));
}

/** v >> bits (arithmetic). */
export function shr(v: number, bits: number): number {
  return Math.floor(v / 2 ** bits);
}

/** v | 1 for v >= 0. */
export function odd(v: number): number {
  return v % 2 === 0 ? v + 1 : v;
}

/** log2 rounded down; v >= 1. */
export function ilog2(v: number): number {
  if (v < 0x80000000) return 31 - Math.clz32(v);
  let n = 31;
  for (let x = Math.floor(v / 0x80000000); x > 1; x = Math.floor(x / 2)) n++;
  return n;
}

/** The next power of two >= v; v >= 1. */
export function roundupPow2(v: number): number {
  return v <= 1 ? 1 : 2 ** (ilog2(v - 1) + 1);
}

/** a / b rounded up. */
export function divRoundUp(a: number, b: number): number {
  return Math.ceil(a / b);
}

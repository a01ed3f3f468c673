/**
 * decayLoad: the geometric decay behind PELT, "per-entity load tracking" (scheduler/sched-pelt; the load calculation that
 * came with Linux 3.8).
 *
 * Time is cut into periods of 1024 units of 1024 ns (about 1 ms). What was n periods ago counts y^n, with y^32 = 1/2.
 * Everything is integer arithmetic with Linux's truncations, so results equal the kernel's bit for bit.
 *
 *     decayLoad(47742, 32);          // 23870, not 23871: the 32-bit fraction for y^0 is one short of 1
 *
 * Sums stay below 2^53, so a double holds them exactly; the 64x32-bit product is taken in halves, without BigInt.
 */

/** Units of 1024 ns in a period. */
export const LOAD_AVG_UNITS = 1024;
/** Periods after which a contribution counts half. */
export const LOAD_AVG_PERIOD = 32;
/** What a sum reaches if it adds a full period for ever: the fixed point of max * y + 1024. */
export const LOAD_AVG_MAX = 47742;
/** Decays longer than this many periods give zero (63 halvings). */
const MAX_PERIODS = LOAD_AVG_PERIOD * 63;

/** y^n as a 32-bit fraction, rounded down, n in 0..31. */
export const runnableAvgYnInv: Readonly<Uint32Array> = /* @__PURE__ */ Uint32Array.from(
  { length: LOAD_AVG_PERIOD },
  (_, n) => Math.floor(0xffffffff * 0.5 ** (n / LOAD_AVG_PERIOD)),
);

/** The halves of the fractions: a product with one of them is exact in a double. */
const ynInvHigh = /* @__PURE__ */ Float64Array.from(runnableAvgYnInv, (inv) => inv >>> 16);
const ynInvLow = /* @__PURE__ */ Float64Array.from(runnableAvgYnInv, (inv) => inv & 0xffff);

/**
 * v * y^n, truncated as Linux truncates it.
 * @param v a sum, an integer in 0..2^53
 * @param n periods, an integer >= 0; beyond 2016 the result is 0
 */
export function decayLoad(v: number, n: number): number {
  if (n >= LOAD_AVG_PERIOD) {
    if (n > MAX_PERIODS) return 0;
    v = Math.floor(v / 2 ** (n >>> 5));
    n &= 31;
  }
  if (v < 0x100000000) return Math.floor((v * ynInvHigh[n] + Math.floor(v * ynInvLow[n] * 2 ** -16)) * 2 ** -16);
  const vh = Math.floor(v * 2 ** -32);
  const vl = v - vh * 0x100000000;
  const inv = ynInvHigh[n] * 0x10000 + ynInvLow[n];
  return vh * inv + Math.floor((vl * ynInvHigh[n] + Math.floor(vl * ynInvLow[n] * 2 ** -16)) * 2 ** -16);
}

/** What p-1 whole periods add, decayed to now: the series from the limit backwards, as Linux takes it. */
function sumOfWhole(p: number): number {
  return LOAD_AVG_MAX - decayLoad(LOAD_AVG_MAX, p) - LOAD_AVG_UNITS;
}
/** The same by table, for stretches up to an eighth of a second. */
const wholePeriods = /* @__PURE__ */ Float64Array.from({ length: 128 }, (_, p) => sumOfWhole(p));

/**
 * What a stretch of running adds that spans `p` period boundaries: the rest of the old period, p-1 whole ones, and the
 * beginning of the current one, each decayed to now.
 * @param p periods crossed, >= 1
 * @param d1 units left in the old period, 1..1024
 * @param d3 units in the current period, 0..1023
 */
export function accumulatePeltSegments(p: number, d1: number, d3: number): number {
  return decayLoad(d1, p) + (p < wholePeriods.length ? wholePeriods[p] : sumOfWhole(p)) + d3;
}

/**
 * expDecay: e^-x by additions and multiplications alone.
 *
 * Math.exp may differ in its last bit between JavaScript engines, and a run must be the same everywhere.
 */

/** e^-x for x >= 0, to about 15 digits. */
export function expDecay(x: number): number {
  if (!(x < 700)) return 0;
  // halve until the series converges in a few terms, then square as often
  let squarings = 0;
  while (x > 0.125) {
    x /= 2;
    squarings++;
  }
  let term = 1;
  let sum = 1;
  for (let i = 1; i <= 9; i++) {
    term *= -x / i;
    sum += term;
  }
  for (; squarings > 0; squarings--) sum *= sum;
  return sum;
}

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bitmapAlloc,
  bitmapAnd,
  bitmapAndnot,
  bitmapBits,
  bitmapClear,
  bitmapEmpty,
  bitmapEqual,
  bitmapFirst,
  bitmapIntersects,
  bitmapLast,
  bitmapNext,
  bitmapOf,
  bitmapOr,
  bitmapSetRange,
  bitmapSubset,
  bitmapTest,
  bitmapWeight,
} from "./bitmap.js";

const N = 100;
const bits: fc.Arbitrary<number[]> = fc.uniqueArray(fc.nat(N - 1));
const sorted = (s: Iterable<number>): number[] => [...s].sort((a, b) => a - b);

describe("bitmaps", () => {
  it("behave as sets of numbers", () => {
    fc.assert(
      fc.property(bits, bits, (xs, ys) => {
        const x = bitmapOf(N, xs);
        const y = bitmapOf(N, ys);
        const sx = new Set(xs);
        const sy = new Set(ys);
        const both = xs.filter((b) => sy.has(b));
        const d = bitmapAlloc(N);
        expect(bitmapAnd(d, x, y)).toBe(both.length > 0);
        expect(bitmapBits(d)).toEqual(sorted(both));
        bitmapOr(d, x, y);
        expect(bitmapBits(d)).toEqual(sorted(new Set([...xs, ...ys])));
        const left = xs.filter((b) => !sy.has(b));
        expect(bitmapAndnot(d, x, y)).toBe(left.length > 0);
        expect(bitmapBits(d)).toEqual(sorted(left));
        expect(bitmapWeight(x)).toBe(xs.length);
        expect(bitmapEmpty(x)).toBe(xs.length === 0);
        expect(bitmapIntersects(x, y)).toBe(both.length > 0);
        expect(bitmapSubset(x, y)).toBe(left.length === 0);
        expect(bitmapEqual(x, y)).toBe(left.length === 0 && xs.length === ys.length);
        expect(bitmapFirst(x)).toBe(xs.length === 0 ? -1 : Math.min(...xs));
        expect(bitmapLast(x)).toBe(xs.length === 0 ? -1 : Math.max(...xs));
        for (let b = 0; b < N; b++) expect(bitmapTest(x, b)).toBe(sx.has(b));
      }),
      { numRuns: 50 },
    );
  });
  it("a range is set whole, across words", () => {
    fc.assert(
      fc.property(fc.nat(N), fc.nat(N), (start, n) => {
        const count = Math.min(n, N - start);
        const m = bitmapAlloc(N);
        bitmapSetRange(m, start, count);
        expect(bitmapBits(m)).toEqual(Array.from({ length: count }, (_, i) => start + i));
      }),
    );
  });
  it("a cleared bit is gone, and the search goes past it", () => {
    const m = bitmapOf(N, [3, 31, 32, 99]);
    bitmapClear(m, 31);
    expect([bitmapNext(m, 0), bitmapNext(m, 4), bitmapNext(m, 33), bitmapNext(m, 100), bitmapNext(m, 1000)]).toEqual([
      3, 32, 99, -1, -1,
    ]);
    expect(bitmapTest(m, 500)).toBe(false);
  });
  it("sizes may differ in a comparison", () => {
    expect(bitmapEqual(bitmapOf(32, [1]), bitmapOf(64, [1]))).toBe(true);
    expect(bitmapEqual(bitmapOf(32, [1]), bitmapOf(64, [1, 40]))).toBe(false);
    expect(bitmapSubset(bitmapOf(64, [40]), bitmapOf(32, [1]))).toBe(false);
  });
  it("a bit outside is a mistake of the caller", () => {
    expect(() => bitmapOf(4, [4])).toThrow(RangeError);
    expect(() => bitmapOf(4, [0.5])).toThrow(/0\.5 is not in 0\.\.3/);
  });
});

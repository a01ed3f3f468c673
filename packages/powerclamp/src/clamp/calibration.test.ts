import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { adjustCompensation, CalibrationTable, getCompensation } from "./calibration.js";
import { RatioSampler } from "./pkgRatio.js";

function table(rows: number, entries: Record<number, [number, number]>): CalibrationTable {
  const t = new CalibrationTable(rows);
  for (const [pct, [confidence, steady]] of Object.entries(entries)) t.set(Number(pct), confidence, steady);
  return t;
}

describe("getCompensation", () => {
  it("is the mean of three confident neighbours, and 0 while one of them is not", () => {
    expect(getCompensation(table(50, { 24: [3, 2], 25: [3, 1], 26: [3, 3] }), 25, false)).toBe(2);
    expect(getCompensation(table(50, { 24: [2, 2], 25: [3, 1], 26: [3, 3] }), 25, false)).toBe(0);
  });

  it("uses rows 1, 2, 3 at the bottom and the three highest at the top", () => {
    expect(getCompensation(table(50, { 1: [3, 1], 2: [3, 1], 3: [3, 2] }), 1, false)).toBe(1);
    // three fives at 49, but 49 + anything is over the limit
    expect(getCompensation(table(50, { 47: [3, 5], 48: [3, 5], 49: [3, 5] }), 49, false)).toBe(0);
    expect(getCompensation(table(100, { 97: [3, 5], 98: [3, 5], 99: [3, 5] }), 99, false)).toBe(0);
  });

  it("is cut so that the sum stays below the maximum; doubling (3.9) too", () => {
    expect(getCompensation(table(50, { 47: [3, 5], 48: [3, 5], 49: [3, 5] }), 48, false)).toBe(1);
    expect(getCompensation(table(50, {}), 20, true)).toBe(20);
    expect(getCompensation(table(50, {}), 25, true)).toBe(24);
    expect(getCompensation(table(50, {}), 49, true)).toBe(0);
  });

  it("keeps target + compensation at most MAX-1 for every table", () => {
    const row = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 6 }));
    fc.assert(
      fc.property(
        fc.constantFrom(50, 100),
        fc.array(row, { minLength: 100, maxLength: 100 }),
        fc.integer({ min: 1, max: 99 }),
        fc.boolean(),
        (rows, entries, ratio, reduceIrq) => {
          fc.pre(ratio < rows);
          const t = table(rows, Object.fromEntries(entries.slice(0, rows).map((e, i) => [i, e])));
          const comp = getCompensation(t, ratio, reduceIrq);
          expect(comp).toBeGreaterThanOrEqual(0);
          expect(comp + ratio).toBeLessThanOrEqual(rows - 1);
        },
      ),
    );
  });
});

describe("adjustCompensation", () => {
  const run = (t: CalibrationTable, pct: number, current: number): number[] => {
    adjustCompensation(t, pct, pct, current, false);
    return [t.confidence[pct], t.steady[pct]];
  };

  it("averages clean windows, rounded up, and freezes at confidence 3", () => {
    const t = new CalibrationTable(50);
    expect(run(t, 10, 8)).toEqual([1, 2]);
    expect(run(t, 10, 10)).toEqual([2, 1]);
    expect(run(t, 10, 8)).toEqual([3, 2]);
    expect(run(t, 10, 10)).toEqual([3, 2]);
  });

  it("replaces a steady value of 0 instead of averaging with it", () => {
    const t = table(50, { 20: [1, 0] });
    expect(run(t, 20, 17)).toEqual([2, 3]);
  });

  it("refuses negative differences and those above 1 + pct/10", () => {
    const t = new CalibrationTable(50);
    expect(run(t, 16, 17)).toEqual([0, 0]);
    expect(run(t, 15, 12)).toEqual([0, 0]);
    expect(run(t, 15, 13)).toEqual([1, 2]);
  });

  it("never lowers confidence, and keeps steady at most 1 + pct/10", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 49 }),
        fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 100 }),
        (pct, seen) => {
          const t = new CalibrationTable(50);
          let confidence = 0;
          for (const current of seen) {
            adjustCompensation(t, pct, pct, current, false);
            expect(t.confidence[pct]).toBeGreaterThanOrEqual(confidence);
            confidence = t.confidence[pct];
            expect(confidence).toBeLessThanOrEqual(3);
            expect(t.steady[pct]).toBeLessThanOrEqual(1 + Math.trunc(pct / 10));
          }
        },
      ),
    );
  });

  it("names the row and what is allowed when a preset is bad", () => {
    expect(() => new CalibrationTable(50).set(50, 0, 0)).toThrow(/pct must be an integer in 0\.\.49, not 50/);
    expect(() => new CalibrationTable(50).set(1, 4, 0)).toThrow(/confidence must be 0\.\.3, not 4/);
    expect(() => new CalibrationTable(50).set(1, 0, Number.NaN)).toThrow(/steady must be/);
  });
});

describe("RatioSampler", () => {
  it("reads 1 without history", () => {
    expect(new RatioSampler().sample(0, 5000)).toBe(1);
  });

  it("divides by the low 32 bits of the TSC difference", () => {
    const s = new RatioSampler();
    s.sample(1163881149, 140139717223);
    expect(s.sample(1227199655, 152803418961)).toBe(1); // 0.5 % in truth
  });

  it("keeps the old ratio when the cut difference is zero", () => {
    const s = new RatioSampler();
    s.sample(1000, 5000);
    s.sample(1270, 6000);
    expect(s.ratio).toBe(27);
    expect(s.sample(9999, 6000 + 2 ** 32)).toBe(27);
  });

  it("is exact for counters far beyond 2^46", () => {
    const s = new RatioSampler();
    s.sample(1, 1);
    const msr = 2 ** 50 + 12345;
    expect(s.sample(1 + msr, 1 + 12345)).toBe(Number((100n * BigInt(msr)) / 12345n));
  });
});

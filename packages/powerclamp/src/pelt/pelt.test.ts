import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accumulatePeltSegments, decayLoad, LOAD_AVG_MAX, runnableAvgYnInv } from "./decayLoad.js";
import { peltDivider, peltUpdate, SchedAvg } from "./pelt.js";

/** The same arithmetic in BigInt, written from the definition: the reference for exactness. */
function decayBig(v: bigint, n: number): bigint {
  if (n > 2016) return 0n;
  const inv = BigInt(runnableAvgYnInv[n % 32]);
  return ((v >> BigInt(Math.floor(n / 32))) * inv) >> 32n;
}

describe("decayLoad", () => {
  it("has y^32 = 1/2 in 32-bit fractions that begin one short of 1", () => {
    expect(runnableAvgYnInv[0]).toBe(0xffffffff);
    expect(runnableAvgYnInv[1]).toBe(0xfa83b2da);
    expect(runnableAvgYnInv[31]).toBe(0x82cd8698);
  });

  it("finds LOAD_AVG_MAX as what a sum reaches by adding 1024 a period, in about 345 periods", () => {
    const grow = (max: number): number => Number((BigInt(max) * BigInt(runnableAvgYnInv[1])) >> 32n) + 1024;
    let max = 1024;
    let periods = 1;
    for (; grow(max) !== max; periods++) max = grow(max);
    expect(max).toBe(LOAD_AVG_MAX);
    expect(Math.abs(periods - 345)).toBeLessThanOrEqual(2);
  });

  it("equals the definition in exact integers for every sum below 2^53", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), fc.integer({ min: 0, max: 2100 }), (v, n) => {
        expect(decayLoad(v, n)).toBe(Number(decayBig(BigInt(v), n)));
      }),
    );
  });

  it("never grows with more periods, and loses everything beyond 63 halvings", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), fc.integer({ min: 0, max: 2020 }), (v, n) => {
        expect(decayLoad(v, n + 1)).toBeLessThanOrEqual(decayLoad(v, n));
      }),
    );
    expect(decayLoad(Number.MAX_SAFE_INTEGER, 2017)).toBe(0);
  });

  it("adds three parts that never exceed the maximum", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4000 }),
        fc.integer({ min: 1, max: 1024 }),
        fc.integer({ min: 0, max: 1023 }),
        (p, d1, d3) => {
          const sum = accumulatePeltSegments(p, d1, d3);
          expect(sum).toBeGreaterThanOrEqual(d3);
          expect(sum).toBeLessThanOrEqual(LOAD_AVG_MAX - 1024 + d3 + 1);
        },
      ),
    );
  });
});

describe("peltUpdate", () => {
  it("moves averages only when a period boundary is crossed", () => {
    const sa = new SchedAvg();
    expect(peltUpdate(sa, 1023 * 1024, 1, 1, 1)).toBe(false);
    expect(sa.utilSum).toBe(1023 * 1024);
    expect(sa.utilAvg).toBe(0);
    expect(peltUpdate(sa, 1025 * 1024, 1, 1, 1)).toBe(true);
    expect(sa.utilAvg).toBeGreaterThan(0);
  });

  it("keeps less than 1024 ns for later, and only moves its stamp when time goes backwards", () => {
    const sa = new SchedAvg();
    sa.lastUpdateTime = 1000;
    peltUpdate(sa, 2023, 1, 1, 1);
    expect([sa.lastUpdateTime, sa.loadSum]).toEqual([1000, 0]);
    peltUpdate(sa, 2024, 1, 1, 1);
    expect([sa.lastUpdateTime, sa.loadSum]).toEqual([2024, 1]);
    peltUpdate(sa, 500, 1, 1, 1);
    expect([sa.lastUpdateTime, sa.loadSum]).toEqual([500, 1]);
  });

  it("reaches about half of 1024 in 32 ms of running, three quarters in 64, and nearly all of it in a second", () => {
    const after = (ms: number): number => {
      const sa = new SchedAvg();
      for (let t = 4; t <= ms; t += 4) peltUpdate(sa, t * 1_000_000, 1, 1, 1);
      return sa.utilAvg;
    };
    expect(after(32)).toBeGreaterThanOrEqual(485);
    expect(after(32)).toBeLessThanOrEqual(510);
    expect(after(64)).toBeGreaterThanOrEqual(740);
    expect(after(64)).toBeLessThanOrEqual(770);
    expect(after(1000)).toBeGreaterThanOrEqual(1023);
    expect(after(1000)).toBeLessThanOrEqual(1024);
  });

  it("keeps running <= runnable <= load and every average at most 1024, whatever a task does", () => {
    const step = fc.record({
      units: fc.integer({ min: 0, max: 200_000 }),
      state: fc.constantFrom([0, 0, 0], [1, 1, 0], [1, 1, 1]),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const sa = new SchedAvg();
        let now = 0;
        for (const { units, state } of steps) {
          now += units * 1024;
          peltUpdate(sa, now, state[0], state[1], state[2]);
          expect(sa.utilSum).toBeLessThanOrEqual(sa.runnableSum);
          expect(sa.runnableSum).toBeLessThanOrEqual((peltDivider(sa) + 2) * 1024);
          expect(sa.utilAvg).toBeLessThanOrEqual(1024);
          expect(sa.loadAvg).toBeLessThanOrEqual(1024);
          expect(sa.lastUpdateTime).toBe(now);
          expect(sa.periodContrib).toBeLessThan(1024);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("gives the same sums however a stretch of running is cut, up to one truncation a cut", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 20 }), (cuts) => {
        const whole = new SchedAvg();
        const cut = new SchedAvg();
        let now = 0;
        for (const c of cuts) {
          now += c * 1024;
          peltUpdate(cut, now, 1, 1, 1);
        }
        peltUpdate(whole, now, 1, 1, 1);
        expect(cut.periodContrib).toBe(whole.periodContrib);
        expect(Math.abs(cut.loadSum - whole.loadSum)).toBeLessThanOrEqual(3 * cuts.length);
      }),
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cstateTables } from "./cstateTables.js";
import { pkgResidency } from "./pkgResidency.js";
import { findDeepestState, limitStates, menuSelect, NO_LATENCY_LIMIT } from "./selectState.js";

const { nehalem, hsw } = cstateTables;

describe("forced idle", () => {
  it("takes the deepest state within the latency limit, whatever its residency", () => {
    const name = (us: number): string => nehalem[findDeepestState(nehalem, us)].name;
    expect([NO_LATENCY_LIMIT, 200, 199, 19].map(name)).toEqual(["C6", "C6", "C3", "C1E"]);
  });

  it("polls when the limit is below every state, and skips disabled ones", () => {
    expect(findDeepestState(nehalem, 2)).toBe(-1);
    expect(findDeepestState(nehalem, NO_LATENCY_LIMIT, (i) => i === 3)).toBe(2);
  });
});

describe("natural idle", () => {
  it("takes the deepest state that the expected sleep is long enough for", () => {
    const name = (us: number): string => hsw[menuSelect(hsw, us * 1000)].name;
    expect([1, 50, 150, 450, 600, 5000].map(name)).toEqual(["C1", "C1E", "C3", "C6", "C7s", "C8"]);
  });

  it("obeys a latency limit", () => {
    expect(hsw[menuSelect(hsw, 1e9, 40)].name).toBe("C3");
  });

  it("is limited by intel_idle.max_cstate, and polls when that is 0", () => {
    expect(limitStates(nehalem, 2).map((s) => s.name)).toEqual(["C1", "C1E"]);
    expect(menuSelect(limitStates(nehalem, 0), 1e9)).toBe(-1);
    expect(() => limitStates(nehalem, -1)).toThrow(/max_cstate must be an integer >= 0, not -1/);
  });
});

describe("pkgResidency", () => {
  const half = (phaseUs: number): { idleUs: number; periodUs: number; phaseUs: number } => ({
    idleUs: 12000,
    periodUs: 24000,
    phaseUs,
  });

  it("is half for CPUs in step at 50 % and nothing in opposite phase", () => {
    expect(pkgResidency([half(0), half(0)])).toBeCloseTo(0.5, 9);
    expect(pkgResidency([half(0), half(12000)])).toBe(0);
  });

  it("falls linearly with the shift", () => {
    for (const shift of [1000, 3000, 6000, 9000])
      expect(pkgResidency([half(0), half(shift)])).toBeCloseTo((12000 - shift) / 24000, 9);
  });

  it("is the product of the shares for periods that have nothing in common", () => {
    const share = pkgResidency([
      { idleUs: 500, periodUs: 1009, phaseUs: 0 },
      { idleUs: 500, periodUs: 1013, phaseUs: 0 },
    ]);
    expect(share).toBeCloseTo((500 / 1009) * (500 / 1013), 3);
  });

  it("never exceeds the least idle CPU", () => {
    const cpu = fc
      .record({
        period: fc.integer({ min: 1, max: 60 }),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
        phase: fc.integer({ min: -100, max: 100 }),
      })
      .map(({ period, share, phase }) => ({ idleUs: period * share, periodUs: period, phaseUs: phase }));
    fc.assert(
      fc.property(fc.array(cpu, { minLength: 1, maxLength: 4 }), (cpus) => {
        const r = pkgResidency(cpus);
        expect(r).toBeGreaterThanOrEqual(-1e-9);
        for (const c of cpus) expect(r).toBeLessThanOrEqual(c.idleUs / c.periodUs + 1e-9);
      }),
    );
  });

  it("names the CPU whose schedule is impossible", () => {
    expect(() => pkgResidency([half(0), { idleUs: 5, periodUs: 4, phaseUs: 0 }])).toThrow(/cpus\[1\]\.idleUs/);
    expect(() => pkgResidency([{ idleUs: 0, periodUs: 0, phaseUs: 0 }])).toThrow(/periodUs must be a number > 0/);
  });
});

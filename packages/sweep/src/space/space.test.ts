import type { Knob } from "@kernelkit/core/stories";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Axis } from "../define.js";
import { resolveAxis } from "./axis.js";
import { pointSet } from "./design.js";

const knob: Knob = { kind: "number", default: 25, min: 1, max: 49, unit: "%" };
const choice: Knob = { kind: "choice", default: "a", choices: ["a", "b", "c"] };
const values = (axis: Axis, k: Knob | null = null): readonly unknown[] | null => resolveAxis("p", axis, k).values;

describe("an axis", () => {
  it("has even steps, or even factors, with both ends and without stray digits", () => {
    expect(values({ from: 0, to: 0.5, steps: 6 })).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(values({ from: 1, to: 1000, steps: 4, scale: "log" })).toEqual([1, 10, 100, 1000]);
    expect(values({ from: 1, to: 3, steps: 9, whole: true })).toEqual([1, 2, 3]);
  });

  it("is all that a knob allows when it is true", () => {
    expect(values(true, choice)).toEqual(["a", "b", "c"]);
    const axis = resolveAxis("p", true, knob);
    expect(axis.values).toBeNull();
    expect([axis.at(0), axis.at(0.99999)]).toEqual([1, 49]);
    expect(() => values(true)).toThrow(/space\.p: true is for stories/);
  });

  it("says what is wrong with it", () => {
    expect(() => values([])).toThrow(/list of values/);
    expect(() => values({ from: 2, to: 1 })).toThrow(/from must be below to/);
    expect(() => values({ from: 0, to: 1, scale: "log" })).toThrow(/above 0/);
    expect(() => values({ from: 0, to: 1, steps: 1 })).toThrow(/steps must be/);
  });

  it("never leaves its range at any quantile", () => {
    const range = fc.record({
      from: fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
      width: fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
      log: fc.boolean(),
      q: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    fc.assert(
      fc.property(range, ({ from, width, log, q }) => {
        const to = from + width;
        fc.pre(to > from);
        const v = resolveAxis("p", { from, to, scale: log ? "log" : "linear" }, null).at(q) as number;
        expect(v).toBeGreaterThanOrEqual(from * (1 - 1e-12));
        expect(v).toBeLessThanOrEqual(to * (1 + 1e-12));
      }),
      { numRuns: 100 },
    );
  });
});

describe("a design", () => {
  const axes = [resolveAxis("x", [1, 2, 3], null), resolveAxis("y", ["a", "b"], null)];
  const ranges = [
    resolveAxis("x", { from: 0, to: 1 }, null),
    resolveAxis("y", { from: 1, to: 1000, scale: "log" }, null),
  ];

  it("grid: every combination once, the last parameter fastest", () => {
    const points = pointSet(axes, "grid");
    expect(Array.from({ length: points.length }, (_, i) => Object.values(points.at(i)).join(""))).toEqual([
      "1a",
      "1b",
      "2a",
      "2b",
      "3a",
      "3b",
    ]);
    expect(() => pointSet(ranges, "grid")).toThrow(/space\.x: a grid needs values/);
    expect(pointSet([], "grid").length).toBe(1);
  });

  it("random: the same seed draws the same points, another draws others, whatever is asked first", () => {
    const at = (seed: number, i: number): object => pointSet(ranges, { kind: "random", points: 50, seed }).at(i);
    expect(at(1, 7)).toEqual(at(1, 7));
    expect(at(1, 7)).not.toEqual(at(2, 7));
    expect(at(1, 7)).not.toEqual(at(1, 8));
  });

  it("Latin hypercube: of n points each of a parameter's n equal parts is used once", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer(), (n, seed) => {
        const points = pointSet(ranges, { kind: "latin-hypercube", points: n, seed });
        const parts = (part: (p: Record<string, number>) => number): Set<number> =>
          new Set(Array.from({ length: n }, (_, i) => Math.floor(part(points.at(i) as Record<string, number>) * n)));
        expect(parts((p) => p.x).size).toBe(n);
        expect(parts((p) => Math.log(p.y) / Math.log(1000)).size).toBe(n);
      }),
      { numRuns: 50 },
    );
  });

  it("refuses what cannot be", () => {
    expect(() => pointSet(axes, { kind: "random", points: 0 })).toThrow(/design\.points/);
    expect(() => pointSet(axes, { kind: "sobol" as "random", points: 4 })).toThrow(/random or latin-hypercube/);
  });
});

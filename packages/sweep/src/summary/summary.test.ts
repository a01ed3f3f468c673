import { describe, expect, it } from "vitest";
import type { Objective } from "../define.js";
import type { RunRecord } from "../results/record.js";
import { picture } from "./picture.js";
import { statistics } from "./statistics.js";
import { SummaryBuilder, type SweepSummary } from "./summary.js";

type Run = [a: number, b: string, seed: number, cost: number | null];

function summarize(runs: readonly Run[], objective: Objective | null = null, varying = ["a", "b"]): SweepSummary {
  const s = new SummaryBuilder(varying, objective);
  for (const [a, b, seed, cost] of runs) {
    const outcome: RunRecord["outcome"] =
      cost === null
        ? { status: "failed", error: "no" }
        : { status: "ok", measures: { cost, size: a, none: null }, digest: "" };
    s.add({ id: "", scenario: "s", parameters: { a, b, fixed: 7 }, seed, outcome, wallMs: 1, versions: {} });
  }
  return s.summary();
}

const RUNS: readonly Run[] = [
  [10, "x", 1, 5],
  [2, "y", 1, 1],
  [2, "y", 2, 3],
  [10, "x", 2, 7],
  [2, "x", 1, null],
  [10, "y", 1, 2.5],
];

describe("statistics", () => {
  it("has Student's interval: for 2, 4, 4, 4, 5, 5, 7, 9 the mean is 5 within 1.79 at 95 %", () => {
    const s = statistics([2, 4, 4, 4, 5, 5, 7, 9], 0.95);
    expect(s).toMatchObject({ n: 8, mean: 5, min: 2, max: 9, median: 4.5 });
    // s = sqrt(32 / 7), t(0.975, 7) = 2.364624
    expect(s.ci).toBeCloseTo((2.364624 * Math.sqrt(32 / 7)) / Math.sqrt(8), 5);
  });

  it("of one value has no spread and no interval", () => {
    expect(statistics([3], 0.95)).toMatchObject({ n: 1, mean: 3, sd: Number.NaN, ci: Number.NaN });
  });
});

describe("a summary", () => {
  it("has each point once with its figures over the seeds, in the order of the parameters", () => {
    const { points } = summarize(RUNS);
    expect(points.map((p) => [p.parameters.a, p.parameters.b, p.runs, p.failed, p.measures.cost?.mean])).toEqual([
      [2, "x", 0, 1, undefined],
      [2, "y", 2, 0, 2],
      [10, "x", 2, 0, 6],
      [10, "y", 1, 0, 2.5],
    ]);
  });

  it("finds the best point for either goal, within bounds, and how many cannot be told from it", () => {
    const best = (o: Objective): unknown => summarize(RUNS, o).best?.parameters;
    expect(best({ measure: "cost", goal: "min" })).toEqual({ a: 2, b: "y" });
    expect(best({ measure: "cost", goal: "max" })).toEqual({ a: 10, b: "x" });
    expect(best({ measure: "cost", goal: "min", subjectTo: [{ measure: "size", min: 5 }] })).toEqual({ a: 10, b: "y" });
    expect(best({ measure: "cost", goal: "min", subjectTo: [{ measure: "size", max: 1 }] })).toBeUndefined();
    expect(best({ measure: "none", goal: "min" })).toBeUndefined();
    // 2 ± 12.7 over two seeds: everything is within
    expect(summarize(RUNS, { measure: "cost", goal: "min" }).tied).toBe(2);
  });
});

describe("a picture", () => {
  const panels = (s: SweepSummary): Record<string, unknown>[] => picture(s, "t")?.vconcat as Record<string, unknown>[];

  it("over one parameter is a curve with its band", () => {
    const s = summarize(
      RUNS.filter((r) => r[1] === "y"),
      null,
      ["a"],
    );
    const [cost] = panels(s);
    expect(cost.data).toEqual({
      values: [
        { a: 2, mean: 2, low: expect.closeTo(2 - 12.706, 2), high: expect.closeTo(2 + 12.706, 2), best: false },
        { a: 10, mean: 2.5, low: 2.5, high: 2.5, best: false },
      ],
    });
  });

  it("over two is a heat map of the objective, with the best cell marked", () => {
    const [cost, ...others] = panels(summarize(RUNS, { measure: "cost", goal: "min" }));
    expect(others).toEqual([]);
    const { values } = cost.data as { values: { mark: string; mean: number }[] };
    expect(values.map((v) => [v.mean, v.mark])).toEqual([
      [2, "★"],
      [6, ""],
      [2.5, ""],
    ]);
  });

  it("of nothing is none", () => {
    expect(picture(summarize([]), "t")).toBeNull();
  });
});

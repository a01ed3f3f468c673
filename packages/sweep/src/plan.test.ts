import type { Story } from "@kernelkit/core/stories";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import type { AnyScenario, Scenario, Sweep } from "./define.js";
import { execute } from "./execute.js";
import { makePlan, type Plan, runAt } from "./plan.js";

const story: Story<{ target: number; mode: string }> = {
  id: "story",
  question: "?",
  source: "",
  claim: "",
  assumes: [],
  knobs: {
    target: { kind: "number", default: 25, min: 1, max: 49, unit: "%" },
    mode: { kind: "choice", default: "a", choices: ["a", "b"] },
  },
  run: (k) => ({ series: [], table: { columns: [], rows: [] }, numbers: { target: k?.target ?? 0, nan: Number.NaN } }),
};
const schema = v.object({ size: v.pipe(v.number(), v.maxValue(100)), kind: v.optional(v.string(), "plain") });
const withSchema: Scenario<typeof schema> = {
  id: "schema",
  parameters: schema,
  run: (p, { seed }) => ({ total: p.size + seed, plain: p.kind === "plain" ? 1 : 0 }),
};

const plan = (s: Sweep<never> | Sweep, code = "c"): Promise<Plan> => makePlan(s as Sweep, code);
const ids = (p: Plan): string[] => Array.from({ length: p.length }, (_, i) => runAt(p, i).id);

describe("a plan", () => {
  it("has every point with every seed, each with an id of its own", async () => {
    const p = await plan({ scenario: withSchema as AnyScenario, space: { size: [1, 2, 3] }, seeds: [7, 9] });
    expect(Array.from({ length: p.length }, (_, i) => [runAt(p, i).parameters.size, runAt(p, i).seed])).toEqual([
      [1, 7],
      [1, 9],
      [2, 7],
      [2, 9],
      [3, 7],
      [3, 9],
    ]);
    expect(new Set(ids(p)).size).toBe(6);
  });

  it("keeps the ids of its runs when points and seeds are added, and none when the code is another", async () => {
    const scenario = withSchema as AnyScenario;
    const few = ids(await plan({ scenario, space: { size: [1, 2] }, seeds: 2 }));
    const more = ids(
      await plan({ scenario, space: { size: [0, 2, 1] }, seeds: 3, objective: { measure: "total", goal: "min" } }),
    );
    expect(few.every((id) => more.includes(id))).toBe(true);
    const other = ids(await plan({ scenario, space: { size: [1, 2] }, seeds: 2 }, "d"));
    expect(few.some((id) => other.includes(id))).toBe(false);
  });

  it("names what does not fit the scenario before anything runs", async () => {
    const of = (scenario: unknown, space: object, more: object = {}): Promise<Plan> =>
      plan({ scenario, space, ...more } as Sweep);
    await expect(of(story, { goal: [1] })).rejects.toThrow(/story has no parameter goal; there are target, mode/);
    await expect(of(story, { target: [1, 50] })).rejects.toThrow(/target must be 1\.\.49 %, not 50/);
    await expect(of(story, { target: [1] }, { seeds: 2 })).rejects.toThrow(/story takes no seed/);
    await expect(of(withSchema, { size: [1, 101] })).rejects.toThrow(/parameter size of schema: .*100/);
    await expect(of(withSchema, { size: [1] }, { seeds: 0 })).rejects.toThrow(/seeds must be/);
    await expect(of(withSchema, { size: [1] }, { seeds: [1, 1] })).rejects.toThrow(/twice/);
  });
});

describe("a run", () => {
  const task = { seed: 4, limits: {}, measures: null, slot: 0 };

  it("gives figures and a digest of all that was returned, the same each time", async () => {
    const a = await execute(withSchema as AnyScenario, { ...task, parameters: { size: 2 } });
    expect(a.outcome).toMatchObject({ status: "ok", measures: { total: 6, plain: 1 } });
    expect((await execute(withSchema as AnyScenario, { ...task, parameters: { size: 2 } })).outcome).toEqual(a.outcome);
    expect((await execute(withSchema as AnyScenario, { ...task, parameters: { size: 3 } })).outcome).not.toEqual(
      a.outcome,
    );
  });

  it("of a story keeps the figures asked for; those that are not finite as null", async () => {
    const r = await execute(story, { ...task, parameters: { target: 3 }, measures: ["nan"] });
    expect(r.outcome).toMatchObject({ status: "ok", measures: { nan: null } });
  });

  it("that throws, or returns no figures, is a failed one and says why", async () => {
    const failing = async (run: () => unknown): Promise<unknown> =>
      (await execute({ ...withSchema, run } as AnyScenario, { ...task, parameters: { size: 1 } })).outcome;
    expect(await failing(() => Promise.reject(new RangeError("too small")))).toEqual({
      status: "failed",
      error: "RangeError: too small",
    });
    expect(await failing(() => 3)).toMatchObject({ status: "failed", error: expect.stringMatching(/no figures/) });
    expect(await failing(() => ({ x: "1" }))).toMatchObject({
      status: "failed",
      error: expect.stringMatching(/figure x is no number/),
    });
    const missing = await execute(story, { ...task, parameters: {}, measures: ["speed"] });
    expect(missing.outcome).toMatchObject({ status: "failed", error: expect.stringMatching(/no figure speed/) });
  });
});

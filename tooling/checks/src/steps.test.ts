import { describe, expect, it } from "vitest";
import { judge, runSteps, type Step, selectSteps } from "./steps.js";
import { conformanceTotals, lastLineTotals, vitestTotals } from "./totals.js";

const counted: Step = { name: "c", script: "c", totals: lastLineTotals };
const plain: Step = { name: "p", script: "p" };

describe("a step of npm test", () => {
  it("without a count is one check that passes with its command", () => {
    expect(judge(plain, 0, "").totals).toEqual({ passed: 1, failed: 0 });
    expect(judge(plain, 1, "")).toMatchObject({ ok: false, totals: { passed: 0, failed: 1 } });
  });

  it("with a count passes only when the command did and nothing counted failed", () => {
    expect(judge(counted, 0, "x\n3 passed, 0 failed\n")).toMatchObject({ ok: true, totals: { passed: 3, failed: 0 } });
    expect(judge(counted, 0, "3 passed, 1 failed\n")).toMatchObject({ ok: false, totals: { passed: 3, failed: 1 } });
  });

  it("that crashed before it could count, or beside what it counts, is a failure", () => {
    expect(judge(counted, 0, "")).toMatchObject({ ok: false, totals: { passed: 0, failed: 1 } });
    expect(judge(counted, 1, "3 passed, 0 failed\n")).toMatchObject({ ok: false, totals: { passed: 3, failed: 1 } });
  });

  it("is not run when the step it waits for failed, and counts as failed", async () => {
    const results = await runSteps(
      [
        { name: "a", script: "no" },
        { name: "b", script: "yes", after: "a" },
        { name: "c", script: "yes" },
      ],
      { no: "exit 3", yes: "echo ran" },
      () => {},
    );
    expect(results.map((r) => [r.name, r.ok])).toEqual([
      ["a", false],
      ["b", false],
      ["c", true],
    ]);
    expect(results[1]?.output).toContain("not run: a failed");
    expect(results[2]?.output).toBe("ran\n");
  });

  it("whose script does not exist fails", async () => {
    expect(await runSteps([plain], {}, () => {})).toMatchObject([{ ok: false }]);
  });

  it("is selected with what it needs", () => {
    const steps: Step[] = [plain, { name: "q", script: "q", after: "p" }, counted];
    expect(selectSteps(steps, ["q"]).map((s) => s.name)).toEqual(["p", "q"]);
    expect(selectSteps(steps, [])).toBe(steps);
  });
});

describe("totals", () => {
  it("of a file that is not there are none", () => {
    expect(vitestTotals("/nonexistent.json")).toBeNull();
    expect(conformanceTotals("/nonexistent.json")).toBeNull();
  });
});

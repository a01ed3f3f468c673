import { KernelError } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { SCENARIOS } from "../scenarios/index.js";
import { Run } from "./run.js";
import type { Scenario } from "./scenario.js";

function start(s: Scenario, seed = 7): Run {
  return new Run(s, { seed, settings: Object.fromEntries(Object.entries(s.settings).map(([n, k]) => [n, k.default])) });
}

describe.each(SCENARIOS.map((s) => [s.id, s] as const))("the run of view %s", (_, scenario) => {
  it("gives the same digests when gone through again from any instant, at any pace", async () => {
    const run = start(scenario);
    await run.advance({ ns: 3e9, k: 0 });
    const first = new Map(run.history.digests);
    const end = run.kernel.digest();
    for (const ns of [2.5e9, 0.7e9, 1_234_567_890]) {
      await run.seek({ ns, k: 0 });
      expect(run.now).toBe(ns);
      for (let i = 0; i < 5; i++) run.stepEvent();
      await run.advance({ ns: 3e9, k: 0 });
      expect(run.kernel.digest()).toBe(end);
    }
    expect(run.mismatch).toBeNull();
    const other = start(scenario);
    for (let ns = 0; ns <= 3e9; ns += 37_000_000) await other.advance({ ns, k: 0 });
    await other.advance({ ns: 3e9, k: 0 });
    expect(other.history.digests).toEqual(first);
  });

  it("steps back what it has stepped forward", async () => {
    const run = start(scenario);
    await run.advance({ ns: 1e9, k: 0 });
    const digests: string[] = [];
    for (let i = 0; i < 6; i++) {
      digests.push(run.kernel.digest());
      run.stepEvent();
    }
    for (let i = 5; i >= 0; i--) {
      await run.stepBack();
      expect(run.kernel.digest()).toBe(digests[i]);
    }
  });

  it("is not changed by being looked at", async () => {
    const run = start(scenario);
    const blind = start(scenario);
    for (let ns = 100e6; ns <= 1e9; ns += 100e6) {
      await run.advance({ ns, k: 0 });
      const p = scenario.picture(run.kernel);
      expect(scenario.takeaway(p).length).toBeGreaterThan(20);
      expect(scenario.table(p).rows.length).toBeGreaterThan(0);
      expect(JSON.parse(JSON.stringify(p))).toEqual(p);
    }
    await blind.advance({ ns: 1e9, k: 0 });
    expect(run.kernel.digest()).toBe(blind.kernel.digest());
  });

  it("shows something that changes", async () => {
    const run = start(scenario);
    await run.advance({ ns: 1e9, k: 0 });
    const before = JSON.stringify(scenario.picture(run.kernel));
    await run.advance({ ns: 3e9, k: 0 });
    expect(JSON.stringify(scenario.picture(run.kernel))).not.toBe(before);
    const { y } = run.history.columns(
      0,
      3e9,
      200,
      scenario.gauges.map((g) => g.rate === true),
    );
    expect(y.filter((c) => c.some((v) => v !== c[0])).length).toBeGreaterThan(0);
    expect(run.history.events.length).toBeGreaterThan(0);
  });

  it("has controls that work, again in a replay", async () => {
    const run = start(scenario);
    for (const c of scenario.controls) {
      const values =
        c.knob.kind === "number" ? [c.knob.min, c.knob.max] : c.knob.kind === "choice" ? [...c.knob.choices] : [""];
      for (const v of values) {
        await run.advance({ ns: run.base + 50e6, k: 0 });
        // a refusal with an errno is an answer too
        try {
          run.input(c.name, v);
        } catch (e) {
          expect(e).toBeInstanceOf(KernelError);
        }
      }
    }
    await run.advance({ ns: 2e9, k: 0 });
    const end = run.kernel.digest();
    await run.seek({ ns: 0, k: 0 });
    expect(run.applied).toBe(0);
    await run.advance({ ns: 2e9, k: 0 });
    expect(run.kernel.digest()).toBe(end);
  });
});

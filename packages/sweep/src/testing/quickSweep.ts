/** A sweep for the tests: short runs that come out by chance and parameters, and runs that misbehave in each way a run can. */
import { Rng } from "@kernelkit/core";
import { type AnyScenario, defineScenario, defineSweep, type Sweep } from "@kernelkit/sweep/define";
import * as v from "valibot";

/** Real time, without letting anything else in the thread happen. */
function busy(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

const ODD = ["none", "throws", "endless", "exits", "hangs", "fills"] as const;

function misbehave(odd: (typeof ODD)[number]): Promise<never> | null {
  switch (odd) {
    case "throws":
      throw new RangeError("the scenario does not like this");
    case "endless":
      for (;;);
    case "exits":
      return process.exit(3);
    case "hangs":
      return new Promise(() => {});
    case "fills": {
      const kept: number[][] = [];
      for (;;) kept.push(new Array(1e6).fill(kept.length));
    }
    default:
      return null;
  }
}

const parameters = v.object({
  a: v.pipe(v.number(), v.minValue(0)),
  b: v.optional(v.number(), 1),
  odd: v.optional(v.picklist(ODD), "none"),
  ms: v.optional(v.number(), 0),
});

const quick = defineScenario({
  id: "quick",
  parameters,
  async run({ a, b, odd, ms }, { seed }) {
    await misbehave(odd);
    busy(ms);
    const noise = new Rng(seed).float();
    return { numbers: { cost: (a - 3) ** 2 + b + noise, gain: a * b, noise }, note: `seed ${seed}` };
  },
});

export const scenario: AnyScenario = quick as AnyScenario;

const sweep = defineSweep({
  scenario: quick,
  space: { a: { from: 0, to: 9, steps: 10 }, b: [1, 2] },
  seeds: 3,
  objective: { measure: "cost", goal: "min", subjectTo: [{ measure: "gain", min: 1 }] },
});

export default sweep as unknown as Sweep;

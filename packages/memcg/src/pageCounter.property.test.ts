/** Invariants of page counters under any sequence of charges and limits. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PageCounter, pageCounterSetMin, pageCounterTryCharge, pageCounterUncharge } from "./pageCounter.js";

describe("page counters", () => {
  it("hold what was charged below them, stay within their limits, and know what their children protect", () => {
    const op = fc.record({ leaf: fc.nat(1), kind: fc.constantFrom("charge", "uncharge", "min"), n: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 60 }), fc.integer({ min: 1, max: 60 }), (ops, max) => {
        const root = new PageCounter(null);
        root.max = max;
        const leaves = [new PageCounter(root), new PageCounter(root)];
        const charged = [0, 0];
        for (const { leaf, kind, n } of ops) {
          const c = leaves[leaf];
          if (kind === "charge") {
            if (pageCounterTryCharge(c, n) === null) charged[leaf] += n;
          } else if (kind === "min") pageCounterSetMin(c, n);
          else {
            const give = Math.min(n, charged[leaf]);
            pageCounterUncharge(c, give);
            charged[leaf] -= give;
          }
          expect(leaves.map((x) => x.usage)).toEqual(charged);
          expect(root.usage).toBe(charged[0] + charged[1]);
          expect(root.usage).toBeLessThanOrEqual(max);
          expect(root.watermark).toBeGreaterThanOrEqual(root.usage);
          expect(root.childrenMinUsage).toBe(leaves.reduce((a, x) => a + Math.min(x.usage, x.min), 0));
        }
      }),
      { numRuns: 100 },
    );
  });
});

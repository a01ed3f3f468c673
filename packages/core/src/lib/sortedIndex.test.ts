import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SortedIndex } from "./sortedIndex.js";

describe("a directory over sorted numbers", () => {
  it("finds the last one that is not above, however they lie", () => {
    const number = fc.oneof(fc.nat(3000), fc.integer({ min: 0, max: 0xffffffff }), fc.constant(0xffffffff));
    fc.assert(
      fc.property(fc.uniqueArray(number, { minLength: 1, maxLength: 340 }), fc.array(number), (list, asked) => {
        const sorted = Uint32Array.from(list).sort();
        const index = new SortedIndex(sorted);
        for (const x of [...asked, ...list, ...list.map((v) => v + 1)]) {
          if (x < sorted[0] || x > 0xffffffff) continue;
          const at = index.lastNotAbove(x);
          expect(sorted[at] <= x && (at + 1 === sorted.length || sorted[at + 1] > x)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});

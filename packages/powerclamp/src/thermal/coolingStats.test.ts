import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CoolingStats } from "./coolingStats.js";

describe("cooling device statistics", () => {
  it("count changes only, and time per state in whole milliseconds", () => {
    const s = CoolingStats.create(5, 0) as CoolingStats;
    s.update(2, 3.9e6);
    s.update(2, 5e6);
    s.update(0, 10e6);
    expect(s.totalTrans).toBe(2);
    expect(s.timeInStateText(12e6)).toBe("state0\t5\nstate1\t0\nstate2\t6\nstate3\t0\nstate4\t0\nstate5\t0\n");
  });

  it("print a transition table of a small device, and none that exceeds a page", () => {
    const s = CoolingStats.create(1, 0) as CoolingStats;
    s.update(1, 1);
    expect(s.transTableText()).toBe(
      " From  :    To\n       : state 0  state 1  \nstate 0:       0        1 \nstate 1:       0        0 \n",
    );
    expect((CoolingStats.create(50, 0) as CoolingStats).transTableText()).toBeNull();
  });

  it("are not kept for a device of so many states that Linux could not allocate them", () => {
    expect(CoolingStats.create(100_000, 0)).toBeNull();
  });

  it("add up to the time since the last reset, whatever happened", () => {
    const op = fc.record({ dt: fc.nat(1e9), state: fc.nat(5), reset: fc.boolean() });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 100 }), (ops) => {
        const s = CoolingStats.create(5, 0) as CoolingStats;
        let now = 0;
        let since = 0;
        let trans = 0;
        for (const o of ops) {
          now += o.dt;
          if (o.reset) {
            s.reset(now);
            since = now;
            trans = 0;
          } else {
            if (o.state !== s.state) trans++;
            s.update(o.state, now);
          }
          let sum = now - s.lastTimeNs;
          for (const t of s.timeInState) sum += t;
          expect(sum).toBe(now - since);
          expect(s.transTable.reduce((a, b) => a + b, 0)).toBe(trans);
          expect(s.totalTrans).toBe(trans);
        }
      }),
      { numRuns: 200 },
    );
  });
});

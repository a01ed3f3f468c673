import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMachine } from "../kernel/createKernel.js";

describe("timers of the wheel", () => {
  it("never fire early, and late by at most their level's granularity", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ at: fc.integer({ min: 0, max: 3_000_000 }), ticks: fc.integer({ min: 1, max: 40_000 }) }),
          {
            minLength: 1,
            maxLength: 40,
          },
        ),
        (arms) => {
          const kernel = createMachine({ machine: { cpus: 2 } }).boot();
          const { timers, time } = kernel.core;
          const fired: { i: number; tick: number }[] = [];
          const fn = timers.define("test", (i) => {
            fired.push({ i: i as number, tick: time.ticks });
          });
          const expires: number[] = [];
          const armedAt: number[] = [];
          arms.sort((a, b) => a.at - b.at);
          arms.forEach((a, i) => {
            if (a.at > kernel.now) kernel.run(a.at - kernel.now);
            armedAt.push(time.ticks);
            expires.push(time.ticks + a.ticks);
            timers.add(fn, time.ticks + a.ticks, i, i % 2);
          });
          kernel.run("1000s");
          expect(fired.length).toBe(arms.length);
          let last = 0;
          for (const { i, tick } of fired) {
            expect(tick).toBeGreaterThan(expires[i]);
            let granularity = 1;
            while (expires[i] - armedAt[i] >= 63 * granularity) granularity *= 8;
            expect(tick).toBeLessThanOrEqual(expires[i] + granularity);
            expect(tick).toBeGreaterThanOrEqual(last);
            last = tick;
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it("can be moved and taken back", () => {
    const kernel = createMachine({ machine: { cpus: 1 } }).boot();
    const { timers, time } = kernel.core;
    const fired: unknown[] = [];
    const fn = timers.define("test", (a) => {
      fired.push([a, time.ticks]);
    });
    const a = timers.add(fn, 10, "a", 0);
    const b = timers.add(fn, 10, "b", 0);
    expect(timers.mod(a, 20)).toBe(true);
    expect(timers.del(b)).toBe(true);
    expect(timers.del(b)).toBe(false);
    kernel.run("1s");
    expect(fired).toEqual([["a", 21]]);
    expect(timers.pending(a)).toBe(false);
  });
});

describe("exact timers", () => {
  it("fire at their ns, in order, in interrupt context", () => {
    const kernel = createMachine({ machine: { cpus: 1 } }).boot();
    const { timers, irq } = kernel.core;
    const fired: unknown[] = [];
    const fn = timers.defineHr("test", (a) => {
      fired.push([a, kernel.now, irq.inInterrupt()]);
    });
    timers.startHr(fn, 1234, "late", 0);
    timers.startHr(fn, 7, "early", 0);
    const gone = timers.startHr(fn, 50, "gone", 0);
    timers.cancelHr(gone);
    kernel.run("1ms");
    expect(fired).toEqual([
      ["early", 7, true],
      ["late", 1234, true],
    ]);
  });
});

describe("ticks", () => {
  it("stand at multiples of 1/HZ for every HZ, and never twice", () => {
    fc.assert(
      fc.property(fc.integer({ min: 24, max: 10000 }), fc.integer({ min: 0, max: 1_000_000 }), (hz, n) => {
        const { time } = createMachine({ machine: { hz } }).boot().core;
        const at = time.tickTime(n);
        expect(time.ticksAt(at)).toBe(n);
        if (at > 0) expect(time.ticksAt(at - 1)).toBe(n - 1);
      }),
      { numRuns: 300 },
    );
  });
});

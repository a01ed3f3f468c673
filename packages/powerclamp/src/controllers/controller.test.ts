import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BangBangController, PidController } from "./controller.js";

describe("bang-bang controller", () => {
  it("is fully on above the setpoint and off below the hysteresis", () => {
    const c = new BangBangController({ setpoint: 80, hysteresis: 5, max: 50 });
    expect([79, 81, 77, 74, 78].map((t) => c.step(t))).toEqual([0, 50, 50, 0, 0]);
  });

  it("names a bad option", () => {
    expect(() => new BangBangController({ setpoint: Number.NaN, max: 5 })).toThrow(/setpoint must be a finite number/);
    expect(() => new BangBangController({ setpoint: 1, max: -1 })).toThrow(/max must be an integer >= 0, not -1/);
  });
});

describe("PID controller", () => {
  it("holds a plant at the setpoint", () => {
    const c = new PidController({ setpoint: 30, kp: 1, ki: 0.5, max: 50 });
    let watts = 45;
    for (let i = 0; i < 100; i++) watts = 45 - 0.6 * c.step(watts, 1);
    expect(Math.abs(watts - 30)).toBeLessThan(0.7);
  });

  it("does not wind up while the output is at its limit", () => {
    const c = new PidController({ setpoint: 10, kp: 1, ki: 1, max: 50 });
    for (let i = 0; i < 1000; i++) expect(c.step(1000, 1)).toBe(50);
    // the load is gone: the clamp is released within a few steps
    let steps = 0;
    while (c.step(0, 1) > 0) steps++;
    expect(steps).toBeLessThan(10);
  });

  it("takes the state that is really in force: 50 becomes 49", () => {
    const c = new PidController({ setpoint: 10, kp: 0, ki: 1, max: 50 });
    for (let i = 0; i < 100; i++) {
      c.step(100, 1);
      c.applied(49);
    }
    expect(c.step(9, 1)).toBe(48);
  });

  it("always answers with an integer within 0..max", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { maxLength: 100 }),
        fc.nat(100),
        fc.double({ min: 0, max: 10, noNaN: true }),
        fc.double({ min: 0, max: 10, noNaN: true }),
        (seen, max, kp, ki) => {
          const c = new PidController({ setpoint: 0, kp, ki, kd: 0.5, max });
          for (const m of seen) {
            const s = c.step(m, 0.5);
            expect(Number.isInteger(s)).toBe(true);
            expect(s).toBeGreaterThanOrEqual(0);
            expect(s).toBeLessThanOrEqual(max);
          }
        },
      ),
    );
  });

  it("refuses NaN and a time that stands still", () => {
    const c = new PidController({ setpoint: 0, kp: 1, max: 5 });
    expect(() => c.step(Number.NaN, 1)).toThrow(/measured must be a finite number/);
    expect(() => c.step(1, 0)).toThrow(/seconds must be > 0/);
    expect(() => new PidController({ setpoint: 0, kp: -1, max: 5 })).toThrow(/kp must be >= 0/);
  });
});

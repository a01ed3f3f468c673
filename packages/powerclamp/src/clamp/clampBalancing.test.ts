import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  clampBalancing,
  getRunTime,
  intervalOf,
  msecsToJiffies,
  sleepUntilMultiple,
  timerFiresAt,
} from "./clampBalancing.js";

const hz = fc.constantFrom(100, 250, 300, 1000);

describe("clampBalancing", () => {
  it("rounds durations up to jiffies", () => {
    expect([6, 7, 8, 9, 12, 25].map((ms) => msecsToJiffies(ms, 250))).toEqual([2, 2, 2, 3, 3, 7]);
  });

  it("sleeps to the next multiple of the interval, and one jiffy when it is on one", () => {
    expect(clampBalancing(250, 24, 25, 2, 4294894391)).toEqual({
      durationJiffies: 6,
      guard: 2,
      interval: 22,
      sleepJiffies: 15,
    });
    expect(sleepUntilMultiple(600, 600)).toBe(1);
  });

  it("always wakes on a multiple of the interval, or one jiffy after it", () => {
    fc.assert(
      fc.property(
        hz,
        fc.integer({ min: 6, max: 25 }),
        fc.integer({ min: 1, max: 49 }),
        fc.integer({ min: 0, max: 2 ** 40 }),
        (h, ms, target, jiffies) => {
          const b = clampBalancing(h, ms, target, 0, jiffies);
          expect(b.sleepJiffies).toBeGreaterThanOrEqual(1);
          expect(b.sleepJiffies).toBeLessThanOrEqual(b.interval);
          expect(b.interval).toBeGreaterThanOrEqual(2 * b.durationJiffies);
          const wake = (jiffies + b.sleepJiffies) % b.interval;
          expect(wake === 0 || (wake === 1 % b.interval && b.sleepJiffies === 1)).toBe(true);
        },
      ),
    );
  });

  it("never injects less than the ratio asks for, since the interval is floored", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 25 }), fc.integer({ min: 1, max: 49 }), (jiffies, ratio) => {
        expect(jiffies / intervalOf(jiffies, ratio)).toBeGreaterThanOrEqual(ratio / 100);
      }),
    );
    expect(intervalOf(6, 35)).toBe(17);
    expect(intervalOf(6, 49)).toBe(12);
    expect(intervalOf(6, 0)).toBe(600);
  });
});

describe("timerFiresAt", () => {
  it("fires a wheel timer late by the granularity of its level, never early", () => {
    expect(timerFiresAt(4294892695, 17)).toBe(4294892713);
    expect(timerFiresAt(4294903809, 591)).toBe(4294904448);
    expect(timerFiresAt(4294908032, 268)).toBe(4294908304);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 33 }), fc.integer({ min: 1, max: 10_000 }), (now, delay) => {
        const late = timerFiresAt(now, delay) - (now + delay);
        expect(late).toBeGreaterThan(0);
        expect(late).toBeLessThanOrEqual(Math.max(1, delay / 7));
      }),
    );
  });
});

describe("getRunTime", () => {
  it("leaves the pause that makes the injection the ratio's share", () => {
    expect(getRunTime(24000, 25, 0)).toBe(72000);
    expect(getRunTime(24000, 35, 0)).toBe(44571);
    expect(getRunTime(24000, 25, 2) + 24000).toBe(88888);
    expect(getRunTime(24000, 100, 0)).toBe(0);
  });
});

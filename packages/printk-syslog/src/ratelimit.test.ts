import { describe, expect, it } from "vitest";
import { RatelimitState } from "./ratelimit.js";

const never = (): void => expect.unreachable("nothing was suppressed");

describe("___ratelimit", () => {
  it("passes `burst` messages in an interval and counts the others", () => {
    const rs = new RatelimitState(100, 3);
    expect([0, 1, 2, 3, 4].map((t) => rs.pass(t, never))).toEqual([true, true, true, false, false]);
    expect(rs.missed).toBe(2);
  });

  it("opens a new window strictly after the interval, and reports what was suppressed then", () => {
    const rs = new RatelimitState(100, 1);
    const reports: number[] = [];
    const report = (n: number): void => void reports.push(n);
    expect(rs.pass(10, report)).toBe(true);
    expect(rs.pass(110, report)).toBe(false);
    expect(rs.pass(111, report)).toBe(true);
    expect(reports).toEqual([1]);
    expect(rs.missed).toBe(0);
  });

  it("of an open file keeps its count through windows, to report it at release", () => {
    const rs = new RatelimitState(100, 1, true);
    rs.pass(0, never);
    rs.pass(1, never);
    rs.pass(200, never);
    rs.pass(201, never);
    expect(rs.missed).toBe(2);
  });

  it("without interval lets everything pass, without burst nothing", () => {
    expect(new RatelimitState(0, 0).pass(0, never)).toBe(true);
    expect(new RatelimitState(-1, 5).pass(0, never)).toBe(true);
    const none = new RatelimitState(100, 0);
    expect(none.pass(0, never)).toBe(false);
    expect(none.missed).toBe(1);
  });
});

describe("the ends of ___ratelimit", () => {
  it("without an interval no number of messages in one tick is too many, whatever the burst", () => {
    const rs = new RatelimitState(0, 2);
    for (let i = 0; i < 10; i++) expect(rs.pass(5, never)).toBe(true);
    expect(rs.missed).toBe(0);
    expect(new RatelimitState(0, 0).pass(0, never)).toBe(true);
  });

  it("without a burst nothing passes and nothing is reported, in the next window either", () => {
    const rs = new RatelimitState(100, 0);
    expect([0, 1, 500].map((t) => rs.pass(t, never))).toEqual([false, false, false]);
    expect(rs.missed).toBe(3);
  });

  it("a new window after one in which nothing was suppressed reports nothing", () => {
    const rs = new RatelimitState(100, 2);
    expect([0, 1, 200].map((t) => rs.pass(t, never))).toEqual([true, true, true]);
  });
});

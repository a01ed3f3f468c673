import { describe, expect, it } from "vitest";
import { checkPackBuddy, isBuddyBusy, isLightTask } from "./packBuddy.js";

describe("packing of small tasks", () => {
  it("calls a task light below a quarter of the time, not at it", () => {
    expect(isLightTask(11935, 47742)).toBe(true);
    expect(isLightTask(11936, 47742)).toBe(false);
  });

  it("halves a buddy's allowance for each task that runs on it", () => {
    expect(isBuddyBusy(23000, 47742, 1)).toBe(false);
    expect(isBuddyBusy(23000, 47742, 2)).toBe(true);
    expect(isBuddyBusy(0, 47742, 30)).toBe(false);
  });

  it("packs only a light task onto a buddy that is not busy", () => {
    const l = { taskSum: 5000, taskPeriod: 47742, buddySum: 5000, buddyPeriod: 47742, buddyNrRunning: 1 };
    expect(checkPackBuddy(l)).toBe(true);
    expect(checkPackBuddy({ ...l, taskSum: 20000 })).toBe(false);
    expect(checkPackBuddy({ ...l, buddySum: 40000 })).toBe(false);
  });
});

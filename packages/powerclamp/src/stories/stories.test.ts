import { describe, expect, it } from "vitest";
import { clampStorm } from "./clampStorm.js";
import { clampTarget } from "./clampTarget.js";
import { inStep } from "./inStep.js";
import { jitter } from "./jitter.js";
import { tickOn } from "./tickOn.js";

describe("clamp-target: what a target gives", () => {
  it("gives 24..26 % at 25 on a busy machine, with every driver", () => {
    for (const driver of ["3.9", "6.1", "6.3"]) {
      const { numbers } = clampTarget.run({ driver, seconds: 10 });
      expect(numbers.achieved).toBeGreaterThan(24);
      expect(numbers.achieved).toBeLessThan(26);
    }
  });

  it("is within two points of every target from 5 to 49, and 50 is 49", () => {
    for (const target of [5, 10, 17, 25, 33, 40, 49, 50]) {
      const { numbers } = clampTarget.run({ target, seconds: 10 });
      expect(numbers.target).toBe(Math.min(target, 49));
      expect(Math.abs(numbers.achieved - numbers.target)).toBeLessThanOrEqual(2);
    }
  });

  it("injects nothing into a machine that is idle enough", () => {
    expect(clampTarget.run({ load: "idle", seconds: 10 }).numbers.achieved).toBeLessThan(1);
  });

  it("is within three points on average while changing load demands more than is left", () => {
    const { numbers } = clampTarget.run({ load: "changing", seconds: 60 });
    expect(numbers.secondsUnderDemand).toBeGreaterThan(5);
    expect(Math.abs(numbers.meanError)).toBeLessThanOrEqual(3);
  });
});

describe("clamp-storm: interrupts against compensation", () => {
  it("loses residency without compensation, and 3.9's doubling gets at least half of it back", () => {
    const { numbers } = clampStorm.run({ seconds: 10 });
    expect(numbers.none).toBeLessThan(numbers.calm - 3);
    expect(numbers["recovered steady+double"]).toBeGreaterThanOrEqual(0.5);
    expect(numbers["recovered integral"]).toBeGreaterThan(0.5);
  });

  it("cannot compensate a flood that leaves the package no time to fall asleep", () => {
    const { numbers } = clampStorm.run({ seconds: 10, rate: 20_000 });
    expect(numbers["steady+double"]).toBeLessThan(1);
  });
});

describe("in-step: package residency", () => {
  it("is about half in step at 50 %, nothing in opposite phase, and falls linearly with the shift", () => {
    const { numbers, series } = inStep.run({ seconds: 2 });
    expect(numbers.inStep).toBeGreaterThan(47);
    expect(numbers.inStep).toBeLessThan(50);
    expect(numbers.opposite).toBeLessThan(1);
    expect(Math.abs(numbers.cpuIdleOpposite - numbers.cpuIdleInStep)).toBeLessThan(0.5);
    expect(numbers.wattsInStep).toBeLessThan(numbers.wattsOpposite - 1);
    const { x, y } = series[0];
    for (let i = 0; i < x.length; i++) expect(Math.abs(y[i] - (numbers.inStep - x[i]))).toBeLessThan(1.5);
  });
});

describe("tick-on: a tick wakes injected CPUs", () => {
  it("takes nearly all residency from a large package, and less from a small one", () => {
    const { numbers } = tickOn.run({ cpus: 32, seconds: 1 });
    expect(numbers.tickOff).toBeGreaterThan(23);
    expect(numbers.tickOn).toBeLessThan(0.2 * numbers.tickOff);
    expect(numbers.tickOnSmallest).toBeGreaterThan(2 * numbers.tickOn);
  });
});

describe("jitter: a task that has to be on time", () => {
  it("waits for the rest of an injection at worst, in about the target's share of wake-ups", () => {
    const { numbers } = jitter.run({ seconds: 10 });
    expect(numbers.worstCalm).toBeLessThan(0.1);
    expect(numbers.worst).toBeGreaterThan(15);
    expect(numbers.worst).toBeLessThanOrEqual(24);
    expect(numbers.lateShareCalm).toBe(0);
    expect(numbers.lateShare).toBeGreaterThan(4);
    expect(numbers.lateShare).toBeLessThan(30);
  });
});

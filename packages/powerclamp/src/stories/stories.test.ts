import { describe, expect, it, vi } from "vitest";
import { capIt } from "./capIt.js";
import { clampStorm } from "./clampStorm.js";
import { clampTarget } from "./clampTarget.js";
import { equalPower } from "./equalPower.js";
import { inStep } from "./inStep.js";
import { jitter } from "./jitter.js";
import { loadFigure } from "./loadFigure.js";
import { packing } from "./packing.js";
import { scaling } from "./scaling.js";
import { tickOn } from "./tickOn.js";

// whole machines run here for minutes of virtual time
vi.setConfig({ testTimeout: 60_000 });

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

describe("equal-power: work at the same watts", () => {
  it("leaves up to 40 % more work than offlining; lower frequency wins while voltage falls and loses below its floor", () => {
    const { numbers } = equalPower.run({ seconds: 1 });
    expect(numbers.clampOverOffline).toBeGreaterThan(0.05);
    expect(numbers.clampOverOffline).toBeLessThanOrEqual(0.4);
    expect(numbers.dvfsOverClamp).toBeGreaterThan(0.05);
    expect(numbers.clampOverDvfsAtFloor).toBeGreaterThan(0.05);
    expect(numbers.clampOverClock).toBeGreaterThan(0.2);
  });
});

describe("cap-it: daemons with nothing but files", () => {
  it("hold a power cap by a PID loop, with far less swing than bang-bang and a second of overshoot at load steps", () => {
    const { numbers, series } = capIt.run({ watts: 24, seconds: 120 });
    expect(numbers["mean nothing"]).toBeGreaterThan(26);
    for (const name of ["PID, idle injection", "PID, frequency", "powercap's limit"]) {
      expect(numbers[`mean ${name}`]).toBeLessThan(24.5);
      expect(numbers[`mean ${name}`]).toBeGreaterThan(21);
      expect(numbers[`above ${name}`]).toBeLessThan(0.2);
    }
    expect(numbers["swing PID, idle injection"]).toBeLessThan(numbers["swing bang-bang, idle injection"] / 3);
    const pid = series.find((s) => s.name === "PID, idle injection");
    expect(Math.max(...(pid?.y ?? []))).toBeGreaterThan(30);
  });

  it("hold a skin temperature that would be exceeded by far", () => {
    const { series } = capIt.run({ hold: "skin", celsius: 38, seconds: 300 });
    const tail = (name: string): number => {
      const y = series.find((s) => s.name === name)?.y.slice(-60) ?? [];
      return y.reduce((a, b) => a + b, 0) / y.length;
    };
    expect(tail("nothing")).toBeGreaterThan(40);
    for (const name of ["bang-bang, idle injection", "PID, idle injection", "PID, frequency"]) {
      expect(tail(name)).toBeLessThan(38.8);
      expect(tail(name)).toBeGreaterThan(36);
    }
  });
});

describe("packing: small tasks on one CPU", () => {
  it("does the same work while the second package sleeps practically always", () => {
    const { numbers } = packing.run({ seconds: 5 });
    expect(Math.abs(numbers.workPacked / numbers.workSpread - 1)).toBeLessThan(0.03);
    expect(numbers.asleepPacked).toBeGreaterThan(98);
    expect(numbers.asleepSpread).toBeLessThan(95);
  });
});

describe("scaling: steady compensation", () => {
  it("is 1 on a small machine and grows to about 3 on 80 CPUs, with the ratio", () => {
    const { numbers } = scaling.run();
    expect(numbers.small).toBe(1);
    expect(numbers.largeAtLowTarget).toBe(1);
    expect(numbers.large).toBeGreaterThanOrEqual(2);
    expect(numbers.large).toBeLessThanOrEqual(4);
  });
});

describe("load-figure: how busy a CPU is", () => {
  it("is known to PELT within a tenth of the scale, and not to the tasks of the moment", () => {
    const { numbers } = loadFigure.run();
    expect(numbers.errorPelt).toBeLessThan(10);
    expect(numbers.errorInstant).toBeGreaterThan(30);
  });
});

describe("every story", () => {
  it("names the knob that is out of range, and the one that is not there", () => {
    expect(() => clampTarget.run({ target: 0 })).toThrow(/target must be 1\.\.50 %, not 0/);
    expect(() => clampTarget.run({ load: "heavy" })).toThrow(/load must be busy, changing, idle/);
    expect(() => clampTarget.run({ speed: 1 } as never)).toThrow(/no knob 'speed'/);
  });

  it("gives the same result every time", () => {
    expect(inStep.run({ seconds: 1, shifts: 2 })).toEqual(inStep.run({ seconds: 1, shifts: 2 }));
  });
});

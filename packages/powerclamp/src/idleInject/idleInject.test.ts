import { describe, expect, it } from "vitest";
import { boot, busy } from "../testing/machine.js";

const mask = (...cpus: number[]): Uint32Array => {
  const m = new Uint32Array(1);
  for (const c of cpus) m[0] |= 1 << c;
  return m;
};

describe("idle injection framework", () => {
  it("needs a duration, ignores (0,0), and takes idle without a pause", () => {
    const { api, kernel } = boot();
    const dev = api.idleInjectRegister(mask(0));
    if (dev === null) throw new Error("refused");
    expect(api.idleInjectStart(dev)).toBe(-22);
    api.idleInjectSetDuration(dev, 30000, 10000);
    api.idleInjectSetDuration(dev, 0, 0);
    expect(api.idleInjectGetDuration(dev)).toEqual({ runUs: 30000, idleUs: 10000 });
    api.idleInjectSetDuration(dev, 0, 10000);
    expect(api.idleInjectStart(dev)).toBe(0);
    const t = kernel.spawn(busy, {});
    t.cpusMask = mask(0);
    kernel.run("1s");
    kernel.core.sched.account(0);
    // one CPU is held without a pause
    expect(api.playIdle.injectedNs[0] / kernel.now).toBeGreaterThan(0.98);
  });

  it("gives a CPU to one device only, takes none when it refuses, and gives them back", () => {
    const { api, log } = boot();
    const a = api.idleInjectRegister(mask(1));
    expect(api.idleInjectRegister(mask(0, 1))).toBeNull();
    expect(log.filter((l) => l === "ii_dev: cpu1 is already registered")).toHaveLength(1);
    expect(api.idleInjectRegister(mask(0))).not.toBeNull();
    if (a !== null) api.idleInjectUnregister(a);
    expect(api.idleInjectRegister(mask(1))).not.toBeNull();
  });

  it("asks its callback at each turn of the timer and skips when that says so; the start itself is not asked", () => {
    const { api, kernel } = boot();
    let turns = 0;
    const dev = api.idleInjectRegisterFull(mask(0, 1), { name: "odd", update: () => turns++ % 2 === 1 });
    if (dev === null) throw new Error("refused");
    api.idleInjectSetDuration(dev, 15000, 5000);
    api.idleInjectStart(dev);
    kernel.run("201ms");
    expect(turns).toBe(10);
    expect([...api.playIdle.count]).toEqual([6, 6]);
  });

  it("uses new durations from the next turn of its timer on", () => {
    const { api, kernel } = boot();
    const dev = api.idleInjectRegister(mask(0));
    if (dev === null) throw new Error("refused");
    const starts: number[] = [];
    api.playIdle.started.tap(1, "test", () => starts.push(kernel.now / 1e6));
    api.idleInjectSetDuration(dev, 30000, 10000);
    api.idleInjectStart(dev);
    kernel.run("10ms");
    api.idleInjectSetDuration(dev, 10000, 10000);
    kernel.run("100ms");
    expect(starts).toEqual([0, 40, 60, 80, 100]);
  });

  it("waits on stop for the injections that are going on", () => {
    const { api, kernel } = boot();
    const dev = api.idleInjectRegister(mask(0));
    if (dev === null) throw new Error("refused");
    api.idleInjectSetDuration(dev, 30000, 10000);
    api.idleInjectStart(dev);
    kernel.run("4ms");
    expect(api.idleInjectStop(dev)).toBe(6000);
    kernel.run("1s");
    expect(api.playIdle.count[0]).toBe(1);
  });

  it("enters the deepest state that its latency limit allows", () => {
    const state = (latencyUs: number): string => {
      const { api, kernel } = boot({ cstates: "nehalem" });
      const dev = api.idleInjectRegister(mask(0));
      if (dev === null) throw new Error("refused");
      api.idleInjectSetLatency(dev, latencyUs);
      api.idleInjectSetDuration(dev, 10000, 10000);
      api.idleInjectStart(dev);
      kernel.run("2ms");
      return kernel.core.idle.states[kernel.cpus.idleState[0]].name;
    };
    expect([4294967295, 199, 19, 1].map(state)).toEqual(["C6", "C3", "C1E", "POLL"]);
  });

  it("goes back to idle after each interrupt: the time is not shortened", () => {
    const { api, kernel } = boot();
    const dev = api.idleInjectRegister(mask(0));
    if (dev === null) throw new Error("refused");
    api.idleInjectSetDuration(dev, 76000, 24000);
    api.idleInjectStart(dev);
    for (let i = 1; i <= 11; i++) {
      kernel.run("2ms");
      kernel.core.irq.raise(0, () => {});
    }
    kernel.run("10ms");
    expect(api.playIdle.lastElapsedNs[0]).toBe(24e6);
    // eleven interrupts and its own timer
    expect(api.playIdle.lastInterrupts[0]).toBe(12);
  });
});

describe("cpuidle cooling", () => {
  it("idles its CPU for the state's share of the time", () => {
    const { api, kernel, write, cdev } = boot({ actuators: ["cpuidle"] });
    kernel.spawn(busy, {});
    kernel.spawn(busy, {});
    write(`${cdev("idle-cpu1")}/cur_state`, "50");
    kernel.run("1s");
    expect(api.playIdle.count[0]).toBe(0);
    expect(Math.abs(api.playIdle.injectedNs[1] / kernel.now - 0.5)).toBeLessThan(0.01);
    write(`${cdev("idle-cpu1")}/cur_state`, "0");
    const before = api.playIdle.count[1];
    kernel.run("1s");
    expect(api.playIdle.count[1]).toBeLessThanOrEqual(before + 1);
  });
});

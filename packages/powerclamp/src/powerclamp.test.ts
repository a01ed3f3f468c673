import { createKernel, createMachine, type MachineSys, type Program, program } from "@kernelkit/core";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { DriverVersion } from "./clamp/driverDesign.js";
import { powerclamp } from "./powerclamp.js";
import { boot, busy } from "./testing/machine.js";

vi.setConfig({ testTimeout: 60_000 });

/** Works in short stretches, so that there is something to go on with after a restore. */
const worker = program("worker", function* (sys: Program<MachineSys>, s: { n: number }) {
  for (;;) {
    yield* sys.restPoint(s);
    yield* sys.compute(1_300_000 + 100_000 * (s.n % 7));
    s.n++;
  }
});

const drivers: readonly DriverVersion[] = ["3.9", "6.1", "6.3"];

describe("options", () => {
  it("are checked by name, value and what is allowed", () => {
    const bad =
      (o: object): (() => unknown) =>
      () =>
        powerclamp(o);
    expect(bad({ driver: "5.0" })).toThrow(/driver must be one of 3\.9, 6\.1, 6\.3, not 5\.0/);
    expect(bad({ dirver: "6.1" })).toThrow(/unknown option 'dirver'; there are /);
    expect(bad({ pelt: 1 })).toThrow(/pelt must be true or false, not 1/);
    expect(bad({ packages: 0 })).toThrow(/packages must be an integer >= 1, not 0/);
    expect(bad({ cstates: "zen" })).toThrow(/cstates must be one of nehalem, snb, ivb, hsw or a table, not zen/);
    expect(bad({ injection: "unsync" })).toThrow(/needs driver 3\.9 or 6\.1/);
    expect(bad({ actuators: ["fan"] })).toThrow(/actuators are .*, not fan/);
    expect(bad({ packing: true, pelt: false })).toThrow(/packing needs pelt/);
    expect(bad(null as never)).toThrow(/options must be an object/);
  });

  it("that only the machine can judge are checked when it is built", () => {
    const build =
      (o: object): (() => unknown) =>
      () =>
        createMachine().use(powerclamp(o)).boot();
    expect(build({ packages: 3 })).toThrow(/packages must be an integer in 1\.\.2/);
    expect(build({ power: { cdyn: Number.NaN } })).toThrow(/power\.cdyn must be a number >= 0, not NaN/);
    expect(build({ rc: { ambient: Number.POSITIVE_INFINITY } })).toThrow(/thermal\.ambient must be finite/);
  });
});

describe("composition", () => {
  it("works on the bare machine, without a single file", () => {
    const kernel = createMachine()
      .use(powerclamp({ driver: "6.1" }))
      .boot();
    kernel.powerclamp.modprobe();
    for (let i = 0; i < 2; i++) kernel.spawn(busy, {});
    kernel.run("10ms");
    const { coolingDevice, thermal, playIdle } = kernel.powerclamp;
    if (coolingDevice === null) throw new Error("not loaded");
    thermal.setCurState(coolingDevice, 25);
    kernel.run("4s");
    expect(playIdle.injectedNs[0] / kernel.now).toBeGreaterThan(0.24);
  });

  it("lets PELT and the energy counters be used without the clamp", () => {
    const kernel = createMachine().use(powerclamp()).boot();
    const t = kernel.spawn(busy, {});
    kernel.run("32ms");
    const { utilAvg } = kernel.powerclamp.schedAvg(t);
    expect(Math.abs(utilAvg - 500)).toBeLessThan(10);
    expect(kernel.powerclamp.pelt?.utilAvg(t.cpu)).toBe(utilAvg);
    expect(kernel.powerclamp.rapl.raw(0, 0, kernel.now)).toBeGreaterThan(0);
    expect(kernel.powerclamp.state).toBeNull();
    const off = createMachine()
      .use(powerclamp({ pelt: false }))
      .boot();
    expect(() => off.powerclamp.schedAvg(off.init)).toThrow(/load is not tracked/);
  });

  it("makes no event by itself: an idle kernel has nothing to do", () => {
    const kernel = createMachine()
      .use(powerclamp({ autoload: true }))
      .boot();
    kernel.run("1s");
    expect(kernel.core.events.size).toBe(0);
  });

  it("changes nothing for programs that do not use it", () => {
    const digest = (with_: boolean): string => {
      const b = createMachine({ seed: 7 });
      const kernel = with_ ? b.use(powerclamp()).boot() : b.boot();
      for (let i = 0; i < 3; i++) kernel.spawn(worker, { n: i });
      kernel.run("500ms");
      return kernel.digest();
    };
    expect(digest(true)).toBe(digest(false));
  });

  it("shows PELT in /proc/PID/sched as Linux does", () => {
    const { kernel, read } = boot();
    const t = kernel.spawn(busy, {});
    kernel.run("100ms");
    const text = read(`/proc/${t.nr}/sched`);
    expect(text).toMatch(/^se\.avg\.load_sum +: +\d+\nse\.avg\.runnable_sum +: +\d+\nse\.avg\.util_sum/m);
  });
});

describe("a run", () => {
  const run = (
    driver: DriverVersion,
    spuriousWakeups: boolean,
  ): { digest: string; count: Float64Array; joules: number } => {
    const kernel = createMachine({ machine: { cpus: 4 }, spuriousWakeups })
      .use(powerclamp({ driver }))
      .boot();
    kernel.powerclamp.modprobe();
    for (let i = 0; i < 5; i++) kernel.spawn(worker, { n: i });
    const { coolingDevice, thermal, playIdle, machine } = kernel.powerclamp;
    if (coolingDevice === null) throw new Error("not loaded");
    thermal.setCurState(coolingDevice, 30);
    kernel.run("2s");
    thermal.setCurState(coolingDevice, 45);
    kernel.run("1s");
    return { digest: kernel.digest(), count: playIdle.count, joules: machine.joules(0, 0, kernel.now) };
  };

  it("is the same every time, bit for bit", () => {
    for (const driver of drivers) expect(run(driver, false)).toEqual(run(driver, false));
  });

  it("injects the same when sleepers are woken for no reason", () => {
    // what injectors do; who runs between injections may differ, as a preempted task may move to another CPU
    for (const driver of drivers) expect(run(driver, true).count).toEqual(run(driver, false).count);
  });

  it("goes on from a checkpoint at any instant as if nothing had happened", () => {
    const build = (driver: DriverVersion) =>
      createKernel({ machine: { cpus: 3, memory: "64M" } }).use(
        powerclamp({ driver, packing: true, actuators: ["cpufreq"] }),
      );
    fc.assert(
      fc.property(
        fc.constantFrom(...drivers),
        fc.integer({ min: 0, max: 700_000 }),
        fc.integer({ min: 1, max: 49 }),
        (driver, us, target) => {
          const a = build(driver).boot();
          a.powerclamp.modprobe();
          for (let i = 0; i < 3; i++) a.spawn(worker, { n: i });
          const dev = a.powerclamp.coolingDevice;
          if (dev === null) throw new Error("not loaded");
          a.powerclamp.thermal.setCurState(dev, target);
          a.run(`${us}us`);
          const saved = JSON.parse(JSON.stringify(a.checkpoint()));
          a.run("700ms");
          const b = build(driver).restore(saved, [worker]);
          b.run("700ms");
          expect(b.digest()).toBe(a.digest());
          expect(b.powerclamp.playIdle.count).toEqual(a.powerclamp.playIdle.count);
          expect(b.powerclamp.machine.joules(0, 0, b.now)).toBe(a.powerclamp.machine.joules(0, 0, a.now));
          expect(b.checkpoint()).toEqual(a.checkpoint());
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe("looking", () => {
  it("at files and views changes no digest and no energy", () => {
    const make = () => {
      const m = boot({ driver: "6.1" });
      m.api.modprobe();
      m.kernel.spawn(busy, {});
      m.write(`${m.cdev("intel_powerclamp")}/cur_state`, "25");
      return m;
    };
    const [a, b] = [make(), make()];
    for (let i = 0; i < 50; i++) {
      a.kernel.run("33ms");
      b.kernel.run("33ms");
      a.api.turbostat();
      a.api.machine.dieCelsius(0, a.kernel.now);
      a.api.pelt?.utilAvg(0);
      a.api.schedAvg(a.kernel.init);
    }
    expect(a.kernel.digest()).toBe(b.kernel.digest());
    expect(a.api.machine.joules(0, 0, a.kernel.now)).toBe(b.api.machine.joules(0, 0, b.kernel.now));
  });
});

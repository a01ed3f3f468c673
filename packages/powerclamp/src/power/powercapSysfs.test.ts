import { describe, expect, it } from "vitest";
import { boot, busy } from "../testing/machine.js";
import { PKG } from "./packagePower.js";
import { raplMaxEnergyRangeUj } from "./rapl.js";

const RAPL = "/sys/class/powercap/intel-rapl:0";

describe("powercap tree", () => {
  it("counts the energy of package, cores, graphics and memory in units of the register", () => {
    const { kernel, read } = boot();
    kernel.spawn(busy, {});
    const before = Number(read(`${RAPL}/energy_uj`));
    kernel.run("10s");
    const uj = Number(read(`${RAPL}/energy_uj`)) - before;
    const joules = kernel.powerclamp.machine.joules(0, PKG, kernel.now);
    expect(Math.abs(uj / 1e6 - joules)).toBeLessThan(0.001);
    const part = (i: number): [string, number] => [
      read(`${RAPL}/intel-rapl:0:${i}/name`).trim(),
      Number(read(`/sys/class/powercap/intel-rapl:0:${i}/energy_uj`)),
    ];
    const parts = [0, 1, 2].map(part);
    expect(parts.map(([n]) => n)).toEqual(["core", "uncore", "dram"]);
    expect(parts[0][1]).toBeLessThan(uj);
    expect(read(`${RAPL}/name`)).toBe("package-0\n");
    expect(read(`${RAPL}/max_energy_range_uj`)).toBe(`${raplMaxEnergyRangeUj(14)}\n`);
  });

  it("shows energy to root alone", () => {
    const { kernel, sys, errno } = boot();
    expect(sys.stat(`${RAPL}/energy_uj`).mode & 0o777).toBe(0o400);
    const child = kernel.tasks.find(sys.fork());
    if (child === null) throw new Error("no child");
    kernel.sys(child).setresuid(1000, 1000, 1000);
    expect(errno(() => kernel.sys(child).open(`${RAPL}/energy_uj`, 0))).toBe("EACCES");
  });

  it("wraps like the 32-bit counter behind it", () => {
    const { kernel, read } = boot({ raplUnits: { power: 3, energy: 20, time: 10 } });
    for (let i = 0; i < 2; i++) kernel.spawn(busy, {});
    // 4096 J at some 20 W
    let last = 0;
    let wraps = 0;
    for (let i = 0; i < 40; i++) {
      kernel.run("10s");
      const uj = Number(read(`${RAPL}/energy_uj`));
      if (uj < last) wraps++;
      last = uj;
    }
    expect(wraps).toBe(Math.floor(kernel.powerclamp.machine.joules(0, PKG, kernel.now) / 4096));
    expect(wraps).toBeGreaterThanOrEqual(1);
  });

  it("holds a limit by lowering the frequency, and lets go when the limit does", () => {
    const { kernel, read, write } = boot({ pelt: false }, { machine: { cpus: 4 } });
    for (let i = 0; i < 4; i++) kernel.spawn(busy, {});
    const { machine } = kernel.powerclamp;
    write(`${RAPL}/constraint_0_time_window_us`, "1000000");
    write(`${RAPL}/constraint_0_power_limit_uw`, "20100000");
    expect(read(`${RAPL}/constraint_0_power_limit_uw`)).toBe("20000000\n");
    kernel.run("20s");
    const j = machine.joules(0, PKG, kernel.now);
    kernel.run("30s");
    const watts = (machine.joules(0, PKG, kernel.now) - j) / 30;
    expect(watts).toBeGreaterThan(17);
    expect(watts).toBeLessThan(20.5);
    write(`${RAPL}/enabled`, "0");
    kernel.run("1s");
    expect(machine.packages[0].pstate).toBe(0);
  });

  it("refuses what is no number", () => {
    const { write, errno, read } = boot();
    const limit = `${RAPL}/constraint_0_power_limit_uw`;
    const before = read(limit);
    for (const bad of ["", "x", "-1", "1 ", "0x10", "99999999999999999999999", "9007199254740993"])
      if (bad !== "") expect(errno(() => write(limit, bad))).toBe("EINVAL");
    expect(errno(() => write(`${RAPL}/constraint_0_time_window_us`, "0"))).toBe("EINVAL");
    expect(errno(() => write(`${RAPL}/enabled`, "maybe"))).toBe("EINVAL");
    expect(read(limit)).toBe(before);
  });
});

describe("cpuidle files", () => {
  it("name states with latency and residency, and count use and time", () => {
    const { kernel, read } = boot({ cstates: "nehalem" });
    const dir = "/sys/devices/system/cpu/cpu1/cpuidle";
    expect(read(`${dir}/state4/name`)).toBe("C6\n");
    expect([read(`${dir}/state4/latency`), read(`${dir}/state4/residency`)]).toEqual(["200\n", "800\n"]);
    kernel.run("1s");
    const time = [0, 1, 2, 3, 4].reduce((sum, i) => sum + Number(read(`${dir}/state${i}/time`)), 0);
    expect(time).toBe(1e6);
    expect(read("/sys/devices/system/cpu/cpuidle/current_driver")).toBe("intel_idle\n");
  });

  it("keep a CPU out of a state that is disabled, in forced idle too", () => {
    const { api, kernel, read, write } = boot({ cstates: "nehalem" });
    const dir = "/sys/devices/system/cpu/cpu0/cpuidle";
    write(`${dir}/state4/disable`, "1");
    expect(read(`${dir}/state4/disable`)).toBe("1\n");
    const dev = api.idleInjectRegister(Uint32Array.of(1));
    if (dev === null) throw new Error("refused");
    const used = Number(read(`${dir}/state4/usage`));
    api.idleInjectSetDuration(dev, 10000, 10000);
    api.idleInjectStart(dev);
    kernel.run("1s");
    expect(Number(read(`${dir}/state4/usage`))).toBe(used);
    expect(Number(read(`${dir}/state3/usage`))).toBeGreaterThan(0);
  });

  it("are limited by the command line", () => {
    const states = (cmdline: string): string[] => boot({}, { cmdline }).kernel.core.idle.states.map((s) => s.name);
    expect(states("intel_idle.max_cstate=2")).toEqual(["POLL", "C1", "C1E"]);
    expect(states("idle=halt")).toEqual(["POLL", "C1"]);
    expect(states("idle=poll")).toEqual(["POLL"]);
    expect(states("intel_idle.max_cstate=x")).toHaveLength(6);
  });
});

/** Control groups of the assembled kernel: bandwidth, and the hierarchies that old container hosts mount. */
import { type CoreSys, type Program, program } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { type AssembledKernel, bootKernel } from "../kernel.js";

const busy = program("busy", function* (sys: Program<CoreSys>, s: { group: string }) {
  if (s.group !== "") yield* sys.writeFile(`${s.group}/cgroup.procs`, "0");
  for (;;) yield* sys.compute(7_000_000);
});

const ROOT = "/sys/fs/cgroup";
function limited(cpus: number, max: string): { kernel: AssembledKernel; stat: (name: string) => number } {
  const kernel = bootKernel({ machine: { cpus, memory: "512M" } });
  const sys = kernel.sys(kernel.init);
  sys.writeFile(`${ROOT}/cgroup.subtree_control`, "+cpu");
  sys.mkdir(`${ROOT}/g`, 0o755);
  sys.writeFile(`${ROOT}/g/cpu.max`, max);
  return {
    kernel,
    stat: (name) => Number(new RegExp(`^${name} (\\d+)`, "m").exec(sys.readText(`${ROOT}/g/cpu.stat`))?.[1]),
  };
}

describe("bandwidth of a group", () => {
  it("is quota per period, over all its tasks and CPUs", () => {
    const { kernel, stat } = limited(4, "150000 100000");
    for (let i = 0; i < 3; i++) kernel.spawn(busy, { group: `${ROOT}/g` });
    kernel.run("10s");
    expect(stat("usage_usec")).toBeGreaterThan(14.5e6);
    expect(stat("usage_usec")).toBeLessThan(15.3e6);
    expect(stat("nr_periods")).toBeGreaterThanOrEqual(99);
    expect(stat("nr_throttled")).toBeGreaterThan(90);
    expect(stat("throttled_usec")).toBeGreaterThan(4e6);
  });

  it("leaves the others the rest, and nothing behind when it is taken back", () => {
    const { kernel, stat } = limited(1, "20000 100000");
    const inside = kernel.spawn(busy, { group: `${ROOT}/g` });
    const outside = kernel.spawn(busy, { group: "" });
    kernel.run("5s");
    expect(inside.utimeNs / 5e9).toBeCloseTo(0.2, 1);
    expect(outside.utimeNs / 5e9).toBeCloseTo(0.8, 1);
    kernel.sys(kernel.init).writeFile(`${ROOT}/g/cpu.max`, "max");
    const before = stat("usage_usec");
    kernel.run("5s");
    expect((stat("usage_usec") - before) / 5e6).toBeCloseTo(0.5, 1);
  });

  it("takes Linux's range of values", () => {
    const { kernel } = limited(2, "max");
    const sys = kernel.sys(kernel.init);
    for (const bad of ["999", "1000 999", "1000 1000001", "x", "-1"])
      expect(() => sys.writeFile(`${ROOT}/g/cpu.max`, bad), bad).toThrow("EINVAL");
    sys.writeFile(`${ROOT}/g/cpu.max`, "25000");
    expect(sys.readText(`${ROOT}/g/cpu.max`)).toBe("25000 100000\n");
    sys.writeFile(`${ROOT}/g/cpu.weight.nice`, "-5");
    expect(sys.readText(`${ROOT}/g/cpu.weight`)).toBe("305\n");
    expect(() => sys.writeFile(`${ROOT}/g/cpu.weight`, "10001")).toThrow("ERANGE");
  });
});

describe("hierarchies of version 1", () => {
  it("are mounted one by one, as hosts did, and show their tasks", () => {
    const kernel = bootKernel({ machine: { cpus: 2, memory: "512M" } });
    const sys = kernel.sys(kernel.init);
    sys.umount2(ROOT, 0);
    sys.mount("tmpfs", ROOT, "tmpfs", 0, "mode=755");
    for (const c of ["cpu,cpuacct", "memory", "freezer", "net_cls,net_prio", "pids"]) {
      sys.mkdir(`${ROOT}/${c}`, 0o755);
      sys.mount("cgroup", `${ROOT}/${c}`, "cgroup", 0, c);
    }
    sys.mkdir(`${ROOT}/systemd`, 0o755);
    sys.mount("cgroup", `${ROOT}/systemd`, "cgroup", 0, "none,name=systemd");
    expect(sys.readText("/proc/self/cgroup")).toMatch(
      /^6:name=systemd:\/\n5:pids:\/\n4:net_cls,net_prio:\/\n3:freezer:\/\n2:memory:\/\n1:cpu,cpuacct:\/\n/,
    );
    sys.mkdir(`${ROOT}/cpu,cpuacct/a`, 0o755);
    sys.writeFile(`${ROOT}/cpu,cpuacct/a/cpu.cfs_quota_us`, "50000");
    const task = kernel.spawn(busy, { group: `${ROOT}/cpu,cpuacct/a` });
    kernel.run("2s");
    expect(task.utimeNs / 2e9).toBeCloseTo(0.5, 1);
    expect(Number(sys.readText(`${ROOT}/cpu,cpuacct/a/cpuacct.usage`)) / 1e9).toBeCloseTo(1, 1);
    expect(sys.readText(`${ROOT}/cpu,cpuacct/a/cpuacct.stat`)).toMatch(/^user \d+\nsystem \d+\n$/);
    sys.mkdir(`${ROOT}/freezer/f`, 0o755);
    sys.writeFile(`${ROOT}/freezer/f/cgroup.procs`, String(task.nr));
    sys.writeFile(`${ROOT}/freezer/f/freezer.state`, "FROZEN");
    const used = task.utimeNs;
    kernel.run("1s");
    expect(sys.readText(`${ROOT}/freezer/f/freezer.state`)).toBe("FROZEN\n");
    expect(task.utimeNs - used).toBeLessThan(20e6);
  });
});

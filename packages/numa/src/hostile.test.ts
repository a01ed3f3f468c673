/** Whatever is given to a call or written to a file: a KernelError with an errno, and nothing has changed; or it is done. */
import { createKernel, KernelError } from "@kernelkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { numa } from "./numa.js";
import type { StrategyName } from "./strategy/strategy.js";

const AT = 0x200000000;
const build = (strategy: StrategyName = "modern", cmdline = "") =>
  createKernel({
    machine: { cpus: 4, nodes: 2, nodeMemory: ["32M", "32M"], cpuNode: [0, 0, 1, 1] },
    cmdline: `transparent_hugepage=never ${cmdline}`,
  })
    .use(numa({ strategy }))
    .boot();

const number = fc.oneof(
  fc.constantFrom(0, 1, 2, 4, 7, 8, 15, 63, 64, 65, 1024, 1025, 32769, 2 ** 31 - 1, AT, AT + 1, 2 ** 47, 2 ** 53),
  fc.integer({ min: -3, max: 70 }),
);
const mask = fc.oneof(
  fc.constantFrom(null, "EFAULT" as const),
  fc.array(fc.constantFrom(0, 1, 2, 63, 1023, 1024), { maxLength: 3 }),
);
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    "",
    "\n",
    "0",
    "1",
    "-1",
    "4",
    "5",
    "0-1",
    "0,,1",
    "all",
    "N",
    "99999999999999999999",
    "0x1",
    "64K",
    "1 swappiness=300",
    "root",
    "x".repeat(5000),
  ),
);

/** True: done; false: a KernelError. Anything else that is thrown is not a matter of the kernel. */
function tried(f: () => unknown): boolean {
  try {
    f();
    return true;
  } catch (e) {
    if (e instanceof KernelError || e instanceof TypeError || e instanceof RangeError) return false;
    throw e;
  }
}

describe("bad input", () => {
  it("calls fail with an errno and leave policies and pages as they were", () => {
    const k = build();
    const sys = k.sys(k.init);
    sys.mmap(AT, 64 * 4096, 3, 0x32, -1, 0);
    sys.touch(AT, 64, true);
    const look = (): string =>
      sys.readText("/proc/1/numa_maps") + JSON.stringify(sys.get_mempolicy("mode", "mask", 64, 0, 0));
    fc.assert(
      fc.property(fc.nat(6), number, number, number, mask, number, number, (which, a, b, c, m, d, e) => {
        const before = look();
        const done = tried(() => {
          if (which === 0) sys.set_mempolicy(a, m, b);
          else if (which === 1) sys.mbind(a, b, c, m, d, e);
          else if (which === 2) sys.set_mempolicy_home_node(a, b, c, d);
          else if (which === 3) sys.get_mempolicy("mode", "mask", a, b, c);
          else if (which === 4) sys.migrate_pages(a, b, m, m);
          else if (which === 5) sys.useMemory(AT, b % 65, c % 100, true);
          else sys.userfaultfd(a);
        });
        // move_pages and set_mempolicy_home_node are not atomic in Linux either
        if (!done && which !== 2 && which !== 4 && which !== 5) expect(look()).toBe(before);
      }),
      { numRuns: 400 },
    );
  });

  it("files take what they know and refuse the rest", () => {
    const k = build("autonuma");
    const sys = k.sys(k.init);
    sys.writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+cpuset");
    sys.mkdir("/sys/fs/cgroup/g", 0o755);
    const files = [
      "/proc/sys/kernel/numa_balancing",
      "/proc/sys/kernel/numa_balancing_promote_rate_limit_MBps",
      "/proc/sys/vm/numa_zonelist_order",
      "/sys/kernel/mm/numa/demotion_enabled",
      "/sys/kernel/mm/mempolicy/weighted_interleave/node0",
      "/sys/kernel/mm/mempolicy/weighted_interleave/auto",
      "/sys/kernel/debug/sched/numa_balancing/scan_size_mb",
      "/sys/kernel/mm/autonuma/enabled",
      "/sys/kernel/mm/autonuma/knuma_scand/pages_to_scan",
      "/sys/devices/system/node/node0/compact",
      "/sys/devices/system/node/node0/reclaim",
      "/sys/fs/cgroup/g/cpuset.cpus",
      "/sys/fs/cgroup/g/cpuset.mems",
      "/sys/fs/cgroup/g/cpuset.cpus.partition",
      "/sys/fs/cgroup/g/cpuset.cpus.exclusive",
    ];
    const values = (): string => files.map((f) => (/compact|reclaim/.test(f) ? "" : sys.readText(f))).join("|");
    fc.assert(
      fc.property(fc.constantFrom(...files), text, (file, t) => {
        const before = values();
        if (!tried(() => sys.writeFile(file, t))) expect(values()).toBe(before);
      }),
      { numRuns: 400 },
    );
  });

  it("an unknown strategy or cost on the command line is said in the log and not used", () => {
    const lines: string[] = [];
    const kernel = createKernel({
      machine: { cpus: 2, nodes: 2, memory: "64M" },
      cmdline: "numa_strategy=magic numa_cost=speed=1",
    })
      .use(numa({ strategy: "balancenuma" }))
      .boot();
    kernel.core.hooks.log.tap(990, "test", (l) => lines.push(l.text));
    for (const l of kernel.core.loop.early) lines.push(l.text);
    expect(kernel.numa.strategy).toBe("balancenuma");
    expect(lines.join("\n")).toMatch(/unknown numa_strategy=magic, using balancenuma; there are modern, .*none/);
    expect(lines.join("\n")).toMatch(/bad numa_cost=speed=1/);
    expect(build("modern", "numa_strategy=autonuma-lazy numa_cost=access=50,fault=2").numa.costs).toMatchObject({
      accessNs: 50,
      faultNs: 2,
      migrateNs: 2500,
    });
    expect(() => numa({ costs: { accessNs: -1 } })).toThrow(/cost accessNs must be/);
    expect(
      () =>
        build("modern").numa &&
        createKernel()
          .use(numa({ slowNodes: [3] }))
          .boot(),
    ).toThrow(/slowNodes has 3/);
  });

  it("a hundred thousand hint faults keep nothing", () => {
    const k = build();
    const sys = k.sys(k.init);
    sys.mmap(AT, 4096 * 4096, 3, 0x32, -1, 0);
    sys.touch(AT, 4096, true);
    const { pt } = k.core.mm;
    const arm = (): void => {
      for (let i = 0; i < pt.fl.length; i++)
        if (pt.val[i] > 4096 && (pt.fl[i] & 32) === 0 && (pt.fl[i] & 1) !== 0) pt.fl[i] |= 16;
    };
    const round = (): void => {
      arm();
      sys.touch(AT, 4096, true);
    };
    for (let i = 0; i < 5; i++) round();
    const before = k.numa.spent.faults;
    const heap = process.memoryUsage().heapUsed;
    for (let i = 0; i < 25; i++) round();
    expect(k.numa.spent.faults - before).toBeGreaterThan(90_000);
    expect(process.memoryUsage().heapUsed - heap).toBeLessThan(16 * 2 ** 20);
  });
});

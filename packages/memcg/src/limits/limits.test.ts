/** Limits as processes read them, over files as hosts and containers show them, and over this kernel's own. */
import { createKernel } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { memcg } from "../memcg.js";
import { type LimitFiles, readLimits } from "./readLimits.js";
import { tree, V2, v1 } from "./testTree.js";

const M = 1024 * 1024;
const P = "4f2a9c1be07d";
const memory = (f: LimitFiles): bigint | null => readLimits(f).memory.bytes;

describe("reading limits", () => {
  it("takes the smallest of a service and its slice (JDK-8322420)", () => {
    const f = tree("0::/limited.slice/app.service", [V2], {
      "/sys/fs/cgroup/limited.slice/app.service/memory.max": "max\n",
      "/sys/fs/cgroup/limited.slice/memory.max": "536870912\n",
    });
    expect(memory(f)).toBe(536870912n);
    expect(readLimits(f).memory.from).toBe("/sys/fs/cgroup/limited.slice/memory.max");
  });

  it("reads at the mount point where a v1 path is the mount's root, which joined name nothing (sglang 35707)", () => {
    const f = tree(`4:memory:/docker/${P}\n0::/system.slice/containerd.service`, [v1("memory", `/docker/${P}`)], {
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n",
    });
    expect(memory(f)).toBe(536870912n);
  });

  it("follows the path of /proc/self/cgroup with a host's namespace (preflight 226)", () => {
    const dir = `/sys/fs/cgroup/system.slice/docker-${P}.scope`;
    expect(memory(tree(`0::/system.slice/docker-${P}.scope`, [V2], { [`${dir}/memory.max`]: "536870912\n" }))).toBe(
      536870912n,
    );
  });

  it("sees an ancestor above a bind mount only in hierarchical_memory_limit (opentelemetry 4972, ECS)", () => {
    const f = tree(`9:memory:/ecs/t/${P}`, [v1("memory", `/ecs/t/${P}`, "")], {
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      "/sys/fs/cgroup/memory/memory.stat": `cache 0\nrss 0\nhierarchical_memory_limit ${512 * M}\n`,
    });
    expect(memory(f)).toBe(BigInt(512 * M));
  });

  it("takes v1's sentinels, and more than the machine has, for no limit (seastar 413)", () => {
    for (const text of ["9223372036854771712", "9223372036854710272", "9223372036854775807", String(2 ** 46)]) {
      const f = tree("4:memory:/", [v1("memory", "/")], { "/sys/fs/cgroup/memory/memory.limit_in_bytes": `${text}\n` });
      expect(memory(f), text).toBe(null);
    }
  });

  it("scans all lines: in a hybrid the v2 line is last, and a controller in v1 is read in v1 (libuv 2315)", () => {
    const f = tree(
      "5:pids:/x\n4:memory:/user.slice\n0::/user.slice/s.scope",
      [v1("memory", "/"), "40 32 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"],
      { "/sys/fs/cgroup/memory/user.slice/memory.limit_in_bytes": "1048576\n" },
    );
    expect(memory(f)).toBe(1048576n);
    expect(readLimits(f).version).toBe(1);
  });

  it("finds mounts at other places, with spaces in their names and any number of optional fields", () => {
    const at = "30 23 0:26 / /mnt/my\\040groups rw shared:9 master:2 propagate_from:3 - cgroup2 none rw";
    expect(memory(tree("0::/g", [at], { "/mnt/my groups/g/memory.max": "4096\n" }))).toBe(4096n);
  });

  it("falls back to the mount for a process moved outside of its namespace or whose group is gone (automaxprocs 85)", () => {
    const files = { "/sys/fs/cgroup/memory.max": "1048576\n" };
    expect(memory(tree("0::/../other", [V2], files))).toBe(1048576n);
    expect(memory(tree("0::/g (deleted)", [V2], files))).toBe(1048576n);
    expect(memory(tree("0::/", [], files))).toBe(null);
    expect(readLimits({ read: () => null }).trace[0]).toContain("not there");
  });

  it("has fractions of CPUs from quota and period, the smallest on the way up (nodejs 59200)", () => {
    const f = tree("0::/a/b", [V2], {
      "/sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
      "/sys/fs/cgroup/a/cpu.max": "25000 100000\n",
      "/sys/fs/cgroup/a/b/pids.max": "max\n",
      "/sys/fs/cgroup/a/pids.max": "100\n",
    });
    expect(readLimits(f).cpus).toEqual({ quota: 0.25, from: "/sys/fs/cgroup/a/cpu.max" });
    expect(readLimits(f).pids.max).toBe(100);
    const old = tree("3:cpu,cpuacct:/c", ["33 32 0:30 /c /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct"], {
      "/cg/cpu/cpu.cfs_quota_us": "150000\n",
      "/cg/cpu/cpu.cfs_period_us": "100000\n",
    });
    expect(readLimits(old).cpus.quota).toBe(1.5);
  });

  it("agrees with what holds, on this kernel: moves, new limits and removed groups show at the next read", () => {
    const kernel = createKernel({ machine: { memory: "64M" } })
      .use(memcg())
      .boot();
    const sys = kernel.sys(kernel.init);
    const root = "/sys/fs/cgroup";
    sys.writeFile(`${root}/cgroup.subtree_control`, "+memory +pids");
    sys.mkdir(`${root}/slice`, 0o755);
    sys.writeFile(`${root}/slice/cgroup.subtree_control`, "+memory");
    sys.mkdir(`${root}/slice/app`, 0o755);
    const task = kernel.tasks.find(sys.fork());
    if (task === null) throw new Error("no child");
    const view = kernel.sys(task);
    const files: LimitFiles = {
      read(path) {
        try {
          return view.readText(path);
        } catch {
          return null;
        }
      },
    };
    const both = (): [number, bigint | null] => [kernel.memcg.effectiveMemoryLimit(task).bytes, memory(files)];
    expect(both()).toEqual([kernel.mm.totalram * 4096, null]);
    sys.writeFile(`${root}/slice/app/cgroup.procs`, String(task.nr));
    sys.writeFile(`${root}/slice/memory.max`, "32M");
    expect(both()).toEqual([32 * M, BigInt(32 * M)]);
    sys.writeFile(`${root}/slice/app/memory.max`, "16M");
    expect(both()).toEqual([16 * M, BigInt(16 * M)]);
    expect(kernel.memcg.effectiveMemoryLimit(task).chain.map((r) => [r.group, r.max])).toEqual([
      ["/slice/app", 16 * M],
      ["/slice", 32 * M],
    ]);
    sys.writeFile(`${root}/slice/app/memory.max`, "64T");
    expect(both()).toEqual([32 * M, BigInt(32 * M)]);
  });
});

/** What processes find in each layout, by the reader of @kernelkit/memcg and by what holds. */
import { KernelError, type Task } from "@kernelkit/core";
import { readLimits } from "@kernelkit/memcg";
import { describe, expect, it } from "vitest";
import { bootKernel } from "../kernel.js";
import { type BuiltLayout, bootLayout, LAYOUTS } from "./layout.js";
import { effectiveLimits, visibleLimits } from "./limits.js";
import type { LayoutOptions } from "./options.js";

const M = 2 ** 20;
const SMALL = { machine: { cpus: 4, nodes: 2, memory: "1G" } } as const;
const LIMITS: LayoutOptions = { memory: 512 * M, swap: 128 * M, cpus: 1.5, pids: 100, rss: 16 * M };

function reading(b: BuiltLayout): (path: string) => string | null {
  const sys = b.kernel.sys(b.task);
  return (path) => {
    try {
      return sys.readText(path);
    } catch (e) {
      if (e instanceof KernelError) return null;
      throw e;
    }
  };
}
const seen = (b: BuiltLayout) => readLimits({ read: reading(b) });
const boot = (name: string, layout: LayoutOptions = LIMITS): BuiltLayout => bootLayout(name, { ...SMALL, layout });

describe.each(LAYOUTS)("%s", (name) => {
  const b = boot(name);
  const read = reading(b);

  it("has process 42, which is in the group that its files name", () => {
    expect(read("/proc/self/stat")).toMatch(/^42 \(worker\) . 1 /);
    const cgroup = read("/proc/self/cgroup");
    const mounts = (read("/proc/self/mountinfo") ?? "").trim().split("\n");
    for (const line of mounts) expect(line).toMatch(/^\d+ \d+ \d+:\d+ \S+ \S+ \S+( \S+:\d+)* - \S+ \S+ \S+$/);
    if (name === "gvisor") return;
    for (const line of (cgroup ?? "").trim().split("\n")) {
      const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) as unknown as string[];
      const fits = mounts
        .map((m) => ({ root: m.split(" ")[3], point: m.split(" ")[4], rest: m.split(" - ")[1].split(" ") }))
        .filter((m) =>
          controllers === ""
            ? m.rest[0] === "cgroup2"
            : m.rest[0] === "cgroup" && m.rest[2].split(",").includes(controllers.split(",")[0]),
        )
        .filter((m) => m.root === "/" || path === m.root || path.startsWith(`${m.root}/`));
      if (controllers === "" && fits.length === 0) continue;
      const mount = fits.sort((x, y) => y.root.length - x.root.length)[0];
      const dir = mount.point + (mount.root === "/" ? path : path.slice(mount.root.length)).replace(/^\/$/, "");
      expect(read(`${dir}/cgroup.procs`)?.split("\n"), line).toContain("42");
    }
  });

  it("tells a correct reader the limits that can be seen", () => {
    const found = seen(b);
    const visible = visibleLimits(b.kernel, b.task);
    const holding = effectiveLimits(b.kernel, b.task);
    const total = (name === "gvisor" ? 512 : 1024) * M;
    expect(Number(found.memory.bytes ?? total)).toBe(visible.memory);
    expect(Math.min(found.cpus.quota ?? 4, 4)).toBe(visible.cpus);
    expect(found.pids.max).toBe(visible.pids);
    expect(holding.memory).toBeLessThanOrEqual(visible.memory);
    expect(holding.cpus).toBeLessThanOrEqual(visible.cpus);
  });
});

describe("limits of ancestors", () => {
  const parent = { memory: 256 * M, cpus: 1 };
  const of = (name: string) => {
    const b = boot(name, { rss: 16 * M, parent });
    return { seen: Number(seen(b).memory.bytes ?? 0) / M, holds: effectiveLimits(b.kernel, b.task).memory / M, b };
  };

  it("are seen where the whole hierarchy is (JDK-8322420, seastar)", () => {
    expect(of("systemd-service")).toMatchObject({ seen: 256, holds: 256 });
    expect(of("kubernetes-v2-host-cgroupns")).toMatchObject({ seen: 256, holds: 256 });
    expect(of("systemd-scope")).toMatchObject({ seen: 256, holds: 256 });
  });

  it("are hidden by a namespace (gvisor #9580), and by v1's bind mounts but for one line", () => {
    expect(of("kubernetes-v2")).toMatchObject({ seen: 0, holds: 256 });
    // hierarchical_memory_limit is the only trace (opentelemetry-collector #4972, dotnet/runtime #83563)
    expect(of("ecs-fargate")).toMatchObject({ seen: 256, holds: 256 });
  });

  it("count with one's own: the smaller holds (docker in docker, moby #40730)", () => {
    const b = boot("dind", { memory: 512 * M, rss: 16 * M, parent: { memory: 256 * M } });
    expect(effectiveLimits(b.kernel, b.task).memory).toBe(256 * M);
    expect(Number(seen(b).memory.bytes)).toBe(256 * M);
  });
});

describe("what the layout is known by", () => {
  it("docker: the marker, the host name, its id only in mountinfo (elastic/apm-agent-java #2352)", () => {
    const b = boot("docker-v2");
    const read = reading(b);
    expect(read("/.dockerenv")).toBe("");
    expect(read("/proc/self/cgroup")).toBe("0::/\n");
    expect(read("/proc/self/mountinfo")).toContain(
      "/var/lib/docker/containers/4f2a9c1be07d6538a1c4e9f2b7d03a586c1e2f4a9b8d7c6e5f40312213aabbcc/hostname /etc/hostname",
    );
    expect(read("/etc/hostname")).toBe("4f2a9c1be07d\n");
    expect(b.hostname).toBe("4f2a9c1be07d");
    expect(read("/sys/fs/cgroup/memory.max")).toBe(`${512 * M}\n`);
    expect(() => b.kernel.sys(b.task).mkdir("/sys/fs/cgroup/x", 0o755)).toThrow("EROFS");
    expect(() => b.kernel.sys(b.task).writeFile("/sys/fs/cgroup/memory.max", "1G")).toThrow("EROFS");
  });

  it("docker of version 1: root of the mount = path (sglang #35707), master of the host's", () => {
    const read = reading(boot("docker-v1"));
    const id = "4f2a9c1be07d6538a1c4e9f2b7d03a586c1e2f4a9b8d7c6e5f40312213aabbcc";
    expect(read("/proc/self/cgroup")).toMatch(
      new RegExp(
        `^12:cpuset:/docker/${id}\n11:cpu,cpuacct:/docker/${id}\n10:blkio:/docker/${id}\n9:memory:/docker/${id}\n`,
      ),
    );
    expect(read("/proc/self/mountinfo")).toMatch(
      new RegExp(
        ` /docker/${id} /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime master:\\d+ - cgroup cgroup rw,memory\n`,
      ),
    );
    expect(read("/sys/fs/cgroup/memory/memory.limit_in_bytes")).toBe(`${512 * M}\n`);
    expect(read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")).toBe("150000\n");
    expect(read(`/sys/fs/cgroup/memory/docker/${id}/memory.limit_in_bytes`)).toBeNull();
  });

  it("podman without root: only what is delegated", () => {
    const b = boot("podman-rootless-v2");
    const read = reading(b);
    expect(read("/run/.containerenv")).toContain('engine="podman');
    expect(read("/sys/fs/cgroup/memory.max")).toBe(`${512 * M}\n`);
    expect(read("/sys/fs/cgroup/cpu.max")).toBeNull();
    expect(b.env).toContain("container=podman");
  });

  it("lxc: lxcfs shows the container where the kernel shows the machine (lxc/lxcfs #44)", () => {
    const b = boot("lxc-v2", { ...LIMITS, cpuset: "1-2" });
    const read = reading(b);
    const machine = (path: string): string => b.kernel.sys(b.kernel.init).readText(path);
    expect(read("/proc/self/mountinfo")).toMatch(
      /^\d+ \d+ 0:\d+ \/proc\/meminfo \/proc\/meminfo rw,nosuid,nodev,relatime - fuse\.lxcfs lxcfs rw,user_id=0,group_id=0,allow_other$/m,
    );
    expect(read("/proc/self/cgroup")).toBe("0::/init.scope\n");
    const kb = (name: string, text: string | null): number =>
      Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(text ?? "")?.[1]);
    const used = Number(machine("/sys/fs/cgroup/lxc.payload.c1/memory.current"));
    expect(kb("MemTotal", read("/proc/meminfo"))).toBe(512 * 1024);
    expect(kb("MemFree", read("/proc/meminfo"))).toBe((512 * M - used) / 1024);
    expect(kb("AnonPages", read("/proc/meminfo"))).toBeGreaterThanOrEqual(16 * 1024);
    expect(read("/proc/meminfo")?.split("\n")).toHaveLength(machine("/proc/meminfo").split("\n").length);
    expect(kb("MemTotal", machine("/proc/meminfo"))).toBe(1024 * 1024);
    // a smaller limit above it is the one that shows, as memory runs out there
    b.kernel.sys(b.kernel.init).writeFile("/sys/fs/cgroup/lxc.payload.c1/memory.max", String(300 * M));
    expect(kb("MemTotal", read("/proc/meminfo"))).toBe(300 * 1024);
    expect(read("/proc/cpuinfo")?.match(/^processor\t: \d+$/gm)).toEqual(["processor\t: 0", "processor\t: 1"]);
    expect(read("/proc/stat")?.match(/^cpu\d+/gm)).toEqual(["cpu0", "cpu1"]);
    expect(read("/sys/devices/system/cpu/online")).toBe("0-1\n");
    expect(read("/sys/devices/system/cpu/cpu1/topology/core_id")).toBe(
      machine("/sys/devices/system/cpu/cpu1/topology/core_id"),
    );
    b.kernel.run("3s");
    expect(Number(read("/proc/uptime")?.split(" ")[0])).toBeCloseTo(3, 1);
    expect(read("/proc/loadavg")?.split(" ")[0]).toBe(machine("/proc/loadavg").split(" ")[0]);
    // sysinfo(2) is not covered (lxc/lxcfs #119)
    expect(b.kernel.sys(b.task).sysinfo().totalram).toBe(1024 * M);
    expect(machine("/proc/filesystems")).not.toContain("lxcfs");
  });

  it("lxc: lxcfs and what is read of it come through a checkpoint", () => {
    const b = boot("lxc-v2");
    const again = bootKernel({
      machine: {
        cpus: 4,
        nodes: 2,
        memory: "1G",
        distances: [
          [10, 21],
          [21, 10],
        ],
      },
    });
    (again as unknown as { restore(c: unknown): void }).restore(JSON.parse(JSON.stringify(b.kernel.checkpoint())));
    const task = again.tasks.all().find((t) => t.comm === "worker") as Task;
    expect(again.sys(task).readText("/proc/meminfo")).toBe(reading(b)("/proc/meminfo"));
    expect(again.digest()).toBe(b.kernel.digest());
  });

  it("gvisor: a kernel of its own without groups, whose machine is as large as the sandbox may be", () => {
    const read = reading(boot("gvisor"));
    for (const f of [
      "/proc/self/cgroup",
      "/proc/cgroups",
      "/sys/fs/cgroup/memory.max",
      "/sys/fs/cgroup/cgroup.controllers",
    ])
      expect(read(f), f).toBeNull();
    expect(read("/proc/self/mountinfo")).not.toContain("cgroup");
    expect(read("/proc/filesystems")).not.toContain("cgroup");
    expect(read("/proc/meminfo")).toMatch(/^MemTotal: +524288 kB$/m);
    expect(read("/proc/version")).toMatch(/^Linux version 4\.4\.0 /);
  });

  it("a bare host of version 2 has no limit files in its root; of version 1 the sentinel", () => {
    const two = reading(boot("bare-v2"));
    for (const f of ["memory.max", "cpu.max", "pids.max", "memory.current", "cgroup.type", "cgroup.events"])
      expect(two(`/sys/fs/cgroup/${f}`)).toBeNull();
    const one = reading(boot("bare-v1"));
    expect(one("/sys/fs/cgroup/memory/memory.limit_in_bytes")).toBe("9223372036854771712\n");
    expect(one("/proc/cgroups")).toMatch(/^memory\t9\t\d+\t1$/m);
  });
});

describe("changes", () => {
  it("show with the next read: a limit, a move, the group's end", () => {
    const b = boot("systemd-service");
    const init = b.kernel.sys(b.kernel.init);
    init.writeFile("/sys/fs/cgroup/limited.slice/app.service/memory.max", String(300 * M));
    expect(Number(seen(b).memory.bytes)).toBe(300 * M);
    init.mkdir("/sys/fs/cgroup/limited.slice/other.service", 0o755);
    init.writeFile("/sys/fs/cgroup/limited.slice/other.service/cgroup.procs", "42");
    expect(reading(b)("/proc/self/cgroup")).toBe("0::/limited.slice/other.service\n");
    expect(seen(b).memory.bytes).toBeNull();
  });
});

describe("memory of the machine", () => {
  it("is free and available as asked for, to the byte", () => {
    const b = bootLayout("docker-v2", {
      machine: { cpus: 4, nodes: 2, memory: "2G" },
      layout: { ...LIMITS, rss: 64 * M, free: 1536 * M, available: 1600 * M },
    });
    expect(reading(b)("/proc/meminfo")).toMatch(
      /^MemTotal: +2097152 kB\nMemFree: +1572864 kB\nMemAvailable: +1638400 kB\n/,
    );
    expect(reading(b)("/proc/self/status")).toMatch(/^VmRSS:\s+65536 kB$/m);
  });
});

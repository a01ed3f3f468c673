/** Twenty faults that programs had in finding their limits, each by the project that had it: what is right is found here. */
import { describe, expect, it } from "vitest";
import { readLimits } from "./readLimits.js";
import { ID, limitsOf, MIB, memoryOf, tree, V2, v1 } from "./testTree.js";

const ROOT = "/sys/fs/cgroup";
const SENTINEL = "9223372036854771712\n";
const half = 512n * MIB;
const HALF = `${half}\n`;

describe("a program finds its limit where", () => {
  it("preflight 226: the path in /proc/self/cgroup leads to it below the mount of the host's namespace", () => {
    const dir = `${ROOT}/system.slice/docker-${ID}.scope`;
    expect(memoryOf(`0::/system.slice/docker-${ID}.scope`, [V2], { [`${dir}/memory.max`]: HALF })).toBe(half);
  });

  it("sglang 35707: a v1 path is the mount's root; and a systemd scope's is below it", () => {
    const at = `${ROOT}/memory/memory.limit_in_bytes`;
    expect(memoryOf(`4:memory:/docker/${ID}`, [v1("memory", `/docker/${ID}`)], { [at]: HALF })).toBe(half);
    const scope = `${ROOT}/memory/system.slice/run-r1.scope/memory.limit_in_bytes`;
    const host = { [at]: SENTINEL, [scope]: HALF };
    expect(memoryOf("4:memory:/system.slice/run-r1.scope", [v1("memory", "/")], host)).toBe(half);
  });

  it("jdk 20646: the slice above has it and the leaf reads max", () => {
    const files = { [`${ROOT}/l.slice/a.service/memory.max`]: "max\n", [`${ROOT}/l.slice/memory.max`]: HALF };
    const found = limitsOf("0::/l.slice/a.service", [V2], files);
    expect([found.memory.bytes, found.memory.from]).toEqual([half, `${ROOT}/l.slice/memory.max`]);
  });

  it("jdk 21808: a v1 process was moved, and its group is not below the mount's root", () => {
    const files = { [`${ROOT}/memory/memory.limit_in_bytes`]: HALF };
    expect(memoryOf("4:memory:/elsewhere", [v1("memory", `/docker/${ID}`)], files)).toBe(half);
  });

  it("jdk 23811, buildbuddy 10323: v1 controllers are compiled out and /proc/cgroups lacks their rows", () => {
    const files = {
      "/proc/cgroups": "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t0\t1\t1\npids\t0\t1\t1\n",
      [`${ROOT}/cgroup.controllers`]: "cpuset cpu io memory pids\n",
      [`${ROOT}/g/memory.max`]: HALF,
    };
    expect(memoryOf("0::/g", [V2], files)).toBe(half);
  });

  it("corretto-11 320: v2 has no cpuacct row", () => {
    const rows = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t0\t1\t1\ncpu\t0\t1\t1\nmemory\t0\t1\t1\n";
    expect(memoryOf("0::/", [V2], { "/proc/cgroups": rows, [`${ROOT}/memory.max`]: `${1024n * MIB}\n` })).toBe(
      1024n * MIB,
    );
  });

  it("libuv 2315, 3744: the line of v2 is the last of a hybrid's, or the only one", () => {
    const unified = "40 32 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";
    const lines = "12:pids:/u\n1:name=systemd:/u/s.scope\n0::/u/s.scope";
    const files = { [`${ROOT}/unified/u/s.scope/memory.max`]: HALF };
    expect(memoryOf(lines, [unified], files)).toBe(half);
    expect(memoryOf("0::/", [V2], { [`${ROOT}/memory.max`]: HALF })).toBe(half);
  });

  it("nodejs 59227, 62209: there is none, and that is one value in every version", () => {
    expect(memoryOf("0::/", [V2])).toBe(null);
    expect(memoryOf("0::/g", [V2], { [`${ROOT}/g/memory.max`]: "max\n" })).toBe(null);
    expect(memoryOf("4:memory:/", [v1("memory", "/")], { [`${ROOT}/memory/memory.limit_in_bytes`]: SENTINEL })).toBe(
      null,
    );
  });

  it("nodejs 59200: a quarter of a CPU is one CPU and not all of them", () => {
    const { cpus } = limitsOf("0::/", [V2], { [`${ROOT}/cpu.max`]: "25000 100000\n" });
    expect([cpus.quota, Math.ceil(cpus.quota ?? Number.POSITIVE_INFINITY)]).toEqual([0.25, 1]);
  });

  it("opentelemetry-collector 4972: v1's leaf is unlimited and only hierarchical_memory_limit tells of the parent", () => {
    const files = {
      [`${ROOT}/memory/memory.limit_in_bytes`]: SENTINEL,
      [`${ROOT}/memory/memory.stat`]: `cache 0\nrss 0\nhierarchical_memory_limit ${half}\n`,
    };
    expect(memoryOf(`9:memory:/kubepods/${ID}`, [v1("memory", `/kubepods/${ID}`, "")], files)).toBe(half);
  });

  it("dotnet 83563, heroku nodejs 220: Fargate limits the task alone; where nothing shows it, the machine's memory is left", () => {
    const path = "/ecs/0b69d5c0/0b69d5c0-1234567890";
    const leaf = { [`${ROOT}/memory/memory.limit_in_bytes`]: SENTINEL };
    const stat = { ...leaf, [`${ROOT}/memory/memory.stat`]: `hierarchical_memory_limit ${half}\n` };
    expect(memoryOf(`5:memory:${path}`, [v1("memory", path, "")], stat)).toBe(half);
    expect(memoryOf(`5:memory:${path}`, [v1("memory", path, "")], leaf)).toBe(null);
  });

  it("seastar 413: on bare metal v1's sentinel is no memory size, and neither is more than the machine has", () => {
    for (const text of [SENTINEL, "9223372036854710272\n", "9223372036854775807\n", `${2n ** 46n}\n`])
      expect(memoryOf("4:memory:/", [v1("memory", "/")], { [`${ROOT}/memory/memory.limit_in_bytes`]: text })).toBe(
        null,
      );
  });

  it("ClickHouse 62788: a private namespace has it at the mount's root, whatever the host calls the group", () => {
    expect(memoryOf("0::/", [V2], { [`${ROOT}/memory.max`]: HALF, [`${ROOT}/memory.current`]: "4096\n" })).toBe(half);
  });

  it("StarRocks 43225: 8 GiB of 123 in v2, by what is mounted and not by a file of v1", () => {
    const files = { "/proc/meminfo": "MemTotal:       128974848 kB\n", [`${ROOT}/memory.max`]: `${8192n * MIB}\n` };
    const found = limitsOf("0::/", [V2], files);
    expect([found.version, found.memory.bytes]).toEqual([2, 8192n * MIB]);
  });

  it("gvisor 9580: the pod's slice has memory and CPU limits and the scope in it none", () => {
    const slice = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f6d3c1a.slice";
    const files = {
      [`${ROOT}${slice}/cri-containerd-${ID}.scope/memory.max`]: "max\n",
      [`${ROOT}${slice}/cri-containerd-${ID}.scope/cpu.max`]: "max 100000\n",
      [`${ROOT}${slice}/memory.max`]: HALF,
      [`${ROOT}${slice}/cpu.max`]: "150000 100000\n",
    };
    const found = limitsOf(`0::${slice}/cri-containerd-${ID}.scope`, [V2], files);
    expect([found.memory.bytes, found.cpus.quota]).toEqual([half, 1.5]);
  });

  it("automaxprocs 85, go 76390: mount root and path are siblings, and nothing of it is fatal", () => {
    const cpu = "33 32 0:30 /docker/a /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct";
    const files = {
      [`${ROOT}/cpu,cpuacct/cpu.cfs_quota_us`]: "200000\n",
      [`${ROOT}/cpu,cpuacct/cpu.cfs_period_us`]: "100000\n",
    };
    expect(limitsOf("3:cpu,cpuacct:/docker/b", [cpu], files).cpus.quota).toBe(2);
    expect(limitsOf("3:cpu,cpuacct:/docker/b", [cpu]).cpus.quota).toBe(null);
  });

  it("go 81180: the job runs in /init below the container's root that has the quota", () => {
    const files = { [`${ROOT}/cpu.max`]: "200000 100000\n", [`${ROOT}/init/cpu.max`]: "max 100000\n" };
    expect(limitsOf("0::/init", [V2], files).cpus.quota).toBe(2);
  });

  it("automaxprocs 38: no cgroup mount is visible (shared pid namespace): no limit, said so, no failure", () => {
    const found = limitsOf(`4:memory:/kubepods/${ID}\n3:cpu:/kubepods/${ID}`, ["21 1 0:5 / /proc rw - proc proc rw"]);
    expect([found.memory.bytes, found.cpus.quota]).toEqual([null, null]);
    expect(found.trace.join("\n")).toMatch(/memory: no cgroup mount shows it/);
  });

  it("lxcfs 44, 119: in a group below the container's root it is the smallest up to there, and meminfo has the container's", () => {
    const files = {
      "/proc/meminfo": `MemTotal:       ${half / 1024n} kB\n`,
      [`${ROOT}/init.scope/memory.max`]: "max\n",
      [`${ROOT}/memory.max`]: HALF,
    };
    expect(memoryOf("0::/init.scope", [V2], files)).toBe(half);
    // above what meminfo shows a limit says nothing more
    expect(memoryOf("0::/init.scope", [V2], { ...files, [`${ROOT}/memory.max`]: `${1024n * MIB}\n` })).toBe(null);
  });

  it("netdata 11094, snapd 9142: the version is that of the mounts, and a dangling 0::/ is no v2", () => {
    const files = { [`${ROOT}/memory/memory.limit_in_bytes`]: HALF };
    const hybridBuilt = limitsOf("0::/g", [V2], { [`${ROOT}/g/memory.max`]: HALF });
    expect([hybridBuilt.version, hybridBuilt.memory.bytes]).toEqual([2, half]);
    const dangling = limitsOf(`4:memory:/docker/${ID}\n0::/`, [v1("memory", `/docker/${ID}`)], files);
    expect([dangling.version, dangling.memory.bytes]).toEqual([1, half]);
    expect(limitsOf("0::/", []).memory.bytes).toBe(null);
  });

  it("lxcfs 598, rust 97925, moby 40730: paths outside the namespace, a quota of v1, an outer limit that cannot be seen", () => {
    expect(memoryOf("0::/../../x", [V2], { [`${ROOT}/memory.max`]: HALF })).toBe(half);
    expect(readLimits(tree("0::/docker/x", [V2], { [`${ROOT}/docker/x/memory.max`]: "max\n" })).memory.bytes).toBe(
      null,
    );
    const cpu = { [`${ROOT}/cpu/cpu.cfs_quota_us`]: "-1\n", [`${ROOT}/cpu/cpu.cfs_period_us`]: "100000\n" };
    expect(limitsOf("3:cpu:/", [v1("cpu", "/")], cpu).cpus.quota).toBe(null);
  });
});

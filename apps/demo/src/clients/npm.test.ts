/** Libraries nobody here wrote, unchanged, as a process in a layout: what they answer is what the kernel of that layout says. */
import { createRequire } from "node:module";
import { afterEach, describe, expect, it } from "vitest";
import { type BuiltLayout, bootLayout } from "../layouts/layout.js";
import { redirect } from "../nodeFs/redirect.js";
import { LIMITS } from "./fixture.js";

const require = createRequire(import.meta.url);
const M = 2 ** 20;
const ID = "4f2a9c1be07d6538a1c4e9f2b7d03a586c1e2f4a9b8d7c6e5f40312213aabbcc";

/** A library as a new process loads it: what it remembers of an earlier machine is gone. */
function fresh(name: string): ReturnType<typeof require> {
  for (const file of Object.keys(require.cache))
    if (file.includes(`/node_modules/${name}/`)) delete require.cache[file];
  return require(name);
}

let restore: (() => void) | null = null;
afterEach(() => {
  restore?.();
  restore = null;
});

const MACHINES = [
  ["4 CPUs, 2 GiB", { cpus: 4, nodes: 2, memory: "2G" }],
  ["2 CPUs, 1 GiB", { cpus: 2, nodes: 1, memory: "1G" }],
] as const;

for (const [machineName, machine] of MACHINES)
  describe.each(["docker-v2", "docker-v1", "systemd-service"])(`%s on ${machineName}`, (name) => {
    const boot = (): BuiltLayout => {
      const b = bootLayout(name, { machine, layout: LIMITS });
      restore = redirect(b.kernel, b.task, { os: true, childProcess: true });
      return b;
    };
    const text = (b: BuiltLayout, path: string): string => b.kernel.sys(b.task).readText(path);
    const kb = (b: BuiltLayout, field: string): number =>
      Number(new RegExp(`^${field}: +(\\d+)`, "m").exec(text(b, "/proc/meminfo"))?.[1]) * 1024;

    it("systeminformation: memory, open files, processors, load, processes", async () => {
      const b = boot();
      const si = fresh("systeminformation");
      const mem = await si.mem();
      expect(mem).toMatchObject({ total: kb(b, "MemTotal"), available: kb(b, "MemAvailable"), swaptotal: 0 });
      expect(mem.active).toBe(kb(b, "MemTotal") - kb(b, "MemAvailable"));
      expect((await si.fsOpenFiles()).allocated).toBe(Number(text(b, "/proc/sys/fs/file-nr").split("\t")[0]));
      expect((await si.cpu()).cores).toBe(machine.cpus);
      expect((await si.currentLoad()).cpus).toHaveLength(machine.cpus);
      const pids = b.kernel
        .sys(b.task)
        .readdir("/proc")
        .filter((n) => /^\d+$/.test(n));
      expect((await si.processes()).all).toBe(pids.length);
    });

    it("pidusage: memory, and half a processor over the same descriptor", async () => {
      const b = boot();
      const pidusage = fresh("pidusage");
      expect(await pidusage(42, { usePs: false })).toMatchObject({ memory: 209715200, ppid: 1 });
      const half = b.kernel.call(b.task).compute(500_000_000);
      b.kernel.run("1s");
      expect(half.done).toBe(true);
      expect((await pidusage(42, { usePs: false })).cpu).toBeCloseTo(50, 0);
      pidusage.clear();
    });

    it("prom-client: the process's own memory and descriptors", async () => {
      const b = boot();
      const prom = fresh("prom-client");
      const registry = new prom.Registry();
      prom.collectDefaultMetrics({ register: registry });
      const value = async (n: string): Promise<number> => (await registry.getSingleMetric(n).get()).values[0].value;
      expect(await value("process_resident_memory_bytes")).toBe(209715200);
      expect(await value("process_virtual_memory_bytes")).toBe(
        Number(/VmSize:\s+(\d+)/.exec(text(b, "/proc/self/status"))?.[1]) * 1024,
      );
      expect(await value("process_max_fds")).toBe(1024);
      expect(await value("process_open_fds")).toBe(0);
      registry.clear();
    });

    it("@crawlee/utils: the limit of the group and what it uses", async () => {
      const b = boot();
      const { getMemoryInfoV2 } = fresh("@crawlee/utils");
      const info = await getMemoryInfoV2(true);
      if (name === "systemd-service") {
        // it reads the root's files, which have no limit: a known weakness (apify/crawlee #4057)
        expect(info.totalBytes).toBe(kb(b, "MemTotal"));
        return;
      }
      expect(info.totalBytes).toBe(512 * M);
      const usage =
        name === "docker-v1" ? "/sys/fs/cgroup/memory/memory.usage_in_bytes" : "/sys/fs/cgroup/memory.current";
      expect(info.usedBytes).toBe(Number(text(b, usage)));
    });

    it("@crawlee/utils: without a limit, the machine's memory", async () => {
      const b = bootLayout(name, { machine, layout: { rss: 16 * M } });
      restore = redirect(b.kernel, b.task, { os: true, childProcess: true });
      const { getMemoryInfoV2 } = fresh("@crawlee/utils");
      expect((await getMemoryInfoV2(true)).totalBytes).toBe(kb(b, "MemTotal"));
    });

    it("@stroncium/procfs: processes, stat, mounts, groups, controllers, memory", () => {
      const b = boot();
      const { Procfs } = fresh("@stroncium/procfs");
      const procfs = new Procfs();
      const pids = b.kernel
        .sys(b.task)
        .readdir("/proc")
        .filter((n) => /^\d+$/.test(n))
        .map(Number);
      expect(procfs.processes().sort((a: number, c: number) => a - c)).toEqual(pids.sort((a, c) => a - c));
      expect(procfs.processStat(42)).toMatchObject({ pid: 42, comm: "worker", parent: 1 });
      expect(procfs.processMountinfo(42)).toHaveLength(text(b, "/proc/42/mountinfo").trim().split("\n").length);
      const groups = procfs.processCgroups(42) as { path: string }[];
      const at = { "docker-v2": "/", "docker-v1": `/docker/${ID}`, "systemd-service": "/limited.slice/app.service" }[
        name
      ] as string;
      expect(groups.map((g) => g.path)).toContain(at);
      expect(procfs.cgroups().map((c: { name: string }) => c.name)).toEqual(
        expect.arrayContaining(["memory", "cpu", "pids"]),
      );
      expect(procfs.meminfo().total).toBe(kb(b, "MemTotal"));
    });

    it("@opentelemetry/resource-detector-container: the container's id", async () => {
      boot();
      const { containerDetector } = fresh("@opentelemetry/resource-detector-container");
      const { attributes } = containerDetector.detect();
      const id = await attributes?.["container.id"];
      expect(id).toBe(name === "systemd-service" ? undefined : ID);
    });
  });

/** Libraries nobody here wrote, unchanged, over a kernel: what they answer is what the kernel says. */

import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { type CoreSys, type Program, program } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { bootKernel } from "./kernel.js";
import { shellTask } from "./shell/shell.js";
import { useKernel } from "./vitest.js";

const require = createRequire(import.meta.url);
const GIB = 2 ** 30;

/** Computes half of the time. */
const half = program("worker", function* (sys: Program<CoreSys>, _: Record<string, never>) {
  for (;;) {
    yield* sys.compute(10_000_000);
    yield* sys.nanosleep(10_000_000);
  }
});

for (const [cpus, memory] of [
  [4, 8 * GIB],
  [1, GIB / 2],
] as const) {
  describe(`on a machine with ${cpus} CPUs and ${memory / GIB} GiB`, () => {
    const boot = () => bootKernel({ machine: { cpus, memory } });

    it("systeminformation tells memory, files and processors", async () => {
      const kernel = boot();
      const task = shellTask(kernel);
      useKernel(kernel, task, { os: true });
      const si = require("systeminformation");
      const mem = await si.mem();
      expect(mem.total).toBe(memory);
      expect(mem.swaptotal).toBe(0);
      const available = Number(/MemAvailable: +(\d+)/.exec(kernel.sys(task).readText("/proc/meminfo"))?.[1]) * 1024;
      expect(mem.available).toBe(available);
      expect((await si.fsOpenFiles()).allocated).toBe(
        Number(kernel.sys(task).readText("/proc/sys/fs/file-nr").split("\t")[0]),
      );
      expect(si.time().uptime).toBe(0);
    });

    it("pidusage sees a task that computes half of the time, over one descriptor", async () => {
      const kernel = boot();
      const task = shellTask(kernel);
      const worker = kernel.spawn(half, {});
      useKernel(kernel, task, { os: true, childProcess: true });
      const pidusage = require("pidusage");
      const first = await pidusage(worker.nr, { usePs: false });
      expect(first).toMatchObject({ pid: worker.nr, ppid: 1 });
      kernel.run("1s");
      const second = await pidusage(worker.nr, { usePs: false });
      expect(second.cpu).toBeGreaterThan(45);
      expect(second.cpu).toBeLessThan(55);
      await expect(pidusage(4711, { usePs: false })).rejects.toThrow(/No matching pid|ENOENT/);
      pidusage.clear();
    });

    it("prom-client measures the task it runs as", async () => {
      const kernel = boot();
      const task = shellTask(kernel);
      const sys = kernel.sys(task);
      const at = sys.mmap(0, 64 * 4096, 3, 0x22, -1, 0) as number;
      sys.touch(at, 64, true);
      useKernel(kernel, task);
      const prom = require("prom-client");
      const registry = new prom.Registry();
      prom.collectDefaultMetrics({ register: registry });
      const value = async (name: string): Promise<number> =>
        (await registry.getSingleMetric(name).get()).values[0].value;
      const kib = (field: string): number =>
        Number(new RegExp(`${field}:\\s+(\\d+)`).exec(sys.readText("/proc/self/status"))?.[1]) * 1024;
      expect(await value("process_resident_memory_bytes")).toBe(kib("VmRSS"));
      expect(await value("process_virtual_memory_bytes")).toBe(kib("VmSize"));
      expect(await value("process_max_fds")).toBe(1024);
      expect(await value("process_open_fds")).toBe(0);
      sys.open("/tmp", 0);
      sys.open("/tmp", 0);
      expect(await value("process_open_fds")).toBe(2);
      registry.clear();
    });

    it("@stroncium/procfs parses every file it knows", async () => {
      const kernel = boot();
      const task = shellTask(kernel);
      useKernel(kernel, task);
      const { Procfs } = require("@stroncium/procfs");
      const procfs = new Procfs();
      expect([...procfs.processes()].sort((a: number, b: number) => a - b)).toEqual(
        kernel.tasks
          .all()
          .map((t) => t.nr)
          .sort((a, b) => a - b),
      );
      expect(procfs.processStat(task.nr)).toMatchObject({ pid: task.nr, comm: "sh", parent: 1 });
      expect(procfs.processMountinfo(task.nr).map((m: { mountPoint: string }) => m.mountPoint)).toContain("/proc");
      expect(procfs.processCgroups(task.nr)[0]).toMatchObject({ hierarchyId: 0, path: "/" });
      expect(procfs.meminfo().total).toBe(memory);
      expect(procfs.cgroups()).toEqual(expect.any(Array));
    });
  });
}

describe("the redirection", () => {
  it("reaches CommonJS and ESM, leaves everything else alone, and ends with the test", async () => {
    const kernel = bootKernel({ machine: { cpus: 3, memory: "1G" } });
    const real = fs.readFileSync("/proc/meminfo", "utf8");
    const restore = useKernel(kernel, kernel.init, { os: true });
    expect(fs.readFileSync("/proc/meminfo", "utf8")).toMatch(/^MemTotal: +1048576 kB/);
    const { readFile } = await import("node:fs/promises");
    expect(await readFile("/proc/meminfo", "utf8")).toMatch(/^MemTotal: +1048576 kB/);
    expect(require("node:fs").existsSync(fileURLToPath(import.meta.url))).toBe(true);
    expect(os.cpus()).toHaveLength(3);
    restore();
    expect(fs.readFileSync("/proc/meminfo", "utf8").split("\n")[0]).toBe(real.split("\n")[0]);
    expect(os.cpus().length).toBeGreaterThan(0);
  });

  it("names a command that it does not run", async () => {
    const kernel = bootKernel();
    useKernel(kernel, kernel.init, { childProcess: true });
    const { exec, execSync } = await import("node:child_process");
    const out = await new Promise((done) => exec("uname -r", (_e, stdout) => done(stdout)));
    expect(out).toBe("6.18.44\n");
    await expect(new Promise((done, fail) => exec("rm -rf /", (e) => (e ? fail(e) : done(0))))).rejects.toThrow(
      /'rm' is not run/,
    );
    expect(() => execSync("uname")).toThrow(/uname \(execSync\)/);
  });
});

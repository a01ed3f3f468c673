/** The package on a whole kernel: charges, limits, kills, pids, bad input, state. */
import { createKernel, KernelError } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { memcg } from "./memcg.js";

const G = "/sys/fs/cgroup/g";
const AT = 0x200000000;

function machine() {
  const build = () => createKernel({ machine: { cpus: 1, memory: "64M" } }).use(memcg());
  const kernel = build().boot();
  const sys = kernel.sys(kernel.init);
  sys.writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+memory +pids");
  sys.mkdir(G, 0o755);
  const task = kernel.tasks.find(sys.fork());
  if (task === null) throw new Error("no child");
  sys.writeFile(`${G}/cgroup.procs`, String(task.nr));
  const stat = (name: string): number =>
    Number(new RegExp(`^${name} (\\d+)`, "m").exec(sys.readText(`${G}/memory.stat`))?.[1]);
  return { build, kernel, sys, task, child: kernel.sys(task), stat };
}

describe("the memory controller", () => {
  it("charges a page to the group of the task that touches it first, and gives it back", () => {
    const { child, stat, kernel } = machine();
    child.mmap(AT, 1 << 20, 3, 0x32);
    child.touch(AT, 256, true);
    expect(stat("anon")).toBe(1 << 20);
    child.munmap(AT, 1 << 20);
    expect(stat("anon")).toBe(0);
    const { memory } = kernel.memcg.group("/g") ?? { memory: null };
    expect(memory?.usage).toBeLessThanOrEqual(64 + 3);
  });

  it("kills the task that exceeds memory.max, and nobody outside", () => {
    const { kernel, sys, task } = machine();
    sys.writeFile(`${G}/memory.max`, "2M");
    const call = kernel.call(task);
    kernel.sys(task).mmap(AT, 8 << 20, 3, 0x32);
    void call.touch(AT, 2048, true);
    kernel.run("100ms");
    expect(task.exiting).toBe(true);
    expect(sys.readText(`${G}/memory.events`)).toMatch(/oom 1\noom_kill 1\n/);
    expect(kernel.init.exiting).toBe(false);
  });

  it("refuses sizes that are none and leaves the limit alone", () => {
    const { sys } = machine();
    sys.writeFile(`${G}/memory.max`, "16M");
    for (const bad of ["-1", "1KB", "Max", "1.5M", "+4096", "1 M", "09", "max max"]) {
      expect(() => sys.writeFile(`${G}/memory.max`, bad), bad).toThrow(KernelError);
      expect(sys.readText(`${G}/memory.max`)).toBe("16777216\n");
    }
  });

  it("keeps charges, limits and statistics over a checkpoint", () => {
    const { build, kernel, child, sys } = machine();
    sys.writeFile(`${G}/memory.high`, "32M");
    child.mmap(AT, 1 << 20, 3, 0x32);
    child.touch(AT, 256, true);
    const again = build().restore(JSON.parse(JSON.stringify(kernel.checkpoint())));
    const other = again.sys(again.init);
    for (const f of ["memory.stat", "memory.current", "memory.high", "pids.current"])
      expect(other.readText(`${G}/${f}`), f).toBe(sys.readText(`${G}/${f}`));
  });
});

describe("many groups", () => {
  it("ten thousand of them can be made, counted, found empty and removed, and their numbers are used again", () => {
    const kernel = createKernel({ machine: { cpus: 1, memory: "64M" } })
      .use(memcg())
      .boot();
    const sys = kernel.sys(kernel.init);
    sys.writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+memory +pids");
    for (let i = 0; i < 10_000; i++) sys.mkdir(`/sys/fs/cgroup/${i}`, 0o755);
    expect(sys.readText("/sys/fs/cgroup/cgroup.stat")).toMatch(/^nr_descendants 10000$/m);
    expect(sys.readText("/sys/fs/cgroup/memory.stat")).toMatch(/^anon \d+$/m);
    for (let i = 0; i < 10_000; i++) sys.rmdir(`/sys/fs/cgroup/${i}`);
    const stat = sys.readText("/sys/fs/cgroup/cgroup.stat");
    expect(stat).toMatch(/^nr_descendants 0$/m);
    expect(stat).toMatch(/^nr_dying_descendants 0$/m);
    sys.mkdir(G, 0o755);
    expect(kernel.memcg.group("/g")?.id).toBeLessThanOrEqual(10_000);
    expect(kernel.memcg.system.groups.length).toBe(10_001);
  });
});

describe("the pids controller", () => {
  it("stops forks beyond pids.max with EAGAIN and counts them", () => {
    const { child, sys } = machine();
    sys.writeFile(`${G}/pids.max`, "2");
    child.fork();
    expect(() => child.fork()).toThrow(/EAGAIN/);
    expect([sys.readText(`${G}/pids.current`), sys.readText(`${G}/pids.events`)]).toEqual(["2\n", "max 1\n"]);
  });
});

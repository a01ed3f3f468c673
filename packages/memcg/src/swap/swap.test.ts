/** Swap, on whole kernels: contents, sharing, limits, areas, checkpoints. */
import { createKernel, type Task } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { checkMemcg } from "../checkMemcg.js";
import { memcg } from "../memcg.js";
import { swapHeader } from "./swapCalls.js";

const G = "/sys/fs/cgroup/g";
const AT = 0x200000000;
const MIB = 1 << 20;

function machine(options: { swap?: string } = { swap: "16M" }) {
  const build = () => createKernel({ machine: { cpus: 1, memory: "32M" } }).use(memcg(options));
  const kernel = build().boot();
  const sys = kernel.sys(kernel.init);
  sys.writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
  sys.mkdir(G, 0o755);
  const task = kernel.tasks.find(sys.fork()) as Task;
  sys.writeFile(`${G}/cgroup.procs`, String(task.nr));
  const child = kernel.sys(task);
  child.mmap(AT, 8 * MIB, 3, 0x22 | 0x10);
  child.madvise(AT, 8 * MIB, 15);
  const number = (file: string): number => Number(sys.readText(`${G}/${file}`));
  return { build, kernel, sys, task, child, number };
}
const textAt = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe("swap", () => {
  it("keeps what pages hold, on the way out and back", () => {
    const { kernel, sys, child, number } = machine();
    for (let i = 0; i < 64; i++) child.store(AT + i * 4096, `page ${i}`);
    sys.writeFile(`${G}/memory.reclaim`, "256K");
    expect(number("memory.swap.current")).toBeGreaterThan(100 * 1024);
    for (let i = 0; i < 64; i++) expect(textAt(child.load(AT + i * 4096, 6))).toBe(`page ${i}`.slice(0, 6));
    expect(number("memory.swap.current")).toBe(0);
    checkMemcg(kernel.memcg.system);
  });

  it("gives processes that share a page the same page back, and a copy to who writes to it", () => {
    const { kernel, sys, task, child } = machine();
    child.store(AT, "shared");
    const other = kernel.tasks.find(child.fork()) as Task;
    for (let i = 0; i < 3; i++) {
      try {
        sys.writeFile(`${G}/memory.reclaim`, "64K");
      } catch {
        // there is not that much
      }
    }
    expect(sys.readText("/proc/swaps")).toMatch(/\t[1-9]\d*\t\t-2$/m);
    expect(textAt(child.load(AT, 6))).toBe("shared");
    kernel.sys(other).store(AT, "SHARED");
    expect(textAt(child.load(AT, 6))).toBe("shared");
    expect(textAt(kernel.sys(other).load(AT, 6))).toBe("SHARED");
    child.store(AT, "mine  ");
    expect([textAt(child.load(AT, 6)), textAt(kernel.sys(other).load(AT, 6))]).toEqual(["mine  ", "SHARED"]);
    expect(task.exiting).toBe(false);
    checkMemcg(kernel.memcg.system);
  });

  it("stops at memory.swap.max, counts it, and the killer is next", () => {
    const { kernel, sys, task } = machine();
    sys.writeFile(`${G}/memory.max`, "2M");
    sys.writeFile(`${G}/memory.swap.max`, "1M");
    void kernel.call(task).touch(AT, 2048, true);
    kernel.run("2s");
    expect(task.exiting).toBe(true);
    expect(sys.readText(`${G}/memory.swap.events`)).toMatch(/max [1-9]\d*\nfail [1-9]/);
    checkMemcg(kernel.memcg.system);
  });

  it("without an area nothing of anonymous memory can go, with swapon it can, and swapoff brings it back", () => {
    const { kernel, sys, child, number } = machine({});
    child.touch(AT, 512, true);
    const reclaim = (): void => void sys.writeFile(`${G}/memory.reclaim`, "1M");
    expect(reclaim).toThrow(/EAGAIN/);
    sys.writeFile("/area", swapHeader(1024, "scratch"));
    sys.truncate("/area", 4 * MIB);
    sys.swapon("/area");
    reclaim();
    const out = number("memory.swap.current");
    expect(out).toBeGreaterThanOrEqual(MIB / 2);
    expect(sys.readText("/proc/meminfo")).toMatch(/SwapTotal: +4092 kB/);
    sys.swapoff("/area");
    expect([number("memory.swap.current"), kernel.core.mm.sysinfo().totalswap]).toEqual([0, 0]);
    expect(sys.readText(`${G}/memory.stat`)).toMatch(/^anon 2097152$/m);
    checkMemcg(kernel.memcg.system);
  });

  it("outlives the group that swapped: the charge stays with the removed group until the pages are back", () => {
    const { kernel, sys, task, child } = machine();
    child.touch(AT, 256, true);
    sys.writeFile(`${G}/memory.reclaim`, "512K");
    sys.writeFile("/sys/fs/cgroup/cgroup.procs", String(task.nr));
    sys.rmdir(G);
    expect(sys.readText("/sys/fs/cgroup/cgroup.stat")).toMatch(/nr_dying_descendants 1/);
    child.munmap(AT, 8 * MIB);
    kernel.memcg.system.drainAll();
    expect(sys.readText("/sys/fs/cgroup/cgroup.stat")).toMatch(/nr_dying_descendants 0/);
    checkMemcg(kernel.memcg.system);
  });

  it("survives a checkpoint: swapped pages come back in the restored kernel", () => {
    const { build, kernel, sys, task, child } = machine();
    for (let i = 0; i < 64; i++) child.store(AT + i * 4096, `page ${i}`);
    sys.writeFile(`${G}/memory.reclaim`, "256K");
    const again = build().restore(JSON.parse(JSON.stringify(kernel.checkpoint())));
    const t = again.tasks.find(task.nr) as Task;
    checkMemcg(again.memcg.system);
    for (let i = 0; i < 64; i++)
      expect(textAt(again.sys(t).load(AT + i * 4096, 7))).toBe(textAt(child.load(AT + i * 4096, 7)));
    checkMemcg(again.memcg.system);
    expect(again.sys(again.init).readText(`${G}/memory.stat`)).toBe(sys.readText(`${G}/memory.stat`));
  });
});

/** Kernel memory on whole kernels: what forks, names, pipes and groups cost whom, by design. */
import { createKernel, type KernelError, type Task } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { checkMemcg } from "../checkMemcg.js";
import { memcg } from "../memcg.js";
import type { MemcgOptions } from "../options.js";

function machine(options: MemcgOptions = {}, cmdline = "") {
  const kernel = createKernel({ machine: { cpus: 2, memory: "64M" }, cmdline })
    .use(memcg(options))
    .boot();
  const sys = kernel.sys(kernel.init);
  const root = "/sys/fs/cgroup";
  sys.writeFile(`${root}/cgroup.subtree_control`, "+memory +pids");
  sys.mkdir(`${root}/g`, 0o755);
  const task = kernel.tasks.find(sys.fork()) as Task;
  sys.writeFile(`${root}/g/cgroup.procs`, String(task.nr));
  const stat = (name: string): number =>
    Number(new RegExp(`^${name} (\\d+)`, "m").exec(sys.readText(`${root}/g/memory.stat`))?.[1]);
  return { kernel, sys, root, task, child: kernel.sys(task), stat };
}

describe("kernel memory", () => {
  it("of a child is charged to the group it is forked in: stack while it lives, the rest until it is reaped", () => {
    const { kernel, child, stat } = machine();
    const pid = child.fork();
    expect([stat("kernel_stack"), stat("slab")]).toEqual([16384, 15528]);
    kernel.sys(kernel.tasks.find(pid) as Task).exit_group(0);
    kernel.run("1ms");
    expect([stat("kernel_stack"), stat("slab")]).toEqual([0, 9548]);
    child.wait4(pid, 0);
    expect(stat("slab")).toBe(0);
    checkMemcg(kernel.memcg.system);
  });

  it("of page tables follows what is mapped, a page for each 2 MiB", () => {
    const { child, stat } = machine();
    child.mmap(0x200000000, 8 << 20, 3, 0x32);
    child.madvise(0x200000000, 8 << 20, 15);
    const before = stat("pagetables");
    for (let i = 0; i < 4; i++) child.touch(0x200000000 + i * (2 << 20), 1, true);
    expect(stat("pagetables") - before).toBeGreaterThanOrEqual(4 * 4096);
    child.munmap(0x200000000, 8 << 20);
    expect(stat("pagetables")).toBe(before);
  });

  it("of pipes refuses with ENFILE at the limit and comes back when both ends are closed", () => {
    const { kernel, sys, root, task, child, stat } = machine();
    sys.writeFile(`/proc/${task.nr}/oom_score_adj`, "-1000");
    const before = stat("slab");
    const [r, w] = child.pipe2(0);
    expect(stat("slab") - before).toBe(2570);
    child.close(r);
    child.close(w);
    expect(stat("slab")).toBe(before);
    sys.writeFile(`${root}/g/memory.max`, "64K");
    let code = "";
    try {
      for (let i = 0; i < 100; i++) child.pipe2(0);
    } catch (e) {
      code = (e as KernelError).code;
    }
    expect(code).toBe("ENFILE");
    checkMemcg(kernel.memcg.system);
  });

  it("of names that are not there is charged to who asks, and goes when memory is short", () => {
    const { kernel, sys, root, child, stat } = machine();
    kernel.vfs.addDisk({ name: "vda", type: "ext4" });
    sys.mkdir("/d", 0o755);
    sys.mount("/dev/vda", "/d", "ext4", 0, "");
    for (let i = 0; i < 200; i++) expect(() => child.stat(`/d/${1000 + i}-${"x".repeat(50)}`)).toThrow(/ENOENT/);
    expect(stat("slab_reclaimable")).toBe(200 * (192 + 64));
    sys.writeFile(`${root}/g/memory.high`, "0");
    expect(stat("slab_reclaimable")).toBe(0);
    checkMemcg(kernel.memcg.system);
  });

  it("of child groups is their parent's: per-CPU memory and objects, until the group is gone", () => {
    const { kernel, sys, root, task, stat } = machine();
    sys.writeFile(`${root}/cgroup.procs`, String(task.nr));
    sys.writeFile(`${root}/g/cgroup.subtree_control`, "+memory");
    for (let i = 0; i < 50; i++) sys.mkdir(`${root}/g/${i}`, 0o755);
    expect([stat("percpu"), stat("slab")]).toEqual([50 * 3600, 50 * 4096]);
    for (let i = 0; i < 50; i++) sys.rmdir(`${root}/g/${i}`);
    expect([stat("percpu"), stat("slab")]).toEqual([0, 0]);
    checkMemcg(kernel.memcg.system);
  });

  it("is not accounted with cgroup.memory=nokmem", () => {
    const { child, stat } = machine({}, "cgroup.memory=nokmem");
    child.fork();
    child.pipe2(0);
    expect([stat("kernel_stack"), stat("slab")]).toEqual([0, 0]);
  });

  it("says at once which designs there are", () => {
    expect(() => memcg({ kmem: "2.6" })).toThrow("kmem must be 3.8, 4.5, unified");
    expect(() => memcg({ kmemSizes: { stack: -1 } })).toThrow("kmemSizes.stack");
    expect(() => memcg({ swap: 1 })).toThrow("swap must be");
    expect(() => memcg({ semantics: "new" })).toThrow("semantics");
  });
});

/** cpusets: the v1 answers are those of Linux 6.18 (observed), the v2 ones those of its cgroup-v2 document. */
import { createKernel, KernelError, MPOL_BIND, type Task } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { numa } from "../numa.js";

const build = () =>
  createKernel({
    machine: { cpus: 4, nodes: 2, nodeMemory: ["64M", "64M"], cpuNode: [0, 0, 1, 1] },
    cmdline: "transparent_hugepage=never",
  })
    .use(numa())
    .boot();
type K = ReturnType<typeof build>;
const AT = 0x200000000;

function rig(kernel: K, root: string) {
  const sys = kernel.sys(kernel.init);
  const write = (file: string, text: string): string => {
    try {
      const fd = sys.open(`${root}/${file}`, 1);
      try {
        sys.write(fd, text);
      } finally {
        sys.close(fd);
      }
      return "ok";
    } catch (e) {
      if (e instanceof KernelError) return e.code;
      throw e;
    }
  };
  const read = (file: string): string => sys.readText(`${root}/${file}`).trim();
  const child = (): Task => kernel.tasks.find(sys.fork()) as Task;
  return { sys, write, read, child };
}

function v1() {
  const kernel = build();
  const sys = kernel.sys(kernel.init);
  sys.mkdir("/cs", 0o755);
  sys.mount("cgroup", "/cs", "cgroup", 0, "cpuset");
  sys.mkdir("/cs/k", 0o755);
  return { kernel, ...rig(kernel, "/cs/k") };
}

function v2() {
  const kernel = build();
  const sys = kernel.sys(kernel.init);
  sys.writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+cpuset");
  sys.mkdir("/sys/fs/cgroup/k", 0o755);
  return { kernel, ...rig(kernel, "/sys/fs/cgroup/k") };
}

describe("cpuset, v1", () => {
  it("lists are read as the kernel reads them, and a wrong one changes nothing", () => {
    const { write, read } = v1();
    expect([read("cpuset.cpus"), read("cpuset.sched_load_balance"), read("cpuset.sched_relax_domain_level")]).toEqual([
      "",
      "1",
      "-1",
    ]);
    for (const [text, answer, then] of [
      ["0", "ok", "0"],
      ["5", "ERANGE", "0"],
      ["5000000000", "EOVERFLOW", "0"],
      ["0-1", "ok", "0-1"],
      ["1-0", "EINVAL", "0-1"],
      ["x", "EINVAL", "0-1"],
      ["\n", "ok", ""],
      ["0-1:1/2", "ok", "0"],
      ["N", "ok", "3"],
      ["all", "ok", "0-3"],
      ["0,,1", "ok", "0-1"],
      [" 1 ", "ok", "1"],
    ])
      expect([text, write("cpuset.cpus", text), read("cpuset.cpus")]).toEqual([text, answer, then]);
    for (const [text, answer] of [
      ["0", "ok"],
      ["2", "EINVAL"],
      ["1023", "EINVAL"],
      ["1024", "ERANGE"],
      ["x", "EINVAL"],
    ])
      expect([text, write("cpuset.mems", text), read("cpuset.mems")]).toEqual([text, answer, "0"]);
  });

  it("flags are any number, exclusiveness needs the parent's, the top group is not to be changed", () => {
    const { write, read, sys } = v1();
    write("cpuset.cpus", "0-1");
    write("cpuset.mems", "0");
    for (const [text, answer] of [
      ["2", "ok"],
      ["-1", "EINVAL"],
      ["x", "EINVAL"],
      [" 1", "EINVAL"],
      ["0x1", "ok"],
      ["99999999999999999999", "ERANGE"],
    ])
      expect([text, write("cpuset.memory_migrate", text), read("cpuset.memory_migrate")]).toEqual([text, answer, "1"]);
    for (const level of ["5", "-2", "4"]) expect(write("cpuset.sched_relax_domain_level", level)).toBe("EINVAL");
    sys.mkdir("/cs/k/a", 0o755);
    sys.mkdir("/cs/k/b", 0o755);
    write("a/cpuset.cpus", "0");
    write("a/cpuset.mems", "0");
    expect(write("b/cpuset.cpus", "0-2")).toBe("EACCES");
    expect(write("b/cpuset.cpus", "1")).toBe("ok");
    expect(write("a/cpuset.cpu_exclusive", "1")).toBe("EACCES");
    expect(write("cpuset.cpu_exclusive", "1")).toBe("ok");
    expect(write("a/cpuset.cpu_exclusive", "1")).toBe("ok");
    expect(write("b/cpuset.cpus", "0")).toBe("EINVAL");
    expect(write("cpuset.cpus", "1")).toBe("EBUSY");
    expect(write("cpuset.cpu_exclusive", "0")).toBe("EBUSY");
    expect(write("../cpuset.cpus", "0")).toBe("EACCES");
    expect(write("../cpuset.cpu_exclusive", "0")).toBe("EBUSY");
    expect(write("cpuset.memory_pressure", "0")).toBe("EINVAL");
  });

  it("a group without CPUs or nodes takes no tasks, and one with tasks keeps them", () => {
    const { write, read, child } = v1();
    const t = child();
    expect(write("tasks", String(t.nr))).toBe("ENOSPC");
    write("cpuset.cpus", "0");
    expect(write("tasks", String(t.nr))).toBe("ENOSPC");
    write("cpuset.mems", "0");
    expect(write("tasks", String(t.nr))).toBe("ok");
    expect([write("cpuset.cpus", "\n"), write("cpuset.mems", "\n")]).toEqual(["ENOSPC", "ENOSPC"]);
    expect([read("cpuset.cpus"), read("cpuset.mems")]).toEqual(["0", "0"]);
  });

  it("a task gets of its affinity what its cpuset leaves, and the rest back when it grows", () => {
    const { kernel, write, child, sys } = v1();
    write("cpuset.cpus", "0");
    write("cpuset.mems", "0");
    const t = child();
    write("tasks", String(t.nr));
    const cpus = (): number[] => sys.sched_getaffinity(t.nr);
    expect(cpus()).toEqual([0]);
    write("cpuset.cpus", "0-1");
    expect(cpus()).toEqual([0, 1]);
    kernel.sys(t).sched_setaffinity(0, [1]);
    write("cpuset.cpus", "0");
    expect(cpus()).toEqual([0]);
    write("cpuset.cpus", "0-1");
    expect(cpus()).toEqual([1]);
    expect(() => kernel.sys(t).sched_setaffinity(0, [3])).toThrow(/EINVAL/);
    write("../tasks", String(t.nr));
    expect(cpus()).toEqual([1]);
    expect(sys.readText(`/proc/${t.nr}/cpuset`)).toBe("/\n");
  });
});

describe("cpuset, v2", () => {
  it("an empty set means the parent's, and effective is what the ancestors leave", () => {
    const { write, read, sys, child } = v2();
    expect([read("cpuset.cpus"), read("cpuset.cpus.effective"), read("cpuset.mems.effective")]).toEqual([
      "",
      "0-3",
      "0-1",
    ]);
    expect(write("cgroup.subtree_control", "+cpuset")).toBe("ok");
    sys.mkdir("/sys/fs/cgroup/k/a", 0o755);
    write("a/cpuset.cpus", "0-3");
    write("cpuset.cpus", "1-2");
    write("cpuset.mems", "1");
    expect([read("a/cpuset.cpus"), read("a/cpuset.cpus.effective"), read("a/cpuset.mems.effective")]).toEqual([
      "0-3",
      "1-2",
      "1",
    ]);
    write("a/cpuset.cpus", "0");
    expect(read("a/cpuset.cpus.effective")).toBe("1-2");
    const t = child();
    write("a/cgroup.procs", String(t.nr));
    expect(sys.readText(`/proc/${t.nr}/status`)).toMatch(/Cpus_allowed_list:\t1-2\n[\s\S]*Mems_allowed_list:\t1\n/);
  });

  it("memory follows the nodes, policies are rebound, and nothing is allocated elsewhere", () => {
    const { kernel, write, child } = v2();
    const t = child();
    const sys = kernel.sys(t);
    write("cgroup.procs", String(t.nr));
    sys.mmap(AT, 64 * 4096, 3, 0x32, -1, 0);
    sys.mbind(AT + 32 * 4096, 32 * 4096, MPOL_BIND, [0], 64, 0);
    sys.set_mempolicy(MPOL_BIND, [0], 64);
    sys.touch(AT, 64, true);
    write("cpuset.mems", "1");
    const pages = Array.from({ length: 64 }, (_, i) => AT + i * 4096);
    expect(new Set(sys.move_pages(0, pages, null, 0).status)).toEqual(new Set([1]));
    expect(sys.get_mempolicy("mode", "mask", 64, 0, 0)).toEqual({ mode: MPOL_BIND, nodes: [1] });
    expect(sys.get_mempolicy("mode", "mask", 64, AT + 40 * 4096, 2)).toEqual({ mode: MPOL_BIND, nodes: [1] });
    expect(() => sys.move_pages(0, [AT], [0], 2)).toThrow(/EACCES/);
    sys.set_mempolicy(0, null, 0);
    sys.mmap(AT + 2 ** 20, 8 * 4096, 3, 0x32, -1, 0);
    sys.touch(AT + 2 ** 20, 8, true);
    expect(sys.move_pages(0, [AT + 2 ** 20], null, 0).status).toEqual([1]);
  });

  it("a partition has its CPUs to itself, and says why it does not hold", () => {
    const { write, read, sys, child } = v2();
    write("cpuset.cpus", "2-3");
    const t = child();
    expect(sys.sched_getaffinity(t.nr)).toEqual([0, 1, 2, 3]);
    expect(write("cpuset.cpus.partition", "root")).toBe("ok");
    expect(read("cpuset.cpus.partition")).toBe("root");
    expect(read("cpuset.cpus.exclusive.effective")).toBe("2-3");
    expect(sys.sched_getaffinity(t.nr)).toEqual([0, 1]);
    write("cpuset.cpus.partition", "isolated");
    expect(sys.readText("/sys/fs/cgroup/cpuset.cpus.isolated")).toBe("2-3\n");
    sys.mkdir("/sys/fs/cgroup/m", 0o755);
    sys.writeFile("/sys/fs/cgroup/m/cpuset.cpus", "3");
    expect(write("cpuset.cpus.partition", "root")).toBe("ok");
    expect(read("cpuset.cpus.partition")).toBe("root invalid (Cpu list in cpuset.cpus not exclusive)");
    expect(sys.sched_getaffinity(t.nr)).toEqual([0, 1, 2, 3]);
    expect(write("cpuset.cpus.partition", "bogus")).toBe("EINVAL");
    write("cpuset.cpus.partition", "member");
    expect(read("cpuset.cpus.effective")).toBe("2-3");
  });

  it("CPUs that go off line leave effective sets and come back", () => {
    const { write, read, sys } = v2();
    write("cpuset.cpus", "2-3");
    sys.writeFile("/sys/devices/system/cpu/cpu3/online", "0");
    expect([read("cpuset.cpus"), read("cpuset.cpus.effective")]).toEqual(["2-3", "2"]);
    sys.writeFile("/sys/devices/system/cpu/cpu3/online", "1");
    expect(read("cpuset.cpus.effective")).toBe("2-3");
  });
});

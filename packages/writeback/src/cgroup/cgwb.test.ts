import { createKernel, O_CREAT, O_RDWR, type Task } from "@kernelkit/core";
import { describe, expect, test } from "vitest";
import { writeback } from "../index.js";
import { testMemory } from "../testing/memoryController.js";

function rig(writeBps: number) {
  const kernel = createKernel({ machine: { memory: "512M" } })
    .use(testMemory())
    .use(writeback())
    .boot();
  const sys = kernel.sys(kernel.init);
  kernel.writeback.addDevice("sda", { writeBps });
  sys.mount("/dev/sda", "/mnt", "ext4", 0);
  sys.writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
  const member = (name: string): Task => {
    sys.mkdir(`/sys/fs/cgroup/${name}`, 0o755);
    const t = kernel.tasks.find(sys.fork());
    if (t === null) throw new Error("no task");
    sys.writeFile(`/sys/fs/cgroup/${name}/cgroup.procs`, String(t.nr));
    return t;
  };
  /** Blocks of wb_stats, by the inode number of the group. */
  const stats = (): Map<number, string> => {
    const [bdi] = sys.readdir("/sys/kernel/debug/bdi").filter((n) => !n.startsWith("."));
    const blocks = sys.readText(`/sys/kernel/debug/bdi/${bdi}/wb_stats`).split(/\n(?=WbCgIno)/);
    return new Map(blocks.map((b) => [Number(/WbCgIno: +(\d+)/.exec(b)?.[1]), b]));
  };
  const reclaimable = (block: string | undefined): number => Number(/WbReclaimable: +(\d+)/.exec(block ?? "")?.[1]) / 4;
  return { kernel, sys, member, stats, reclaimable };
}

describe("cgroup writeback", () => {
  test("the pages a group dirties count for its own writeback on the device", () => {
    const { kernel, member, stats, reclaimable } = rig(2 ** 20);
    const a = kernel.sys(member("a"));
    const fd = a.open("/mnt/a", O_RDWR | O_CREAT, 0o644);
    a.pwrite64(fd, new Uint8Array(10 * 4096).fill(1), 0);
    const ino = kernel.testMemory.cssOf("/a").cgroup.id;
    expect(reclaimable(stats().get(ino))).toBe(10);
    expect(reclaimable(stats().get(1))).toBe(0);
    a.fsync(fd);
    expect(reclaimable(stats().get(ino))).toBe(0);
  });

  test("a group with little memory is throttled while one with much is not", () => {
    const { kernel, member } = rig(2 ** 20);
    const seconds = (name: string, max: number): number => {
      const t = member(name);
      kernel.testMemory.setMax(kernel.testMemory.cssOf(`/${name}`), max);
      const sys = kernel.sys(t);
      const fd = sys.open(`/mnt/${name}`, O_RDWR | O_CREAT, 0o644);
      const before = kernel.now;
      for (let i = 0; i < 64; i++) sys.write(fd, new Uint8Array(65536));
      return (kernel.now - before) / 1e9;
    };
    expect(seconds("large", 1_000_000)).toBe(0);
    expect(seconds("small", 512)).toBeGreaterThan(1);
  });

  test("a file that another group goes on writing comes to that group, and to the parent's when the group goes", () => {
    const { kernel, sys, member, stats, reclaimable } = rig(16 * 2 ** 20);
    const a = kernel.sys(member("a"));
    const b = kernel.sys(member("b"));
    const fd = a.open("/mnt/shared", O_RDWR | O_CREAT, 0o644);
    a.pwrite64(fd, new Uint8Array(4096).fill(1), 0);
    const fb = b.open("/mnt/shared", O_RDWR);
    const before = kernel.testMemory.cssOf("/b").cgroup.id;
    for (let round = 0; round < 12; round++) {
      b.pwrite64(fb, new Uint8Array(2 ** 20).fill(round + 1), round * 2 ** 20 + 4096);
      b.syncfs(fb);
    }
    b.pwrite64(fb, new Uint8Array(4096).fill(9), 4096);
    expect(reclaimable(stats().get(before))).toBe(1);
    b.exit(0);
    sys.wait4(-1, 0);
    sys.rmdir("/sys/fs/cgroup/b");
    expect(reclaimable(stats().get(1))).toBe(1);
    kernel.run("40s");
    expect(/^nr_dirty (\d+)$/m.exec(sys.readText("/proc/vmstat"))?.[1]).toBe("0");
  });
});

import { createKernel, KernelError, O_CREAT, O_RDWR, TAG_DIRTY } from "@kernelkit/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type StablePages, type WritebackOptions, writeback } from "./index.js";

function rig(o: WritebackOptions = {}, model = {}) {
  const build = () => createKernel({ machine: { memory: "512M" } }).use(writeback(o));
  const kernel = build().boot();
  kernel.writeback.addDevice("sda", model);
  const sys = kernel.sys(kernel.init);
  sys.mount("/dev/sda", "/mnt", "ext4", 0);
  const inode = (fd: number) => kernel.core.vfs.fget(kernel.init, fd).inode;
  const vmstat = (name: string): number =>
    Number(new RegExp(`^${name} (\\d+)$`, "m").exec(sys.readText("/proc/vmstat"))?.[1]);
  return { build, kernel, sys, inode, vmstat };
}

const errnoOf = (f: () => unknown): string => {
  try {
    f();
    return "";
  } catch (e) {
    return e instanceof KernelError ? e.code : String(e);
  }
};

describe("dirty pages", () => {
  test("a written page is on the device after fsync, not before", () => {
    const { kernel, sys, inode } = rig();
    const fd = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o644);
    sys.write(fd, new Uint8Array(4096).fill(7));
    expect(kernel.writeback.deviceRead(inode(fd), 0)).toBeUndefined();
    sys.fsync(fd);
    expect(kernel.writeback.deviceRead(inode(fd), 0)).toBe(7);
  });

  test("dirty data is written by itself within dirty_expire and one period more", () => {
    const { kernel, sys, vmstat } = rig();
    sys.writeFile("/mnt/f", "x");
    kernel.run("29s");
    expect(vmstat("nr_dirty")).toBe(1);
    kernel.run("7s");
    expect(vmstat("nr_dirty")).toBe(0);
    expect(vmstat("nr_writeback")).toBe(0);
  });

  test("a failed write is reported once by each description, as ENOSPC", () => {
    const { sys } = rig({}, { writeError: 28 });
    const a = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o644);
    const b = sys.open("/mnt/f", O_RDWR);
    sys.write(a, "lost");
    expect([a, a, b, b].map((fd) => errnoOf(() => sys.fsync(fd)))).toEqual(["ENOSPC", "", "ENOSPC", ""]);
  });

  test("syncfs reports an error of any file once by each description, apart from fsync's own account", () => {
    const { sys } = rig({}, { writeError: 28 });
    const g = sys.open("/mnt/g", O_RDWR | O_CREAT, 0o644);
    const f = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o644);
    sys.write(f, "lost");
    const told = [
      () => sys.fsync(f),
      () => sys.syncfs(g),
      () => sys.syncfs(g),
      () => sys.syncfs(f),
      () => sys.syncfs(f),
      () => sys.fsync(g),
    ].map(errnoOf);
    expect(told).toEqual(["ENOSPC", "ENOSPC", "", "ENOSPC", "", ""]);
  });

  test("bad arguments change nothing", () => {
    const { sys, vmstat } = rig();
    const fd = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o644);
    sys.write(fd, "data");
    const before = vmstat("nr_dirty");
    expect(errnoOf(() => sys.sync_file_range(fd, 0, 0, 8))).toBe("EINVAL");
    expect(errnoOf(() => sys.sync_file_range(fd, -1, 1, 2))).toBe("EINVAL");
    expect(errnoOf(() => sys.sync_file_range(99, 0, 0, 2))).toBe("EBADF");
    expect(errnoOf(() => sys.fallocate(fd, 4, 0, 4096))).toBe("EOPNOTSUPP");
    expect(errnoOf(() => sys.fallocate(fd, 8, 1, 4096))).toBe("EINVAL");
    expect([vmstat("nr_dirty"), sys.fstat(fd).size]).toEqual([before, 4]);
  });

  test("a writer is slowed to its disk once the limits are reached", () => {
    const { kernel, sys } = rig({}, { writeBps: 4 * 2 ** 20 });
    sys.writeFile("/proc/sys/vm/dirty_background_bytes", "4194304");
    sys.writeFile("/proc/sys/vm/dirty_bytes", "8388608");
    const fd = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o644);
    const data = new Uint8Array(65536).fill(1);
    for (let i = 0; i < 512; i++) sys.write(fd, data);
    const seconds = kernel.now / 1e9;
    expect(seconds).toBeGreaterThan(5);
    expect(seconds).toBeLessThan(9);
  });
});

describe("stable pages", () => {
  const rewrite = (stablePages: StablePages, model: object): [ms: number, errors: number] => {
    const { kernel, sys } = rig({ stablePages }, { writeBps: 4096, ...model });
    const fd = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o644);
    sys.pwrite64(fd, new Uint8Array(4096).fill(1), 0);
    sys.sync_file_range(fd, 0, 0, 2);
    const before = kernel.now;
    sys.pwrite64(fd, new Uint8Array(4096).fill(2), 0);
    const ms = Math.round((kernel.now - before) / 1e6);
    kernel.run("3s");
    return [ms, kernel.writeback.device("sda").checksumErrors];
  };

  test("with checksums either the writer waits or the device finds a wrong sum", () => {
    expect(rewrite("bdi-flag", { integrity: "crc" })).toEqual([1000, 0]);
    expect(rewrite("none", { integrity: "crc" })).toEqual([0, 1]);
  });

  test("a mirror copies what ext3's journal may change, and relies on stable pages elsewhere", () => {
    const copied = (type: string): number => {
      const kernel = createKernel()
        .use(writeback({ stablePages: "bdi-flag", ext3: "refuse-rw" }))
        .boot();
      for (const name of ["a", "b"]) kernel.writeback.addDevice(name);
      const md = kernel.writeback.addDevice("md", { raid1: ["a", "b"], stable: "optional" });
      const sys = kernel.sys(kernel.init);
      sys.mount("/dev/md", "/mnt", type, 0, "data=ordered");
      const fd = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o644);
      sys.write(fd, new Uint8Array(16 * 4096).fill(9));
      sys.fsync(fd);
      expect(kernel.writeback.mismatches("md")).toBe(0);
      return md.pagesCopied;
    };
    expect([copied("ext4"), copied("ext3")]).toEqual([0, 16]);
  });

  test("design always waits on every device, bdi-flag only where the device asks", () => {
    expect(rewrite("always", {})).toEqual([1000, 0]);
    expect(rewrite("bdi-flag", {})).toEqual([0, 0]);
  });
});

test("counts of dirty pages are those of the files, whatever is written, cut and synced", () => {
  const step = fc.record({
    op: fc.constantFrom("write", "truncate", "fsync", "punch", "run"),
    page: fc.nat(20),
    byte: fc.integer({ min: 1, max: 255 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const { kernel, sys, inode, vmstat } = rig({}, { writeBps: 2 ** 20 });
      const fd = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o644);
      const want = new Map<number, number>();
      for (const s of steps) {
        if (s.op === "write") {
          sys.pwrite64(fd, new Uint8Array(4096).fill(s.byte), s.page * 4096);
          want.set(s.page, s.byte);
        } else if (s.op === "truncate") {
          sys.ftruncate(fd, s.page * 4096);
          for (const p of want.keys()) if (p >= s.page) want.delete(p);
        } else if (s.op === "punch") {
          sys.fallocate(fd, 3, s.page * 4096, 8192);
          want.delete(s.page);
          want.delete(s.page + 1);
        } else if (s.op === "fsync") {
          sys.fsync(fd);
          for (const [p, b] of want) expect(kernel.writeback.deviceRead(inode(fd), p)).toBe(b);
        } else kernel.run("1s");
        const m = inode(fd).mapping;
        expect(vmstat("nr_dirty")).toBe(m?.tagCount(TAG_DIRTY));
        for (const [p, b] of want) expect(sys.pread64(fd, 1, p * 4096)[0]).toBe(b);
      }
    }),
    { numRuns: 40 },
  );
});

test("a restored kernel goes on as the saved one does", () => {
  const { build, kernel, sys } = rig({}, { writeBps: 2 ** 20 });
  sys.writeFile("/mnt/f", new Uint8Array(2 ** 20).fill(3));
  sys.sync_file_range(sys.open("/mnt/f", O_RDWR), 0, 0, 2);
  kernel.run("300ms");
  const saved = JSON.parse(JSON.stringify(kernel.checkpoint()));
  const again = build().restore(saved);
  kernel.run("40s");
  again.run("40s");
  expect(again.digest()).toBe(kernel.digest());
  expect(again.sys(again.init).readText("/proc/vmstat")).toBe(sys.readText("/proc/vmstat"));
});

test("a wrong option is refused by name", () => {
  expect(() => writeback({ stablePages: "sometimes" } as never)).toThrow(/stablePages/);
  expect(() => writeback({ stable: 1 } as never)).toThrow(/unknown option 'stable'/);
});

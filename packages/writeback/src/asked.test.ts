/** What Linux 6.18 answered where its documents are silent. */
import { createKernel, KernelError, O_CREAT, O_RDWR, SEEK_DATA, SEEK_HOLE } from "@kernelkit/core";
import { describe, expect, test } from "vitest";
import { writeback } from "./index.js";

const KEEP_SIZE = 1;
const PAGE = new Uint8Array(4096).fill(7);

function machine(writeError = 0) {
  const kernel = createKernel({ machine: { memory: "64M" } })
    .use(writeback())
    .boot();
  const sys = kernel.sys(kernel.init);
  kernel.writeback.addDevice("sda", { writeError });
  sys.mount("/dev/sda", "/mnt", "ext4", 0);
  const fd = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o644);
  return { sys, fd };
}

/** 0, or the errno. */
function errno(f: () => unknown): number {
  try {
    f();
    return 0;
  } catch (e) {
    if (e instanceof KernelError) return Math.abs(e.errno);
    throw e;
  }
}

describe("what Linux answers", () => {
  test("sync_file_range that waited for a failed write starts nothing", () => {
    const { sys, fd } = machine(28);
    sys.pwrite64(fd, PAGE, 0);
    expect(errno(() => sys.syncfs(fd))).toBe(28);
    sys.pwrite64(fd, PAGE, 0);
    expect(errno(() => sys.sync_file_range(fd, 0, 0, 7))).toBe(28);
    expect(errno(() => sys.fsync(fd))).toBe(28);
    expect(errno(() => sys.fsync(fd))).toBe(0);
  });

  test("a truncation to the same or a larger size dirties the page in which the file ends", () => {
    const { sys, fd } = machine();
    const dirty = (): string | undefined => /^nr_dirty (\d+)$/m.exec(sys.readText("/proc/vmstat"))?.[1];
    sys.pwrite64(fd, PAGE.subarray(0, 100), 0);
    for (const size of [100, 20_000]) {
      sys.fsync(fd);
      expect(dirty()).toBe("0");
      sys.ftruncate(fd, size);
      expect(dirty()).toBe("1");
    }
  });

  test("a preallocated page that was read is data, its neighbours are a hole", () => {
    const { sys, fd } = machine();
    sys.ftruncate(fd, 65_536);
    sys.pread64(fd, 10, 8192);
    sys.fallocate(fd, KEEP_SIZE, 0, 65_536);
    expect(sys.lseek(fd, 0, SEEK_DATA)).toBe(8192);
    expect(sys.lseek(fd, 8192, SEEK_HOLE)).toBe(12_288);
  });

  test("files of backing devices read numbers as kstrtouint and kstrtoul do", () => {
    const { sys } = machine();
    const [bdi] = sys.readdir("/sys/class/bdi").filter((n) => !n.startsWith("."));
    const write = (file: string, text: string): number =>
      errno(() => sys.writeFile(`/sys/class/bdi/${bdi}/${file}`, text));
    const read = (file: string): string => sys.readText(`/sys/class/bdi/${bdi}/${file}`);
    expect(write("max_ratio", "4294967296")).toBe(34);
    expect(write("max_ratio", "7x")).toBe(22);
    expect(write("max_ratio", "3\0rest")).toBe(0);
    expect(read("max_ratio")).toBe("3\n");
    // 32 bits overflow to 0
    expect(write("max_ratio", "2147483648")).toBe(0);
    expect(read("max_ratio_fine")).toBe("0\n");
    expect(write("read_ahead_kb", "18446744073709551615")).toBe(0);
    expect(read("read_ahead_kb")).toBe("-4\n");
    expect(write("read_ahead_kb", "18446744073709551616")).toBe(34);
    expect(errno(() => sys.writeFile("/proc/sys/vm/laptop_mode", "8589935"))).toBe(22);
    expect(errno(() => sys.writeFile("/proc/sys/vm/laptop_mode", "8589934"))).toBe(0);
  });
});

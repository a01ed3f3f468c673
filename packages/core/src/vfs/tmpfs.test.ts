import { describe, expect, test } from "vitest";
import { MS_REMOUNT, O_CREAT, O_RDWR, O_TMPFILE, O_WRONLY, SEEK_DATA, SEEK_HOLE } from "../abi/constants.js";
import { errnoOf, userTask, vfsKernel } from "./testKernel.js";

function machine(options: string) {
  const k = vfsKernel({ machine: { memory: "64M" } });
  const sys = k.sys(k.init);
  sys.mkdir("/mnt/t", 0o755);
  sys.mount("t", "/mnt/t", "tmpfs", 0, options);
  const [m] = k.vfs.initNs.mounts.slice(-1);
  const shown = (): string => m.sb.ops.showOptions?.(m.sb) ?? "";
  return { k, sys, shown };
}

describe("tmpfs", () => {
  test("half of memory and as many inodes are the limits if nothing is said, and not shown", () => {
    const { sys, shown } = machine("");
    const st = sys.statfs("/mnt/t");
    expect([st.blocks, st.files, st.bfree, st.ffree]).toEqual([8192, 8192, 8192, 8191]);
    expect(st.type).toBe(0x01021994);
    expect(shown()).toBe("");
    expect(sys.stat("/mnt/t").mode).toBe(0o41777);
  });

  test("options are shown as they are in force", () => {
    expect(machine("size=1m,nr_inodes=1k,mode=750,uid=5,gid=6").shown()).toBe(
      ",size=1024k,nr_inodes=1024,mode=750,uid=5,gid=6",
    );
    expect(machine("size=50%").shown()).toBe("");
    expect(machine("nr_blocks=3,size=5000").shown()).toBe(",size=8k");
    expect(machine("size=0,nr_inodes=0").shown()).toBe(",size=0k,nr_inodes=0");
    for (const bad of ["size=x", "size", "mode=9", "uid=-1", "gid=x", "nonsense", "huge=maybe", "nr_inodes="])
      expect(
        errnoOf(() => machine(bad)),
        bad,
      ).toBe("EINVAL");
  });

  test("a remount may change the limits, but not below what is used nor from none to one", () => {
    const { sys, shown } = machine("size=64k,nr_inodes=10");
    sys.writeFile("/mnt/t/f", new Uint8Array(40_000));
    expect(errnoOf(() => sys.mount("t", "/mnt/t", "tmpfs", MS_REMOUNT, "size=16k"))).toBe("EINVAL");
    expect(sys.mount("t", "/mnt/t", "tmpfs", MS_REMOUNT, "size=40k,nr_inodes=2")).toBe(0);
    expect(shown()).toBe(",size=40k,nr_inodes=2");
    expect(errnoOf(() => sys.mkdir("/mnt/t/d", 0o755))).toBe("ENOSPC");
    expect(sys.mount("t", "/mnt/t", "tmpfs", MS_REMOUNT, "size=0")).toBe(0);
    expect(errnoOf(() => sys.mount("t", "/mnt/t", "tmpfs", MS_REMOUNT, "size=1m"))).toBe("EINVAL");
  });

  test("pages are given back by truncation, holes cost nothing, long links cost a page", () => {
    const { sys } = machine("size=16k");
    const used = (): number => sys.statfs("/mnt/t").blocks - sys.statfs("/mnt/t").bfree;
    const fd = sys.open("/mnt/t/f", O_RDWR | O_CREAT, 0o600);
    expect(sys.pwrite64(fd, "x", 1_000_000)).toBe(1);
    expect([used(), sys.fstat(fd).blocks, sys.fstat(fd).size]).toEqual([1, 8, 1_000_001]);
    expect(sys.lseek(fd, 0, SEEK_DATA)).toBe(999_424);
    expect(sys.lseek(fd, 999_424, SEEK_HOLE)).toBe(1_000_001);
    sys.symlink("x".repeat(127), "/mnt/t/short");
    expect(used()).toBe(1);
    sys.symlink("x".repeat(128), "/mnt/t/long");
    expect(used()).toBe(2);
    sys.unlink("/mnt/t/long");
    sys.ftruncate(fd, 0);
    expect(used()).toBe(0);
    expect(errnoOf(() => sys.fallocate(fd, 0, 0, 20_000))).toBe("ENOSPC");
    expect(used()).toBe(0);
    expect(sys.fallocate(fd, 0, 0, 9000)).toBe(0);
    expect([used(), sys.fstat(fd).size]).toEqual([3, 9000]);
    expect(errnoOf(() => sys.lseek(fd, 0, SEEK_DATA))).toBe("ENXIO");
    // KEEP_SIZE takes a page beyond the end, and the size stays
    expect(sys.fallocate(fd, 1, 12288, 1)).toBe(0);
    expect([used(), sys.fstat(fd).size]).toEqual([4, 9000]);
    expect(errnoOf(() => sys.fallocate(fd, 0x8, 0, 4096))).toBe("EOPNOTSUPP");
  });

  test("an unlinked or nameless file holds its inode and pages until the last close", () => {
    const { sys } = machine("size=8k,nr_inodes=3");
    const fd = sys.open("/mnt/t", O_WRONLY | O_TMPFILE, 0o600);
    sys.write(fd, new Uint8Array(4096));
    sys.writeFile("/mnt/t/g", new Uint8Array(4096));
    expect(errnoOf(() => sys.open("/mnt/t/h", O_RDWR | O_CREAT, 0o600))).toBe("ENOSPC");
    expect(sys.readdir("/mnt/t")).toEqual(["g"]);
    sys.close(fd);
    const h = sys.open("/mnt/t/h", O_RDWR | O_CREAT, 0o600);
    expect(sys.write(h, new Uint8Array(5000))).toBe(4096);
    sys.unlink("/mnt/t/h");
    expect(sys.statfs("/mnt/t").ffree).toBe(0);
    sys.close(h);
    expect([sys.statfs("/mnt/t").ffree, sys.statfs("/mnt/t").bfree]).toEqual([1, 1]);
  });

  test("what one who is not root makes is his, and read back byte by byte", () => {
    const { k, sys } = machine("mode=1777");
    const u = k.sys(userTask(k, 1000, 1000, [50]));
    const data = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7) & 255);
    u.writeFile("/mnt/t/f", data, 0o640);
    expect(sys.readFile("/mnt/t/f")).toEqual(data);
    const st = sys.stat("/mnt/t/f");
    expect([st.uid, st.gid, st.mode, st.blocks]).toEqual([1000, 1000, 0o100640, 200]);
    const fd = u.open("/mnt/t/f", O_RDWR);
    const buf = new Uint8Array(10);
    expect(u.pread64(fd, 10, 4090, buf)).toBe(buf);
    expect(buf).toEqual(data.slice(4090, 4100));
    expect(u.pread64(fd, 10, 99_995, buf)).toEqual(data.slice(99_995));
    expect(u.readv(fd, [3, 0, 4]).map((x) => [...x])).toEqual([[...data.slice(0, 3)], [], [...data.slice(3, 7)]]);
    expect(u.writev(fd, ["ab", Uint8Array.of(1), ""])).toBe(3);
  });
});

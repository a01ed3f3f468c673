import { describe, expect, test } from "vitest";
import { MS_I_VERSION, MS_RDONLY, O_CREAT, O_RDWR } from "../abi/constants.js";
import { errnoOf, vfsKernel } from "./testKernel.js";

function machine(size = 2 ** 20) {
  const k = vfsKernel();
  const sys = k.sys(k.init);
  k.vfs.addDisk({ name: "vda", type: "ext4", size, uuid: "11111111-2222-4333-8444-555555555555" });
  sys.mkdir("/mnt/d", 0o755);
  sys.mount("/dev/vda", "/mnt/d", "ext4", 0);
  return { k, sys };
}

describe("disks", () => {
  test("what is on a disk is there again after unmounting, names and attributes and data", () => {
    const { sys } = machine();
    sys.mkdir("/mnt/d/dir", 0o750);
    const data = Uint8Array.from({ length: 10_000 }, (_, i) => i & 255);
    sys.writeFile("/mnt/d/dir/f", data);
    sys.setxattr("/mnt/d/dir/f", "user.a", "b");
    sys.symlink("x".repeat(100), "/mnt/d/l");
    const before = sys.stat("/mnt/d/dir/f");
    sys.umount2("/mnt/d", 0);
    expect(sys.readdir("/mnt/d")).toEqual([]);
    sys.mount("vda", "/mnt/d", "ext4", MS_RDONLY);
    expect(sys.stat("/mnt/d/dir/f")).toEqual(before);
    expect(sys.readFile("/mnt/d/dir/f")).toEqual(data);
    expect(sys.listxattr("/mnt/d/dir/f")).toEqual(["user.a"]);
    expect(errnoOf(() => sys.mkdir("/mnt/d/x", 0o755))).toBe("EROFS");
  });

  test("mounted twice it is one file system, of the type it has", () => {
    const { sys } = machine();
    sys.mkdir("/mnt/e", 0o755);
    sys.mount("/dev/vda", "/mnt/e", "ext4", 0);
    sys.writeFile("/mnt/d/f", "x");
    expect(sys.readText("/mnt/e/f")).toBe("x");
    expect(sys.stat("/mnt/e").dev).toBe(sys.stat("/mnt/d").dev);
    expect(sys.stat("/mnt/d").ino).toBe(2);
    expect(sys.statfs("/mnt/d").type).toBe(0xef53);
    expect(errnoOf(() => sys.mount("/dev/vda", "/mnt/e", "ext4", 0))).toBe("EBUSY");
    expect(errnoOf(() => sys.mount("/dev/vda", "/mnt/e", "xfs", 0))).toBe("EINVAL");
    expect(errnoOf(() => sys.mount("/dev/vdz", "/mnt/e", "ext4", 0))).toBe("ENOENT");
    expect(errnoOf(() => sys.mount("/dev/vda", "/mnt/e", "ext4", 0, "nonsense"))).toBe("EINVAL");
  });

  test("pages dropped from the cache are read from the disk again, cut tails as zeros", () => {
    const { k, sys } = machine();
    const fd = sys.open("/mnt/d/f", O_RDWR | O_CREAT, 0o600);
    sys.write(
      fd,
      Uint8Array.from({ length: 9000 }, (_, i) => 1 + (i % 200)),
    );
    const { inode } = k.vfs.fget(k.init, fd);
    const drop = (): void => {
      if (inode.mapping !== null) k.mm.dropMapping(inode.mapping);
    };
    expect(inode.mapping?.nrpages).toBe(3);
    drop();
    expect(inode.mapping?.nrpages).toBe(0);
    expect(sys.fstat(fd).blocks).toBe(24);
    expect([...sys.pread64(fd, 3, 4095)]).toEqual([1 + (4095 % 200), 1 + (4096 % 200), 1 + (4097 % 200)]);
    sys.ftruncate(fd, 5000);
    drop();
    sys.ftruncate(fd, 9000);
    expect(sys.pread64(fd, 4000, 5000).every((b) => b === 0)).toBe(true);
    expect(sys.fstat(fd).blocks).toBe(16);
    drop();
    sys.pwrite64(fd, "x", 100);
    drop();
    expect([...sys.pread64(fd, 3, 99)]).toEqual([1 + 99, 120, 1 + 101]);
  });

  test("a full disk gives ENOSPC and its blocks back", () => {
    const { sys } = machine(65536);
    const fd = sys.open("/mnt/d/f", O_RDWR | O_CREAT, 0o600);
    expect(sys.write(fd, new Uint8Array(100_000))).toBe(65536);
    expect(errnoOf(() => sys.write(fd, "x"))).toBe("ENOSPC");
    expect(sys.statfs("/mnt/d").bfree).toBe(0);
    sys.ftruncate(fd, 4096);
    expect(sys.statfs("/mnt/d").bfree).toBe(15);
    sys.close(fd);
    sys.unlink("/mnt/d/f");
    expect(sys.statfs("/mnt/d").bfree).toBe(16);
  });

  test("each profile has its magic number; options are those of the file system", () => {
    const k = vfsKernel();
    const sys = k.sys(k.init);
    sys.mkdir("/mnt/d", 0o755);
    for (const [type, magic] of [
      ["xfs", 0x58465342],
      ["btrfs", 0x9123683e],
      ["ext2", 0xef53],
      ["vfat", 0x4d44],
    ] as const) {
      const disk = k.vfs.addDisk({ name: type, type });
      sys.mount(`/dev/${type}`, "/mnt/d", type, 0, type === "xfs" ? "i_version" : "");
      expect(sys.statfs("/mnt/d").type).toBe(magic);
      expect(disk.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      if (type === "xfs") expect((disk.sb?.flags ?? 0) & MS_I_VERSION).toBe(MS_I_VERSION);
      sys.umount2("/mnt/d", 0);
    }
    expect(() => k.vfs.addDisk({ name: "xfs", type: "xfs" })).toThrow("disk.name");
    expect(() => k.vfs.addDisk({ name: "y", type: "zfs" })).toThrow(
      "disk.type: must be one of ext2, ext3, ext4, xfs, btrfs, vfat, not zfs",
    );
    expect(() => k.vfs.addDisk({ name: "y", type: "xfs", size: 1 })).toThrow(RangeError);
  });
});

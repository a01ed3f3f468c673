import { describe, expect, test } from "vitest";
import {
  MNT_DETACH,
  MNT_EXPIRE,
  MNT_FORCE,
  MS_BIND,
  MS_MOVE,
  MS_NOATIME,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  MS_SHARED,
  O_CREAT,
  O_RDWR,
  UMOUNT_NOFOLLOW,
} from "../abi/constants.js";
import { errnoOf, vfsKernel } from "./testKernel.js";

function machine() {
  const k = vfsKernel();
  const sys = k.sys(k.init);
  for (const d of ["a", "a/b", "c"]) sys.mkdir(`/mnt/${d}`, 0o755);
  return { k, sys };
}

describe("mounts", () => {
  test("a bind mount shows the same tree, a recursive one the mounts in it too", () => {
    const { sys } = machine();
    sys.mount("t", "/mnt/a/b", "tmpfs", MS_NOEXEC);
    sys.writeFile("/mnt/a/b/f", "x");
    sys.mount("/mnt/a", "/mnt/c", null, MS_BIND);
    expect(sys.readdir("/mnt/c/b")).toEqual([]);
    sys.umount2("/mnt/c", 0);
    sys.mount("/mnt/a", "/mnt/c", null, MS_BIND | MS_REC);
    expect(sys.readText("/mnt/c/b/f")).toBe("x");
    expect(sys.stat("/mnt/c/b").dev).toBe(sys.stat("/mnt/a/b").dev);
    expect(errnoOf(() => sys.umount2("/mnt/c", 0))).toBe("EBUSY");
    sys.umount2("/mnt/c/b", 0);
    sys.umount2("/mnt/c", 0);
    expect(sys.readText("/mnt/a/b/f")).toBe("x");
  });

  test("a single file can be bound to a file; kinds must agree", () => {
    const { sys } = machine();
    sys.writeFile("/mnt/f", "from");
    sys.writeFile("/mnt/g", "to");
    sys.mount("/mnt/f", "/mnt/g", null, MS_BIND);
    expect(sys.readText("/mnt/g")).toBe("from");
    expect(errnoOf(() => sys.unlink("/mnt/g"))).toBe("EBUSY");
    expect(errnoOf(() => sys.mount("/mnt/f", "/mnt/a", null, MS_BIND))).toBe("ENOTDIR");
    expect(errnoOf(() => sys.mount("", "/mnt/a", null, MS_BIND))).toBe("EINVAL");
    sys.umount2("/mnt/g", 0);
    expect(sys.readText("/mnt/g")).toBe("to");
  });

  test("moving keeps the mount; it cannot move below itself, and the root cannot move", () => {
    const { sys } = machine();
    sys.mount("t", "/mnt/a", "tmpfs", 0);
    sys.mkdir("/mnt/a/in", 0o755);
    sys.writeFile("/mnt/a/f", "x");
    const fd = sys.open("/mnt/a/f", O_RDWR);
    sys.mount("/mnt/a", "/mnt/c", null, MS_MOVE);
    expect(sys.readText("/mnt/c/f")).toBe("x");
    expect(sys.readdir("/mnt/a")).toEqual(["b"]);
    expect(sys.write(fd, "y")).toBe(1);
    expect(errnoOf(() => sys.mount("/mnt/c", "/mnt/c/in", null, MS_MOVE))).toBe("ELOOP");
    expect(errnoOf(() => sys.mount("/mnt/c/in", "/mnt/a", null, MS_MOVE))).toBe("EINVAL");
  });

  test("a lazily unmounted tree lives as long as its last user, and then its files go", () => {
    const { k, sys } = machine();
    sys.mount("t", "/mnt/a", "tmpfs", 0);
    sys.mkdir("/mnt/a/d", 0o755);
    sys.mount("u", "/mnt/a/d", "tmpfs", 0);
    const fd = sys.open("/mnt/a/f", O_RDWR | O_CREAT, 0o600);
    sys.write(fd, new Uint8Array(8192));
    const before = k.vfs.superBlocks.size;
    sys.chdir("/mnt/a/d");
    sys.umount2("/mnt/a", MNT_DETACH);
    expect(sys.getcwd()).toBe("(unreachable)/");
    expect(sys.write(fd, "more")).toBe(4);
    expect(sys.readdir(".")).toEqual([]);
    expect(k.vfs.superBlocks.size).toBe(before);
    sys.chdir("/");
    expect(k.vfs.superBlocks.size).toBe(before - 1);
    sys.close(fd);
    expect(k.vfs.superBlocks.size).toBe(before - 2);
  });

  test("MNT_EXPIRE marks at the first call and unmounts at the second, unless it was used meanwhile", () => {
    const { sys } = machine();
    sys.mount("t", "/mnt/a", "tmpfs", 0);
    expect(errnoOf(() => sys.umount2("/mnt/a", MNT_EXPIRE | MNT_FORCE))).toBe("EINVAL");
    expect(errnoOf(() => sys.umount2("/mnt/a", MNT_EXPIRE))).toBe("EAGAIN");
    sys.stat("/mnt/a");
    expect(errnoOf(() => sys.umount2("/mnt/a", MNT_EXPIRE))).toBe("EAGAIN");
    expect(sys.umount2("/mnt/a", MNT_EXPIRE)).toBe(0);
    sys.symlink("a", "/mnt/l");
    sys.mount("t", "/mnt/a", "tmpfs", 0);
    expect(errnoOf(() => sys.umount2("/mnt/l", UMOUNT_NOFOLLOW))).toBe("EINVAL");
    expect(sys.umount2("/mnt/l", 0)).toBe(0);
    expect(errnoOf(() => sys.umount2("/mnt/a", 64))).toBe("EINVAL");
  });

  test("flags belong to the mount, read-only by remount to the file system", () => {
    const { k, sys } = machine();
    sys.mount("t", "/mnt/a", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOATIME);
    expect(sys.statfs("/mnt/a").flags & 0x43f).toBe(0x426); // NOSUID NODEV VALID NOATIME
    sys.mount("/mnt/a", "/mnt/c", null, MS_BIND);
    sys.mount(null, "/mnt/c", null, MS_BIND | MS_REMOUNT | MS_RDONLY);
    expect(errnoOf(() => sys.mkdir("/mnt/c/x", 0o755))).toBe("EROFS");
    expect(sys.mkdir("/mnt/a/x", 0o755)).toBe(0);
    const fd = sys.open("/mnt/a/f", O_RDWR | O_CREAT, 0o600);
    expect(errnoOf(() => sys.mount("t", "/mnt/a", "tmpfs", MS_REMOUNT | MS_RDONLY))).toBe("EBUSY");
    expect(errnoOf(() => sys.mount("t", "/mnt/a", "tmpfs", MS_BIND | MS_REMOUNT | MS_RDONLY))).toBe("EBUSY");
    sys.close(fd);
    sys.mount("t", "/mnt/a", "tmpfs", MS_REMOUNT | MS_RDONLY);
    expect(errnoOf(() => sys.mkdir("/mnt/a/y", 0o755))).toBe("EROFS");
    sys.mount("t", "/mnt/a", "tmpfs", MS_REMOUNT);
    expect(sys.mkdir("/mnt/a/y", 0o755)).toBe(0);
    expect(k.vfs.initNs.mounts.map((m) => m.uniqueId)).toEqual(
      [...k.vfs.initNs.mounts.map((m) => m.uniqueId)].sort((a, b) => a - b),
    );
  });

  test("removing the directory below a mount in another namespace takes the mount away", () => {
    const { k, sys } = machine();
    sys.mount("t", "/mnt/a/b", "tmpfs", 0);
    const m = k.vfs.initNs.mounts.at(-1);
    if (m === undefined) throw new Error("no mount");
    expect(errnoOf(() => sys.rmdir("/mnt/a/b"))).toBe("EBUSY");
    // as it would stand in a namespace of its own
    m.ns = null;
    k.vfs.initNs.mounts.pop();
    expect(sys.rmdir("/mnt/a/b")).toBe(0);
    expect(k.vfs.mountpoints.has(m.mountpoint)).toBe(false);
    expect(k.vfs.superBlocks.has(m.sb)).toBe(false);
  });

  test("without the namespaces package every mount is private", () => {
    const { sys } = machine();
    sys.mount("t", "/mnt/a", "tmpfs", 0);
    expect(sys.mount(null, "/mnt/a", null, MS_PRIVATE)).toBe(0);
    expect(errnoOf(() => sys.mount(null, "/mnt/a", null, MS_SHARED))).toBe("EINVAL");
    expect(errnoOf(() => sys.mount(null, "/mnt/a", null, MS_SHARED | MS_PRIVATE))).toBe("EINVAL");
    expect(errnoOf(() => sys.mount(null, "/mnt/a/b", null, MS_PRIVATE))).toBe("ENOENT");
    expect(errnoOf(() => sys.mount(null, "/mnt/c", null, MS_PRIVATE))).toBe("EINVAL");
  });
});

import {
  AT_FDCWD,
  AT_RECURSIVE,
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MS_SHARED,
  MS_SLAVE,
  O_CREAT,
  O_RDWR,
} from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { code, rig } from "../testing/rig.js";

/** /mnt/a with another mount in it, and how mountinfo shows the two. */
function tree() {
  const r = rig();
  const s = r.sys(r.child());
  s.mkdir("/mnt/a", 0o755);
  s.mount("x", "/mnt/a", "tmpfs", 0);
  s.mkdir("/mnt/a/s", 0o755);
  s.mount("y", "/mnt/a/s", "tmpfs", 0);
  const shown = (): string[] =>
    s
      .readText("/proc/self/mountinfo")
      .split("\n")
      .filter((l) => l.includes(" /mnt/a"))
      .map((l) => l.split(" ")[5]);
  return { r, s, shown };
}

describe("mount_setattr", () => {
  it("sets and clears flags of a mount, or of all below it", () => {
    const { s, shown } = tree();
    s.mount_setattr(AT_FDCWD, "/mnt/a", 0, { attr_set: MOUNT_ATTR_RDONLY });
    expect(shown()).toEqual(["ro,relatime", "rw,relatime"]);
    s.mount_setattr(AT_FDCWD, "/mnt/a", AT_RECURSIVE, {
      attr_set: MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
      attr_clr: MOUNT_ATTR_RDONLY,
    });
    expect(shown()).toEqual(["rw,nosuid,nodev,relatime", "rw,nosuid,nodev,relatime"]);
  });

  it("changes the kind of atime only as a whole", () => {
    const { s, shown } = tree();
    const set = (attr_set: number, attr_clr: number): string =>
      code(() => s.mount_setattr(AT_FDCWD, "/mnt/a", 0, { attr_set, attr_clr }));
    expect(set(MOUNT_ATTR_NOATIME, 0)).toBe("EINVAL");
    expect(set(MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME)).toBe("");
    expect(shown()[0]).toBe("rw,noatime");
    expect(set(MOUNT_ATTR_NOATIME | MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME)).toBe("EINVAL");
    expect(set(0, MOUNT_ATTR__ATIME)).toBe("");
    expect(shown()[0]).toBe("rw,relatime");
  });

  it("changes all or nothing, and refuses in Linux's order", () => {
    const { r, s, shown } = tree();
    const fd = s.open("/mnt/a/s/w", O_CREAT | O_RDWR, 0o600);
    const ro = { attr_set: MOUNT_ATTR_RDONLY };
    expect(code(() => s.mount_setattr(AT_FDCWD, "/mnt/a", AT_RECURSIVE, ro))).toBe("EBUSY");
    expect(shown()).toEqual(["rw,relatime", "rw,relatime"]);
    s.close(fd);
    expect(code(() => s.mount_setattr(AT_FDCWD, "/nope", 0, {}))).toBe("");
    expect(code(() => s.mount_setattr(AT_FDCWD, "/nope", 0, ro))).toBe("ENOENT");
    expect(code(() => s.mount_setattr(AT_FDCWD, "/mnt/a", 1, ro))).toBe("EINVAL");
    expect(code(() => s.mount_setattr(AT_FDCWD, "/mnt/a", 0, ro, 31))).toBe("EINVAL");
    expect(code(() => s.mount_setattr(AT_FDCWD, "/mnt/a", 0, ro, 4097))).toBe("E2BIG");
    expect(code(() => s.mount_setattr(AT_FDCWD, "/mnt/a", 0, { propagation: MS_SHARED | MS_SLAVE }))).toBe("EINVAL");
    expect(code(() => s.mount_setattr(AT_FDCWD, "/mnt/a", 0, { attr_set: MOUNT_ATTR_IDMAP, userns_fd: 99 }))).toBe(
      "EBADF",
    );
    const user = r.sys(r.child());
    user.setresuid(1000, 1000, 1000);
    expect(code(() => user.mount_setattr(AT_FDCWD, "/nope", 0, { attr_set: 0x8000 }))).toBe("EPERM");
  });
});

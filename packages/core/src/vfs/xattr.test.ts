import { describe, expect, test } from "vitest";
import { XATTR_CREATE, XATTR_REPLACE } from "../abi/constants.js";
import { errnoOf, userTask, vfsKernel } from "./testKernel.js";
import { getRaw, removeRaw, setRaw } from "./xattr.js";

const CAPS = Uint8Array.of(1, 0, 0, 2, 0, 4, ...new Array(14).fill(0));

function machine() {
  const k = vfsKernel();
  const sys = k.sys(k.init);
  sys.writeFile("/mnt/f", "x", 0o666);
  return { k, sys, u: k.sys(userTask(k, 1000)) };
}

describe("extended attributes", () => {
  test("name, size and flags are checked before the file is looked for", () => {
    const { sys } = machine();
    const set = (name: string | null, value: string | Uint8Array | null, flags = 0): string =>
      errnoOf(() => sys.setxattr("/nowhere", name, value, flags));
    expect(set("user.a", "x", 4)).toBe("EINVAL");
    expect(set("", "x", 4)).toBe("EINVAL");
    expect(set("", "x")).toBe("ERANGE");
    expect(set("user.".padEnd(256, "x"), "x")).toBe("ERANGE");
    expect(set(`user.${"é".repeat(126)}`, "x")).toBe("ERANGE");
    expect(set("user.a", new Uint8Array(65537))).toBe("E2BIG");
    expect(set(null, "x")).toBe("EFAULT");
    expect(set("user.a", null)).toBe("EFAULT");
    expect(set("user.a", "x")).toBe("ENOENT");
    expect(() => sys.setxattr("/mnt/f", "user.a", 5 as never)).toThrow(TypeError);
  });

  test("the value is the kernel's own copy", () => {
    const { sys } = machine();
    const v = Uint8Array.of(1, 2, 3);
    sys.setxattr("/mnt/f", "user.a", v);
    v[0] = 9;
    const got = sys.getxattr("/mnt/f", "user.a");
    got[1] = 9;
    expect([...sys.getxattr("/mnt/f", "user.a")]).toEqual([1, 2, 3]);
  });

  test("XATTR_CREATE and XATTR_REPLACE with a removed and an empty value", () => {
    const { sys } = machine();
    sys.setxattr("/mnt/f", "user.a", "", XATTR_CREATE);
    expect(errnoOf(() => sys.setxattr("/mnt/f", "user.a", "x", XATTR_CREATE))).toBe("EEXIST");
    sys.setxattr("/mnt/f", "user.a", "xy", XATTR_REPLACE);
    expect(sys.getxattr("/mnt/f", "user.a", 0).length).toBe(2);
    sys.removexattr("/mnt/f", "user.a");
    expect(errnoOf(() => sys.setxattr("/mnt/f", "user.a", "x", XATTR_REPLACE))).toBe("ENODATA");
  });

  test("file capabilities need CAP_SETFCAP and their form, except that an empty value passes", () => {
    const { sys, u } = machine();
    expect(errnoOf(() => u.setxattr("/mnt/f", "security.capability", CAPS))).toBe("EPERM");
    expect(errnoOf(() => u.setxattr("/mnt/f", "security.capability", "xx"))).toBe("EINVAL");
    expect(u.setxattr("/mnt/f", "security.capability", "")).toBe(0);
    expect(errnoOf(() => u.removexattr("/mnt/f", "security.capability"))).toBe("EPERM");
    expect(sys.setxattr("/mnt/f", "security.capability", CAPS)).toBe(0);
    // any write drops them, root's too
    sys.truncate("/mnt/f", 0);
    expect(sys.listxattr("/mnt/f")).toEqual([]);
  });

  test("pipes and anonymous files have no user attributes; pseudo files none at all", () => {
    const { k, sys } = machine();
    const [r] = sys.pipe();
    expect(errnoOf(() => sys.fsetxattr(r, "user.a", "x"))).toBe("EPERM");
    expect(errnoOf(() => sys.fgetxattr(r, "user.a"))).toBe("ENODATA");
    expect(errnoOf(() => sys.fsetxattr(r, "security.x", "x"))).toBe("EOPNOTSUPP");
    expect(k.vfs.fget(k.init, r).inode.sb.xattr).toBe(null);
    expect(sys.flistxattr(r)).toEqual([]);
  });

  test("raw access goes past permission, times and hooks", () => {
    const { k, sys } = machine();
    const { inode } = k.vfs.fget(k.init, sys.open("/mnt/f", 0));
    const before = sys.stat("/mnt/f");
    k.run("1s");
    setRaw(inode, "security.ima", Uint8Array.of(1));
    expect([...(getRaw(inode, "security.ima") ?? [])]).toEqual([1]);
    expect(sys.stat("/mnt/f")).toEqual(before);
    removeRaw(inode, "security.ima");
    expect(getRaw(inode, "security.ima")).toBe(null);
    expect(inode.xattrs).toBe(null);
  });
});

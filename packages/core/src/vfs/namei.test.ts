import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AT_FDCWD,
  O_CREAT,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from "../abi/constants.js";
import { childTask, errnoOf, vfsKernel } from "./testKernel.js";

describe("path walk", () => {
  test("the path may have 4095 bytes and a name 255, counted as UTF-8", () => {
    const s = vfsKernel().sys(vfsKernel().init);
    const k = vfsKernel();
    const sys = k.sys(k.init);
    expect(errnoOf(() => s.stat(`/${"é".repeat(2047)}`))).toBe("ENAMETOOLONG"); // 4095 bytes: the name is too long
    expect(errnoOf(() => sys.stat(`/${"./".repeat(2047)}`))).toBe(""); // 4095
    expect(errnoOf(() => sys.stat(`/${"./".repeat(2048)}`))).toBe("ENAMETOOLONG");
    expect(sys.mkdir(`/mnt/${"é".repeat(127)}`, 0o755)).toBe(0);
    expect(errnoOf(() => sys.mkdir(`/mnt/${"é".repeat(128)}`, 0o755))).toBe("ENAMETOOLONG");
    expect(sys.mkdir(`/mnt/${"😀".repeat(63)}abc`, 0o755)).toBe(0);
    expect(errnoOf(() => sys.mkdir(`/mnt/${"😀".repeat(63)}abcd`, 0o755))).toBe("ENAMETOOLONG");
  });

  test("a path is cut at its first NUL", () => {
    const k = vfsKernel();
    const sys = k.sys(k.init);
    sys.mkdir("/mnt/d\0x", 0o755);
    expect(sys.readdir("/mnt")).toEqual(["d"]);
    expect(sys.stat("/mnt/d\0/nothing").mode).toBe(0o40755);
    expect(errnoOf(() => sys.stat("\0"))).toBe("ENOENT");
    sys.symlink("d\0e", "/mnt/l");
    expect(sys.readlink("/mnt/l")).toBe("d");
  });

  test("slashes in a row are one, and an absolute path does not look at the descriptor", () => {
    const k = vfsKernel();
    const sys = k.sys(k.init);
    sys.mkdir("/mnt//d", 0o755);
    expect(sys.stat("///mnt///d///").ino).toBe(sys.stat("/mnt/d").ino);
    expect(sys.newfstatat(99, "/mnt/d", 0).ino).toBe(sys.stat("/mnt/d").ino);
    expect(errnoOf(() => sys.newfstatat(99, "d", 0))).toBe("EBADF");
    const f = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o600);
    expect(errnoOf(() => sys.newfstatat(f, "d", 0))).toBe("ENOTDIR");
    expect(errnoOf(() => sys.stat(null))).toBe("EFAULT");
  });

  test("dot-dot of a mount's root leads to the directory it is mounted on", () => {
    const k = vfsKernel();
    const sys = k.sys(k.init);
    sys.mkdir("/mnt/a", 0o755);
    sys.mkdir("/mnt/a/b", 0o755);
    sys.mount("t", "/mnt/a/b", "tmpfs", 0);
    sys.mount("t", "/mnt/a/b", "tmpfs", 0); // a second one on top
    sys.mkdir("/mnt/a/b/c", 0o755);
    expect(sys.stat("/mnt/a/b/c/../..").ino).toBe(sys.stat("/mnt/a").ino);
    sys.chdir("/mnt/a/b/c");
    expect(sys.getcwd()).toBe("/mnt/a/b/c");
    sys.chdir("../..");
    expect(sys.getcwd()).toBe("/mnt/a");
    sys.umount2("b", 0);
    expect(sys.readdir("b")).toEqual([]);
  });

  test("a link is followed in the middle of a path, and its access time moves", () => {
    const k = vfsKernel();
    const sys = k.sys(k.init);
    sys.mkdir("/mnt/d", 0o755);
    sys.writeFile("/mnt/d/f", "x");
    sys.symlink("/mnt/d/", "/mnt/l");
    sys.symlink("l", "/mnt/m");
    const before = sys.lstat("/mnt/l");
    k.run("1s");
    expect(sys.readText("/mnt/m/f")).toBe("x");
    expect(sys.lstat("/mnt/l").atime).toBe(before.atime + 1);
  });

  test("openat2 keeps a walk below its directory, in it as a root, on its mount, or off links", () => {
    const k = vfsKernel();
    const sys = k.sys(k.init);
    sys.mkdir("/mnt/d", 0o755);
    sys.mkdir("/mnt/d/e", 0o755);
    sys.writeFile("/mnt/d/f", "in");
    sys.writeFile("/mnt/f", "out");
    sys.symlink("/f", "/mnt/d/abs");
    sys.symlink("../f", "/mnt/d/up");
    const d = sys.open("/mnt/d", O_PATH | O_DIRECTORY);
    const at = (path: string, resolve: number): string => {
      let text = "";
      const e = errnoOf(() => {
        const f = sys.openat2(d, path, { flags: O_RDONLY, resolve });
        text = new TextDecoder().decode(sys.read(f, 10));
        sys.close(f);
      });
      return e === "" ? text : e;
    };
    expect(at("e/../f", RESOLVE_BENEATH)).toBe("in");
    expect(at("../f", RESOLVE_BENEATH)).toBe("EXDEV");
    expect(at("up", RESOLVE_BENEATH)).toBe("EXDEV");
    expect(at("abs", RESOLVE_BENEATH)).toBe("EXDEV");
    expect(at("/f", RESOLVE_BENEATH)).toBe("EXDEV");
    expect(at("/f", RESOLVE_IN_ROOT)).toBe("in");
    expect(at("abs", RESOLVE_IN_ROOT)).toBe("in");
    expect(at("up", RESOLVE_IN_ROOT)).toBe("in");
    expect(at("up", RESOLVE_NO_SYMLINKS)).toBe("ELOOP");
    expect(at("../f", 0)).toBe("out");
    sys.mount("t", "/mnt/d/e", "tmpfs", 0);
    sys.writeFile("/mnt/d/e/g", "there");
    expect(at("e/g", RESOLVE_NO_XDEV)).toBe("EXDEV");
    expect(at("f", RESOLVE_NO_XDEV)).toBe("in");
    expect(at("f", 0x1000)).toBe("EINVAL");
    expect(at("f", RESOLVE_BENEATH | RESOLVE_IN_ROOT)).toBe("EINVAL");
    expect(errnoOf(() => sys.openat2(AT_FDCWD, "/mnt/f", { flags: O_RDONLY, mode: 0o600 }))).toBe("EINVAL");
  });

  test("no path leads out of a chroot", () => {
    const part = fc.constantFrom("a", "b", "l", "up", "abs", "self", "..", ".", "", "m", "secret", "jail", "mnt");
    const paths = fc.array(part, { maxLength: 9 }).map((p) => p.join("/"));
    const k = vfsKernel();
    const sys = k.sys(k.init);
    sys.mkdir("/mnt/jail", 0o755);
    sys.writeFile("/mnt/secret", "secret");
    for (const d of ["a", "a/b", "a/b/a", "m"]) sys.mkdir(`/mnt/jail/${d}`, 0o755);
    sys.mount("t", "/mnt/jail/m", "tmpfs", 0);
    sys.mkdir("/mnt/jail/m/a", 0o755);
    sys.symlink("../../../..", "/mnt/jail/a/up");
    sys.symlink("/../../mnt", "/mnt/jail/a/b/abs");
    sys.symlink("a/up/a/b", "/mnt/jail/l");
    sys.symlink("../../../../..", "/mnt/jail/m/up");
    sys.symlink("self", "/mnt/jail/self");
    const inside = new Set<string>();
    const walk = (path: string): void => {
      const st = sys.lstat(path);
      inside.add(`${st.dev}:${st.ino}`);
      if ((st.mode & 0o170000) === 0o40000) for (const n of sys.readdir(path)) walk(`${path}/${n}`);
    };
    walk("/mnt/jail");
    const t = childTask(k);
    const jailed = k.sys(t);
    jailed.chroot("/mnt/jail");
    jailed.chdir("/");
    fc.assert(
      fc.property(paths, fc.boolean(), fc.boolean(), (path, absolute, cd) => {
        const p = absolute ? `/${path}` : path === "" ? "." : path;
        errnoOf(() => {
          const st = jailed.stat(p);
          expect(inside.has(`${st.dev}:${st.ino}`), p).toBe(true);
          if (cd) jailed.chdir(p);
          expect(jailed.getcwd().startsWith("/")).toBe(true);
        });
      }),
      { numRuns: 2000 },
    );
  });
});

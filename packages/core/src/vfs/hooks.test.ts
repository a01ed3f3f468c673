/** The joints that packages tap: what each is told, and what a refusal leaves behind. */
import { describe, expect, test } from "vitest";
import { MAP_SHARED, O_CREAT, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY, PROT_READ, PROT_WRITE } from "../abi/constants.js";
import { EACCES, EPERM } from "../abi/errno.js";
import { FMODE_CREATED } from "./file.js";
import { ATTR_MODE, ATTR_SIZE } from "./inode.js";
import { childTask, errnoOf, vfsKernel } from "./testKernel.js";

describe("hooks of files", () => {
  test("pathOpen is asked before O_TRUNC takes effect; refused, nothing is open and nothing cut", () => {
    const k = vfsKernel();
    const sys = k.sys(k.init);
    const seen: string[] = [];
    sys.writeFile("/mnt/f", "contents");
    let refuse = 0;
    k.core.hooks.pathOpen.tap(850, "test", (f, mask) => {
      seen.push(`${k.vfs.filePath(f)} ${mask} ${f.inode.size} ${(f.mode & FMODE_CREATED) !== 0}`);
      return refuse;
    });
    k.core.hooks.fileOpened.tap(850, "test", (f) => seen.push(`opened ${f.inode.size}`));
    sys.close(sys.open("/mnt/f", O_RDONLY));
    refuse = EACCES;
    const files = k.vfs.nrFiles;
    expect(errnoOf(() => sys.open("/mnt/f", O_RDWR | O_TRUNC))).toBe("EACCES");
    expect(k.vfs.nrFiles).toBe(files);
    refuse = 0;
    const { inode } = k.vfs.fget(k.init, sys.open("/mnt/f", O_WRONLY | O_TRUNC));
    expect([inode.writecount, inode.readcount]).toEqual([1, 0]);
    sys.open("/mnt/g", O_RDWR | O_CREAT, 0o600);
    expect(seen).toEqual([
      "/mnt/f 4 8 false",
      "opened 8",
      "/mnt/f 6 8 false",
      "/mnt/f 2 8 false",
      "opened 0",
      "/mnt/g 6 0 true",
      "opened 0",
    ]);
  });

  test("the final fput comes with the last close, dup and fork considered, while the writer still counts", () => {
    const k = vfsKernel();
    const a = childTask(k);
    const sys = k.sys(a);
    const log: string[] = [];
    k.core.hooks.fileClosed.tap(1, "test", () => log.push("close"));
    k.core.hooks.finalFput.tap(1, "test", (f) => log.push(`fput ${f.inode.writecount}`));
    const fd = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o600);
    sys.dup2(fd, 9);
    const child = k.sys(childTask(k, a));
    sys.close(fd);
    sys.close(9);
    child.close(9);
    expect(log).toEqual(["close", "close", "close"]);
    child.close(fd);
    expect(log.slice(3)).toEqual(["close", "fput 1"]);
  });

  for (const mode of ["task_work", "inline", "deferred"] as const) {
    test(`with fput "${mode}" a mapping that outlives close(2) ends the file at munmap`, () => {
      const k = vfsKernel({ vfs: { fput: mode } });
      const a = childTask(k);
      const sys = k.sys(a);
      let order = "";
      k.core.hooks.finalFput.tap(1, "test", () => {
        order += "fput ";
      });
      const fd = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o600);
      sys.ftruncate(fd, 4096);
      const addr = sys.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      sys.close(fd);
      expect(order).toBe("");
      sys.munmap(addr, 4096);
      order += "back ";
      k.run("1ms");
      expect(order).toBe(mode === "deferred" ? "back fput " : "fput back ");
    });
  }

  test("setattr may refuse chmod, chown and truncation; undone and not told, the inode is unchanged", () => {
    const k = vfsKernel();
    const sys = k.sys(k.init);
    sys.writeFile("/mnt/f", "abc");
    const log: string[] = [];
    k.core.hooks.setattr.tap(
      1,
      "first",
      () => 0,
      () => log.push("undo"),
    );
    k.core.hooks.setattr.tap(2, "second", (d, a) => (d.name === "f" && (a.valid & ATTR_MODE) !== 0 ? EPERM : 0));
    k.core.hooks.inodeChanged.tap(1, "test", (d, a) => log.push(`${d.name} ${(a.valid & ATTR_SIZE) !== 0}`));
    const before = sys.stat("/mnt/f");
    k.run("1s");
    expect(errnoOf(() => sys.chmod("/mnt/f", 0o777))).toBe("EPERM");
    expect(sys.stat("/mnt/f")).toEqual(before);
    expect(log).toEqual(["undo"]);
    sys.truncate("/mnt/f", 1);
    expect(log).toEqual(["undo", "f true"]);
  });

  test("attributes: a refused set or removal changes nothing, a done one is told", () => {
    const k = vfsKernel();
    const sys = k.sys(k.init);
    sys.writeFile("/mnt/f", "abc");
    const log: string[] = [];
    k.core.hooks.xattrSet.tap(850, "test", (_d, x) => (x.name === "security.ima" ? EPERM : 0));
    k.core.hooks.xattrRemove.tap(850, "test", (_d, name) => (name === "user.keep" ? EPERM : 0));
    k.core.hooks.xattrChanged.tap(850, "test", (d, name) => log.push(`${d.name}:${name}`));
    expect(errnoOf(() => sys.setxattr("/mnt/f", "security.ima", "x"))).toBe("EPERM");
    sys.setxattr("/mnt/f", "user.keep", "x");
    expect(errnoOf(() => sys.removexattr("/mnt/f", "user.keep"))).toBe("EPERM");
    expect(sys.listxattr("/mnt/f")).toEqual(["user.keep"]);
    expect(errnoOf(() => sys.setxattr("/mnt/f", "user.none", "x", 2))).toBe("ENODATA");
    expect(log).toEqual(["f:user.keep"]);
  });

  test("an inode's eviction is told once, with its data still there", () => {
    const k = vfsKernel();
    const sys = k.sys(k.init);
    const log: number[] = [];
    k.core.hooks.inodeEvict.tap(1, "test", (i) => log.push(i.mapping?.nrpages ?? -1));
    sys.writeFile("/mnt/f", new Uint8Array(8192));
    sys.link("/mnt/f", "/mnt/g");
    const fd = sys.open("/mnt/f", O_RDONLY);
    sys.unlink("/mnt/f");
    sys.unlink("/mnt/g");
    expect(log).toEqual([]);
    sys.close(fd);
    expect(log).toEqual([2]);
  });
});

import { createKernel } from "@kernelkit/core";
import { beforeEach, describe, expect, it } from "vitest";
import { ShellFs } from "./shellFs.js";

/** What just-bash's commands rely on in any file system: its contract, in our own words. */
describe("the kernel as just-bash's file system", () => {
  let fs: ShellFs;
  beforeEach(() => {
    const kernel = createKernel().boot();
    kernel.sys(kernel.init).umask(0o022);
    fs = new ShellFs(kernel.sys(kernel.init));
  });

  it("reads what was written, as text and as bytes", async () => {
    await fs.writeFile("/tmp/f", "grüße\n");
    expect(await fs.readFile("/tmp/f")).toBe("grüße\n");
    expect([...(await fs.readFileBuffer("/tmp/f"))].slice(0, 4)).toEqual([0x67, 0x72, 0xc3, 0xbc]);
    expect((await fs.readFileBytes("/tmp/f")) as unknown as string).toBe("gr\u00c3\u00bc\u00c3\u009fe\n");
    await fs.writeFile("/tmp/b", new Uint8Array([0, 255, 128]));
    expect([...(await fs.readFileBuffer("/tmp/b"))]).toEqual([0, 255, 128]);
    expect(await fs.readFile("/tmp/b", "latin1")).toBe("\u0000\u00ff\u0080");
  });

  it("replaces on write and adds on append, making the file if it is not there", async () => {
    await fs.writeFile("/tmp/f", "long content");
    await fs.writeFile("/tmp/f", "ab");
    await fs.appendFile("/tmp/f", "cd");
    await fs.appendFile("/tmp/g", "x");
    expect(await fs.readFile("/tmp/f")).toBe("abcd");
    expect(await fs.readFile("/tmp/g")).toBe("x");
  });

  it("says ENOENT, EISDIR and ENOTDIR in its errors", async () => {
    await expect(fs.readFile("/none")).rejects.toThrow("ENOENT");
    await expect(fs.readFile("/tmp")).rejects.toThrow("EISDIR");
    await fs.writeFile("/tmp/f", "");
    await expect(fs.readFile("/tmp/f/x")).rejects.toThrow("ENOTDIR");
    await expect(fs.writeFile("/none/x", "")).rejects.toThrow("ENOENT");
    await expect(fs.readdir("/tmp/f")).rejects.toThrow("ENOTDIR");
    await expect(fs.stat("/none")).rejects.toThrow("ENOENT");
  });

  it("makes directories, one or all on the way", async () => {
    await fs.mkdir("/tmp/a");
    await expect(fs.mkdir("/tmp/a")).rejects.toThrow("EEXIST");
    await expect(fs.mkdir("/tmp/x/y")).rejects.toThrow("ENOENT");
    await fs.mkdir("/tmp/x/y/z", { recursive: true });
    await fs.mkdir("/tmp/x/y/z", { recursive: true });
    expect((await fs.stat("/tmp/x/y/z")).isDirectory).toBe(true);
    await fs.writeFile("/tmp/x/f", "");
    await expect(fs.mkdir("/tmp/x/f", { recursive: true })).rejects.toThrow("EEXIST");
    expect(await fs.readdir("/tmp/x")).toEqual(["f", "y"]);
  });

  it("removes files, empty directories, and trees if asked", async () => {
    await fs.mkdir("/tmp/d/e", { recursive: true });
    await fs.writeFile("/tmp/d/e/f", "1");
    await expect(fs.rm("/tmp/d")).rejects.toThrow("ENOTEMPTY");
    await fs.rm("/tmp/d", { recursive: true });
    expect(await fs.exists("/tmp/d")).toBe(false);
    await expect(fs.rm("/tmp/d")).rejects.toThrow("ENOENT");
    await fs.rm("/tmp/d", { force: true });
  });

  it("copies and moves files and trees", async () => {
    await fs.mkdir("/tmp/d/e", { recursive: true });
    await fs.writeFile("/tmp/d/e/f", "1");
    await expect(fs.cp("/tmp/d", "/tmp/c")).rejects.toThrow("EISDIR");
    await fs.cp("/tmp/d", "/tmp/c", { recursive: true });
    await fs.mv("/tmp/d", "/tmp/m");
    expect(await fs.readFile("/tmp/c/e/f")).toBe("1");
    expect(await fs.readFile("/tmp/m/e/f")).toBe("1");
    expect(await fs.exists("/tmp/d")).toBe(false);
    await fs.mv("/tmp/m/e/f", "/dev/shm/f");
    expect(await fs.readFile("/dev/shm/f")).toBe("1");
  });

  it("knows links: lstat, readlink, realpath, hard links", async () => {
    await fs.mkdir("/tmp/d");
    await fs.writeFile("/tmp/d/f", "1");
    await fs.symlink("d/f", "/tmp/l");
    await fs.symlink("/tmp/d", "/tmp/ld");
    expect((await fs.lstat("/tmp/l")).isSymbolicLink).toBe(true);
    expect((await fs.stat("/tmp/l")).isFile).toBe(true);
    expect(await fs.readlink("/tmp/l")).toBe("d/f");
    expect(await fs.realpath("/tmp/ld/f")).toBe("/tmp/d/f");
    await fs.symlink("loop", "/tmp/loop");
    await expect(fs.realpath("/tmp/loop")).rejects.toThrow("ELOOP");
    await expect(fs.realpath("/tmp/none")).rejects.toThrow("ENOENT");
    await fs.link("/tmp/d/f", "/tmp/h");
    expect((await fs.stat("/tmp/h")).ino).toBe((await fs.stat("/tmp/d/f")).ino);
    await expect(fs.readlink("/tmp/d/f")).rejects.toThrow("EINVAL");
  });

  it("changes modes and times", async () => {
    await fs.writeFile("/tmp/f", "");
    expect((await fs.stat("/tmp/f")).mode).toBe(0o644);
    await fs.chmod("/tmp/f", 0o755);
    expect((await fs.stat("/tmp/f")).mode).toBe(0o755);
    await fs.utimes("/tmp/f", new Date(1000), new Date(1_500_000_000_123));
    expect((await fs.stat("/tmp/f")).mtime.getTime()).toBe(1_500_000_000_123);
  });

  it("resolves paths by text alone", () => {
    expect(fs.resolvePath("/a/b", "../c/./d")).toBe("/a/c/d");
    expect(fs.resolvePath("/a", "/x//y/")).toBe("/x/y");
    expect(fs.resolvePath("/", "../..")).toBe("/");
  });

  it("shows the kernel's own files", async () => {
    expect(await fs.readFile("/proc/uptime")).toMatch(/^\d+\.\d\d \d+\.\d\d\n$/);
    expect(await fs.readdir("/proc")).toContain("self");
  });
});

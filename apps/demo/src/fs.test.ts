import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { kernelFs } from "./fs.js";
import { bootKernel } from "./kernel.js";
import { shellTask } from "./shell/shell.js";

type AnyRead = (...a: unknown[]) => Promise<unknown>;

function world() {
  const kernel = bootKernel({ machine: { cpus: 2, memory: "256M" } });
  const task = shellTask(kernel);
  return { kernel, task, fs: kernelFs(kernel, task) };
}

const error = (fn: () => unknown): Record<string, unknown> => {
  try {
    fn();
  } catch (e) {
    const { code, errno, syscall, path, dest, message } = e as NodeJS.ErrnoException & { dest?: string };
    return { code, errno, syscall, path, message, ...(dest !== undefined && { dest }) };
  }
  throw new Error("did not fail");
};

describe("a Node fs over a kernel", () => {
  it("reads pseudo files to their end though their size is 0, in any encoding", async () => {
    const { fs } = world();
    const text = fs.readFileSync("/proc/meminfo", "utf8");
    expect(text).toMatch(/^MemTotal: +262144 kB\n/);
    expect(fs.statSync("/proc/meminfo").size).toBe(0);
    expect(fs.readFileSync(Buffer.from("/proc/../proc//meminfo")).toString("latin1")).toBe(text);
    expect(fs.readFileSync(new URL("file:///proc/meminfo"), { encoding: "utf8" })).toBe(text);
    expect(await fs.promises.readFile("/proc/meminfo", "utf8")).toBe(text);
    expect(await promisify(fs.readFile)("/proc/meminfo", "utf8")).toBe(text);
    await new Promise<void>((done) => {
      fs.readFile("/proc/meminfo", (e, data) => {
        expect(e).toBe(null);
        expect(Buffer.isBuffer(data)).toBe(true);
        done();
      });
    });
  });

  it("fails as Node does: code, errno, call, paths", async () => {
    const { fs } = world();
    const want = {
      code: "ENOENT",
      errno: -2,
      syscall: "open",
      path: "/nope",
      message: "ENOENT: no such file or directory, open '/nope'",
    };
    expect(error(() => fs.readFileSync("/nope"))).toEqual(want);
    await expect(fs.promises.readFile("/nope")).rejects.toMatchObject(want);
    expect(error(() => fs.readdirSync("/nope"))).toMatchObject({ syscall: "scandir", path: "/nope" });
    expect(error(() => fs.renameSync("/nope", "/x"))).toMatchObject({ syscall: "rename", path: "/nope", dest: "/x" });
    expect(error(() => fs.mkdirSync("/proc/x"))).toMatchObject({ code: "ENOENT", syscall: "mkdir" });
    expect(error(() => fs.writeFileSync("/proc/sys/kernel/pid_max", "x"))).toMatchObject({
      code: "EINVAL",
      syscall: "write",
    });
    expect(error(() => fs.readSync(99, Buffer.alloc(1)))).toMatchObject({ code: "EBADF", syscall: "read" });
    expect(error(() => fs.readFileSync(null as never))).toMatchObject({ code: "ERR_INVALID_ARG_TYPE" });
    expect(error(() => fs.readFile("/x", "utf8" as never))).toMatchObject({ code: "ERR_INVALID_ARG_TYPE" });
    expect(fs.existsSync("/nope")).toBe(false);
    expect(fs.statSync("/nope", { throwIfNoEntry: false })).toBe(undefined);
  });

  it("makes text anew for a read at 0 on a descriptor that is kept open", () => {
    const { fs, kernel } = world();
    const fd = fs.openSync("/proc/uptime", "r");
    const read = (): string => {
      const b = Buffer.alloc(64);
      return b.toString("utf8", 0, fs.readSync(fd, b, 0, 64, 0));
    };
    expect(read()).toBe("0.00 0.00\n");
    kernel.run("2s");
    expect(read()).toMatch(/^2\.00 /);
    fs.closeSync(fd);
    expect(error(() => fs.closeSync(fd))).toMatchObject({ code: "EBADF", syscall: "close" });
  });

  it("writes, lists, links, renames and removes", async () => {
    const { fs } = world();
    expect(fs.mkdirSync("/tmp/a/b/c", { recursive: true })).toBe("/tmp/a");
    expect(fs.mkdirSync("/tmp/a/b", { recursive: true })).toBe(undefined);
    fs.writeFileSync("/tmp/a/f", "hello", { mode: 0o600 });
    fs.appendFileSync("/tmp/a/f", Buffer.from(" world"));
    expect(fs.statSync("/tmp/a/f").mode & 0o777).toBe(0o600);
    fs.symlinkSync("../a/f", "/tmp/a/l");
    expect(fs.readlinkSync("/tmp/a/l")).toBe("../a/f");
    expect(fs.realpathSync("/tmp/./a//l")).toBe("/tmp/a/f");
    expect(fs.lstatSync("/tmp/a/l").isSymbolicLink()).toBe(true);
    expect(fs.statSync("/tmp/a/l").isFile()).toBe(true);
    expect(
      fs.readdirSync("/tmp/a", { withFileTypes: true }).map((d) => `${d.name}${d.isDirectory() ? "/" : ""}`),
    ).toEqual(["b/", "f", "l"]);
    expect(fs.readdirSync("/tmp/a", { recursive: true })).toEqual(["b", "b/c", "f", "l"]);
    fs.copyFileSync("/tmp/a/f", "/tmp/a/g");
    expect(error(() => fs.copyFileSync("/tmp/a/f", "/tmp/a/g", fs.constants.COPYFILE_EXCL))).toMatchObject({
      code: "EEXIST",
      syscall: "copyfile",
      dest: "/tmp/a/g",
    });
    fs.renameSync("/tmp/a/g", "/tmp/a/h");
    fs.utimesSync("/tmp/a/h", new Date(5000), 7.5);
    expect(fs.statSync("/tmp/a/h").mtimeMs).toBe(7500);
    expect(fs.statSync("/tmp/a/h", { bigint: true }).atimeNs).toBe(5_000_000_000n);
    expect(error(() => fs.rmSync("/tmp/a"))).toMatchObject({ code: "EISDIR" });
    expect(error(() => fs.rmdirSync("/tmp/a"))).toMatchObject({ code: "ENOTEMPTY", syscall: "rmdir" });
    fs.rmSync("/tmp/a", { recursive: true });
    fs.rmSync("/tmp/a", { force: true });
    expect(fs.existsSync("/tmp/a")).toBe(false);
  });

  it("has handles and streams", async () => {
    const { fs } = world();
    const h = await fs.promises.open("/tmp/s", "w+");
    await h.write("abc");
    expect((await h.read(Buffer.alloc(3), 0, 3, 0)).buffer.toString()).toBe("abc");
    expect((await h.stat()).size).toBe(3);
    await h.close();
    const w = fs.createWriteStream("/tmp/s", { flags: "a" });
    await new Promise<void>((done) => w.end("x".repeat(100_000), () => done()));
    let n = 0;
    for await (const piece of fs.createReadStream("/tmp/s")) n += (piece as Buffer).length;
    expect(n).toBe(100_003);
    let part = "";
    for await (const piece of fs.createReadStream("/tmp/s", { start: 1, end: 3, encoding: "utf8" })) part += piece;
    expect(part).toBe("bcx");
    const broken = fs.createReadStream("/nope");
    await expect(new Promise((_, fail) => broken.on("error", fail))).rejects.toMatchObject({ code: "ENOENT" });
    expect(
      await (promisify(fs.read) as unknown as AnyRead)(fs.openSync("/tmp/s", "r"), Buffer.alloc(2), 0, 2, 1),
    ).toMatchObject({
      bytesRead: 2,
    });
  });

  it("is the view of its task: rights, and /proc/self with the descriptor that lists it", () => {
    const { fs, kernel, task } = world();
    expect(fs.readlinkSync("/proc/self")).toBe(String(task.nr));
    expect(fs.readdirSync("/proc/self/fd")).toEqual(["0"]);
    fs.writeFileSync("/tmp/secret", "x", { mode: 0o600 });
    const other = shellTask(kernel);
    kernel.sys(other).setresuid(1000, 1000, 1000);
    expect(error(() => kernelFs(kernel, other).readFileSync("/tmp/secret"))).toMatchObject({ code: "EACCES" });
  });
});

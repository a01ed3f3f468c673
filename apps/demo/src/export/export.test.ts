/** Trees that are kept current, and programs over them without root's rights. */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { main } from "../cli/main.js";
import { loudly } from "../clients/fixture.js";
import { bootLayout } from "../layouts/layout.js";
import { ExportedTree } from "./exportTree.js";
import { cannotRun, RUN_MODES, runOver } from "./runOver.js";

const M = 2 ** 20;
const SMALL = { machine: { cpus: 2, nodes: 1, memory: "256M" }, layout: { memory: 128 * M, cpus: 1, rss: M } } as const;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "kernelkit-export-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
  vi.restoreAllMocks();
  process.exitCode = 0;
});

/** What a program reads that has had the file open all the time: vmstat, top, libproc2. */
function again(fd: number): string {
  const buf = Buffer.alloc(65536);
  return buf.toString("utf8", 0, readSync(fd, buf, 0, buf.length, 0));
}

describe("a live tree", () => {
  it("rewrites its files in place: who has one open reads what is new, and nothing is left of a longer text", () => {
    const b = bootLayout("docker-v2", SMALL);
    const tree = new ExportedTree(b.kernel, b.task, dir);
    tree.update();
    const file = tree.at("/proc/uptime");
    const limit = tree.at("/sys/fs/cgroup/memory.max");
    const fds = [openSync(file, "r"), openSync(limit, "r")];
    const inode = statSync(file).ino;
    expect(again(fds[0])).toMatch(/^0\.00 /);
    b.kernel.run("12s");
    const host = b.kernel.sys(b.kernel.init);
    const group = host.readdir("/sys/fs/cgroup/system.slice").find((n) => n.startsWith("docker-"));
    host.writeFile(`/sys/fs/cgroup/system.slice/${group}/memory.max`, "64M");
    tree.update();
    expect(again(fds[0])).toMatch(/^12\.\d\d /);
    expect(again(fds[1])).toBe("67108864\n");
    expect(fstatSync(fds[1]).size).toBe(9);
    expect(statSync(file).ino).toBe(inode);
    for (const fd of fds) closeSync(fd);
  });

  it("follows processes that come and go, and links", () => {
    const b = bootLayout("bare-v2", { ...SMALL, layout: { rss: M } });
    const tree = new ExportedTree(b.kernel, b.task, dir);
    tree.update();
    const child = b.kernel.sys(b.kernel.init).fork();
    tree.update();
    expect(readFileSync(tree.at(`/proc/${child}/stat`), "utf8")).toMatch(new RegExp(`^${child} `));
    expect(readlinkSync(tree.at("/proc/self"))).toBe("42");
    b.kernel.sys(b.kernel.init).kill(child, 9);
    b.kernel.sys(b.kernel.init).wait4(child, 0);
    tree.update();
    expect(existsSync(tree.at(`/proc/${child}`))).toBe(false);
  });

  it("is what `export --live` keeps until it is interrupted", async () => {
    vi.spyOn(process.stdout, "write").mockReturnValue(true);
    const tree = join(dir, "tree");
    const done = main([
      "node",
      "kernelkit",
      "export",
      tree,
      "--layout",
      "bare-v2",
      "--machine",
      "1cpu,128M",
      "--rss",
      "1M",
      "--live",
      "--interval",
      "20",
    ]);
    let fd = -1;
    await vi.waitFor(() => {
      fd = openSync(join(tree, "proc/uptime"), "r");
    }, 60_000);
    await vi.waitFor(() => expect(Number(again(fd).split(" ")[0])).toBeGreaterThan(0.03), 60_000);
    expect(fstatSync(fd).nlink).toBe(1);
    process.emit("SIGINT");
    await done;
    closeSync(fd);
  });
});

const NOBODY = 65534;
describe("without root's rights", () => {
  const why = process.getuid?.() === 0 ? cannotRun(NOBODY) : cannotRun();
  if (why !== null) loudly(`run as an ordinary user: ${why}`);
  it.skipIf(why !== null).each([...RUN_MODES])("%s: a program sees the layout", (mode) => {
    const b = bootLayout("docker-v2", SMALL);
    new ExportedTree(b.kernel, b.task, dir).update();
    // as if that user had written it
    if (process.getuid?.() === 0) spawnSync("chown", ["-R", String(NOBODY), dir]);
    const r = runOver({
      mode,
      dir,
      pid: 42,
      hostname: b.hostname,
      env: b.env,
      command: ["cat", "/proc/self/cgroup", "/sys/fs/cgroup/memory.max", "/proc/meminfo"],
      capture: true,
      timeoutMs: 60_000,
      ...(process.getuid?.() === 0 && { uid: NOBODY }),
    });
    expect(r.stderr).toBe("");
    expect(r.stdout).toMatch(/^0::\/\n134217728\nMemTotal: +262144 kB\n/);
  });
});

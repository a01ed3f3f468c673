/** Files, directories, mounts, pipes and sleeping calls in a checkpoint. */
import { expect, test } from "vitest";
import { MNT_DETACH, MS_BIND, O_CREAT, O_RDWR, O_TMPFILE, O_WRONLY, S_IFIFO } from "../abi/constants.js";
import { builder } from "../kernel/createKernel.js";
import { program } from "../kernel/program.js";
import { mmPart } from "../mm/part.js";
import type { CoreSys } from "../sys/coreSys.js";
import type { Program } from "../sys/types.js";
import { vfsPart } from "./part.js";
import { vfsKernel } from "./testKernel.js";

type S = { fd: number; n: number; i: number };
const writer = program("writer", function* (sys: Program<CoreSys>, s: S) {
  for (; s.i < s.n; s.i++) {
    yield* sys.restPoint(s);
    yield* sys.write(s.fd, new Uint8Array(3000).fill(s.i));
    const out = yield* sys.open(`/mnt/d/${s.i % 7}`, O_WRONLY | O_CREAT, 0o644);
    yield* sys.write(out, `round ${s.i}`);
    yield* sys.close(out);
    if (s.i % 3 === 0) yield* sys.rename(`/mnt/d/${s.i % 7}`, `/mnt/d/r${s.i % 5}`);
  }
  return 0;
});
const reader = program("reader", function* (sys: Program<CoreSys>, s: S) {
  for (; s.i < s.n; s.i++) {
    yield* sys.restPoint(s);
    const data = yield* sys.read(s.fd, 5000);
    if (data.length === 0) return 1;
    yield* sys.compute(50_000);
  }
  return 0;
});

function start() {
  const k = vfsKernel();
  const sys = k.sys(k.init);
  sys.mkdir("/mnt/d", 0o755);
  sys.mount("t", "/mnt/d", "tmpfs", 0, "size=1m");
  sys.mkdir("/mnt/b", 0o755);
  sys.mount("/mnt/d", "/mnt/b", null, MS_BIND);
  sys.writeFile("/mnt/d/file", "hello");
  sys.setxattr("/mnt/d/file", "user.x", "y");
  sys.symlink("file", "/mnt/d/link");
  const nameless = sys.open("/mnt/d", O_RDWR | O_TMPFILE, 0o600);
  sys.write(nameless, "nameless");
  sys.mount("gone", "/mnt/b", "tmpfs", 0);
  const gone = sys.open("/mnt/b/gone", O_RDWR | O_CREAT, 0o600);
  sys.write(gone, "gone");
  sys.umount2("/mnt/b", MNT_DETACH);
  sys.mknod("/mnt/d/fifo", S_IFIFO | 0o644);
  const [r, w] = sys.pipe();
  k.spawn(reader, { fd: r, n: 40, i: 0 });
  k.spawn(writer, { fd: w, n: 40, i: 0 });
  sys.chdir("/mnt/b");
  return { k, nameless, gone };
}

test("a run restored from a checkpoint taken in the middle ends as the uninterrupted one", () => {
  const whole = start();
  whole.k.run("1s");
  const digest = whole.k.digest();
  const names = whole.k.sys(whole.k.init).readdir("/mnt/d");
  const half = start();
  half.k.run("1ms");
  const saved = JSON.parse(JSON.stringify(half.k.checkpoint()));
  const k = builder<CoreSys>([mmPart, vfsPart], {}).restore(saved, [reader, writer]);
  for (const kernel of [k, half.k]) {
    kernel.run("999ms");
    expect(kernel.digest()).toBe(digest);
    const sys = kernel.sys(kernel.init);
    expect(sys.readText("/mnt/d/link")).toBe("hello");
    expect(new TextDecoder().decode(sys.getxattr("/mnt/b/file", "user.x"))).toBe("y");
    expect(sys.readdir("/mnt/d")).toEqual(names);
    expect(new TextDecoder().decode(sys.pread64(half.nameless, 20, 0))).toBe("nameless");
    expect(new TextDecoder().decode(sys.pread64(half.gone, 20, 0))).toBe("gone");
    expect(sys.getcwd()).toBe("/mnt/b");
    // the cache of names works, old and new
    sys.writeFile("/mnt/d/new", "new");
    expect(sys.readText("/mnt/b/new")).toBe("new");
    sys.unlink("/mnt/d/file");
    expect(sys.readdir("/mnt/b").includes("file")).toBe(false);
    sys.close(half.gone);
  }
});

import { describe, expect, it } from "vitest";
import { O_CREAT, O_WRONLY } from "../abi/fcntl.js";
import type { CoreSys } from "../sys/coreSys.js";
import type { Program } from "../sys/types.js";
import { createMachine } from "./createKernel.js";
import { createKernel } from "./full.js";
import { program } from "./program.js";

type Sys = Program<CoreSys>;

/** A binary tree of processes, each waiting for its two children. */
const tree = program("tree", function* (sys: Sys, s: { depth: number }): Generator<undefined, number, void> {
  let below = 0;
  if (s.depth > 0) {
    const children = [
      yield* sys.fork(tree as never, { depth: s.depth - 1 } as never),
      yield* sys.fork(tree as never, { depth: s.depth - 1 } as never),
    ];
    for (const pid of children) {
      const w = yield* sys.wait4(pid, 0);
      if (w !== null && w.pid === pid) below++;
    }
  }
  if (s.depth === 0) yield* sys.nanosleep(1_000_000);
  return below === (s.depth > 0 ? 2 : 0) ? 0 : 1;
});

const sleeper = program("sleeper", function* (sys: Sys, s: { n: number }) {
  for (;;) yield* sys.nanosleep(10_000 + s.n);
});

describe("size", () => {
  it("a tree of 1023 processes forks, is waited for, and leaves nothing", () => {
    const kernel = createKernel({ machine: { cpus: 4 } }).boot();
    const before = kernel.tasks.all().length;
    kernel.spawn(tree, { depth: 9 });
    let most = 0;
    for (let i = 0; i < 200 && (i === 0 || kernel.tasks.all().length > before + 1); i++) {
      kernel.run("200us");
      most = Math.max(most, kernel.tasks.all().length);
    }
    expect(most).toBeGreaterThan(500);
    // the root of the tree is init's to wait for
    kernel.sys(kernel.init).wait4(-1, 0);
    expect(kernel.tasks.all().length).toBe(before);
    expect(kernel.sys(kernel.init).readText("/proc/stat")).toMatch(/^processes 10\d\d$/m);
  });

  it("a directory of 100,000 files is filled, listed and emptied", () => {
    const kernel = createKernel().boot();
    const sys = kernel.sys(kernel.init);
    sys.mkdir("/tmp/many", 0o755);
    sys.chdir("/tmp/many");
    for (let i = 0; i < 100_000; i++) sys.close(sys.open(`file-${i}`, O_WRONLY | O_CREAT, 0o644));
    const names = sys.readdir("/tmp/many");
    expect(names.length).toBe(100_000);
    expect(new Set(names).size).toBe(100_000);
    expect(sys.stat("/tmp/many").size).toBe(40 + 20 * 100_000);
    for (const n of names) sys.unlink(n);
    expect(sys.readdir("/tmp/many")).toEqual([]);
    sys.chdir("/");
    sys.rmdir("/tmp/many");
  });

  it("a million events need no more memory than the first thousands", () => {
    const kernel = createMachine({ machine: { cpus: 2 } }).boot();
    for (let n = 0; n < 100; n++) kernel.spawn(sleeper as never, { n } as never);
    kernel.run("5ms");
    const heap = (): number => {
      (globalThis as { gc?: () => void }).gc?.();
      return process.memoryUsage().heapUsed;
    };
    const before = heap();
    kernel.run("60ms");
    // a tape entry per call of a program without rest points is one repeated result; the rest is noise of the test runner
    expect(heap() - before).toBeLessThan(30e6);
    expect(kernel.core.sched.ctxt).toBeGreaterThan(5e5);
  });
});

import { describe, expect, it } from "vitest";
import { O_CREAT, O_RDONLY, O_RDWR, O_WRONLY } from "../abi/fcntl.js";
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from "../abi/mman.js";
import { SA_RESTART, SIGUSR1 } from "../abi/signal.js";
import { Rng } from "../lib/rng.js";
import type { CoreSys } from "../sys/coreSys.js";
import type { Program } from "../sys/types.js";
import { createKernel } from "./full.js";
import { program } from "./program.js";

type Sys = Program<CoreSys>;

const onSignal = program("onSignal", function* (sys: Sys, _: unknown) {
  yield* sys.compute(1500);
});

const child = program("child", function* (sys: Sys, s: { pages: number }) {
  yield* sys.compute(300_000);
  const at = yield* sys.mmap(0, s.pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  yield* sys.touch(Number(at), s.pages, true);
  yield* sys.nanosleep(700_000);
  return 3;
});

const worker = program("worker", function* (sys: Sys, s: { i: number; id: number }) {
  if (s.i === 0) yield* sys.rt_sigaction(SIGUSR1, { handler: onSignal, flags: SA_RESTART });
  for (; s.i < 60; s.i++) {
    yield* sys.restPoint(s);
    const fd = yield* sys.open(`/tmp/f${s.i % 5}`, O_RDWR | O_CREAT, 0o644);
    yield* sys.write(fd, `round ${s.i} of ${s.id}`);
    yield* sys.close(fd);
    yield* sys.nanosleep(400_000 + 100_000 * s.id);
    if (s.i % 10 === 3) {
      const pid = yield* sys.fork(child, { pages: 1 + s.id });
      yield* sys.wait4(pid, 0);
    }
    if (s.i % 7 === 2) {
      const dir = `/sys/fs/cgroup/w${s.id}-${s.i}`;
      yield* sys.mkdir(dir, 0o755);
      yield* sys.writeFile(`${dir}/cgroup.procs`, "0");
    }
    yield* sys.readText("/proc/self/status");
  }
});

/** Two ends of a pipe in two processes, and signals in between. */
const talker = program("talker", function* (sys: Sys, s: { i: number }) {
  const [r, w] = (yield* sys.pipe2(0)) as [number, number];
  const pid = yield* sys.fork(listener, { r, w });
  yield* sys.close(r);
  for (; s.i < 80; s.i++) {
    yield* sys.write(w, "x".repeat(1000 + 37 * s.i));
    if (s.i % 9 === 4) yield* sys.kill(pid, SIGUSR1);
    yield* sys.nanosleep(150_000);
  }
  yield* sys.close(w);
  yield* sys.wait4(pid, 0);
});
const listener = program("listener", function* (sys: Sys, s: { r: number; w: number }) {
  yield* sys.rt_sigaction(SIGUSR1, { handler: onSignal, flags: 0 });
  yield* sys.close(s.w);
  let sum = 0;
  for (;;) {
    try {
      const got = yield* sys.read(s.r, 3000);
      if (got.length === 0) break;
      sum += got.length;
    } catch {
      sum++; // EINTR
    }
    yield* sys.compute(90_000);
  }
  const fd = yield* sys.open("/tmp/sum", O_WRONLY | O_CREAT, 0o600);
  yield* sys.write(fd, String(sum));
});
const PROGRAMS = [onSignal, child, worker, talker, listener];

const END = 45e6;
const build = () => createKernel({ machine: { cpus: 2 }, seed: 11 });
function start() {
  const kernel = build().boot();
  for (let id = 0; id < 3; id++) kernel.spawn(worker, { i: 0, id });
  kernel.spawn(talker, { i: 0 });
  return kernel;
}

describe("a checkpoint of a busy kernel", () => {
  it("at any instant, restored in a new kernel, continues to the digest of the run that was never interrupted", () => {
    const whole = start();
    whole.core.runTo(END);
    const end = whole.digest();
    const sum = whole.sys(whole.init).readText("/tmp/sum");
    expect(Number(sum)).toBeGreaterThan(80_000);
    const rng = new Rng("instants");
    const instants = Array.from({ length: 100 }, () => rng.below(END)).sort((a, b) => a - b);
    const kernel = start();
    for (const at of instants) {
      kernel.core.runTo(at);
      const json = JSON.stringify(kernel.checkpoint());
      const back = build().restore(JSON.parse(json), PROGRAMS);
      expect(back.now).toBe(at);
      back.core.runTo(END);
      expect(back.digest()).toBe(end);
      expect(back.sys(back.init).readText("/tmp/sum")).toBe(sum);
    }
    kernel.core.runTo(END);
    expect(kernel.digest()).toBe(end);
  });

  it("goes back inside one kernel, and what a user holds stays good", () => {
    const kernel = start();
    const sh = kernel.tasks.find(kernel.sys(kernel.init).fork());
    if (sh === null) throw new Error("no child");
    kernel.run("5ms");
    const early = kernel.checkpoint();
    const fd = kernel.sys(sh).open("/tmp/later", O_WRONLY | O_CREAT, 0o644);
    kernel.run("10ms");
    const digest = kernel.digest();
    (kernel as unknown as { restore(c: unknown): void }).restore(JSON.parse(JSON.stringify(early)));
    expect(kernel.now).toBe(5e6);
    expect(() => kernel.sys(sh).open("/tmp/later", O_RDONLY)).toThrow("ENOENT");
    expect(kernel.sys(sh).open("/tmp/later", O_WRONLY | O_CREAT, 0o644)).toBe(fd);
    kernel.run("10ms");
    expect(kernel.digest()).not.toBe(digest); // the failed open is part of the run
    expect(kernel.tasks.find(sh.nr)).toBe(sh);
  });
});

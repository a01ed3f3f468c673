/**
 * A busy kernel for tests of checkpoints: files, pipes, signals, memory, control groups, processes that come and go. `start()` boots it; at
 * `END` everything has happened.
 */
import { O_CREAT, O_RDWR, O_WRONLY } from "../abi/fcntl.js";
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from "../abi/mman.js";
import { SA_RESTART, SIGUSR1 } from "../abi/signal.js";
import type { Builder, EmptyApi } from "../kernel/feature.js";
import { createKernel } from "../kernel/full.js";
import type { Kernel } from "../kernel/kernel.js";
import { type AnyProgramDef, program } from "../kernel/program.js";
import type { CoreSys } from "../sys/coreSys.js";
import type { Program } from "../sys/types.js";

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
/** What a restored kernel needs to know. */
export const PROGRAMS: readonly AnyProgramDef[] = [
  onSignal,
  child,
  worker,
  talker,
  listener,
] as unknown as readonly AnyProgramDef[];

/** ns */
export const END = 45e6;
export const build = (): Builder<EmptyApi, CoreSys> => createKernel({ machine: { cpus: 2 }, seed: 11 });
export function start(): Kernel<EmptyApi, CoreSys> {
  const kernel = build().boot();
  for (let id = 0; id < 3; id++) kernel.spawn(worker, { i: 0, id });
  kernel.spawn(talker, { i: 0 });
  return kernel;
}

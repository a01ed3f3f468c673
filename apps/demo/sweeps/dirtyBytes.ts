/**
 * What should vm.dirty_bytes be on this disk? A copy that writes as fast as it may, beside an application that writes a little now and
 * then and must not wait long: how long its writes take, what the disk gets done, and how many seconds of writes are in memory alone, over
 * the disk's speed and the limit.
 *
 *     kernelkit sweep apps/demo/sweeps/dirtyBytes.ts --svg dirtyBytes.svg
 */
import {
  type CoreSys,
  createKernel,
  NR_FILE_DIRTY,
  NR_WRITEBACK,
  O_CREAT,
  O_WRONLY,
  type Program,
  program,
  Rng,
} from "@kernelkit/core";
import { defineScenario, defineSweep } from "@kernelkit/sweep/define";
import { writeback } from "@kernelkit/writeback";
import * as v from "valibot";

const MIB = 2 ** 20;
const COPY_CHUNK = 256 << 10;
const WRITE = 4096;
/** The application's pauses between writes, ns: about 20 ms, drawn from the run's seed. */
const PAUSE_NS = 20e6;
/** Time before anything is counted: the control loop finds the disk's speed first. */
const SETTLE_S = 5;

const ns = (t: { sec: number; nsec: number }): number => t.sec * 1e9 + t.nsec;

/** Writes files without end. */
const copy = program("cp", function* (sys: Program<CoreSys>, s: { file: number }) {
  for (; ; s.file++) {
    const fd = yield* sys.open(`/mnt/copy${s.file}`, O_WRONLY | O_CREAT, 0o644);
    const data = new Uint8Array(COPY_CHUNK);
    for (let written = 0; written < 64 * MIB; written += COPY_CHUNK) yield* sys.write(fd, data);
    yield* sys.close(fd);
  }
});

/** Writes 4 KiB after each pause, and how long it took, in ns, to a list. */
const application = program("app", function* (sys: Program<CoreSys>, s: { pauses: number[]; i: number }) {
  const fd = yield* sys.open("/mnt/log", O_WRONLY | O_CREAT, 0o644);
  const list = yield* sys.open("/tmp/times", O_WRONLY | O_CREAT, 0o644);
  const data = new Uint8Array(WRITE);
  for (; s.i < s.pauses.length; s.i++) {
    yield* sys.nanosleep(s.pauses[s.i]);
    const before = ns(yield* sys.clock_gettime(1));
    yield* sys.write(fd, data);
    const after = ns(yield* sys.clock_gettime(1));
    yield* sys.write(list, `${before} ${after - before}\n`);
  }
});

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];

export const scenario = defineScenario({
  id: "dirty-bytes",
  question: "What should vm.dirty_bytes be on this disk?",
  parameters: v.object({
    diskMibPerSecond: v.pipe(v.number(), v.minValue(1)),
    dirtyMib: v.pipe(v.number(), v.minValue(1), v.maxValue(256)),
    seconds: v.optional(v.pipe(v.number(), v.minValue(SETTLE_S + 1)), 15),
    seekMs: v.optional(v.pipe(v.number(), v.minValue(0)), 4),
  }),
  run({ diskMibPerSecond, dirtyMib, seconds, seekMs }, { seed, limits }) {
    const kernel = createKernel({ machine: { memory: "1G", cpus: 2 }, seed, limits })
      .use(writeback({ contents: "none" }))
      .boot();
    const sys = kernel.sys(kernel.init);
    kernel.writeback.addDevice("sda", {
      writeBps: diskMibPerSecond * MIB,
      seekNs: seekMs * 1e6,
      queueDepth: 32,
    });
    sys.mount("/dev/sda", "/mnt", "ext4", 0);
    sys.writeFile("/proc/sys/vm/dirty_background_bytes", String(Math.round((dirtyMib / 2) * MIB)));
    sys.writeFile("/proc/sys/vm/dirty_bytes", String(Math.round(dirtyMib * MIB)));
    const rng = new Rng(seed);
    const pauses = Array.from({ length: Math.ceil((seconds * 2e9) / PAUSE_NS) }, () =>
      Math.round(PAUSE_NS * (0.5 + rng.float())),
    );
    kernel.spawn(copy, { file: 0 });
    kernel.spawn(application, { pauses, i: 0 });
    kernel.run(`${SETTLE_S}s`);
    const from = kernel.now;
    const written = (): number => kernel.mm.read(kernel.mm.stat("nr_written"));
    const before = written();
    kernel.run(`${seconds - SETTLE_S}s`);
    const waits = sys
      .readText("/tmp/times")
      .trim()
      .split("\n")
      .map((line) => line.split(" ").map(Number))
      .filter(([at]) => at >= from)
      .map(([, ns]) => ns / 1e6)
      .sort((a, b) => a - b);
    const throughput = (written() - before) / 256 / (seconds - SETTLE_S);
    const backlog = (kernel.mm.read(NR_FILE_DIRTY) + kernel.mm.read(NR_WRITEBACK)) / 256;
    return {
      numbers: {
        stallP99Ms: quantile(waits, 0.99),
        stallMaxMs: waits[waits.length - 1],
        writesPerSecond: waits.length / (seconds - SETTLE_S),
        throughputMibs: throughput,
        backlogSeconds: backlog / throughput,
      },
      digest: kernel.digest(),
    };
  },
});

export default defineSweep({
  name: "What should vm.dirty_bytes be on this disk?",
  scenario,
  space: { diskMibPerSecond: [5, 10, 20, 40, 80], dirtyMib: [4, 8, 16, 32, 64, 128] },
  seeds: 3,
  // as little as possible that a power cut would take, as long as nobody feels the limit
  objective: { measure: "backlogSeconds", goal: "min", subjectTo: [{ measure: "stallP99Ms", max: 50 }] },
});

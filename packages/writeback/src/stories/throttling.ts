/** How several writers of one disk are slowed down: by writing pages themselves (before 3.1), or by pauses that the control loop computes. */
import {
  type CoreSys,
  createKernel,
  NR_FILE_DIRTY,
  NR_WRITEBACK,
  O_CREAT,
  O_WRONLY,
  type Program,
  program,
} from "@kernelkit/core";
import { knobsOf, type Story, type StoryResult } from "@kernelkit/core/stories";
import type { Throttle } from "../options.js";
import { writeback } from "../writeback.js";

type Knobs = { writers: number; seconds: number; mibPerSecond: number; seekMs: number; dirtyMib: number };

const CHUNK = 65536;
/** All writers' files stay in memory: they grow to so much together, and are then written again from the start. */
const FILE_MIB = 1536;

/** Writes a file of `bytes` over and over; what it wrote and what its longest write took (bytes, ns) is in another file. */
const writer = program("writer", function* (sys: Program<CoreSys>, s: { n: number; bytes: number }) {
  const fd = yield* sys.open(`/mnt/f${s.n}`, O_WRONLY | O_CREAT, 0o644);
  const report = yield* sys.open(`/tmp/report${s.n}`, O_WRONLY | O_CREAT, 0o644);
  const data = new Uint8Array(CHUNK);
  const ns = (t: { sec: number; nsec: number }): number => t.sec * 1e9 + t.nsec;
  let longest = 0;
  let before = ns(yield* sys.clock_gettime(1));
  for (let written = 0; ; written += CHUNK) {
    yield* sys.pwrite64(fd, data, written % s.bytes);
    const after = ns(yield* sys.clock_gettime(1));
    longest = Math.max(longest, after - before);
    yield* sys.pwrite64(report, `${written + CHUNK} ${longest}`, 0);
    before = after;
  }
});

function contend(throttle: Throttle, k: Knobs) {
  const kernel = createKernel({ machine: { memory: "2G", cpus: 4 } })
    .use(writeback({ throttle, contents: "none" }))
    .boot();
  const sys = kernel.sys(kernel.init);
  const disk = kernel.writeback.addDevice("sda", {
    writeBps: k.mibPerSecond * 2 ** 20,
    seekNs: k.seekMs * 1e6,
    queueDepth: 32,
  });
  sys.mount("/dev/sda", "/mnt", "ext4", 0);
  sys.writeFile("/proc/sys/vm/dirty_background_bytes", String((k.dirtyMib / 2) * 2 ** 20));
  sys.writeFile("/proc/sys/vm/dirty_bytes", String(k.dirtyMib * 2 ** 20));
  const bytes = Math.max(1, Math.floor((FILE_MIB * 2 ** 20) / k.writers / CHUNK)) * CHUNK;
  const all = Array.from({ length: k.writers }, (_, n) => n);
  for (const n of all) kernel.spawn(writer, { n, bytes });
  const x: number[] = [];
  const y: number[] = [];
  for (let t = 0; t < k.seconds; t += 0.25) {
    kernel.run("250ms");
    x.push(t + 0.25);
    y.push((kernel.mm.read(NR_FILE_DIRTY) + kernel.mm.read(NR_WRITEBACK)) / 256);
  }
  const settled = y.slice(Math.floor(y.length / 3));
  const reports = all.map((n) => sys.readText(`/tmp/report${n}`).split(" ").map(Number));
  const written = reports.map(([bytes]) => bytes);
  return {
    x,
    y,
    longest: Math.max(...reports.map(([, longest]) => longest)) / 1e9,
    meanDirty: settled.reduce((a, b) => a + b, 0) / settled.length,
    spread: Math.max(...settled) - Math.min(...settled),
    requests: disk.requests,
    seeks: disk.seeks,
    written: written.reduce((a, b) => a + b, 0) / 2 ** 20,
    unfair: Math.max(...written) / Math.max(1, Math.min(...written)),
  };
}

export const throttling: Story<Knobs> = {
  id: "dirty-throttling",
  question: "What do writers of a slow disk feel when they must write pages themselves, and what with computed pauses?",
  source: "kernel document admin-guide/sysctl/vm; comments of balance_dirty_pages()",
  claim:
    "under the control loop no write is held up for more than a few seconds at the start, pauses are at most 200 ms each and all writers get the same; writers that write themselves stall several times as long, and give the disk more and smaller requests",
  assumes: [
    "the disk's seeks take a fixed time; files lie in one piece where they can",
    "a writer needs no time of its own",
  ],
  knobs: {
    writers: { kind: "number", default: 4, min: 1, max: 64, unit: "writers" },
    seconds: { kind: "number", default: 30, min: 5, max: 3600, unit: "s" },
    mibPerSecond: { kind: "number", default: 10, min: 1, max: 4096, unit: "MiB/s" },
    seekMs: { kind: "number", default: 8, min: 0, max: 100, unit: "ms" },
    dirtyMib: { kind: "number", default: 16, min: 2, max: 256, unit: "MiB" },
  },
  run(given): StoryResult {
    const k = knobsOf<Knobs>(this.knobs, given);
    const rows: (string | number)[][] = [];
    const numbers: Record<string, number> = {};
    const series: StoryResult["series"][number][] = [];
    for (const design of ["writer-writeback", "control-loop"] as const) {
      const { x, y, ...r } = contend(design, k);
      series.push({ name: `dirty, ${design}`, unit: "MiB", of: "seconds", x, y });
      rows.push([design, r.longest, r.meanDirty, r.spread, r.written, r.requests, r.seeks, r.unfair]);
      for (const [name, v] of Object.entries(r)) numbers[`${design}.${name}`] = v;
    }
    const columns = [
      "design",
      "longest write, s",
      "mean dirty, MiB",
      "spread of dirty, MiB",
      "written, MiB",
      "requests",
      "seeks",
      "most to least of a writer",
    ];
    return { series, table: { columns, rows }, numbers };
  },
};

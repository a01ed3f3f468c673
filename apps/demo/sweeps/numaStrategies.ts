/**
 * Which NUMA strategy wins on which shape of program? Four threads on two nodes whose memory starts on the first; each uses memory of its
 * own, and memory that all share, in a proportion. Over the process's size and that proportion: the share of local accesses, the speed
 * against no balancing, and what it costs.
 *
 *     kernelkit sweep apps/demo/sweeps/numaStrategies.ts --svg numaStrategies.svg
 */
import {
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
  type CoreSys,
  createKernel,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  PROT_READ,
  PROT_WRITE,
  type Program,
  program,
} from "@kernelkit/core";
import { type NumaSys, numa, type StrategyName } from "@kernelkit/numa";
import { defineScenario, defineSweep } from "@kernelkit/sweep/define";
import * as v from "valibot";

const THREADS = 4;
const NODE_CPUS = 2;
const PAGE = 4096;
const PAGES_PER_MIB = 256;
const AT = 0x200000000;
/** Accesses to a page at a visit. */
const PER_PAGE = 64;
const CHUNK = 64;
const SHARED_PERCENT_STEPS = 100;

interface Use {
  /** First page and number of pages of the thread's own memory, and of what all share. */
  readonly own: readonly [number, number];
  readonly shared: readonly [number, number];
  /** Of 100 visits this many go to shared memory. */
  readonly sharedPercent: number;
  at: number;
  seed: number;
}

/** Visits pieces of both kinds of memory in an order drawn from its seed. */
const thread = program("thread", function* (sys: Program<CoreSys & NumaSys>, s: Use) {
  for (;;) {
    s.seed = (Math.imul(s.seed, 1664525) + 1013904223) >>> 0;
    const [first, pages] = (s.seed >>> 8) % SHARED_PERCENT_STEPS < s.sharedPercent ? s.shared : s.own;
    s.at = (s.at + CHUNK) % pages;
    yield* sys.useMemory(AT + (first + s.at) * PAGE, Math.min(CHUNK, pages - s.at), PER_PAGE, true);
  }
});

/** Touches all memory on the first node, then runs as four threads. */
const main = program("process", function* (sys: Program<CoreSys & NumaSys>, s: { pages: number; uses: Use[] }) {
  yield* sys.mmap(AT, s.pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  yield* sys.sched_setaffinity(0, [0]);
  yield* sys.touch(AT, s.pages, true);
  yield* sys.sched_setaffinity(0, [0, 1, 2, 3]);
  for (const use of s.uses) yield* sys.clone(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, thread as never, use as never);
  for (;;) yield* sys.nanosleep(1e9);
});

interface Shape {
  readonly mib: number;
  readonly sharedPercent: number;
  readonly seconds: number;
}

/** Accesses of the last half of the time, how many were local, and what the kernel did for it. */
function measure(strategy: StrategyName, o: Shape, seed: number, limits: { virtualNs?: number }) {
  const kernel = createKernel({
    machine: {
      cpus: NODE_CPUS * 2,
      nodes: 2,
      nodeMemory: ["384M", "384M"],
      distances: [
        [10, 21],
        [21, 10],
      ],
    },
    cmdline: "transparent_hugepage=never",
    seed,
    limits,
  })
    .use(numa({ strategy }))
    .boot();
  const pages = o.mib * PAGES_PER_MIB;
  const half = Math.max(CHUNK, Math.floor(pages / 2));
  const own = Math.max(CHUNK, Math.floor(half / THREADS));
  const uses = Array.from(
    { length: THREADS },
    (_, i): Use => ({
      own: [half + i * own, own],
      shared: [0, half],
      sharedPercent: o.sharedPercent,
      at: 0,
      seed: seed * 97 + i,
    }),
  );
  kernel.spawn(main, { pages: half + own * THREADS, uses });
  const count = (): { local: number; all: number } => {
    let local = 0;
    let all = 0;
    for (const t of kernel.tasks.all()) {
      if (t.program?.name !== thread.name) continue;
      const n = kernel.numa.taskNuma(t);
      local += n.localAccesses;
      all += n.localAccesses + n.remoteAccesses;
    }
    return { local, all };
  };
  kernel.run(`${o.seconds / 2}s`);
  const before = count();
  kernel.run(`${o.seconds / 2}s`);
  const after = count();
  const accesses = after.all - before.all;
  return {
    accesses,
    local: (after.local - before.local) / accesses,
    migratedMib: kernel.mm.read(kernel.mm.stat("pgmigrate_success")) / PAGES_PER_MIB,
    digest: kernel.digest(),
  };
}

export const scenario = defineScenario({
  id: "numa-strategies",
  question: "Which NUMA strategy wins on which shape of program?",
  parameters: v.object({
    strategy: v.picklist(["none", "modern", "balancenuma", "autonuma", "schednuma"]),
    mib: v.pipe(v.number(), v.minValue(2), v.maxValue(256)),
    sharedPercent: v.pipe(v.number(), v.minValue(0), v.maxValue(100)),
    seconds: v.optional(v.pipe(v.number(), v.minValue(1)), 12),
  }),
  run({ strategy, ...shape }, { seed, limits }) {
    const base = measure("none", shape, seed, limits);
    const own = strategy === "none" ? base : measure(strategy, shape, seed, limits);
    return {
      numbers: {
        localShare: own.local,
        speedUp: own.accesses / base.accesses,
        migratedMib: own.migratedMib,
      },
      digests: [base.digest, own.digest],
    };
  },
});

export default defineSweep({
  name: "Which NUMA strategy wins on which shape of program?",
  scenario,
  space: {
    strategy: ["none", "modern", "balancenuma", "autonuma", "schednuma"],
    mib: [8, 32, 128],
    sharedPercent: [0, 25, 50, 75],
  },
  seeds: 2,
  objective: { measure: "speedUp", goal: "max" },
});

/**
 * What a sweep costs beside its runs: real time per run that does nothing in threads and over Redis, the speed of two threads against one
 * on runs that take a while, and the heap that 10^5 short runs leave behind.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Benchmark } from "../../../tooling/bench/src/index.js";
import {
  BundleFolder,
  type Executor,
  loadSweep,
  localExecutor,
  type Plan,
  redisExecutor,
  runSweep,
  startSweepWorker,
} from "../src/index.js";
import { makePlan } from "../src/plan.js";
import { RedisServer, redisBinary } from "../src/testing/redisServer.js";

const QUICK = fileURLToPath(new URL("../src/testing/quickSweep.ts", import.meta.url));

/** ns per run, from the first result to the last: threads that start and load the code are not counted. */
async function perRun(
  runs: number,
  ms: number,
  executor: (plan: Plan, file: string) => Executor | Promise<Executor>,
): Promise<number> {
  const folder = new BundleFolder();
  const results = mkdtempSync(join(tmpdir(), "kernelkit-sweep-bench-"));
  try {
    const { plan: quick, bundle } = await loadSweep(QUICK, folder);
    const plan = await makePlan({ ...quick.sweep, space: { a: [1] }, set: { ms }, seeds: runs }, bundle.hash);
    const made = await executor(plan, folder.write(bundle.code));
    let first = 0;
    let last = 0;
    await runSweep({
      plan,
      bundle,
      executor: made,
      out: join(results, "out.jsonl"),
      onResult: () => {
        last = performance.now();
        if (first === 0) first = last;
      },
    });
    return ((last - first) * 1e6) / (runs - 1);
  } finally {
    folder.close();
    rmSync(results, { recursive: true });
  }
}

/** Over a Redis of its own, with one worker in this process. */
async function overRedis(runs: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "kernelkit-sweep-bench-redis-"));
  const redis = await RedisServer.start(folder);
  const worker = await startSweepWorker({ url: redis.url, threads: 1 });
  try {
    const folder2 = new BundleFolder();
    const { bundle } = await loadSweep(QUICK, folder2);
    folder2.close();
    return await perRun(runs, 0, (plan) => redisExecutor(plan, bundle, { url: redis.url, window: 200 }));
  } finally {
    await worker.close(true);
    redis.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

const RUN_MS = 20;
const MANY = 100_000;
/** Heap that the last sweep of many runs left, bytes. */
let grown = 0;

const benchmarks: Benchmark[] = [
  {
    name: "run that does nothing, one thread",
    unit: "run",
    target: 1000,
    timed: () => perRun(5000, 0, (plan, file) => localExecutor(plan, file, 1)),
  },
  {
    name: "10^5 runs that do nothing, one thread",
    unit: "run",
    target: 1000,
    timed: async () => {
      globalThis.gc?.();
      const before = process.memoryUsage().heapUsed;
      const ns = await perRun(MANY, 0, (plan, file) => localExecutor(plan, file, 1));
      globalThis.gc?.();
      grown = process.memoryUsage().heapUsed - before;
      return ns;
    },
    bytesPer: () => ({ "run, kept": Math.round(grown / MANY) }),
  },
  {
    name: `run of ${RUN_MS} ms, two threads (one thread's time over it is the speed-up)`,
    unit: "run",
    timed: () => perRun(200, RUN_MS, (plan, file) => localExecutor(plan, file, 2)),
    peers: [
      {
        name: "one thread",
        target: 1.9,
        timed: () => perRun(200, RUN_MS, (plan, file) => localExecutor(plan, file, 1)),
      },
    ],
  },
  ...(redisBinary() === null
    ? []
    : [
        {
          name: "run that does nothing, over Redis, one worker",
          unit: "run",
          target: 1000,
          timed: () => overRedis(3000),
        },
      ]),
];

export default benchmarks;

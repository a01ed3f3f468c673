/** What the processes of the fault tests run: a coordinator that carries out the quick sweep, or a worker. Options come as JSON. */
import { BundleFolder } from "../bundle.js";
import type { Sweep } from "../define.js";
import { localExecutor } from "../executor.js";
import { loadSweep } from "../load.js";
import { makePlan } from "../plan.js";
import { type RedisOptions, redisExecutor } from "../redis/redisExecutor.js";
import { type SweepWorkerOptions, startSweepWorker } from "../redis/sweepWorker.js";
import { runSweep } from "../run.js";

export interface CoordinatorOptions {
  readonly file: string;
  readonly out: string;
  readonly settings: Partial<Omit<Sweep, "scenario">>;
  /** Absent: threads of its own. */
  readonly redis?: RedisOptions;
}

export type WorkerOptions = Omit<SweepWorkerOptions, "onRun">;

async function coordinator({ file, out, settings, redis }: CoordinatorOptions): Promise<void> {
  const folder = new BundleFolder();
  const { plan: first, bundle } = await loadSweep(file, folder);
  const plan = await makePlan({ ...first.sweep, ...settings }, bundle.hash);
  const executor =
    redis === undefined ? localExecutor(plan, folder.write(bundle.code), 2) : await redisExecutor(plan, bundle, redis);
  const stop = new AbortController();
  process.on("SIGINT", () => stop.abort());
  process.stdout.write("ready\n");
  try {
    const report = await runSweep({ plan, bundle, executor, out, resume: true, signal: stop.signal });
    process.stdout.write(`${JSON.stringify(report)}\n`);
  } finally {
    folder.close();
  }
}

async function worker(options: WorkerOptions): Promise<void> {
  const running = await startSweepWorker(options);
  process.on("SIGTERM", () => void running.close().then(() => process.exit(0)));
  process.stdout.write("ready\n");
}

const [role, options] = process.argv.slice(2);
if (role === "coordinator") await coordinator(JSON.parse(options) as CoordinatorOptions);
else await worker(JSON.parse(options) as WorkerOptions);

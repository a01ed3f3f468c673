/**
 * A worker of sweeps over many machines: takes runs of any sweep from the queue and carries them out in threads of this machine. The
 * code comes from Redis, once for each sweep, and is run only if it has the hash that the job names.
 *
 *     const worker = await startSweepWorker({ url: "redis://10.0.0.1" });
 *     await worker.close();          // lets the runs in flight end
 *
 * Whoever can write to that Redis can run code here: give it a password and TLS (`rediss://user:password@host`).
 */
import { availableParallelism } from "node:os";
import { type Job, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { BundleFolder } from "../bundle.js";
import { hash } from "../canonical.js";
import type { Executed } from "../execute.js";
import { RunPool } from "../local/pool.js";
import { codeKey, connect, type JobData, PREFIX, ping, QUEUE } from "./protocol.js";

export interface SweepWorkerOptions {
  readonly url: string;
  /** Default "sweep". */
  readonly queue?: string;
  /** Default all of the machine. */
  readonly threads?: number;
  /** Most runs a second that all workers of the queue start together. Default no limit. */
  readonly rate?: number;
  /** A worker that has said nothing for so long is taken for dead and its runs are given to others, ms. Default 30 000. */
  readonly lockMs?: number;
  /** In how many workers a run may die before it is given up. Default 10. */
  readonly deaths?: number;
  readonly onRun?: (executed: Executed) => void;
}

const LOCK_MS = 30_000;
/** Jobs taken per thread: while some run, others are on their way from and to Redis. */
const JOBS_PER_THREAD = 8;
const DEATHS = 10;
/** Sweeps whose threads are kept: more may be in the queue, their threads are then started anew. */
const POOLS = 2;

/** RangeError when Redis cannot be reached. */
export async function startSweepWorker(
  options: SweepWorkerOptions,
): Promise<{ close(force?: boolean): Promise<void> }> {
  await ping(options.url);
  return new SweepWorker(options);
}

interface Loaded {
  readonly pool: RunPool;
  running: number;
}

class SweepWorker {
  private readonly folder = new BundleFolder();
  private readonly connection: Redis;
  private readonly worker: Worker<JobData, Executed>;
  private readonly queue: string;
  private readonly threads: number;
  /** By the code's hash and what its threads are like, least recently used first. */
  private readonly pools = new Map<string, Promise<Loaded>>();

  constructor(private readonly options: SweepWorkerOptions) {
    this.threads = options.threads ?? availableParallelism();
    this.queue = options.queue ?? QUEUE;
    this.connection = connect(options.url);
    const lockDuration = options.lockMs ?? LOCK_MS;
    this.worker = new Worker<JobData, Executed>(this.queue, (job) => this.process(job), {
      connection: this.connection,
      prefix: PREFIX,
      concurrency: this.threads * JOBS_PER_THREAD,
      lockDuration,
      stalledInterval: lockDuration / 2,
      maxStalledCount: options.deaths ?? DEATHS,
      ...(options.rate === undefined ? {} : { limiter: { max: options.rate, duration: 1000 } }),
    });
    // A Redis that goes away is waited for.
    this.worker.on("error", () => {});
  }

  /** Lets the runs in flight end, or not (`force`: others will take them). */
  async close(force = false): Promise<void> {
    await this.worker.close(force);
    for (const loaded of this.pools.values()) await (await loaded).pool.close();
    this.connection.disconnect();
    this.folder.close();
  }

  private async process({ data }: Job<JobData, Executed>): Promise<Executed> {
    const { parameters, seed, limits, measures, wallMs } = data;
    const loaded = await this.load(data);
    loaded.running++;
    try {
      const executed = await loaded.pool.run({ parameters, seed, limits, measures }, wallMs);
      this.options.onRun?.(executed);
      return executed;
    } finally {
      loaded.running--;
    }
  }

  private load(data: JobData): Promise<Loaded> {
    const key = `${data.code} ${data.attempts} ${data.memoryMb}`;
    const known = this.pools.get(key);
    const loaded = known ?? this.fetch(data);
    // last used, last in the map
    this.pools.delete(key);
    this.pools.set(key, loaded);
    if (known === undefined) {
      // a code that could not be had may be there later
      loaded.catch(() => this.pools.delete(key));
      void this.evict();
    }
    return loaded;
  }

  private async fetch({ code, attempts, memoryMb }: JobData): Promise<Loaded> {
    const text = await this.connection.get(codeKey(this.queue, code));
    if (text === null || hash(text) !== code) throw new Error(`the sweep's code ${code} is not in Redis`);
    return { pool: new RunPool(this.folder.write(text), { threads: this.threads, attempts, memoryMb }), running: 0 };
  }

  private async evict(): Promise<void> {
    for (const [key, promise] of this.pools) {
      if (this.pools.size <= POOLS) return;
      const loaded = await promise.catch(() => null);
      if (loaded !== null && loaded.running > 0) continue;
      this.pools.delete(key);
      await loaded?.pool.close();
    }
  }
}

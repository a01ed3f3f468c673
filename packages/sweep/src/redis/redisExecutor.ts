/**
 * The coordinator's side of a sweep over many machines: runs become jobs of a BullMQ queue, and results come back as its events. Events
 * can be lost (Redis was restarted, this process was away), so every run that nothing has been heard of for a while is asked about: a job
 * that is done is taken, one that Redis has forgotten is given again. A job is removed when its result is in the results file, so a
 * coordinator that is killed finds what it missed when it is started again.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Job, Queue, QueueEvents } from "bullmq";
import type { Redis } from "ioredis";
import type { Bundle } from "../bundle.js";
import type { Executed } from "../execute.js";
import { type Executor, type RunSettings, runSettings } from "../executor.js";
import type { Plan, PlannedRun } from "../plan.js";
import { CODE_TTL_S, codeKey, connect, type JobData, jobId, PREFIX, ping, QUEUE, runIdOf } from "./protocol.js";

export interface RedisOptions {
  /** redis://[user:password@]host:port/db */
  readonly url: string;
  /** Workers must be given the same. Default "sweep". */
  readonly queue?: string;
  /** Runs in Redis at a time. Default 1000: four for each thread of 250. */
  readonly window?: number;
  /** A run not heard of for so long is asked about, ms. Default 5000. */
  readonly quietMs?: number;
}

interface Outstanding {
  readonly run: PlannedRun;
  readonly resolve: (executed: Executed) => void;
  heardAt: number;
}

const WINDOW = 1000;
const QUIET_MS = 5000;
/** The code's time to live is renewed so often. */
const BUNDLE_EVERY_MS = 60_000;
/** Jobs that a Redis that went away does not let go are left to their time to live. */
const CLOSE_MS = 2000;

/** RangeError when Redis cannot be reached. */
export async function redisExecutor(plan: Plan, bundle: Bundle, options: RedisOptions): Promise<Executor> {
  await ping(options.url);
  const executor = new RedisExecutor(plan, bundle, options);
  await executor.start();
  return executor;
}

class RedisExecutor implements Executor {
  readonly window: number;
  private readonly settings: RunSettings;
  private readonly connection: Redis;
  private readonly queueName: string;
  private readonly queue: Queue<JobData, Executed>;
  private readonly events: QueueEvents<Executed>;
  private readonly outstanding = new Map<string, Outstanding>();
  private readonly eventConnection: Redis;
  private unsent: PlannedRun[] = [];
  /** Jobs on their way out of Redis. */
  private removals: Promise<unknown> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private codeAt = 0;
  private asking = false;
  private closed = false;

  constructor(
    plan: Plan,
    private readonly bundle: Bundle,
    private readonly options: RedisOptions,
  ) {
    this.settings = runSettings(plan);
    this.window = options.window ?? WINDOW;
    this.queueName = options.queue ?? QUEUE;
    this.connection = connect(options.url);
    this.eventConnection = connect(options.url);
    this.queue = new Queue(this.queueName, { connection: this.connection, prefix: PREFIX });
    this.events = new QueueEvents(this.queueName, { connection: this.eventConnection, prefix: PREFIX });
    // A Redis that goes away is waited for; what was lost is found out by asking.
    this.queue.on("error", () => {});
    this.events.on("error", () => {});
  }

  async start(): Promise<void> {
    await this.keepCode();
    this.events.on("completed", ({ jobId: id, returnvalue }) => this.done(runIdOf(id), returnvalue));
    this.events.on("failed", ({ jobId: id, failedReason }) => this.gaveUp(runIdOf(id), failedReason));
    this.events.on("active", ({ jobId: id }) => this.heard(runIdOf(id)));
    await this.events.waitUntilReady();
    const quietMs = this.options.quietMs ?? QUIET_MS;
    this.timer = setInterval(() => void this.ask(quietMs), quietMs / 2);
  }

  run(run: PlannedRun): Promise<Executed> {
    return new Promise((resolve) => {
      this.outstanding.set(run.id, { run, resolve, heardAt: Date.now() });
      // All runs of one turn of the loop go in one message.
      if (this.unsent.push(run) === 1) setImmediate(() => void this.send());
    });
  }

  written(ids: readonly string[]): void {
    this.removals = Promise.allSettled([this.removals, ...ids.map((id) => this.queue.remove(jobId(id)))]);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    // Without the runs in flight: they are found again by the next coordinator, or end unheard. The events' connection waits for the next
    // event, so it is cut off rather than asked to end.
    await Promise.race([this.removals, sleep(CLOSE_MS)]);
    void this.events.close().catch(() => {});
    void this.queue.close().catch(() => {});
    this.eventConnection.disconnect();
    this.connection.disconnect();
  }

  private async keepCode(): Promise<void> {
    this.codeAt = Date.now();
    await this.connection.set(codeKey(this.queueName, this.bundle.hash), this.bundle.code, "EX", CODE_TTL_S);
  }

  private async send(): Promise<void> {
    const runs = this.unsent;
    this.unsent = [];
    const jobs = runs.map(({ id, parameters, seed }) => ({
      name: "run",
      data: { ...this.settings, code: this.bundle.hash, parameters, seed },
      opts: { jobId: jobId(id), removeOnComplete: { age: CODE_TTL_S }, removeOnFail: { age: CODE_TTL_S } },
    }));
    await this.queue.addBulk(jobs).catch(() => {}); // found missing when it is asked about
  }

  private heard(id: string): void {
    const o = this.outstanding.get(id);
    if (o !== undefined) o.heardAt = Date.now();
  }

  private done(id: string, executed: Executed): void {
    const o = this.outstanding.get(id);
    if (o === undefined) return;
    this.outstanding.delete(id);
    // Redis keeps it as text when it comes by an event, as an object when it comes with the job.
    o.resolve(typeof executed === "string" ? (JSON.parse(executed) as Executed) : executed);
  }

  /** The queue itself gave the run up: it stalled in as many workers as it may. */
  private gaveUp(id: string, reason: string): void {
    this.done(id, { outcome: { status: "crashed", error: `the workers died: ${reason}` }, wallMs: 0 });
  }

  /** Asks about runs that nothing has been heard of. */
  private async ask(quietMs: number): Promise<void> {
    if (this.asking || this.closed) return;
    this.asking = true;
    try {
      if (
        Date.now() - this.codeAt > BUNDLE_EVERY_MS ||
        !(await this.connection.exists(codeKey(this.queueName, this.bundle.hash)))
      )
        await this.keepCode();
      const before = Date.now() - quietMs;
      const quiet = [...this.outstanding.values()].filter((o) => o.heardAt < before);
      const jobs = await Promise.all(quiet.map((o) => this.queue.getJob(jobId(o.run.id)))); // one pipeline
      for (const [i, o] of quiet.entries()) await this.settle(o, jobs[i]);
    } catch {
      // Redis is away: asked again in a while
    } finally {
      this.asking = false;
    }
  }

  private async settle(o: Outstanding, job: Job<JobData, Executed> | undefined): Promise<void> {
    o.heardAt = Date.now();
    if (job === undefined) {
      if (this.unsent.push(o.run) === 1) setImmediate(() => void this.send());
    } else if (job.finishedOn !== undefined) {
      if (job.failedReason) this.gaveUp(o.run.id, job.failedReason);
      else if (job.returnvalue) this.done(o.run.id, job.returnvalue);
    }
  }
}

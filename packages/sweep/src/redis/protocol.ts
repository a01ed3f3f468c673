/**
 * What coordinator and workers agree on: the queue, what a job holds, where the code is. In Redis a sweep is: its code, once, by hash; a
 * job for each run of the coordinator's window; a result in each finished job until the coordinator has written it to its file.
 */
import { Redis } from "ioredis";
import type { RunSettings } from "../executor.js";
import type { PlannedRun } from "../plan.js";

/** All keys begin so. */
export const PREFIX: string = "kernelkit";
export const QUEUE: string = "sweep";

export const codeKey = (queue: string, hash: string): string => `${PREFIX}:${queue}:code:${hash}`;
/** The code is forgotten so long after a coordinator has last said that it needs it, s. */
export const CODE_TTL_S: number = 7 * 24 * 3600;

/** A job's id is its run's, but never a number: those are the queue's own. */
export const jobId = (runId: string): string => `r${runId}`;
export const runIdOf = (jobId: string): string => jobId.slice(1);

/** A job: one run. */
export interface JobData extends RunSettings, Omit<PlannedRun, "id"> {
  /** Hash of the code to run. */
  readonly code: string;
}

/** A connection that waits for a Redis that is away, however long. */
export function connect(url: string): Redis {
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    enableReadyCheck: true,
    retryStrategy: (times) => Math.min(50 * times, 1000),
  });
  // Told through the queue's own error events; without a listener Node would end the process.
  redis.on("error", () => {});
  return redis;
}

/** One that ends with an error when Redis cannot be reached at all: asked for before anything is started. */
export async function ping(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  redis.on("error", () => {});
  try {
    await redis.connect();
    await redis.ping();
  } catch (e) {
    throw new RangeError(`redis: ${url} cannot be reached: ${(e as Error).message}`);
  } finally {
    redis.disconnect();
  }
}

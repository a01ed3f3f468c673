/**
 * Threads for what takes long: stories and recorded cases are independent of each other, so every processor takes the next one. What
 * comes back does not depend on the number of threads.
 *
 *     const pool = openPool();
 *     const results = await Promise.all(ids.map((id) => pool.story({ id, set: [] })));
 *     await pool.close();
 */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { StoryResult } from "@kernelkit/core/stories";
import { mergeReports, type RunReport, recordedPackages } from "kernelkit-conformance";
import { Piscina } from "piscina";
import { type CasesWork, cases, type StoryWork, story } from "./work.js";

export interface Pool {
  /** How many things are done at a time. */
  readonly threads: number;
  story(w: StoryWork): Promise<StoryResult>;
  cases(w: CasesWork): Promise<RunReport>;
  close(): Promise<void>;
}

/** Everything in the caller's thread, when it is waited for. */
function here(): Pool {
  return {
    threads: 1,
    story: async (w) => story(w),
    cases,
    close: async () => {},
  };
}

export interface PoolOptions {
  /** Default: one per processor. 1: no thread but this one. */
  readonly threads?: number;
  /** The built `worker.ts`. Where there is none (the code runs from source) everything is done in this thread. */
  readonly file?: string;
}

export function openPool(o: PoolOptions = {}): Pool {
  const threads = o.threads ?? availableParallelism();
  const file = o.file ?? fileURLToPath(new URL("./worker.js", import.meta.url));
  if (threads === 1 || !existsSync(file)) return here();
  const pool = new Piscina({ filename: file, minThreads: threads, maxThreads: threads, recordTiming: false });
  return {
    threads,
    story: (w) => pool.run(w, { name: "story" }),
    cases: (w) => pool.run(w, { name: "cases" }),
    close: () => pool.destroy(),
  };
}

/** Do `run` for each item, as many at a time as there are threads; results in the order of the items, each as soon as it can be given. */
export async function* inOrder<T, R>(pool: Pool, items: readonly T[], run: (item: T) => Promise<R>): AsyncGenerator<R> {
  if (pool.threads === 1) {
    for (const item of items) yield await run(item);
    return;
  }
  const all = items.map(run);
  // who waits for an earlier one hears of a failure when its turn comes
  for (const p of all) p.catch(() => {});
  for (const p of all) yield await p;
}

/** Shares of a package's cases: enough that no thread is without work for long at the end. */
const SHARES = 6;

/** The recorded cases of the packages asked for (all without any), in the pool. RangeError for a package without cases. */
export async function score(
  pool: Pool,
  asked: readonly string[],
  onProgress?: (done: number, total: number, name: string) => void,
): Promise<RunReport> {
  const packages = asked.length === 0 ? recordedPackages() : asked;
  const of = pool.threads === 1 ? 1 : SHARES;
  const parts = packages.flatMap((name) =>
    Array.from({ length: of }, (_, index): CasesWork => ({ package: name, part: { index, of } })),
  );
  let done = 0;
  const reports: RunReport[] = [];
  const run = async (w: CasesWork): Promise<RunReport> => {
    const report = await pool.cases(w);
    onProgress?.(++done, parts.length, w.package);
    return report;
  };
  for await (const report of inOrder(pool, parts, run)) reports.push(report);
  return mergeReports(reports);
}

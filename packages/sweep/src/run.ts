/**
 * Carries out a sweep: hands its runs to an executor, a window of them at a time, and appends each result to the results file as it
 * comes. What is in the file already is not run again. Memory does not grow with the results: a run leaves its id and its digest.
 */
import { existsSync, statSync } from "node:fs";
import type { Bundle } from "./bundle.js";
import type { Executor } from "./executor.js";
import { type Plan, type PlannedRun, runAt } from "./plan.js";
import { ResultSet } from "./results/digest.js";
import { ResultsFile, readResults } from "./results/file.js";
import type { RunRecord } from "./results/record.js";

export interface Progress {
  readonly done: number;
  /** Of the done ones: without figures. */
  readonly failed: number;
  readonly total: number;
  /** Expected real time to the end, ms; null until a run of this call has ended. */
  readonly etaMs: number | null;
}

export interface RunSweepOptions {
  readonly plan: Plan;
  readonly bundle: Bundle;
  readonly executor: Executor;
  /** The results file. */
  readonly out: string;
  /** Go on with a file that is there; without it such a file is an error. */
  readonly resume?: boolean;
  /** Run those again that were ended by the limit of real time or whose workers died. */
  readonly retry?: boolean;
  /** Ends the sweep early: runs in flight are waited for `graceMs`, all results so far are in the file. */
  readonly signal?: AbortSignal;
  readonly graceMs?: number;
  /** Each result, old ones first. */
  readonly onResult?: (record: RunRecord, progress: Progress) => void;
}

export interface SweepReport extends Progress {
  /** All runs have a result. */
  readonly complete: boolean;
  /** Digest of the set of results (results/digest.ts). */
  readonly digest: string;
  /** Runs carried out by this call. */
  readonly ran: number;
}

const GRACE_MS = 5000;

/** Rejects when the executor or the results file fails; what was finished until then is in the file. Closes the executor. */
export async function runSweep(o: RunSweepOptions): Promise<SweepReport> {
  try {
    return await new Run(o).all();
  } finally {
    await o.executor.close();
  }
}

class Run {
  private readonly results = new ResultSet();
  private readonly versions: Readonly<Record<string, string>>;
  private failed = 0;
  private ran = 0;
  private startedAt = 0;
  private inFlight = 0;
  private broken: Error | null = null;
  /** Wakes the loop when a run has ended. */
  private wake: () => void = () => {};

  constructor(private readonly o: RunSweepOptions) {
    this.versions = { ...o.bundle.versions, code: o.bundle.hash };
  }

  async all(): Promise<SweepReport> {
    const { out, resume, executor } = this.o;
    const old = existsSync(out) && statSync(out).isFile() && statSync(out).size > 0;
    if (old && resume !== true)
      throw new RangeError(`${out}: there already; resume it, or give another file for the results`);
    const file = new ResultsFile(out);
    file.onWritten = (records) => executor.written?.(records.map((r) => r.id));
    try {
      if (old) await this.readOld(out);
      await this.dispatch(file);
      await this.drain();
    } finally {
      // a disk that is full now was noticed here or earlier
      file.close();
    }
    if (file.error !== null) throw resultsError(out, file.error, this.results.size);
    if (this.broken !== null) throw this.broken;
    const { plan } = this.o;
    return {
      ...this.progress(),
      complete: this.results.size === plan.length,
      digest: this.results.digest(),
      ran: this.ran,
    };
  }

  /** Old results that are of this plan; a file may hold others, of a sweep that has changed. */
  private async readOld(out: string): Promise<void> {
    const { plan } = this.o;
    const planned = new Set<string>();
    for (let i = 0; i < plan.length; i++) planned.add(runAt(plan, i).id);
    for await (const record of readResults(out)) {
      if (planned.has(record.id) && this.results.add(record)) this.report(record);
    }
  }

  private async dispatch(file: ResultsFile): Promise<void> {
    const { plan, executor, signal, retry } = this.o;
    this.startedAt = performance.now();
    const stop = (): boolean => signal?.aborted === true || this.broken !== null || file.error !== null;
    signal?.addEventListener("abort", () => this.wake(), { once: true });
    for (let i = 0; i < plan.length && !stop(); i++) {
      const run = runAt(plan, i);
      if (this.results.has(run.id, retry === true)) continue;
      this.inFlight++;
      void this.carryOut(run, file);
      while (this.inFlight >= executor.window && !stop()) await this.next();
    }
  }

  private async carryOut(run: PlannedRun, file: ResultsFile): Promise<void> {
    try {
      const { outcome, wallMs } = await this.o.executor.run(run);
      const record: RunRecord = {
        ...run,
        scenario: this.o.plan.sweep.scenario.id,
        outcome,
        wallMs,
        versions: this.versions,
      };
      this.ran++;
      if (this.results.add(record)) {
        file.append(record);
        this.report(record);
      }
    } catch (e) {
      this.broken ??= e as Error;
    } finally {
      this.inFlight--;
      this.wake();
    }
  }

  /** Waits for the runs in flight; not for long once the sweep was ended early. */
  private async drain(): Promise<void> {
    const { signal, graceMs = GRACE_MS } = this.o;
    let until = Number.POSITIVE_INFINITY;
    while (this.inFlight > 0 && this.broken === null) {
      if (signal?.aborted === true) until = Math.min(until, performance.now() + graceMs);
      const left = until - performance.now();
      if (left <= 0) return;
      await this.next(left);
    }
  }

  private async next(ms: number = Number.POSITIVE_INFINITY): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((wake) => {
      this.wake = wake;
      if (Number.isFinite(ms)) timer = setTimeout(wake, ms);
    });
    clearTimeout(timer);
  }

  private report(record: RunRecord): void {
    if (record.outcome.status !== "ok") this.failed++;
    this.o.onResult?.(record, this.progress());
  }

  private progress(): Progress {
    const { size } = this.results;
    const total = this.o.plan.length;
    const etaMs = this.ran === 0 ? null : ((performance.now() - this.startedAt) / this.ran) * (total - size);
    return { done: size, failed: this.failed, total, etaMs };
  }
}

function resultsError(out: string, cause: Error, results: number): Error {
  const { code } = cause as NodeJS.ErrnoException;
  return Object.assign(
    new Error(
      `${out}: ${cause.message}; what stands in the file is good, resume the sweep when there is room (${results} results)`,
      {
        cause,
      },
    ),
    { code },
  );
}

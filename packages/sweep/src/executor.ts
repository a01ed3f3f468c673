/** Who carries out the runs of a sweep: threads of this machine (local/), or workers on any number of machines (redis/). */
import { availableParallelism } from "node:os";
import type { Executed } from "./execute.js";
import { IN_FLIGHT_PER_THREAD, type PoolTask, RunPool } from "./local/pool.js";
import type { Plan, PlannedRun } from "./plan.js";

export interface Executor {
  /** How many runs it wants at a time. */
  readonly window: number;
  /** One run. Rejects only when no further run can be carried out. */
  run(run: PlannedRun): Promise<Executed>;
  /** The results of these runs are in the results file. */
  written?(ids: readonly string[]): void;
  /** Ends it; runs in flight may be lost. */
  close(): Promise<void>;
}

const WALL_MS = 60_000;
const ATTEMPTS = 3;

/** What of a plan a run needs beside its parameters and seed. */
export interface RunSettings {
  readonly wallMs: number;
  readonly attempts: number;
  readonly limits: PoolTask["limits"];
  readonly measures: readonly string[] | null;
  /** Heap of the thread, MB; null: what Node gives. */
  readonly memoryMb: number | null;
}

export function runSettings({ sweep }: Plan): RunSettings {
  const { wallMs = WALL_MS, virtualNs, memoryMb = null } = sweep.limits ?? {};
  return {
    wallMs,
    attempts: sweep.attempts ?? ATTEMPTS,
    limits: virtualNs === undefined ? {} : { virtualNs },
    measures: sweep.measures ?? null,
    memoryMb,
  };
}

/** Threads of this machine. `file`: the worker's bundle; `threads`: default all of the machine. */
export function localExecutor(plan: Plan, file: string, threads: number = availableParallelism()): Executor {
  const { wallMs, attempts, limits, measures, memoryMb } = runSettings(plan);
  const pool = new RunPool(file, { threads, attempts, memoryMb });
  return {
    window: threads * IN_FLIGHT_PER_THREAD,
    run: ({ parameters, seed }) => pool.run({ parameters, seed, limits, measures }, wallMs),
    close: () => pool.close(),
  };
}

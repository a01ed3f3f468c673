/**
 * Threads that carry out runs of one bundle. A run that takes longer than its limit of real time is ended with its thread; a run whose
 * thread dies (out of memory, process.exit, a crash) is tried again in a new one, as often as `attempts` says.
 *
 *     const pool = new RunPool(file, { threads: 2, attempts: 3 });
 *     const { outcome } = await pool.run({ parameters, seed, limits: {}, measures: null }, 60_000);
 *
 * The clock is shared memory: a thread writes there when it starts a run, so that waiting for a thread, and the thread's loading of
 * the code, do not count as the run's time, and nobody sends messages about it.
 */
import { Piscina } from "piscina";
import type { Executed, RunTask } from "../execute.js";

export type PoolTask = Omit<RunTask, "slot">;

export interface PoolOptions {
  readonly threads: number;
  /** How often a run is tried whose thread dies. */
  readonly attempts: number;
  /** Heap of a thread, MB; null: what Node gives. */
  readonly memoryMb?: number | null;
}

/** Runs in flight per thread: while one runs the next is already there. */
export const IN_FLIGHT_PER_THREAD = 2;
/** A thread that has not begun a run after so long beside the runs before it is taken for dead, ms. */
const START_MS = 60_000;
const LONGEST_LOOK_MS = 250;

interface Flight {
  readonly controller: AbortController;
  readonly wallMs: number;
  /** Last time that it must have begun. */
  readonly startBy: number;
  late: boolean;
}

export class RunPool {
  private readonly piscina: Piscina<RunTask, Executed>;
  private readonly clock: BigInt64Array;
  private readonly free: number[];
  private readonly waiting: ((slot: number) => void)[] = [];
  private readonly flights = new Map<number, Flight>();
  private timer: NodeJS.Timeout | null = null;

  constructor(
    file: string,
    private readonly options: PoolOptions,
  ) {
    const slots = options.threads * IN_FLIGHT_PER_THREAD;
    this.clock = new BigInt64Array(new SharedArrayBuffer(slots * BigInt64Array.BYTES_PER_ELEMENT));
    this.free = Array.from({ length: slots }, (_, i) => slots - 1 - i);
    this.piscina = new Piscina({
      filename: file,
      minThreads: options.threads,
      maxThreads: options.threads,
      recordTiming: false,
      execArgv: [],
      workerData: { clock: this.clock },
      ...(options.memoryMb ? { resourceLimits: { maxOldGenerationSizeMb: options.memoryMb } } : {}),
    });
    // a thread whose run has been ended already may still die of what that run did: nobody's result is lost by it
    this.piscina.on("error", () => {});
  }

  /** How many runs it takes in before one waits for another. */
  get slots(): number {
    return this.clock.length;
  }

  /** One run; never rejects while the pool is open. `wallMs`: limit of real time. */
  async run(task: PoolTask, wallMs: number): Promise<Executed> {
    const slot = this.free.pop() ?? (await new Promise<number>((give) => this.waiting.push(give)));
    try {
      let last = "";
      for (let attempt = 0; attempt < this.options.attempts; attempt++) {
        const r = await this.attempt({ ...task, slot }, wallMs);
        if (typeof r !== "string") return r;
        last = r;
      }
      return { outcome: { status: "crashed", error: last }, wallMs: 0 };
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free.push(slot);
      else next(slot);
    }
  }

  /** Ends the threads; runs in flight are lost. */
  async close(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    await this.piscina.destroy();
  }

  /** A result, or why the thread died. */
  private async attempt(task: RunTask, wallMs: number): Promise<Executed | string> {
    const { slot } = task;
    const flight: Flight = {
      controller: new AbortController(),
      wallMs,
      startBy: Date.now() + wallMs * IN_FLIGHT_PER_THREAD + START_MS,
      late: false,
    };
    Atomics.store(this.clock, slot, 0n);
    this.flights.set(slot, flight);
    this.watch(wallMs);
    try {
      return await this.piscina.run(task, { signal: flight.controller.signal });
    } catch (e) {
      if (flight.late)
        return { outcome: { status: "timeout", error: `not done within ${wallMs} ms of real time` }, wallMs };
      return `the thread died: ${(e as Error).message}`;
    } finally {
      this.flights.delete(slot);
    }
  }

  /** Looks at the clock while anything is in flight, often enough for the shortest limit so far. */
  private watch(wallMs: number): void {
    if (this.timer !== null) return;
    this.timer = setInterval(
      () => {
        if (this.flights.size === 0) {
          clearInterval(this.timer as NodeJS.Timeout);
          this.timer = null;
          return;
        }
        const now = Date.now();
        for (const [slot, flight] of this.flights) {
          const start = Number(Atomics.load(this.clock, slot));
          if (start === 0 ? now <= flight.startBy : now - start <= flight.wallMs) continue;
          flight.late = true;
          flight.controller.abort();
        }
      },
      Math.min(LONGEST_LOOK_MS, Math.max(10, wallMs / 4)),
    );
  }
}

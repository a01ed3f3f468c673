/**
 * Workloads: what processes and threads use which memory, as data, and the programs that do it. A workload is machine- and
 * strategy-independent; `runScenario` runs it. Memory is used by the call `useMemory`, so time goes by distance.
 */
import {
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
  type CoreSys,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
  type Program,
  type ProgramDef,
  program,
} from "@kernelkit/core";
import type { NumaSys } from "../calls/numaSys.js";

/** Pages of a process's memory, by page number in it. */
export interface PageRange {
  readonly page: number;
  readonly pages: number;
  /** Accesses to each page at a visit. */
  readonly perPage: number;
  readonly write: boolean;
}

/** What a thread does again and again: its ranges in order, `sweeps` times; then the next phase, and round. */
export interface Phase {
  readonly ranges: readonly PageRange[];
  readonly sweeps: number;
}

export interface ThreadPlan {
  readonly phases: readonly Phase[];
  /** CPUs it may use; empty: all. */
  readonly cpus: readonly number[];
  /** CPU it begins on, free to leave it at once; -1: where the scheduler puts it. */
  readonly start: number;
  /** sched/numa: it makes a group of its own and binds this range to it. */
  readonly group: { readonly page: number; readonly pages: number } | null;
}

/** Pages are touched, and then used `sweeps` times (default 0), on a CPU. */
export interface FirstTouch {
  readonly cpu: number;
  readonly page: number;
  readonly pages: number;
  readonly sweeps?: number;
}

export interface ProcessPlan {
  readonly pages: number;
  /** Its threads are processes that share the memory (MAP_SHARED). */
  readonly shared: boolean;
  /** Who touches pages first: CPU and range. What nobody touches is touched by its users. */
  readonly first: readonly FirstTouch[];
  readonly threads: readonly ThreadPlan[];
}

export interface Workload {
  readonly name: string;
  readonly processes: readonly ProcessPlan[];
}

/** Most pages of a process: 2 GiB. */
export const WORKLOAD_PAGES_MAX = 524_288;
/** Where workloads have their memory: 8 GiB. */
export const WORKLOAD_AT = 0x200000000;
/** Pages of one call. */
const CHUNK = 128;
const PAGE = 4096;
/** Accesses to a page in a sweep before the work proper. */
const FIRST_PER_PAGE = 128;

type Sys = Program<CoreSys & NumaSys>;

interface WorkerState {
  readonly plan: ThreadPlan;
  phase: number;
  sweeps: number;
  ready: boolean;
}

export const worker: ProgramDef<CoreSys & NumaSys, WorkerState> = program(
  "numa.worker",
  function* (sys: Sys, s: WorkerState) {
    if (!s.ready) yield* prepare(sys, s.plan);
    s.ready = true;
    for (;;) {
      yield* sys.restPoint(s);
      yield* sweep(sys, s);
    }
  },
);

function* prepare(sys: Sys, plan: ThreadPlan): Generator<undefined, void, void> {
  if (plan.start >= 0) {
    const all = yield* sys.sched_getaffinity(0);
    yield* sys.sched_setaffinity(0, [plan.start]);
    yield* sys.sched_setaffinity(0, all);
  }
  if (plan.cpus.length > 0) yield* sys.sched_setaffinity(0, [...plan.cpus]);
  if (plan.group === null) return;
  const id = yield* sys.numa_tbind(0, -1, 0);
  yield* sys.numa_mbind(WORKLOAD_AT + plan.group.page * PAGE, plan.group.pages * PAGE, id, 0);
}

function* visit(sys: Sys, r: PageRange): Generator<undefined, void, void> {
  for (let p = 0; p < r.pages; p += CHUNK)
    yield* sys.useMemory(WORKLOAD_AT + (r.page + p) * PAGE, Math.min(CHUNK, r.pages - p), r.perPage, r.write);
}

function* sweep(sys: Sys, s: WorkerState): Generator<undefined, void, void> {
  const phase = s.plan.phases[s.phase % s.plan.phases.length];
  for (const r of phase.ranges) yield* visit(sys, r);
  if (++s.sweeps < phase.sweeps) return;
  s.sweeps = 0;
  s.phase++;
}

interface ProcessState {
  readonly plan: ProcessPlan;
  readonly cpus: number;
  self: WorkerState | null;
}

const THREAD = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;

export const process: ProgramDef<CoreSys & NumaSys, ProcessState> = program(
  "numa.process",
  function* (sys: Sys, s: ProcessState) {
    if (s.self === null) {
      const { plan } = s;
      const kind = plan.shared ? MAP_SHARED : MAP_PRIVATE;
      yield* sys.mmap(WORKLOAD_AT, plan.pages * PAGE, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
      for (const f of plan.first) {
        yield* sys.sched_setaffinity(0, [f.cpu]);
        yield* sys.touch(WORKLOAD_AT + f.page * PAGE, f.pages, true);
        const use: PageRange = { page: f.page, pages: f.pages, perPage: FIRST_PER_PAGE, write: true };
        for (let i = 0; i < (f.sweeps ?? 0); i++) yield* visit(sys, use);
      }
      if (plan.first.length > 0) yield* sys.sched_setaffinity(0, [...Array(s.cpus).keys()]);
      for (const t of plan.threads.slice(1)) {
        const state: WorkerState = { plan: t, phase: 0, sweeps: 0, ready: false };
        if (plan.shared) yield* sys.fork(worker as never, state as never);
        else yield* sys.clone(THREAD, worker as never, state as never);
      }
      yield* prepare(sys, plan.threads[0]);
      s.self = { plan: plan.threads[0], phase: 0, sweeps: 0, ready: true };
    }
    for (;;) {
      yield* sys.restPoint(s);
      yield* sweep(sys, s.self);
    }
  },
);

/**
 * The workloads that the rival designs were argued about with, as plans. Sizes are pages; "node of a CPU" is the caller's to know: where
 * memory is at first is said by the CPU that touches it.
 */
import type { Phase, ProcessPlan, ThreadPlan, Workload } from "./workload.js";

const PER_PAGE = 512;
/** Of a fast sweep. */
const SWEEP_PER_PAGE = 128;
const range = (page: number, pages: number, write = true, perPage = PER_PAGE): Phase["ranges"][number] => ({
  page,
  pages,
  perPage,
  write,
});
const steady = (...ranges: Phase["ranges"]): readonly Phase[] => [{ ranges, sweeps: 1 }];
const thread = (
  phases: readonly Phase[],
  o: { readonly cpus?: readonly number[]; readonly group?: ThreadPlan["group"]; readonly start?: number } = {},
): ThreadPlan => ({ phases, cpus: o.cpus ?? [], start: o.start ?? -1, group: o.group ?? null });

/**
 * Threads (or processes) with memory of their own. `firstCpus[i]` touches the memory of thread i: where it is at the start. `groups`: each
 * makes a group of sched/numa.
 */
export function privateThreads(o: {
  readonly pages: number;
  readonly firstCpus: readonly number[];
  readonly as: "threads" | "processes";
  readonly groups?: boolean;
  readonly startCpus?: readonly number[];
}): Workload {
  const { pages, firstCpus } = o;
  const plan = (i: number, at: number): ThreadPlan =>
    thread(steady(range(at, pages)), {
      start: o.startCpus?.[i] ?? -1,
      group: o.groups === true ? { page: at, pages } : null,
    });
  const processes: ProcessPlan[] =
    o.as === "processes"
      ? firstCpus.map((cpu, i) => ({
          pages,
          shared: false,
          first: [{ cpu, page: 0, pages }],
          threads: [plan(i, 0)],
        }))
      : [
          {
            pages: pages * firstCpus.length,
            shared: false,
            first: firstCpus.map((cpu, i) => ({ cpu, page: i * pages, pages })),
            threads: firstCpus.map((_, i) => plan(i, i * pages)),
          },
        ];
  return { name: "private threads", processes };
}

/** Threads that read one table, and write a little of their own. */
export function sharedRead(o: { readonly pages: number; readonly threads: number; readonly own: number }): Workload {
  const { pages, threads, own } = o;
  return {
    name: "shared table",
    processes: [
      {
        pages: pages + threads * own,
        shared: false,
        first: [{ cpu: 0, page: 0, pages }],
        threads: Array.from({ length: threads }, (_, i) =>
          thread(steady(range(0, pages, false), range(pages + i * own, own))),
        ),
      },
    ],
  };
}

/** Two processes on fixed CPUs write the same shared memory. */
export function sharedWrite(o: { readonly pages: number; readonly cpus: readonly number[] }): Workload {
  return {
    name: "shared memory of two processes",
    processes: [
      {
        pages: o.pages,
        shared: true,
        first: [{ cpu: o.cpus[0], page: 0, pages: o.pages }],
        threads: o.cpus.map((cpu) => thread(steady(range(0, o.pages)), { cpus: [cpu] })),
      },
    ],
  };
}

/** A process larger than a node: `threads` threads over its memory, each mostly in its own part. */
export function biggerThanNode(o: {
  readonly pages: number;
  readonly threads: number;
  readonly groups?: boolean;
}): Workload {
  const part = Math.floor(o.pages / o.threads);
  return {
    name: "process of more than a node",
    processes: [
      {
        pages: part * o.threads,
        shared: false,
        first: [{ cpu: 0, page: 0, pages: part * o.threads }],
        threads: Array.from({ length: o.threads }, (_, i) =>
          thread(steady(range(i * part, part)), {
            start: i,
            group: o.groups === true ? { page: i * part, pages: part } : null,
          }),
        ),
      },
    ],
  };
}

/** Tasks of their own memory, more than there are CPUs: they wait for each other and may go on anywhere. */
export function manyTasks(o: {
  readonly pages: number;
  readonly firstCpus: readonly number[];
  readonly startCpus: readonly number[];
}): Workload {
  return { ...privateThreads({ ...o, as: "processes" }), name: "many tasks" };
}

/** One page that all threads use, each pinned to a node, beside memory of their own. */
export function hotInterleavedPage(o: { readonly cpus: readonly number[]; readonly own: number }): Workload {
  const { cpus, own } = o;
  return {
    name: "hot page",
    processes: [
      {
        pages: 512 + cpus.length * own,
        shared: false,
        first: [
          { cpu: cpus[0], page: 0, pages: 1 },
          ...cpus.map((cpu, i) => ({ cpu, page: 512 + i * own, pages: own })),
        ],
        threads: cpus.map((cpu, i) => {
          // the page is used between all parts of the own memory
          const ranges: Phase["ranges"][number][] = [];
          for (let p = 0; p < own; p += 64) ranges.push(range(0, 1), range(512 + i * own + p, Math.min(64, own - p)));
          return thread([{ ranges, sweeps: 1 }], { cpus: [cpu] });
        }),
      },
    ],
  };
}

/** Threads that change their memory with each other after `sweeps` sweeps. */
export function phaseChange(o: {
  readonly pages: number;
  readonly firstCpus: readonly number[];
  readonly sweeps: number;
}): Workload {
  const { pages, firstCpus, sweeps } = o;
  const n = firstCpus.length;
  return {
    name: "phases",
    processes: [
      {
        pages: pages * n,
        shared: false,
        first: firstCpus.map((cpu, i) => ({ cpu, page: i * pages, pages })),
        threads: firstCpus.map((_, i) =>
          thread(
            [0, 1].map((k) => ({ ranges: [range(((i + (k * n) / 2) % n) * pages, pages)], sweeps })),
            { start: i },
          ),
        ),
      },
    ],
  };
}

/** One thread uses its memory for a while where it was touched, and is then pinned elsewhere. */
export function remoteSweep(o: {
  readonly pages: number;
  readonly firstCpu: number;
  readonly firstSweeps: number;
  readonly cpu: number;
}): Workload {
  return {
    name: "remote sweep",
    processes: [
      {
        pages: o.pages,
        shared: false,
        first: [{ cpu: o.firstCpu, page: 0, pages: o.pages, sweeps: o.firstSweeps }],
        threads: [thread(steady(range(0, o.pages, true, SWEEP_PER_PAGE)), { cpus: [o.cpu] })],
      },
    ],
  };
}

/** A hot part that is used `ratio` times as often as the rest of a process's memory, which does not fit into fast memory. */
export function hotAndCold(o: {
  readonly hot: number;
  readonly cold: number;
  readonly ratio: number;
  readonly cpu: number;
}): Workload {
  const { hot, cold, ratio, cpu } = o;
  return {
    name: "hot and cold",
    processes: [
      {
        pages: hot + cold,
        shared: false,
        // the cold part comes first and takes the fast memory
        first: [
          { cpu, page: hot, pages: cold },
          { cpu, page: 0, pages: hot },
        ],
        threads: [
          thread(
            [
              { ranges: [range(0, hot)], sweeps: ratio },
              { ranges: [range(hot, cold, false)], sweeps: 1 },
            ],
            { cpus: [cpu] },
          ),
        ],
      },
    ],
  };
}

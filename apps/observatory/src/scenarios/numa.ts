/** NUMA: threads whose memory begins on the wrong node, and a balancer that moves it - or does not. */
import {
  type CoreSys,
  followPage,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MPOL_BIND,
  MPOL_DEFAULT,
  PG_BUDDY,
  type Program,
  program,
  type Task,
} from "@kernelkit/core";
import { type NumaSys, numa, STRATEGIES, type StrategyName } from "@kernelkit/numa";
import type { AssembledKernel } from "kernelkit/kernel";
import type { Scenario } from "../lab/scenario.js";
import { BASE, num, pin, tasksNamed, vmstat, write } from "./common.js";

export interface NumaPicture {
  readonly nodes: number;
  readonly distances: readonly (readonly number[])[];
  readonly strategy: string;
  readonly tasks: readonly {
    name: string;
    cpu: number;
    node: number;
    preferred: number;
    moved: number;
    /** 64 parts of its memory: the node each is on (0-7), `.` for none. */
    cells: string;
    /** Pages on each node. */
    on: readonly number[];
    pages: number;
  }[];
  /** Frames of each node in the order of a Hilbert curve: `.` free, `x` another's, else the node of the thread it belongs to. */
  readonly maps: readonly string[];
  /** Frames a cell. */
  readonly framesPerCell: number;
  readonly local: number;
  readonly migrated: number;
  readonly faults: number;
}

type Sys = Program<CoreSys & NumaSys>;
/** Fills its memory on one node, then uses it wherever it runs. */
const toucher = program("toucher", function* (sys: Sys, s: { home: number; pages: number; at: number; i: number }) {
  if (s.at === 0) {
    yield* sys.set_mempolicy(MPOL_BIND, [s.home], 64);
    s.at = Number(yield* sys.mmap(0, s.pages * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    yield* sys.touch(s.at, s.pages, true);
    yield* sys.set_mempolicy(MPOL_DEFAULT, null, 0);
  }
  for (; ; s.i++) {
    yield* sys.restPoint(s);
    yield* sys.compute(4_000_000);
    // it walks its memory in parts, as a program does
    const part = Math.ceil(s.pages / 8);
    yield* sys.touch(s.at + (s.i % 8) * part * 4096, Math.min(part, s.pages - (s.i % 8) * part), true);
  }
});

/** The scheduler's decisions, made by a clock: every so often each thread goes to the next node; its memory stays where it was. */
const mover = program(
  "mover",
  function* (sys: Sys, s: { everyMs: number; nodes: number; pids: number[]; round: number }) {
    for (; ; s.round++) {
      yield* sys.restPoint(s);
      yield* sys.nanosleep(s.everyMs * 1e6);
      for (const [i, pid] of s.pids.entries()) yield* sys.sched_setaffinity(pid, [place(i, s.nodes, s.round + 1)]);
    }
  },
);
/** The CPU of thread i in a round: two CPUs a node, threads spread over the nodes. */
const place = (i: number, nodes: number, round: number): number =>
  ((i + round) % nodes) * 2 + (Math.floor(i / nodes) % 2);

const touchers = (k: AssembledKernel): Task[] => tasksNamed(k, "toucher");
const nodeOf = (k: AssembledKernel, pfn: number): number => k.mm.nodeOf(pfn);
const CELLS = 64;

interface Spread {
  readonly cells: string;
  readonly on: number[];
}
function spreadOf(k: AssembledKernel, t: Task): Spread {
  const nodes = k.core.options.machine.nodes;
  const on = new Array<number>(nodes).fill(0);
  const s = t.rest as { at: number; pages: number } | null;
  const at = s?.at ?? 0;
  const pages = s?.pages ?? 0;
  if (t.mm === null || at === 0) return { cells: ".".repeat(CELLS), on };
  let cells = "";
  for (let c = 0; c < CELLS; c++) {
    const here = new Array<number>(nodes).fill(0);
    for (let i = Math.floor((c * pages) / CELLS); i < Math.floor(((c + 1) * pages) / CELLS); i++) {
      const pfn = followPage(k.mm, t.mm, at + i * 4096);
      if (pfn > 1) here[nodeOf(k, pfn)]++;
    }
    const most = Math.max(...here);
    cells += most === 0 ? "." : String(here.indexOf(most));
    here.forEach((n, i) => {
      on[i] += n;
    });
  }
  return { cells, on };
}
const SIDE = 32;
/** Cell `d` of a Hilbert curve over SIDE x SIDE, as the index of the cell in rows. */
const HILBERT: readonly number[] = Array.from({ length: SIDE * SIDE }, (_, d) => {
  let [x, y, t] = [0, 0, d];
  for (let s = 1; s < SIDE; s *= 2) {
    const rx = 1 & (t / 2);
    const ry = 1 & (t ^ rx);
    if (ry === 0) {
      if (rx === 1) [x, y] = [s - 1 - x, s - 1 - y];
      [x, y] = [y, x];
    }
    x += s * rx;
    y += s * ry;
    t = Math.floor(t / 4);
  }
  return y * SIDE + x;
});

/** The page map: what each part of a node's memory is used for. A cell shows the commonest use of it that is not "free". */
function mapsOf(k: AssembledKernel): { maps: string[]; framesPerCell: number } {
  const { nodes } = k.core.options.machine;
  const { frames } = k.mm;
  const per = Math.ceil(frames.nr / nodes / (SIDE * SIDE));
  const USES = nodes + 1;
  const counts = Array.from({ length: nodes }, () => new Uint16Array(SIDE * SIDE * USES));
  const start = Array.from({ length: nodes }, () => frames.nr);
  for (let pfn = 0; pfn < frames.nr; pfn++) {
    const n = nodeOf(k, pfn);
    if (pfn < start[n]) start[n] = pfn;
    const cell = Math.floor((pfn - start[n]) / per);
    if ((frames.flags[pfn] & PG_BUDDY) === 0 && frames.refcount[pfn] > 0 && cell < SIDE * SIDE)
      counts[n][cell * USES + nodes]++;
  }
  for (const t of touchers(k)) {
    const s = t.rest as { at: number; pages: number } | null;
    if (t.mm === null || s === null || s.at === 0) continue;
    const home = cpuNode(k, t.cpu);
    for (let i = 0; i < s.pages; i++) {
      const pfn = followPage(k.mm, t.mm, s.at + i * 4096);
      if (pfn <= 1) continue;
      const n = nodeOf(k, pfn);
      const cell = Math.floor((pfn - start[n]) / per);
      if (cell >= SIDE * SIDE) continue;
      counts[n][cell * USES + home]++;
      counts[n][cell * USES + nodes]--;
    }
  }
  const maps = counts.map((of) => {
    const cells = new Array<string>(SIDE * SIDE).fill(".");
    for (let d = 0; d < SIDE * SIDE; d++) {
      let best = -1;
      for (let u = 0; u < USES; u++) if (of[d * USES + u] > (best < 0 ? 0 : of[d * USES + best])) best = u;
      if (best >= 0) cells[HILBERT[d]] = best === nodes ? "x" : String(best);
    }
    return cells.join("");
  });
  return { maps, framesPerCell: per };
}

const cpuNode = (k: AssembledKernel, cpu: number): number => k.core.options.machine.cpuNode[cpu];
function localShare(k: AssembledKernel): number {
  let local = 0;
  let all = 0;
  for (const t of touchers(k)) {
    const { on } = spreadOf(k, t);
    local += on[cpuNode(k, t.cpu)];
    all += on.reduce((a, b) => a + b, 0);
  }
  return all === 0 ? 1 : local / all;
}

export const numaScenario: Scenario<NumaPicture> = {
  id: "numa",
  name: "NUMA",
  question: "Where is each page, who touches it, was moving it worth it?",
  sees: "Each square is the memory of a node; a cell's colour and texture say on which node the thread runs that uses it, so that a square of one colour is memory beside its user. Every few seconds the threads are put on other nodes and leave their memory behind: the balancer takes pages away now and then to see who touches them, and moves those that are touched from elsewhere. Below, each thread's memory by address.",
  howTrue:
    "The rules of today's balancing are Linux 6.18's. The rival strategies of 2012 follow their descriptions; what remote memory costs is a model.",
  binNs: 50e6,
  settings: {
    strategy: { kind: "choice", default: "modern", choices: [...STRATEGIES] },
    nodes: { kind: "number", default: 2, min: 2, max: 4, unit: "nodes" },
    threads: { kind: "number", default: 4, min: 1, max: 8, unit: "threads" },
    pages: { kind: "number", default: 2048, min: 64, max: 4096, unit: "pages each" },
    moves: { kind: "number", default: 1500, min: 500, max: 60000, unit: "ms between moves of the threads" },
  },
  controls: [
    {
      name: "balancing",
      what: "Switch balancing off or on.",
      linux: "echo VALUE > /proc/sys/kernel/numa_balancing",
      knob: { kind: "choice", default: "1", choices: ["0", "1"] },
      apply: (k, v) => write(k, "/proc/sys/kernel/numa_balancing", String(v)),
    },
    {
      name: "first thread to the last CPU",
      what: "The scheduler's decision, made by hand: its memory stays where it was.",
      linux: "taskset -pc LAST PID",
      knob: { kind: "button" },
      apply(k) {
        const t = touchers(k)[0];
        if (t !== undefined) pin(k, t, k.cpus.nr - 1);
      },
    },
  ],
  gauges: [
    {
      name: "local",
      unit: "%",
      group: "local share",
      what: "Pages that are on the node of the CPU their thread runs on.",
      linux: "/proc/PID/numa_maps beside /proc/PID/stat",
      read: (k) => 100 * localShare(k),
    },
    {
      name: "moved",
      unit: "pages/s",
      group: "work",
      rate: true,
      what: "Pages that balancing moved.",
      linux: "numa_pages_migrated in /proc/vmstat",
      read: (k) => vmstat(k, "numa_pages_migrated"),
    },
    {
      name: "armed",
      unit: "pages/s",
      group: "work",
      rate: true,
      what: "Page table entries that were made to fault at the next touch.",
      linux: "numa_pte_updates in /proc/vmstat",
      read: (k) => vmstat(k, "numa_pte_updates"),
    },
    {
      name: "hint faults",
      unit: "1/s",
      group: "work",
      rate: true,
      what: "Faults that were provoked to see who touches a page.",
      linux: "numa_hint_faults in /proc/vmstat",
      read: (k) => vmstat(k, "numa_hint_faults"),
    },
  ],
  lanes: {
    title: "Threads",
    what: "The node each thread runs on.",
    max: 8,
    states: [
      { name: "off", what: "runs nowhere now", tone: "empty" },
      { name: "node 0", what: "on a CPU of node 0", tone: "busy" },
      { name: "node 1", what: "on a CPU of node 1", tone: "system" },
      { name: "node 2", what: "on a CPU of node 2", tone: "waiting" },
      { name: "node 3", what: "on a CPU of node 3", tone: "injected" },
    ],
    names: (k) => touchers(k).map((t) => `${t.comm}-${t.nr}`),
    read(k, out) {
      for (const [i, t] of touchers(k).entries()) out[i] = 1 + cpuNode(k, t.cpu);
    },
  },
  heat: {
    title: "Pages moved",
    what: "When pages were moved, and to which node.",
    event: "page moved",
    unit: "node",
    steps: [0, 1, 2],
  },
  traces: ["sched:sched_migrate_task"],
  files: [
    "/proc/vmstat",
    "/proc/sys/kernel/numa_balancing",
    "/sys/devices/system/node/node0/numastat",
    "/sys/devices/system/node/node1/meminfo",
  ],
  programs: [toucher, mover] as never,
  packages: { ...BASE, numa },
  options: (s) => ({
    machine: { cpus: 2 * num(s["nodes"]), nodes: num(s["nodes"]), memory: `${64 * num(s["nodes"])}M` },
    cmdline: "transparent_hugepage=never",
    numa: { strategy: s["strategy"] as StrategyName },
  }),
  setup(k, s) {
    const nodes = num(s["nodes"]);
    write(k, "/proc/sys/kernel/numa_balancing", "1");
    // small steps, so that one sees them: a MiB at a time
    const knobs = "/sys/kernel/debug/sched/numa_balancing";
    if (s["strategy"] === "modern") {
      write(k, `${knobs}/scan_size_mb`, "1");
      write(k, `${knobs}/scan_period_min_ms`, "400");
      write(k, `${knobs}/scan_period_max_ms`, "800");
      write(k, `${knobs}/scan_delay_ms`, "200");
    }
    const pids: number[] = [];
    for (let i = 0; i < num(s["threads"]); i++) {
      const t = k.spawn(toucher as never, { home: (i + 1) % nodes, pages: num(s["pages"]), at: 0, i: 0 });
      pin(k, t, place(i, nodes, 0));
      pids.push(t.nr);
    }
    k.spawn(mover as never, { everyMs: num(s["moves"]), nodes, pids, round: 0 });
  },
  watch(k, emit) {
    k.core.hooks.pageMigrate.tap(950, "observatory", (from, to) => {
      emit({
        name: "page moved",
        text: `frame ${from} of node ${nodeOf(k, from)} to ${to} of node ${nodeOf(k, to)}`,
        value: nodeOf(k, to),
      });
    });
  },
  picture(k) {
    const { machine } = k.core.options;
    return {
      nodes: machine.nodes,
      distances: machine.distances.map((r) => [...r]),
      strategy: k.numa.strategy,
      tasks: touchers(k).map((t) => {
        const { cells, on } = spreadOf(k, t);
        const n = k.numa.taskNuma(t) as { preferredNid?: number; pagesMigrated?: number };
        return {
          name: `${t.comm}-${t.nr}`,
          cpu: t.cpu,
          node: cpuNode(k, t.cpu),
          preferred: n.preferredNid ?? -1,
          moved: n.pagesMigrated ?? 0,
          cells,
          on,
          pages: on.reduce((a, b) => a + b, 0),
        };
      }),
      ...mapsOf(k),
      local: localShare(k),
      migrated: vmstat(k, "numa_pages_migrated"),
      faults: vmstat(k, "numa_hint_faults"),
    };
  },
  table: (p) => ({
    columns: [
      "thread",
      "CPU",
      "its node",
      "preferred",
      ...Array.from({ length: p.nodes }, (_, n) => `pages on node ${n}`),
    ],
    rows: p.tasks.map((t) => [t.name, t.cpu, t.node, t.preferred, ...t.on]),
  }),
  takeaway: (p) =>
    `${(100 * p.local).toFixed(1)} % of the threads' pages are on the node their thread runs on (strategy ${p.strategy}). ${p.migrated} pages have been moved after ${p.faults} hint faults.`,
};

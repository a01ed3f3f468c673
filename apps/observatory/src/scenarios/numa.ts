/** NUMA: threads whose memory begins on the wrong node, and a balancer that moves it - or does not. */
import {
  type CoreSys,
  followPage,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MPOL_BIND,
  MPOL_DEFAULT,
  type Program,
  program,
  type Task,
} from "@kernelkit/core";
import { type NumaSys, STRATEGIES, type StrategyName } from "@kernelkit/numa";
import type { AssembledKernel } from "kernelkit/kernel";
import type { Scenario } from "../lab/scenario.js";
import { num, tasksNamed, vmstat, write } from "./common.js";

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
  readonly local: number;
  readonly migrated: number;
  readonly faults: number;
}

type Sys = Program<CoreSys & NumaSys>;
/** Fills its memory on one node, is then put on another, and uses it. */
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
  sees: "Each row is a thread's memory in the order of its addresses; a cell's colour and number is the node its pages are on. Every thread was filled on the wrong node: the balancer takes pages away now and then to see who touches them, and moves those that are touched from elsewhere twice.",
  howTrue:
    "The rules of today's balancing are Linux 6.18's. The rival strategies of 2012 follow their descriptions; what remote memory costs is a model.",
  binNs: 50e6,
  settings: {
    strategy: { kind: "choice", default: "modern", choices: [...STRATEGIES] },
    nodes: { kind: "number", default: 2, min: 2, max: 4, unit: "nodes" },
    threads: { kind: "number", default: 4, min: 1, max: 8, unit: "threads" },
    pages: { kind: "number", default: 1024, min: 64, max: 8192, unit: "pages each" },
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
  heat: null,
  traces: ["sched:sched_migrate_task"],
  files: [
    "/proc/vmstat",
    "/proc/sys/kernel/numa_balancing",
    "/sys/devices/system/node/node0/numastat",
    "/sys/devices/system/node/node1/meminfo",
  ],
  programs: [toucher] as never,
  options: (s) => ({
    machine: { cpus: 2 * num(s["nodes"]), nodes: num(s["nodes"]), memory: `${256 * num(s["nodes"])}M` },
    cmdline: "transparent_hugepage=never",
    numa: { strategy: s["strategy"] as StrategyName },
  }),
  setup(k, s) {
    const nodes = num(s["nodes"]);
    write(k, "/proc/sys/kernel/numa_balancing", "1");
    for (let i = 0; i < num(s["threads"]); i++) {
      const t = k.spawn(toucher as never, { home: (i + 1) % nodes, pages: num(s["pages"]), at: 0, i: 0 });
      pin(k, t, ((i % nodes) * 2 + (Math.floor(i / nodes) % 2)) % k.cpus.nr);
    }
  },
  watch(k, emit) {
    k.core.hooks.pageMigrate.tap(950, "observatory", (from, to) => {
      emit({
        name: "page moved",
        text: `frame ${from} of node ${nodeOf(k, from)} to ${to} of node ${nodeOf(k, to)}`,
        value: to,
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

function pin(k: AssembledKernel, t: Task, cpu: number): void {
  const mask = new Uint32Array(t.cpusMask.length);
  mask[cpu >> 5] = (1 << (cpu & 31)) >>> 0;
  t.cpusMask = mask;
  k.core.sched.migrateTask(t, cpu);
}

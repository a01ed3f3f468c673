/** Control groups and memory: a tree of groups with limits, tasks that grow in them, stalls at high, kills at max. */
import {
  type CoreSys,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  PR_SET_NAME,
  type Program,
  program,
  type Task,
} from "@kernelkit/core";
import { type MemCgroup, memcg, STAT_NAMES, statValue } from "@kernelkit/memcg";
import type { AssembledKernel } from "kernelkit/kernel";
import type { Scenario } from "../lab/scenario.js";
import { BASE, MIB, num, some, tasksNamed, vmstat, write } from "./common.js";

export interface MemPicture {
  readonly total: number;
  readonly groups: readonly {
    path: string;
    /** MiB. */
    usage: number;
    anon: number;
    file: number;
    kernel: number;
    min: number;
    low: number;
    high: number;
    max: number;
    emin: number;
    elow: number;
    peak: number;
    events: readonly number[];
  }[];
  readonly tasks: readonly { name: string; group: string; state: number; rss: number }[];
}

const EVENTS = ["low", "high", "max", "oom", "oom_kill"] as const;
const PATHS = ["/shop", "/shop/web", "/shop/db", "/batch"] as const;
const NO_LIMIT = 1e15;
const mib = (pages: number): number => (pages >= NO_LIMIT / 4096 ? Number.POSITIVE_INFINITY : pages / 256);
const group = (k: AssembledKernel, path: string): MemCgroup | null => k.memcg.group(path);
const usage = (path: string) => (k: AssembledKernel) => (group(k, path)?.memory.usage ?? 0) / 256;
const stat = (g: MemCgroup, name: string): number => statValue(g, STAT_NAMES.indexOf(name)) / MIB;

/** An event counter of memory.stat. */
const stat4k = (g: MemCgroup | null, name: string): number =>
  g === null || STAT_NAMES.indexOf(name) < 0 ? 0 : statValue(g, STAT_NAMES.indexOf(name));

type Sys = Program<CoreSys>;
const STEP = 256;
/** Takes memory step by step up to `most` pages, keeps using it, gives it back, begins again. */
const grower = program(
  "grower",
  function* (sys: Sys, s: { path: string; most: number; at: number; n: number; down: boolean }) {
    if (s.at === 0) {
      yield* sys.prctl(PR_SET_NAME, "grower");
      yield* sys.writeFile(`/sys/fs/cgroup${s.path}/cgroup.procs`, "0");
      s.at = Number(yield* sys.mmap(0, s.most * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    }
    for (;;) {
      yield* sys.restPoint(s);
      yield* sys.nanosleep(20_000_000);
      if (s.n >= s.most) {
        yield* sys.munmap(s.at, s.most * 4096);
        s.at = Number(yield* sys.mmap(0, s.most * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        s.n = 0;
      }
      yield* sys.touch(s.at + s.n * 4096, Math.min(STEP, s.most - s.n), true);
      s.n += STEP;
    }
  },
);
/** Reads and writes a file of the group's tmpfs-less disk: page cache that can be taken back. */
const reader = program("reader", function* (sys: Sys, s: { path: string; i: number; fd: number }) {
  if (s.fd < 0) {
    yield* sys.writeFile(`/sys/fs/cgroup${s.path}/cgroup.procs`, "0");
    s.fd = yield* sys.open("/mnt/data", 2 | 64, 0o644);
    yield* sys.ftruncate(s.fd, 96 * MIB);
  }
  for (; ; s.i++) {
    yield* sys.restPoint(s);
    yield* sys.pread64(s.fd, 262144, (s.i % 384) * 262144);
    yield* sys.nanosleep(10_000_000);
  }
});
/** Starts a grower again when the last one has been killed. */
const supervisor = program("supervisor", function* (sys: Sys, s: { path: string; most: number; started: number }) {
  for (; ; s.started++) {
    yield* sys.restPoint(s);
    const pid = yield* sys.fork(grower, { path: s.path, most: s.most, at: 0, n: 0, down: false });
    yield* sys.wait4(pid, 0);
    yield* sys.nanosleep(300_000_000);
  }
});

const members = (k: AssembledKernel): Task[] => tasksNamed(k, "grower", "reader");
const label = (t: Task): string => `${t.comm}-${t.nr}`;
/** Where a task is, as /proc/PID/cgroup says. */
const pathOf = (k: AssembledKernel, t: Task): string => {
  for (const p of PATHS) {
    const g = group(k, p);
    if (g !== null && k.memcg.system.ofTask(t) === g) return p;
  }
  return "/";
};
function doing(t: Task): number {
  if (t.state === 0) return 1;
  // asleep in nanosleep(2): its own wish; asleep in anything else: the limit's
  return t.call === null || t.call.name === "nanosleep" ? 0 : 2;
}

const limitControl = (path: string, file: "high" | "max" | "low" | "min", def: number, what: string) => ({
  name: `${path.slice(1)} ${file}`,
  what,
  linux: `echo VALUE-MiB > /sys/fs/cgroup${path}/memory.${file}`,
  knob: { kind: "number", default: def, min: 0, max: 512, unit: "MiB" } as const,
  apply: (k: AssembledKernel, v: number | string) =>
    write(k, `/sys/fs/cgroup${path}/memory.${file}`, String(Math.round(num(v) * MIB))),
});

export const memoryScenario: Scenario<MemPicture> = {
  id: "mem",
  name: "Control groups and memory",
  question: "Who is charged for this, and what happens at the limit?",
  sees: "Two groups share a parent with a limit; a third stands alone. A task in web grows until it passes the group's high mark and is put to sleep ever longer; a task in batch grows into its max and is killed, and its supervisor starts it again. The reader's page cache is what reclaim takes first.",
  howTrue:
    "Charging, limits, protection, the delay at high and the choice of the killer are checked against recorded runs on 6.1 and 6.18. Swap is off here.",
  binNs: 10e6,
  settings: {
    memory: { kind: "number", default: 512, min: 128, max: 4096, unit: "MiB" },
    appetite: { kind: "number", default: 96, min: 16, max: 512, unit: "MiB per task" },
  },
  controls: [
    limitControl("/shop/web", "high", 64, "Above this the tasks of web are slowed, by up to 2 s at a time."),
    limitControl("/shop", "max", 128, "What web and db may have together."),
    limitControl("/batch", "max", 48, "At this the group's own cache is taken back, then a task of it is killed."),
    limitControl("/shop/db", "min", 0, "So much of db is not taken back, whoever wants it."),
  ],
  gauges: [
    ...PATHS.map((path) => ({
      name: path.slice(1),
      unit: "MiB",
      group: "usage",
      what: `What the tasks of ${path} and of the groups below it are charged for.`,
      linux: `memory.current of ${path}`,
      read: usage(path),
    })),
    ...(
      [
        ["/shop/web", "high", "Above it the tasks of web are put to sleep."],
        ["/batch", "max", "At it batch gets nothing more: a task of it is killed."],
        ["/shop", "max", "What web and db may have together."],
      ] as const
    ).map(([path, file, what]) => ({
      name: `${path.slice(1)} ${file}`,
      unit: "MiB",
      group: "usage",
      limit: true,
      drag: { control: `${path.slice(1)} ${file}`, per: 1 },
      what,
      linux: `memory.${file} of ${path}`,
      read: (k: AssembledKernel) => mib(group(k, path)?.memory[file] ?? Number.POSITIVE_INFINITY),
    })),
    {
      name: "kills",
      unit: "tasks",
      group: "kills",
      what: "Tasks killed because a group was at its max.",
      linux: "oom_kill in memory.events",
      read: (k) => PATHS.reduce((n, p) => n + (p === "/shop" ? 0 : (group(k, p)?.events[4] ?? 0)), 0),
    },
    {
      name: "taken back",
      unit: "pages/s",
      group: "faults",
      rate: true,
      what: "Pages that reclaim took from groups at their limit.",
      linux: "pgsteal in memory.stat",
      read: (k) => PATHS.reduce((n, p) => n + (p === "/shop" ? 0 : stat4k(group(k, p), "pgsteal")), 0),
    },
    {
      name: "page faults",
      unit: "1/s",
      group: "faults",
      rate: true,
      what: "Pages taken by touching them.",
      linux: "pgfault in /proc/vmstat",
      read: (k) => vmstat(k, "pgfault"),
    },
  ],
  lanes: {
    title: "Tasks",
    what: "What each task does: its own sleep, work, or a wait that a limit imposes.",
    max: 24,
    states: [
      { name: "idle", what: "sleeps of its own will, or is gone", tone: "empty" },
      { name: "runs", what: "on a CPU or waiting for one", tone: "busy" },
      { name: "held", what: "put to sleep by memory.high, or waits for reclaim", tone: "waiting" },
    ],
    names: () => PATHS.slice(1).map((p) => `tasks of ${p}`),
    read(k, out) {
      const all = members(k);
      for (const [i, p] of PATHS.slice(1).entries())
        out[i] = all.filter((t) => pathOf(k, t) === p).reduce((s, t) => Math.max(s, doing(t)), 0);
    },
  },
  heat: {
    title: "Stalls",
    what: "Each time a limit put a task to sleep: when it woke, and how long it had slept.",
    event: "stall",
    unit: "ms",
    steps: [1, 10, 20, 50, 100, 200, 500, 1000, 2000],
  },
  traces: ["cgroup:*", "sched:sched_process_exit"],
  files: [
    "/sys/fs/cgroup/shop/web/memory.current",
    "/sys/fs/cgroup/shop/web/memory.events",
    "/sys/fs/cgroup/shop/web/memory.stat",
    "/sys/fs/cgroup/batch/memory.events",
    "/proc/meminfo",
  ],
  programs: [grower, reader, supervisor],
  packages: { ...BASE, memcg },
  options: (s) => ({ machine: { cpus: 2, memory: `${num(s["memory"])}M` } }),
  setup(k, s) {
    const sys = k.sys(k.init);
    k.writeback.addDevice("sda", { writeBps: 32 * MIB });
    sys.mount("/dev/sda", "/mnt", "ext4", 0);
    const at = "/sys/fs/cgroup";
    write(k, `${at}/cgroup.subtree_control`, "+memory +pids");
    for (const p of PATHS) {
      sys.mkdir(at + p, 0o755);
      if (p === "/shop") write(k, `${at}/shop/cgroup.subtree_control`, "+memory");
    }
    write(k, `${at}/shop/memory.max`, String(128 * MIB));
    write(k, `${at}/shop/web/memory.high`, String(64 * MIB));
    write(k, `${at}/batch/memory.max`, String(48 * MIB));
    const most = num(s["appetite"]) * 256;
    k.spawn(supervisor, { path: "/shop/web", most, started: 0 });
    k.spawn(supervisor, { path: "/batch", most, started: 0 });
    k.spawn(reader, { path: "/shop/db", i: 0, fd: -1 });
  },
  watch(k, emit) {
    // when each task went to sleep because of a limit
    const since = new Map<number, number>();
    k.trace.listen("sched:sched_switch", (_name, _cpu, off) => {
      const t = off as Task | null;
      if (t !== null && t.comm === "grower" && t.state !== 0 && doing(t) === 2) since.set(t.nr, k.now);
    });
    k.trace.listen("sched:sched_wakeup", (_name, who) => {
      const t = who as Task;
      const from = since.get(t.nr);
      if (from === undefined || from > k.now) return;
      since.delete(t.nr);
      const ms = (k.now - from) / 1e6;
      emit({
        name: "stall",
        text: `${label(t)} of ${pathOf(k, t)} was held for ${ms.toFixed(1)} ms`,
        value: ms,
        pid: t.nr,
        comm: t.comm,
      });
    });
    k.core.hooks.log.tap(950, "observatory", (line) => {
      const m = /Killed process (\d+) \((.*?)\).*anon-rss:(\d+)kB/.exec(line.text);
      if (m !== null)
        emit({ name: "kill", text: line.text, value: Number(m[3]) / 1024, pid: Number(m[1]), comm: m[2] });
    });
  },
  picture(k) {
    return {
      total: k.core.options.machine.memoryBytes / MIB,
      groups: PATHS.flatMap((path) => {
        const g = group(k, path);
        if (g === null) return [];
        const { memory: m } = g;
        const finite = (v: number): number => (Number.isFinite(mib(v)) ? mib(v) : -1);
        return [
          {
            path,
            usage: m.usage / 256,
            anon: stat(g, "anon"),
            file: stat(g, "file"),
            kernel: Math.max(0, m.usage / 256 - stat(g, "anon") - stat(g, "file")),
            min: finite(m.min),
            low: finite(m.low),
            high: finite(m.high),
            max: finite(m.max),
            emin: finite(m.emin),
            elow: finite(m.elow),
            peak: m.watermark / 256,
            events: [...g.events.slice(0, 5)],
          },
        ];
      }),
      tasks: members(k).map((t) => ({
        name: label(t),
        group: pathOf(k, t),
        state: doing(t),
        rss: t.mm === null ? 0 : t.mm.rss.reduce((a, b, i) => (i === 2 ? a : a + b), 0) / 256,
      })),
    };
  },
  table: (p) => ({
    columns: [
      "group",
      "usage MiB",
      "anon",
      "file",
      "kernel",
      "low",
      "high",
      "max",
      ...EVENTS.map((e) => `${e} events`),
    ],
    rows: p.groups.map((g) => [
      g.path,
      g.usage,
      g.anon,
      g.file,
      g.kernel,
      g.low,
      g.high < 0 ? "max" : g.high,
      g.max < 0 ? "max" : g.max,
      ...g.events,
    ]),
  }),
  takeaway(p) {
    const kills = p.groups.filter((g) => g.path !== "/shop").reduce((n, g) => n + g.events[4], 0);
    const fullest = [...p.groups].filter((g) => g.max >= 0).sort((a, b) => b.usage / b.max - a.usage / a.max)[0];
    const held = p.tasks.filter((t) => t.state === 2).length;
    return `${fullest === undefined ? "No group has a max." : `${fullest.path} is nearest to its max: ${fullest.usage.toFixed(1)} of ${fullest.max.toFixed(0)} MiB.`} ${some(held, "task")} of ${p.tasks.length} ${held === 1 ? "is" : "are"} held back by a limit now; ${some(kills, "task has", "tasks have")} been killed so far.`;
  },
};

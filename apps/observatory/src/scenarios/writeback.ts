/** Writeback: writers meet the dirty limit of a slow disk, and a log is rewritten while its pages are on their way. */
import { type AddressSpace, type CoreSys, O_CREAT, O_RDWR, type Program, program, type Task } from "@kernelkit/core";
import type { StablePages, WritebackSys } from "@kernelkit/writeback";
import type { AssembledKernel } from "kernelkit/kernel";
import type { Scenario } from "../lab/scenario.js";
import { BASE, MIB, num, some, tasksNamed, vmstat, write } from "./common.js";

/** The package's state, as far as it is looked at here. */
interface WbState {
  readonly wbs: readonly { dirtyRatelimit: number; writeback: number; dirtied: number; written: number }[];
  readonly domain: { readonly dirtyLimit: number };
}
interface Bio {
  readonly first: number;
  readonly n: number;
  readonly transfers: readonly { startNs: number; pageNs: number; changed: ReadonlySet<number> }[];
}
interface CachedFile {
  readonly name: string;
  readonly mapping: AddressSpace;
  readonly bios: readonly Bio[];
}

export interface WbPicture {
  readonly nowMs: number;
  /** Pages. */
  readonly dirty: number;
  readonly writeback: number;
  readonly background: number;
  readonly freerun: number;
  readonly setpoint: number;
  readonly limit: number;
  /** Pages/s: of the device as measured, and what one writer may dirty. */
  readonly bandwidth: number;
  readonly ratelimit: number;
  readonly writers: readonly { pid: number; name: string; state: number }[];
  readonly requests: readonly {
    file: string;
    first: number;
    pages: number;
    startMs: number;
    endMs: number;
    changed: number;
  }[];
  /** 64 parts of each file: `.` nothing, `c` clean, `d` dirty, `w` on its way. */
  readonly files: readonly { name: string; cells: string }[];
  readonly checksumErrors: number;
  readonly stable: boolean;
}

const state = (k: AssembledKernel): WbState => k.core.state.rootNamed("writeback") as WbState;
const thresh = (k: AssembledKernel): number => k.writeback.globalDirtyLimits().thresh;
const background = (k: AssembledKernel): number => k.writeback.globalDirtyLimits().bgThresh;
const freerun = (k: AssembledKernel): number => (thresh(k) + background(k)) / 2;
const limit = (k: AssembledKernel): number => Math.max(thresh(k), state(k).domain.dirtyLimit);
const setpoint = (k: AssembledKernel): number => (freerun(k) + limit(k)) / 2;

const CHUNK = 65536;
type Sys = Program<CoreSys & WritebackSys>;
const writer = program("writer", function* (sys: Sys, s: { id: number; i: number; fd: number }) {
  if (s.fd < 0) s.fd = yield* sys.open(`/mnt/w${s.id}`, O_RDWR | O_CREAT, 0o644);
  const data = new Uint8Array(CHUNK).fill(s.id);
  for (; ; s.i++) {
    yield* sys.restPoint(s);
    yield* sys.compute(500_000);
    yield* sys.pwrite64(s.fd, data, (s.i % 256) * CHUNK);
  }
});
/** A log of 64 pages that is written over and over, whatever is on its way to the disk. */
const database = program("database", function* (sys: Sys, s: { i: number; fd: number }) {
  if (s.fd < 0) s.fd = yield* sys.open("/mnt/log", O_RDWR | O_CREAT, 0o644);
  for (; ; s.i++) {
    yield* sys.restPoint(s);
    yield* sys.nanosleep(5_000_000);
    yield* sys.pwrite64(s.fd, new Uint8Array(4096).fill(s.i & 255), (s.i % 64) * 4096);
    if (s.i % 64 === 63) yield* sys.sync_file_range(s.fd, 0, 0, 2);
  }
});

export const WB_STATES = ["other", "writing", "paused", "stable", "sync"] as const;
function doing(t: Task): number {
  const call = t.call?.name ?? "";
  const writes = call === "pwrite64" || call === "write";
  if (t.state === 0) return 1;
  if (t.waitingFor.startsWith("io")) return writes ? 3 : 4;
  return writes ? 2 : 0;
}
const writers = (k: AssembledKernel): Task[] => tasksNamed(k, "writer", "database");
const label = (t: Task): string => `${t.comm}-${t.nr}`;

/** Files of the writers, with what is cached of them. */
function files(k: AssembledKernel): CachedFile[] {
  return writers(k).flatMap((t) =>
    (t.files?.fds ?? []).flatMap((f) => {
      const slot = f?.inode.slots?.find((s) => s !== null && typeof s === "object" && "bios" in s);
      if (f === null || slot === undefined || f.inode.mapping === null) return [];
      return [{ name: f.dentry.name, mapping: f.inode.mapping, bios: (slot as { bios: Bio[] }).bios }];
    }),
  );
}

const PG_DIRTY = 1 << 3;
const PG_WRITEBACK = 1 << 7;
const CELLS = 64;
function cells(k: AssembledKernel, f: CachedFile, pages: number): string {
  let out = "";
  for (let c = 0; c < CELLS; c++) {
    let seen = 0;
    for (let i = Math.floor((c * pages) / CELLS); i < Math.floor(((c + 1) * pages) / CELLS); i++) {
      const pfn = f.mapping.lookup(i);
      if (pfn !== 0) seen |= 1 | k.mm.frames.flags[pfn];
    }
    out += (seen & PG_WRITEBACK) !== 0 ? "w" : (seen & PG_DIRTY) !== 0 ? "d" : seen !== 0 ? "c" : ".";
  }
  return out;
}

export const writebackScenario: Scenario<WbPicture> = {
  id: "wb",
  name: "Writeback",
  question: "Why is this write waiting?",
  sees: "Writers fill memory with dirty pages faster than the disk takes them. Below the freerun line nobody is slowed; above it each writer is put to sleep now and then, so that together they go as fast as the disk. The database rewrites a small log while its pages are on their way: with stable pages it must wait for the disk.",
  howTrue:
    "The arithmetic of the control loop is Linux 6.18's to the integer and is checked against recorded runs. The disk is a model: one request after the other at an even rate. Writeback per control group is not shown.",
  binNs: 10e6,
  settings: {
    design: {
      kind: "choice",
      default: "bdi-flag",
      choices: ["modern", "always", "bdi-flag", "pg-stable", "none"],
    },
    writers: { kind: "number", default: 4, min: 1, max: 8, unit: "tasks" },
    disk: { kind: "number", default: 8, min: 1, max: 64, unit: "MiB/s" },
    checksums: { kind: "choice", default: "yes", choices: ["yes", "no"] },
  },
  controls: [
    {
      name: "limit",
      what: "The most that may be dirty. Lower it below the level, and everybody who writes is stopped until the disk has caught up.",
      linux: "echo VALUE-MiB > /proc/sys/vm/dirty_bytes",
      knob: { kind: "number", default: 24, min: 1, max: 128, unit: "MiB" },
      apply: (k, v) => write(k, "/proc/sys/vm/dirty_bytes", String(Math.round(num(v) * MIB))),
    },
    {
      name: "background",
      what: "Above this much the flusher starts by itself.",
      linux: "echo VALUE-MiB > /proc/sys/vm/dirty_background_bytes",
      knob: { kind: "number", default: 12, min: 1, max: 128, unit: "MiB" },
      apply: (k, v) => write(k, "/proc/sys/vm/dirty_background_bytes", String(Math.round(num(v) * MIB))),
    },
    {
      name: "stable writes",
      what: "Whether the queue says that pages must not change while they are written.",
      linux: "echo VALUE > /sys/block/sda/queue/stable_writes",
      knob: { kind: "choice", default: "1", choices: ["0", "1"] },
      apply: (k, v) => write(k, "/sys/block/sda/queue/stable_writes", String(v)),
    },
    {
      name: "one more writer",
      what: "Another task that writes as fast as it may.",
      linux: "dd if=/dev/zero of=/mnt/w &",
      knob: { kind: "button" },
      apply: (k) => void k.spawn(writer, { id: writers(k).length + 10, i: 0, fd: -1 }),
    },
  ],
  gauges: [
    {
      name: "dirty",
      unit: "pages",
      group: "pages",
      what: "Pages that are newer in memory than on the disk.",
      linux: "nr_dirty in /proc/vmstat",
      read: (k) => vmstat(k, "nr_dirty"),
    },
    {
      name: "writeback",
      unit: "pages",
      group: "pages",
      what: "Pages that are on their way to the disk.",
      linux: "nr_writeback in /proc/vmstat",
      read: (k) => vmstat(k, "nr_writeback"),
    },
    {
      name: "limit",
      unit: "pages",
      group: "pages",
      limit: true,
      drag: { control: "limit", per: 256 },
      what: "Nobody may dirty more; it falls slowly after a sudden cut.",
      linux: "nr_dirty_threshold in /proc/vmstat, smoothed",
      read: limit,
    },
    {
      name: "setpoint",
      unit: "pages",
      group: "pages",
      limit: true,
      what: "Where the control loop wants the level to be: half-way between freerun and limit.",
      linux: "setpoint of the tracepoint balance_dirty_pages",
      read: setpoint,
    },
    {
      name: "freerun",
      unit: "pages",
      group: "pages",
      limit: true,
      what: "Below this nobody is slowed: half-way between the background threshold and the threshold.",
      linux: "dirty_freerun_ceiling()",
      read: freerun,
    },
    {
      name: "background",
      unit: "pages",
      group: "pages",
      limit: true,
      drag: { control: "background", per: 256 },
      what: "Above this the flusher writes by itself.",
      linux: "nr_dirty_background_threshold in /proc/vmstat",
      read: background,
    },
    {
      name: "dirtied",
      unit: "pages/s",
      group: "rates",
      rate: true,
      what: "Pages that became dirty, per second.",
      linux: "nr_dirtied in /proc/vmstat",
      read: (k) => vmstat(k, "nr_dirtied"),
    },
    {
      name: "written",
      unit: "pages/s",
      group: "rates",
      rate: true,
      what: "Pages the disk has taken, per second.",
      linux: "nr_written in /proc/vmstat",
      read: (k) => vmstat(k, "nr_written"),
    },
  ],
  lanes: {
    title: "Writers",
    what: "What each task that writes is doing.",
    max: 16,
    states: [
      { name: "elsewhere", what: "between two writes", tone: "empty" },
      { name: "writing", what: "on a CPU or waiting for one", tone: "busy" },
      { name: "paused", what: "asleep in balance_dirty_pages(): it dirtied faster than its share", tone: "waiting" },
      { name: "stable wait", what: "wants to change a page that is being written", tone: "bad" },
      { name: "sync", what: "waits for its own pages to be on the disk", tone: "flight" },
    ],
    names: (k) => writers(k).map(label),
    read(k, out) {
      for (const [i, t] of writers(k).entries()) out[i] = doing(t);
    },
  },
  heat: {
    title: "Pauses of writers",
    what: "Each time a writer was put to sleep: when, and for how long.",
    event: "writeback:balance_dirty_pages",
    unit: "ms",
    steps: [0, 10, 20, 40, 80, 120, 160, 200],
  },
  traces: ["writeback:balance_dirty_pages", "writeback:writeback_start", "writeback:writeback_written"],
  value: (name, args) =>
    name === "writeback:balance_dirty_pages" ? Math.max(0, (args[1] as Record<string, number>)["pause"]) : Number.NaN,
  files: [
    "/proc/vmstat",
    "/proc/meminfo",
    "/proc/sys/vm/dirty_bytes",
    "/proc/sys/vm/dirty_background_bytes",
    "/sys/block/sda/queue/stable_writes",
  ],
  programs: [writer, database],
  packages: BASE,
  options: (s) => ({
    machine: { cpus: 2, memory: "512M" },
    writeback: { stablePages: s["design"] as StablePages },
  }),
  setup(k, s) {
    const sys = k.sys(k.init);
    k.writeback.addDevice("sda", {
      writeBps: num(s["disk"]) * MIB,
      integrity: s["checksums"] === "yes" ? "crc" : "none",
    });
    sys.mount("/dev/sda", "/mnt", "ext4", 0);
    write(k, "/proc/sys/vm/dirty_background_bytes", String(12 * MIB));
    write(k, "/proc/sys/vm/dirty_bytes", String(24 * MIB));
    for (let id = 0; id < num(s["writers"]); id++) k.spawn(writer, { id, i: 0, fd: -1 });
    k.spawn(database, { i: 0, fd: -1 });
  },
  picture(k) {
    const dev = k.writeback.device("sda");
    const cached = files(k);
    return {
      nowMs: k.now / 1e6,
      dirty: vmstat(k, "nr_dirty"),
      writeback: vmstat(k, "nr_writeback"),
      background: background(k),
      freerun: freerun(k),
      setpoint: setpoint(k),
      limit: limit(k),
      bandwidth: k.writeback.bandwidth("sda"),
      ratelimit: state(k).wbs[0]?.dirtyRatelimit ?? 0,
      writers: writers(k).map((t) => ({ pid: t.nr, name: label(t), state: doing(t) })),
      requests: cached
        .flatMap((f) =>
          f.bios.map((b) => {
            const t = b.transfers[0];
            return {
              file: f.name,
              first: b.first,
              pages: b.n,
              startMs: t.startNs / 1e6,
              endMs: (t.startNs + b.n * t.pageNs) / 1e6,
              changed: t.changed?.size ?? 0,
            };
          }),
        )
        .sort((a, b) => a.startMs - b.startMs)
        .slice(0, 40),
      files: cached.map((f) => ({ name: f.name, cells: cells(k, f, f.name === "log" ? 64 : 4096) })),
      checksumErrors: dev.checksumErrors,
      stable: dev.stableWrites,
    };
  },
  table: (p) => ({
    columns: ["what", "value", "unit"],
    rows: [
      ["dirty", p.dirty, "pages"],
      ["under writeback", p.writeback, "pages"],
      ["freerun", p.freerun, "pages"],
      ["setpoint", p.setpoint, "pages"],
      ["limit", p.limit, "pages"],
      ["bandwidth of the disk, measured", p.bandwidth, "pages/s"],
      ["rate one writer may dirty at", p.ratelimit, "pages/s"],
      ["checksum errors", p.checksumErrors, ""],
      ...p.writers.map((w) => [w.name, WB_STATES[w.state], "state"]),
      ...p.requests.map((r) => [`request of ${r.file}, page ${r.first}`, r.pages, "pages"]),
    ],
  }),
  takeaway(p) {
    const paused = p.writers.filter((w) => w.state === 2).length;
    const stable = p.writers.filter((w) => w.state === 3).length;
    const all = p.dirty + p.writeback;
    const where =
      all < p.freerun
        ? "below freerun: nobody is slowed"
        : all < p.limit
          ? "between freerun and limit"
          : "at the limit";
    return `${Math.round(all)} of ${Math.round(p.limit)} pages are dirty or under writeback, ${where}. ${some(paused, "writer")} of ${p.writers.length} ${paused === 1 ? "is" : "are"} paused${stable > 0 ? `, ${stable} waits for a page that is being written` : ""}. Checksum errors: ${p.checksumErrors}.`;
  },
};

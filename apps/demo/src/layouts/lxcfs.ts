/**
 * lxcfs: files over those of /proc and /sys in a system container, which say of the container what the others say of the machine. A file
 * system of its own (FUSE on a real machine), mounted on the host; LXC and Incus bind its files into each container. lxcfs(1).
 *
 * What it knows of a container is the group of its first process: the limit is the smallest up to the root, the processors are those of its
 * cpuset, numbered from 0. What it does not know better comes from the file below.
 */
import {
  type Core,
  type Ctx,
  type Feature,
  type FileSystemType,
  FS_INTERNAL,
  FUSE_SUPER_MAGIC,
  type Knode,
  kernMount,
  newTreeSuper,
  type OpenFile,
  type PseudoFile,
  PseudoTree,
  procFileOps,
  type SuperOps,
  type SysBase,
  type Task,
  type TreeKind,
} from "@kernelkit/core";
import { type MemCgroup, STAT_NAMES, statValue } from "@kernelkit/memcg";

/** Where it is mounted on the host. */
export const LXCFS = "/var/lib/lxcfs";
/** Its files, which belong over those of the same name. */
export const LXCFS_FILES: readonly string[] = [
  "/proc/cpuinfo",
  "/proc/diskstats",
  "/proc/loadavg",
  "/proc/meminfo",
  "/proc/stat",
  "/proc/swaps",
  "/proc/uptime",
  "/sys/devices/system/cpu",
];

const kind: TreeKind = { name: "fuse.lxcfs", prefix: LXCFS, magic: FUSE_SUPER_MAGIC, fileOps: procFileOps };
const ops: SuperOps = { showOptions: () => ",user_id=0,group_id=0,allow_other" };

/** The first process of the reader's container. */
function initOf(c: Ctx): Task {
  return c.k.tasks.pidNsOf(c.task).childReaper ?? c.k.tasks.init;
}

/** Its memory group: what systemd makes for itself inside is not it. */
function groupOf(c: Ctx): MemCgroup | null {
  const css = c.k.cgroup.css(initOf(c), c.k.cgroup.index("memory"));
  const own = css !== null && css.cgroup.name === "init.scope" ? css.parent : css;
  return (own?.data as MemCgroup | undefined) ?? null;
}

function cpusOf(c: Ctx): number[] {
  const { cpusMask } = initOf(c);
  const out: number[] = [];
  for (let cpu = 0; cpu < c.k.cpus.nr; cpu++)
    if (c.k.cpus.online[cpu] === 1 && ((cpusMask[cpu >>> 5] >>> (cpu & 31)) & 1) !== 0) out.push(cpu);
  return out;
}

/** The text of the file that is covered. */
function below(c: Ctx, name: string, file: OpenFile): string {
  const node = c.k.proc.tree.find(name);
  const text = (node?.file as PseudoFile | null | undefined)?.show?.(c, undefined, file) ?? "";
  return typeof text === "string" ? text : new TextDecoder().decode(text);
}

/** Smallest of a limit here and above, bytes. */
function least(m: MemCgroup, limit: (m: MemCgroup) => number): number {
  let n = Number.POSITIVE_INFINITY;
  for (let at: MemCgroup | null = m; at !== null; at = at.parent) n = Math.min(n, limit(at) * 4096);
  return n;
}

function meminfo(c: Ctx, file: OpenFile): string {
  const text = below(c, "meminfo", file);
  const m = groupOf(c);
  const host = (name: string): number => Number(new RegExp(`^${name}: +(\\d+)`, "m").exec(text)?.[1] ?? 0) * 1024;
  const total = host("MemTotal");
  const limit = m === null ? total : least(m, (at) => at.memory.max);
  if (m === null || limit >= total) return text;
  const stat = (name: string): number => statValue(m, STAT_NAMES.indexOf(name));
  const [aa, ia] = [stat("active_anon"), stat("inactive_anon")];
  const [af, jf] = [stat("active_file"), stat("inactive_file")];
  const free = Math.max(0, limit - m.memory.usage * 4096);
  const swap = Math.min(
    host("SwapTotal"),
    least(m, (at) => at.swap.max),
  );
  const own: Readonly<Record<string, number>> = {
    MemTotal: limit,
    MemFree: free,
    MemAvailable: Math.min(limit, free + stat("file") + stat("slab_reclaimable")),
    Buffers: 0,
    Cached: stat("file"),
    SwapCached: 0,
    Active: aa + af,
    Inactive: ia + jf,
    "Active(anon)": aa,
    "Inactive(anon)": ia,
    "Active(file)": af,
    "Inactive(file)": jf,
    Unevictable: stat("unevictable"),
    SwapTotal: swap,
    SwapFree: Math.max(0, swap - m.swap.usage * 4096),
    Dirty: stat("file_dirty"),
    Writeback: stat("file_writeback"),
    AnonPages: stat("anon"),
    Mapped: stat("file_mapped"),
    Shmem: stat("shmem"),
    Slab: stat("slab"),
    SReclaimable: stat("slab_reclaimable"),
    SUnreclaim: stat("slab_unreclaimable"),
    AnonHugePages: stat("anon_thp"),
  };
  return text.replace(/^([^:\n]+):( +)(\d+) kB$/gm, (line, name: string, gap: string, was: string) =>
    Object.hasOwn(own, name)
      ? `${name}:${String(Math.floor(own[name] / 1024)).padStart(gap.length + was.length)} kB`
      : line,
  );
}

function cpuinfo(c: Ctx, file: OpenFile): string {
  const blocks = below(c, "cpuinfo", file).split(/(?<=\n\n)/);
  const of = new Map(blocks.map((b) => [Number(/^processor\t: (\d+)/.exec(b)?.[1]), b]));
  return cpusOf(c)
    .map((cpu, i) => (of.get(cpu) ?? "").replace(/^processor\t: \d+/, `processor\t: ${i}`))
    .join("");
}

/** The container's processors, and their sum in place of the machine's. */
function stat(c: Ctx, file: OpenFile): string {
  const lines = below(c, "stat", file).split("\n");
  const rows = cpusOf(c).flatMap((cpu) => lines.filter((l) => l.startsWith(`cpu${cpu} `)));
  const numbers = rows.map((r) => r.split(" ").slice(1).map(Number));
  const sum = numbers[0]?.map((_, i) => numbers.reduce((s, r) => s + r[i], 0)) ?? [];
  return [
    `cpu  ${sum.join(" ")}`,
    ...numbers.map((r, i) => `cpu${i} ${r.join(" ")}`),
    ...lines.filter((l) => !l.startsWith("cpu")),
  ].join("\n");
}

/** Since the container's first process began, and what its processors had nothing to do in that time. */
function uptime(c: Ctx): string {
  const init = initOf(c);
  const since = c.k.now - init.startTimeNs;
  let busy = 0;
  for (const t of groupOf(c)?.css.cgroup.subtree() ?? [])
    for (const task of t.tasks) busy += task.utimeNs + task.stimeNs;
  const seconds = (ns: number): string => (Math.floor(Math.max(0, ns) / 1e7) / 100).toFixed(2);
  return `${seconds(since)} ${seconds(since - busy)}\n`;
}

function swaps(c: Ctx, file: OpenFile): string {
  const text = below(c, "swaps", file);
  const m = groupOf(c);
  const machine = text
    .split("\n")
    .slice(1)
    .reduce((s, l) => s + Number(/\t(\d+)\t/.exec(l)?.[1] ?? 0), 0);
  const size = m === null ? 0 : Math.min(machine, least(m, (at) => at.swap.max) / 1024);
  const head = text.slice(0, text.indexOf("\n") + 1);
  if (m === null || size === 0) return head;
  return `${head}none${" ".repeat(36)}virtual\t\t${size}\t${m.swap.usage * 4}\t0\n`;
}

/** A directory of sysfs once more, with the same files. */
function mirror(tree: PseudoTree, from: Knode, path: string): void {
  tree.dir<unknown>(path, from.group === null ? {} : { group: from.group as never, owner: from.owner });
  for (const n of from.children?.values() ?? []) {
    const at = `${path}/${n.name}`;
    if (n.isDir) mirror(tree, n, at);
    else if (n.file !== null && from.group?.files.has(n.name) !== true)
      tree.file<unknown>(at, n.file as PseudoFile<unknown>, { owner: n.owner });
  }
}

/** Text of one's own where there is something to say, else that of the file below. */
const FILES: Readonly<Record<string, PseudoFile>> = {
  cpuinfo: { show: (c, _o, file) => cpuinfo(c, file) },
  diskstats: { show: (c, _o, file) => below(c, "diskstats", file) },
  loadavg: { show: (c, _o, file) => below(c, "loadavg", file) },
  meminfo: { show: (c, _o, file) => meminfo(c, file) },
  stat: { show: (c, _o, file) => stat(c, file) },
  swaps: { show: (c, _o, file) => swaps(c, file) },
  uptime: { show: (c) => uptime(c) },
};
const online: PseudoFile = { show: (c) => `0-${Math.max(0, cpusOf(c).length - 1)}\n`.replace("0-0\n", "0\n") };

/** The file system, unmounted: whoever does not use it has nothing of it. */
export function lxcfs(): Feature<"lxcfs", object, SysBase> {
  return {
    name: "lxcfs",
    install(k: Core) {
      const type: FileSystemType = {
        name: kind.name,
        flags: FS_INTERNAL,
        mount: () => newTreeSuper(k.state.rootNamed(`tree.${kind.name}`) as PseudoTree, ops),
      };
      k.state.static(`fs.${kind.name}`, type);
      k.state.static(`fs.${kind.name}.ops`, ops);
      const tree = new PseudoTree(k, kind, { type });
      tree.later(() => {
        k.proc.tree.settle();
        k.sysfs.settle();
        for (const [name, def] of Object.entries(FILES)) tree.file(`proc/${name}`, def);
        const cpu = k.sysfs.find("devices/system/cpu");
        if (cpu !== null) mirror(tree, cpu, "sys/devices/system/cpu");
        tree.file("sys/devices/system/cpu/online", online, { replace: true });
      });
      return { api: {} };
    },
  };
}

/** Mount it on the host, as its service does. */
export function mountLxcfs(k: Core): void {
  kernMount(k, k.state.staticNamed(`fs.${kind.name}`) as FileSystemType, "lxcfs", LXCFS, "");
}

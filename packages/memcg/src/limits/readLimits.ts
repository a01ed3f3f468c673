/**
 * The limits that a process can read about itself, by a way that is right everywhere: v1, v2 and both at once, whole hosts, containers
 * with and without a cgroup namespace, mounts at any place. cgroups(7), cgroup_namespaces(7), proc_pid_mountinfo(5).
 *
 *     const limits = readLimits({ read: (path) => textOrNull(path) });
 *     limits.memory.bytes     // null: no limit can be seen
 *     limits.memory.from      // the file that says it
 *     limits.trace            // each step, in words
 *
 * Steps: the group from /proc/PID/cgroup, the mount from mountinfo, the directory where the two meet, and from there up to the mount
 * point the smallest limit. What cannot be seen (an ancestor's limit outside of the namespace) is not in the answer.
 */

/** Reading files as the process sees them: null, it is not there or not readable. */
export interface LimitFiles {
  read(path: string): string | null;
}

export interface ReadLimit {
  /** Bytes; null: no limit can be seen, or it is more than the machine has. */
  bytes: bigint | null;
  from: string | null;
}

export interface Limits {
  memory: ReadLimit;
  /** memory.high: above it a process is slowed down. */
  memoryHigh: ReadLimit;
  swap: ReadLimit;
  /** CPUs that the quota allows: may be 0.25, or 1.5; null without one. */
  cpus: { quota: number | null; from: string | null };
  pids: { max: number | null; from: string | null };
  /** Where the memory controller was found. */
  version: 1 | 2 | null;
  directory: string | null;
  trace: string[];
}

/** v1's "no limit": LONG_MAX in whole pages. With 64 KiB pages it is less; nothing real comes near. */
const UNLIMITED_V1 = 9223372036854710272n;

interface Group {
  version: 1 | 2;
  path: string;
}

interface CgroupMount {
  root: string;
  point: string;
  version: 1 | 2;
  options: readonly string[];
}

/** /proc/PID/cgroup: the path of a controller, in v1 where a numbered line names it, else in v2. */
function groupOf(text: string, controller: string): Group | null {
  let v2: string | null = null;
  for (const line of text.split("\n")) {
    const m = /^(\d+):([^:]*):(.*)$/.exec(line);
    if (m === null) continue;
    if (m[1] === "0" && m[2] === "") v2 = m[3];
    else if (m[2].split(",").includes(controller)) return { version: 1, path: m[3] };
  }
  return v2 === null ? null : { version: 2, path: v2 };
}

const unescapeOctal = (s: string): string =>
  s.replace(/\\([0-7]{3})/g, (_, o: string) => String.fromCharCode(Number.parseInt(o, 8)));

/** Mounts of cgroup file systems in mountinfo. Optional fields are any number: what follows " - " is found by it. */
function cgroupMounts(text: string): CgroupMount[] {
  const out: CgroupMount[] = [];
  for (const line of text.split("\n")) {
    const at = line.indexOf(" - ");
    if (at < 0) continue;
    const [type, , options = ""] = line.slice(at + 3).split(" ");
    if (type !== "cgroup" && type !== "cgroup2") continue;
    const fields = line.slice(0, at).split(" ");
    const version = type === "cgroup2" ? 2 : 1;
    out.push({ root: unescapeOctal(fields[3]), point: unescapeOctal(fields[4]), version, options: options.split(",") });
  }
  return out;
}

/** Is `path` the directory `root` or below it? */
const below = (path: string, root: string): boolean => root === "/" || path === root || path.startsWith(`${root}/`);

const join = (point: string, rest: string): string =>
  rest === "" || rest === "/" ? point : `${point.replace(/\/$/, "")}${rest}`;

interface Place {
  mount: CgroupMount;
  directory: string;
}

/** The directory of a group: below the mount whose root is the longest prefix of its path; a mount point itself where none is. */
function placeOf(group: Group, controller: string, mounts: readonly CgroupMount[], trace: string[]): Place | null {
  const fits = mounts.filter((m) => m.version === group.version && (m.version === 2 || m.options.includes(controller)));
  if (fits.length === 0) {
    trace.push(`${controller}: no cgroup${group.version === 2 ? "2" : ""} mount shows it`);
    return null;
  }
  const outside = group.path === "/.." || group.path.startsWith("/../");
  const removed = group.path.endsWith(" (deleted)");
  let best: CgroupMount | null = null;
  for (const m of fits)
    if (!outside && below(group.path, m.root) && (best === null || m.root.length > best.root.length)) best = m;
  if (best === null || removed) {
    const mount = best ?? fits[0];
    trace.push(
      `${controller}: group ${group.path} is ${removed ? "removed" : `not below a mount's root (${fits[0].root})`}: ${mount.point} itself`,
    );
    return { mount, directory: mount.point };
  }
  const directory = join(best.point, best.root === "/" ? group.path : group.path.slice(best.root.length));
  trace.push(
    `${controller}: group ${group.path} in v${group.version}, mounted from ${best.root} at ${best.point}: ${directory}`,
  );
  return { mount: best, directory };
}

/** The directory and those above it, up to the mount point. */
function upwards(p: Place): string[] {
  const out = [p.directory];
  for (let d = p.directory; d !== p.mount.point && d.length > p.mount.point.length; ) {
    d = d.slice(0, d.lastIndexOf("/")) || "/";
    out.push(d);
  }
  return out;
}

function number(text: string | null): bigint | null {
  const s = text?.trim() ?? "";
  return /^\d+$/.test(s) ? BigInt(s) : null;
}

/** A limit in bytes; null: none. */
function bytes(text: string | null): bigint | null {
  const n = number(text);
  return n === null || n >= UNLIMITED_V1 ? null : n;
}

/** The smallest of a file's values from the directory upwards. */
function smallest(
  files: LimitFiles,
  dirs: readonly string[],
  name: string,
  parse: (text: string) => bigint | null,
  into: ReadLimit,
  trace: string[],
): void {
  for (const d of dirs) {
    const path = `${d}/${name}`;
    const text = files.read(path);
    if (text === null) continue;
    const n = parse(text);
    trace.push(`${path}: ${text.trim()}${n === null ? " (no limit)" : ""}`);
    if (n !== null && (into.bytes === null || n < into.bytes)) {
      into.bytes = n;
      into.from = path;
    }
  }
}

function memTotal(files: LimitFiles): bigint | null {
  const m = /^MemTotal:\s+(\d+) kB/m.exec(files.read("/proc/meminfo") ?? "");
  return m === null ? null : BigInt(m[1]) * 1024n;
}

function readMemory(files: LimitFiles, p: Place, version: 1 | 2, out: Limits): void {
  const dirs = upwards(p);
  const { trace } = out;
  if (version === 2) {
    smallest(files, dirs, "memory.max", bytes, out.memory, trace);
    smallest(files, dirs, "memory.high", bytes, out.memoryHigh, trace);
    smallest(files, dirs, "memory.swap.max", bytes, out.swap, trace);
  } else {
    smallest(files, dirs, "memory.limit_in_bytes", bytes, out.memory, trace);
    // the one trace of ancestors above a bind mount
    const hierarchical = (text: string): bigint | null =>
      bytes(/^hierarchical_memory_limit (\d+)$/m.exec(text)?.[1] ?? null);
    const stat = files.read(`${p.directory}/memory.stat`);
    const h = stat === null ? null : hierarchical(stat);
    if (h !== null) {
      trace.push(`${p.directory}/memory.stat: hierarchical_memory_limit ${h}`);
      if (out.memory.bytes === null || h < out.memory.bytes) {
        out.memory.bytes = h;
        out.memory.from = `${p.directory}/memory.stat`;
      }
    }
    const both: ReadLimit = { bytes: null, from: null };
    smallest(files, dirs, "memory.memsw.limit_in_bytes", bytes, both, trace);
    if (both.bytes !== null && out.memory.bytes !== null) {
      out.swap = { bytes: both.bytes - out.memory.bytes, from: both.from };
      if (out.swap.bytes !== null && out.swap.bytes < 0n) out.swap.bytes = 0n;
    }
  }
  const total = memTotal(files);
  if (total === null || out.memory.bytes === null || out.memory.bytes <= total) return;
  trace.push(`a limit of ${out.memory.bytes} is more than the machine has (${total}): none`);
  out.memory.bytes = null;
  out.memory.from = null;
}

function readCpu(files: LimitFiles, p: Place, version: 1 | 2, out: Limits): void {
  for (const d of upwards(p)) {
    let quota: bigint | null = null;
    let period: bigint | null = null;
    let path = `${d}/cpu.max`;
    if (version === 2) {
      const words = (files.read(path) ?? "").trim().split(/\s+/);
      quota = number(words[0]);
      period = number(words[1] ?? "100000");
    } else {
      path = `${d}/cpu.cfs_quota_us`;
      quota = number(files.read(path));
      period = number(files.read(`${d}/cpu.cfs_period_us`));
    }
    if (quota === null || period === null || quota === 0n || period === 0n) continue;
    const cpus = Number(quota) / Number(period);
    out.trace.push(`${path}: ${quota} of ${period} us, ${cpus} CPUs`);
    if (out.cpus.quota === null || cpus < out.cpus.quota) out.cpus = { quota: cpus, from: path };
  }
}

function readPids(files: LimitFiles, p: Place, out: Limits): void {
  const least: ReadLimit = { bytes: null, from: null };
  smallest(files, upwards(p), "pids.max", number, least, out.trace);
  if (least.bytes !== null) out.pids = { max: Number(least.bytes), from: least.from };
}

/** The limits of process `pid` ("self" or a number) that files show. */
export function readLimits(files: LimitFiles, pid: string | number = "self"): Limits {
  const none = (): ReadLimit => ({ bytes: null, from: null });
  const out: Limits = {
    memory: none(),
    memoryHigh: none(),
    swap: none(),
    cpus: { quota: null, from: null },
    pids: { max: null, from: null },
    version: null,
    directory: null,
    trace: [],
  };
  const groups = files.read(`/proc/${pid}/cgroup`);
  const mounts = cgroupMounts(files.read(`/proc/${pid}/mountinfo`) ?? "");
  if (groups === null) {
    out.trace.push(`/proc/${pid}/cgroup is not there: no limit can be seen`);
    return out;
  }
  for (const controller of ["memory", "cpu", "pids"]) {
    const group = groupOf(groups, controller);
    if (group === null) {
      out.trace.push(`${controller}: /proc/${pid}/cgroup names no group`);
      continue;
    }
    const p = placeOf(group, controller, mounts, out.trace);
    if (p === null) continue;
    if (controller === "memory") {
      out.version = group.version;
      out.directory = p.directory;
      readMemory(files, p, group.version, out);
    } else if (controller === "cpu") readCpu(files, p, group.version, out);
    else readPids(files, p, out);
  }
  return out;
}

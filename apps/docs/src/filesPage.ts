// Reference of files: /proc, /sys and /dev of booted kernels, walked. Numbered names (cpu0, cpu1) become one row (cpuN).
import { type AnyKernel, byPackage } from "./kernels.js";
import { generated, table } from "./markdown.js";

interface Sys {
  readdir(path: string): string[];
  lstat(path: string): { mode: number };
}

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;
const DEPTH = 12;
const ROOTS = ["/proc", "/sys", "/dev"];

/** cpu0 -> cpuN, /proc/300 -> /proc/PID; numbers that are part of a name (ipv4, fs/ext4, v2) stay. */
function pattern(path: string): string {
  return path
    .replace(/^\/proc\/\d+/, "/proc/PID")
    .replace(/\/task\/\d+/, "/task/TID")
    .replace(
      /\/(cpu|node|state|cooling_device|thermal_zone|tty|ttyS|loop|index|zone|memory|policy)\d+(?=\/|$)/g,
      "/$1N",
    )
    .replace(/\/(trip_point_|cdev|constraint_)\d+/g, "/$1N")
    .replace(/intel-rapl:\d+(:\d+)?/g, (_, sub: string | undefined) => `intel-rapl:N${sub === undefined ? "" : ":M"}`)
    .replace(/\/\d+(:\d+)?(?=\/|$)/g, "/N");
}

function walk(kernel: AnyKernel): Map<string, number> {
  const sys = kernel.sys(kernel.init) as unknown as Sys;
  const found = new Map<string, number>();
  const seen = new Set<string>();
  // init and its first thread stand for all of theirs
  const skip = new Set(["/proc/self", "/proc/thread-self"]);
  const step = (path: string, depth: number): void => {
    let names: string[];
    try {
      names = sys.readdir(path);
    } catch {
      return;
    }
    for (const name of names) {
      if (name === "." || name === "..") continue;
      const full = `${path}/${name}`;
      if (skip.has(full) || (/^\/proc\/\d+$/.test(full) && full !== "/proc/1")) continue;
      const shape = pattern(full);
      if (seen.has(shape)) continue;
      seen.add(shape);
      let mode: number;
      try {
        mode = sys.lstat(full).mode;
      } catch {
        continue;
      }
      found.set(shape, mode);
      if ((mode & S_IFMT) === S_IFDIR && depth < DEPTH) step(full, depth + 1);
    }
  };
  for (const root of ROOTS) step(root, 1);
  return found;
}

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, "0");

export function filesPage(): string {
  const all = byPackage(walk);
  const rows = [...all]
    .filter(([, { value }]) => (value & S_IFMT) !== S_IFDIR)
    .map(([path, { package: name, value }]) => ({ path, name, value }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const groups: readonly (readonly [string, (path: string) => boolean])[] = [
    ["/proc/sys", (p) => p.startsWith("/proc/sys/")],
    ["/proc/PID", (p) => p.startsWith("/proc/PID/")],
    ["/proc", (p) => p.startsWith("/proc/") && !p.startsWith("/proc/sys/") && !p.startsWith("/proc/PID/")],
    ["/sys/fs/cgroup", (p) => p.startsWith("/sys/fs/cgroup/")],
    ["/sys", (p) => p.startsWith("/sys/") && !p.startsWith("/sys/fs/cgroup/")],
    ["/dev", (p) => p.startsWith("/dev/")],
  ];
  const out = [
    ...generated("Files", "walking a booted kernel with each package"),
    `${rows.length} kinds of files. \`N\` stands for any number; the package named is the first that brings the file. Files of groups and of what comes and goes (devices, lines) appear as they are on the`,
    "root group and a fresh boot: what a package adds to each group is in its guide.",
    "",
  ];
  for (const [title, belongs] of groups) {
    const own = rows.filter(({ path }) => belongs(path));
    if (own.length === 0) continue;
    const lines = own.map(({ path, name, value }) => [
      `\`${path}\``,
      (value & S_IFMT) === S_IFLNK ? "link" : octal(value),
      name,
    ]);
    out.push(`## ${title}`, "", ...table(["file", "mode", "package"], lines), "");
  }
  return out.join("\n");
}

/** Static trees of the files that a process finds, for tests of what it makes of them. */
import { type LimitFiles, type Limits, readLimits } from "./readLimits.js";

export const MIB = 1048576n;
export const ID = "4f2a9c1be07d6538a1c4e9f2b7d03a586c1e2f4a9b8d7c6e5f40312213aabbcc";
/** Mount lines: the v2 tree as hosts and containers have it, and a v1 hierarchy from `root`. */
export const V2 =
  "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate";
export const v1 = (controller: string, root: string, optional = "master:9 "): string =>
  `33 32 0:30 ${root} /sys/fs/cgroup/${controller} ro,nosuid,nodev,noexec,relatime ${optional}- cgroup cgroup rw,${controller}`;

/** MemTotal is 16 GiB unless `files` has a /proc/meminfo. */
export function tree(
  cgroup: string | null,
  mounts: readonly string[],
  files: Readonly<Record<string, string>> = {},
): LimitFiles {
  const all = new Map(Object.entries(files));
  if (cgroup !== null) all.set("/proc/self/cgroup", `${cgroup}\n`);
  all.set("/proc/self/mountinfo", mounts.map((m) => `${m}\n`).join(""));
  if (!all.has("/proc/meminfo")) all.set("/proc/meminfo", "MemTotal:       16777216 kB\n");
  return { read: (path) => all.get(path) ?? null };
}

export const limitsOf = (...args: Parameters<typeof tree>): Limits => readLimits(tree(...args));
export const memoryOf = (...args: Parameters<typeof tree>): bigint | null => limitsOf(...args).memory.bytes;

/**
 * `kernelkit run`: a real program over an exported tree, in mount, UTS and pid namespaces of its own.
 *
 * | mode | what is replaced |
 * |---|---|
 * | over | single files of /proc that are of the machine, and the directories of the machine in /sys |
 * | full | all of /proc and /sys |
 * | as-pid | as full, and the command becomes the simulated process: its own /proc/PID is the real one, but for its groups and mounts |
 *
 * What the simulated machine has not got and the real one has (a gVisor sandbox: groups) is absent with `full`, an empty file otherwise.
 * What a program asks by system call (sysinfo, sched_getaffinity, uname, statfs) stays the real machine's answer.
 */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

export type RunMode = "over" | "full" | "as-pid";
export const RUN_MODES: readonly RunMode[] = ["as-pid", "full", "over"];

export interface RunOptions {
  readonly mode: RunMode;
  /** The tree. */
  readonly dir: string;
  /** The simulated process: its number and what pid 1 has in its environment. */
  readonly pid: number;
  readonly hostname: string;
  readonly env?: readonly string[];
  readonly command: readonly string[];
  /** Capture the output instead of passing it through. */
  readonly capture?: boolean;
  readonly timeoutMs?: number;
  /** Whom to be: root gives up what it may. Default: who this is. */
  readonly uid?: number;
}

/** Files of /proc that tell of the machine. */
const PROC_FILES =
  "meminfo stat uptime loadavg cpuinfo vmstat interrupts softirqs cgroups version swaps diskstats filesystems sys/kernel/osrelease sys/kernel/pid_max";
const SYS_DIRS =
  "fs/cgroup devices/system/cpu devices/system/node devices/system/memory kernel/mm/transparent_hugepage";

const quote = (s: string): string => `'${s.replaceAll("'", "'\\''")}'`;

/** What the shell in the new namespaces does before it becomes the command. */
function script(o: RunOptions): string {
  const t = quote(o.dir);
  const lines = ["set -e", `hostname ${quote(o.hostname)} 2>&- || true`];
  // a file that the simulated machine has not got cannot be hidden: it is empty
  const over = (from: string, to: string, lacking = ":"): string =>
    `if [ ! -e ${to} ]; then :; elif [ -e ${from} ]; then mount --bind ${from} ${to}; else ${lacking}; fi`;
  const overFile = (from: string, to: string): string => over(from, to, `mount --bind /dev/null ${to}`);
  if (o.mode === "over") {
    for (const f of PROC_FILES.split(" ")) lines.push(overFile(`${t}/proc/${f}`, `/proc/${f}`));
    for (const f of ["cgroup", "mountinfo", "mounts"]) lines.push(overFile(`${t}/proc/${o.pid}/${f}`, `/proc/$$/${f}`));
    for (const d of SYS_DIRS.split(" ")) lines.push(over(`${t}/sys/${d}`, `/sys/${d}`));
    lines.push('exec "$@"');
    return lines.join("\n");
  }
  if (o.mode === "full") {
    lines.push(`mount --bind ${t}/sys /sys`, `mount --bind ${t}/proc /proc`, 'exec "$@"');
    return lines.join("\n");
  }
  // a copy that can be changed: the place of the simulated process is taken by the real one
  lines.push(
    `real=${t}/.real; copy=${t}/.copy; mkdir -p $real $copy`,
    "mount -t proc proc $real",
    "mount -t tmpfs tmpfs $copy",
    `cp -dR --preserve=mode ${t}/proc ${t}/sys $copy/`,
    `ln -sfn ${o.pid} $copy/proc/self`,
    `export KERNELKIT_REAL=$real KERNELKIT_COPY=$copy KERNELKIT_TREE=${t}`,
  );
  const inner = [
    "set -e",
    `pid=${o.pid}`,
    // the number is the next one that is given out: it is taken here or not at all
    '[ "$$" = "$pid" ] || { echo "kernelkit: pid $pid was not free" >&2; exit 125; }',
    'mkdir -p "$KERNELKIT_COPY/proc/$pid"',
    'mount --bind "$KERNELKIT_REAL/$pid" "$KERNELKIT_COPY/proc/$pid"',
    'for f in cgroup mountinfo mounts; do from="$KERNELKIT_TREE/proc/$pid/$f"; [ -e "$from" ] || from=/dev/null; mount --bind "$from" "$KERNELKIT_COPY/proc/$pid/$f"; done',
    'mount --rbind "$KERNELKIT_COPY/sys" /sys',
    'mount --rbind "$KERNELKIT_COPY/proc" /proc',
    "unset KERNELKIT_REAL KERNELKIT_COPY KERNELKIT_TREE",
    'exec "$@"',
  ].join("\n");
  lines.push(
    // the shell that waits for it is pid 1 of the namespace
    `echo $(( ${o.pid} - 1 )) > $real/sys/kernel/ns_last_pid`,
    `sh -c ${quote(inner)} kernelkit "$@" & wait $!`,
  );
  return lines.join("\n");
}

/** Why namespaces cannot be had, in words that help; null: they can. */
export function cannotRun(uid?: number): string | null {
  const r = spawnSync("unshare", [...rights(uid), "-m", "-u", "-p", "-f", "true"], { encoding: "utf8", ...as(uid) });
  if (r.error !== undefined) return "run: unshare(1) of util-linux is needed";
  if (r.status === 0) return null;
  return [
    `run: namespaces cannot be made here: ${r.stderr.trim()}`,
    "be root, or allow it to users:",
    "  sysctl -w kernel.unprivileged_userns_clone=1            (Debian)",
    "  sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu)",
    "  sysctl -w user.max_user_namespaces=10000",
    "in a container: start it with --cap-add SYS_ADMIN, or use `kernelkit export` and tools that take a root directory",
  ].join("\n");
}

const rights = (uid = process.getuid?.()): string[] => (uid === 0 ? [] : ["-r"]);
const as = (uid?: number): { uid?: number; gid?: number } => (uid === undefined ? {} : { uid, gid: uid });

/** Run it. RangeError without a command; Error with advice where namespaces are not allowed. */
export function runOver(o: RunOptions): SpawnSyncReturns<string> {
  if (o.command.length === 0) throw new RangeError("run: a command is needed: run --layout NAME -- COMMAND");
  const why = cannotRun(o.uid);
  if (why !== null) throw Object.assign(new Error(why), { code: "EPERM" });
  const env: NodeJS.ProcessEnv = { ...process.env };
  for (const e of o.env ?? []) {
    const at = e.indexOf("=");
    // the real machine's programs are found by the real path
    if (!["PATH", "HOME"].includes(e.slice(0, at))) env[e.slice(0, at)] = e.slice(at + 1);
  }
  return spawnSync(
    "unshare",
    [
      ...rights(o.uid),
      "-m",
      "-u",
      ...(o.mode === "over" ? [] : ["-p", "-f"]),
      "--propagation",
      "private",
      "sh",
      "-c",
      script(o),
      "kernelkit",
      ...o.command,
    ],
    {
      env,
      ...as(o.uid),
      encoding: "utf8",
      stdio: o.capture === true ? ["ignore", "pipe", "pipe"] : "inherit",
      ...(o.timeoutMs !== undefined && { timeout: o.timeoutMs }),
    },
  );
}

/** A directory for a tree, gone when `fn` is done. */
export function inScratch<T>(fn: (dir: string) => T): T {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "kernelkit-"));
  try {
    return fn(dir);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

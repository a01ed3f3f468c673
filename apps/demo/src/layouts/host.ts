/**
 * What recipes work with: the machine's own root task, its directories, and its control groups - as init systems and container runtimes
 * make them, by system calls. cgroups(7), the OCI runtime specification (config-linux).
 */
import {
  KernelError,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_SHARED,
  type Outside,
  SIGCHLD,
  type Task,
} from "@kernelkit/core";
import type { AssembledKernel, AssembledSys } from "../kernel.js";

export type Sys = Outside<AssembledSys>;

/** Limits of one group. */
export interface GroupLimits {
  /** Bytes. */
  readonly memory?: number;
  readonly memoryHigh?: number;
  /** Swap alone, bytes. */
  readonly swap?: number;
  /** CPUs' worth of time: 1.5. */
  readonly cpus?: number;
  /** µs. */
  readonly cpuPeriod?: number;
  /** CPUs and nodes, as lists: "0-1". */
  readonly cpuset?: string;
  readonly mems?: string;
  readonly pids?: number;
}

export const ROOT = "/sys/fs/cgroup";
export const CGROUP_FLAGS: number = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME;

/** Hierarchies of a host of version 1, the one with the lowest number first. */
export const V1_MOUNTS: readonly string[] = [
  "systemd",
  "rdma",
  "pids",
  "hugetlb",
  "perf_event",
  "net_cls,net_prio",
  "freezer",
  "devices",
  "memory",
  "blkio",
  "cpu,cpuacct",
  "cpuset",
];

export class Host {
  readonly sys: Sys;

  constructor(readonly kernel: AssembledKernel) {
    this.sys = kernel.sys(kernel.init);
    this.sys.umask(0o022);
    for (const d of ["/run", "/var", "/etc", "/usr", "/home"]) this.mkdirs(d);
    this.sys.mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755");
    // as systemd leaves it
    this.sys.mount("none", "/", "", MS_REC | MS_SHARED, null);
  }

  mkdirs(path: string, sys: Sys = this.sys): void {
    let at = "";
    for (const part of path.split("/").filter(Boolean)) {
      at += `/${part}`;
      try {
        sys.mkdir(at, 0o755);
      } catch (e) {
        if (!(e instanceof KernelError) || e.code !== "EEXIST") throw e;
      }
    }
  }

  write(path: string, text: string, mode: number = 0o644): void {
    this.mkdirs(path.slice(0, path.lastIndexOf("/")));
    this.sys.writeFile(path, text, mode);
  }

  /** Is there a file of that name on the host? */
  has(path: string): boolean {
    try {
      this.sys.stat(path);
      return true;
    } catch (e) {
      if (e instanceof KernelError) return false;
      throw e;
    }
  }

  /** A child of init, or of `parent`, with the number wanted in the innermost namespace. */
  fork(
    comm: string,
    o: { parent?: Task; pid?: number; argv?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
  ): Task {
    const parent = o.parent ?? this.kernel.init;
    const sys = this.kernel.sys(parent);
    const pid = o.pid === undefined ? sys.fork() : sys.clone3({ set_tid: [o.pid], exit_signal: SIGCHLD }).pid;
    const task = this.kernel.core.tasks.findTask(parent, pid) as Task;
    this.kernel.sys(task).prctl(15, comm);
    if (task.mm !== null) {
      task.mm.argv = [...(o.argv ?? [`/usr/bin/${comm}`])];
      if (o.env !== undefined) task.mm.envp = Object.entries(o.env).map(([k, v]) => `${k}=${v}`);
    }
    return task;
  }

  // --- version 2 ---

  /** The mount as systemd makes it. */
  v2Host(options: string = "nsdelegate,memory_recursiveprot"): void {
    this.sys.umount2(ROOT, 0);
    this.sys.mount("cgroup2", ROOT, "cgroup2", CGROUP_FLAGS, options);
  }

  /** A group with the controllers (those that are there) in all groups above it; `only` names those that are handed down. */
  v2Group(path: string, limits: GroupLimits = {}, only?: readonly string[]): void {
    let at = ROOT;
    for (const name of path.split("/").filter(Boolean)) {
      const have = this.sys.readText(`${at}/cgroup.controllers`).trim().split(" ").filter(Boolean);
      const want = have.filter((c) => c !== "perf_event" && (only === undefined || only.includes(c) || at === ROOT));
      if (want.length > 0) this.sys.writeFile(`${at}/cgroup.subtree_control`, want.map((c) => `+${c}`).join(" "));
      at += `/${name}`;
      this.mkdirs(at);
    }
    this.v2Limits(path, limits);
  }

  v2Limits(path: string, o: GroupLimits): void {
    const put = (file: string, value: string | number | undefined): void => {
      if (value !== undefined) this.sys.writeFile(`${ROOT}${path}/${file}`, String(value));
    };
    put("memory.max", o.memory);
    put("memory.high", o.memoryHigh);
    put("memory.swap.max", o.swap);
    if (o.cpus !== undefined) put("cpu.max", quotaText(o.cpus, o.cpuPeriod));
    put("cpuset.cpus", o.cpuset);
    put("cpuset.mems", o.mems);
    put("pids.max", o.pids);
  }

  v2Enter(task: Task, path: string): void {
    this.sys.writeFile(`${ROOT}${path}/cgroup.procs`, String(task.nr));
  }

  // --- version 1 ---

  /** A tmpfs with a mount for each hierarchy and links for the names of joint ones; `unified`: a v2 mount without controllers, too. */
  v1Host(o: { unified?: boolean } = {}): void {
    this.sys.umount2(ROOT, 0);
    this.sys.mount("tmpfs", ROOT, "tmpfs", CGROUP_FLAGS & ~MS_RELATIME, "mode=755");
    for (const name of V1_MOUNTS) {
      this.mkdirs(`${ROOT}/${name}`);
      this.sys.mount(
        "cgroup",
        `${ROOT}/${name}`,
        "cgroup",
        CGROUP_FLAGS,
        name === "systemd" ? "none,name=systemd" : name,
      );
      if (name.includes(",")) for (const part of name.split(",")) this.sys.symlink(name, `${ROOT}/${part}`);
    }
    if (o.unified === true) {
      this.mkdirs(`${ROOT}/unified`);
      this.sys.mount("cgroup2", `${ROOT}/unified`, "cgroup2", CGROUP_FLAGS, "nsdelegate");
    }
    this.sys.mount("none", ROOT, "", MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755");
  }

  /** The group of this path in every hierarchy. */
  v1Group(path: string, limits: GroupLimits = {}): void {
    for (const name of V1_MOUNTS) {
      let at = `${ROOT}/${name}`;
      for (const part of path.split("/").filter(Boolean)) {
        const up = at;
        at += `/${part}`;
        this.mkdirs(at);
        // a cpuset without CPUs and nodes takes no task
        if (name === "cpuset")
          for (const f of ["cpuset.cpus", "cpuset.mems"])
            if (this.sys.readText(`${at}/${f}`).trim() === "")
              this.sys.writeFile(`${at}/${f}`, this.sys.readText(`${up}/${f}`));
      }
    }
    this.v1Limits(path, limits);
  }

  v1Limits(path: string, o: GroupLimits): void {
    const put = (controller: string, file: string, value: string | number | undefined): void => {
      if (value !== undefined) this.sys.writeFile(`${ROOT}/${controller}${path}/${file}`, String(value));
    };
    put("memory", "memory.limit_in_bytes", o.memory);
    put("memory", "memory.soft_limit_in_bytes", o.memoryHigh);
    if (o.swap !== undefined && o.memory !== undefined) put("memory", "memory.memsw.limit_in_bytes", o.memory + o.swap);
    if (o.cpus !== undefined) {
      const [quota, period] = quotaText(o.cpus, o.cpuPeriod).split(" ");
      put("cpu,cpuacct", "cpu.cfs_period_us", period);
      put("cpu,cpuacct", "cpu.cfs_quota_us", quota);
    }
    put("cpuset", "cpuset.cpus", o.cpuset);
    put("cpuset", "cpuset.mems", o.mems);
    put("pids", "pids.max", o.pids);
  }

  v1Enter(task: Task, path: string): void {
    for (const name of V1_MOUNTS) this.sys.writeFile(`${ROOT}/${name}${path}/cgroup.procs`, String(task.nr));
  }
}

const quotaText = (cpus: number, period = 100_000): string => `${Math.round(cpus * period)} ${period}`;

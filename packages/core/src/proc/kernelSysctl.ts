/** /proc/sys/kernel, /proc/sys/fs and what is next to them. Documentation/admin-guide/sysctl/{kernel,fs}. */
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { utsOf } from "../task/tasks.js";
import type { UtsNamespace } from "../task/utsNamespace.js";
import { intSysctl, type SysctlFile, stringSysctl, uintSysctl, ulongSysctl } from "../vfs/pseudo/sysctl.js";

type Numbers<T> = { [K in keyof T]: T[K] extends number ? K : never }[keyof T];

/** An int file over a field of a state object. */
export function field<T>(o: T, key: Numbers<T>, min?: number, max?: number): SysctlFile {
  const r = o as Record<Numbers<T>, number>;
  return intSysctl({
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    get: () => r[key],
    set: (_c, v) => {
      r[key] = v;
    },
  });
}

/** An unsigned long file over a field. */
export function ulongField<T>(o: T, key: Numbers<T>, min = 0): SysctlFile {
  const r = o as Record<Numbers<T>, number>;
  return ulongSysctl({
    min,
    // a value beyond what is exact stays what it is shown as
    get: () => (r[key] >= 2 ** 63 - 1024 ? 0x7fffffffffffffffn : r[key]),
    set: (_c, v) => {
      r[key] = Number(v);
    },
  });
}

/** Files of values that nothing else uses: [name, value, min, max]. */
const KERNEL_VALUES: readonly (readonly [string, number, number, number])[] = [
  ["acct_delay", 30, 0, 0x7fffffff],
  ["core_pipe_limit", 0, 0, 0x7fffffff],
  ["core_uses_pid", 0, -0x80000000, 0x7fffffff],
  ["ctrl-alt-del", 0, -0x80000000, 0x7fffffff],
  ["kptr_restrict", 0, 0, 2],
  ["panic", 0, -0x80000000, 0x7fffffff],
  ["panic_on_oops", 0, -0x80000000, 0x7fffffff],
  ["panic_on_warn", 0, 0, 1],
  ["panic_print", 0, 0, 0x7fffffff],
  ["perf_event_paranoid", 2, -1, 4],
  ["sched_autogroup_enabled", 0, 0, 1],
  ["sched_child_runs_first", 0, 0, 1],
  ["sched_rr_timeslice_ms", 100, -0x80000000, 0x7fffffff],
  ["sched_rt_period_us", 1000000, 1, 0x7fffffff],
  ["sched_rt_runtime_us", 950000, -1, 0x7fffffff],
  ["softlockup_panic", 0, 0, 1],
  ["sysrq", 1, 0, 0x7fffffff],
  ["unprivileged_bpf_disabled", 2, 0, 2],
];

/** [name, value]: read-only. */
const KERNEL_FIXED: readonly (readonly [string, number])[] = [
  ["cap_last_cap", 40],
  ["ngroups_max", 65536],
  ["randomize_va_space", 0],
  ["tainted", 0],
  ["bootloader_type", 0],
];

function uuid(bytes: Uint8Array): string {
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  let s = "";
  for (let i = 0; i < 16; i++)
    s += (i === 4 || i === 6 || i === 8 || i === 10 ? "-" : "") + bytes[i].toString(16).padStart(2, "0");
  return s;
}

function utsFile(key: "nodename" | "domainname"): SysctlFile {
  return stringSysctl({
    size: 65,
    get: (c) => utsOf(c.k, c.task)[key],
    set: (c, v) => {
      utsOf(c.k, c.task)[key] = v;
    },
  });
}
const utsShow = (key: Exclude<keyof UtsNamespace, "type" | "ino">): SysctlFile =>
  stringSysctl({ size: 65, get: (c) => String(utsOf(c.k, c.task)[key]) });

export function installKernelSysctl(k: Core): void {
  const { sysctl, proc, tasks, vfs } = k;
  const { values } = proc;
  const plain = (dir: string, table: readonly (readonly [string, number, number, number])[]): void => {
    const files: Record<string, SysctlFile> = {};
    for (const [name, value, min, max] of table) {
      const key = `${dir}/${name}`;
      values[key] = value;
      files[name] = intSysctl({
        min,
        max,
        get: () => values[key] as number,
        set: (_c, v) => {
          values[key] = v;
        },
      });
    }
    sysctl.registerAll(dir, files);
  };
  plain("kernel", KERNEL_VALUES);
  for (const [name, value] of KERNEL_FIXED)
    sysctl.register(`kernel/${name}`, intSysctl({ get: () => value, mode: 0o444 }));
  const text = (name: string, value: string, size: number): void => {
    values[`kernel/${name}`] = value;
    sysctl.register(
      `kernel/${name}`,
      stringSysctl({
        size,
        get: () => values[`kernel/${name}`] as string,
        set: (_c, v) => {
          values[`kernel/${name}`] = v;
        },
      }),
    );
  };
  text("core_pattern", "core", 128);
  text("modprobe", "/sbin/modprobe", 256);
  text("poweroff_cmd", "/sbin/poweroff", 256);
  const ids = { overflowuid: 65534, overflowgid: 65534 };
  k.state.root("sysctl.ids", ids);
  for (const dir of ["kernel", "fs"])
    for (const key of ["overflowuid", "overflowgid"] as const)
      sysctl.register(`${dir}/${key}`, field(ids, key, 0, 65535));
  const pidNs = (c: Ctx): { pidMax: number } => c.task.pid.ns[c.task.pid.level];
  const bootId = uuid(k.rng.fork("boot_id").bytes(new Uint8Array(16)));
  sysctl.registerAll("kernel", {
    ostype: utsShow("sysname"),
    osrelease: utsShow("release"),
    version: utsShow("version"),
    arch: utsShow("machine"),
    hostname: utsFile("nodename"),
    domainname: utsFile("domainname"),
    pid_max: intSysctl({
      min: 301,
      max: 4194304,
      get: (c) => pidNs(c).pidMax,
      set: (c, v) => {
        pidNs(c).pidMax = v;
      },
    }),
    "threads-max": field(tasks.sysctl, "threadsMax", 20, 0x3fffffff),
    "random/boot_id": stringSysctl({ size: 37, get: () => bootId }),
    "random/uuid": stringSysctl({ size: 37, get: () => uuid(tasks.randomRng.bytes(new Uint8Array(16))) }),
    "random/entropy_avail": intSysctl({ get: () => 256 }),
    "random/poolsize": intSysctl({ get: () => 256 }),
    "random/urandom_min_reseed_secs": intSysctl({ get: () => 60, set: () => {} }),
    "random/write_wakeup_threshold": intSysctl({ get: () => 256, set: () => {} }),
  });
  const fs = vfs.sysctl;
  sysctl.registerAll("fs", {
    "file-max": ulongField(fs, "fileMax"),
    "file-nr": ulongSysctl({
      count: 3,
      get: () => [vfs.nrFiles, 0, fs.fileMax >= 2 ** 63 - 1024 ? 0x7fffffffffffffffn : fs.fileMax],
    }),
    "inode-nr": intSysctl({ count: 2, get: () => [vfs.dcache.count, 0] }),
    "inode-state": intSysctl({ count: 7, get: () => [vfs.dcache.count, 0, 0, 0, 0, 0, 0] }),
    "dentry-state": intSysctl({ count: 6, get: () => [vfs.dcache.count, 0, 45, 0, 0, 0] }),
    nr_open: uintSysctl({
      min: 64,
      max: 2147483584,
      get: () => fs.nrOpen,
      set: (_c, v) => {
        fs.nrOpen = v;
      },
    }),
    "mount-max": field(fs, "mountMax", 1, 0x7fffffff),
    "pipe-max-size": uintSysctl({
      get: () => fs.pipeMaxSize,
      convert: pipeSize,
      set: (_c, v) => {
        fs.pipeMaxSize = v;
      },
    }),
    "pipe-user-pages-soft": ulongField(fs, "pipeUserPagesSoft"),
    "pipe-user-pages-hard": ulongField(fs, "pipeUserPagesHard"),
    protected_hardlinks: field(fs, "protectedHardlinks", 0, 1),
    protected_symlinks: field(fs, "protectedSymlinks", 0, 1),
    protected_fifos: field(fs, "protectedFifos", 0, 2),
    protected_regular: field(fs, "protectedRegular", 0, 2),
    suid_dumpable: field(tasks.sysctl, "suidDumpable", 0, 2),
    "aio-max-nr": ulongSysctl({ get: () => 65536 }),
    "aio-nr": ulongSysctl({ get: () => 0 }),
  });
  plain("fs", [
    ["lease-break-time", 45, -0x80000000, 0x7fffffff],
    ["leases-enable", 1, -0x80000000, 0x7fffffff],
  ]);
}

/** Pipes hold a power of two of pages. */
function pipeSize(v: number): number | undefined {
  if (v > 0x80000000) return undefined;
  let n = 4096;
  while (n < v) n *= 2;
  return v === 0 ? undefined : n;
}

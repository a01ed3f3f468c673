/**
 * Layouts of hosts and containers, booted: `bootLayout("docker-v2", { layout: { memory: 512 * 2 ** 20 } })` gives a kernel with a
 * process 42 in it that sees its files as a process in such a place does.
 */
import {
  MADV_HUGEPAGE,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  O_CREAT,
  O_RDWR,
  PROT_READ,
  PROT_WRITE,
  type Task,
} from "@kernelkit/core";
import { type AssembledKernel, type BootOptions, bootKernel } from "../kernel.js";
import { Host, type Sys } from "./host.js";
import { type LayoutOptions, type ResolvedOptions, withIds } from "./options.js";
import { MACHINES, RECIPES } from "./recipes.js";

export interface BuiltLayout {
  readonly name: string;
  readonly kernel: AssembledKernel;
  /** Process 42, `worker`: driven from outside. */
  readonly task: Task;
  /** The first process inside: pid 1 of a container. */
  readonly init: Task;
  readonly hostname: string;
  /** Environment of pid 1. */
  readonly env: readonly string[];
}

export const LAYOUTS: readonly string[] = Object.keys(RECIPES);

const HUGE = 2 ** 21;
const PAGE = 4096;

/** Memory that a process uses, in huge pages as far as they go. */
function use(sys: Sys, bytes: number): void {
  if (bytes < PAGE) return;
  const at = Number(sys.mmap(0, bytes + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  const from = Math.ceil(at / HUGE) * HUGE;
  const huge = Math.floor(bytes / HUGE);
  if (huge > 0) sys.madvise(from, huge * HUGE, MADV_HUGEPAGE);
  for (let i = 0; i < huge; i++) sys.touch(from + i * HUGE, 1, true);
  const rest = Math.floor((bytes - huge * HUGE) / PAGE);
  if (rest > 0) sys.touch(from + huge * HUGE, rest, true);
}

const meminfo = (sys: Sys, name: string): number =>
  Number(new RegExp(`^${name}: +(\\d+)`, "m").exec(sys.readText("/proc/meminfo"))?.[1]) * 1024;

/** Page cache and processes of the host until MemFree and MemAvailable say what they are to. RangeError if they cannot. */
function fill(host: Host, o: ResolvedOptions): void {
  const { sys } = host;
  const available = o.available ?? o.free;
  if (available === undefined) return;
  const free = o.free ?? available;
  const now = meminfo(sys, "MemFree");
  if (free > now) throw new RangeError(`layout: free is to be ${free}, but only ${now} are left`);
  if (available > free) {
    host.kernel.writeback.addDevice("vda", { writeBps: 100 * 2 ** 20 });
    host.mkdirs("/var/cache");
    sys.mount("/dev/vda", "/var/cache", "ext4", 0);
    const fd = sys.open("/var/cache/pages", O_RDWR | O_CREAT, 0o644);
    sys.ftruncate(fd, 2 ** 40);
    // each page read adds one to what is available and takes one from what is free; some of the cache does not count
    for (
      let gap = available - free;
      gap >= PAGE;
      gap = available - free - (meminfo(sys, "MemAvailable") - meminfo(sys, "MemFree"))
    )
      for (let n = gap; n > 0; n -= 2 ** 20) sys.read(fd, Math.min(n, 2 ** 20));
    sys.close(fd);
  }
  const hog = host.kernel.sys(host.fork("hostd"));
  const gap = meminfo(sys, "MemFree") - free;
  // page tables take a page for each huge one, and a few more
  use(hog, gap - (Math.ceil(gap / HUGE) + 64) * PAGE);
  const at =
    Math.ceil(Number(hog.mmap(0, 4 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) / HUGE) * HUGE;
  for (let n = 0; meminfo(sys, "MemFree") - free >= PAGE; n++) hog.touch(at + n * PAGE, 1, true);
}

/** Build a layout on a kernel that has just booted. RangeError: there is no such layout. */
export function buildLayout(kernel: AssembledKernel, name: string, options: LayoutOptions = {}): BuiltLayout {
  if (!Object.hasOwn(RECIPES, name)) throw new RangeError(`layout: '${name}'; there are ${LAYOUTS.join(", ")}`);
  const o = withIds(options);
  const host = new Host(kernel);
  const init = RECIPES[name](host, o);
  const inContainer = init.pid.level > 0;
  const task = host.fork("worker", { parent: inContainer ? init : kernel.init, pid: 42 });
  if (!inContainer) {
    // beside the process that the recipe made, in its groups
    task.cgroups.forEach((_, i) => {
      const g = init.cgroups[i];
      if (g !== undefined && g !== task.cgroups[i]) kernel.core.cgroup.migrate([task], g);
    });
  }
  const sys = kernel.sys(task);
  use(sys, o.rss ?? Math.min(200 * 2 ** 20, Math.floor((o.memory ?? 2 ** 40) / 2)));
  fill(host, o);
  if (!inContainer && init !== kernel.init) {
    kernel.sys(init).exit_group(0);
    host.sys.wait4(-1, 1);
  }
  return {
    name,
    kernel,
    task,
    init: inContainer ? init : kernel.init,
    hostname: sys.uname().nodename,
    env: (inContainer ? init : task).mm?.envp ?? [],
  };
}

/** Two nodes are at a distance of 21, as on most machines with two sockets. */
function distances(nodes: number): number[][] {
  return Array.from({ length: nodes }, (_, i) => Array.from({ length: nodes }, (_, j) => (i === j ? 10 : 21)));
}

/** Boot a machine (default 4 CPUs, 2 nodes, 8 GiB) with a layout on it. */
export function bootLayout(name: string, o: BootOptions & { layout?: LayoutOptions } = {}): BuiltLayout {
  const { layout = {}, ...given } = o;
  const boot = { ...given, machine: { cpus: 4, nodes: 2, memory: "8G", ...given.machine } };
  const { machine, ...rest } = { ...boot, ...MACHINES[name]?.(boot, layout) };
  const kernel = bootKernel({ ...rest, machine: { distances: distances(machine?.nodes ?? 1), ...machine } });
  return buildLayout(kernel, name, layout);
}

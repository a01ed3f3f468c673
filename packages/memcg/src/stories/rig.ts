/** What the stories have in common: a machine with the controller, a group, and a task in it. */
import { type CoreSys, createKernel, type Kernel, KernelError, type Outside, type Task } from "@kernelkit/core";
import { type MemcgApi, memcg } from "../memcg.js";
import type { MemcgOptions } from "../options.js";
import type { MemcgSys } from "../swap/swapCalls.js";

const V2 = "/sys/fs/cgroup";
export const MIB: number = 1 << 20;

type Sys = CoreSys & MemcgSys;

function start(memory: string, thp: string, options: MemcgOptions): Kernel<{ readonly memcg: MemcgApi }, Sys> {
  return createKernel({ machine: { cpus: 2, memory }, cmdline: `transparent_hugepage=${thp}` })
    .use(memcg(options))
    .boot();
}

export class Rig {
  readonly kernel: Kernel<{ readonly memcg: MemcgApi }, Sys>;
  /** Directory of the hierarchy with the memory controller. */
  readonly root: string;

  constructor(o: { memory: string; thp?: string; version?: 1 | 2; options?: MemcgOptions }) {
    this.kernel = start(o.memory, o.thp ?? "never", o.options ?? {});
    const { sys } = this;
    if (o.version === 1) {
      this.root = `${V2}/memory`;
      sys.umount2(V2, 0);
      sys.mount("tmpfs", V2, "tmpfs", 0, "");
      sys.mkdir(this.root, 0o755);
      sys.mount("cgroup", this.root, "cgroup", 0, "memory");
    } else {
      this.root = V2;
      sys.writeFile(`${V2}/cgroup.subtree_control`, "+memory +pids");
    }
  }

  get sys(): Outside<Sys> {
    return this.kernel.sys(this.kernel.init);
  }

  /** A new group with settings: file to value. */
  group(path: string, files: Readonly<Record<string, string>> = {}): void {
    this.sys.mkdir(this.root + path, 0o755);
    for (const [file, value] of Object.entries(files)) this.sys.writeFile(`${this.root}${path}/${file}`, value);
  }

  /** A new task, in a group if one is named. */
  task(path?: string): Task {
    const t = this.kernel.tasks.find(this.sys.fork());
    if (t === null) throw new Error("fork made no task");
    if (path !== undefined) this.sys.writeFile(`${this.root}${path}/cgroup.procs`, String(t.nr));
    return t;
  }

  number(path: string): number {
    return Number(this.sys.readText(this.root + path));
  }
}

/** Name of the errno that the call fails with, "" if it does not. */
export function errnoOf(call: () => unknown): string {
  try {
    call();
    return "";
  } catch (e) {
    if (e instanceof KernelError) return e.code;
    throw e;
  }
}

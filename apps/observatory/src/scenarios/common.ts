/** What several scenarios need: reading counters and tasks without touching anything, and writes to files as root. */
import type { Task } from "@kernelkit/core";
import { namespaces } from "@kernelkit/namespaces";
import { printkSyslog } from "@kernelkit/printk-syslog";
import { writeback } from "@kernelkit/writeback";
import type { AssembledKernel } from "kernelkit/kernel";

/** What the kernel of every view has: a log, containers, disks. */
export const BASE = { namespaces, printk: printkSyslog, writeback } as const;

/** What belongs to a living kernel and is no state of it: its observer, numbers of its event handlers. */
export class Wiring<W> {
  private readonly of = new WeakMap<object, W>();
  set(k: AssembledKernel, w: W): W {
    this.of.set(k.core, w);
    return w;
  }
  get(k: AssembledKernel): W {
    const w = this.of.get(k.core);
    if (w === undefined) throw new TypeError("this kernel has not been wired: statics() comes first");
    return w;
  }
}

/** A counter of /proc/vmstat. */
export const vmstat = (k: AssembledKernel, name: string): number => k.mm.read(k.mm.stat(name));

/** Living tasks with one of these names, oldest first. */
export function tasksNamed(k: AssembledKernel, ...names: readonly string[]): Task[] {
  return k.tasks.all().filter((t) => names.includes(t.comm) && t.state < 6);
}

/** The write that a control stands for. */
export function write(k: AssembledKernel, path: string, text: string): void {
  k.sys(k.init).writeFile(path, text);
}

export const MIB = 2 ** 20;

/** A number of a setting or control. */
export const num = (v: number | string | undefined): number => Number(v);

/** 1 CPU, 2 CPUs. */
export const some = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** Put a task on one CPU for good, as taskset(1) does; at once, without a system call. */
export function pin(k: AssembledKernel, t: Task, cpu: number): void {
  const mask = new Uint32Array(t.cpusMask.length);
  mask[cpu >> 5] = (1 << (cpu & 31)) >>> 0;
  t.cpusMask = mask;
  k.core.sched.migrateTask(t, cpu);
}

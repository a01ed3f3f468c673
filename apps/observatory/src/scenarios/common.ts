/** What several scenarios need: reading counters and tasks without touching anything, and writes to files as root. */
import type { Task } from "@kernelkit/core";
import type { AssembledKernel } from "kernelkit/kernel";

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

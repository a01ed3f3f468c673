/**
 * Task work: named functions queued on a task, run before it returns to user mode, first in first out. Named, so that a
 * snapshot can hold the queue.
 */
import type { Task } from "../task/task.js";
import type { Core } from "./core.js";

export type TaskWork = (t: Task, arg: unknown) => void;

export class TaskWorks {
  private readonly fns: Map<string, TaskWork> = new Map();

  constructor(private readonly k: Core) {}

  define(name: string, fn: TaskWork): void {
    if (this.fns.has(name)) throw new TypeError(`task work '${name}' is defined twice`);
    this.fns.set(name, fn);
  }

  /** Queue a work on a task. False if the task is already past its last return to user. */
  add(t: Task, name: string, arg: unknown): boolean {
    if (t.isKthread || t.state === 6 || t.state === 7) return false;
    t.taskWorks.push({ name, arg });
    t.userWork = true;
    this.k.signals.kick(t);
    return true;
  }

  run(name: string, t: Task, arg: unknown): void {
    const fn = this.fns.get(name);
    if (fn === undefined) throw new TypeError(`task work '${name}' is not defined`);
    fn(t, arg);
  }
}

/** The programs a kernel knows, by name. */
export class Programs {
  private readonly defs: Map<string, { readonly name: string }> = new Map();

  /** TypeError if another program has the name. */
  add(def: { readonly name: string }): void {
    const other = this.defs.get(def.name);
    if (other !== undefined && other !== def) throw new TypeError(`two different programs are named '${def.name}'`);
    if (other === undefined) {
      this.defs.set(def.name, def);
      this.onAdd(def);
    }
  }
  get(name: string): { readonly name: string } | undefined {
    return this.defs.get(name);
  }
  names(): string[] {
    return [...this.defs.keys()].sort();
  }
  /** Set by the kernel: a program is a static of the state. */
  onAdd: (def: { readonly name: string }) => void = () => {};
}

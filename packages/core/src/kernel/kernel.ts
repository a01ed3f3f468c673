/**
 * What `boot()` gives: the kernel as its users see it. `kernel.sys(task)` makes calls from outside, `kernel.call(task)` starts
 * them, `kernel.spawn` runs programs, `kernel.run` lets virtual time pass; each composed package is a property.
 */

import type { KthreadDef } from "../sched/kthread.js";
import type { Outside, Started } from "../sys/types.js";
import type { Task } from "../task/task.js";
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from "./checkpoint.js";
import type { Core } from "./core.js";
import type { AnyProgramDef, ProgramDef } from "./program.js";

export interface KernelBase<S> {
  /** The kernel object parts and packages are written against. */
  readonly core: Core;
  /** ns since boot */
  readonly now: number;
  /** pid 1, driven from outside. */
  readonly init: Task;
  readonly tasks: Core["tasks"];
  readonly trace: Core["trace"];
  readonly time: Core["time"];
  readonly cpus: Core["cpus"];
  readonly vfs: Core["vfs"];
  readonly mm: Core["mm"];
  readonly cgroup: Core["cgroup"];
  /** System calls of a driven task: each returns when it is done; one that sleeps drives virtual time. Throws KernelError. */
  sys(t: Task): Outside<S>;
  /** Start a call of a driven task: the only way to have two calls outstanding. */
  call(t: Task): Started<S>;
  /** Run a program as a new child of init (or `parent`). */
  spawn<PS, St>(
    def: S extends PS ? ProgramDef<PS, St> : ProgramDef<PS, St> & { needs: "calls this kernel does not have" },
    state: St,
    parent?: Task,
  ): Task;
  /** A new kernel thread. */
  kthread<D>(
    def: KthreadDef<D>,
    comm: string,
    data: D,
    o?: { cpu?: number; policy?: number; rtPriority?: number },
  ): Task;
  /** Let virtual time pass: "30s", "150ms" or ns. */
  run(duration: number | string): void;
  advance(duration: number | string): void;
  /** Run until `stop()` is true; false if nothing is left to happen or `limit` of virtual time has passed (default 1 h). */
  runUntil(stop: () => boolean, limit?: number | string): boolean;
  /** Hash of everything observable so far: equal digest, same run. */
  digest(): string;
  /** The whole state as plain JSON. */
  checkpoint(): Checkpoint;
}

export type Kernel<A, S> = KernelBase<S> & A;

/** The object behind `Kernel`; packages' APIs are added as properties. */
export class KernelObject<S> implements KernelBase<S> {
  constructor(
    readonly core: Core,
    private readonly features: readonly string[],
  ) {}

  get now(): number {
    return this.core.now;
  }
  get init(): Task {
    return this.core.tasks.init;
  }
  get tasks(): Core["tasks"] {
    return this.core.tasks;
  }
  get trace(): Core["trace"] {
    return this.core.trace;
  }
  get time(): Core["time"] {
    return this.core.time;
  }
  get cpus(): Core["cpus"] {
    return this.core.cpus;
  }
  get vfs(): Core["vfs"] {
    return this.core.vfs;
  }
  get mm(): Core["mm"] {
    return this.core.mm;
  }
  get cgroup(): Core["cgroup"] {
    return this.core.cgroup;
  }

  sys(t: Task): Outside<S> {
    t.outsideView ??= this.core.entry.views.outside(t);
    return t.outsideView as Outside<S>;
  }
  call(t: Task): Started<S> {
    t.startedView ??= this.core.entry.views.started(t);
    return t.startedView as Started<S>;
  }
  spawn(def: ProgramDef<never, never>, state: unknown, parent?: Task): Task {
    return this.core.tasks.spawn(def as AnyProgramDef, state as never, parent);
  }
  kthread<D>(
    def: KthreadDef<D>,
    comm: string,
    data: D,
    o?: { cpu?: number; policy?: number; rtPriority?: number },
  ): Task {
    return this.core.tasks.kthreadCreate(def, comm, data, o);
  }
  run(duration: number | string): void {
    this.core.run(duration);
  }
  advance(duration: number | string): void {
    this.core.run(duration);
  }
  runUntil(stop: () => boolean, limit?: number | string): boolean {
    return this.core.runUntil(stop, limit);
  }
  digest(): string {
    return this.core.digestOf.hex();
  }
  checkpoint(): Checkpoint {
    return saveCheckpoint(this.core, this.features);
  }
  restore(c: Checkpoint): void {
    loadCheckpoint(this.core, this.features, c);
  }
}

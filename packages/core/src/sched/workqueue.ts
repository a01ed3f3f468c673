/**
 * Work queues: functions run later in process context by kernel threads, in the order they were queued.
 *
 *     const W = k.workqueue.define("bdi.writeback", (c, arg) => ...);     // a step function: may return WAIT, state in `arg`
 *     k.workqueue.queue("writeback", W, arg);                             // a bound queue per name, one worker each
 *     const d = k.workqueue.queueDelayed("writeback", W, arg, 25);        // ticks; mod, cancel
 *
 * A work that is pending already (same function and argument) is not queued twice. Documentation/core-api/workqueue.
 */

import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { WAIT, type Wait } from "../sys/types.js";
import { TASK_IDLE, type Task } from "../task/task.js";
import type { KthreadDef } from "./kthread.js";
import { WaitQueue } from "./waitQueue.js";

/** Does the work; WAIT after `c.sleep` to be called again from the top, otherwise ns of CPU time used (void: none). */
// biome-ignore lint/suspicious/noConfusingVoidType: a work that takes no time need not say so
export type WorkFn = (c: Ctx, arg: unknown) => Wait | number | void;

interface Work {
  fn: number;
  arg: unknown;
}

/** One named queue with its worker. */
class WorkPool {
  readonly works: Work[] = [];
  readonly more: WaitQueue;
  /** The work being done. */
  current: Work | null = null;
  worker: Task | null = null;
  /** Works done since boot. */
  done = 0;

  constructor(readonly name: string) {
    this.more = new WaitQueue(`workqueue ${name}`);
  }
}

interface Delayed {
  pool: string;
  fn: number;
  arg: unknown;
}

export class Workqueue {
  static readonly transient: readonly string[] = ["fns", "fnIds"];
  private readonly fns: WorkFn[] = [];
  private readonly fnIds: Map<string, number> = new Map();
  readonly pools: Map<string, WorkPool> = new Map();
  private readonly tDelayed: number;

  constructor(readonly k: Core) {
    k.state.class(WorkPool);
    k.state.root("workqueue", this);
    k.state.static(`kthread.${WORKER.name}`, WORKER);
    this.tDelayed = k.timers.define("workqueue.delayed", (d) => {
      const { pool, fn, arg } = d as Delayed;
      this.queue(pool, fn, arg);
    });
  }

  define(name: string, fn: WorkFn): number {
    if (this.fnIds.has(name)) throw new TypeError(`work '${name}' is defined twice`);
    this.fnIds.set(name, this.fns.length);
    this.fns.push(fn);
    return this.fns.length - 1;
  }

  /** Queue a work now; false if it is pending already. */
  queue(pool: string, fn: number, arg: unknown): boolean {
    let p = this.pools.get(pool);
    if (p === undefined) {
      p = new WorkPool(pool);
      this.pools.set(pool, p);
    }
    if (p.works.some((w) => w.fn === fn && w.arg === arg)) return false;
    p.works.push({ fn, arg });
    if (p.worker === null) p.worker = this.k.tasks.kthreadCreate(WORKER, `kworker/${pool}`, { pool: p });
    else this.k.sched.wakeUp(p.more);
    return true;
  }

  /** Queue a work after `ticks`; the timer's id (k.timers.mod / del move or take it back). 0 ticks: at once, returns -1. */
  queueDelayed(pool: string, fn: number, arg: unknown, ticks: number): number {
    if (ticks <= 0) {
      this.queue(pool, fn, arg);
      return -1;
    }
    return this.k.timers.add(this.tDelayed, this.k.time.ticks + ticks, { pool, fn, arg });
  }

  /** Take a pending work back; false if it is not pending (it may be running). */
  cancel(pool: string, fn: number, arg: unknown): boolean {
    const works = this.pools.get(pool)?.works;
    const i = works?.findIndex((w) => w.fn === fn && w.arg === arg) ?? -1;
    if (i >= 0) works?.splice(i, 1);
    return i >= 0;
  }

  /** Nothing is queued or running on the queue. */
  idle(pool: string): boolean {
    const p = this.pools.get(pool);
    return p === undefined || (p.works.length === 0 && p.current === null);
  }

  run(c: Ctx, w: Work): Wait | number {
    return this.fns[w.fn](c, w.arg) ?? 0;
  }
}

const WORKER: KthreadDef<{ pool: WorkPool }> = {
  name: "kworker",
  step(c, { pool }) {
    if (pool.current === null) {
      pool.current = pool.works.shift() ?? null;
      if (pool.current === null) return c.sleep(pool.more, undefined, TASK_IDLE);
    }
    const r = c.k.workqueue.run(c, pool.current);
    if (r === WAIT) return WAIT;
    pool.current = null;
    pool.done++;
    c.task.frame = null;
    return r;
  },
};

/**
 * Kernel threads: a named definition with a step function over plain data. The scheduler calls `step` whenever the thread is
 * on a CPU; it does one piece of work and returns 0 (call me again), a number of ns of system time it used, or WAIT after it
 * has gone to sleep with `c.sleep(...)`. Waits are conditions: step looks at its data and decides anew each time.
 */
import type { Ctx } from "../kernel/ctx.js";
import type { Wait } from "../sys/types.js";

export interface KthreadDef<D = unknown> {
  /** Unique among definitions; the thread's comm is given at creation. */
  readonly name: string;
  step(c: Ctx, data: D): number | Wait;
}

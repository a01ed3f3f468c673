/**
 * The watch over kernel stacks: who got nearest to the end of its stack is said in the log when it exits, one that passes a guard is
 * warned of, and one that goes over the end stops the machine (CONFIG_DEBUG_STACK_USAGE, CONFIG_SCHED_STACK_END_CHECK). A kernel in
 * TypeScript has no such stack: what a task uses is told by whoever models it, with `stackUsed`.
 */
import type { Core, Task } from "@kernelkit/core";
import type { Trouble } from "./trouble.js";

/** Bytes of a kernel stack on 64-bit machines since Linux 3.15; half of it before. */
export const THREAD_SIZE = 16384;

export class StackWatch {
  /** Fewest bytes that a task which has exited had left. */
  lowestLeft: number;
  private readonly slot: number;

  constructor(
    readonly k: Core,
    readonly trouble: Trouble,
    readonly threadSize: number = THREAD_SIZE,
    /** A task that uses more than this is warned of, once. 0: none. */
    readonly guard: number = 0,
  ) {
    this.lowestLeft = threadSize;
    this.slot = k.slots.task.add("printk.stack", () => 0);
  }

  /** A task is `bytes` deep in its stack. RangeError: not a whole number >= 0. */
  used(t: Task, bytes: number): void {
    if (!Number.isSafeInteger(bytes) || bytes < 0)
      throw new RangeError(`stackUsed: bytes must be a whole number of 0 or more, not ${String(bytes)}`);
    const before = t.slots[this.slot] as number;
    if (bytes <= before) return;
    t.slots[this.slot] = bytes;
    if (bytes > this.threadSize) this.trouble.panic("corrupted stack end detected inside scheduler");
    else if (this.guard > 0 && bytes > this.guard && before <= this.guard)
      this.trouble.warn(`${t.comm} (${t.nr}) uses ${bytes} bytes of kernel stack, more than ${this.guard}`);
  }

  /** A task has ended. */
  exit(t: Task): void {
    const used = t.slots[this.slot] as number;
    const left = this.threadSize - used;
    if (used === 0 || left >= this.lowestLeft) return;
    this.lowestLeft = left;
    this.trouble.p.pr(6, `${t.comm} (${t.nr}) used greatest stack depth: ${left} bytes left`);
  }
}

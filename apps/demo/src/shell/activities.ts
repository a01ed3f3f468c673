/**
 * What runs side by side in a shell session: the script in the foreground and the jobs behind it. Each runs until it waits for the
 * kernel (a sleep, a child, a disk); when all of them wait, virtual time passes until one of them need not wait any more.
 *
 * Time only passes while something is in the foreground: at an idle prompt the machine stands still.
 */
import type { KernelBase, Pending } from "@kernelkit/core";

interface Waiting {
  readonly stop: () => boolean;
  /** ns since boot at which waiting ends anyway. */
  readonly deadline: number;
  readonly resume: (error?: Error) => void;
}

/** What a wait ends with when ^C was typed, or the activity was ended otherwise. */
export class Interrupted extends Error {
  constructor() {
    super("Interrupted");
  }
}

/** Virtual time that passes at most before the terminal is asked for a ^C. */
const SLICE_NS = 10e9;

export class Activities {
  private running = 0;
  private foreground = 0;
  private driving = false;
  private waiting: Waiting[] = [];

  constructor(private readonly kernel: KernelBase<never>) {}

  /** Run one; time passes while it waits if it is in the foreground. */
  async run<T>(fn: () => Promise<T>, foreground: boolean): Promise<T> {
    this.running++;
    if (foreground) this.foreground++;
    try {
      return await fn();
    } finally {
      this.running--;
      if (foreground) this.foreground--;
      this.look();
    }
  }

  /** Wait until `stop()` is true or the deadline (ns since boot) is reached. Interrupted by the signal. */
  until(stop: () => boolean, o: { signal?: AbortSignal | undefined; deadline?: number } = {}): Promise<void> {
    if (o.signal?.aborted === true) return Promise.reject(new Interrupted());
    if (stop()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.waiting = this.waiting.filter((x) => x !== w);
        w.resume(new Interrupted());
      };
      const w: Waiting = {
        stop,
        deadline: o.deadline ?? Number.POSITIVE_INFINITY,
        resume: (error) => {
          o.signal?.removeEventListener("abort", onAbort);
          this.running++;
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      o.signal?.addEventListener("abort", onAbort, { once: true });
      this.waiting.push(w);
      this.running--;
      this.look();
    });
  }

  /** The value of a started call, when it is done. */
  async finish<R>(p: Pending<R>, signal?: AbortSignal): Promise<R> {
    await this.until(() => p.done, { signal });
    return p.value;
  }

  private look(): void {
    if (this.running === 0 && this.foreground > 0 && !this.driving && this.waiting.length > 0) void this.drive();
  }

  private async drive(): Promise<void> {
    this.driving = true;
    // let what was resumed just now run first
    await new Promise(setImmediate);
    while (this.running === 0 && this.foreground > 0 && this.waiting.length > 0) {
      const { core } = this.kernel;
      const any = (): boolean => this.running > 0 || this.waiting.some((w) => w.stop());
      const deadline = Math.min(...this.waiting.map((w) => w.deadline));
      const next = core.events.peek();
      if (!core.sched.stepsPending && next === Number.POSITIVE_INFINITY && deadline === next && !any()) {
        for (const w of this.waiting.splice(0)) w.resume(new Error("nothing is left that could end this wait"));
        break;
      }
      const limit = Math.max(
        0,
        Math.min(deadline, Math.max(core.now + SLICE_NS, Number.isFinite(next) ? next : 0)) - core.now,
      );
      const found = this.kernel.runUntil(any, limit);
      if (!found && core.now < deadline && core.events.peek() > deadline && !core.sched.stepsPending)
        this.kernel.run(deadline - core.now);
      const over = this.waiting.filter((w) => core.now >= w.deadline || w.stop());
      this.waiting = this.waiting.filter((w) => !over.includes(w));
      for (const w of over) w.resume();
      if (over.length === 0) await new Promise(setImmediate);
    }
    this.driving = false;
    this.look();
  }
}

/**
 * playIdle: forced idle of one CPU, `play_idle_precise()` (kernel/sched/idle.c, driver-api/thermal/cpu-idle-cooling).
 *
 * The caller is a FIFO kernel thread bound to its CPU. For the given time the CPU sits in the deepest idle state that the
 * latency limit allows; interrupts are served and do not shorten it; woken tasks wait. The time is system time of the thread
 * and idle time of the CPU.
 *
 *     step(c, w) {                                     // a kernel thread's step function
 *       playIdle.end(c.task);                          // books an injection that is over
 *       ...
 *       if (playIdle.begin(c, durationNs, latencyNs)) return 0;
 *     }
 *
 * The thread stays runnable on its held run queue, so it is the first to run when the time is up, whatever woke meanwhile.
 */
import { type Core, type Ctx, Notify, type Task } from "@kernelkit/core";

/** No limit on the exit latency, ns. */
export const LATENCY_UNLIMITED_NS: number = Number.POSITIVE_INFINITY;

/** Columns, one entry per CPU; plain state. Times in ns. */
export class PlayIdle {
  static readonly transient: readonly string[] = ["k", "started"];
  /** Injections begun since boot. */
  readonly count: Float64Array;
  /** 1 while one goes on. */
  readonly active: Uint8Array;
  readonly startNs: Float64Array;
  readonly untilNs: Float64Array;
  readonly latencyNs: Float64Array;
  /** Interrupts during the present (or last) one, its own timer included. */
  readonly interrupts: Int32Array;
  /** Of the last finished one. */
  readonly lastDurationNs: Float64Array;
  readonly lastElapsedNs: Float64Array;
  readonly lastInterrupts: Int32Array;
  /** Interrupts that woke an injected CPU, all CPUs together; 3.9's driver reads and clears it. */
  wakeups = 0;
  /** Sum of what was asked for, by CPU. */
  readonly injectedNs: Float64Array;
  /** Observers: (cpu, duration in ns) as each injection begins. */
  readonly started: Notify<number, number> = new Notify();

  constructor(private readonly k: Core) {
    const n = k.cpus.nr;
    this.count = new Float64Array(n);
    this.active = new Uint8Array(n);
    this.startNs = new Float64Array(n);
    this.untilNs = new Float64Array(n);
    this.latencyNs = new Float64Array(n);
    this.interrupts = new Int32Array(n);
    this.lastDurationNs = new Float64Array(n);
    this.lastElapsedNs = new Float64Array(n);
    this.lastInterrupts = new Int32Array(n);
    this.injectedNs = new Float64Array(n);
    k.hooks.irqEnter.tap(900, "powerclamp.playIdle", (cpu) => {
      if (this.active[cpu] === 0) return;
      this.interrupts[cpu]++;
      this.wakeups++;
    });
  }

  /**
   * The calling thread idles its CPU for `durationNs`: its step function returns 0 at once and is called again when the time
   * is up. False, with a warning, if the caller may not do this or the duration is not above 0.
   */
  begin(c: Ctx, durationNs: number, latencyNs: number): boolean {
    if (!(durationNs > 0)) {
      this.k.warnOnce(`play_idle: duration must be above 0, not ${durationNs} ns`);
      return false;
    }
    const cpu = c.task.cpu;
    const until = c.now + durationNs;
    this.latencyNs[cpu] = latencyNs;
    if (!this.k.idle.force(c.task, until)) return false;
    c.task.needResched = true;
    this.active[cpu] = 1;
    this.count[cpu]++;
    this.startNs[cpu] = c.now;
    this.untilNs[cpu] = until;
    this.interrupts[cpu] = 0;
    if (this.started.on !== null) this.started.on(cpu, durationNs);
    return true;
  }

  /** The thread is on its CPU again: book the injection that is over, if there was one. */
  end(t: Task): void {
    const cpu = t.cpu;
    if (this.active[cpu] === 0) return;
    const elapsed = this.k.now - this.startNs[cpu];
    this.active[cpu] = 0;
    this.lastDurationNs[cpu] = this.untilNs[cpu] - this.startNs[cpu];
    this.lastElapsedNs[cpu] = elapsed;
    this.lastInterrupts[cpu] = this.interrupts[cpu];
    this.injectedNs[cpu] += elapsed;
    t.stimeNs += elapsed;
  }

  /** The CPU of `t` is needed now (it goes down, the driver is unloaded): the injection ends early. */
  abort(t: Task): void {
    if (this.active[t.cpu] === 0) return;
    this.k.cpus.forcedIdleUntil[t.cpu] = 0;
    this.end(t);
  }
}

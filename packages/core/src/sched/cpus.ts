/**
 * The CPUs: masks, what each is doing, and where its time went. All in columns, one entry per possible CPU.
 *
 * `sync(cpu)` adds the time since the last look to the class the CPU has been in; `enter(cpu, class)` changes the class.
 * These are the only places where CPU time is added, so the classes of an online CPU sum to wall time. proc(5), /proc/stat.
 */
import type { Task } from "../task/task.js";

export const CPU_USER = 0;
export const CPU_NICE = 1;
export const CPU_SYSTEM = 2;
export const CPU_IDLE = 3;
export const CPU_IOWAIT = 4;
export const CPU_IRQ = 5;
export const CPU_SOFTIRQ = 6;
export const CPU_STEAL = 7;
const CLASSES = 8;

export class Cpus {
  /** Possible CPUs: 0 .. nr-1. */
  readonly nr: number;
  readonly online: Uint8Array;
  readonly present: Uint8Array;
  nrOnline: number;
  /** The task on each CPU, null: idle. */
  readonly curr: (Task | null)[];
  /** A driven task whose outside call is being carried out right now, else null. */
  readonly guest: (Task | null)[];
  readonly irqDepth: Uint16Array;
  /** 1 while soft interrupts are being served. */
  readonly inSoftirq: Uint8Array;
  readonly softirqPending: Uint16Array;
  /** Idle state the CPU is in (index into `idleStates`), -1: not idle. */
  readonly idleState: Int8Array;
  readonly idleSince: Float64Array;
  /** End of a forced idle period in ns, 0: none. */
  readonly forcedIdleUntil: Float64Array;
  /** What it does now (CPU_USER ...) and since when. */
  readonly mode: Uint8Array;
  readonly since: Float64Array;
  /** ns by class: [cpu * 8 + class]. */
  readonly times: Float64Array;
  /** Sleepers on I/O that last ran here. */
  readonly nrIowait: Int32Array;
  readonly switches: Float64Array;
  /** 1 while the CPU's tick is armed. */
  readonly tickOn: Uint8Array;

  constructor(nr: number) {
    this.nr = nr;
    this.online = new Uint8Array(nr).fill(1);
    this.present = new Uint8Array(nr).fill(1);
    this.nrOnline = nr;
    this.curr = new Array(nr).fill(null);
    this.guest = new Array(nr).fill(null);
    this.irqDepth = new Uint16Array(nr);
    this.inSoftirq = new Uint8Array(nr);
    this.softirqPending = new Uint16Array(nr);
    this.idleState = new Int8Array(nr);
    this.idleSince = new Float64Array(nr);
    this.forcedIdleUntil = new Float64Array(nr);
    this.mode = new Uint8Array(nr).fill(CPU_IDLE);
    this.since = new Float64Array(nr);
    this.times = new Float64Array(nr * CLASSES);
    this.nrIowait = new Int32Array(nr);
    this.switches = new Float64Array(nr);
    this.tickOn = new Uint8Array(nr);
  }

  /** Account up to `now`. */
  sync(cpu: number, now: number): void {
    const d = now - this.since[cpu];
    if (d > 0) {
      this.times[cpu * CLASSES + this.mode[cpu]] += d;
      this.since[cpu] = now;
    }
  }

  /** From `now` on the CPU's time is of class `mode`. */
  enter(cpu: number, mode: number, now: number): void {
    this.sync(cpu, now);
    this.mode[cpu] = mode;
  }

  /** ns spent in a class up to the last sync; views call `syncAll` first or add the running part themselves. */
  time(cpu: number, cls: number): number {
    return this.times[cpu * CLASSES + cls];
  }

  /** ns spent in a class up to `now`, without changing anything. */
  timeAt(cpu: number, cls: number, now: number): number {
    return (
      this.times[cpu * CLASSES + cls] + (this.online[cpu] === 1 && this.mode[cpu] === cls ? now - this.since[cpu] : 0)
    );
  }

  /** What an interrupt on this CPU would find: the driven task in a call, else the task on it, else null (idle). */
  currentOf(cpu: number): Task | null {
    return this.guest[cpu] ?? this.curr[cpu];
  }
}

/** Does a CPU mask (Uint32 words) hold `cpu`? */
export function maskHas(mask: Uint32Array, cpu: number): boolean {
  return ((mask[cpu >> 5] >>> (cpu & 31)) & 1) === 1;
}

/** A mask of the first `n` CPUs, `words` long. */
export function maskFirst(n: number, words: number = (n + 31) >> 5): Uint32Array {
  const m = new Uint32Array(words);
  for (let i = 0; i < n; i++) m[i >> 5] = (m[i >> 5] | (1 << (i & 31))) >>> 0;
  return m;
}

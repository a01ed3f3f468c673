/**
 * Timers in jiffies, on one wheel per CPU, run by the TIMER soft interrupt (a bit late, as the wheel's levels make them); and
 * exact timers (hrtimers) in ns, run in hard interrupt context.
 *
 *     const T = k.timers.define("bdi.wakeup", (arg) => ...);        // once, at install
 *     const id = k.timers.add(T, k.time.ticks + 25, arg, cpu);      // mod(id, ...), del(id), pending(id)
 *     const H = k.timers.defineHr("watchdog", (arg, cpu) => ...);
 *     const h = k.timers.startHr(H, k.now + 5000, arg, cpu);        // cancelHr(h)
 *
 * `arg` is state (a number, or an object that hangs from a root). Documentation/timers, Documentation/timers/hrtimers.
 */
import type { Core } from "../kernel/core.js";
import { HRTIMER_SOFTIRQ, TIMER_SOFTIRQ } from "../sched/irq.js";
import { defineAlarm } from "./alarm.js";
import { EV_HRTIMER, EV_WHEEL } from "./eventQueue.js";
import { TimerWheel } from "./timerWheel.js";

export type TimerFn = (arg: unknown, cpu: number) => void;

/** The wheel of one CPU with its owners' columns. */
class TimerBase {
  readonly wheel: TimerWheel;
  readonly fn: number[] = [];
  readonly arg: unknown[] = [];
  /** Event at which the first bucket is due, and the tick it stands for. */
  event = -1;
  eventTick = -1;

  constructor(
    readonly cpu: number,
    hz: number,
    cascading: boolean,
  ) {
    this.wheel = new TimerWheel({ hz, cascading });
  }
}

/** Timer ids carry their CPU: wheel id * CPU_SPAN + cpu. */
const CPU_SPAN = 4096;

export class Timers {
  static readonly transient: readonly string[] = ["fns", "fnIds"];
  private readonly fns: TimerFn[] = [];
  private readonly fnIds: Map<string, number> = new Map();
  readonly bases: (TimerBase | null)[];
  private readonly hWheel: number;
  private readonly hHr: number;
  /** SIGALRM of alarm(2). */
  readonly alarmFn: number;

  constructor(readonly k: Core) {
    this.bases = new Array(k.cpus.nr).fill(null);
    k.state.class(TimerBase, TimerWheel);
    k.state.root("timers", this);
    this.hWheel = k.events.define("timers.wheel", (cpu) => this.onWheel(cpu as number));
    this.hHr = k.events.define("timers.hr", (a) => this.onHr(a as HrTimer));
    k.irq.openSoftirq(TIMER_SOFTIRQ, (cpu) => this.runWheel(cpu));
    k.irq.openSoftirq(HRTIMER_SOFTIRQ, () => {});
    this.alarmFn = defineAlarm(this);
  }

  /** Name a timer function. TypeError if the name is taken. */
  define(name: string, fn: TimerFn): number {
    if (this.fnIds.has(name)) throw new TypeError(`timer '${name}' is defined twice`);
    this.fnIds.set(name, this.fns.length);
    this.fns.push(fn);
    return this.fns.length - 1;
  }

  /** Arm a timer for tick `expires` (of `k.time.ticks`; one in the past fires at the next tick). */
  add(fn: number, expires: number, arg: unknown, cpu: number = this.k.currentCpu): number {
    let base = this.bases[cpu];
    if (base === null) {
      base = new TimerBase(cpu, this.k.time.hz, this.k.options.machine.timerWheel === "cascading");
      this.bases[cpu] = base;
    }
    const id = base.wheel.add(expires, this.k.time.ticks);
    const i = base.wheel.indexOf(id);
    base.fn[i] = fn;
    base.arg[i] = arg;
    this.arm(base);
    return id * CPU_SPAN + cpu;
  }

  /** Move a pending timer; false if it is not pending (it is not armed then). */
  mod(id: number, expires: number): boolean {
    const base = this.baseOf(id);
    if (base === null || !base.wheel.mod(wheelId(id), expires, this.k.time.ticks)) return false;
    this.arm(base);
    return true;
  }

  /** Take a timer back; false if it is not pending. -1 is never pending. */
  del(id: number): boolean {
    const base = this.baseOf(id);
    return base?.wheel.del(wheelId(id)) ?? false;
  }

  pending(id: number): boolean {
    const base = this.baseOf(id);
    return base?.wheel.isPending(wheelId(id)) ?? false;
  }

  private baseOf(id: number): TimerBase | null {
    return id < 0 ? null : this.bases[id % CPU_SPAN];
  }

  private arm(base: TimerBase): void {
    // what is overdue waits for the next tick
    const tick = Math.max(base.wheel.nextExpiry(), this.k.time.ticks + 1);
    if (tick === base.eventTick && base.event >= 0) return;
    if (base.event >= 0) {
      if (base.eventTick < tick) return; // it comes early, looks, and is armed anew
      this.k.events.cancel(base.event);
    }
    base.event = -1;
    base.eventTick = tick;
    if (tick === Number.POSITIVE_INFINITY) return;
    base.event = this.k.events.at(this.k.time.tickTime(tick), EV_WHEEL, this.hWheel, base.cpu, base.cpu);
  }

  private onWheel(cpu: number): void {
    const base = this.bases[cpu] as TimerBase;
    base.event = -1;
    this.k.irq.enter(cpu);
    this.k.cpus.softirqPending[cpu] |= 1 << TIMER_SOFTIRQ;
    this.k.irq.exit(cpu);
  }

  private runWheel(cpu: number): void {
    const base = this.bases[cpu];
    if (base === null) return;
    const now = this.k.time.ticks;
    for (let i = base.wheel.popExpired(now); i >= 0; i = base.wheel.popExpired(now)) {
      const arg = base.arg[i];
      base.arg[i] = undefined;
      this.fns[base.fn[i]](arg, cpu);
    }
    if (base.event < 0) base.eventTick = -1;
    this.arm(base);
  }

  // --- hrtimers ---

  /** Name an exact timer's function; numbers are shared with `define`. */
  defineHr(name: string, fn: TimerFn): number {
    return this.define(`hr.${name}`, fn);
  }

  /** Arm an exact timer for `atNs`; in the past it fires now (after what is going on). Returns a handle for cancelHr. */
  startHr(fn: number, atNs: number, arg: unknown, cpu: number = this.k.currentCpu): number {
    return this.k.events.at(Math.max(atNs, this.k.now), EV_HRTIMER, this.hHr, { fn, arg, cpu });
  }

  cancelHr(handle: number): boolean {
    return this.k.events.cancel(handle);
  }

  private onHr(t: HrTimer): void {
    const cpu = this.k.cpus.online[t.cpu] === 1 ? t.cpu : this.k.cpus.online.indexOf(1);
    this.k.irq.enter(cpu);
    this.fns[t.fn](t.arg, cpu);
    this.k.irq.exit(cpu);
  }

  /** A CPU goes offline: its wheel timers move to `to`, keeping their expiry. */
  migrate(from: number, to: number): void {
    const base = this.bases[from];
    if (base === null) return;
    const { wheel } = base;
    for (let i = 0; i < wheel.capacity; i++) {
      const id = wheel.idAt(i);
      if (!wheel.isPending(id)) continue;
      const expires = wheel.expiresAt(i);
      wheel.del(id);
      this.add(base.fn[i], expires, base.arg[i], to);
    }
  }
}

interface HrTimer {
  fn: number;
  arg: unknown;
  cpu: number;
}

function wheelId(id: number): number {
  return (id - (id % CPU_SPAN)) / CPU_SPAN;
}

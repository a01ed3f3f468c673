/**
 * clampWorkers: the injector threads of 3.9 and 6.1. Each CPU's thread by itself: balance, sleep to the next multiple of the
 * interval, inject, again. Only the thread of the CPU in control measures; while injection is skipped they go on cycling.
 *
 * 3.9 sleeps exactly, injects until a jiffy, and leaves out an injection when soft interrupts are pending. 6.1 sleeps on the
 * timer wheel - late by its granularity - and injects for a time.
 */
import { type Core, type Ctx, type KthreadDef, TASK_INTERRUPTIBLE, type Wait } from "@kernelkit/core";
import { endKthread } from "../endKthread.js";
import { LATENCY_UNLIMITED_NS } from "../idleInject/playIdle.js";
import { clampBalancing, timerFiresAt } from "./clampBalancing.js";
import type { ClampHost } from "./clampHost.js";
import { type ClampState, ClampWorker, PHASE_BALANCE, PHASE_SLEEP } from "./clampState.js";

const FIFO_PRIO = 50;
const SCHED_FIFO = 1;

export class ClampWorkers {
  private readonly def: KthreadDef<ClampWorker>;
  private readonly k: Core;

  /** `state` gives the driver's state of the moment: workers outlive a reload by nothing. */
  constructor(
    private readonly host: ClampHost,
    private readonly state: () => ClampState,
  ) {
    this.k = host.k;
    this.def = { name: `powerclamp.${host.design.threadName}`, step: (c, w) => this.step(c, w) };
    this.k.state.static(`kthread.${this.def.name}`, this.def);
  }

  /** Make the CPU's worker, or take back the order to end if it is still going. */
  start(cpu: number): void {
    const s = this.state();
    let w = s.workers[cpu];
    if (w !== null) {
      w.stop = false;
      return;
    }
    w = new ClampWorker(cpu);
    s.workers[cpu] = w;
    w.task = this.k.tasks.kthreadCreate(this.def, `${this.host.design.threadName}/${cpu}`, w, {
      cpu,
      policy: SCHED_FIFO,
      rtPriority: FIFO_PRIO,
    });
  }

  /** End the CPU's worker: at once if it sleeps, at the end of its injection if it is in one. `now` cuts even that. */
  stop(cpu: number, now: boolean): void {
    const w = this.state().workers[cpu];
    if (w === null || w.task === null) return;
    const { play } = this.host;
    if (play.active[cpu] === 1 && !now) {
      w.stop = true;
      return;
    }
    play.abort(w.task);
    endKthread(this.k, w.task);
    this.gone(w);
  }

  private gone(w: ClampWorker): void {
    const s = this.state();
    if (s.workers[w.cpu] === w) s.workers[w.cpu] = null;
    this.k.sched.wakeUp(s.changed);
  }

  private step(c: Ctx, w: ClampWorker): number | Wait {
    const { host } = this;
    const s = this.state();
    if (!w.alive) {
      w.alive = true;
      c.wake(s.changed);
    }
    host.play.end(c.task);
    if (w.stop) {
      this.gone(w);
      this.k.tasks.doExit(c.task, 0);
      return 0;
    }
    if (w.phase === PHASE_SLEEP) {
      if (c.now < w.wakeNs) return c.sleep(null, w.wakeNs, TASK_INTERRUPTIBLE);
      w.phase = PHASE_BALANCE;
      if (this.inject(c, s, w)) return 0;
    }
    this.balance(s, w);
    return c.sleep(null, w.wakeNs, TASK_INTERRUPTIBLE);
  }

  /** The decision at the end of a sleep; true if an injection has begun. */
  private inject(c: Ctx, s: ClampState, w: ClampWorker): boolean {
    const { host } = this;
    if (w.cpu === s.controlCpu && w.count % w.windowSizeNow === 0) {
      host.measure(s, w.targetRatio, w.guard, w.windowSizeNow);
    }
    if (s.shouldSkip) return false;
    let ns = Math.floor((w.durationJiffies * 1e6) / this.k.time.hz) * 1000;
    if (host.design.exactTimers) {
      if (this.k.cpus.softirqPending[w.cpu] !== 0) return false;
      ns = host.jiffyNs(host.jiffies + w.durationJiffies) - c.now;
    }
    return host.play.begin(c, ns, LATENCY_UNLIMITED_NS);
  }

  private balance(s: ClampState, w: ClampWorker): void {
    const { host } = this;
    const { hz } = this.k.time;
    const target = s.setTargetRatio;
    const { jiffies } = host;
    const comp = host.compensationFor(s, target);
    // out of step on purpose: each CPU counts jiffies from another zero
    const shift = host.injection === "unsync" ? this.shift(s, w.cpu, target, comp) : 0;
    const b = clampBalancing(hz, s.durationMs, target, comp, jiffies + shift);
    w.targetRatio = target;
    w.guard = b.guard;
    w.windowSizeNow = s.windowSize;
    w.durationJiffies = b.durationJiffies;
    w.count++;
    w.phase = PHASE_SLEEP;
    const wake = host.design.exactTimers ? jiffies + b.sleepJiffies : timerFiresAt(jiffies, b.sleepJiffies);
    w.wakeNs = host.jiffyNs(wake);
  }

  private shift(s: ClampState, cpu: number, target: number, comp: number): number {
    const { interval } = clampBalancing(this.k.time.hz, s.durationMs, target, comp, 0);
    return Math.floor((cpu * interval) / this.k.cpus.nr);
  }
}

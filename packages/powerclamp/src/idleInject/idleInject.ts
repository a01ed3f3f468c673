/**
 * idleInject: the idle injection framework (drivers/powercap/idle_inject.c, since 5.x): one `idle_inject/N` thread per CPU, made
 * at boot, and devices that wake the threads of their CPUs together by one timer.
 *
 *     const dev = ii.register("0-1 as a mask", null);
 *     ii.setDuration(dev, 30000, 10000);      // run 30 ms, idle 10 ms
 *     ii.start(dev);
 *
 * - A CPU belongs to one device at most; registering otherwise logs a line and gives null, and takes no CPU.
 * - start wakes all threads at once, then every run + idle; new durations act at the next turn of the timer.
 * - stop cancels the timer; injections that are going on end by themselves (`running(dev)`, queue `dev.idle`).
 */
import {
  type Core,
  type Ctx,
  EINVAL,
  EV_HRTIMER,
  type KthreadDef,
  maskHas,
  TASK_INTERRUPTIBLE,
  type Task,
  type Wait,
  WaitQueue,
} from "@kernelkit/core";
import { NO_LATENCY_LIMIT } from "../cpuidle/selectState.js";
import { parkKthread, releaseCpu } from "../endKthread.js";
import { LATENCY_UNLIMITED_NS, type PlayIdle } from "./playIdle.js";

/** Asked at each turn of a device's timer: false skips this injection. A named static; it may sleep for nothing. */
export interface IdleInjectUpdate {
  readonly name: string;
  update(dev: IdleInjectDevice): boolean;
}

/** A device; plain state. Durations in µs. */
export class IdleInjectDevice {
  idleDurationUs = 0;
  runDurationUs = 0;
  /** Limit on the exit latency of the state, µs; UINT_MAX: none. */
  latencyUs: number = NO_LATENCY_LIMIT;
  /** Handle of the timer's next turn, -1: stopped. */
  timer = -1;
  /** CPU the timer fires on: the one that started it. */
  timerCpu = 0;
  /** Woken when an injection of one of its CPUs ends. */
  readonly idle: WaitQueue = new WaitQueue("idle_inject_stop");

  constructor(
    /** CPUs, as a bit mask of 32-bit words. */
    readonly mask: Uint32Array,
    readonly update: IdleInjectUpdate | null,
    /** Whatever the update needs; plain data. */
    readonly data: unknown,
  ) {}
}

/** Plain data of one thread. */
interface InjectThread {
  readonly cpu: number;
  shouldRun: boolean;
}

const FIFO_PRIO = 50;
const SCHED_FIFO = 1;

export class IdleInject {
  static readonly transient: readonly string[] = ["k", "play", "hTimer", "kthread"];
  /** The device of each CPU, null: none. */
  readonly devices: (IdleInjectDevice | null)[];
  readonly threads: { task: Task; data: InjectThread }[] = [];
  private readonly hTimer: number;
  private readonly kthread: KthreadDef<InjectThread>;

  constructor(
    private readonly k: Core,
    private readonly play: PlayIdle,
  ) {
    this.devices = new Array(k.cpus.nr).fill(null);
    this.hTimer = k.events.define("idle_inject.timer", (dev) => this.onTimer(dev as IdleInjectDevice));
    this.kthread = { name: "idle_inject", step: (c, d) => this.step(c, d) };
    // the thread of a CPU that goes is parked; its injection ends early
    k.hooks.cpuPrepareDown.tap(901, "idle_inject", (cpu) => {
      const t = this.threads[cpu];
      if (t === undefined) return 0;
      t.data.shouldRun = false;
      this.play.abort(t.task);
      parkKthread(this.k, t.task);
      const dev = this.devices[cpu];
      if (dev !== null) this.k.sched.wakeUp(dev.idle);
      return 0;
    });
    k.state.class(IdleInjectDevice);
    k.state.static("kthread.idle_inject", this.kthread);
  }

  /** Make the threads, one per possible CPU. */
  boot(): void {
    for (let cpu = 0; cpu < this.k.cpus.nr; cpu++) {
      const data: InjectThread = { cpu, shouldRun: false };
      const task = this.k.tasks.kthreadCreate(this.kthread, `idle_inject/${cpu}`, data, {
        cpu,
        policy: SCHED_FIFO,
        rtPriority: FIFO_PRIO,
      });
      this.threads.push({ task, data });
    }
  }

  private step(c: Ctx, d: InjectThread): number | Wait {
    this.play.end(c.task);
    const dev = this.devices[d.cpu];
    if (dev !== null && d.shouldRun) {
      d.shouldRun = false;
      const limit = dev.latencyUs === NO_LATENCY_LIMIT ? LATENCY_UNLIMITED_NS : dev.latencyUs * 1000;
      if (this.play.begin(c, dev.idleDurationUs * 1000, limit)) return 0;
    }
    if (dev !== null) c.wake(dev.idle);
    return c.sleep(null, Number.POSITIVE_INFINITY, TASK_INTERRUPTIBLE);
  }

  /** A device over the CPUs of `mask`, or null if one of them has a device already. */
  register(mask: Uint32Array, update: IdleInjectUpdate | null = null, data: unknown = null): IdleInjectDevice | null {
    const cpus = this.cpusOf(mask);
    for (const cpu of cpus) {
      if (this.devices[cpu] === null) continue;
      this.k.log(3, `ii_dev: cpu${cpu} is already registered`);
      return null;
    }
    const dev = new IdleInjectDevice(mask.slice(), update, data);
    for (const cpu of cpus) this.devices[cpu] = dev;
    if (update !== null) this.k.state.static(`idle_inject.update.${update.name}`, update);
    return dev;
  }

  /** Give the CPUs back; stops the device first. */
  unregister(dev: IdleInjectDevice): void {
    this.stop(dev);
    for (const cpu of this.cpusOf(dev.mask)) if (this.devices[cpu] === dev) this.devices[cpu] = null;
  }

  /** µs to run and to idle; both 0 is ignored. */
  setDuration(dev: IdleInjectDevice, runUs: number, idleUs: number): void {
    if (runUs + idleUs === 0) return;
    dev.runDurationUs = runUs;
    dev.idleDurationUs = idleUs;
  }

  setLatency(dev: IdleInjectDevice, latencyUs: number): void {
    dev.latencyUs = latencyUs;
  }

  /** Begin: the first injection now. 0, or EINVAL if both durations are 0. */
  start(dev: IdleInjectDevice): number {
    if (dev.idleDurationUs + dev.runDurationUs === 0) return EINVAL;
    this.k.events.cancel(dev.timer);
    dev.timerCpu = this.k.currentCpu;
    this.wakeup(dev);
    this.arm(dev);
    return 0;
  }

  /** No more injections from now on; those that go on end by themselves. */
  stop(dev: IdleInjectDevice): void {
    this.k.events.cancel(dev.timer);
    dev.timer = -1;
    for (const { data } of this.threads) if (this.devices[data.cpu] === dev) data.shouldRun = false;
  }

  /** Stop, and end injections that are going on early: the device's driver is unloaded. */
  abort(dev: IdleInjectDevice): void {
    this.stop(dev);
    for (const { task, data } of this.threads) {
      if (this.devices[data.cpu] !== dev || this.play.active[data.cpu] === 0) continue;
      this.play.abort(task);
      releaseCpu(this.k, data.cpu);
    }
  }

  /** One of the device's CPUs is in an injection. */
  running(dev: IdleInjectDevice): boolean {
    return this.cpusOf(dev.mask).some((cpu) => this.play.active[cpu] === 1);
  }

  private arm(dev: IdleInjectDevice): void {
    const next = this.k.now + (dev.runDurationUs + dev.idleDurationUs) * 1000;
    dev.timer = this.k.events.at(next, EV_HRTIMER, this.hTimer, dev);
  }

  private onTimer(dev: IdleInjectDevice): void {
    const { k } = this;
    if (k.cpus.online[dev.timerCpu] === 0) dev.timerCpu = k.cpus.online.indexOf(1); // timers of a dead CPU move
    k.irq.enter(dev.timerCpu);
    if (dev.update === null || dev.update.update(dev)) this.wakeup(dev);
    this.arm(dev);
    k.irq.exit(dev.timerCpu);
  }

  private wakeup(dev: IdleInjectDevice): void {
    const { cpus, sched } = this.k;
    for (const { task, data } of this.threads) {
      if (this.devices[data.cpu] !== dev || cpus.online[data.cpu] === 0) continue;
      data.shouldRun = true;
      if (this.play.active[data.cpu] === 0) sched.wakeTask(task);
    }
  }

  private cpusOf(mask: Uint32Array): number[] {
    const out: number[] = [];
    for (let cpu = 0; cpu < this.k.cpus.nr; cpu++) if (maskHas(mask, cpu)) out.push(cpu);
    return out;
  }
}

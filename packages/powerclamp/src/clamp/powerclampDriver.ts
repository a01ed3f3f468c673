/**
 * powerclampDriver: the module intel_powerclamp - its cooling device, parameters and life - in the chosen design
 * (admin-guide/thermal/intel_powerclamp; LWN 2012-12).
 *
 *     echo 25 > /sys/class/thermal/cooling_device0/cur_state     # idle 25 % of the time
 *     echo 0  > ...                                              # stop
 *
 * The write to `cur_state` that starts 3.9 or 6.1 returns once the workers are there; the one that stops returns once the
 * last injection is over. A governor cannot wait: what it asks happens, and the end of an injection follows by itself.
 */
import { type Core, type Ctx, EAGAIN, ENODEV, EV_WORK, TASK_UNINTERRUPTIBLE, WAIT, type Wait } from "@kernelkit/core";
import { NO_LATENCY_LIMIT } from "../cpuidle/selectState.js";
import type { IdleInjectDevice, IdleInjectUpdate } from "../idleInject/idleInject.js";
import type { CoolingDevice, CoolingOps } from "../thermal/coolingDevice.js";
import { getRunTime, timerFiresAt } from "./clampBalancing.js";
import type { ClampHost } from "./clampHost.js";
import { ClampState } from "./clampState.js";
import { ClampWorkers } from "./clampWorkers.js";
import { DEFAULT_WINDOW_SIZE, guardOf } from "./driverDesign.js";
import { isFullMask } from "./params.js";

/** What the hardware must have for the module to load. */
export interface PowerclampHardware {
  readonly mwait: boolean;
  readonly packageCstates: boolean;
}

/** The driver as a state root: `s` is null while the module is not loaded. */
export class PowerclampDriver {
  static readonly transient: readonly string[] = ["k", "ops", "workers", "update", "hPoll", "host", "hardware"];
  s: ClampState | null = null;
  /** Parameters given before init: the module's memory while it is being loaded. */
  private pending: ClampState | null = null;
  private readonly k: Core;
  readonly ops: CoolingOps;
  private readonly workers: ClampWorkers;
  private readonly update: IdleInjectUpdate;
  private readonly hPoll: number;

  constructor(
    readonly host: ClampHost,
    private readonly hardware: PowerclampHardware,
  ) {
    const { k, design } = host;
    this.k = k;
    this.ops = {
      getMaxState: () => design.maxState,
      getCurState: () => this.curState(),
      setCurState: (_cdev: CoolingDevice, state: number, c?: Ctx) => this.setState(state, c),
    };
    this.workers = new ClampWorkers(host, () => this.s as ClampState);
    this.update = { name: "powerclamp", update: (dev) => this.onTurn(dev) };
    this.hPoll = k.events.define("powerclamp.poll", () => this.onPoll());
    k.state.static("thermal.cdev.intel_powerclamp", this.ops);
    k.state.static("idle_inject.update.powerclamp", this.update);
    if (design.alignment === "jiffies") {
      k.hooks.cpuOnline.tap(900, "powerclamp", (cpu) => this.cpuOnline(cpu));
      k.hooks.cpuPrepareDown.tap(900, "powerclamp", (cpu) => this.cpuPrepareDown(cpu));
    }
  }

  /** Module init: 0, or ENODEV on hardware that cannot do it. */
  load(): number {
    const { host } = this;
    if (!this.hardware.mwait) {
      host.log(3, "CPU does not support MWAIT");
      this.forget();
      return ENODEV;
    }
    if (!this.hardware.packageCstates) {
      host.log(6, "No package C-state available");
      this.forget();
      return ENODEV;
    }
    this.s = this.memory();
    this.pending = null;
    // given at load or not: init sets it
    this.s.windowSize = DEFAULT_WINDOW_SIZE;
    return 0;
  }

  /** The module's variables, made when the first parameter is set. */
  memory(): ClampState {
    if (this.s !== null) return this.s;
    if (this.pending === null) {
      const { k } = this;
      const present = new Uint32Array((k.cpus.nr + 31) >> 5);
      for (let c = 0; c < k.cpus.nr; c++) if (k.cpus.present[c] === 1) present[c >> 5] |= 1 << (c & 31);
      this.pending = new ClampState(this.host.design, k.cpus.nr, k.time.hz, present);
    }
    return this.pending;
  }

  /** Loading has failed: what parameters had set is gone. */
  forget(): void {
    this.pending = null;
  }

  /** Module exit: stops whatever goes on, at once. */
  unload(): void {
    const s = this.s;
    if (s === null) return;
    s.clamping = false;
    for (let cpu = 0; cpu < this.k.cpus.nr; cpu++) this.workers.stop(cpu, true);
    if (s.device !== null) {
      this.host.idleInject.abort(s.device);
      this.host.idleInject.unregister(s.device);
    }
    this.k.events.cancel(s.pollTimer);
    this.s = null;
  }

  private curState(): number {
    const { design } = this.host;
    const s = this.s;
    if (s === null || !s.clamping) return design.offState;
    return design.readsMeasured && s.pollEnable ? s.poll.ratio : s.setTargetRatio;
  }

  // --- setting the target ---

  private setState(state: number, c: Ctx | undefined): number | Wait {
    const s = this.s;
    if (s === null) return ENODEV;
    if (c === undefined) {
      const e = this.apply(s, state);
      if (!s.clamping) this.releaseDevice(s);
      return e;
    }
    if (s.lock.lock(c) === WAIT) return WAIT;
    const f = c.part("powerclamp", () => ({ error: -1, stopping: false }));
    if (f.error < 0) {
      f.stopping = s.setTargetRatio > 0 && this.limited(s, state) === 0;
      f.error = this.apply(s, state);
    }
    if (!this.settled(s, f.stopping)) return c.sleep(this.waitQueue(s), undefined, TASK_UNINTERRUPTIBLE);
    if (s.device !== null && !s.clamping) this.releaseDevice(s);
    c.endPart("powerclamp");
    s.lock.unlock(c);
    return f.error;
  }

  /** The percentage that `state` becomes. 6.3 with max_idle 0 has no cap: 0 - 1 is a very large unsigned number. */
  private limited(s: ClampState, state: number): number {
    const { design } = this.host;
    const max = design.alignment === "timer" ? (s.maxIdle === 0 ? state : s.maxIdle - 1) : design.maxTargetRatio - 1;
    return Math.min(state, max);
  }

  /** Make `state` the target; what takes time goes on by itself. */
  private apply(s: ClampState, state: number): number {
    const next = this.limited(s, state);
    const { host } = this;
    if (s.setTargetRatio === 0 && next > 0) {
      host.log(6, "Start idle injection to reduce power");
      s.setTargetRatio = next;
      return host.design.alignment === "timer" ? this.startDevice(s) : this.startWorkers(s);
    }
    if (s.setTargetRatio > 0 && next === 0) {
      host.log(6, "Stop forced idle injection");
      s.clamping = false;
      s.setTargetRatio = 0;
      if (s.device !== null) host.idleInject.stop(s.device);
      else for (let cpu = 0; cpu < this.k.cpus.nr; cpu++) this.workers.stop(cpu, false);
      return 0;
    }
    s.setTargetRatio = next;
    if (s.device !== null && s.clamping) this.setDuration(s);
    return 0;
  }

  private settled(s: ClampState, stopping: boolean): boolean {
    if (s.device !== null) return !stopping || !this.host.idleInject.running(s.device);
    return s.workers.every((w) => w === null || (!stopping && w.alive));
  }

  private waitQueue(s: ClampState): ClampState["changed"] {
    return s.device === null ? s.changed : s.device.idle;
  }

  // --- 3.9, 6.1: a worker per CPU ---

  private startWorkers(s: ClampState): number {
    const { cpus, events, now } = this.k;
    s.controlCpu = cpus.online.indexOf(1);
    s.clamping = true;
    s.pollEnable = this.host.packages === 1;
    if (s.pollEnable && s.pollTimer < 0) s.pollTimer = events.at(now, EV_WORK, this.hPoll, null);
    for (let cpu = 0; cpu < cpus.nr; cpu++) if (cpus.online[cpu] === 1) this.workers.start(cpu);
    return 0;
  }

  /** Once a second while clamping: the ratio that cur_state shows. */
  private onPoll(): void {
    const s = this.s;
    if (s === null) return;
    const { host } = this;
    s.pollTimer = -1;
    s.poll.sample(host.counters.msr(), host.counters.tsc());
    if (!s.clamping) return;
    const { hz } = this.k.time;
    const due = host.design.exactTimers ? host.jiffies + hz : timerFiresAt(host.jiffies, hz);
    s.pollTimer = this.k.events.at(host.jiffyNs(due), EV_WORK, this.hPoll, null);
  }

  private cpuOnline(cpu: number): void {
    const s = this.s;
    if (s === null || !s.clamping) return;
    this.workers.start(cpu);
    if (cpu === 0) s.controlCpu = 0;
  }

  private cpuPrepareDown(cpu: number): number {
    const s = this.s;
    if (s === null || s.workers[cpu] === null) return 0;
    this.workers.stop(cpu, true);
    if (cpu === s.controlCpu) s.controlCpu = this.k.cpus.online.findIndex((on, c) => on === 1 && c !== cpu);
    return 0;
  }

  // --- 6.3: one device on the idle injection framework ---

  private startDevice(s: ClampState): number {
    const { host } = this;
    const full = isFullMask(s.cpumask, this.k.cpus.present);
    s.pollEnable = full && host.packages === 1;
    if (s.device !== null) host.idleInject.unregister(s.device);
    s.device = host.idleInject.register(s.cpumask, full ? this.update : null);
    if (s.device === null) {
      host.log(3, "idle_inject_register failed");
      s.setTargetRatio = 0;
      return EAGAIN;
    }
    host.idleInject.setLatency(s.device, NO_LATENCY_LIMIT);
    s.count = 0;
    s.guard = guardOf(s.setTargetRatio);
    s.windowSizeNow = s.windowSize;
    this.setDuration(s);
    s.clamping = true;
    return host.idleInject.start(s.device);
  }

  private setDuration(s: ClampState): void {
    const run = getRunTime(s.durationUs, s.setTargetRatio, this.host.compensationFor(s, s.setTargetRatio));
    this.host.idleInject.setDuration(s.device as IdleInjectDevice, run, s.durationUs);
  }

  /** The timer's turn: measure at the end of each window; true to inject. */
  private onTurn(_dev: IdleInjectDevice): boolean {
    const s = this.s;
    // somebody is changing the target: inject as before
    if (s === null || s.device === null || s.lock.locked) return true;
    if (s.count % s.windowSizeNow === 0) {
      this.host.measure(s, s.setTargetRatio, s.guard, s.windowSizeNow);
      s.guard = guardOf(s.setTargetRatio);
      s.windowSizeNow = s.windowSize;
      this.setDuration(s);
    }
    s.count++;
    return !s.shouldSkip;
  }

  private releaseDevice(s: ClampState): void {
    if (s.device !== null) this.host.idleInject.unregister(s.device);
    s.device = null;
  }
}

/**
 * The kernel object that parts and packages are installed on (`k`), and the loop that runs it.
 *
 * What it holds: time and events, CPUs and scheduler, tasks, hooks, traces, state registry, random numbers - always; `vfs`,
 * `mm`, `cgroup`, `proc` where those parts of core are installed.
 */
import type { Cgroups } from "../cgroup/cgroups.js";
import { Digest } from "../lib/hash.js";
import { Rng } from "../lib/rng.js";
import { parseDuration } from "../lib/units.js";
import type { MmSystem } from "../mm/mmSystem.js";
import type { Net } from "../net/net.js";
import type { Proc } from "../proc/proc.js";
import { CpuSteps } from "../sched/cpuSteps.js";
import { Cpus } from "../sched/cpus.js";
import { Hotplug } from "../sched/hotplug.js";
import { Idle } from "../sched/idle.js";
import { Irq } from "../sched/irq.js";
import { RunQueue } from "../sched/runQueue.js";
import { Scheduler } from "../sched/scheduler.js";
import { WaitEntry, WaitQueue } from "../sched/waitQueue.js";
import { Workqueue } from "../sched/workqueue.js";
import { Signals } from "../task/signals.js";
import { SchedEntity, TASK_DEAD, TASK_ZOMBIE, Task } from "../task/task.js";
import { Tasks } from "../task/tasks.js";
import { EventQueue } from "../time/eventQueue.js";
import { Time } from "../time/time.js";
import { Timers } from "../time/timers.js";
import { Trace } from "../trace/trace.js";
import type { Devices } from "../vfs/pseudo/devices.js";
import type { PseudoTree } from "../vfs/pseudo/pseudoTree.js";
import type { Sysctl } from "../vfs/pseudo/sysctl.js";
import type { Vfs } from "../vfs/vfs.js";
import { Cmdline } from "./cmdline.js";
import { Entry } from "./entry.js";
import type { Contracts } from "./feature.js";
import { HookTable, type LogLine } from "./hookTable.js";
import type { Options } from "./options.js";
import type { PendingCall } from "./pending.js";
import { Tape } from "./program.js";
import { Slots } from "./slots.js";
import { StateRegistry } from "./state.js";
import { SyscallTable } from "./syscallTable.js";
import { Programs, TaskWorks } from "./works.js";

/** A part of core: vfs, mm, cgroup, proc ... `createKernel` installs all, `createMachine` none. */
export interface Part {
  readonly name: string;
  /** Registers calls, state, statics, hooks; makes its object on `k`. In the order of the list of parts. */
  install(k: Core): void;
  /** After all parts and packages are installed: size memory, mount, make threads. */
  boot?(k: Core): void;
}

/** An outside call sleeps and nothing can ever wake it, or its limit of virtual time passed. Not a kernel error. */
export class WouldBlockForever extends Error {
  constructor(message: string) {
    super(message);
    this.name = "WouldBlockForever";
  }
}

/** Lines of the log that are kept until a logger attaches. */
const EARLY_LOG_LINES = 1000;
/** How far a program may run on without looking at the event queue's caller, ns. */
const INLINE_BURST_NS = 4_000_000;

export class Core {
  /** ns since boot. */
  now = 0;
  /** No inline progress beyond this instant. */
  inlineUntil = 0;
  /** Task whose system call or step is being carried out, null: none. */
  current: Task | null = null;
  /** True while an event handler or an outside call runs: the kernel cannot be driven then. */
  inEvent = false;
  booted = false;

  readonly state: StateRegistry = new StateRegistry();
  readonly events: EventQueue = new EventQueue();
  readonly hooks: HookTable = new HookTable();
  readonly syscalls: SyscallTable = new SyscallTable();
  readonly programs: Programs = new Programs();
  readonly works: TaskWorks;
  readonly digestOf: Digest = new Digest();
  readonly slots: { task: Slots<Task> } = { task: new Slots<Task>() };
  readonly contracts: Partial<Contracts> = {};
  readonly cmdline: Cmdline;
  readonly costs: Options["costs"];
  readonly rng: Rng;
  readonly time: Time;
  readonly cpus: Cpus;
  readonly trace: Trace;
  readonly idle: Idle;
  readonly irq: Irq;
  readonly timers: Timers;
  readonly workqueue: Workqueue;
  readonly hotplug: Hotplug;
  readonly sched: Scheduler;
  readonly entry: Entry;
  readonly signals: Signals;
  readonly tasks: Tasks;
  readonly nohzOff: boolean;

  vfs!: Vfs;
  mm!: MmSystem;
  cgroup!: Cgroups;
  proc!: Proc;
  net!: Net;
  sysctl!: Sysctl;
  sysfs!: PseudoTree;
  debugfs!: PseudoTree;
  securityfs!: PseudoTree;
  tracefs!: PseudoTree;
  devices!: Devices;

  /** State of the loop itself. */
  readonly loop: {
    instant: number;
    atInstant: number;
    spuriousSeed: number;
    auditSerial: number;
    early: LogLine[];
    warned: Set<string>;
  } = {
    instant: 0,
    atInstant: 0,
    spuriousSeed: 0,
    auditSerial: 0,
    early: [],
    warned: new Set(),
  };

  constructor(readonly options: Options) {
    const m = options.machine;
    this.cmdline = new Cmdline(options.cmdline);
    this.costs = options.costs;
    this.nohzOff = this.cmdline.get("nohz") === "off";
    this.rng = new Rng(options.seed);
    this.works = new TaskWorks(this);
    this.time = new Time(this, m.hz, m.epochNs);
    this.cpus = new Cpus(m.cpus);
    this.trace = new Trace(this);
    this.idle = new Idle(this);
    this.irq = new Irq(this);
    this.sched = new Scheduler(this);
    this.entry = new Entry(this);
    this.signals = new Signals(this);
    this.tasks = new Tasks(this);
    this.timers = new Timers(this);
    this.workqueue = new Workqueue(this);
    this.hotplug = new Hotplug(this);
    const s = this.state;
    s.static("kernel", this);
    s.class(Task, SchedEntity, WaitQueue, WaitEntry, RunQueue, CpuSteps, Tape);
    s.root("digest", this.digestOf);
    s.root("time", this.time);
    s.root("events", this.events);
    s.root("cpus", this.cpus);
    s.root("idle", this.idle);
    s.root("irq", this.irq);
    s.root("sched", this.sched);
    s.root("tasks", this.tasks);
    s.root("rng", this.rng);
    s.root("loop", this.loop);
    this.programs.onAdd = (def) => s.static(`program.${def.name}`, def);
  }

  /** The CPU whose work is being done. */
  get currentCpu(): number {
    if (this.irq.currentCpu >= 0) return this.irq.currentCpu;
    if (this.sched.stepping >= 0) return this.sched.stepping;
    return this.current?.cpu ?? 0;
  }

  // --- the loop ---

  /** Process everything up to and including `until`, and leave the clock there. */
  runTo(until: number, stop?: () => boolean): void {
    if (this.inEvent) throw new TypeError("the kernel cannot be run from inside a program, hook or handler");
    this.inEvent = true;
    const { events, sched, loop } = this;
    const { eventsPerInstant: limit, virtualNs } = this.options.limits;
    const end = Math.min(until, virtualNs);
    try {
      for (;;) {
        if (stop?.()) return;
        const t = events.peek();
        const steps = sched.stepsPending;
        if (!steps && t > end) break;
        if (this.now === loop.instant) {
          if (++loop.atInstant > limit)
            throw new RangeError(
              `more than ${limit} steps at instant ${this.now} ns (limits.eventsPerInstant); last task: ${this.cpus.curr.find((x) => x !== null)?.comm ?? "none"}`,
            );
        } else {
          loop.instant = this.now;
          loop.atInstant = 0;
        }
        if (steps && (t > this.now || events.peekClass() >= 5)) {
          this.inlineUntil = stop === undefined ? end : Math.min(end, this.now + INLINE_BURST_NS);
          sched.stepFirst();
          continue;
        }
        this.now = t;
        events.runFirst();
        if (this.options.spuriousWakeups) this.spuriousWakeup();
      }
      const timed = Number.isFinite(until);
      const limited = end < until && (timed || Number.isFinite(events.peek()));
      if (this.now < end && (timed || limited)) this.now = end;
      if (limited) throw new RangeError(`virtual time has reached ${virtualNs} ns (limits.virtualNs)`);
    } finally {
      this.inEvent = false;
    }
  }

  /** Run for a duration ("30s", or ns). */
  run(duration: number | string): void {
    this.runTo(this.now + parseDuration(duration));
  }

  /** Run until `stop()` is true (looked at after every event); false if nothing is left to happen or `limit` has passed. */
  runUntil(stop: () => boolean, limit: number | string = "1h"): boolean {
    const end = this.now + parseDuration(limit);
    while (!stop()) {
      if (!this.sched.stepsPending && this.events.peek() > end) return false;
      this.runTo(end, stop);
      if (stop()) return true;
      if (this.now >= end) return false;
    }
    return true;
  }

  /** Drive the kernel until an outside call has returned. */
  driveUntil(p: PendingCall): void {
    const end = this.now + this.options.limits.outsideCallNs;
    this.runTo(end, () => p.done || (!this.sched.stepsPending && this.events.peek() === Number.POSITIVE_INFINITY));
    if (p.done) return;
    const t = p.task;
    if (t.state === TASK_ZOMBIE || t.state === TASK_DEAD) {
      this.entry.abandon(t);
      return;
    }
    const never = this.events.peek() === Number.POSITIVE_INFINITY;
    throw new WouldBlockForever(
      `${p.syscall}() of task ${t.nr} (${t.comm}) waits for ${t.waitingFor || "CPU time"}: ${
        never
          ? "nothing is left that could wake it"
          : `not done after ${this.options.limits.outsideCallNs / 1e9} s of virtual time (limits.outsideCallNs)`
      }`,
    );
  }

  private spuriousWakeup(): void {
    // a sequence of its own: the kernel's random numbers must not depend on the test mode
    this.loop.spuriousSeed = (Math.imul(this.loop.spuriousSeed, 1664525) + 1013904223) >>> 0;
    const sleepers = this.tasks.all().filter((t) => t.state >= 1 && t.state <= 3);
    if (sleepers.length > 0 && this.loop.spuriousSeed % 3 === 0)
      this.sched.wakeTask(sleepers[(this.loop.spuriousSeed >>> 8) % sleepers.length]);
  }

  // --- messages ---

  /** A line for the kernel log. Level 0 (emergency) to 7 (debug). Kept until a logger listens, then handed to it. */
  log(level: number, text: string, o: { facility?: number; dict?: string; cont?: boolean } = {}): void {
    const line: LogLine = {
      level,
      text,
      timeNs: this.now,
      facility: o.facility ?? 0,
      dict: o.dict ?? "",
      cont: o.cont ?? false,
      task: this.current,
      inInterrupt: this.irq.inInterrupt(),
      cpu: this.currentCpu,
    };
    this.digestOf.add(level);
    this.digestOf.addString(text);
    const { hooks } = this;
    if (hooks.log.on !== null) hooks.log.on(line, undefined);
    else {
      this.loop.early.push(line);
      if (this.loop.early.length > EARLY_LOG_LINES) this.loop.early.shift();
    }
  }

  /** A logger has attached: what was logged before, oldest first. The lines are handed over once. */
  takeEarlyLog(): LogLine[] {
    const early = this.loop.early.slice();
    this.loop.early.length = 0;
    return early;
  }

  /** An audit record: to the log as `audit: type=T audit(S.mmm:serial): body`, and to the hook. */
  audit(type: number, body: string): void {
    const { sec, nsec } = this.time.realtime();
    const stamp = `${sec}.${String(Math.floor(nsec / 1e6)).padStart(3, "0")}:${++this.loop.auditSerial}`;
    this.log(5, `audit: type=${type} audit(${stamp}): ${body}`);
    if (this.hooks.audit.on !== null) this.hooks.audit.on({ type, body }, undefined);
  }

  /** WARN(): something is wrong, the kernel goes on. `at`: Linux's file and function, "kernel/irq/pm.c irq_pm_install_action". */
  warn(text: string, at = ""): void {
    if (this.hooks.warn.on !== null) this.hooks.warn.on(text, at);
    else this.log(4, `WARNING: ${text}${text !== "" && at !== "" ? " " : ""}${at === "" ? "" : `at ${at}`}`);
  }

  /** WARN_ONCE(), by text. */
  warnOnce(text: string): void {
    if (this.loop.warned.has(text)) return;
    this.loop.warned.add(text);
    this.warn(text);
  }

  /** panic(): the machine stops. Always throws. */
  panic(text: string): never {
    if (this.hooks.panic.on !== null) this.hooks.panic.on(text, undefined);
    else this.log(0, `Kernel panic - not syncing: ${text}`);
    throw new Error(`Kernel panic - not syncing: ${text}`);
  }
}

/**
 * The tasks of a kernel: making the first ones, spawning programs and kernel threads, finding, ending.
 */
import type { Core } from "../kernel/core.js";
import { Ctx } from "../kernel/ctx.js";
import type { AnyProgramDef, ProgramDef } from "../kernel/program.js";
import { maskFirst } from "../sched/cpus.js";
import type { KthreadDef } from "../sched/kthread.js";
import { CapSet, Cred } from "./cred.js";
import { type NsProxy, NsProxy as NsProxyClass, type NsType } from "./namespace.js";
import { allocPid, Pid, PidNamespace, putPid } from "./pid.js";
import { PendingSignals, SigHand, SignalStruct, SigSet } from "./signalState.js";
import {
  PF_EXITING,
  PF_FORKNOEXEC,
  PF_KTHREAD,
  PF_NO_SETAFFINITY,
  TASK_DEAD,
  TASK_PARKED,
  TASK_RUNNING,
  Task,
  TASK_ZOMBIE,
} from "./task.js";
import { UserNamespace } from "./userNamespace.js";

/** First pid of programs and user tasks, whatever kernel threads exist. */
const FIRST_USER_PID = 300;

export class Tasks {
  /** By serial number, never reused. */
  readonly bySerial: Map<number, Task> = new Map();
  lastSerial = 0;
  /** Forks since boot. */
  processes = 0;
  readonly initUserNs: UserNamespace;
  readonly initPidNs: PidNamespace;
  readonly nsTypes: NsType[] = [];
  initNsproxy: NsProxy;
  init!: Task;
  kthreadd!: Task;

  constructor(readonly k: Core) {
    k.state.class(Pid, PidNamespace, UserNamespace, Cred, CapSet, SigSet, PendingSignals, SigHand, SignalStruct, NsProxyClass);
    const user: NsType = { name: "user", flag: 0x10000000, procNames: ["user"], index: -1 };
    const pid: NsType = { name: "pid", flag: 0x20000000, procNames: ["pid", "pid_for_children"], index: 0 };
    for (const t of [user, pid]) {
      this.nsTypes.push(t);
      k.state.static(`ns.${t.name}`, t);
    }
    this.initUserNs = new UserNamespace(user, 0xeffffffd, 0, null, 0, 0);
    this.initPidNs = new PidNamespace(pid, 0xeffffffc, 0, null, this.initUserNs, k.cpus.nr <= 32 ? 32768 : k.cpus.nr * 1024);
    this.initNsproxy = new NsProxyClass([this.initPidNs]);
  }

  /** pid 1 and 2. */
  boot(): void {
    const cred = new Cred(this.initUserNs);
    cred.permitted = CapSet.all();
    cred.effective = CapSet.all();
    this.init = this.make("init", null, cred, allocPid(this.initPidNs, ++this.lastSerial));
    this.init.state = TASK_PARKED;
    this.initPidNs.childReaper = this.init;
    this.kthreadd = this.make("kthreadd", this.init, cred, allocPid(this.initPidNs, ++this.lastSerial));
    this.kthreadd.flags |= PF_KTHREAD;
    this.kthreadd.state = 8;
  }

  /** User pids start here, so that composing kernel threads moves none. */
  finishBoot(): void {
    this.initPidNs.last = Math.max(this.initPidNs.last, FIRST_USER_PID - 1);
    this.k.cmdline;
  }

  private make(comm: string, parent: Task | null, cred: Cred, pid: Pid): Task {
    const k = this.k;
    const t = new Task(++this.lastSerial);
    t.pid = pid;
    t.tgid = pid;
    pid.task = t;
    pid.tgidOf = t;
    t.comm = comm;
    t.cred = cred;
    t.parent = parent ?? t;
    t.realParent = t.parent;
    t.sighand = new SigHand();
    t.signal = new SignalStruct(t, parent?.signal.pgrp ?? pid, parent?.signal.session ?? pid);
    t.signal.threads.push(t);
    t.signal.pgrp.pgrp.add(t);
    t.signal.session.session.add(t);
    if (parent !== null) parent.signal.children.push(t);
    t.nsproxy = parent?.nsproxy ?? this.initNsproxy;
    t.cpusMask = maskFirst(k.cpus.nr);
    t.memsAllowed = maskFirst(k.options.machine.nodes);
    t.startTimeNs = k.now;
    t.startBoottimeNs = k.time.boottimeNs;
    this.adopt(t);
    return t;
  }

  /** Give a new task its transient companions and its place in the tables. */
  private adopt(t: Task): void {
    this.k.slots.task.fill(t, t.slots);
    this.bySerial.set(t.serial, t);
    this.attachViews(t);
  }

  private attachViews(t: Task): void {
    t.ctx = new Ctx(this.k, t);
    t.view = this.k.entry.views.program(t);
    t.gens = [];
    t.started = null;
  }

  /** After a restore. */
  restored(): void {
    for (const t of this.bySerial.values()) this.attachViews(t);
  }

  all(): Task[] {
    return [...this.bySerial.values()];
  }

  /** The task with this number in the initial pid namespace, or null. */
  find(nr: number): Task | null {
    return this.initPidNs.pids.get(nr)?.task ?? null;
  }

  /** A new child of `parent` (default init): runs a program. */
  spawn<S, St>(def: ProgramDef<S, St>, state: St, parent: Task = this.init): Task {
    const t = this.make(def.name.slice(0, 15), parent, parent.cred, allocPid(this.initPidNs, ++this.lastSerial));
    this.processes++;
    t.flags |= PF_FORKNOEXEC;
    this.k.entry.startProgram(t, def as unknown as AnyProgramDef, state);
    t.state = TASK_RUNNING;
    this.k.sched.activate(t, this.k.sched.anyAllowed(t));
    return t;
  }

  /** A kernel thread, started at once. */
  kthreadCreate<D>(
    def: KthreadDef<D>,
    comm: string,
    data: D,
    o: { cpu?: number; policy?: number; rtPriority?: number } = {},
  ): Task {
    const t = this.make(comm.slice(0, 15), this.kthreadd, this.kthreadd.cred, allocPid(this.initPidNs, ++this.lastSerial));
    this.k.state.static(`kthread.${def.name}`, def);
    t.flags |= PF_KTHREAD;
    t.kthread = def as KthreadDef;
    t.kthreadData = data;
    t.se.policy = o.policy ?? 0;
    t.se.rtPriority = o.rtPriority ?? 0;
    if (o.cpu !== undefined) {
      t.cpusMask.fill(0);
      t.cpusMask[o.cpu >> 5] = (1 << (o.cpu & 31)) >>> 0;
      t.flags |= PF_NO_SETAFFINITY;
    }
    t.state = TASK_RUNNING;
    this.k.sched.activate(t, o.cpu ?? this.k.sched.anyAllowed(t));
    return t;
  }

  /** exit_group(2) by a task on its CPU: the other threads are told, this one is gone on return. `code` as wait(2) shows it. */
  exitGroup(t: Task, code: number): void {
    if (!t.signal.groupExit) {
      t.signal.groupExit = true;
      t.signal.groupExitCode = code;
      for (const o of t.signal.threads) if (o !== t) this.k.signals.kick(o);
    }
    this.doExit(t, t.signal.groupExitCode);
  }

  /** The task ends. */
  doExit(t: Task, code: number): void {
    t.flags |= PF_EXITING;
    t.exitCode = code;
    this.k.sched.finishWait(t);
    if (this.k.hooks.exit.on !== null) this.k.hooks.exit.on(t, undefined);
    this.k.entry.abandon(t);
    t.gens = [];
    t.phase = 0;
    t.state = TASK_ZOMBIE;
    this.release(t);
  }

  private release(t: Task): void {
    t.state = TASK_DEAD;
    const i = t.parent.signal.children.indexOf(t);
    if (i >= 0) t.parent.signal.children.splice(i, 1);
    t.signal.pgrp.pgrp.delete(t);
    t.signal.session.session.delete(t);
    t.pid.task = null;
    t.pid.tgidOf = null;
    putPid(t.pid);
    this.bySerial.delete(t.serial);
  }
}

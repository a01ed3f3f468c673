/**
 * The tasks of a kernel: making the first ones, spawning programs and kernel threads, finding, and what they all refer to (users,
 * namespace types, sysctl values).
 *
 * All processes in order of birth: `for (const pid of k.tasks.initPidNs.pids.values()) if (pid.tgidOf !== null) ...`.
 */

import { Errno, KernelError } from "../abi/errors.js";
import { CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS } from "../abi/sched.js";
import { SIGCHLD } from "../abi/signal.js";
import type { Core } from "../kernel/core.js";
import { Ctx } from "../kernel/ctx.js";
import type { AnyProgramDef, ProgramDef } from "../kernel/program.js";
import { Rng } from "../lib/rng.js";
import { SortedIndex } from "../lib/sortedIndex.js";
import { maskFirst } from "../sched/cpus.js";
import type { KthreadDef } from "../sched/kthread.js";
import { WaitQueue } from "../sched/waitQueue.js";
import { cutComm } from "./comm.js";
import { CapSet, Cred } from "./cred.js";
import { continueExit, doExit, exitGroup } from "./exit.js";
import { copyProcess, FORK } from "./fork.js";
import { Keyrings } from "./keyrings.js";
import { Modules } from "./modules.js";
import { type Namespace, NsProxy, type NsType } from "./namespace.js";
import { allocPid, Pid, PidNamespace } from "./pid.js";
import { initialRlimits } from "./rlimits.js";
import { PendingSignals, SIG_IGN, SigHand, SignalStruct, SigSet } from "./signalState.js";
import {
  PF_FORKNOEXEC,
  PF_KTHREAD,
  PF_NO_SETAFFINITY,
  TASK_IDLE,
  TASK_PARKED,
  TASK_RUNNING,
  TASK_ZOMBIE,
  Task,
} from "./task.js";
import { UserCounts, Users } from "./userCounts.js";
import { UserNamespace } from "./userNamespace.js";
import { UtsNamespace } from "./utsNamespace.js";

/** First pid of programs and user tasks, whatever kernel threads exist; kernel threads are numbered below. */
const FIRST_USER_PID = 300;
/** Kernel memory of a thread's stack, bytes: bounds how many threads a machine is given. */
const THREAD_SIZE = 16384;

/** Inode numbers of the initial namespaces. */
export const PROC_UTS_INIT_INO = 4026531838;
export const PROC_USER_INIT_INO = 4026531837;
export const PROC_PID_INIT_INO = 4026531836;

/** Descriptors of processes, brought by the part that has files. */
export interface PidfdOps {
  /** A new descriptor (close-on-exec) in the caller's table: fails with EMFILE. */
  create(c: Ctx, pid: Pid, flags: number): number;
  /** What `fd` refers to, null if it is no pidfd: fails with EBADF. */
  get(t: Task, fd: number): { pid: Pid; nonblock: boolean } | null;
  /** ioctl(2) on one, which a package may answer. */
  ioctl?(c: Ctx, pid: Pid, request: number, arg: unknown): unknown;
}

export class Tasks {
  static readonly transient: readonly string[] = ["nsTypes", "nsFlags", "pidfd", "nsOfFd", "modules"];

  lastSerial = 0;
  lastKthreadNr = 2;
  /** Forks since boot (/proc/stat `processes`). */
  processes = 0;
  /** Tasks there are, threads and zombies included. */
  nrThreads = 0;
  readonly users: Users = new Users();
  readonly initUserNs: UserNamespace;
  readonly initPidNs: PidNamespace;
  /** Process 0, group and session of the kernel's own tasks. */
  readonly idlePid: Pid;
  readonly uts: UtsNamespace;
  /** The namespaces of init. */
  readonly initNsproxy: NsProxy;
  /** What a dead task has. */
  readonly noNsproxy: NsProxy = new NsProxy([]);
  init!: Task;
  kthreadd!: Task;
  /** Values of /proc/sys/kernel and /proc/sys/fs that tasks look at. */
  readonly sysctl: { threadsMax: number; suidDumpable: number } = { threadsMax: 0, suidDumpable: 0 };
  readonly keyrings: Keyrings = new Keyrings();
  /** What user space's random bytes come from, and whether it is ready. */
  readonly randomRng: Rng;
  randomReady = true;
  readonly randomWait: WaitQueue = new WaitQueue("getrandom");

  /** Registered types in the order in which one call makes them. */
  readonly nsTypes: NsType[] = [];
  /** All their bits. */
  nsFlags = 0;
  readonly userType: NsType;
  readonly pidType: NsType;
  readonly utsType: NsType;
  readonly modules: Modules;
  pidfd: PidfdOps | null = null;
  /** The namespace an open namespace file refers to, null if it is none: fails with EBADF. */
  nsOfFd: ((t: Task, fd: number) => Namespace | null) | null = null;

  constructor(readonly k: Core) {
    k.state.class(Pid, PidNamespace, UserNamespace, UtsNamespace, Cred, CapSet, SigSet, PendingSignals, SigHand);
    k.state.class(SignalStruct, NsProxy, UserCounts, Users, Keyrings, Rng, SortedIndex);
    const { machine } = k.options;
    this.sysctl.threadsMax = Math.max(20, Math.min(0x3fffffff, Math.floor(machine.memoryBytes / (THREAD_SIZE * 8))));
    this.randomRng = k.rng.fork("getrandom");
    this.randomReady = k.cmdline.get("random.seeded") !== "0";
    this.modules = new Modules(k);
    this.initNsproxy = new NsProxy([]);
    this.userType = { name: "user", flag: CLONE_NEWUSER, procNames: ["user"], index: -1, order: -1 };
    this.pidType = { name: "pid", flag: CLONE_NEWPID, procNames: ["pid", "pid_for_children"], index: -1, order: 3 };
    this.utsType = { name: "uts", flag: CLONE_NEWUTS, procNames: ["uts"], index: -1, order: 1 };
    this.initUserNs = new UserNamespace(this.userType, PROC_USER_INIT_INO, 0, null, 0, 0);
    const pidMax = Math.min(4194304, Math.max(32768, 1024 * machine.cpus));
    this.initPidNs = new PidNamespace(this.pidType, PROC_PID_INIT_INO, 0, null, this.initUserNs, pidMax);
    this.idlePid = new Pid(0, [0], this.initPidNs.chain, 0);
    this.uts = new UtsNamespace(this.utsType, PROC_UTS_INIT_INO, this.initUserNs, {
      nodename: machine.hostname,
      release: machine.release,
    });
    this.registerNsType(this.userType, null);
    this.registerNsType(this.pidType, this.initPidNs);
    this.registerNsType(this.utsType, this.uts);
  }

  // --- namespace types ---

  /** Add a type, with the initial instance that init is in (null: not in the proxy). TypeError if the name is taken. */
  registerNsType(type: NsType, initial: Namespace | null): void {
    if (this.nsTypes.some((t) => t.name === type.name))
      throw new TypeError(`namespace type '${type.name}' is registered twice`);
    if (this.k.booted)
      throw new TypeError(`namespace type '${type.name}': types are registered before the kernel boots`);
    this.k.state.static(`ns.${type.name}`, type);
    if (initial !== null) {
      const ns = this.initNsproxy.ns as Namespace[];
      type.index = ns.length;
      ns.push(initial);
    }
    this.nsTypes.push(type);
    this.nsTypes.sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));
    this.nsFlags |= type.flag;
  }

  nsType(name: string): NsType {
    const t = this.nsTypes.find((x) => x.name === name);
    if (t === undefined) throw new TypeError(`there is no namespace type '${name}'`);
    return t;
  }

  /** The task's namespace of a type in its proxy. */
  nsOf(t: Task, type: NsType): Namespace {
    return type.index < 0 ? t.cred.userNs : t.nsproxy.ns[type.index];
  }

  // --- boot ---

  /** pid 1 and 2. */
  boot(): void {
    // a bit without a type of its own goes to whoever asks for it
    for (const t of this.nsTypes)
      if (t.symbolicFlag !== undefined && t.flag === 0 && (this.nsFlags & t.symbolicFlag) === 0)
        t.flag = t.symbolicFlag;
    for (const t of this.nsTypes) this.nsFlags |= t.flag;
    const cred = new Cred(this.initUserNs);
    cred.permitted = CapSet.all();
    cred.effective = CapSet.all();
    this.init = this.makeFirst("init", null, cred, 1);
    this.init.state = TASK_PARKED;
    this.init.signal.unkillable = true;
    this.initPidNs.childReaper = this.init;
    this.init.signal.sessionLeader = true;
    this.kthreadd = this.makeFirst("kthreadd", null, cred, 2);
    this.moveToIdleGroup(this.kthreadd);
    this.kthreadd.flags |= PF_KTHREAD;
    this.kthreadd.state = TASK_IDLE;
    // kernel threads that end leave nothing
    this.kthreadd.sighand.set(SIGCHLD, { handler: SIG_IGN, flags: 0, maskLo: 0, maskHi: 0 });
  }

  /** User pids start here, so that composing kernel threads moves none. */
  finishBoot(): void {
    this.initPidNs.last = Math.max(this.initPidNs.last, FIRST_USER_PID - 1);
    const { mm } = this.k;
    if (mm === undefined || this.init.mm !== null) return;
    this.init.mm = mm.newMm(this.init);
    mm.setupExec(this.init.mm, this.init);
  }

  /** Kernel threads are in process group and session 0. */
  private moveToIdleGroup(t: Task): void {
    const s = t.signal;
    s.pgrp.leaveGroup(t);
    s.session.sessionRefs--;
    s.pgrp = this.idlePid;
    s.session = this.idlePid;
    this.idlePid.joinGroup(t);
    this.idlePid.sessionRefs++;
  }

  /** A task from nothing: init, kthreadd and kernel threads. */
  private makeFirst(comm: string, parent: Task | null, cred: Cred, nr: number): Task {
    const k = this.k;
    const t = new Task(this.nextSerial());
    t.pid = allocPid(this.initPidNs, t.serial, [nr]);
    t.tgid = t.pid;
    t.pid.task = t;
    t.pid.tgidOf = t;
    t.comm = cutComm(comm);
    t.cred = cred;
    cred.userNs.refs++;
    t.user = this.users.get(cred.uid);
    t.user.processes++;
    t.parent = parent ?? t;
    t.realParent = t.parent;
    t.sighand = new SigHand();
    const like = parent?.signal;
    t.signal = new SignalStruct(
      t,
      like?.pgrp ?? t.pid,
      like?.session ?? t.pid,
      like?.rlimits ?? initialRlimits(this.sysctl.threadsMax),
    );
    t.signal.threads.push(t);
    t.signal.pgrp.joinGroup(t);
    t.signal.session.sessionRefs++;
    if (parent !== null) parent.signal.addChild(t);
    t.nsproxy = this.initNsproxy;
    t.nsproxy.refs++;
    t.cpusMask = maskFirst(k.cpus.nr);
    t.memsAllowed = memoryNodes(k);
    t.startTimeNs = k.now;
    t.startBoottimeNs = k.time.boottimeNs;
    if (parent !== null) t.cgroups = parent.cgroups;
    this.nrThreads++;
    this.attach(t);
    return t;
  }

  nextSerial(): number {
    return ++this.lastSerial;
  }

  /** Give a new task its package fields and its transient companions. */
  attach(t: Task): void {
    this.k.slots.task.fill(t, t.slots);
    t.ctx = new Ctx(this.k, t);
  }

  /** After a restore. */
  restored(): void {
    for (const t of this.all()) {
      t.ctx = new Ctx(this.k, t);
      t.gens = [];
      t.started = null;
      t.view = null;
      t.outsideView = null;
      t.startedView = null;
    }
  }

  // --- finding ---

  /** All tasks, threads and zombies included, in order of birth. */
  all(): Task[] {
    const out: Task[] = [];
    for (const pid of this.initPidNs.pids.values()) if (pid.task !== null) out.push(pid.task);
    return out;
  }

  /** The task with this number in the initial pid namespace, or null. */
  find(nr: number): Task | null {
    return this.initPidNs.pids.get(nr)?.task ?? null;
  }

  /** The pid with this number in the pid namespace of `t`, or null. */
  findVpid(t: Task, nr: number): Pid | null {
    return t.pid.ns[t.pid.level].pids.get(nr) ?? null;
  }

  /** The namespace a task's own pid arguments and results are numbers of. */
  pidNsOf(t: Task): PidNamespace {
    return t.pid.ns[t.pid.level];
  }

  /** The task (thread or leader) with this number as `t` sees it; 0: `t` itself. */
  findTask(t: Task, nr: number): Task | null {
    return nr === 0 ? t : (this.findVpid(t, nr)?.task ?? null);
  }

  /** The children of a process in order of birth or adoption. */
  children(t: Task): Task[] {
    const out: Task[] = [];
    for (let c = t.signal.childHead; c !== null; c = c.sibNext) out.push(c);
    return out;
  }

  /** Has the process ended (a pidfd of it is readable)? */
  pidExited(pid: Pid): boolean {
    const t = pid.tgidOf ?? pid.task;
    return t === null || (t.state === TASK_ZOMBIE && (t !== t.signal.leader || t.signal.threads.length === 1));
  }

  // --- making ---

  /**
   * A new child of `parent` (default init) that runs a program. KernelError EAGAIN, ENOMEM: it cannot be forked. Whoever runs the kernel
   * lets it run.
   */
  spawn<S, St>(def: ProgramDef<S, St>, state: St, parent: Task = this.init): Task {
    let t: Task;
    try {
      t = copyProcess(this.k, parent, FORK, false);
    } catch (e) {
      if (e instanceof Errno) throw new KernelError(e.nr, "fork");
      throw e;
    }
    t.comm = cutComm(def.name);
    this.startBody(t, def as unknown as AnyProgramDef, state);
    return t;
  }

  /** A new child of `parent` (default init) to be driven from outside. KernelError EAGAIN, ENOMEM. */
  forkDriven(parent: Task = this.init): Task {
    try {
      return copyProcess(this.k, parent, FORK, false);
    } catch (e) {
      if (e instanceof Errno) throw new KernelError(e.nr, "fork");
      throw e;
    }
  }

  /** Give a new task its program and let it go. */
  startBody(t: Task, def: AnyProgramDef, state: unknown): void {
    this.k.entry.startProgram(t, def, state);
    t.state = TASK_RUNNING;
    this.k.sched.wakeUpNew(t);
  }

  /** A kernel thread, started at once. `cpu` binds it. */
  kthreadCreate<D>(
    def: KthreadDef<D>,
    comm: string,
    data: D,
    o: { cpu?: number; policy?: number; rtPriority?: number; nice?: number } = {},
  ): Task {
    const t = this.makeFirst(comm, this.kthreadd, this.kthreadd.cred, this.kthreadNr());
    this.processes++;
    this.k.state.static(`kthread.${def.name}`, def);
    t.flags |= PF_KTHREAD | PF_FORKNOEXEC;
    t.kthread = def as KthreadDef;
    t.kthreadData = data;
    t.se.policy = o.policy ?? 0;
    t.se.rtPriority = o.rtPriority ?? 0;
    t.se.nice = o.nice ?? 0;
    if (o.cpu !== undefined) {
      const mask = new Uint32Array(t.cpusMask.length);
      mask[o.cpu >> 5] = (1 << (o.cpu & 31)) >>> 0;
      t.cpusMask = mask;
      t.cpu = o.cpu;
      t.flags |= PF_NO_SETAFFINITY;
    }
    if (this.k.cgroup !== undefined) this.k.cgroup.fork(this.kthreadd, t);
    t.state = TASK_RUNNING;
    this.k.sched.wakeUpNew(t);
    return t;
  }

  /** Kernel threads take the reserved numbers while there are any. */
  private kthreadNr(): number {
    const { pids } = this.initPidNs;
    for (let nr = this.lastKthreadNr + 1; nr < FIRST_USER_PID; nr++) {
      if (pids.has(nr)) continue;
      this.lastKthreadNr = nr;
      return nr;
    }
    for (let nr = 3; nr < FIRST_USER_PID; nr++) if (!pids.has(nr)) return nr;
    let nr = Math.max(this.initPidNs.last + 1, FIRST_USER_PID);
    while (pids.has(nr)) nr++;
    this.initPidNs.last = nr;
    return nr;
  }

  // --- ending; see task/exit.ts ---

  exitGroup(t: Task, code: number): void {
    exitGroup(this.k, t, code);
  }
  doExit(t: Task, code: number): void {
    doExit(this.k, t, code);
  }
  continueExit(t: Task): void {
    continueExit(this.k, t);
  }
}

/** The uts namespace of a task. */
export function utsOf(k: Core, t: Task): UtsNamespace {
  return t.nsproxy.ns[k.tasks.utsType.index] as UtsNamespace;
}

/** Nodes that have memory, as a mask: what a task may use as long as no cpuset says otherwise. */
function memoryNodes(k: Core): Uint32Array {
  const bytes = k.options.machine.nodeMemoryBytes;
  const mask = new Uint32Array((bytes.length + 31) >> 5);
  for (let i = 0; i < bytes.length; i++) if (bytes[i] > 0) mask[i >> 5] |= 1 << (i & 31);
  return mask;
}

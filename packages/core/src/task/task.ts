/**
 * A task: what the scheduler runs and what system calls are made by. Three kinds of body:
 * - a *program* (a generator over named, plain state; see kernel/program.ts),
 * - a *kernel thread* (a step function; see sched/kthread.ts),
 * - neither: *driven* from outside by `kernel.sys(task)` / `kernel.call(task)`; between calls it is parked.
 * clone(2), proc(5).
 */
import type { Cgroup } from "../cgroup/cgroup.js";
import type { Ctx } from "../kernel/ctx.js";
import type { PendingCall } from "../kernel/pending.js";
import type { AnyProgramDef, SavedCall, Tape } from "../kernel/program.js";
import type { SyscallEntry } from "../kernel/syscallTable.js";
import type { Mm } from "../mm/mm.js";
import type { KthreadDef } from "../sched/kthread.js";
import type { WaitEntry } from "../sched/waitQueue.js";
import type { FilesStruct } from "../vfs/filesStruct.js";
import type { FsStruct } from "../vfs/fsStruct.js";
import type { Cred } from "./cred.js";
import type { NsProxy } from "./namespace.js";
import type { Pid } from "./pid.js";
import { PendingSignals, type SigHand, type SignalStruct, SigSet } from "./signalState.js";
import type { UserCounts } from "./userCounts.js";

/** Task states: what /proc/PID/stat shows as R S D T t Z X I, and PARKED for a driven task between calls (shown as S). */
export const TASK_RUNNING = 0;
export const TASK_INTERRUPTIBLE = 1;
export const TASK_UNINTERRUPTIBLE = 2;
export const TASK_KILLABLE = 3;
export const TASK_STOPPED = 4;
export const TASK_TRACED = 5;
export const TASK_ZOMBIE = 6;
export const TASK_DEAD = 7;
export const TASK_IDLE = 8;
export const TASK_PARKED = 9;
/** Frozen by its cgroup: sleeps until thawed or killed. */
export const TASK_FROZEN = 10;

/** Phases of a task's system call. */
export const CALL_NONE = 0;
/** Called, not finished: it is tried again from the top. */
export const CALL_ACTIVE = 1;
/** Finished; the result waits while the task is preempted, stopped or frozen. */
export const CALL_RETURNING = 2;

export const PF_EXITING = 0x4;
/** Has not done execve since its fork. */
export const PF_FORKNOEXEC = 0x40;
export const PF_SUPERPRIV = 0x100;
export const PF_SIGNALED = 0x400;
/** setuid(2) took the user above RLIMIT_NPROC: looked at again by execve. */
export const PF_NPROC_EXCEEDED = 0x1000;
export const PF_KTHREAD = 0x200000;
export const PF_NO_SETAFFINITY = 0x4000000;

/** Scheduling parameters and run-queue state of a task. sched(7). */
export class SchedEntity {
  policy = 0;
  /** -20..19 */
  nice = 0;
  /** 1..99 for FIFO and RR, 0 otherwise */
  rtPriority = 0;
  resetOnFork = false;
  /** Fair class: virtual run time and virtual deadline, in ns at weight 1024. */
  vruntime = 0;
  deadline = 0;
  /** Lag kept over a sleep (virtual ns, positive: it is owed time). */
  vlag = 0;
  /** Position in its run queue's heap, or -1. */
  heapIndex = -1;
  /** Tie-break of equal deadlines or priorities: order of enqueueing. */
  seq = 0;
  queued = false;
  /** It goes behind its equals when it is queued next. */
  yielded = false;
  /** RR: ns left of its slice. */
  rrLeftNs = 0;
  execStartNs = 0;
  sumExecNs = 0;
  lastArrivalNs = 0;
  lastQueuedNs = 0;
  runDelayNs = 0;
  pcount = 0;
  timerslackNs = 50_000;
  defaultTimerslackNs = 50_000;
}

export class Task {
  static readonly transient: readonly string[] = ["gens", "ctx", "view", "started", "outsideView", "startedView"];

  // identity; fixed by fork
  pid!: Pid;
  tgid!: Pid;
  comm = "";
  flags = 0;
  /** Sent to the parent at exit; -1: a thread that is no leader, 0: nothing. */
  exitSignal = 17;
  /** Whom its death is reported to: the thread that forked it, or who adopted it. */
  parent!: Task;
  realParent!: Task;
  /** Neighbours among the children of the parent's process (leaders only). */
  sibPrev: Task | null = null;
  sibNext: Task | null = null;
  /** Neighbours in the process group (leaders only). */
  pgrpPrev: Task | null = null;
  pgrpNext: Task | null = null;
  /** The parent that sleeps in vfork(2) until this task execs or exits. */
  vforkParent: Task | null = null;
  /** Was adopted by the initial namespace's init, who reaps it by himself. */
  adopted = false;
  startTimeNs = 0;
  startBoottimeNs = 0;

  // what it shares or owns
  cred!: Cred;
  /** Counts of its real user. */
  user!: UserCounts;
  mm: Mm | null = null;
  files: FilesStruct | null = null;
  fs: FsStruct | null = null;
  sighand!: SigHand;
  signal!: SignalStruct;
  nsproxy!: NsProxy;
  /** Its cgroup in each hierarchy: index = hierarchy number, 0 = the v2 tree. */
  cgroups: Cgroup[] = [];

  // signals
  readonly blocked: SigSet = new SigSet();
  readonly pending: PendingSignals = new PendingSignals();
  /** Restored after sigsuspend/ppoll-like calls; null: nothing to restore. */
  savedMask: { lo: number; hi: number } | null = null;
  /** The mask without what a sigtimedwait(2) in progress waits for; null: none. */
  realBlocked: { lo: number; hi: number } | null = null;
  /** How often a counted handler (an address) ran, by signal number. Reading tests take and reset it. */
  readonly caught: number[] = [];
  pdeathSignal = 0;
  /** It is to stop with its process. */
  stopPending = false;
  /** A handler has run since its call was interrupted: 0 no, 1 yes, 2 yes and with SA_RESTART. */
  handlerRan = 0;
  sigaltstack: { sp: number; flags: number; size: number } | null = null;

  // attributes
  noNewPrivs = false;
  exitCode = 0;
  personality = 0;
  oomReaped = false;
  setChildTid = 0;
  clearChildTid = 0;

  // scheduling
  state: number = TASK_RUNNING;
  cpu = 0;
  /** Bit mask of allowed CPUs (Uint32 words). */
  cpusMask!: Uint32Array;
  memsAllowed!: Uint32Array;
  readonly se: SchedEntity = new SchedEntity();
  utimeNs = 0;
  stimeNs = 0;
  nvcsw = 0;
  nivcsw = 0;
  minFlt = 0;
  majFlt = 0;
  /** ns of CPU time it still has to spend before it goes on, and whether it is user time. */
  remainingNs = 0;
  remainingUser = false;
  /** What is left of user time that a signal interrupted. */
  heldNs = 0;
  needResched = false;

  // sleeping
  readonly waits: WaitEntry[] = [];
  /** Event handle of its timeout, -1: none. */
  timeout = -1;
  /** True while it sleeps on I/O (iowait). */
  inIowait = false;
  /** What it waits for, for messages and wchan. */
  waitingFor = "";
  /** Something is to be done before it returns to user: signals, task_work, freezing, notification. */
  userWork = false;
  /** Deferred work to run before return to user, first in first out: [name of a task work, argument]. */
  readonly taskWorks: { name: string; arg: unknown }[] = [];
  /** Cgroups that hold it frozen. */
  frozenBy = 0;
  /** It has been in TASK_FROZEN and not told its cgroup yet that it has left that. */
  wasFrozen = false;

  // the system call it is in
  phase: number = CALL_NONE;
  call: SyscallEntry | null = null;
  args: unknown[] = [];
  frame: object | null = null;
  result: unknown = undefined;
  /** errno of a failed call (positive), 0: it succeeded. */
  error = 0;

  /** Its call waits until it is continued or thawed. */
  held = false;

  /** Calls put aside while signal handlers run. */
  readonly savedCalls: SavedCall[] = [];

  // its body
  program: AnyProgramDef | null = null;
  /** State of the program at its last rest point, and what it has been told since. */
  rest: unknown = null;
  tape: Tape | null = null;
  kthread: KthreadDef | null = null;
  kthreadData: unknown = null;

  /** Package fields, by slot. */
  readonly slots: unknown[] = [];

  // rebuilt, not state
  /** Running generators, innermost signal handler last. */
  gens: Iterator<undefined, unknown, void>[] = [];
  ctx!: Ctx;
  /** The calls as its program sees them. */
  view: unknown = null;
  started: PendingCall | null = null;
  /** The calls as who drives it sees them. */
  outsideView: object | null = null;
  startedView: object | null = null;

  constructor(
    /** Never reused; what a snapshot knows the task by. */
    readonly serial: number,
  ) {}

  /** A new child to be driven from outside, for tests and shells: as `kernel.sys(task).fork()`, but gives the task. KernelError. */
  fork(): Task {
    return this.ctx.k.tasks.forkDriven(this);
  }

  get isKthread(): boolean {
    return (this.flags & PF_KTHREAD) !== 0;
  }
  get isLeader(): boolean {
    return this.pid === this.tgid;
  }
  get exiting(): boolean {
    return (this.flags & PF_EXITING) !== 0;
  }
  /** Its number in the initial pid namespace. */
  get nr(): number {
    return this.pid.nr[0];
  }
}

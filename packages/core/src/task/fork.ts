/**
 * Making tasks: `copyProcess` is fork, clone, clone3, vfork and the spawning of programs and kernel threads, in one order, in
 * which the first failure wins and everything before it is taken back in reverse. fork(2), clone(2).
 *
 * The stages at which packages may refuse (hook `fork`): "task" before anything is made, "signal", "mm", "ns", "cgroup" last.
 */
import { CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN, CAP_SYS_RESOURCE } from "../abi/capability.js";
import { EAGAIN, EINVAL, EPERM } from "../abi/errno.js";
import { ERESTARTNOINTR, fail } from "../abi/errors.js";
import { RLIMIT_NPROC } from "../abi/resource.js";
import {
  CLONE_FILES,
  CLONE_FS,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_PARENT,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
  SCHED_OTHER,
} from "../abi/sched.js";
import { SIGCHLD, SIGRTMAX } from "../abi/signal.js";
import type { Cgroup } from "../cgroup/cgroup.js";
import type { Core } from "../kernel/core.js";
import type { ForkEvent } from "../kernel/hookTable.js";
import { capable, nsCapable } from "./capable.js";
import { putNs, putNsProxy } from "./namespace.js";
import { copyNamespaces, createUserNs } from "./nsCreate.js";
import { allocPid, type Pid, type PidNamespace, putPid } from "./pid.js";
import { rlimit } from "./rlimits.js";
import { signalPending } from "./signalPending.js";
import { SIG_IGN, SigHand, SignalStruct } from "./signalState.js";
import {
  PF_EXITING,
  PF_FORKNOEXEC,
  PF_KTHREAD,
  PF_NO_SETAFFINITY,
  PF_NPROC_EXCEEDED,
  PF_SIGNALED,
  PF_SUPERPRIV,
  TASK_PARKED,
  Task,
} from "./task.js";
import type { Tasks } from "./tasks.js";

/** What is forked. `struct kernel_clone_args`. */
export interface ForkArgs {
  /** CLONE_ flags, the lower 32 bits without the exit signal. */
  readonly flags: number;
  /** 0..64 */
  readonly exitSignal: number;
  readonly clearSighand?: boolean;
  /** Wanted numbers, innermost namespace first. */
  readonly setTid?: readonly number[];
  /** The cgroup it is born in, if not the parent's. */
  readonly intoCgroup?: Cgroup | null;
  /** Make a pidfd (in the parent); may fail. */
  readonly pidfd?: ((pid: Pid) => void) | null;
}

/** A plain fork. */
export const FORK: ForkArgs = { flags: 0, exitSignal: SIGCHLD };

const STAGES = ["task", "signal", "mm", "ns", "cgroup"] as const;

/** The pid namespace a task lives in, and the one its children will. */
export function activePidNs(t: Task): PidNamespace {
  return t.pid.ns[t.pid.level];
}
export function pidNsForChildren(tasks: Tasks, t: Task): PidNamespace {
  return t.nsproxy.ns[tasks.pidType.index] as PidNamespace;
}

function checkFlags(k: Core, p: Task, a: ForkArgs): void {
  const { flags } = a;
  if (flags === 0) return;
  if ((flags & CLONE_NEWNS) !== 0 && (flags & CLONE_FS) !== 0) fail(EINVAL);
  if ((flags & CLONE_NEWUSER) !== 0 && (flags & CLONE_FS) !== 0) fail(EINVAL);
  if ((flags & CLONE_THREAD) !== 0 && (flags & CLONE_SIGHAND) === 0) fail(EINVAL);
  if ((flags & CLONE_SIGHAND) !== 0 && (flags & CLONE_VM) === 0) fail(EINVAL);
  if ((flags & CLONE_PARENT) !== 0 && p.signal.unkillable) fail(EINVAL);
  if (
    (flags & CLONE_THREAD) !== 0 &&
    ((flags & (CLONE_NEWUSER | CLONE_NEWPID)) !== 0 || activePidNs(p) !== pidNsForChildren(k.tasks, p))
  )
    fail(EINVAL);
}

/** clone3's wanted numbers: may they be asked for at all? */
function checkSetTid(k: Core, p: Task, ns: PidNamespace, setTid: readonly number[]): void {
  if (setTid.length > ns.level + 1) fail(EINVAL);
  setTid.forEach((nr, i) => {
    const n = ns.chain[ns.level - i];
    if (nr < 1 || nr >= n.pidMax || (nr !== 1 && n.childReaper === null)) fail(EINVAL);
    if (!nsCapable(k, p, n.userNs, CAP_CHECKPOINT_RESTORE) && !nsCapable(k, p, n.userNs, CAP_SYS_ADMIN)) fail(EPERM);
  });
}

/** Actions of the child with CLONE_CLEAR_SIGHAND: only what is ignored stays. */
function clearedSighand(p: Task): SigHand {
  const h = new SigHand();
  p.sighand.actions.forEach((a, sig) => {
    if (a !== null && a.handler === SIG_IGN) h.set(sig, { handler: SIG_IGN, flags: 0, maskLo: 0, maskHi: 0 });
  });
  return h;
}

/** Scheduling parameters are inherited, but for RESET_ON_FORK. sched(7). */
function schedFork(p: Task, c: Task): void {
  const from = p.se;
  const to = c.se;
  to.policy = from.policy;
  to.nice = from.nice;
  to.rtPriority = from.rtPriority;
  if (from.resetOnFork) {
    if (to.rtPriority > 0) {
      to.policy = SCHED_OTHER;
      to.rtPriority = 0;
      to.nice = 0;
    } else if (to.nice < 0) to.nice = 0;
  }
  to.timerslackNs = from.timerslackNs;
  to.defaultTimerslackNs = from.timerslackNs;
}

/**
 * A new task like `p`, alive but with no body and on no run queue. `asCall`: `p` itself asks for it (a pending signal then makes
 * it start anew). Fails with the errno of clone(2); nothing has changed then.
 */
export function copyProcess(k: Core, p: Task, a: ForkArgs, asCall: boolean): Task {
  const { flags } = a;
  const { tasks } = k;
  checkFlags(k, p, a);
  if (asCall && signalPending(p)) return fail(ERESTARTNOINTR);
  const hook = k.hooks.fork;
  const ev: ForkEvent | null = hook.on === null ? null : { stage: "task", parent: p, child: null, flags };
  const c = new Task(tasks.nextSerial());
  let passed = 0;
  try {
    if (ev !== null) passed = ask(k, ev, passed);
    c.comm = p.comm;
    c.flags = (p.flags & ~(PF_SUPERPRIV | PF_EXITING | PF_SIGNALED | PF_NO_SETAFFINITY | PF_KTHREAD)) | PF_FORKNOEXEC;
    c.noNewPrivs = p.noNewPrivs;
    c.personality = p.personality;
    c.cpu = p.cpu;
    c.cpusMask = p.cpusMask;
    c.memsAllowed = p.memsAllowed;
    c.cgroups = p.cgroups;
    if (ev !== null) ev.child = c;

    // credentials
    const user = p.user;
    const cred = (flags & CLONE_NEWUSER) !== 0 ? createUserNs(k, p) : p.cred;
    c.cred = cred;
    if (cred === p.cred) cred.userNs.refs++;
    user.processes++;
    c.user = user;
    if (
      user.processes > rlimit(p, RLIMIT_NPROC) &&
      user.uid !== 0 &&
      !capable(k, p, CAP_SYS_RESOURCE) &&
      !capable(k, p, CAP_SYS_ADMIN)
    )
      return fail(EAGAIN);
    p.flags &= ~PF_NPROC_EXCEEDED;
    c.flags &= ~PF_NPROC_EXCEEDED;
    if (tasks.nrThreads >= tasks.sysctl.threadsMax) return fail(EAGAIN);

    schedFork(p, c);
    if (p.files !== null) c.files = k.vfs.copyFiles(p, (flags & CLONE_FILES) !== 0);
    if (p.fs !== null) c.fs = k.vfs.copyFs(p, (flags & CLONE_FS) !== 0);

    // signals
    if ((flags & CLONE_SIGHAND) !== 0) {
      p.sighand.refs++;
      c.sighand = p.sighand;
    } else c.sighand = a.clearSighand === true ? clearedSighand(p) : p.sighand.fork();
    c.blocked.set(p.blocked.lo, p.blocked.hi);
    const thread = (flags & CLONE_THREAD) !== 0;
    if (thread) c.signal = p.signal;
    else {
      const s = p.signal;
      const n = new SignalStruct(c, s.pgrp, s.session, s.rlimits);
      n.oomScoreAdj = s.oomScoreAdj;
      n.oomScoreAdjMin = s.oomScoreAdjMin;
      n.hasChildSubreaper = s.hasChildSubreaper || s.isChildSubreaper;
      n.dumpable = s.dumpable;
      c.signal = n;
    }
    if ((flags & CLONE_VM) === 0 || (flags & CLONE_VFORK) !== 0) c.sigaltstack = p.sigaltstack;
    if (ev !== null) passed = ask(k, ev, passed);

    if (p.mm !== null) c.mm = (flags & CLONE_VM) !== 0 ? k.mm.shareMm(p.mm) : k.mm.dupMm(p, c);
    if (ev !== null) passed = ask(k, ev, passed);

    copyNamespaces(k, p, c, flags);
    if (ev !== null) passed = ask(k, ev, passed);

    const pidNs = pidNsForChildren(tasks, c);
    if (a.setTid !== undefined) checkSetTid(k, p, pidNs, a.setTid);
    c.pid = allocPid(pidNs, c.serial, a.setTid);
    c.tgid = thread ? p.tgid : c.pid;
    if (ev !== null) passed = ask(k, ev, passed);
    a.pidfd?.(c.pid);
  } catch (e) {
    takeBack(k, c);
    tasks.lastSerial--;
    if (ev !== null) {
      for (let i = passed - 1; i >= 0; i--) {
        ev.stage = STAGES[i];
        hook.undo(ev, undefined);
      }
    }
    throw e;
  }
  commit(k, p, c, a);
  return c;
}

/** The next stage of a fork: the number of those passed, or the errno of who refuses. */
function ask(k: Core, ev: ForkEvent, passed: number): number {
  ev.stage = STAGES[passed];
  const e = k.hooks.fork.on === null ? 0 : k.hooks.fork.on(ev, undefined);
  return e === 0 ? passed + 1 : fail(e);
}

/** The child comes into the world. */
function commit(k: Core, p: Task, c: Task, a: ForkArgs): void {
  const { flags } = a;
  const { tasks } = k;
  const s = c.signal;
  const thread = (flags & CLONE_THREAD) !== 0;
  if (thread || (flags & CLONE_PARENT) !== 0) {
    c.realParent = p.realParent;
    c.exitSignal = thread ? -1 : p.signal.leader.exitSignal;
  } else {
    c.realParent = p;
    c.exitSignal = a.exitSignal;
  }
  c.parent = c.realParent;
  c.pid.task = c;
  s.threads.push(c);
  if (thread) s.live++;
  else {
    c.pid.tgidOf = c;
    const ns = activePidNs(c);
    if (c.pid.nr[c.pid.level] === 1) {
      ns.childReaper = c;
      s.unkillable = true;
    }
    s.pgrp.joinGroup(c);
    s.session.sessionRefs++;
    c.parent.signal.addChild(c);
  }
  tasks.nrThreads++;
  tasks.processes++;
  c.startTimeNs = k.now;
  c.startBoottimeNs = k.time.boottimeNs;
  if ((flags & CLONE_VFORK) !== 0) c.vforkParent = p;
  c.state = TASK_PARKED;
  tasks.attach(c);
  if (k.cgroup !== undefined) k.cgroup.fork(p, c, a.intoCgroup ?? null);
  if (k.trace.taskNewtask.on) k.trace.taskNewtask.emit(c, flags);
  if (k.trace.schedProcessFork.on) k.trace.schedProcessFork.emit(p, c);
  if (k.hooks.forked.on !== null) k.hooks.forked.on(p, c);
}

/** Undo of what a failed fork has made so far, newest first. */
function takeBack(k: Core, c: Task): void {
  const { tasks } = k;
  if (c.pid !== undefined) putPid(c.pid);
  if (c.nsproxy !== undefined) putNsProxy(c.nsproxy);
  if (c.mm !== null) k.mm.exitMm(c);
  if (c.sighand !== undefined) c.sighand.refs--;
  if (c.fs !== null) k.vfs.exitFs(c);
  if (c.files !== null) k.vfs.exitFiles(c);
  if (c.user !== undefined) tasks.users.dropTask(c.user);
  if (c.cred !== undefined) putNs(c.cred.userNs);
}

/** May `sig` be a child's exit signal? */
export function validExitSignal(sig: number): boolean {
  return sig >= 0 && sig <= SIGRTMAX;
}

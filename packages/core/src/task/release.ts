/**
 * The last things about a dead task: what is told to its parent, and the moment when it is in no table any more. exit(2),
 * wait(2), sigaction(2) SA_NOCLDWAIT.
 */
import { CLD_DUMPED, CLD_EXITED, CLD_KILLED, SA_NOCLDWAIT, SIGCHLD } from "../abi/signal.js";
import type { Core } from "../kernel/core.js";
import { putNs } from "./namespace.js";
import { flushAllSignals } from "./pendingSignals.js";
import { putPid } from "./pid.js";
import { SIG_IGN } from "./signalState.js";
import { TASK_DEAD, TASK_ZOMBIE, type Task } from "./task.js";

/** The status that wait(2) shows of a dead process. */
export function exitStatus(t: Task): number {
  return t.signal.groupExit ? t.signal.groupExitCode : t.exitCode;
}

/** CLD_ code of a wait(2) status. */
export function cldCode(status: number): number {
  if ((status & 0x7f) === 0) return CLD_EXITED;
  return (status & 0x80) !== 0 ? CLD_DUMPED : CLD_KILLED;
}

/** Exit code or signal of a wait(2) status. */
export function cldStatus(status: number): number {
  return (status & 0x7f) === 0 ? (status >> 8) & 0xff : status & 0x7f;
}

/** Tell the parent that the process of this leader has ended. True: nobody will wait for it. */
export function notifyParentExit(k: Core, t: Task): boolean {
  const { parent } = t;
  const act = parent.sighand.actions[SIGCHLD];
  // kthreadd ignores every signal, so kernel threads leave no zombies
  let autoreap =
    parent === k.tasks.kthreadd || (t.adopted && parent.signal.leader === k.tasks.init && parent.program === null);
  let sig = t.exitSignal;
  if (sig === SIGCHLD && act !== null && (act.handler === SIG_IGN || (act.flags & SA_NOCLDWAIT) !== 0)) {
    // the child is not to be waited for: it is gone before its parent hears of it
    autoreap = true;
    if (act.handler === SIG_IGN) sig = 0;
  }
  if (t.pid.wait.head !== null) k.sched.wakeUp(t.pid.wait);
  // most parents neither look at SIGCHLD nor block it
  const heard = sig !== SIGCHLD || act !== null || parent.realBlocked !== null || parent.blocked.has(sig);
  if (sig > 0 && sig <= 64 && (heard || k.trace.signalGenerate.on)) {
    const status = exitStatus(t);
    k.signals.send(parent, sig, cldCode(status), null, true, { status: cldStatus(status) }, t);
  }
  k.signals.wakeParent(parent);
  return autoreap;
}

/** The last of a task: it is in no table any more. A dead leader whose last thread this was is announced now. */
export function releaseTask(k: Core, t: Task): void {
  const s = t.signal;
  const { tasks } = k;
  t.state = TASK_DEAD;
  tasks.users.dropTask(t.user);
  tasks.nrThreads--;
  if (k.cgroup !== undefined) k.cgroup.release(t);
  if (k.hooks.reaped.on !== null) k.hooks.reaped.on(t, undefined);
  if (k.trace.schedProcessFree.on) k.trace.schedProcessFree.emit(t);
  flushAllSignals(k, t.pending);
  t.sighand.refs--;
  if (s.threads.length > 1) s.removeThread(t);
  const { pid } = t;
  if (t === s.leader) {
    const { pgrp, session } = s;
    t.parent.signal.removeChild(t);
    pgrp.leaveGroup(t);
    session.sessionRefs--;
    pid.tgidOf = null;
    flushAllSignals(k, s.pending);
    if (pid.wait.head !== null) k.sched.wakeUp(pid.wait);
    detachPid(k, t);
    if (pgrp !== pid) release(k, pgrp);
    if (session !== pid && session !== pgrp) release(k, session);
  } else {
    s.utimeNs += t.utimeNs;
    s.stimeNs += t.stimeNs;
    s.minFlt += t.minFlt;
    s.majFlt += t.majFlt;
    s.nvcsw += t.nvcsw;
    s.nivcsw += t.nivcsw;
    detachPid(k, t);
    const { leader } = s;
    if (leader.state === TASK_ZOMBIE && s.threads.length === 1 && s.execTask === null) {
      if (notifyParentExit(k, leader)) releaseTask(k, leader);
    } else if (s.execTask !== null && s.live <= 1) k.sched.wakeTask(s.execTask);
  }
  putNs(t.cred.userNs);
}

function detachPid(k: Core, t: Task): void {
  const { pid } = t;
  if (pid.task === t) pid.task = null;
  release(k, pid);
}

/** Give numbers back; an init that waits for its namespace to be empty looks again. */
function release(k: Core, pid: Task["pid"]): void {
  if (!putPid(pid)) return;
  for (let i = pid.level; i > 0; i--) {
    const ns = pid.ns[i];
    if (!ns.alive && ns.emptied.head !== null) k.sched.wakeUp(ns.emptied);
  }
}

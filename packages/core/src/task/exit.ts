/**
 * The end of a task: giving back what it has, finding new parents for its children, telling the parent, becoming a zombie or
 * being gone at once. exit(2), wait(2), pid_namespaces(7).
 */
import { CLD_STOPPED, SIGCHLD, SIGKILL } from "../abi/signal.js";
import type { Core } from "../kernel/core.js";
import { activePidNs } from "./fork.js";
import { putNsProxy } from "./namespace.js";
import { killOrphanedPgrp } from "./orphanedPgrp.js";
import { notifyParentExit, releaseTask } from "./release.js";
import { findChildReaper, forgetOriginalParent } from "./reparent.js";
import { SIG_IGN } from "./signalState.js";
import {
  CALL_NONE,
  PF_EXITING,
  TASK_DEAD,
  TASK_INTERRUPTIBLE,
  TASK_RUNNING,
  TASK_UNINTERRUPTIBLE,
  TASK_ZOMBIE,
  type Task,
} from "./task.js";

/**
 * exit_group(2) by a task on its CPU: the other threads are told to die, this one is gone on return. `code` as wait(2) shows
 * it: `status << 8`, or a signal.
 */
export function exitGroup(k: Core, t: Task, code: number): void {
  const s = t.signal;
  if (!s.groupExit) {
    s.groupExit = true;
    s.groupExitCode = code;
    s.stopCount = 0;
    for (const o of s.threads) {
      if (o === t) continue;
      o.stopPending = false;
      o.pending.set.add(SIGKILL);
      k.signals.kick(o, true);
    }
  }
  doExit(k, t, s.groupExitCode);
}

/** The calling task ends. It may have to wait, as the init of a pid namespace: it then sleeps, and `continueExit` goes on. */
export function doExit(k: Core, t: Task, code: number): void {
  if (t.exiting) return;
  const s = t.signal;
  const { tasks } = k;
  if (s.leader === tasks.init && s.live === 1)
    k.panic(`Attempted to kill init! exitcode=0x${(code >>> 0).toString(16).padStart(8, "0")}`);
  t.flags |= PF_EXITING;
  t.exitCode = code;
  k.sched.finishWait(t);
  if (k.hooks.exit.on !== null) k.hooks.exit.on(t, undefined);

  // what only this thread could have acted on is for the others
  if (!s.groupExit && s.live > 1 && (s.pending.set.lo | s.pending.set.hi) !== 0)
    for (const o of s.threads) if (o !== t && !o.exiting) k.signals.kick(o);
  if (t.stopPending && k.signals.participate(t)) k.signals.notifyParentCldstop(s.leader, CLD_STOPPED);
  const groupDead = --s.live === 0;

  if (t.mm !== null) {
    const rss = Math.max(t.mm.hiwaterRss, t.mm.rssPages);
    if (rss > s.maxRss) s.maxRss = rss;
    k.mm.exitMm(t);
  }
  endVfork(k, t);
  if (k.trace.schedProcessExit.on) k.trace.schedProcessExit.emit(t);
  if (t.files !== null) k.vfs.exitFiles(t);
  if (t.fs !== null) k.vfs.exitFs(t);
  const proxy = t.nsproxy;
  t.nsproxy = tasks.noNsproxy;
  putNsProxy(proxy);
  for (let w = t.taskWorks.shift(); w !== undefined; w = t.taskWorks.shift()) k.works.run(w.name, t, w.arg);
  if (k.cgroup !== undefined) k.cgroup.exit(t);
  k.entry.abandon(t);
  if (t.gens.length > 0) t.gens = [];
  if (t.savedCalls.length > 0) t.savedCalls.length = 0;
  t.phase = CALL_NONE;
  t.call = null;
  if (t.args.length > 0) t.args = [];
  t.frame = null;
  t.result = undefined;
  t.error = 0;
  t.tape = null;
  t.rest = null;
  t.remainingNs = 0;
  t.heldNs = 0;
  t.held = false;
  t.state = TASK_RUNNING;
  if (groupDead && activePidNs(t).childReaper?.signal === s) beginZap(k, t);
  continueExit(k, t);
}

/** The task has let go of its address space: a parent asleep in vfork(2) goes on. */
export function endVfork(k: Core, t: Task): void {
  const p = t.vforkParent;
  if (p === null) return;
  t.vforkParent = null;
  k.sched.wakeTask(p);
}

/** The init of a pid namespace dies: no more forks into it, everybody in it is killed. */
function beginZap(k: Core, t: Task): void {
  const ns = activePidNs(t);
  ns.alive = false;
  // so that those whose parent it is leave no zombies
  t.sighand.set(SIGCHLD, { handler: SIG_IGN, flags: 0, maskLo: 0, maskHi: 0 });
  for (const pid of ns.pids.values()) if (pid.task !== null && pid.task.signal !== t.signal) k.signals.kill(pid.task);
}

/** Is anybody left in the namespace besides the threads of its init? Children of the init are reaped on the way. */
function zapDone(k: Core, t: Task): boolean {
  const ns = activePidNs(t);
  for (let c = t.signal.childHead; c !== null; ) {
    const next: Task | null = c.sibNext;
    if (c.state === TASK_ZOMBIE && c.signal.live === 0) releaseTask(k, c);
    c = next;
  }
  // what is left are the init's own threads, dead or alive
  return ns.pids.size <= t.signal.threads.length;
}

/** What is left of an exit after everything was given back. Called again after each wake-up of a namespace's init. */
export function continueExit(k: Core, t: Task): void {
  const ns = activePidNs(t);
  const s = t.signal;
  if (s.live === 0 && !ns.alive && ns.childReaper?.signal === s) {
    if (!zapDone(k, t)) {
      k.sched.finishWait(t);
      t.ctx.sleep(ns.emptied, undefined, TASK_UNINTERRUPTIBLE);
      t.state = TASK_INTERRUPTIBLE; // as it is shown; its own pending SIGKILL must not end the sleep
      return;
    }
    k.sched.finishWait(t);
    if (ns.reboot !== 0) s.groupExitCode = ns.reboot;
  }
  exitNotify(k, t);
}

/** Children get other parents, the parent is told, and the task is a zombie or gone. */
function exitNotify(k: Core, t: Task): void {
  const s = t.signal;
  const groupDead = s.live === 0;
  if (s.childHead !== null) forgetOriginalParent(k, t, findChildReaper(k, t));
  if (groupDead) killOrphanedPgrp(k, s.leader, null);
  t.state = TASK_ZOMBIE;
  const gone = t === s.leader ? s.threads.length === 1 && notifyParentExit(k, t) : true;
  if (gone) {
    t.state = TASK_DEAD;
    releaseTask(k, t);
  } else if (s.execTask !== null && s.live <= 1) k.sched.wakeTask(s.execTask);
}

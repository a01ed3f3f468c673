/**
 * New parents for the children of a dying task: another thread of its process, the nearest living ancestor that is a child
 * subreaper, or the init of its pid namespace. prctl(2) PR_SET_CHILD_SUBREAPER, pid_namespaces(7).
 */
import { SI_USER, SIGCHLD } from "../abi/signal.js";
import type { Core } from "../kernel/core.js";
import { activePidNs } from "./fork.js";
import { killOrphanedPgrp } from "./orphanedPgrp.js";
import { notifyParentExit, releaseTask } from "./release.js";
import { TASK_ZOMBIE, type Task } from "./task.js";

/** A thread of the process that is not dying, or null. */
export function findAliveThread(t: Task): Task | null {
  for (const o of t.signal.threads) if (!o.exiting) return o;
  return null;
}

/** Init of the task's pid namespace; if it is that itself and has no thread left, the init further up. */
export function findChildReaper(k: Core, father: Task): Task {
  const ns = activePidNs(father);
  const reaper = ns.childReaper;
  if (reaper !== null && reaper !== father && !reaper.exiting) return reaper;
  const thread = reaper === null || reaper.signal !== father.signal ? null : findAliveThread(father);
  if (thread !== null) {
    ns.childReaper = thread;
    return thread;
  }
  return reaper !== null && reaper !== father ? reaper : k.tasks.init;
}

function findNewReaper(k: Core, father: Task, childReaper: Task): Task {
  const thread = findAliveThread(father);
  if (thread !== null) return thread;
  if (father.signal.hasChildSubreaper) {
    // only within the father's own pid namespace level
    const { level } = father.pid;
    for (let r = father.realParent; r.pid.level === level && r !== k.tasks.init; r = r.realParent) {
      if (!r.signal.isChildSubreaper) continue;
      const alive = findAliveThread(r);
      if (alive !== null) return alive;
    }
  }
  return childReaper;
}

/** Hand the children of `father` (those this very thread has forked) over. */
export function forgetOriginalParent(k: Core, father: Task, childReaper: Task): void {
  const reaper = findNewReaper(k, father, childReaper);
  const sameProcess = reaper.signal === father.signal;
  const dead: Task[] = [];
  for (let p = father.signal.childHead; p !== null; ) {
    const next: Task | null = p.sibNext;
    for (const t of p.signal.threads) {
      if (t.realParent !== father) continue;
      t.realParent = reaper;
      t.parent = reaper;
      if (t.pdeathSignal !== 0) k.signals.send(t, t.pdeathSignal, SI_USER, father, true);
    }
    if (!sameProcess && p.parent === reaper) {
      father.signal.removeChild(p);
      reaper.signal.addChild(p);
      // nobody shall slay the reaper by a child's exit signal
      p.exitSignal = SIGCHLD;
      p.adopted = reaper.signal.leader === k.tasks.init;
      if (p.state === TASK_ZOMBIE && p.signal.threads.length === 1 && notifyParentExit(k, p)) dead.push(p);
      killOrphanedPgrp(k, p, father);
    }
    p = next;
  }
  for (const p of dead) releaseTask(k, p);
}

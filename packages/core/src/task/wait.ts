/**
 * Waiting for children: which of them count, what is reported about the first that has something to report, and who is reaped.
 * wait(2), wait4(2), waitid(2).
 */

import { CLD_CONTINUED, CLD_STOPPED, SIGCHLD, SIGCONT } from "../abi/signal.js";
import { __WALL, __WCLONE, __WNOTHREAD, WCONTINUED, WEXITED, WNOWAIT, WSTOPPED } from "../abi/wait.js";
import type { Core } from "../kernel/core.js";
import type { Rusage } from "../sys/processSys.js";
import { activePidNs } from "./fork.js";
import type { Pid } from "./pid.js";
import { cldCode, cldStatus, exitStatus, releaseTask } from "./release.js";
import { addToChildren, bothRusage } from "./rusage.js";
import { TASK_ZOMBIE, type Task } from "./task.js";
import { fromKuidMunged } from "./userNamespace.js";

/** What is waited for. */
export interface WaitFor {
  /** Any child, those with the id `pid`, or those of the group `pid`. */
  readonly which: "any" | "pid" | "group";
  readonly pid: Pid | null;
  /** W... flags */
  readonly options: number;
  /** Tell what the child used. */
  readonly rusage?: boolean;
}

/** What was found. */
export interface Waited {
  pid: number;
  uid: number;
  /** CLD_... */
  code: number;
  /** Exit code or signal. */
  status: number;
  /** As wait4 shows it. */
  wstatus: number;
  rusage: Rusage | null;
}

/** No child fits: ECHILD. */
export const NO_CHILD = "no child";
/** There are some, but nothing to report yet. */
export const NOTHING_YET = "nothing yet";

export function doWait(k: Core, t: Task, w: WaitFor): Waited | typeof NO_CHILD | typeof NOTHING_YET {
  let any = false;
  if (w.which === "pid") {
    const p = w.pid?.tgidOf ?? null;
    if (p === null || p.parent.signal !== t.signal || !eligible(t, p, w)) return NO_CHILD;
    const r = consider(k, t, p, w);
    return r ?? (waitable(p, w.options) ? NOTHING_YET : NO_CHILD);
  }
  for (let p = t.signal.childHead; p !== null; p = p.sibNext) {
    if (!eligible(t, p, w)) continue;
    if (waitable(p, w.options)) any = true;
    const r = consider(k, t, p, w);
    if (r !== null) return r;
  }
  return any ? NOTHING_YET : NO_CHILD;
}

function eligible(t: Task, p: Task, w: WaitFor): boolean {
  if (w.which === "group" && p.signal.pgrp !== w.pid) return false;
  const { options } = w;
  if ((options & __WNOTHREAD) !== 0 && p.parent !== t) return false;
  // children that do not announce their death by SIGCHLD are waited for only if asked
  return (options & __WALL) !== 0 || (p.exitSignal !== SIGCHLD) === ((options & __WCLONE) !== 0);
}

/** Can the child still report what is asked? A zombie reports its death alone. */
function waitable(p: Task, options: number): boolean {
  return !(p.state === TASK_ZOMBIE && p.signal.threads.length === 1) || (options & WEXITED) !== 0;
}

function consider(k: Core, t: Task, p: Task, of: WaitFor): Waited | null {
  const s = p.signal;
  const { options } = of;
  const rusage = of.rusage === true;
  if (p.state === TASK_ZOMBIE && s.threads.length === 1) {
    if ((options & WEXITED) === 0) return null;
    const wstatus = exitStatus(p);
    const w = report(k, t, p, cldCode(wstatus), cldStatus(wstatus), wstatus, rusage);
    if ((options & WNOWAIT) === 0) {
      addToChildren(k, t, p);
      releaseTask(k, p);
    }
    return w;
  }
  if ((options & WSTOPPED) !== 0 && s.stopped && s.stopSignal !== 0) {
    const sig = s.stopSignal;
    if ((options & WNOWAIT) === 0) s.stopSignal = 0;
    return report(k, t, p, CLD_STOPPED, sig, (sig << 8) | 0x7f, rusage);
  }
  if ((options & WCONTINUED) !== 0 && s.continued) {
    if ((options & WNOWAIT) === 0) s.continued = false;
    return report(k, t, p, CLD_CONTINUED, SIGCONT, 0xffff, rusage);
  }
  return null;
}

function report(k: Core, t: Task, p: Task, code: number, status: number, wstatus: number, rusage: boolean): Waited {
  if (k.trace.schedProcessWait.on) k.trace.schedProcessWait.emit(p);
  return {
    pid: p.pid.nrNs(activePidNs(t)),
    uid: fromKuidMunged(t.cred.userNs, p.cred.uid),
    code,
    status,
    wstatus,
    rusage: rusage ? bothRusage(k, p) : null,
  };
}

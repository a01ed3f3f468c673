/**
 * Signals by permission: kill(2) and its relatives find the receivers, ask whether the sender may, and send. kill(2), signal(7).
 */
import { CAP_KILL } from "../abi/capability.js";
import { EINVAL, EPERM, ESRCH } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { SI_USER, SIGCONT } from "../abi/signal.js";
import type { Core } from "../kernel/core.js";
import { nsCapable } from "./capable.js";
import { activePidNs } from "./fork.js";
import type { Pid } from "./pid.js";
import { validSignal } from "./sigDefaults.js";
import type { SigExtra } from "./signals.js";
import type { Task } from "./task.js";

/** Is the sender's real or effective user the receiver's real or saved one, or may it kill anybody there? */
function killOkByCred(k: Core, from: Task, t: Task): boolean {
  const c = from.cred;
  const tc = t.cred;
  if (c.euid === tc.suid || c.euid === tc.uid || c.uid === tc.suid || c.uid === tc.uid) return true;
  return nsCapable(k, from, tc.userNs, CAP_KILL);
}

/** 0, EINVAL for no signal, or EPERM. `code` is the siginfo's. */
export function checkKill(k: Core, from: Task, t: Task, sig: number, code: number): number {
  if (!validSignal(sig)) return EINVAL;
  if (from.tgid !== t.tgid && !killOkByCred(k, from, t)) {
    // any process of the session may be continued
    if (sig !== SIGCONT || from.signal.session !== t.signal.session) return EPERM;
  }
  const { signalSend } = k.hooks;
  if (signalSend.on !== null)
    return signalSend.on(t, { signo: sig, code, pid: 0, uid: 0, status: 0, addr: 0, value: 0 });
  return 0;
}

/** Check and send to one task or its process; signal 0 only checks. 0 or the errno. */
export function killTask(
  k: Core,
  from: Task,
  t: Task,
  sig: number,
  code: number,
  group: boolean,
  extra?: SigExtra,
): number {
  const e = checkKill(k, from, t, sig, code);
  if (e !== 0 || sig === 0) return e;
  return k.signals.send(t, sig, code, from, group, extra);
}

/** To every process of a group. 0 if any got it, else the last errno; ESRCH: there is none. */
function killGroup(k: Core, from: Task, pgrp: Pid | null, sig: number): number {
  let result = ESRCH;
  let ok = false;
  if (pgrp !== null)
    for (const p of pgrp.groupMembers()) {
      const e = killTask(k, from, p, sig, SI_USER, true);
      if (e === 0) ok = true;
      else result = e;
    }
  return ok ? 0 : result;
}

/** kill(2). 0 or the errno. */
export function kill(k: Core, from: Task, pid: number, sig: number): number {
  const { tasks } = k;
  if (pid > 0) {
    const p = tasks.findVpid(from, pid);
    const t = p?.task ?? null;
    return t === null ? ESRCH : killTask(k, from, t.signal.leader, sig, SI_USER, true);
  }
  if (pid === 0) return killGroup(k, from, from.signal.pgrp, sig);
  if (pid === -2147483648) return ESRCH;
  if (pid !== -1) return killGroup(k, from, tasks.findVpid(from, -pid), sig);
  // everybody the caller can see, but the namespace's init and himself
  const ns = activePidNs(from);
  let count = 0;
  let result = 0;
  for (const p of [...ns.pids.values()]) {
    const t = p.tgidOf;
    if (t === null || t.tgid === from.tgid || p.nrNs(ns) <= 1) continue;
    const e = killTask(k, from, t, sig, SI_USER, true);
    count++;
    if (e !== EPERM) result = e;
  }
  return count > 0 ? result : ESRCH;
}

/** The thread `tid`, which must belong to process `tgid` if that is > 0. ESRCH. */
export function findThread(k: Core, from: Task, tgid: number, tid: number): Task {
  const t = k.tasks.findVpid(from, tid)?.task ?? null;
  if (t === null || (tgid > 0 && t.tgid.nrNs(activePidNs(from)) !== tgid)) return fail(ESRCH);
  return t;
}

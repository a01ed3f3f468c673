/** Process groups and sessions. setpgid(2), setsid(2), credentials(7). */
import { EACCES, EINVAL, EPERM, ESRCH } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Core } from "../kernel/core.js";
import { activePidNs } from "./fork.js";
import { type Pid, putPid } from "./pid.js";
import { PF_FORKNOEXEC, type Task } from "./task.js";

function moveToGroup(t: Task, pgrp: Pid): void {
  const old = t.signal.pgrp;
  if (old === pgrp) return;
  old.leaveGroup(t);
  pgrp.joinGroup(t);
  t.signal.pgrp = pgrp;
  putPid(old);
}

/** setpgid(2): the errno order of sys/processSys.ts. */
export function setpgid(k: Core, caller: Task, pid: number, pgid: number): void {
  const me = caller.signal.leader;
  const nr = pid === 0 ? me.pid.nrNs(activePidNs(caller)) : pid;
  const group = pgid === 0 ? nr : pgid;
  if (group < 0) fail(EINVAL);
  const p = k.tasks.findVpid(caller, nr)?.task ?? null;
  if (p === null) fail(ESRCH);
  if (p !== p.signal.leader) fail(EINVAL);
  if (p.realParent.signal === me.signal) {
    if (p.signal.session !== me.signal.session) fail(EPERM);
    if ((p.flags & PF_FORKNOEXEC) === 0) fail(EACCES);
  } else if (p !== me) fail(ESRCH);
  if (p.signal.sessionLeader) fail(EPERM);
  let pgrp: Pid = p.pid;
  if (group !== nr) {
    const g = k.tasks.findVpid(caller, group);
    if (g === null || g.pgrpHead === null || g.pgrpHead.signal.session !== me.signal.session) fail(EPERM);
    pgrp = g;
  }
  moveToGroup(p, pgrp);
}

/** setsid(2): EPERM if the caller leads a session, or a group has its number. */
export function setsid(caller: Task): number {
  const me = caller.signal.leader;
  const s = me.signal;
  if (s.sessionLeader || me.pid.pgrpHead !== null) return fail(EPERM);
  s.sessionLeader = true;
  const old = s.session;
  old.sessionRefs--;
  me.pid.sessionRefs++;
  s.session = me.pid;
  moveToGroup(me, me.pid);
  putPid(old);
  return me.pid.nrNs(activePidNs(caller));
}

/** A group's or session's process as `caller` names it (0: himself); ESRCH. */
export function processOf(k: Core, caller: Task, pid: number): Task {
  const t = k.tasks.findTask(caller, pid);
  return t === null ? fail(ESRCH) : t;
}

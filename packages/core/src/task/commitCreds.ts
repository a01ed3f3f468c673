/**
 * Putting new credentials on a task. Whatever changes ids or capabilities works on a copy and ends here, so that the
 * consequences are the same everywhere: a process that gained or changed privilege is not dumpable and loses its parent-death
 * signal. credentials(7), prctl(2) PR_SET_DUMPABLE and PR_SET_PDEATHSIG.
 */
import { RLIMIT_NPROC } from "../abi/resource.js";
import type { Core } from "../kernel/core.js";
import type { Cred } from "./cred.js";
import { rlimit } from "./rlimits.js";
import { PF_NPROC_EXCEEDED, type Task } from "./task.js";
import type { UserNamespace } from "./userNamespace.js";

/** May what `sub` can do be done with `set`: same namespace and fewer capabilities, or a namespace that `set` owns. */
function credCapIssubset(set: Cred, sub: Cred): boolean {
  if (set.userNs === sub.userNs && sub.permitted.subsetOf(set.permitted)) return true;
  for (let ns: UserNamespace = sub.userNs; ns.parent !== null; ns = ns.parent)
    if (ns.parent === set.userNs && ns.owner === set.euid) return true;
  return false;
}

export function getDumpable(t: Task): number {
  return t.mm !== null ? t.mm.dumpable : t.signal.dumpable;
}

export function setDumpable(t: Task, value: number): void {
  if (t.mm !== null) t.mm.dumpable = value;
  else t.signal.dumpable = value;
}

/** From now on the task wears `cred`. */
export function commitCreds(k: Core, t: Task, cred: Cred): void {
  const old = t.cred;
  if (
    old.euid !== cred.euid ||
    old.egid !== cred.egid ||
    old.fsuid !== cred.fsuid ||
    old.fsgid !== cred.fsgid ||
    !credCapIssubset(old, cred)
  ) {
    setDumpable(t, k.tasks.sysctl.suidDumpable);
    t.pdeathSignal = 0;
  }
  if (cred.uid !== old.uid) {
    const { users } = k.tasks;
    const user = users.get(cred.uid);
    user.processes++;
    users.dropTask(t.user);
    t.user = user;
    // set*id itself does not fail; a later execve does
    if (user.processes > rlimit(t, RLIMIT_NPROC) && cred.uid !== 0) t.flags |= PF_NPROC_EXCEEDED;
    else t.flags &= ~PF_NPROC_EXCEEDED;
  }
  t.cred = cred;
  if (k.hooks.credChange.on !== null) k.hooks.credChange.on(t, { old, new: cred });
}

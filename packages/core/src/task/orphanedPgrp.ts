/**
 * Orphaned process groups: no member has a parent in another group of the same session, so nobody would continue them. Newly
 * orphaned groups with stopped members get SIGHUP and SIGCONT; in an orphaned group SIGTSTP and its like do nothing.
 * setpgid(2), credentials(7).
 */
import { SI_KERNEL, SIGCONT, SIGHUP } from "../abi/signal.js";
import type { Core } from "../kernel/core.js";
import type { Pid } from "./pid.js";
import { TASK_DEAD, TASK_ZOMBIE, type Task } from "./task.js";

/** Would the group be orphaned if `ignored` were gone? */
function willBecomeOrphaned(pgrp: Pid, ignored: Task | null): boolean {
  for (let p = pgrp.pgrpHead; p !== null; p = p.pgrpNext) {
    const dead = (p.state === TASK_ZOMBIE || p.state === TASK_DEAD) && p.signal.live === 0;
    const parent = p.realParent.signal;
    if (p === ignored || dead || parent.leader === parent.leader.realParent) continue; // init's children count as orphans
    if (parent.pgrp !== pgrp && parent.session === p.signal.session) return false;
  }
  return true;
}

export function isOrphanedPgrp(pgrp: Pid): boolean {
  return willBecomeOrphaned(pgrp, null);
}

function hasStoppedJobs(pgrp: Pid): boolean {
  for (let p = pgrp.pgrpHead; p !== null; p = p.pgrpNext) if (p.signal.stopped) return true;
  return false;
}

/**
 * `t` exits (`parent` null), or its parent does (`parent`: that one): if that leaves its group without anybody outside, and
 * members are stopped, they are hung up and continued.
 */
export function killOrphanedPgrp(k: Core, t: Task, parent: Task | null): void {
  const { pgrp, session } = t.signal;
  const other = parent ?? t.realParent;
  if (other.signal.pgrp === pgrp || other.signal.session !== session) return;
  if (!hasStoppedJobs(pgrp) || !willBecomeOrphaned(pgrp, parent === null ? t : null)) return;
  for (const sig of [SIGHUP, SIGCONT])
    for (const p of pgrp.groupMembers()) k.signals.send(p, sig, SI_KERNEL, null, true);
}

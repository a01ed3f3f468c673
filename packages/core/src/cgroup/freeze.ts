/**
 * Freezing: a task of a frozen group stops at its next return to user mode (or where it sleeps, interruptibly) and stays until it
 * is thawed, moved out, or killed. A group is shown as frozen when every live task of its subtree is. cgroup-v2, cgroup.freeze.
 *
 * `Task.frozenBy` counts what wants the task frozen (its v2 group); signal handling puts it into TASK_FROZEN.
 */
import type { Core } from "../kernel/core.js";
import { TASK_FROZEN, TASK_PARKED, type Task } from "../task/task.js";
import type { Cgroup } from "./cgroup.js";

/** cgroup.freeze was written. */
export function setFreeze(k: Core, c: Cgroup, freeze: boolean): void {
  if (c.freezeSelf === freeze) return;
  c.freezeSelf = freeze;
  for (const g of c.subtree()) {
    const want = g.freezeSelf || (g.parent?.frozenEffective ?? false);
    if (want === g.frozenEffective) continue;
    g.frozenEffective = want;
    g.frozenNs = frozenNs(g, k.now);
    g.freezeSince = want ? k.now : -1;
    k.cgroup.trace(want ? "cgroup_freeze" : "cgroup_unfreeze", g);
    for (const t of g.tasks) applyTo(k, t, want);
  }
  for (const g of [...c.subtree()].reverse()) updateFrozen(k, g);
}

/** ns in which the group was to be frozen, for cgroup.stat.local. */
export function frozenNs(g: Cgroup, now: number): number {
  return g.frozenNs + (g.freezeSince < 0 ? 0 : now - g.freezeSince);
}

function applyTo(k: Core, t: Task, frozen: boolean): void {
  if (t.isKthread || t.exiting) return;
  t.frozenBy = frozen ? 1 : 0;
  if (frozen) k.signals.kick(t);
  else if (t.state === TASK_FROZEN) {
    t.userWork = true;
    k.sched.wakeState(t);
  }
}

/** Does the task count as frozen? A driven task that is parked runs no user code: it cannot go on before it is thawed. */
function isFrozen(t: Task): boolean {
  return t.state === TASK_FROZEN || (t.frozenBy > 0 && t.state === TASK_PARKED) || t.isKthread;
}

/** Tasks came, went, froze or thawed: what cgroup.events of the group and its ancestors shows. `t`: a task that just came. */
export function updateFrozen(k: Core, c: Cgroup, t?: Task): void {
  if (t !== undefined && c.root.v2 && t.frozenBy > 0 !== c.frozenEffective) applyTo(k, t, c.frozenEffective);
  for (let g: Cgroup | null = c; g !== null; g = g.parent) {
    const now = g.frozenEffective && subtreeFrozen(g);
    if (now === g.frozenShown) continue;
    g.frozenShown = now;
    k.cgroup.notify(g, "cgroup.events");
    k.cgroup.trace("cgroup_notify_frozen", g, now ? 1 : 0);
  }
}

function subtreeFrozen(c: Cgroup): boolean {
  for (const t of c.tasks) if (!t.exiting && !isFrozen(t)) return false;
  for (const d of c.children.values()) if (!subtreeFrozen(d)) return false;
  return true;
}

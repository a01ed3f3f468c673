/**
 * Process identifiers: one `Pid` per process, with a number in each pid namespace it is visible in (level 0 is the initial
 * one). Tasks refer to pids, not numbers, as their pid, thread group, process group and session; the numbers are free again
 * when nothing refers to them any more. pid_namespaces(7).
 */
import { fail } from "../abi/errors.js";
import { EAGAIN, ENOMEM } from "../abi/errno.js";
import { WaitQueue } from "../sched/waitQueue.js";
import type { Namespace, NsType } from "./namespace.js";
import type { Task } from "./task.js";
import type { UserNamespace } from "./userNamespace.js";

/** Numbers below this are not given out again after the first wrap. */
const RESERVED_PIDS = 300;

export class Pid {
  /** The leader or single task of this pid, while it lives or is a zombie. */
  task: Task | null = null;
  /** Tasks (thread group leaders) that have it as process group / as session. */
  readonly pgrp: Set<Task> = new Set();
  readonly session: Set<Task> = new Set();
  /** Thread group whose tgid this is. */
  tgidOf: Task | null = null;
  /** Woken when the process can be waited for by pidfd poll, i.e. becomes a zombie. */
  readonly wait: WaitQueue = new WaitQueue("pidfd");

  /** `nr[i]` is the number at level i in `ns[i]`. */
  constructor(
    readonly level: number,
    readonly nr: number[],
    readonly ns: PidNamespace[],
    /** Inode number of its pidfds. */
    readonly serial: number,
  ) {}

  /** The number in `ns`, 0 if it is not visible there. */
  nrNs(ns: PidNamespace): number {
    return ns.level <= this.level && this.ns[ns.level] === ns ? this.nr[ns.level] : 0;
  }

  get inUse(): boolean {
    return this.task !== null || this.tgidOf !== null || this.pgrp.size > 0 || this.session.size > 0;
  }
}

export class PidNamespace implements Namespace {
  readonly pids: Map<number, Pid> = new Map();
  /** The namespace's init, null before it is forked and after it is gone. */
  childReaper: Task | null = null;
  /** Number last given out. */
  last = 0;
  /** False once the namespace's init has gone: no more forks into it (ENOMEM). */
  alive = true;
  refs = 1;
  /** Bookkeeping of packages (by slot). */
  readonly data: Record<string, unknown> = {};

  constructor(
    readonly type: NsType,
    readonly ino: number,
    readonly level: number,
    readonly parent: PidNamespace | null,
    public userNs: UserNamespace,
    /** Numbers stay below this (kernel.pid_max). */
    public pidMax: number,
  ) {}
}

/**
 * A new pid, numbered in `ns` and all its ancestors: cyclic, last + 1 upward, wrapping to 300. `setTid[i]` asks for a number
 * at level (ns.level - i), as clone3(2). EAGAIN: no number free (or a wanted one is taken: EEXIST is the caller's to check);
 * ENOMEM: the namespace's init is dead.
 */
export function allocPid(ns: PidNamespace, serial: number, setTid: readonly number[] = []): Pid {
  const chain: PidNamespace[] = [];
  for (let n: PidNamespace | null = ns; n !== null; n = n.parent) chain[n.level] = n;
  const nrs: number[] = [];
  for (const n of chain) {
    const want = setTid[ns.level - n.level];
    nrs[n.level] = want !== undefined ? want : nextPidNr(n);
    if (nrs[n.level] < 0) return fail(EAGAIN);
  }
  if (!ns.alive) return fail(ENOMEM);
  const pid = new Pid(ns.level, nrs, chain, serial);
  for (const n of chain) {
    n.pids.set(nrs[n.level], pid);
    if (setTid[ns.level - n.level] === undefined) n.last = nrs[n.level];
  }
  return pid;
}

function nextPidNr(ns: PidNamespace): number {
  const max = ns.pidMax;
  for (let nr = ns.last + 1; nr < max; nr++) if (!ns.pids.has(nr)) return nr;
  // wrapping: low numbers are for the system
  for (let nr = ns.last >= RESERVED_PIDS ? RESERVED_PIDS : 1; nr <= ns.last && nr < max; nr++)
    if (!ns.pids.has(nr)) return nr;
  return -1;
}

/** Give the numbers back if nothing refers to the pid any more. */
export function putPid(pid: Pid): void {
  if (pid.inUse) return;
  for (const n of pid.ns) if (n.pids.get(pid.nr[n.level]) === pid) n.pids.delete(pid.nr[n.level]);
}

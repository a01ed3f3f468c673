/**
 * Process identifiers: one `Pid` per task, with a number in each pid namespace it is visible in (level 0 is the initial
 * one). Tasks refer to pids, not numbers, as their pid, thread group, process group and session; the numbers are free again
 * when nothing refers to them any more. pid_namespaces(7).
 */
import { EAGAIN, EEXIST, ENOMEM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { WaitQueue } from "../sched/waitQueue.js";
import type { Namespace, NsType } from "./namespace.js";
import type { Task } from "./task.js";
import type { UserNamespace } from "./userNamespace.js";

/** Numbers below this are not given out again after the first wrap. */
const RESERVED_PIDS = 300;

export class Pid {
  /** The task with this id, while it lives or is a zombie. */
  task: Task | null = null;
  /** The process (its thread group leader) with this id. */
  tgidOf: Task | null = null;
  /** First and last of the thread group leaders that have it as process group, linked by `pgrpNext`. */
  pgrpHead: Task | null = null;
  pgrpTail: Task | null = null;
  /** How many processes have it as session. */
  sessionRefs = 0;
  /** Woken when the process can be waited for (it is a zombie with no other thread) and when it has been. */
  readonly wait: WaitQueue = new WaitQueue("pidfd");

  /** `nr[i]` is the number at level i in `ns[i]`. */
  constructor(
    readonly level: number,
    readonly nr: number[],
    readonly ns: readonly PidNamespace[],
    /** Inode number of its pidfds. */
    readonly serial: number,
  ) {}

  /** The number in `ns`, 0 if it is not visible there. */
  nrNs(ns: PidNamespace): number {
    return ns.level <= this.level && this.ns[ns.level] === ns ? this.nr[ns.level] : 0;
  }

  get inUse(): boolean {
    return this.task !== null || this.tgidOf !== null || this.pgrpHead !== null || this.sessionRefs > 0;
  }

  /** The processes of the group with this id, in the order in which they joined. */
  groupMembers(): Task[] {
    const out: Task[] = [];
    for (let t = this.pgrpHead; t !== null; t = t.pgrpNext) out.push(t);
    return out;
  }

  /** A process (by its leader) joins the group. */
  joinGroup(t: Task): void {
    t.pgrpPrev = this.pgrpTail;
    t.pgrpNext = null;
    if (this.pgrpTail === null) this.pgrpHead = t;
    else this.pgrpTail.pgrpNext = t;
    this.pgrpTail = t;
  }

  leaveGroup(t: Task): void {
    if (t.pgrpPrev === null) this.pgrpHead = t.pgrpNext;
    else t.pgrpPrev.pgrpNext = t.pgrpNext;
    if (t.pgrpNext === null) this.pgrpTail = t.pgrpPrev;
    else t.pgrpNext.pgrpPrev = t.pgrpPrev;
    t.pgrpPrev = null;
    t.pgrpNext = null;
  }
}

export class PidNamespace implements Namespace {
  readonly pids: Map<number, Pid> = new Map();
  /** The namespaces from the initial one to this. */
  readonly chain: readonly PidNamespace[];
  /** The namespace's init, null before it is forked and after it is gone. */
  childReaper: Task | null = null;
  /** Number last given out. */
  last = 0;
  /** False once the namespace's init is dying: no more forks into it (ENOMEM). */
  alive = true;
  /** Signal that reboot(2) inside makes the exit status of the namespace's init. */
  reboot = 0;
  /** Woken when a number is given back while the namespace's init waits for that. */
  readonly emptied: WaitQueue = new WaitQueue("zap_pid_ns_processes");
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
  ) {
    this.chain = parent === null ? [this] : [...parent.chain, this];
  }
}

const NO_TIDS: readonly number[] = [];

/**
 * A new pid, numbered in `ns` and all its ancestors, innermost first: cyclic, last + 1 upward, wrapping to 300. `setTid[i]` asks
 * for a number at level (ns.level - i), as clone3(2). EEXIST: a wanted number is taken; EAGAIN: none is free; ENOMEM: the
 * namespace has no init, or it is dying.
 */
export function allocPid(ns: PidNamespace, serial: number, setTid: readonly number[] = NO_TIDS): Pid {
  const { chain, level } = ns;
  const nrs: number[] = new Array(level + 1);
  for (let i = level; i >= 0; i--) {
    const n = chain[i];
    const want = setTid[level - i];
    if (want === undefined) {
      nrs[i] = nextPidNr(n);
      if (nrs[i] < 0) return fail(EAGAIN);
    } else {
      if (n.pids.has(want)) return fail(EEXIST);
      nrs[i] = want;
    }
  }
  // the first pid of a namespace is its init's
  if (!ns.alive || (ns.childReaper === null && nrs[level] !== 1)) return fail(ENOMEM);
  const pid = new Pid(level, nrs, chain, serial);
  for (let i = level; i >= 0; i--) {
    const n = chain[i];
    n.pids.set(nrs[i], pid);
    if (setTid[level - i] === undefined) n.last = nrs[i];
  }
  return pid;
}

function nextPidNr(ns: PidNamespace): number {
  const { pids, last, pidMax } = ns;
  for (let nr = last + 1; nr < pidMax; nr++) if (!pids.has(nr)) return nr;
  // wrapping: low numbers are for the system
  for (let nr = last >= RESERVED_PIDS ? RESERVED_PIDS : 1; nr <= last && nr < pidMax; nr++)
    if (!pids.has(nr)) return nr;
  return -1;
}

/** Give the numbers back if nothing refers to the pid any more. True if it did. */
export function putPid(pid: Pid): boolean {
  if (pid.inUse) return false;
  for (let i = pid.level; i >= 0; i--) {
    const n = pid.ns[i];
    if (n.pids.get(pid.nr[i]) === pid) n.pids.delete(pid.nr[i]);
  }
  return true;
}

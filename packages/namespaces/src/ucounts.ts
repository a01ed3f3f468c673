/**
 * ucounts: how many namespaces of each type a user has made, per user namespace, with limits at every level up to the initial one.
 * namespaces(7), "The /proc/sys/user directory".
 */
import { ENOSPC, fail, type UserNamespace } from "@kernelkit/core";

/** Types in the order of the counters. */
export const UCOUNT_TYPES: readonly ["user", "pid", "uts", "ipc", "net", "mnt", "cgroup", "time"] = [
  "user",
  "pid",
  "uts",
  "ipc",
  "net",
  "mnt",
  "cgroup",
  "time",
];
export type UcountType = (typeof UCOUNT_TYPES)[number];

/** Counters of a kernel uid in a user namespace. */
export class Ucounts {
  readonly counts: number[] = UCOUNT_TYPES.map(() => 0);
  /** Bytes of POSIX message queues (RLIMIT_MSGQUEUE). */
  msgqueue = 0;
  constructor(
    readonly ns: UserNamespace,
    readonly uid: number,
  ) {}
}

/** What a user namespace keeps in `data.ucounts`. */
export class UserNsCounts {
  readonly byUid: Map<number, Ucounts> = new Map();
  readonly max: number[];
  constructor(
    max: number,
    /** Of its creator, in the parent; null: the initial namespace. */
    readonly creator: Ucounts | null,
    /** The creator's RLIMIT_MSGQUEUE: what everybody inside may have together. */
    readonly msgqueueMax: number = Number.POSITIVE_INFINITY,
  ) {
    this.max = UCOUNT_TYPES.map(() => max);
  }
}

export function countsOf(ns: UserNamespace): UserNsCounts {
  return ns.data.ucounts as UserNsCounts;
}

/** The counters of a user, made when there are none. */
export function getUcounts(ns: UserNamespace, uid: number): Ucounts {
  const { byUid } = countsOf(ns);
  let u = byUid.get(uid);
  if (u === undefined) {
    u = new Ucounts(ns, uid);
    byUid.set(uid, u);
  }
  return u;
}

/** One more namespace, here and for the creators of all ancestors. ENOSPC: a limit is reached; nothing has changed. */
export function incUcount(ns: UserNamespace, uid: number, type: UcountType, limited: boolean): Ucounts {
  const i = UCOUNT_TYPES.indexOf(type);
  const first = getUcounts(ns, uid);
  for (let u: Ucounts | null = first; u !== null; u = countsOf(u.ns).creator)
    if (limited && u.counts[i] >= countsOf(u.ns).max[i]) {
      prune(first);
      return fail(ENOSPC);
    }
  for (let u: Ucounts | null = first; u !== null; u = countsOf(u.ns).creator) u.counts[i]++;
  return first;
}

export function decUcount(first: Ucounts, type: UcountType): void {
  const i = UCOUNT_TYPES.indexOf(type);
  for (let u: Ucounts | null = first; u !== null; u = countsOf(u.ns).creator) {
    u.counts[i]--;
    prune(u);
  }
}

/** `bytes` more (or, negative, less) of message queues, here and for the creators of all ancestors. False, nothing changed: too many. */
export function addMsgqueueBytes(first: Ucounts, bytes: number, limit: number): boolean {
  let max = limit;
  for (let u: Ucounts | null = first; u !== null && bytes > 0; u = countsOf(u.ns).creator) {
    if (u.msgqueue + bytes > max) {
      prune(first);
      return false;
    }
    max = countsOf(u.ns).msgqueueMax;
  }
  for (let u: Ucounts | null = first; u !== null; u = countsOf(u.ns).creator) {
    u.msgqueue += bytes;
    prune(u);
  }
  return true;
}

function prune(u: Ucounts): void {
  if (u.msgqueue === 0 && u.counts.every((n) => n === 0)) countsOf(u.ns).byUid.delete(u.uid);
}

/**
 * The registry of namespace types. Core brings `user`, `pid` and `uts` (and its parts `mnt`, `cgroup`, `net`) with their initial
 * instances only: without `copy` nobody can create one (EINVAL). Packages give these types their behaviour, or register more:
 *
 *     k.tasks.nsType("uts").copy = (old, ctx) => ...
 *     k.tasks.registerNsType({ name: "syslog", flag: 0, symbolicFlag: 0x02000000, procNames: ["syslog"], ... }, initial)
 *
 * namespaces(7), unshare(2), setns(2).
 */

import type { FsStruct } from "../vfs/fsStruct.js";
import type { Cred } from "./cred.js";
import type { Task } from "./task.js";
import type { UserNamespace } from "./userNamespace.js";

/** What every namespace object has. */
export interface Namespace {
  readonly type: NsType;
  /** Inode number in nsfs. */
  readonly ino: number;
  /** Owner. */
  userNs: UserNamespace;
  /** Holders: proxies, files, mounts, children; the type's `put` is called when the last has gone. */
  refs: number;
}

/** What a new namespace is made for. */
export interface NsCopy {
  /** The task that will be in it: the child of a fork, or the caller of unshare. */
  readonly task: Task;
  /** The caller. */
  readonly by: Task;
  /** Owner of what is made: the new user namespace, if one is made too. */
  readonly userNs: UserNamespace;
  /** Its root and working directory, which a copied mount tree must move; null without files. */
  readonly fs: FsStruct | null;
}

/** A setns(2) in preparation: changed by `install`, committed as a whole. */
export interface NsSet {
  readonly task: Task;
  /** Types asked for with a pidfd, or the one of the namespace file. */
  readonly flags: number;
  /** A private copy of the proxy's namespaces, by type index. */
  readonly ns: Namespace[];
  /** New credentials if a user namespace is joined. */
  cred: Cred;
}

/** A namespace type: a static; its functions get and return plain state. */
export interface NsType {
  readonly name: string;
  /** CLONE_NEW... bit, 0 if it has none. */
  flag: number;
  /** A bit it gets only if no other type has it. */
  readonly symbolicFlag?: number;
  /** Names in /proc/PID/ns ("pid" has "pid" and "pid_for_children"). */
  procNames: readonly string[];
  /** Position in `NsProxy.ns`, or -1 for types that are not in the proxy (user). Given at registration. */
  index: number;
  /** Place among the types made by one call; mnt 0, uts 1, ipc 2, pid 3, cgroup 4, net 5, time 6. */
  readonly order: number;
  /**
   * A new namespace with one reference: may fail(errno). Missing: the type cannot be created (EINVAL). References it holds itself
   * (to its parent, to its owner) it takes here and gives back in `put`.
   */
  copy?: (old: Namespace, of: NsCopy) => Namespace;
  /** setns(2): check, and change the set; may fail(errno). Missing: EINVAL. */
  install?: (set: NsSet, ns: Namespace) => void;
  /** What /proc/PID/ns/NAME shows of a task; null: nothing. Left out: the one in its proxy. */
  procNs?: (t: Task, name: string) => Namespace | null;
  /** Something to do once a setns has been committed. */
  committed?: (t: Task, ns: Namespace) => void;
  /** The last reference has gone. */
  put?: (ns: Namespace) => void;
}

/** The namespaces of a task, but for its user namespace (that is in its credentials). Shared and replaced, never changed. */
export class NsProxy {
  /** Tasks that have it. */
  refs = 1;
  constructor(readonly ns: readonly Namespace[]) {}
}

/** Drop a reference to a namespace. */
export function putNs(ns: Namespace): void {
  if (--ns.refs === 0) ns.type.put?.(ns);
}

/** Drop a task's reference to a proxy, and with the last one those to its namespaces. */
export function putNsProxy(p: NsProxy): void {
  if (--p.refs > 0) return;
  for (const ns of p.ns) putNs(ns);
}

/** A proxy over `ns` with one user; takes the references of those in `owned`, and new ones to the others. */
export function makeNsProxy(ns: readonly Namespace[], owned: readonly Namespace[]): NsProxy {
  for (const n of ns) if (!owned.includes(n)) n.refs++;
  return new NsProxy(ns);
}

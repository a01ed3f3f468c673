/**
 * The registry of namespace types. Core brings `pid`, `user`, `uts`, `mnt`, `cgroup` and `net` with their initial instances
 * only; packages add types, or the behaviour (copy, install) of these. A type may have a *symbolic* flag without a bit:
 * it gets the bit only if no other type has it. namespaces(7).
 */
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
  refs: number;
}

/** A namespace type: a static; its functions get and return plain state. */
export interface NsType {
  readonly name: string;
  /** CLONE_NEW... bit, 0 if it has none. */
  readonly flag: number;
  /** Names in /proc/PID/ns ("pid" has "pid" and "pid_for_children"). */
  readonly procNames: readonly string[];
  /** Position in `NsProxy.ns`, or -1 for types that are not in the proxy (user). */
  index: number;
  /** A new namespace for a child or an unshare: may fail(errno). Missing: the type cannot be created (EINVAL). */
  copy?(old: Namespace, task: Task, newUserNs: UserNamespace): Namespace;
  /** setns(2): check and install; may fail(errno). */
  install?(task: Task, ns: Namespace, cred: Cred): void;
  /** The last reference has gone. */
  put?(ns: Namespace): void;
}

/** The namespaces of a task, but for its user namespace (that is in its credentials). Shared and replaced, never changed. */
export class NsProxy {
  constructor(readonly ns: readonly Namespace[]) {}
}

/**
 * Creating namespaces for a fork or an unshare: which, in which order, with whose permission, and what is taken back when one
 * fails. clone(2), unshare(2), user_namespaces(7).
 */
import { CAP_SYS_ADMIN } from "../abi/capability.js";
import { EINVAL, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUTS,
  CLONE_SYSVSEM,
} from "../abi/sched.js";
import type { Core } from "../kernel/core.js";
import type { FsStruct } from "../vfs/fsStruct.js";
import { nsCapable } from "./capable.js";
import { CapSet, type Cred, credCapable } from "./cred.js";
import { makeNsProxy, type Namespace, type NsProxy, putNs } from "./namespace.js";
import type { Task } from "./task.js";
import type { UserNamespace } from "./userNamespace.js";

/** Linux's bits for the types in a proxy, whether this kernel has them or not. */
export const CLONE_NEW_FLAGS: number =
  CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWCGROUP | CLONE_NEWNET | CLONE_NEWTIME;

/** Credentials for a new child of the task's user namespace: all capabilities in it, none elsewhere. Owns one reference. */
export function createUserNs(k: Core, t: Task): Cred {
  const { userType } = k.tasks;
  if (userType.copy === undefined) return fail(EINVAL);
  const old = t.cred;
  const ns = userType.copy(old.userNs, { task: t, by: t, userNs: old.userNs, fs: t.fs }) as UserNamespace;
  return credsInUserNs(old, ns);
}

/** A copy of credentials for who has made or joined a user namespace: every capability in it, none elsewhere. */
export function credsInUserNs(old: Cred, ns: UserNamespace): Cred {
  const cred = old.clone();
  cred.userNs = ns;
  cred.securebits = 0;
  cred.inheritable = new CapSet();
  cred.ambient = new CapSet();
  cred.permitted = CapSet.all();
  cred.effective = CapSet.all();
  cred.bounding = CapSet.all();
  return cred;
}

/**
 * The namespaces for `task`, new ones where `flags` asks: EPERM without CAP_SYS_ADMIN over `cred.userNs`, EINVAL a type that
 * nobody can create. null: nothing new is asked for.
 */
export function createNewNamespaces(
  k: Core,
  flags: number,
  caller: Task,
  task: Task,
  cred: Cred,
  fs: FsStruct | null,
): NsProxy | null {
  const { nsFlags, nsTypes } = k.tasks;
  const asked = flags & (nsFlags | CLONE_NEW_FLAGS);
  if (asked === 0) return null;
  const userNs = cred.userNs;
  if (cred === caller.cred ? !nsCapable(k, caller, userNs, CAP_SYS_ADMIN) : !credCapable(cred, userNs, CAP_SYS_ADMIN))
    return fail(EPERM);
  if ((asked & ~nsFlags) !== 0) return fail(EINVAL);
  const { pid } = caller;
  const ns = caller.nsproxy.ns.slice();
  const made: Namespace[] = [];
  try {
    for (const type of nsTypes) {
      if (type.index < 0 || (flags & type.flag) === 0) continue;
      if (type.copy === undefined) return fail(EINVAL);
      // whose children are already to be in another pid namespace than itself makes no third
      if (type === k.tasks.pidType && ns[type.index] !== pid.ns[pid.level]) return fail(EINVAL);
      const n = type.copy(ns[type.index], { task, by: caller, userNs, fs });
      ns[type.index] = n;
      made.push(n);
    }
  } catch (e) {
    for (let i = made.length - 1; i >= 0; i--) putNs(made[i]);
    throw e;
  }
  return makeNsProxy(ns, made);
}

/** The namespaces of the child of a fork. */
export function copyNamespaces(k: Core, p: Task, c: Task, flags: number): void {
  if ((flags & (k.tasks.nsFlags | CLONE_NEW_FLAGS)) === 0) {
    p.nsproxy.refs++;
    c.nsproxy = p.nsproxy;
    return;
  }
  // a namespace that shares no semaphores cannot share their undo list; looked at after the permission
  if ((flags & CLONE_NEWIPC) !== 0 && (flags & CLONE_SYSVSEM) !== 0) {
    if (!credCapable(c.cred, c.cred.userNs, CAP_SYS_ADMIN)) fail(EPERM);
    fail(EINVAL);
  }
  c.nsproxy = createNewNamespaces(k, flags, p, c, c.cred, c.fs) as NsProxy;
}

/**
 * Capability checks by a task: does it have a capability towards a user namespace, an inode, or what an open file was opened
 * with? A security package may refuse what the sets allow (hook `capable`). capabilities(7), user_namespaces(7).
 */
import type { Core } from "../kernel/core.js";
import { type Cred, credCapable } from "./cred.js";
import { PF_SUPERPRIV, type Task } from "./task.js";
import { INVALID_ID, mapIdUp, type UserNamespace } from "./userNamespace.js";

/** Does `t` have `cap` (CAP_...) towards `ns`? */
export function nsCapable(k: Core, t: Task, ns: UserNamespace, cap: number): boolean {
  if (!credCapable(t.cred, ns, cap)) return false;
  const { capable: hook } = k.hooks;
  if (hook.on !== null && hook.on(t, { ns, cap }) !== 0) return false;
  t.flags |= PF_SUPERPRIV;
  return true;
}

/** Does `t` have `cap` over the whole machine (the initial user namespace)? */
export function capable(k: Core, t: Task, cap: number): boolean {
  return nsCapable(k, t, k.tasks.initUserNs, cap);
}

/** Did the opener of a file have `cap` towards `ns`? Looks at the credentials of the open. */
export function fileNsCapable(file: { readonly cred: Cred }, ns: UserNamespace, cap: number): boolean {
  return credCapable(file.cred, ns, cap);
}

/** Has `ns` numbers for the owner and the group (kernel ids)? */
export function privilegedWrtInodeUidgid(ns: UserNamespace, kuid: number, kgid: number): boolean {
  return mapIdUp(ns.uidMap, kuid) !== INVALID_ID && mapIdUp(ns.gidMap, kgid) !== INVALID_ID;
}

/** `cap` in the task's own user namespace, which must have numbers for the inode's owner and group. */
export function capableWrtInodeUidgid(k: Core, t: Task, kuid: number, kgid: number, cap: number): boolean {
  const ns = t.cred.userNs;
  return privilegedWrtInodeUidgid(ns, kuid, kgid) && nsCapable(k, t, ns, cap);
}

/**
 * Leaving what is shared, and joining namespaces: unshare(2), setns(2). Both prepare everything first and commit as a whole.
 */
import { EBADF, EINVAL, EPERM, ESRCH } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import {
  CLONE_FILES,
  CLONE_FS,
  CLONE_NEWNS,
  CLONE_NEWUSER,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VM,
} from "../abi/sched.js";
import type { Core } from "../kernel/core.js";
import type { FilesStruct } from "../vfs/filesStruct.js";
import type { FsStruct } from "../vfs/fsStruct.js";
import { commitCreds } from "./commitCreds.js";
import { activePidNs } from "./fork.js";
import { makeNsProxy, type Namespace, type NsProxy, type NsSet, putNs, putNsProxy } from "./namespace.js";
import { CLONE_NEW_FLAGS, createNewNamespaces, createUserNs } from "./nsCreate.js";
import { PTRACE_MODE_READ_REALCREDS, ptraceMayAccess } from "./ptraceAccess.js";
import type { Task } from "./task.js";

/** unshare(2). All or nothing. */
export function unshare(k: Core, t: Task, asked: number): void {
  let flags = asked;
  if ((flags & CLONE_NEWUSER) !== 0) flags |= CLONE_THREAD | CLONE_FS;
  if ((flags & CLONE_VM) !== 0) flags |= CLONE_SIGHAND;
  if ((flags & CLONE_SIGHAND) !== 0) flags |= CLONE_THREAD;
  if ((flags & CLONE_NEWNS) !== 0) flags |= CLONE_FS;
  const known =
    CLONE_THREAD | CLONE_FS | CLONE_NEWNS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM | CLONE_NEWUSER;
  if ((flags & ~(known | CLONE_NEW_FLAGS | k.tasks.nsFlags)) !== 0) fail(EINVAL);
  if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) !== 0 && t.signal.live > 1) fail(EINVAL);
  if ((flags & (CLONE_SIGHAND | CLONE_VM)) !== 0 && t.sighand.refs > 1) fail(EINVAL);
  if ((flags & CLONE_VM) !== 0 && t.mm !== null && t.mm.refs > 1) fail(EINVAL);
  let fs: FsStruct | null = null;
  let files: FilesStruct | null = null;
  let proxy: NsProxy | null = null;
  const oldCred = t.cred;
  let cred = oldCred;
  try {
    // a new tree of mounts moves the directories of a copy, so that nothing has changed if a later step fails
    if ((flags & CLONE_FS) !== 0 && t.fs !== null && ((flags & CLONE_NEWNS) !== 0 || t.fs.refs > 1))
      fs = k.vfs.copyFs(t, false);
    if ((flags & CLONE_FILES) !== 0 && t.files !== null && t.files.refs > 1) files = k.vfs.copyFiles(t, false);
    if ((flags & CLONE_NEWUSER) !== 0) cred = createUserNs(k, t);
    proxy = createNewNamespaces(k, flags & ~CLONE_NEWUSER, t, t, cred, fs ?? t.fs);
  } catch (e) {
    if (cred !== oldCred) putNs(cred.userNs);
    if (files !== null) swapFiles(k, t, files, true);
    if (fs !== null) swapFs(k, t, fs, true);
    throw e;
  }
  if (proxy !== null) {
    const old = t.nsproxy;
    t.nsproxy = proxy;
    putNsProxy(old);
  }
  if (fs !== null) swapFs(k, t, fs, false);
  if (files !== null) swapFiles(k, t, files, false);
  if (cred !== oldCred) {
    commitCreds(k, t, cred);
    putNs(oldCred.userNs);
  }
  if (k.hooks.unshared.on !== null) k.hooks.unshared.on(t, flags);
}

/** Give up the task's table for `fs`; or (`drop`) give up `fs`. */
function swapFs(k: Core, t: Task, fs: FsStruct, drop: boolean): void {
  const own = t.fs;
  if (drop) t.fs = fs;
  k.vfs.exitFs(t);
  t.fs = drop ? own : fs;
}

function swapFiles(k: Core, t: Task, files: FilesStruct, drop: boolean): void {
  const own = t.files;
  if (drop) t.files = files;
  k.vfs.exitFiles(t);
  t.files = drop ? own : files;
}

/** Types in the order in which a pidfd's namespaces are joined: user first. */
function typesOf(k: Core, flags: number): Namespace["type"][] {
  return k.tasks.nsTypes.filter((type) => type.flag !== 0 && (flags & type.flag) !== 0);
}

/** setns(2): `fd` is a namespace file or a pidfd. */
export function setns(k: Core, t: Task, fd: number, flags: number): void {
  const { tasks } = k;
  const target = tasks.nsOfFd === null ? null : tasks.nsOfFd(t, fd);
  const wanted: Namespace[] = [];
  let asked: number;
  if (target !== null) {
    if (flags !== 0 && flags !== target.type.flag) fail(EINVAL);
    asked = target.type.flag;
    wanted.push(target);
  } else {
    if (tasks.pidfd === null) fail(EBADF);
    const f = tasks.pidfd.get(t, fd);
    if (f === null) fail(EINVAL);
    if (flags === 0 || (flags & ~(CLONE_NEW_FLAGS | CLONE_NEWUSER | tasks.nsFlags)) !== 0) fail(EINVAL);
    if ((flags & ~tasks.nsFlags) !== 0) fail(EINVAL);
    const of = f.pid.tgidOf ?? f.pid.task;
    if (of === null || of.nsproxy.ns.length === 0) fail(ESRCH);
    if (!ptraceMayAccess(k, t, of, PTRACE_MODE_READ_REALCREDS)) fail(EPERM);
    asked = flags;
    for (const type of typesOf(k, flags)) wanted.push(type === tasks.pidType ? activePidNs(of) : tasks.nsOf(of, type));
  }
  const set: NsSet = { task: t, flags: asked, ns: t.nsproxy.ns.slice(), cred: t.cred };
  for (const ns of wanted) {
    if (ns.type.install === undefined) fail(EINVAL);
    ns.type.install?.(set, ns);
  }
  const oldProxy = t.nsproxy;
  if (set.ns.some((n, i) => n !== oldProxy.ns[i])) {
    t.nsproxy = makeNsProxy(set.ns, []);
    putNsProxy(oldProxy);
  }
  if (set.cred !== t.cred) {
    const old = t.cred;
    set.cred.userNs.refs++;
    commitCreds(k, t, set.cred);
    putNs(old.userNs);
  }
  for (const ns of wanted) ns.type.committed?.(t, ns);
}

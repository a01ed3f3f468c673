/** nsIoctl: what a namespace file answers. ioctl_ns(2). */
import {
  CAP_SYS_ADMIN,
  type Core,
  type Ctx,
  EACCES,
  EINVAL,
  ENOENT,
  ENOTTY,
  EOPNOTSUPP,
  EPERM,
  ESRCH,
  fail,
  fromKuidMunged,
  MntNamespace,
  type Namespace,
  NS_GET_ID,
  NS_GET_MNTNS_ID,
  NS_GET_NSTYPE,
  NS_GET_OWNER_UID,
  NS_GET_PARENT,
  NS_GET_PID_FROM_PIDNS,
  NS_GET_PID_IN_PIDNS,
  NS_GET_TGID_FROM_PIDNS,
  NS_GET_TGID_IN_PIDNS,
  NS_GET_USERNS,
  NS_MNT_GET_INFO,
  NS_MNT_GET_NEXT,
  NS_MNT_GET_PREV,
  nsCapable,
  openNsFile,
  PIDFD_GET_CGROUP_NAMESPACE,
  PIDFD_GET_IPC_NAMESPACE,
  PIDFD_GET_MNT_NAMESPACE,
  PIDFD_GET_NET_NAMESPACE,
  PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE,
  PIDFD_GET_PID_NAMESPACE,
  PIDFD_GET_TIME_FOR_CHILDREN_NAMESPACE,
  PIDFD_GET_TIME_NAMESPACE,
  PIDFD_GET_USER_NAMESPACE,
  PIDFD_GET_UTS_NAMESPACE,
  type Pid,
  PidNamespace,
  PTRACE_MODE_READ_FSCREDS,
  ptraceMayAccess,
  type Task,
  UserNamespace,
} from "@kernelkit/core";
import type { NsFrame } from "../frame.js";

/** The caller's own user namespace or one below it? */
function inSubtree(c: Ctx, ns: UserNamespace): boolean {
  for (let n: UserNamespace | null = ns; n !== null; n = n.parent) if (n === c.task.cred.userNs) return true;
  return false;
}

function owner(c: Ctx, ns: Namespace): UserNamespace {
  const o = ns instanceof UserNamespace ? ns.parent : ns.userNs;
  return o !== null && inSubtree(c, o) ? o : fail(EPERM);
}

function parent(c: Ctx, ns: Namespace): Namespace {
  if (ns instanceof UserNamespace) return owner(c, ns);
  if (!(ns instanceof PidNamespace)) return fail(EINVAL);
  const active = c.task.pid.ns[c.task.pid.level];
  const p = ns.parent;
  return p !== null && p.chain[active.level] === active ? p : fail(EPERM);
}

function translate(c: Ctx, ns: Namespace, request: number, arg: unknown): number {
  if (!(ns instanceof PidNamespace)) return fail(EINVAL);
  const own = c.task.pid.ns[c.task.pid.level];
  const inward = request === NS_GET_PID_IN_PIDNS || request === NS_GET_TGID_IN_PIDNS;
  const pid = (inward ? own : ns).pids.get(Number(arg));
  const t = pid?.task ?? null;
  if (t === null) return fail(ESRCH);
  const of = request === NS_GET_TGID_FROM_PIDNS || request === NS_GET_TGID_IN_PIDNS ? t.tgid : t.pid;
  return of.nrNs(inward ? ns : own) || fail(ESRCH);
}

/** The next (or previous) mount namespace in order of ids that the caller has CAP_SYS_ADMIN over. ENOENT. */
function neighbour(f: NsFrame, c: Ctx, ns: MntNamespace, previous: boolean): MntNamespace {
  let best: MntNamespace | null = null;
  const id = f.idOf(ns);
  let bestId = previous ? 0 : Number.POSITIVE_INFINITY;
  for (const x of f.st.live.keys()) {
    if (!(x instanceof MntNamespace) || !nsCapable(c.k, c.task, x.userNs, CAP_SYS_ADMIN)) continue;
    const n = f.idOf(x);
    if (previous ? n < id && n > bestId : n > id && n < bestId) {
      best = x;
      bestId = n;
    }
  }
  return best ?? fail(ENOENT);
}

/** Types of namespace by the request of a pidfd that opens a process's. */
const PIDFD_NAMES: ReadonlyMap<number, readonly [type: string, procName: string]> = /* @__PURE__ */ new Map([
  [PIDFD_GET_CGROUP_NAMESPACE, ["cgroup", "cgroup"]],
  [PIDFD_GET_IPC_NAMESPACE, ["ipc", "ipc"]],
  [PIDFD_GET_MNT_NAMESPACE, ["mnt", "mnt"]],
  [PIDFD_GET_NET_NAMESPACE, ["net", "net"]],
  [PIDFD_GET_PID_NAMESPACE, ["pid", "pid"]],
  [PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE, ["pid", "pid_for_children"]],
  [PIDFD_GET_TIME_NAMESPACE, ["time", "time"]],
  [PIDFD_GET_TIME_FOR_CHILDREN_NAMESPACE, ["time", "time_for_children"]],
  [PIDFD_GET_USER_NAMESPACE, ["user", "user"]],
  [PIDFD_GET_UTS_NAMESPACE, ["uts", "uts"]],
]);

function namespaceOf(k: Core, t: Task, typeName: string, procName: string): Namespace {
  const type = k.tasks.nsTypes.find((x) => x.name === typeName);
  if (type === undefined || type.procNames.length === 0) return fail(EOPNOTSUPP);
  // who has ended has no namespaces any more
  if (t.nsproxy.ns.length === 0) return fail(ESRCH);
  if (type === k.tasks.userType) return t.cred.userNs;
  if (procName === "pid") return k.tasks.pidNsOf(t);
  return type.procNs?.(t, procName) ?? t.nsproxy.ns[type.index] ?? fail(ESRCH);
}

/** pidfd_open(2): a namespace of the process, without /proc. EINVAL argument; ESRCH; EACCES. */
function pidfdIoctl(c: Ctx, pid: Pid, request: number, arg: unknown): unknown {
  const names = PIDFD_NAMES.get(request >>> 0);
  if (names === undefined) return fail(ENOTTY);
  if (arg !== undefined && arg !== null && arg !== 0) return fail(EINVAL);
  const t = pid.task;
  if (t === null) return fail(ESRCH);
  if (!ptraceMayAccess(c.k, c.task, t, PTRACE_MODE_READ_FSCREDS)) return fail(EACCES);
  return openNsFile(c, namespaceOf(c.k, t, names[0], names[1]));
}

/** NS_MNT_GET_INFO and what NEXT and PREV tell besides the descriptor. */
function infoOf(f: NsFrame, ns: MntNamespace): { size: number; nr_mounts: number; mnt_ns_id: number } {
  return { size: 16, nr_mounts: ns.mounts.length, mnt_ns_id: f.idOf(ns) };
}

export function installNsIoctl(f: NsFrame): void {
  const k: Core = f.k;
  if (k.proc === undefined || !f.o.features.NS_IOCTL) return;
  if (f.o.features.PIDNS_IOCTL && k.tasks.pidfd !== null) k.tasks.pidfd.ioctl = pidfdIoctl;
  k.proc.nsIoctl = (c, ns, request, arg) => {
    switch (request >>> 0) {
      case NS_GET_USERNS:
        return openNsFile(c, owner(c, ns));
      case NS_GET_PARENT:
        return openNsFile(c, parent(c, ns));
      case NS_GET_NSTYPE:
        return ns.type.flag;
      case NS_GET_OWNER_UID:
        return ns instanceof UserNamespace ? fromKuidMunged(c.task.cred.userNs, ns.owner) : fail(EINVAL);
      case NS_GET_MNTNS_ID:
        return ns instanceof MntNamespace ? f.idOf(ns) : fail(EINVAL);
      case NS_MNT_GET_INFO:
        return ns instanceof MntNamespace ? infoOf(f, ns) : fail(EINVAL);
      case NS_MNT_GET_NEXT:
      case NS_MNT_GET_PREV: {
        if (!f.o.features.PIDNS_IOCTL) return fail(ENOTTY);
        if (!(ns instanceof MntNamespace)) return fail(EINVAL);
        const next = neighbour(f, c, ns, request >>> 0 === NS_MNT_GET_PREV);
        return { fd: openNsFile(c, next), ...infoOf(f, next) };
      }
      case NS_GET_ID:
        return f.o.features.NS_ID ? f.idOf(ns) : fail(ENOTTY);
      case NS_GET_PID_FROM_PIDNS:
      case NS_GET_TGID_FROM_PIDNS:
      case NS_GET_PID_IN_PIDNS:
      case NS_GET_TGID_IN_PIDNS:
        return f.o.features.PIDNS_IOCTL ? translate(c, ns, request >>> 0, arg) : fail(ENOTTY);
      default:
        return fail(ENOTTY);
    }
  };
}

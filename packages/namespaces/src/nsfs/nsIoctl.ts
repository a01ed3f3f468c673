/** nsIoctl: what a namespace file answers. ioctl_ns(2). */
import {
  type Core,
  type Ctx,
  EINVAL,
  ENOTTY,
  EPERM,
  ESRCH,
  fail,
  fromKuidMunged,
  MntNamespace,
  type Namespace,
  openNsFile,
  PidNamespace,
  UserNamespace,
} from "@kernelkit/core";
import type { NsFrame } from "../frame.js";

const NS_GET_USERNS = 0xb701;
const NS_GET_PARENT = 0xb702;
const NS_GET_NSTYPE = 0xb703;
const NS_GET_OWNER_UID = 0xb704;
const NS_GET_MNTNS_ID = 0x8008b705;
const NS_GET_PID_FROM_PIDNS = 0x8004b706;
const NS_GET_TGID_FROM_PIDNS = 0x8004b707;
const NS_GET_PID_IN_PIDNS = 0x8004b708;
const NS_GET_TGID_IN_PIDNS = 0x8004b709;
const NS_MNT_GET_INFO = 0x8010b70a;
const NS_GET_ID = 0x8008b70d;

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

export function installNsIoctl(f: NsFrame): void {
  const k: Core = f.k;
  if (k.proc === undefined || !f.o.features.NS_IOCTL) return;
  const idOf = (ns: Namespace): number => f.st.live.get(ns)?.id ?? 0;
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
        return ns instanceof MntNamespace ? idOf(ns) : fail(EINVAL);
      case NS_MNT_GET_INFO:
        return ns instanceof MntNamespace
          ? { size: 16, nr_mounts: ns.mounts.length, mnt_ns_id: idOf(ns) }
          : fail(EINVAL);
      case NS_GET_ID:
        return f.o.features.NS_ID ? idOf(ns) : fail(ENOTTY);
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

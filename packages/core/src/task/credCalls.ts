/** The calls of sys/credSys.ts. */
import { CAP_LAST_CAP, CAP_SETGID, CAP_SETPCAP } from "../abi/capability.js";
import { EINVAL, EPERM, ESRCH } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { int, intOr, list, struct } from "../sys/args.js";
import type { CredSys } from "../sys/credSys.js";
import type { Impl } from "../sys/types.js";
import { nsCapable } from "./capable.js";
import { commitCreds } from "./commitCreds.js";
import { CapSet } from "./cred.js";
import {
  argGid,
  argUid,
  setfsgid,
  setfsuid,
  setGroups,
  setgid,
  setregid,
  setresgid,
  setresuid,
  setreuid,
  setuid,
} from "./setIds.js";
import type { Task } from "./task.js";
import { fromKgidMunged, fromKuidMunged, INVALID_ID, makeKgid, makeKuid } from "./userNamespace.js";

const NGROUPS_MAX = 65536;

const seenUid = (t: Task, kuid: number): number => fromKuidMunged(t.cred.userNs, kuid);
const seenGid = (t: Task, kgid: number): number => fromKgidMunged(t.cred.userNs, kgid);

/** A list of CAP_ numbers; those Linux does not know are dropped. */
function caps(v: readonly number[] | undefined, name: string): CapSet {
  if (v === undefined) return new CapSet();
  let lo = 0;
  let hi = 0;
  for (const x of list(v, name)) {
    const cap = int(x, name);
    if (cap < 0 || cap > CAP_LAST_CAP) continue;
    if (cap < 32) lo |= 1 << cap;
    else hi |= 1 << (cap - 32);
  }
  return new CapSet(lo >>> 0, hi >>> 0);
}

export const credCalls: Impl<CredSys> = {
  getuid: (c) => seenUid(c.task, c.task.cred.uid),
  geteuid: (c) => seenUid(c.task, c.task.cred.euid),
  getgid: (c) => seenGid(c.task, c.task.cred.gid),
  getegid: (c) => seenGid(c.task, c.task.cred.egid),
  getresuid({ task: t }) {
    const { uid, euid, suid } = t.cred;
    return { ruid: seenUid(t, uid), euid: seenUid(t, euid), suid: seenUid(t, suid) };
  },
  getresgid({ task: t }) {
    const { gid, egid, sgid } = t.cred;
    return { rgid: seenGid(t, gid), egid: seenGid(t, egid), sgid: seenGid(t, sgid) };
  },
  setuid(c, uid) {
    setuid(c.k, c.task, argUid(c.task, int(uid, "uid")));
    return 0;
  },
  setgid(c, gid) {
    setgid(c.k, c.task, argGid(c.task, int(gid, "gid")));
    return 0;
  },
  setreuid(c, ruid, euid) {
    const t = c.task;
    setreuid(c.k, t, argUid(t, int(ruid, "ruid")), argUid(t, int(euid, "euid")));
    return 0;
  },
  setregid(c, rgid, egid) {
    const t = c.task;
    setregid(c.k, t, argGid(t, int(rgid, "rgid")), argGid(t, int(egid, "egid")));
    return 0;
  },
  setresuid(c, ruid, euid, suid) {
    const t = c.task;
    setresuid(c.k, t, argUid(t, int(ruid, "ruid")), argUid(t, int(euid, "euid")), argUid(t, int(suid, "suid")));
    return 0;
  },
  setresgid(c, rgid, egid, sgid) {
    const t = c.task;
    setresgid(c.k, t, argGid(t, int(rgid, "rgid")), argGid(t, int(egid, "egid")), argGid(t, int(sgid, "sgid")));
    return 0;
  },
  setfsuid(c, uid) {
    const t = c.task;
    const old = seenUid(t, t.cred.fsuid);
    const kuid = makeKuid(t.cred.userNs, int(uid, "uid") >>> 0);
    if (kuid !== INVALID_ID) setfsuid(c.k, t, kuid);
    return old;
  },
  setfsgid(c, gid) {
    const t = c.task;
    const old = seenGid(t, t.cred.fsgid);
    const kgid = makeKgid(t.cred.userNs, int(gid, "gid") >>> 0);
    if (kgid !== INVALID_ID) setfsgid(c.k, t, kgid);
    return old;
  },
  getgroups: (c) => c.task.cred.groups.map((g) => seenGid(c.task, g)),
  setgroups(c, groups) {
    const t = c.task;
    const ns = t.cred.userNs;
    const ids = list(groups, "groups").map((g) => int(g, "groups") >>> 0);
    if (!ns.setgroupsAllowed || (ns.gidMap !== null && ns.gidMap.count === 0)) return fail(EPERM);
    if (!nsCapable(c.k, t, ns, CAP_SETGID)) return fail(EPERM);
    if (ids.length > NGROUPS_MAX) return fail(EINVAL);
    const kgids = ids.map((g) => makeKgid(ns, g));
    if (kgids.includes(INVALID_ID)) return fail(EINVAL);
    setGroups(c.k, t, kgids);
    return 0;
  },
  capget(c, pid) {
    const nr = intOr(pid, 0, "pid");
    if (nr < 0) return fail(EINVAL);
    const t = c.k.tasks.findTask(c.task, nr);
    if (t === null) return fail(ESRCH);
    const { effective, permitted, inheritable } = t.cred;
    return { effective: effective.list(), permitted: permitted.list(), inheritable: inheritable.list() };
  },
  capset(c, data, pid) {
    const t = c.task;
    const nr = intOr(pid, 0, "pid");
    struct(data, "data");
    const effective = caps(data.effective, "data.effective");
    const permitted = caps(data.permitted, "data.permitted");
    const inheritable = caps(data.inheritable, "data.inheritable");
    if (nr !== 0 && nr !== t.pid.nrNs(t.pid.ns[t.pid.level])) return fail(EPERM);
    const old = t.cred;
    const wide = old.inheritable.or(old.permitted);
    if (!inheritable.subsetOf(wide) && !nsCapable(c.k, t, old.userNs, CAP_SETPCAP)) return fail(EPERM);
    if (!inheritable.subsetOf(old.inheritable.or(old.bounding))) return fail(EPERM);
    if (!permitted.subsetOf(old.permitted)) return fail(EPERM);
    if (!effective.subsetOf(permitted)) return fail(EPERM);
    const cred = old.clone();
    cred.effective = effective;
    cred.permitted = permitted;
    cred.inheritable = inheritable;
    cred.ambient = cred.ambient.and(permitted.and(inheritable));
    commitCreds(c.k, t, cred);
    return 0;
  },
};

/** Invariants of namespaces that hold after every operation: for property tests. Throws an Error that says which does not. */
import {
  CAP_SYS_ADMIN,
  fromKuid,
  INVALID_ID,
  MntNamespace,
  type Mount,
  makeKuid,
  type Namespace,
  nsCapable,
  type PidNamespace,
  TASK_DEAD,
  TASK_ZOMBIE,
  type Task,
  UserNamespace,
} from "@kernelkit/core";
import type { NsKernel } from "../stories/rig.js";
import { countsOf, UCOUNT_TYPES } from "../ucounts.js";

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

const alive = (t: Task): boolean => t.state !== TASK_ZOMBIE && t.state !== TASK_DEAD;

function chain(ns: UserNamespace): UserNamespace[] {
  const out: UserNamespace[] = [];
  for (let n: UserNamespace | null = ns; n !== null; n = n.parent) out.push(n);
  return out;
}

/** Maps are one to one, and ids go down and up again. */
function checkMaps(ns: UserNamespace): void {
  for (const map of [ns.uidMap, ns.gidMap, ns.projidMap]) {
    if (map === null) continue;
    for (let i = 0; i < map.count; i++)
      for (let j = 0; j < i; j++)
        for (const col of [map.first, map.lower])
          must(col[i] + map.length[i] <= col[j] || col[j] + map.length[j] <= col[i], `extents ${i} and ${j} overlap`);
  }
  const { uidMap } = ns;
  if (uidMap === null) return;
  for (let i = 0; i < uidMap.count; i++)
    for (const id of [uidMap.first[i], uidMap.first[i] + uidMap.length[i] - 1])
      must(fromKuid(ns, makeKuid(ns, id)) === id, `id ${id} does not come back`);
  must(makeKuid(ns, 4_000_000_000) === INVALID_ID, "an id that is not mapped is found");
}

/** Peers form rings of one group, masters a forest, slaves know their masters. */
function checkPropagation(kernel: NsKernel): void {
  const mounts = new Set<Mount>();
  for (const ns of kernel.namespaces.live("mnt")) for (const m of (ns as MntNamespace).mounts) mounts.add(m);
  const groups = new Map<number, Mount>();
  for (const m of mounts) {
    let n = 0;
    for (let p = m.nextPeer; p !== m; p = p.nextPeer) {
      must(p.group === m.group && m.group !== 0, "a peer of another group");
      must(++n < 10_000, "peers that are no ring");
    }
    if (m.group !== 0) {
      const first = groups.get(m.group);
      if (first === undefined) groups.set(m.group, m);
      else {
        let in_ = first === m;
        for (let p = first.nextPeer; p !== first; p = p.nextPeer) in_ ||= p === m;
        must(in_, `two rings of group ${m.group}`);
      }
    }
    if (m.master !== null) must(m.master.slaves.includes(m), "a master that does not know its slave");
    for (const s of m.slaves) must(s.master === m, "a slave of another master");
    let depth = 0;
    for (let x: Mount | null = m; x !== null; x = x.master) must(++depth < 1000, "masters in a circle");
    must(m.parent === m || m.parent.children.get(m.mountpoint) === m, "a mount its parent does not know");
    must(m.ns?.mounts.includes(m) === true, "a mount in no namespace's list");
  }
}

/** Each live namespace of a type but the initial one is charged once, at the initial level too. */
function checkCounts(kernel: NsKernel): void {
  const { byUid } = countsOf(kernel.tasks.initUserNs);
  UCOUNT_TYPES.forEach((type, i) => {
    let sum = 0;
    for (const u of byUid.values()) sum += u.counts[i];
    const live = kernel.namespaces.live(type).length - 1;
    must(live < 0 || sum === live, `${live} ${type} namespaces, ${sum} charged`);
  });
}

function checkTask(kernel: NsKernel, t: Task): void {
  const { pid } = t;
  must(pid.nr.length === pid.level + 1, "a pid without a number at some level");
  for (let i = 0; i <= pid.level; i++)
    must(pid.ns[i].pids.get(pid.nr[i]) === pid, `pid ${t.nr} is not found at level ${i}`);
  const children = kernel.tasks.nsOf(t, kernel.tasks.pidType) as PidNamespace;
  must(children.chain.includes(pid.ns[pid.level]), "pid_for_children is not below the active one");
  must(kernel.namespaces.live().includes(t.cred.userNs), "a task in a user namespace that is gone");
  for (const ns of t.nsproxy.ns)
    must(kernel.namespaces.live().includes(ns), `a task in a ${ns.type.name} namespace that is gone`);
}

/** What is outside cannot be seen, named or changed: by credentials, pids and ipc objects. */
function checkIsolation(kernel: NsKernel, t: Task, namespaces: readonly Namespace[]): void {
  for (const ns of namespaces) {
    const owner = ns instanceof UserNamespace ? ns : ns.userNs;
    if (!nsCapable(kernel.core, t, owner, CAP_SYS_ADMIN)) continue;
    must(chain(owner).includes(t.cred.userNs), `capable over a ${ns.type.name} namespace outside its user namespace`);
  }
  const own = kernel.tasks.pidNsOf(t) as PidNamespace;
  for (const pid of own.pids.values())
    must(pid.ns[own.level] === own && pid.level >= own.level, "a pid that is not of the namespace");
}

/** All of them. */
export function checkNamespaces(kernel: NsKernel): void {
  const live = kernel.namespaces.live();
  const inums = new Set(live.map((ns) => ns.ino));
  must(inums.size === live.length, "two namespaces with one number");
  for (const ns of live) {
    must(ns.refs > 0, `a ${ns.type.name} namespace that nobody has lives`);
    if (ns instanceof UserNamespace) {
      checkMaps(ns);
      must(ns.level === chain(ns).length - 1, "a level that is not the number of ancestors");
    }
    if (ns instanceof MntNamespace) must(ns.mounts.length > 0, "a mount namespace without mounts");
  }
  checkPropagation(kernel);
  checkCounts(kernel);
  for (const t of kernel.tasks.all()) {
    if (!alive(t) || t.kthread !== null) continue;
    checkTask(kernel, t);
    checkIsolation(kernel, t, live);
  }
}

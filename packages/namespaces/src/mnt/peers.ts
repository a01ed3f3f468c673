/** peers: who receives a mount's events: rings of peers, slaves of masters. Documentation/filesystems/sharedsubtree. */
import { EINVAL, fail, giveBack, isBelow, MNT_LOCKED, type Mount, takeLowest } from "@kernelkit/core";
import type { NsState } from "../frame.js";

export function makeShared(st: NsState, m: Mount): void {
  if (m.group === 0) m.group = takeLowest(st.freeGroups, () => st.nextGroup++);
  m.unbindable = false;
}

/** `m` becomes the peer after `of`. */
export function joinPeers(m: Mount, of: Mount): void {
  m.group = of.group;
  m.nextPeer = of.nextPeer;
  of.nextPeer = m;
}

/** `m` becomes the first slave of `master`, or nobody's. */
export function setMaster(m: Mount, master: Mount | null): void {
  if (m.master !== null) m.master.slaves.splice(m.master.slaves.indexOf(m), 1);
  m.master = master;
  if (master !== null) master.slaves.unshift(m);
}

/** `m` becomes a slave of the master of `of`, the next after it. */
export function joinSlaves(m: Mount, of: Mount): void {
  const master = of.master as Mount;
  m.master = master;
  master.slaves.splice(master.slaves.indexOf(of) + 1, 0, m);
}

/** `m` leaves its group and becomes a slave of a peer it leaves behind, or else of the group's master. */
export function makeSlave(st: NsState, m: Mount): void {
  let heir: Mount | null = m.master;
  if (m.group !== 0) {
    if (m.nextPeer === m) giveBack(st.freeGroups, m.group);
    else {
      let prev = m;
      for (let p = m.nextPeer; p !== m; p = p.nextPeer) prev = p;
      heir = m.nextPeer;
      prev.nextPeer = m.nextPeer;
      m.nextPeer = m;
    }
    m.group = 0;
  }
  for (const s of m.slaves) s.master = heir;
  if (heir !== null) heir.slaves.unshift(...m.slaves);
  m.slaves.length = 0;
  setMaster(m, heir);
}

/** The peers of `m`, itself first. */
export function peersOf(m: Mount): Mount[] {
  const out = [m];
  for (let p = m.nextPeer; p !== m; p = p.nextPeer) out.push(p);
  return out;
}

/** All mounts an event below `m` goes to besides `m`. */
export function targets(m: Mount): Mount[] {
  const seen = new Set<Mount>(m.group === 0 ? [m] : peersOf(m));
  for (const x of seen) for (const s of x.slaves) for (const p of s.group === 0 ? [s] : peersOf(s)) seen.add(p);
  seen.delete(m);
  return [...seen];
}

/**
 * move_mount(2), MOVE_MOUNT_SET_GROUP: `to` becomes a peer (and slave) as `from` is. EINVAL: `to` has a group or a master already, `from`
 * has none, or they show different superblocks, or `to` a part that `from` does not.
 */
export function setGroup(from: Mount, to: Mount): void {
  if (to.group !== 0 || to.master !== null) fail(EINVAL);
  if (from.group === 0 && from.master === null) fail(EINVAL);
  if (from.sb !== to.sb || !isBelow(to.root, from.root)) fail(EINVAL);
  for (const k of from.children.values())
    if ((k.flags & MNT_LOCKED) !== 0 && isBelow(k.mountpoint, to.root)) fail(EINVAL);
  if (from.master !== null) joinSlaves(to, from);
  if (from.group !== 0) {
    joinPeers(to, from);
    to.unbindable = false;
  }
}

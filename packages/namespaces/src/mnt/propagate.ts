/** propagate: the table that core's tree of mounts asks. mount_namespaces(7), Documentation/filesystems/sharedsubtree. */
import {
  copyTree,
  type Dentry,
  EINVAL,
  fail,
  linkMount,
  MNT_LOCKED,
  type Mount,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  mountsBelow,
  type Propagation,
  setNamespace,
  topMount,
  type UserNamespace,
  umountTree,
  unlinkMount,
} from "@kernelkit/core";
import type { NsFrame } from "../frame.js";
import { lockTree } from "./lockTree.js";
import { joinPeers, joinSlaves, makeShared, makeSlave, peersOf, setMaster, targets } from "./peers.js";
import { propagateUmount } from "./propagateUmount.js";

interface Copy {
  top: Mount;
  at: Mount;
  mountpoint: Dentry;
}
interface Prepared {
  copies: Copy[];
  /** Of the namespace in which the mount is made. */
  userNs: UserNamespace | null;
}

/** How a copy of a mount relates to it. */
export interface CopyMode {
  mode: "bind" | "slave" | "sharedToSlave";
  /** The end of a namespace is nobody else's event. */
  quiet: boolean;
}

function under(d: Dentry, root: Dentry): boolean {
  for (let at = d; ; at = at.parent) {
    if (at === root) return true;
    if (at.isRoot) return false;
  }
}

export function propagation(f: NsFrame, how: CopyMode): Propagation {
  const { st, k } = f;
  const { vfs } = k;

  const copyAs = (source: Mount, mode: CopyMode["mode"]): Mount => {
    const before = how.mode;
    how.mode = mode;
    try {
      return copyTree(vfs, source, source.root, false, false);
    } finally {
      how.mode = before;
    }
  };

  /** Copies for a group of receivers; `first` is what a member of it has already (or none), `master` what that is a slave of. */
  const spread = (
    group: readonly Mount[],
    source: Mount,
    asSlaves: boolean,
    mp: Dentry,
    skip: Mount,
    out: Copy[],
  ): void => {
    let last = asSlaves ? null : source;
    const has = new Map<Mount, Mount>();
    if (!asSlaves) has.set(skip, source);
    for (const m of group) {
      // what is just being attached is in no namespace yet, and receives nothing of itself
      if (m === skip || m.ns === null || !under(mp, m.root)) continue;
      const top: Mount = last === null ? copyAs(source, "slave") : copyAs(last, "bind");
      if (last === null && m.group !== 0) for (const x of mountsBelow(top)) makeShared(st, x);
      last = top;
      has.set(m, top);
      out.push({ top, at: m, mountpoint: mp });
    }
    const done = new Set<Mount>();
    for (const m of group) {
      const src = has.get(m) ?? (asSlaves && last === null ? source : last);
      if (src === null || m.ns === null) continue;
      for (const s of m.slaves) {
        if (done.has(s)) continue;
        const peers = s.group === 0 ? [s] : peersOf(s);
        for (const p of peers) done.add(p);
        spread(peers, src, true, mp, skip, out);
      }
    }
  };

  return {
    changeType(_c, mnt, type, recurse) {
      for (const m of recurse ? mountsBelow(mnt) : [mnt]) {
        if (type === MS_SHARED) {
          makeShared(st, m);
          continue;
        }
        makeSlave(st, m);
        if (type !== MS_SLAVE) setMaster(m, null);
        if (type === MS_UNBINDABLE) m.unbindable = true;
        else if (type === MS_PRIVATE || type === MS_SLAVE) m.unbindable = false;
      }
    },
    attaching(_c, tree, parent, mountpoint): Prepared {
      const copies: Copy[] = [];
      const userNs = parent.ns?.userNs ?? null;
      if (parent.group === 0) return { copies, userNs };
      for (const m of mountsBelow(tree)) makeShared(st, m);
      spread(peersOf(parent), tree, false, mountpoint, parent, copies);
      return { copies, userNs };
    },
    attached(prepared) {
      const { copies, userNs } = prepared as Prepared;
      for (const { top, at, mountpoint } of copies) {
        const over = at.children.get(mountpoint);
        if (over !== undefined) unlinkMount(vfs, over);
        linkMount(vfs, top, at, mountpoint);
        const tree = mountsBelow(top);
        setNamespace(vfs, tree, at.ns);
        if (at.ns?.userNs !== userNs) lockTree(tree);
        top.flags &= ~MNT_LOCKED;
        if (over === undefined) continue;
        const place = topMount(top, top.root);
        linkMount(vfs, over, place.mnt, place.dentry);
      }
    },
    cloned(old, copy) {
      // that it is unbindable is not copied: in a new namespace it is private
      if (how.mode === "slave" || (how.mode === "sharedToSlave" && old.group !== 0)) {
        setMaster(copy, old);
        return;
      }
      if (old.group !== 0) joinPeers(copy, old);
      if (old.master !== null) joinSlaves(copy, old);
    },
    umounting(mnts) {
      return how.quiet ? [] : propagateUmount(vfs, mnts);
    },
    umounted(m) {
      makeSlave(st, m);
      setMaster(m, null);
    },
    busy(m) {
      if (!m.hasParent || m.parent.group === 0) return false;
      return targets(m.parent).some((t) => {
        const child = t.children.get(m.mountpoint);
        // one on top of it only would go down in its place
        const covered = child?.children.has(child.root) === true ? 1 : 0;
        return child !== undefined && child.children.size === covered && child.refs > 0;
      });
    },
    checkMove(m, parent) {
      if (m.hasParent && m.parent.group !== 0) fail(EINVAL);
      if (parent.group !== 0 && mountsBelow(m).some((x) => x.unbindable)) fail(EINVAL);
    },
  };
}

/** The tree of a namespace that has ended. */
export function endTree(f: NsFrame, how: CopyMode, root: Mount): void {
  how.quiet = true;
  try {
    umountTree(f.k.vfs, root, true);
  } finally {
    how.quiet = false;
  }
}

/** mntPart: copies of the tree of mounts, and joining them. mount_namespaces(7), setns(2). */
import {
  CAP_SYS_ADMIN,
  CAP_SYS_CHROOT,
  copyTree,
  type Dentry,
  EINVAL,
  ENOSPC,
  EPERM,
  fail,
  MntNamespace,
  type Mount,
  mountsBelow,
  nsCapable,
  setNamespace,
  topMount,
  umountTree,
  type Vfs,
} from "@kernelkit/core";
import type { NsPart } from "../nsPart.js";
import { lockTree } from "./lockTree.js";
import { type MountFdSys, mountFdCalls } from "./mountFdCalls.js";
import { installMountRevealing } from "./mountRevealing.js";
import { type MountSetattrSys, mountSetattrCalls } from "./mountSetattr.js";
import { installOtherFs } from "./otherFs.js";
import { type PivotSys, pivotCalls } from "./pivotRoot.js";
import { type CopyMode, endTree, propagation } from "./propagate.js";

/** The mount namespace that a place of nsfs stands for. */
function mntNsOf(d: Dentry): MntNamespace | null {
  const ns = d.inode?.data;
  return ns instanceof MntNamespace && d.inode?.sb.type.name === "nsfs" ? ns : null;
}

/** A copy of a tree holds no mount namespaces: they could be older than the new one. */
function dropNsFiles(vfs: Vfs, root: Mount): void {
  for (const m of mountsBelow(root)) if (mntNsOf(m.root) !== null) umountTree(vfs, m, true);
}

/** The calls about mounts that core does not have. */
export interface MntSys extends PivotSys, MountFdSys, MountSetattrSys {}

export const mntPart: NsPart<object, MntSys> = {
  name: "mnt",
  install(f) {
    const { k } = f;
    const { vfs } = k;
    if (vfs === undefined) return {};
    const how: CopyMode = { mode: "bind", quiet: false };
    vfs.propagation = propagation(f, how);
    installMountRevealing(k);
    installOtherFs(k);
    vfs.bindable = (d) => d.inode?.sb.type.name === "nsfs";
    vfs.mayBind = (c, d) => {
      const ns = mntNsOf(d);
      return ns === null || ns.seq > vfs.mntNsOf(c.task).seq;
    };
    const type = k.tasks.nsType("mnt");
    f.define<MntNamespace>(type, {
      ucount: "mnt",
      make(old, of, ino) {
        if (old.mounts.length > vfs.sysctl.mountMax) return fail(ENOSPC);
        const foreign = of.userNs !== old.userNs;
        const ns = new MntNamespace(type, ino, ++vfs.lastNsSeq, of.userNs);
        const map = new Map<Mount, Mount>();
        how.mode = foreign ? "sharedToSlave" : "bind";
        try {
          ns.root = copyTree(vfs, old.root, old.root.root, true, true, map);
        } finally {
          how.mode = "bind";
        }
        dropNsFiles(vfs, ns.root);
        const tree = mountsBelow(ns.root);
        if (foreign) lockTree(tree);
        setNamespace(vfs, tree, ns);
        const { fs } = of;
        if (fs !== null) {
          const root = map.get(fs.rootMnt);
          if (root !== undefined) vfs.setRoot(fs, root, fs.rootDentry);
          const pwd = map.get(fs.pwdMnt);
          if (pwd !== undefined) vfs.setPwd(fs, pwd, fs.pwdDentry);
        }
        return ns;
      },
      ended: (ns) => endTree(f, how, ns.root),
    });
    type.install = (set, ns) => {
      const t = set.task;
      const own = set.cred.userNs;
      if (
        !nsCapable(k, t, ns.userNs, CAP_SYS_ADMIN) ||
        !nsCapable(k, t, own, CAP_SYS_CHROOT) ||
        !nsCapable(k, t, own, CAP_SYS_ADMIN)
      )
        fail(EPERM);
      if (t.fs !== null && t.fs.refs > 1) fail(EINVAL);
      set.ns[type.index] = ns;
    };
    type.committed = (t, ns) => {
      if (t.fs === null) return;
      const { root } = ns as MntNamespace;
      const { mnt, dentry } = topMount(root, root.root);
      vfs.setRoot(t.fs, mnt, dentry);
      vfs.setPwd(t.fs, mnt, dentry);
    };
    return { sys: { ...pivotCalls, ...mountFdCalls, ...mountSetattrCalls } };
  },
};

/**
 * The tree of mounts: attaching, detaching, copying, finding. mount(2), umount(2), mount_namespaces(7).
 */
import { EBUSY, ENOSPC } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Ctx } from "../kernel/ctx.js";
import { giveBack, takeLowest } from "../lib/lowestFree.js";
import { D_MOUNTED, type Dentry } from "./dentry.js";
import { major } from "./dev.js";
import { MNT_DETACHED, type MntNamespace, Mount } from "./mount.js";
import { isBelow } from "./rename.js";
import type { SuperBlock } from "./superBlock.js";
import type { Vfs } from "./vfs.js";

/** A mount of (part of) a superblock, attached nowhere. */
export function newMount(vfs: Vfs, sb: SuperBlock, root: Dentry, devname: string): Mount {
  const id = takeLowest(vfs.freeMountIds, () => vfs.nextMountId++);
  const m = new Mount(id, ++vfs.lastUniqueMountId, sb, root, devname);
  vfs.mountSlots.fill(m, m.slots);
  root.refs++;
  sb.mounts.add(m);
  return m;
}

/** The mount is gone for good: nobody uses it and it is attached nowhere. */
function freeMount(vfs: Vfs, m: Mount): void {
  const { sb } = m;
  vfs.propagation.umounted(m);
  if (!sb.mounts.delete(m)) return;
  giveBack(vfs.freeMountIds, m.id);
  vfs.dentryPut(m.root);
  if (sb.mounts.size === 0) killSuper(vfs, sb);
}

/** The last reference of a detached mount went. */
export function mountReleased(vfs: Vfs, m: Mount): void {
  if ((m.flags & MNT_DETACHED) !== 0 && m.refs === 0) freeMount(vfs, m);
}

/** The last mount of a superblock is gone. Disks keep what is on them. */
function killSuper(vfs: Vfs, sb: SuperBlock): void {
  const { kill } = sb.ops;
  if (kill !== undefined) kill(sb);
  if (sb.persistent) return;
  vfs.superBlocks.delete(sb);
  if (major(sb.dev) === 0) giveBack(vfs.freeAnonDevs, sb.dev);
  vfs.forgetTree(sb.root);
}

/** `m` and everything attached below it, parents first, children in order of attaching. */
export function mountsBelow(m: Mount): Mount[] {
  const out: Mount[] = [m];
  for (let i = 0; i < out.length; i++) for (const k of out[i].children.values()) out.push(k);
  return out;
}

/** The mount on top of everything that is mounted at (mnt, dentry). */
export function topMount(mnt: Mount, dentry: Dentry): { mnt: Mount; dentry: Dentry } {
  while ((dentry.flags & D_MOUNTED) !== 0) {
    const k = mnt.children.get(dentry);
    if (k === undefined) break;
    mnt = k;
    dentry = k.root;
  }
  return { mnt, dentry };
}

/** Hang `m` on (parent, mountpoint). */
export function linkMount(vfs: Vfs, m: Mount, parent: Mount, mountpoint: Dentry): void {
  m.parent = parent;
  m.mountpoint = mountpoint;
  parent.children.set(mountpoint, m);
  mountpoint.refs++;
  mountpoint.flags |= D_MOUNTED;
  const on = vfs.mountpoints.get(mountpoint);
  if (on === undefined) vfs.mountpoints.set(mountpoint, [m]);
  else on.push(m);
}

/** Take `m` off its parent; what is below it stays with it. */
export function unlinkMount(vfs: Vfs, m: Mount): void {
  const { parent, mountpoint } = m;
  parent.children.delete(mountpoint);
  m.parent = m;
  m.mountpoint = m.root;
  const on = vfs.mountpoints.get(mountpoint) as Mount[];
  on.splice(on.indexOf(m), 1);
  if (on.length === 0) {
    vfs.mountpoints.delete(mountpoint);
    mountpoint.flags &= ~D_MOUNTED;
  }
  vfs.dentryPut(mountpoint);
}

/** The mounts of a tree are (no longer) in a namespace. */
export function setNamespace(vfs: Vfs, tree: readonly Mount[], ns: MntNamespace | null): void {
  for (const m of tree) {
    if (m.ns !== null) {
      const { mounts } = m.ns;
      mounts.splice(mounts.indexOf(m), 1);
      touchNs(vfs, m.ns);
    }
    m.ns = ns;
    if (ns === null) continue;
    const { mounts } = ns;
    let i = mounts.length;
    while (i > 0 && mounts[i - 1].uniqueId > m.uniqueId) i--;
    mounts.splice(i, 0, m);
  }
  if (ns !== null) touchNs(vfs, ns);
}

/** The namespace changed: /proc/PID/mounts polls. */
export function touchNs(vfs: Vfs, ns: MntNamespace): void {
  ns.event++;
  if (ns.poll.head !== null) vfs.k.sched.wakeUp(ns.poll, 0x7fffffff);
}

/**
 * Attach the tree at `tree` to (parent, mountpoint), with copies where the parent's events go. ENOSPC: too many mounts.
 * `moving`: it was attached elsewhere and has been taken off there.
 */
export function attachTree(
  c: Ctx | null,
  vfs: Vfs,
  tree: Mount,
  parent: Mount,
  mountpoint: Dentry,
  moving: boolean,
): void {
  const ns = parent.ns;
  const mounts = mountsBelow(tree);
  if (!moving && ns !== null && ns.mounts.length + mounts.length > vfs.sysctl.mountMax) fail(ENOSPC);
  const prepared = vfs.propagation.attaching(c, tree, parent, mountpoint, moving);
  linkMount(vfs, tree, parent, mountpoint);
  if (!moving) setNamespace(vfs, mounts, ns);
  else if (ns !== null) touchNs(vfs, ns);
  vfs.propagation.attached(prepared);
}

/** Take a tree out of its namespace: all of it (lazy), or the one mount that nothing holds. */
export function umountTree(vfs: Vfs, m: Mount, lazy: boolean): void {
  const all = lazy ? mountsBelow(m) : [m];
  const more = vfs.propagation.umounting(all);
  for (const x of [...all, ...more]) detachOne(vfs, x);
}

function detachOne(vfs: Vfs, m: Mount): void {
  setNamespace(vfs, [m], null);
  if (m.hasParent) unlinkMount(vfs, m);
  m.flags |= MNT_DETACHED;
  mountReleased(vfs, m);
}

/** A dentry goes: nothing can be mounted on it any more, in any namespace. */
export function detachMounts(vfs: Vfs, d: Dentry): void {
  for (const m of [...(vfs.mountpoints.get(d) ?? [])]) umountTree(vfs, m, true);
}

/** A mount of the same tree (from `root` down) with the same flags. */
export function cloneMount(vfs: Vfs, old: Mount, root: Dentry, isNewNs: boolean): Mount {
  const m = newMount(vfs, old.sb, root, old.devname);
  m.flags = old.flags & ~MNT_DETACHED;
  m.idmap = old.idmap;
  vfs.propagation.cloned(old, m, isNewNs);
  return m;
}

/**
 * Copies of `m` (from `root` down) and of what is mounted below it there. Unbindable mounts are left out unless `unbindable`.
 * `map` gets copy by original.
 */
export function copyTree(
  vfs: Vfs,
  m: Mount,
  root: Dentry,
  isNewNs: boolean,
  unbindable: boolean,
  map: Map<Mount, Mount> | null = null,
): Mount {
  const top = cloneMount(vfs, m, root, isNewNs);
  map?.set(m, top);
  for (const k of m.children.values()) {
    if (!isBelow(k.mountpoint, root) || (!unbindable && k.unbindable)) continue;
    linkMount(vfs, copyTree(vfs, k, k.root, isNewNs, unbindable, map), top, k.mountpoint);
  }
  return top;
}

/** Would umount(2) without MNT_DETACH find it in use? EBUSY. */
export function checkBusy(vfs: Vfs, m: Mount): void {
  if (m.refs > 0 || m.children.size > 0 || vfs.propagation.busy(m)) fail(EBUSY);
}

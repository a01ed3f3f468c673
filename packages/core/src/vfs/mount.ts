/**
 * Mounts: where the trees of superblocks are attached to each other, per mount namespace. mount_namespaces(7),
 * Documentation/filesystems/sharedsubtree.
 *
 * Core attaches, moves and detaches mounts; how that propagates to peers and slaves is in `Propagation`, which the namespaces
 * package fills in (vfs/propagation.ts has the default: everything is private).
 */

import { WaitQueue } from "../sched/waitQueue.js";
import type { Namespace, NsType } from "../task/namespace.js";
import type { UserNamespace } from "../task/userNamespace.js";
import type { Dentry } from "./dentry.js";
import type { SuperBlock } from "./superBlock.js";

/** Mount.flags */
export const MNT_NOSUID = 0x1;
export const MNT_NODEV = 0x2;
export const MNT_NOEXEC = 0x4;
export const MNT_NOATIME = 0x8;
export const MNT_NODIRATIME = 0x10;
export const MNT_RELATIME = 0x20;
export const MNT_READONLY = 0x40;
export const MNT_NOSYMFOLLOW = 0x80;
/** Cannot be unmounted or uncovered by itself in its namespace. */
export const MNT_LOCKED = 0x800000;
export const MNT_LOCK_READONLY = 0x400000;
export const MNT_LOCK_NOEXEC = 0x200000;
export const MNT_LOCK_NOSUID = 0x100000;
export const MNT_LOCK_NODEV = 0x80000;
export const MNT_LOCK_ATIME = 0x40000;
/** umount2(MNT_EXPIRE) has marked it; any use takes the mark away. */
export const MNT_EXPIRY_MARK = 0x1000;
/** Taken out of its namespace: it goes when its last user does. */
export const MNT_DETACHED = 0x2000;
/** Of the kernel itself: in no namespace (pipefs). */
export const MNT_INTERNAL = 0x4000;
export const MNT_ATIME_MASK: number = MNT_NOATIME | MNT_NODIRATIME | MNT_RELATIME;
/** The flags mount(2) can change. */
export const MNT_USER_SETTABLE: number =
  MNT_NOSUID | MNT_NODEV | MNT_NOEXEC | MNT_ATIME_MASK | MNT_READONLY | MNT_NOSYMFOLLOW;

/** A place in the tree: a dentry as seen in a mount. */
export interface Path {
  mnt: Mount;
  dentry: Dentry;
}

export class Mount {
  /** Itself while it is detached or the root of a namespace. */
  parent: Mount;
  /** Where it is attached in the parent. */
  mountpoint: Dentry;
  /** MNT_ flags. */
  flags = 0;
  /** Mounts attached to it, by mountpoint, in order of attaching. */
  readonly children: Map<Dentry, Mount> = new Map();
  /** Namespace it is in; null: detached or internal. */
  ns: MntNamespace | null = null;
  /** Open files, working and root directories in it, and calls that use it. */
  refs = 0;
  /** Descriptions open for writing. */
  writers = 0;
  /** Ids shown through this mount are mapped by this namespace's maps; null: not mapped. */
  idmap: UserNamespace | null = null;

  // propagation (mount_namespaces(7)); kept by the namespaces package
  /** Peer group, 0: not shared. */
  group = 0;
  /** The mount whose events it receives as a slave. */
  master: Mount | null = null;
  /** Its slaves, in order. */
  readonly slaves: Mount[] = [];
  /** Next member of its peer group (a ring). */
  nextPeer: Mount;
  unbindable = false;
  /** Package fields, by slot of `k.vfs.mountSlots`. */
  readonly slots: unknown[] = [];

  constructor(
    /** mnt_id: the lowest free number. */
    readonly id: number,
    /** Never reused, ascending: order in /proc/PID/mountinfo. */
    readonly uniqueId: number,
    readonly sb: SuperBlock,
    /** What of the superblock is shown. */
    public root: Dentry,
    /** Source, as given to mount(2). */
    public devname: string,
  ) {
    this.parent = this;
    this.mountpoint = root;
    this.nextPeer = this;
  }

  get hasParent(): boolean {
    return this.parent !== this;
  }
}

/** A mount namespace. Core makes the initial one; packages make others (`k.vfs.copyTree`). */
export class MntNamespace implements Namespace {
  refs = 1;
  root!: Mount;
  /** All mounts of it, by uniqueId. */
  readonly mounts: Mount[] = [];
  /** Moves with every change; poll on /proc/PID/mounts compares it. */
  event = 0;
  readonly poll: WaitQueue = new WaitQueue("mounts");

  constructor(
    readonly type: NsType,
    readonly ino: number,
    /** Ascending in order of creation. */
    readonly seq: number,
    public userNs: UserNamespace,
  ) {}
}

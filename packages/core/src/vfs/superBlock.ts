/**
 * Superblocks - mounted instances of a file system - and file system types. Documentation/filesystems/vfs, filesystems(5).
 *
 * A type is a static registered with `k.vfs.registerFilesystem(type)`; mount(2) finds it by name and calls its `mount`.
 */
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import type { Statfs } from "../sys/mountSys.js";
import type { Task } from "../task/task.js";
import type { UserNamespace } from "../task/userNamespace.js";
import type { Dentry } from "./dentry.js";
import type { Inode } from "./inode.js";
import type { Mount } from "./mount.js";
import type { XattrHandler } from "./xattr.js";

/** FileSystemType.flags: needs a block device (no `nodev` in /proc/filesystems). */
export const FS_REQUIRES_DEV = 1;
/** May be mounted by the root of a user namespace. */
export const FS_USERNS_MOUNT = 8;
/** Never mounted by mount(2): pipefs and its like. */
export const FS_INTERNAL = 0x100;

/** SuperBlock.flags beyond MS_RDONLY, MS_SYNCHRONOUS, MS_MANDLOCK, MS_DIRSYNC, MS_LAZYTIME, MS_I_VERSION. */
/** Dentries are the directory: what is not cached does not exist. */
export const SB_PINNED: number = 2 ** 8;
/** Caches "no such name" where somebody manages the dentry cache. */
export const SB_NEGATIVE: number = 2 ** 9;
export const SB_NOSUID: number = 2 ** 10;
export const SB_NODEV: number = 2 ** 11;
export const SB_NOEXEC: number = 2 ** 12;
/** What it shows may be hidden from a user namespace by other mounts: a new mount there must not reveal more (proc, sysfs). */
export const SB_USERNS_VISIBLE: number = 2 ** 13;

/** Optional behaviour of a superblock; all have defaults. */
export interface SuperOps {
  /** Fill in what statfs(2) shows. */
  statfs?(sb: SuperBlock, st: Statfs): void;
  /** Options behind "rw" in /proc/mounts, each with a comma before it. */
  showOptions?(sb: SuperBlock): string;
  /** mount(2) with MS_REMOUNT: new options. The VFS sets read-only and the like itself, afterwards. */
  remount?(c: Ctx, sb: SuperBlock, data: string): void;
  /** Inode without name and user: give back what it holds (pages are truncated before). */
  evict?(inode: Inode): void;
  /** Attributes or data of an inode changed: I_DIRTY_ bits. */
  dirtyInode?(inode: Inode, flags: number): void;
  /** The last mount has gone. */
  kill?(sb: SuperBlock): void;
  /** Link text of a file without place in the tree ("pipe:[7]"). */
  dname?(dentry: Dentry): string;
  /** The root of a mount as /proc/PID/mountinfo shows it to a reader. Left out: its path in the superblock. */
  showPath?(root: Dentry, reader: Task): string;
}

/** A kind of file system: a static. */
export interface FileSystemType {
  readonly name: string;
  readonly flags: number;
  /**
   * A new or existing superblock for mount(2): `fail(EINVAL)` for a bad option. `flags` are the MS_ flags for the superblock
   * (MS_RDONLY ...). Its `root` must be set. Use `new SuperBlock(k, type, ...)`.
   */
  mount(c: { readonly k: Core; readonly task?: Ctx["task"] }, flags: number, source: string, data: string): SuperBlock;
  /** With FS_USERNS_MOUNT: over which user namespace mount(2) asks for CAP_SYS_ADMIN. Left out: the caller's. */
  userNs?(k: Core, t: Task): UserNamespace;
  /** Where in the superblock mount(2) begins, for the caller. Left out: its root. */
  rootOf?(c: Ctx, sb: SuperBlock): Dentry;
}

export class SuperBlock {
  readonly k: Core;
  readonly type: FileSystemType;
  ops: SuperOps;
  /** Device number (major * 2^20 + minor); memory file systems get the next of major 0. */
  readonly dev: number;
  readonly magic: number;
  root!: Dentry;
  /** MS_ and SB_ flags. */
  flags = 0;
  userNs: UserNamespace;
  /** 16 bytes as lower-case hex with dashes; "" if it has none. */
  uuid = "";
  /** Name of the device, as in s_id of messages. */
  id = "";
  blocksize = 4096;
  /** Largest file offset: 2^63-1, which as a double is 2^63. */
  maxBytes: number = 2 ** 63;
  /** Attribute handlers, in order; null: no attributes (EOPNOTSUPP). A static. */
  xattr: readonly XattrHandler[] | null = null;
  /** Number of the last inode made by `newIno`. */
  lastIno = 0;
  /** FS_IOC_GETFLAGS and FS_IOC_SETFLAGS work on its files. */
  fileattr = false;
  /** Lives on without mounts: a disk. */
  persistent = false;
  /** No mount is left: inodes go whatever their link count. */
  dying = false;
  /** Mounts of it, everywhere. */
  readonly mounts: Set<Mount> = new Set();
  /** errseq of the superblock (writeback). */
  wbErr = 0;
  /** 0 not frozen. */
  frozen = 0;
  /** Its backing device (writeback; plain state). */
  bdi: unknown = null;
  /** The file system's own (plain state). */
  data: unknown = null;
  /** Package fields, by slot of `k.vfs.sbSlots`. */
  readonly slots: unknown[] = [];

  constructor(
    k: Core,
    type: FileSystemType,
    magic: number,
    ops: SuperOps,
    o: { dev?: number; flags?: number; userNs?: UserNamespace } = {},
  ) {
    this.k = k;
    this.type = type;
    this.magic = magic;
    this.ops = ops;
    this.dev = o.dev ?? k.vfs.anonDev();
    this.flags = o.flags ?? 0;
    this.userNs = o.userNs ?? k.tasks.initUserNs;
    k.vfs.sbSlots.fill(this, this.slots);
    k.vfs.superBlocks.add(this);
  }

  /** The next inode number. */
  newIno(): number {
    return ++this.lastIno;
  }
}

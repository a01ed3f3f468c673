/**
 * Inodes: files themselves, apart from their names, and the table of what can be done to one by path (`InodeOps`).
 *
 * A file system makes inodes with `new Inode(sb, ino, mode, ops, fops)`, sets what differs from the defaults, and hands them
 * to the VFS from `lookup`, `create` and the like; the VFS makes the dentries. What a file system keeps per inode is in `data`
 * (plain state). inode(7), Documentation/filesystems/vfs.
 *
 * Life: `refs` counts the dentries that show it. When the last goes (unlinked and no longer open, mapped or worked in) the VFS
 * calls `SuperOps.evict`: at once if `nlink` is 0, else when the file system does not keep it (`SB_PINNED`).
 */
import { S_IFMT } from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import type { AddressSpace } from "../mm/addressSpace.js";
import type { Stat } from "../sys/fileSys.js";
import type { Wait } from "../sys/types.js";
import type { Dentry } from "./dentry.js";
import type { FileOps } from "./file.js";
import type { Nameidata } from "./namei.js";
import type { SuperBlock } from "./superBlock.js";

/** inode.flags: behaviour; the first four are also shown by FS_IOC_GETFLAGS. */
export const S_SYNC = 0x1;
export const S_NOATIME = 0x2;
export const S_APPEND = 0x4;
export const S_IMMUTABLE = 0x8;
/** Removed directory: nothing can be made in it. */
export const S_DEAD = 0x10;
export const S_NOCMTIME = 0x80;
export const S_SWAPFILE = 0x100;
export const S_PRIVATE = 0x200;
/** Made by O_TMPFILE without O_EXCL: linkat may give it a name although nlink is 0. */
export const S_LINKABLE = 0x400;
/** Somebody has looked at ctime since it last moved (multigrain times). */
export const S_CTIME_QUERIED = 0x2000;

/** Iattr.valid: which fields are to change. The times are in the inode's form; ATTR_CTIME etc. without _SET mean now. */
export const ATTR_MODE = 0x1;
export const ATTR_UID = 0x2;
export const ATTR_GID = 0x4;
export const ATTR_SIZE = 0x8;
export const ATTR_ATIME = 0x10;
export const ATTR_MTIME = 0x20;
export const ATTR_CTIME = 0x40;
export const ATTR_ATIME_SET = 0x80;
export const ATTR_MTIME_SET = 0x100;
/** No permission is asked for (set-id bits taken off by a write). */
export const ATTR_FORCE = 0x200;
export const ATTR_KILL_SUID = 0x800;
export const ATTR_KILL_SGID = 0x1000;
/** Take security.capability off. */
export const ATTR_KILL_PRIV = 0x4000;
/** Truncation by open(2). */
export const ATTR_OPEN = 0x8000;
export const ATTR_TIMES_SET = 0x10000;
/** utimensat(2) with null: both times are now. */
export const ATTR_TOUCH = 0x20000;

/** A change of attributes: `valid` says which fields count. `struct iattr`. */
export interface Iattr {
  valid: number;
  /** Type and permission bits. */
  mode: number;
  /** Kernel ids. */
  uid: number;
  gid: number;
  /** Bytes, in the two parts of inode.size and inode.sizeLow. */
  size: number;
  sizeLow: number;
  atime: number;
  atimeNsec: number;
  mtime: number;
  mtimeNsec: number;
}

export function iattr(valid: number): Iattr {
  return { valid, mode: 0, uid: 0, gid: 0, size: 0, sizeLow: 0, atime: 0, atimeNsec: 0, mtime: 0, mtimeNsec: 0 };
}

/** The operations a file system may give; what is left out fails as in Linux. Each may `fail(errno)`. */
export interface InodeOpsInit {
  /**
   * The inode called `name` in `dir`, null if there is none. Called when the dentry cache does not know the name; not called
   * for file systems with SB_PINNED (their dentries are the directory). Left out: ENOENT.
   */
  lookup?(c: Ctx, dir: Inode, name: string, parent: Dentry): Inode | null;
  /** Is a cached dentry still right? False: it is dropped and looked up again. */
  revalidate?(c: Ctx, dentry: Dentry): boolean;
  /** A regular file; `mode` has S_IFREG and the umask taken off. Left out: EACCES. */
  create?(c: Ctx, dir: Inode, name: string, mode: number): Inode;
  /** Left out: EPERM, as with the following. */
  mkdir?(c: Ctx, dir: Inode, name: string, mode: number): Inode;
  mknod?(c: Ctx, dir: Inode, name: string, mode: number, rdev: number): Inode;
  symlink?(c: Ctx, dir: Inode, name: string, target: string): Inode;
  /** Another name; the file system counts `inode.nlink` and touches times. */
  link?(c: Ctx, inode: Inode, dir: Inode, name: string): void;
  unlink?(c: Ctx, dir: Inode, dentry: Dentry): void;
  rmdir?(c: Ctx, dir: Inode, dentry: Dentry): void;
  /** `target` is the dentry that is replaced or (RENAME_EXCHANGE) exchanged, null if there is none. Permission has been checked. */
  rename?(
    c: Ctx,
    dir: Inode,
    dentry: Dentry,
    newDir: Inode,
    newName: string,
    target: Dentry | null,
    flags: number,
  ): void;
  /** O_TMPFILE: a regular file with nlink 0. Left out: EOPNOTSUPP. */
  tmpfile?(c: Ctx, dir: Inode, mode: number): Inode;
  /** Text of a symbolic link, to be followed and read. A magic link may call `nd.jump(mnt, dentry)` and return null. */
  getLink?(c: Ctx, inode: Inode, nd: Nameidata | null, dentry: Dentry): string | null;
  /** readlink(2) of what is followed by a jump. Left out: what getLink gives. */
  readlink?(c: Ctx, inode: Inode, dentry: Dentry): string;
  /** Instead of mode bits and capabilities: fail(EACCES) or return. `mask` as of `inodePermission`. */
  permission?(c: Ctx, inode: Inode, mask: number): void;
  /** Change attributes that were checked (size too: then it may sleep). Left out: `simpleSetattr` (vfs/attr.ts). */
  setattr?(c: Ctx, inode: Inode, attr: Iattr): Wait | undefined;
  /** The next byte from `at` on that is data, or in a hole: SEEK_DATA and SEEK_HOLE. -1: none. Left out: what is cached is data. */
  seekHole?(c: Ctx, inode: Inode, at: number, data: boolean): number;
  /** Correct what stat(2) is to show. */
  getattr?(c: Ctx, inode: Inode, st: Stat): void;
}

/** A table of inode operations, all of one shape. A static: register it with `k.state.static(name, ops)`. */
export class InodeOps {
  readonly lookup: NonNullable<InodeOpsInit["lookup"]> | null;
  readonly revalidate: NonNullable<InodeOpsInit["revalidate"]> | null;
  readonly create: NonNullable<InodeOpsInit["create"]> | null;
  readonly mkdir: NonNullable<InodeOpsInit["mkdir"]> | null;
  readonly mknod: NonNullable<InodeOpsInit["mknod"]> | null;
  readonly symlink: NonNullable<InodeOpsInit["symlink"]> | null;
  readonly link: NonNullable<InodeOpsInit["link"]> | null;
  readonly unlink: NonNullable<InodeOpsInit["unlink"]> | null;
  readonly rmdir: NonNullable<InodeOpsInit["rmdir"]> | null;
  readonly rename: NonNullable<InodeOpsInit["rename"]> | null;
  readonly tmpfile: NonNullable<InodeOpsInit["tmpfile"]> | null;
  readonly getLink: NonNullable<InodeOpsInit["getLink"]> | null;
  readonly readlink: NonNullable<InodeOpsInit["readlink"]> | null;
  readonly permission: NonNullable<InodeOpsInit["permission"]> | null;
  readonly setattr: NonNullable<InodeOpsInit["setattr"]> | null;
  readonly getattr: NonNullable<InodeOpsInit["getattr"]> | null;
  readonly seekHole: NonNullable<InodeOpsInit["seekHole"]> | null;

  constructor(o: InodeOpsInit) {
    this.lookup = o.lookup ?? null;
    this.revalidate = o.revalidate ?? null;
    this.create = o.create ?? null;
    this.mkdir = o.mkdir ?? null;
    this.mknod = o.mknod ?? null;
    this.symlink = o.symlink ?? null;
    this.link = o.link ?? null;
    this.unlink = o.unlink ?? null;
    this.rmdir = o.rmdir ?? null;
    this.rename = o.rename ?? null;
    this.tmpfile = o.tmpfile ?? null;
    this.getLink = o.getLink ?? null;
    this.readlink = o.readlink ?? null;
    this.permission = o.permission ?? null;
    this.setattr = o.setattr ?? null;
    this.getattr = o.getattr ?? null;
    this.seekHole = o.seekHole ?? null;
  }
}

export class Inode {
  /** Kernel ids. */
  uid = 0;
  gid = 0;
  nlink = 1;
  /** Bytes; above 2^53 the exact value is size + sizeLow. */
  size = 0;
  sizeLow = 0;
  /** Units of 512 bytes, without what the page cache of a memory file system adds. */
  blocks = 0;
  rdev = 0;
  generation = 0;
  /** S_ flags. */
  flags = 0;
  /** Seconds since 1970 and ns within the second. */
  atime: number;
  atimeNsec: number;
  mtime: number;
  mtimeNsec: number;
  ctime: number;
  ctimeNsec: number;
  btime: number;
  btimeNsec: number;
  /** i_version counter, and whether somebody has asked for it since it last moved. */
  version = 1;
  versionQueried = false;
  /** Dentries that show it. */
  refs = 0;
  /** Descriptions open for reading only, and for writing (negative: that many deny writing, e.g. while it runs). */
  readcount = 0;
  writecount = 0;
  mapping: AddressSpace | null = null;
  xattrs: Map<string, Uint8Array> | null = null;
  /** The file system's own (plain state). */
  data: unknown = null;
  /** Package fields, by slot of `k.vfs.inodeSlots`; null: none are defined. */
  slots: unknown[] | null = null;

  constructor(
    readonly sb: SuperBlock,
    /** Fixed once somebody can see it. */
    public ino: number,
    /** File type and permissions. */
    public mode: number,
    public ops: InodeOps,
    public fops: FileOps,
  ) {
    const vfs = sb.k.vfs;
    vfs.touchClock();
    this.atime = this.mtime = this.ctime = this.btime = vfs.nowSec;
    this.atimeNsec = this.mtimeNsec = this.ctimeNsec = this.btimeNsec = vfs.nowNsec;
    if (vfs.inodeSlots.count > 0) {
      this.slots = [];
      vfs.inodeSlots.fill(this, this.slots);
    }
  }

  /** S_IF... bits. */
  get type(): number {
    return this.mode & S_IFMT;
  }
}

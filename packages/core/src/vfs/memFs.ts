/**
 * File systems whose directories are the dentry cache itself and whose data live in the page cache: what tmpfs, ramfs and the
 * disk profiles share. Names need no storage of their own: making one adds a dentry, and SB_PINNED says that what is not cached
 * does not exist. tmpfs(5), Documentation/filesystems/ramfs-rootfs-initramfs.
 *
 * A type differs in its `MemFs` (sb.data): limits, sizes of directories, page cache operations.
 */
import { ENOSPC, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { F_SEAL_EXEC, F_SEAL_GROW, F_SEAL_SHRINK } from "../abi/seals.js";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import { AddressSpace, type AddressSpaceOps } from "../mm/addressSpace.js";
import { truncatePages } from "../mm/filemap.js";
import type { Stat } from "../sys/fileSys.js";
import { simpleSetattr } from "./attr.js";
import type { Dentry } from "./dentry.js";
import { FileOps } from "./file.js";
import { genericIterate } from "./getdents.js";
import { ATTR_MODE, ATTR_SIZE, type Iattr, Inode, InodeOps } from "./inode.js";
import { changedData, touchCtime } from "./inodeTime.js";
import { dirLlseek } from "./llseek.js";
import { utf8Length } from "./pathArg.js";
import { initOwner } from "./perm.js";
import { fifoOps } from "./pipe.js";
import { regularFileOps } from "./regularFile.js";
import { chrdevOps, noOps } from "./specialFile.js";
import type { SuperBlock } from "./superBlock.js";

/** What a memory file system keeps per superblock. Infinity: no limit. */
export interface MemFs {
  /** Inodes; hard links count as one more each. */
  maxInodes: number;
  usedInodes: number;
  /** Pages. */
  maxBlocks: number;
  usedBlocks: number;
  /** Bytes a directory has by itself, and per entry. */
  dirSize: number;
  entrySize: number;
  /** Options of the root directory, for /proc/mounts. */
  mode: number;
  uid: number;
  gid: number;
  /** A static. */
  aOps: AddressSpaceOps;
  /** Inode operations of regular files. A static. */
  iops: InodeOps;
  /** File operations of regular files. A static. Left out: those of memory files. */
  fops?: FileOps;
  /** Memory policy of its files (option mpol=), made by the contract `mempolicy`. */
  mpol?: object | null;
  /** tmpfs: inode numbers of 64 bits were asked for (inode64, or the default), not of 32 (inode32). */
  inode64?: boolean;
  /** Fast symbolic links are shorter than this (bytes); longer ones take a block. */
  fastLink: number;
}

export function memFs(sb: SuperBlock): MemFs {
  return sb.data as MemFs;
}

/** One more inode, or one more name of one. ENOSPC. */
function reserveInode(sb: SuperBlock): void {
  const fs = memFs(sb);
  if (fs.usedInodes >= fs.maxInodes) fail(ENOSPC);
  fs.usedInodes++;
}

/** A new inode of the file system, with nobody's name. */
export function newInode(c: Ctx | null, sb: SuperBlock, dir: Inode | null, mode: number, rdev: number): Inode {
  reserveInode(sb);
  const fs = memFs(sb);
  const inode = new Inode(sb, sb.newIno(), mode, memInodeOps, noOps);
  if (c !== null && dir !== null) initOwner(c, inode, dir);
  inode.generation = sb.k.vfs.rng.uint32();
  switch (mode & S_IFMT) {
    case S_IFREG:
      inode.fops = fs.fops ?? regularFileOps;
      inode.ops = fs.iops;
      inode.mapping = new AddressSpace(inode, fs.aOps);
      break;
    case S_IFDIR:
      inode.ops = memDirOps;
      inode.fops = memDirFileOps;
      inode.nlink = 2;
      inode.size = fs.dirSize;
      break;
    case S_IFLNK:
      inode.ops = memLinkOps;
      break;
    case S_IFIFO:
      inode.fops = fifoOps;
      break;
    case S_IFCHR:
    case S_IFBLK:
      inode.fops = chrdevOps;
      inode.rdev = rdev;
      break;
    case S_IFSOCK:
      break;
  }
  return inode;
}

/** An entry was added to (n = 1) or taken from (n = -1) a directory. */
function dirChanged(dir: Inode, n: number): void {
  dir.size += n * memFs(dir.sb).entrySize;
  changedData(dir);
}

function mknod(c: Ctx, dir: Inode, _name: string, mode: number, rdev: number): Inode {
  const inode = newInode(c, dir.sb, dir, mode, rdev);
  dirChanged(dir, 1);
  return inode;
}

export const memDirOps: InodeOps = /* @__PURE__ */ new InodeOps({
  create: (c, dir, name, mode) => mknod(c, dir, name, mode, 0),
  mknod,
  mkdir(c, dir, name, mode) {
    const inode = mknod(c, dir, name, mode, 0);
    dir.nlink++;
    return inode;
  },
  symlink(c, dir, name, target) {
    const size = utf8Length(target);
    const fs = memFs(dir.sb);
    const block = size >= fs.fastLink ? 1 : 0;
    if (fs.usedBlocks + block > fs.maxBlocks) fail(ENOSPC);
    const inode = mknod(c, dir, name, S_IFLNK | 0o777, 0);
    inode.size = size;
    inode.data = target;
    inode.blocks = block * 8;
    fs.usedBlocks += block;
    return inode;
  },
  link(_c, inode, dir) {
    // a file made by O_TMPFILE has its first name counted already
    if (inode.nlink > 0) reserveInode(dir.sb);
    inode.nlink++;
    dirChanged(dir, 1);
    touchCtime(inode);
  },
  unlink(_c, dir, dentry) {
    const inode = dentry.inode as Inode;
    if (inode.nlink > 1) memFs(dir.sb).usedInodes--;
    inode.nlink--;
    dirChanged(dir, -1);
    touchCtime(inode);
  },
  rmdir(_c, dir, dentry) {
    const inode = dentry.inode as Inode;
    inode.nlink = 0;
    dir.nlink--;
    dirChanged(dir, -1);
    touchCtime(inode);
  },
  rename(_c, dir, dentry, newDir, _newName, target, flags) {
    const inode = dentry.inode as Inode;
    const isDir = (inode.mode & S_IFMT) === S_IFDIR;
    if ((flags & 2) !== 0) {
      const other = (target as Dentry).inode as Inode;
      const otherDir = (other.mode & S_IFMT) === S_IFDIR;
      if (dir !== newDir && isDir !== otherDir) {
        dir.nlink += isDir ? -1 : 1;
        newDir.nlink += isDir ? 1 : -1;
      }
      touchCtime(other);
    } else {
      if (target !== null) {
        const victim = target.inode as Inode;
        if (isDir) {
          victim.nlink = 0;
          newDir.nlink--;
        } else {
          if (victim.nlink > 1) memFs(dir.sb).usedInodes--;
          victim.nlink--;
        }
        touchCtime(victim);
        newDir.size -= memFs(dir.sb).entrySize;
      }
      if (isDir && dir !== newDir) {
        dir.nlink--;
        newDir.nlink++;
      }
      dir.size -= memFs(dir.sb).entrySize;
      newDir.size += memFs(dir.sb).entrySize;
    }
    changedData(dir);
    if (newDir !== dir) changedData(newDir);
    touchCtime(inode);
  },
  tmpfile(c, dir, mode) {
    const inode = newInode(c, dir.sb, dir, mode, 0);
    inode.nlink = 0;
    return inode;
  },
  setattr: memSetattr,
});

export const memInodeOps: InodeOps = /* @__PURE__ */ new InodeOps({ setattr: memSetattr, getattr: memGetattr });

/** The text is in inode.data. */
export const memLinkOps: InodeOps = /* @__PURE__ */ new InodeOps({
  setattr: memSetattr,
  getLink: (_c, inode) => inode.data as string,
});

function memSetattr(c: Ctx, inode: Inode, a: Iattr): undefined {
  const sized = (a.valid & ATTR_SIZE) !== 0;
  const seals = inode.data === null ? 0 : ((inode.data as { seals?: number }).seals ?? 0);
  if (seals !== 0) {
    if ((a.valid & ATTR_MODE) !== 0 && (seals & F_SEAL_EXEC) !== 0 && ((inode.mode ^ a.mode) & 0o111) !== 0)
      fail(EPERM);
    if (sized && a.size < inode.size && (seals & F_SEAL_SHRINK) !== 0) fail(EPERM);
    if (sized && a.size > inode.size && (seals & F_SEAL_GROW) !== 0) fail(EPERM);
  }
  const { mapping } = inode;
  // preallocated pages behind the end go by a truncation to the same size, too
  if (sized && a.size === inode.size && mapping !== null) truncatePages(c.k, mapping, a.size);
  simpleSetattr(c, inode, a);
}

/** Blocks are the pages that are there. */
function memGetattr(_c: Ctx, inode: Inode, st: Stat): void {
  if (inode.mapping !== null) st.blocks = inode.blocks + inode.mapping.nrpages * 8;
}

export const memDirFileOps: FileOps = /* @__PURE__ */ new FileOps({
  iterate: genericIterate,
  llseek: dirLlseek,
  fsync: () => undefined,
});

/** The inode is gone for good. */
export function memEvict(inode: Inode): void {
  const fs = memFs(inode.sb);
  fs.usedInodes--;
  if ((inode.mode & S_IFMT) === S_IFLNK) fs.usedBlocks -= inode.blocks / 8;
}

/** Page cache operations that count blocks against `maxBlocks`. */
export function countedAops(name: string, more: Partial<AddressSpaceOps>): AddressSpaceOps {
  return {
    name,
    ...more,
    reserve(m: AddressSpace) {
      const fs = memFs((m.host as Inode).sb);
      if (fs.usedBlocks >= fs.maxBlocks) return ENOSPC;
      fs.usedBlocks++;
      return 0;
    },
    unreserve(m: AddressSpace) {
      memFs((m.host as Inode).sb).usedBlocks--;
    },
  } as AddressSpaceOps;
}

/**
 * memfd_create(2): a file in memory without a name in any tree, which can be sealed. Its pages are those of an internal tmpfs
 * without limits. Seals are checked by write, truncate and mmap; F_ADD_SEALS is another's.
 */
import { EINVAL } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { O_LARGEFILE, O_RDWR } from "../abi/fcntl.js";
import { TMPFS_MAGIC } from "../abi/magic.js";
import { MFD_ALLOW_SEALING, MFD_CLOEXEC, MFD_EXEC, MFD_NOEXEC_SEAL } from "../abi/mman.js";
import { F_SEAL_EXEC, F_SEAL_SEAL } from "../abi/seals.js";
import { S_IFREG } from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import { internalMount } from "./anonInode.js";
import type { Dentry } from "./dentry.js";
import { FMODE_LSEEK, FMODE_OPENED, FMODE_PREAD, FMODE_PWRITE, FMODE_WRITER, type OpenFile } from "./file.js";
import { memEvict, memInodeOps, newInode } from "./memFs.js";
import { allocFile } from "./open.js";
import { pathArg, utf8Length } from "./pathArg.js";
import { regularFileOps } from "./regularFile.js";
import { type FileSystemType, FS_INTERNAL, SuperBlock, type SuperOps } from "./superBlock.js";
import { fillMemSuper, tmpfsAops } from "./tmpfs.js";

/** "memfd:" and the name fit into 255 bytes. */
const NAME_LIMIT = 249;

/** What a memory file's inode has in `data`. */
export interface MemfdData {
  /** F_SEAL_ bits. */
  seals: number;
}

export const shmSuperOps: SuperOps = { evict: memEvict, dname: (d: Dentry) => `/${d.name} (deleted)` };

export const shmFs: FileSystemType = {
  name: "shm_mnt",
  flags: FS_INTERNAL,
  mount(c) {
    const sb = new SuperBlock(c.k, shmFs, TMPFS_MAGIC, shmSuperOps);
    const none = Number.POSITIVE_INFINITY;
    return fillMemSuper(c, sb, {
      maxBlocks: none,
      usedBlocks: 0,
      maxInodes: none,
      usedInodes: 0,
      dirSize: 40,
      entrySize: 20,
      mode: 0o1777,
      uid: 0,
      gid: 0,
      aOps: tmpfsAops,
      iops: memInodeOps,
      fastLink: 128,
    });
  },
};

/** Checked arguments of memfd_create(2). */
export function memfdArgs(name: unknown, flags: number): string {
  // huge pages (MFD_HUGETLB) are not there
  if ((flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC)) !== 0) return fail(EINVAL);
  if ((flags & MFD_EXEC) !== 0 && (flags & MFD_NOEXEC_SEAL) !== 0) return fail(EINVAL);
  const n = name === "" ? "" : pathArg(name, true);
  if (n.length > NAME_LIMIT || utf8Length(n) > NAME_LIMIT) return fail(EINVAL);
  return n;
}

/** A file in memory that no path leads to, shown as `/NAME (deleted)`, open for reading and writing. */
export function shmemFile(c: Ctx, name: string, permissions: number, data: MemfdData): OpenFile {
  const mnt = internalMount(c.k, shmFs);
  const inode = newInode(c, mnt.sb, mnt.root.inode, S_IFREG | permissions, 0);
  inode.nlink = 0;
  inode.data = data;
  const d = c.k.vfs.dcache.makeUnhashed(name, null, inode);
  const f = allocFile(c, mnt, d, regularFileOps, O_RDWR | O_LARGEFILE);
  f.mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE | FMODE_OPENED | FMODE_WRITER;
  inode.writecount++;
  mnt.writers++;
  return f;
}

/** A new memory file for memfd_create(2). */
export function memfdFile(c: Ctx, name: string, mfdFlags: number): OpenFile {
  const noexec = (mfdFlags & MFD_NOEXEC_SEAL) !== 0;
  const seals = noexec ? F_SEAL_EXEC : (mfdFlags & MFD_ALLOW_SEALING) !== 0 ? 0 : F_SEAL_SEAL;
  return shmemFile(c, `memfd:${name}`, noexec ? 0o666 : 0o777, { seals });
}

/**
 * Files without a place in the tree: the kernel-internal mounts they are in, and the one inode behind eventfd, epoll and other
 * things that are nothing but a descriptor. Documentation/filesystems/vfs, proc_pid_fd(5).
 */

import { EOPNOTSUPP } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { O_ACCMODE } from "../abi/fcntl.js";
import { ANON_INODE_FS_MAGIC } from "../abi/magic.js";
import type { Core } from "../kernel/core.js";
import type { Task } from "../task/task.js";
import type { Dentry } from "./dentry.js";
import { type FileOps, FMODE_LSEEK, FMODE_OPENED, FMODE_READ, OpenFile } from "./file.js";
import { Inode, InodeOps } from "./inode.js";
import { MNT_INTERNAL, Mount } from "./mount.js";
import { noOps } from "./specialFile.js";
import { type FileSystemType, FS_INTERNAL, SuperBlock, type SuperOps } from "./superBlock.js";

/** The mount of a kernel-internal file system, made at its first use. */
export function internalMount(k: Core, type: FileSystemType): Mount {
  const { vfs } = k;
  const there = vfs.internal.get(type.name);
  if (there !== undefined) return there;
  const sb = type.mount({ k }, 0, type.name, "");
  if (sb.root === undefined) {
    const root = new Inode(sb, vfs.nextAnonIno(), 0o40755, anonInodeOps, noOps);
    sb.root = vfs.dcache.makeRoot(root);
  }
  const mnt = new Mount(0, ++vfs.lastUniqueMountId, sb, sb.root, type.name);
  mnt.flags |= MNT_INTERNAL;
  vfs.internal.set(type.name, mnt);
  return mnt;
}

/** Its attributes cannot be changed. */
export const anonInodeOps: InodeOps = /* @__PURE__ */ new InodeOps({ setattr: () => fail(EOPNOTSUPP) });

export const anonSuperOps: SuperOps = { dname: (d: Dentry) => `anon_inode:${d.name}` };

export const anonInodeFs: FileSystemType = {
  name: "anon_inodefs",
  flags: FS_INTERNAL,
  mount: (c) => new SuperBlock(c.k, anonInodeFs, ANON_INODE_FS_MAGIC, anonSuperOps),
};

export interface AnonFileOptions {
  /** An inode of its own instead of the shared one (its number is the file's identity: pidfd). */
  ino?: number;
}

/** A description for something that has no path: `name` as in "[eventfd]" (shown as `anon_inode:[eventfd]`). */
export function anonFile(
  k: Core,
  t: Task,
  name: string,
  ops: FileOps,
  data: unknown,
  flags: number,
  o: AnonFileOptions = {},
): OpenFile {
  const { vfs } = k;
  const mnt = internalMount(k, anonInodeFs);
  let inode = mnt.sb.data as Inode | null;
  if (inode === null || o.ino !== undefined) {
    const own = new Inode(mnt.sb, o.ino ?? vfs.nextAnonIno(), 0o600, anonInodeOps, noOps);
    own.refs = 1; // never goes by itself
    if (o.ino === undefined) mnt.sb.data = own;
    inode = own;
  }
  const d = vfs.dcache.makeUnhashed(name, null, inode);
  const f = new OpenFile(mnt, d, inode, ops, (flags + 1) & O_ACCMODE, flags, t.cred);
  // it may be sought, in vain; it has no places to read or write at
  f.mode |= FMODE_OPENED | (ops.llseek !== null ? FMODE_LSEEK : 0);
  if ((f.mode & O_ACCMODE) === FMODE_READ) inode.readcount++;
  f.data = data;
  vfs.pathGet(mnt, d);
  vfs.nrFiles++;
  if (vfs.fileSlots.count > 0) {
    f.slots = [];
    vfs.fileSlots.fill(f, f.slots);
  }
  return f;
}

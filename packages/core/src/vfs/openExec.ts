/**
 * What execve(2) needs of files: the checks of a file to run, writing to it denied while it runs, its first bytes.
 */
import { EACCES, EINVAL, ELOOP } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, O_LARGEFILE } from "../abi/fcntl.js";
import { S_IFLNK, S_IFMT, S_IFREG } from "../abi/stat.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { WAIT, type Wait } from "../sys/types.js";
import { FMODE_EXEC, FMODE_LSEEK, FMODE_OPENED, FMODE_PREAD, type OpenFile } from "./file.js";
import { fput } from "./fileTable.js";
import type { Inode } from "./inode.js";
import { MNT_NOEXEC } from "./mount.js";
import { allocFile } from "./open.js";
import { inodePermission, MAY_EXEC, MAY_OPEN, MAY_READ } from "./perm.js";
import { vfsRead } from "./readWrite.js";
import { atPath } from "./stat.js";
import { SB_NOEXEC } from "./superBlock.js";
import { allowWriteAccess, denyWriteAccess } from "./writeAccess.js";

/** The file to run, with a reference; `flags` AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW. Walk errors; ELOOP, EACCES, ETXTBSY. */
export function openExec(c: Ctx, dirfd: number, path: string, flags: number): OpenFile | Wait {
  if ((flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) !== 0) return fail(EINVAL);
  const { mnt, dentry } = atPath(c, dirfd, path, flags);
  const inode = dentry.inode as Inode;
  const type = inode.mode & S_IFMT;
  if (type === S_IFLNK) return fail(ELOOP);
  if (type !== S_IFREG) return fail(EACCES);
  if ((mnt.flags & MNT_NOEXEC) !== 0 || (inode.sb.flags & SB_NOEXEC) !== 0) return fail(EACCES);
  inodePermission(c, inode, MAY_EXEC | MAY_OPEN);
  denyWriteAccess(inode);
  const f = allocFile(c, mnt, dentry, inode.fops, O_LARGEFILE);
  f.mode |= FMODE_EXEC | FMODE_OPENED | FMODE_LSEEK | FMODE_PREAD;
  inode.readcount++;
  return f;
}

/** Writing is allowed again, the reference dropped. */
export function closeExec(k: Core, file: OpenFile): void {
  allowWriteAccess(file.inode);
  fput(k, file);
}

/** The first `count` bytes of a file to run. */
export function readExec(c: Ctx, file: OpenFile, count: number): Uint8Array | Wait {
  const r = vfsRead(c, file, count, 0, null);
  return r === WAIT ? WAIT : (r as Uint8Array);
}

/** May the caller read the file? */
export function mayReadFile(c: Ctx, file: OpenFile): boolean {
  try {
    inodePermission(c, file.inode, MAY_READ);
    return true;
  } catch {
    return false;
  }
}

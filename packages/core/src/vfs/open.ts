/**
 * Opening: from a path and flags to a description. open(2), openat2(2), fifo(7).
 *
 * Order: flags, walk, creation or the checks of an existing file, write access (ETXTBSY, EROFS), the file's own `open` (which may
 * sleep: FIFOs), hook pathOpen, truncation (may sleep), hook fileOpened. A call that sleeps keeps the half-open description
 * in its frame.
 */
import { CAP_SYS_ADMIN } from "../abi/capability.js";
import { EACCES, EEXIST, EINVAL, EISDIR, ENFILE, ENOENT, ENOTDIR, EOPNOTSUPP, ETXTBSY } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import {
  O_ACCMODE,
  O_APPEND,
  O_ASYNC,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_EXCL,
  O_LARGEFILE,
  O_NOATIME,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_SYNC,
  O_TMPFILE,
  O_TRUNC,
} from "../abi/fcntl.js";
import { S_IFDIR, S_IFMT, S_IFREG } from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import { WAIT, type Wait } from "../sys/types.js";
import { capable } from "../task/capable.js";
import { doTruncate } from "./attr.js";
import { D_DIR, D_SYMLINK, type Dentry } from "./dentry.js";
import {
  FileOps,
  FMODE_CREATED,
  FMODE_LSEEK,
  FMODE_OPENED,
  FMODE_PATH,
  FMODE_PREAD,
  FMODE_PWRITE,
  FMODE_READ,
  FMODE_STREAM,
  FMODE_WRITE,
  FMODE_WRITER,
  OpenFile,
} from "./file.js";
import type { FilesStruct } from "./filesStruct.js";
import { finalFput, unusedFd } from "./fileTable.js";
import { type Inode, S_LINKABLE } from "./inode.js";
import type { Mount } from "./mount.js";
import { LAST_DOTDOT, LAST_NORM, LOOKUP_DIRECTORY, LOOKUP_FOLLOW, type Nameidata } from "./namei.js";
import { mayCreateInSticky, mayOpen, mntWantWrite, prepareMode } from "./openPerm.js";
import { pathArg } from "./pathArg.js";
import { inodePermission, MAY_APPEND, MAY_EXEC, MAY_READ, MAY_WRITE, mayCreate } from "./perm.js";
import { getWriteAccess } from "./writeAccess.js";

const O_TMPFILE_BIT = O_TMPFILE & ~O_DIRECTORY;
/** What open(2) looks at; the rest is ignored. */
export const VALID_OPEN_FLAGS: number =
  O_ACCMODE |
  O_CREAT |
  O_EXCL |
  O_NOCTTY |
  O_TRUNC |
  O_APPEND |
  O_NONBLOCK |
  O_SYNC |
  O_ASYNC |
  O_DIRECT |
  O_LARGEFILE |
  O_DIRECTORY |
  O_NOFOLLOW |
  O_NOATIME |
  O_CLOEXEC |
  O_PATH |
  O_TMPFILE;
const O_PATH_FLAGS = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;

/** What O_PATH descriptions do: nothing. */
export const pathFileOps: FileOps = /* @__PURE__ */ new FileOps({});

/** A description for (mnt, dentry), counted but not yet open. ENFILE. */
export function allocFile(c: Ctx, mnt: Mount, dentry: Dentry, ops: FileOps, flags: number): OpenFile {
  const { vfs } = c.k;
  if (vfs.nrFiles >= vfs.sysctl.fileMax && !capable(c.k, c.task, CAP_SYS_ADMIN)) fail(ENFILE);
  const acc = (flags + 1) & O_ACCMODE;
  const f = new OpenFile(mnt, dentry, dentry.inode as Inode, ops, acc, flags, c.task.cred);
  vfs.pathGet(mnt, dentry);
  vfs.nrFiles++;
  if (vfs.fileSlots.count > 0) {
    f.slots = [];
    vfs.fileSlots.fill(f, f.slots);
  }
  return f;
}

/** State of an open that sleeps. */
interface OpenFrame {
  file?: OpenFile;
  fd?: number;
  /** 0: in the file's open, 1: truncating. */
  stage?: number;
  acc?: number;
  cloexec?: boolean;
}

/** open(2) and its relatives: a descriptor. `lookup`: LOOKUP_ bits of openat2(2). */
export function sysOpen(
  c: Ctx,
  dirfd: number,
  path: unknown,
  flags: number,
  mode: number,
  lookup: number,
): number | Wait {
  const fr = c.task.frame as OpenFrame | null;
  if (fr !== null && fr.file !== undefined) return resumeOpen(c, fr as Required<OpenFrame>);
  const file = startOpen(c, dirfd, path, flags, mode, lookup);
  const files = c.task.files as FilesStruct;
  const cloexec = (flags & O_CLOEXEC) !== 0;
  if (file === WAIT) {
    // the number is ours while we sleep
    const f = c.task.frame as OpenFrame;
    f.fd = unusedFd(c.task);
    f.cloexec = cloexec;
    files.reserve(f.fd);
    return WAIT;
  }
  const fd = unusedFd(c.task);
  files.install(fd, file as OpenFile, cloexec);
  return fd;
}

function resumeOpen(c: Ctx, fr: Required<OpenFrame>): number | Wait {
  const files = c.task.files as FilesStruct;
  let r: OpenFile | Wait;
  try {
    r = finishOpen(c, fr.file, fr.acc, fr.stage);
  } catch (e) {
    files.release(fr.fd);
    c.task.frame = null;
    throw e;
  }
  if (r === WAIT) return WAIT;
  files.release(fr.fd);
  files.install(fr.fd, fr.file, fr.cloexec);
  return fr.fd;
}

/** Open without a number, for calls that open, work and close. */
export function pathOpenFor(c: Ctx, dirfd: number, path: unknown, flags: number, mode: number): OpenFile | Wait {
  const fr = c.task.frame as OpenFrame | null;
  if (fr === null || fr.file === undefined) return startOpen(c, dirfd, path, flags, mode, 0);
  const { file, acc, stage } = fr as Required<OpenFrame>;
  let r: OpenFile | Wait;
  try {
    r = finishOpen(c, file, acc, stage);
  } catch (e) {
    c.task.frame = null;
    throw e;
  }
  if (r !== WAIT) c.task.frame = null;
  return r;
}

function startOpen(c: Ctx, dirfd: number, path: unknown, flags: number, mode: number, lookup: number): OpenFile | Wait {
  let fl = flags & ~O_CLOEXEC;
  if ((fl & O_PATH) !== 0) fl &= O_PATH_FLAGS;
  else fl |= O_LARGEFILE;
  if ((fl & O_CREAT) !== 0 && (fl & O_DIRECTORY) !== 0) fail(EINVAL);
  const access = fl & O_ACCMODE;
  let acc = access === 0 ? MAY_READ : access === 1 ? MAY_WRITE : MAY_READ | MAY_WRITE;
  if ((fl & O_TMPFILE_BIT) !== 0) {
    if ((fl & O_DIRECTORY) === 0 || (acc & MAY_WRITE) === 0) fail(EINVAL);
  }
  if ((fl & O_TRUNC) !== 0) acc |= MAY_WRITE;
  if ((fl & O_APPEND) !== 0) acc |= MAY_APPEND;
  if ((fl & O_PATH) !== 0) acc = 0;
  const p = pathArg(path, false);
  unusedFd(c.task);
  return pathOpen(c, dirfd, p, fl, acc, mode & 0o7777, lookup);
}

/** Open a path with checked flags and access mask: the description, or WAIT with it in the frame. */
export function pathOpen(
  c: Ctx,
  dirfd: number,
  path: string,
  fl: number,
  acc: number,
  mode: number,
  lookup: number,
): OpenFile | Wait {
  const nd = c.k.vfs.nd;
  if ((fl & O_TMPFILE_BIT) !== 0) return openTmpfile(c, dirfd, path, fl, mode, lookup);
  const create = (fl & O_CREAT) !== 0;
  let follow = (fl & O_NOFOLLOW) === 0 && !(create && (fl & O_EXCL) !== 0);
  let needDir = (fl & O_DIRECTORY) !== 0;
  nd.init(c, dirfd, path, lookup);
  nd.walkParent();
  for (;;) {
    if (nd.lastType !== LAST_NORM) {
      if (nd.lastType === LAST_DOTDOT) nd.dotDot();
      break;
    }
    if (nd.lastSlash) {
      if (create) return fail(EISDIR);
      follow = true;
      needDir = true;
    }
    const d = nd.lookupLast();
    if (d === null || d.inode === null) {
      if (!create) return fail(ENOENT);
      return openCreated(c, nd, fl, mode, acc);
    }
    nd.stepInto(d);
    if ((nd.dentry.flags & D_SYMLINK) === 0 || !follow) break;
    if (!nd.followLast()) break;
  }
  nd.endWalk();
  const { mnt, dentry } = nd;
  const inode = dentry.inode as Inode;
  if (create) {
    if ((fl & O_EXCL) !== 0) fail(EEXIST);
    if ((dentry.flags & D_DIR) !== 0) fail(EISDIR);
    mayCreateInSticky(c, dentry.parent.inode as Inode, inode);
  }
  if (needDir && (dentry.flags & D_DIR) === 0) fail(ENOTDIR);
  let open = fl;
  if ((fl & O_PATH) === 0) {
    if ((fl & O_TRUNC) !== 0) {
      if ((inode.mode & S_IFMT) === S_IFREG) mntWantWrite(mnt);
      else open &= ~O_TRUNC;
    }
    mayOpen(c, mnt, inode, acc, fl);
  }
  return openDentry(c, mnt, dentry, open, acc, false);
}

/** The file does not exist: make it in the directory the walk is at. */
function openCreated(c: Ctx, nd: Nameidata, fl: number, mode: number, acc: number): OpenFile | Wait {
  const { mnt, dentry: parent } = nd;
  const dir = parent.inode as Inode;
  const name = nd.lastName;
  mntWantWrite(mnt);
  mayCreate(c, dir, false);
  if (dir.ops.create === null) return fail(EACCES);
  const inode = dir.ops.create(c, dir, name, prepareMode(c, dir, mode | S_IFREG));
  const { vfs, hooks } = c.k;
  const d = vfs.addDentry(parent, name, inode);
  if (hooks.inodeCreated.on !== null) hooks.inodeCreated.on(d, mode);
  // O_NOATIME, O_APPEND and the like hold for what one has just made
  return openDentry(c, mnt, d, fl & ~O_TRUNC, acc & ~MAY_EXEC, true);
}

function openTmpfile(c: Ctx, dirfd: number, path: string, fl: number, mode: number, lookup: number): OpenFile | Wait {
  const { vfs, hooks } = c.k;
  const nd = vfs.nd;
  nd.init(c, dirfd, path, lookup | LOOKUP_DIRECTORY | ((fl & O_NOFOLLOW) === 0 ? LOOKUP_FOLLOW : 0));
  nd.walk();
  const { mnt, dentry: parent } = nd;
  const dir = parent.inode as Inode;
  mntWantWrite(mnt);
  inodePermission(c, dir, MAY_WRITE | MAY_EXEC);
  if (dir.ops.tmpfile === null) return fail(EOPNOTSUPP);
  const inode = dir.ops.tmpfile(c, dir, prepareMode(c, dir, mode | S_IFREG));
  if ((fl & O_EXCL) === 0) inode.flags |= S_LINKABLE;
  const d = vfs.dcache.makeUnhashed(`#${inode.ino}`, parent, inode);
  if (hooks.inodeCreated.on !== null) hooks.inodeCreated.on(d, mode);
  return openDentry(c, mnt, d, fl & ~(O_TRUNC | O_CREAT | O_EXCL), MAY_READ | MAY_WRITE, false);
}

/** A place is to be opened; all permission has been checked. */
export function openDentry(
  c: Ctx,
  mnt: Mount,
  dentry: Dentry,
  fl: number,
  acc: number,
  created: boolean,
): OpenFile | Wait {
  const inode = dentry.inode as Inode;
  if ((fl & O_PATH) !== 0) {
    const f = allocFile(c, mnt, dentry, pathFileOps, fl);
    f.mode = FMODE_PATH | FMODE_OPENED;
    return f;
  }
  const f = allocFile(c, mnt, dentry, inode.fops, fl);
  if (created) f.mode |= FMODE_CREATED;
  try {
    if ((f.mode & (FMODE_READ | FMODE_WRITE)) === FMODE_READ) inode.readcount++;
    else if ((f.mode & FMODE_WRITE) !== 0) {
      const type = inode.mode & S_IFMT;
      if (type === S_IFREG || type === S_IFDIR) {
        getWriteAccess(inode);
        inode.writecount--;
        mntWantWrite(mnt);
        inode.writecount++;
        mnt.writers++;
        f.mode |= FMODE_WRITER;
      }
    }
  } catch (e) {
    dropUnopened(c, f);
    throw e;
  }
  const { ops } = f;
  f.mode |= (ops.llseek !== null ? FMODE_LSEEK : 0) | FMODE_PREAD | FMODE_PWRITE | FMODE_OPENED;
  if (ops.open === null && c.k.hooks.pathOpen.on === null && (fl & (O_TRUNC | O_DIRECT)) === 0) {
    // nothing more can fail or sleep
    f.flags = fl & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
    if (c.k.hooks.fileOpened.on !== null) c.k.hooks.fileOpened.on(f, undefined);
    return f;
  }
  return finishOpen(c, f, acc, 0);
}

/** The description did not come to be: its counts go, nothing of the file is told. */
function dropUnopened(c: Ctx, f: OpenFile): void {
  const { inode } = f;
  if ((f.mode & FMODE_WRITER) !== 0) {
    inode.writecount--;
    f.mnt.writers--;
  } else if ((f.mode & (FMODE_READ | FMODE_WRITE)) === FMODE_READ) inode.readcount--;
  const { vfs } = c.k;
  if (vfs.lastFileSerial === f.serial) vfs.lastFileSerial--;
  vfs.nrFiles--;
  vfs.pathPut(f.mnt, f.dentry);
}

/** The stages that may sleep: the file's own open (0), then the hook and truncation (1). */
function finishOpen(c: Ctx, f: OpenFile, acc: number, stage: number): OpenFile | Wait {
  const { hooks } = c.k;
  let opened = stage > 0;
  try {
    if (stage === 0) {
      if (f.ops.open !== null) {
        const { ops } = f;
        if (f.ops.open(c, f.inode, f) === WAIT) return keep(c, f, acc, 0);
        // it may have put other operations in
        if (f.ops !== ops && f.ops.llseek !== null && (f.mode & FMODE_STREAM) === 0) f.mode |= FMODE_LSEEK;
      }
      opened = true;
      if ((f.flags & O_DIRECT) !== 0 && (f.inode.mode & S_IFMT) !== S_IFREG) fail(EINVAL);
      if (hooks.pathOpen.on !== null) {
        const e = hooks.pathOpen.on(f, acc & (MAY_READ | MAY_WRITE | MAY_APPEND));
        if (e !== 0) fail(e);
      }
    }
    if ((f.flags & O_TRUNC) !== 0) {
      if (f.inode.writecount < 0) fail(ETXTBSY);
      if (doTruncate(c, f.dentry, 0, true) === WAIT) return keep(c, f, acc, 1);
    }
  } catch (e) {
    if (opened) {
      f.refs = 0;
      finalFput(c.k, f);
      if (c.k.vfs.lastFileSerial === f.serial) c.k.vfs.lastFileSerial--;
    } else dropUnopened(c, f);
    throw e;
  }
  f.flags &= ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
  if (hooks.fileOpened.on !== null) hooks.fileOpened.on(f, undefined);
  return f;
}

function keep(c: Ctx, file: OpenFile, acc: number, stage: number): Wait {
  const fr = c.frame<OpenFrame>(() => ({}));
  fr.file = file;
  fr.acc = acc;
  fr.stage = stage;
  return WAIT;
}

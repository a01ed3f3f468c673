/**
 * From numbers to descriptions and back: looking up, giving out and closing descriptors, references to descriptions and their
 * end. open(2), close(2), dup(2), close_range(2).
 *
 * The last reference to a description closes it: `__fput` in Linux. When that takes effect is option `fput`: "task_work" (Linux:
 * before the task returns to user mode), "inline" (at once) or "deferred" (by an event of its own). close(2) itself always
 * closes at once, as it is on its way out anyway.
 */
import { EBADF, EMFILE } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { RLIMIT_NOFILE } from "../abi/resource.js";
import type { Core } from "../kernel/core.js";
import { rlimit } from "../task/rlimits.js";
import type { Task } from "../task/task.js";
import { EV_WORK } from "../time/eventQueue.js";
import { FMODE_NEED_UNMOUNT, FMODE_PATH, FMODE_READ, FMODE_WRITE, FMODE_WRITER, type OpenFile } from "./file.js";
import { FilesStruct } from "./filesStruct.js";
import { epollRelease } from "./poll/epoll.js";

/** The description of a number, O_PATH ones included. EBADF. */
export function fgetRaw(t: Task, fd: number): OpenFile {
  const f = (t.files as FilesStruct).fds[fd];
  return f === undefined || f === null ? fail(EBADF) : f;
}

/** The description of a number. EBADF also for O_PATH ones. */
export function fget(t: Task, fd: number): OpenFile {
  const f = (t.files as FilesStruct).fds[fd];
  return f === undefined || f === null || (f.mode & FMODE_PATH) !== 0 ? fail(EBADF) : f;
}

/** The lowest free number from `start` on. EMFILE. Nothing is taken: install it before anything sleeps. */
export function unusedFd(t: Task, start = 0): number {
  const fd = (t.files as FilesStruct).lowestFree(start, Math.min(rlimit(t, RLIMIT_NOFILE), 0x7fffffff));
  return fd < 0 ? fail(EMFILE) : fd;
}

/** Take a reference. */
export function getFile(f: OpenFile): OpenFile {
  f.refs++;
  return f;
}

/** Drop a reference in the course of something else. */
export function fput(k: Core, f: OpenFile): void {
  if (--f.refs > 0) return;
  const mode = k.vfs.fputMode;
  if (mode === "task_work") {
    const t = k.current;
    if (t !== null && !t.exiting && k.works.add(t, "fput", f)) return;
  } else if (mode === "deferred") {
    k.events.at(k.now, EV_WORK, k.vfs.fputEvent, f);
    return;
  }
  finalFput(k, f);
}

/** Drop a reference as the last thing a call does. */
export function fputSync(k: Core, f: OpenFile): void {
  if (--f.refs === 0) {
    if (k.vfs.fputMode === "deferred") k.events.at(k.now, EV_WORK, k.vfs.fputEvent, f);
    else finalFput(k, f);
  }
}

/** Nobody has the description any more. */
export function finalFput(k: Core, f: OpenFile): void {
  const { hooks, vfs } = k;
  if (f.epItems !== null) epollRelease(f);
  if ((f.mode & FMODE_PATH) === 0) {
    if (hooks.finalFput.on !== null) hooks.finalFput.on(f, undefined);
    if (f.ops.release !== null) f.ops.release(k, f);
    const inode = f.inode;
    if ((f.mode & FMODE_WRITER) !== 0) {
      inode.writecount--;
      f.mnt.writers--;
    } else if ((f.mode & (FMODE_READ | FMODE_WRITE)) === FMODE_READ) inode.readcount--;
  }
  if ((f.mode & FMODE_NEED_UNMOUNT) !== 0) vfs.dissolve(f.mnt);
  vfs.nrFiles--;
  vfs.pathPut(f.mnt, f.dentry);
}

/** What close(2) does with a description it has taken out of the table. */
export function filpClose(k: Core, t: Task, f: OpenFile): void {
  if (f.ops.flush !== null && (f.mode & FMODE_PATH) === 0) f.ops.flush(k, f);
  if (k.hooks.fileClosed.on !== null) k.hooks.fileClosed.on(f, t);
}

/** Close a number. EBADF. */
export function closeFd(k: Core, t: Task, fd: number): void {
  const f = (t.files as FilesStruct).remove(fd);
  if (f === null) return fail(EBADF);
  filpClose(k, t, f);
  fputSync(k, f);
}

/** A copy of a table: the same descriptions under the same numbers. */
export function dupFiles(old: FilesStruct): FilesStruct {
  const files = new FilesStruct();
  const { fds } = old;
  for (let fd = 0; fd < fds.length; fd++) {
    const f = fds[fd];
    if (f === null) continue;
    f.refs++;
    files.install(fd, f, old.isCloexec(fd));
  }
  return files;
}

/** The last user of a table has gone: close everything, in ascending order. */
export function closeAll(k: Core, t: Task, files: FilesStruct): void {
  for (let fd = 0; fd < files.fds.length; fd++) {
    const f = files.remove(fd);
    if (f === null) continue;
    filpClose(k, t, f);
    fput(k, f);
  }
}

/** exec: close what is marked close-on-exec. */
export function closeOnExec(k: Core, t: Task): void {
  const files = t.files as FilesStruct;
  for (let w = 0; w < files.cloexec.length; w++) {
    for (let bits = files.cloexec[w] & files.open[w]; bits !== 0; bits &= bits - 1) {
      const f = files.remove(w * 32 + 31 - Math.clz32(bits & -bits));
      if (f === null) continue;
      filpClose(k, t, f);
      fput(k, f);
    }
  }
}

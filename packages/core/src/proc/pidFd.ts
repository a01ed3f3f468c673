/**
 * /proc/PID/fd and fdinfo: the descriptors of a process as links to what is open, and what is known of each. proc_pid_fd(5),
 * proc_pid_fdinfo(5).
 */

import { EACCES, ENOENT } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { O_CLOEXEC } from "../abi/fcntl.js";
import { S_IFLNK, S_IFREG } from "../abi/stat.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { extend } from "../lib/extend.js";
import { PTRACE_MODE_READ_FSCREDS, ptraceMayAccess } from "../task/ptraceAccess.js";
import type { Task } from "../task/task.js";
import { FileOps, FMODE_READ, FMODE_WRITE, type OpenFile } from "../vfs/file.js";
import { emitDots } from "../vfs/getdents.js";
import { type Inode, InodeOps } from "../vfs/inode.js";
import { genericLlseek } from "../vfs/llseek.js";
import { genericPermission } from "../vfs/perm.js";
import { noOps } from "../vfs/specialFile.js";
import { base, makePidInode, type PidEntry, pidIno, pidNode, pidSeqOps, procTask } from "./pidEntry.js";
import { nameToInt } from "./proc.js";

/** The open file behind a link. ENOENT: closed. */
function fileOf(inode: Inode): OpenFile {
  return procTask(inode).files?.get(pidNode(inode).nr) ?? fail(ENOENT);
}

function linkMode(f: OpenFile): number {
  return S_IFLNK | ((f.mode & FMODE_READ) !== 0 ? 0o500 : 0) | ((f.mode & FMODE_WRITE) !== 0 ? 0o300 : 0);
}

function mayRead(c: Ctx, t: Task): void {
  if (!ptraceMayAccess(c.k, c.task, t, PTRACE_MODE_READ_FSCREDS)) fail(EACCES);
}

const revalidate: NonNullable<typeof base.revalidate> = (c, d) => {
  if (!(base.revalidate as NonNullable<typeof base.revalidate>)(c, d)) return false;
  const inode = d.inode as Inode;
  const { pid, nr, entry } = pidNode(inode);
  const f = pid.task?.files?.get(nr);
  if (!f) return false;
  if (entry === linkEntry) inode.mode = linkMode(f);
  return true;
};

const linkOps: InodeOps = /* @__PURE__ */ new InodeOps(
  /* @__PURE__ */ extend(base, {
    revalidate,
    getLink(c, inode, nd) {
      mayRead(c, procTask(inode));
      const f = fileOf(inode);
      if (nd === null) return c.k.vfs.filePath(f, c.task);
      nd.jump(f.mnt, f.dentry);
      return null;
    },
    readlink(c, inode) {
      mayRead(c, procTask(inode));
      return c.k.vfs.filePath(fileOf(inode), c.task);
    },
  }),
);

const infoOps: InodeOps = /* @__PURE__ */ new InodeOps(/* @__PURE__ */ extend(base, { revalidate }));

/** Of one descriptor: not in the table of entries, but made from it. */
const linkEntry: PidEntry = { name: "fd", mode: S_IFLNK, index: 1, ops: linkOps, fops: noOps };
const INFO_MODE: number = S_IFREG | 0o444;
const infoEntry: PidEntry = {
  name: "fdinfo",
  mode: INFO_MODE,
  index: 2,
  ops: infoOps,
  fops: pidSeqOps,
  file: {
    open: mayRead,
    show(c, t, file) {
      const { nr } = pidNode(file.inode);
      const f = t.files?.get(nr) ?? fail(ENOENT);
      const flags = f.flags | (t.files?.isCloexec(nr) ? O_CLOEXEC : 0);
      const more = f.ops.showFdinfo;
      return `pos:\t${f.pos}\nflags:\t0${(flags >>> 0).toString(8)}\nmnt_id:\t${f.mnt.id}\nino:\t${f.inode.ino}\n${more === null ? "" : more(c.k, f)}`;
    },
  },
};

function dirOps(entry: PidEntry, permission: NonNullable<typeof base.permission>): InodeOps {
  return new InodeOps({
    ...base,
    lookup(_c, dir, name) {
      const { pid, thread } = pidNode(dir);
      const t = pid.task;
      const nr = nameToInt(name);
      const f = t === null || nr < 0 ? null : t.files?.get(nr);
      if (!f) return fail(ENOENT);
      const inode = makePidInode(
        dir.sb,
        pid,
        t as Task,
        entry,
        thread,
        nr,
        entry === linkEntry ? linkMode(f) : entry.mode,
      );
      if (entry === linkEntry) inode.size = 64;
      return inode;
    },
    permission,
    getattr(_c, inode, st) {
      st.nlink = 2;
      st.size = pidNode(inode).pid.task?.files?.count ?? 0;
    },
  });
}

const fdDirOps: InodeOps = /* @__PURE__ */ dirOps(linkEntry, (c, inode, mask) => {
  // one may always look at one's own
  if (pidNode(inode).pid.task?.tgid !== c.task.tgid) genericPermission(c, inode, mask);
});
const infoDirOps: InodeOps = /* @__PURE__ */ dirOps(infoEntry, (c, inode, mask) => {
  mayRead(c, procTask(inode));
  genericPermission(c, inode, mask);
});

function iterate(entry: PidEntry, type: number): FileOps {
  return new FileOps({
    iterate(_c, file, d) {
      const { pid, thread } = pidNode(file.inode);
      if (pid.task === null) return fail(ENOENT);
      if (!emitDots(file, d)) return;
      const { files } = pid.task;
      if (files === null) return;
      for (let fd = d.pos - 2; fd < files.fds.length; fd++) {
        if (files.fds[fd] === null) continue;
        if (!d.emit(String(fd), pidIno(pid, entry, thread, fd), type)) return;
        d.pos = fd + 3;
      }
    },
    llseek: genericLlseek,
  });
}

const fdDirFileOps: FileOps = /* @__PURE__ */ iterate(linkEntry, 10);
const infoDirFileOps: FileOps = /* @__PURE__ */ iterate(infoEntry, 8);

export function installPidFd(k: Core): void {
  const { state } = k;
  for (const [name, v] of Object.entries({ linkEntry, infoEntry, linkOps, infoOps }))
    state.static(`proc.fd.${name}`, v);
  k.proc.pidDir("fd", 0o500, { ops: fdDirOps, fops: fdDirFileOps });
  k.proc.pidDir("fdinfo", 0o555, { ops: infoDirOps, fops: infoDirFileOps });
}

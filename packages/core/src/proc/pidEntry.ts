/**
 * What is in /proc/PID and /proc/PID/task/TID: entries (statics) by name, and the inodes made from them. A file's owner is the task.
 * proc_pid(5).
 *
 * An inode keeps the `Pid`, not the task: when the task is gone, what is open gives ESRCH and walks through it end. Owner and group are
 * the task's effective ids, or root's if it is not dumpable; they are renewed whenever a walk meets the name.
 */

import { EACCES, EINVAL, ENOENT, EPERM, ESRCH } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { SUID_DUMP_USER } from "../abi/prctl.js";
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import { extend } from "../lib/extend.js";
import { getDumpable } from "../task/commitCreds.js";
import type { Pid } from "../task/pid.js";
import { PTRACE_MODE_READ_FSCREDS, ptraceMayAccess } from "../task/ptraceAccess.js";
import { TASK_DEAD, type Task } from "../task/task.js";
import { simpleSetattr } from "../vfs/attr.js";
import { FileOps, FMODE_STREAM, type OpenFile } from "../vfs/file.js";
import { emitDots } from "../vfs/getdents.js";
import { ATTR_MODE, Inode, InodeOps, type InodeOpsInit } from "../vfs/inode.js";
import { genericLlseek, noEndLlseek, noopLlseek } from "../vfs/llseek.js";
import type { Nameidata } from "../vfs/namei.js";
import { genericPermission } from "../vfs/perm.js";
import { defaultMode, type PseudoFile } from "../vfs/pseudo/pseudoFile.js";
import { keepOffset, noDirect, plainRead, seqOf, seqOpen, seqPoll, seqRead, storeText } from "../vfs/pseudo/seqFile.js";
import { noOps } from "../vfs/specialFile.js";
import type { SuperBlock } from "../vfs/superBlock.js";
import type { ProcSuper } from "./proc.js";

/** Inode numbers: this many for each pid. */
export const INO_STRIDE = 0x400000;

export interface PidEntry {
  readonly name: string;
  /** Type and permissions. */
  readonly mode: number;
  /** In /proc/PID only, in /proc/PID/task/TID only; left out: both. */
  readonly only?: "tgid" | "tid";
  /** Place among the entries: its inode number. */
  index: number;
  readonly ops: InodeOps;
  readonly fops: FileOps;
  readonly file?: PseudoFile<Task>;
  /** Of directories with fixed entries. */
  readonly entries?: Map<string, PidEntry>;
  /** Of links: the text, or (jumping there) null. */
  readonly link?: (c: Ctx, task: Task, nd: Nameidata | null) => string | null;
}

/** inode.data of everything below /proc/PID: state. */
export class PidNode {
  constructor(
    readonly pid: Pid,
    readonly entry: PidEntry,
    /** Below /proc/PID/task/TID. */
    readonly thread: boolean,
    /** Descriptor, address or the like that the name says. */
    readonly nr: number,
  ) {}
}

export function pidNode(inode: Inode): PidNode {
  return inode.data as PidNode;
}

/** The task of an inode. ESRCH: it is gone. */
export function procTask(inode: Inode): Task {
  const t = (inode.data as PidNode).pid.task;
  return t === null || t.state === TASK_DEAD ? fail(ESRCH) : t;
}

/** What a task's inodes belong to. Directories that all may read show the effective ids in any case. */
function setOwner(inode: Inode, t: Task): void {
  const { cred } = t;
  let uid = cred.euid;
  let gid = cred.egid;
  if (t.isKthread) {
    uid = 0;
    gid = 0;
  } else if (inode.mode !== (S_IFDIR | 0o555) && (t.mm === null || getDumpable(t) !== SUID_DUMP_USER)) {
    uid = 0;
    gid = 0;
  }
  inode.uid = uid;
  inode.gid = gid;
}

export function makePidInode(
  sb: SuperBlock,
  pid: Pid,
  t: Task,
  entry: PidEntry,
  thread: boolean,
  nr: number = -1,
  mode: number = entry.mode,
): Inode {
  const inode = new Inode(sb, pidIno(pid, entry, thread, nr), mode, entry.ops, entry.fops);
  inode.data = new PidNode(pid, entry, thread, nr);
  setOwner(inode, t);
  return inode;
}

export function pidIno(pid: Pid, entry: PidEntry, thread: boolean, nr: number): number {
  return pid.serial * INO_STRIDE + (nr >= 0 ? 0x1000 + nr * 4 + (entry.index & 3) : (thread ? 0x800 : 0) + entry.index);
}

// --- what all inodes have ---

export const base: InodeOpsInit = {
  revalidate(_c, d) {
    const inode = d.inode as Inode;
    const t = (inode.data as PidNode).pid.task;
    if (t === null || t.state === TASK_DEAD) return false;
    setOwner(inode, t);
    return true;
  },
  setattr(c, inode, a) {
    if ((a.valid & ATTR_MODE) !== 0) return fail(EPERM);
    a.size = inode.size;
    return simpleSetattr(c, inode, a);
  },
};

/** /proc/PID and /proc/PID/task/TID: nobody walks through those of the dead. */
export const pidDirOps: InodeOps = /* @__PURE__ */ new InodeOps(
  /* @__PURE__ */ extend(base, {
    lookup: lookupEntry,
    permission(c, inode, mask) {
      const t = procTask(inode);
      if (!mayLook(c, inode.sb.data as ProcSuper, t)) fail((inode.sb.data as ProcSuper).hidepid === 2 ? ENOENT : EPERM);
      genericPermission(c, inode, mask);
    },
    getattr(_c, inode, st) {
      const { pid, thread, entry } = pidNode(inode);
      st.nlink = thread ? 7 : 9;
      if (entry.name !== "")
        st.nlink = entry.name === "task" && pid.task !== null ? 2 + pid.task.signal.threads.length : 2;
    },
  }),
);

/** hidepid: may the caller see the task at all? */
export function mayLook(c: Ctx, s: ProcSuper, t: Task): boolean {
  if (s.hidepid === 0) return true;
  if (s.hidepid !== 4 && c.task.cred.inGroup(s.gid)) return true;
  return ptraceMayAccess(c.k, c.task, t, PTRACE_MODE_READ_FSCREDS);
}

export const pidBaseOps: InodeOps = /* @__PURE__ */ new InodeOps(base);

export const pidLinkOps: InodeOps = /* @__PURE__ */ new InodeOps(
  /* @__PURE__ */ extend(base, {
    getLink(c, inode, nd) {
      const t = procTask(inode);
      if (!ptraceMayAccess(c.k, c.task, t, PTRACE_MODE_READ_FSCREDS)) return fail(EACCES);
      return (pidNode(inode).entry.link as NonNullable<PidEntry["link"]>)(c, t, nd);
    },
    readlink(c, inode) {
      const t = procTask(inode);
      if (!ptraceMayAccess(c.k, c.task, t, PTRACE_MODE_READ_FSCREDS)) return fail(EACCES);
      return (pidNode(inode).entry.link as NonNullable<PidEntry["link"]>)(c, t, null) as string;
    },
  }),
);

// --- directories of entries ---

function visible(e: PidEntry, thread: boolean): boolean {
  return e.only === undefined || (e.only === "tid") === thread;
}

function lookupEntry(_c: Ctx, dir: Inode, name: string): Inode | null {
  const { pid, entry, thread } = pidNode(dir);
  const t = pid.task;
  const e = entry.entries?.get(name);
  if (t === null || e === undefined || !visible(e, thread)) return fail(ENOENT);
  return makePidInode(dir.sb, pid, t, e, thread);
}

export const pidDirFileOps: FileOps = /* @__PURE__ */ new FileOps({
  iterate(_c, file, d) {
    const { pid, entry, thread } = pidNode(file.inode);
    if (pid.task === null) return fail(ENOENT);
    if (!emitDots(file, d)) return;
    let i = 1;
    for (const e of (entry.entries as Map<string, PidEntry>).values()) {
      if (!visible(e, thread) || ++i < d.pos) continue;
      if (!d.emit(e.name, pidIno(pid, e, thread, -1), (e.mode & S_IFMT) >> 12)) return;
      d.pos = i + 1;
    }
  },
  llseek: genericLlseek,
});

// --- files ---

function show(c: Ctx, file: OpenFile): string | Uint8Array {
  return (pidNode(file.inode).entry.file as Required<PseudoFile<Task>>).show(c, procTask(file.inode), file);
}

export const pidSeqOps: FileOps = /* @__PURE__ */ new FileOps({
  open(c, inode, file) {
    const def = pidNode(inode).entry.file as PseudoFile<Task>;
    if (def.open !== undefined) def.open(c, procTask(inode), file);
    if (def.poll !== undefined) seqOf(file).event = def.poll(c, procTask(inode)).event;
    return def.plain ? noDirect(file) : seqOpen(file);
  },
  read(c, file, count, pos, buf) {
    const def = pidNode(file.inode).entry.file as PseudoFile<Task>;
    if (def.show === undefined) return fail(EINVAL);
    file.mode &= ~FMODE_STREAM;
    return def.plain ? plainRead(count, pos, buf, show(c, file)) : seqRead(c, file, count, pos, buf, show);
  },
  write(c, file, data, pos) {
    const def = pidNode(file.inode).entry.file as PseudoFile<Task>;
    if (def.store === undefined) return fail(EINVAL);
    keepOffset(def, file);
    return storeText(c, def, procTask(file.inode), data, file, pos);
  },
  llseek(c, file, offset, whence) {
    const def = pidNode(file.inode).entry.file as PseudoFile<Task>;
    if (def.show === undefined) return noopLlseek(c, file);
    return (def.plain ? genericLlseek : noEndLlseek)(c, file, offset, whence);
  },
  poll(c, file, pt) {
    const def = pidNode(file.inode).entry.file as PseudoFile<Task>;
    return def.poll === undefined ? 0x145 : seqPoll(c, def, procTask(file.inode), file, pt);
  },
});

// --- making entries ---

export function fileEntry(name: string, file: PseudoFile<Task>, only?: PidEntry["only"]): PidEntry {
  return {
    name,
    mode: S_IFREG | defaultMode(file),
    index: 0,
    ops: pidBaseOps,
    fops: file.ops ?? pidSeqOps,
    file,
    ...(only && { only }),
  };
}

export function linkEntry(name: string, link: NonNullable<PidEntry["link"]>): PidEntry {
  return { name, mode: S_IFLNK | 0o777, index: 0, ops: pidLinkOps, fops: noOps, link };
}

export function dirEntry(name: string, mode: number, o: Partial<PidEntry> = {}): PidEntry {
  return { name, mode: S_IFDIR | mode, index: 0, ops: pidDirOps, fops: pidDirFileOps, entries: new Map(), ...o };
}

/**
 * System calls of POSIX message queues: mq_open(2), mq_unlink(2), mq_timedsend(2), mq_timedreceive(2), mq_notify(2), mq_getsetattr(2).
 * Names are as the calls take them: without the slash that the C library strips.
 */
import {
  type Ctx,
  type Dentry,
  EACCES,
  EAGAIN,
  EBADF,
  EBUSY,
  EEXIST,
  EFAULT,
  EINVAL,
  EMSGSIZE,
  ENAMETOOLONG,
  ENOENT,
  ERESTARTSYS,
  ETIMEDOUT,
  type FsStruct,
  fail,
  type Impl,
  type Inode,
  inodePermission,
  int,
  mayCreate,
  mayDelete,
  misuse,
  O_ACCMODE,
  O_CREAT,
  O_EXCL,
  O_LARGEFILE,
  O_NONBLOCK,
  O_RDWR,
  O_WRONLY,
  type OpenFile,
  openDentry,
  SI_MESGQ,
  SIGEV_NONE,
  SIGEV_SIGNAL,
  SIGEV_THREAD,
  struct,
  type Task,
  type Timespec,
  uint,
  ulong,
  unhash,
  utf8Bytes,
  type Wait,
  whole,
} from "@kernelkit/core";
import { messageArg } from "./ipcIds.js";
import { ipcNsOf } from "./ipcNamespace.js";
import type { MqAttr, MqSys } from "./ipcSys.js";
import {
  createMqueue,
  MQ_PRIO_MAX,
  type MqMessage,
  type Mqueue,
  mqueueFileOps,
  mqueueMount,
  mqueueOf,
} from "./mqueue.js";
import { finishWait, IpcWaiter, resumeWait, startWait, waiterOf } from "./waiting.js";

const FMODE_READ = 1;
const FMODE_WRITE = 2;
const MAY_WRITE = 2;
const MAY_READ = 4;
const NAME_MAX = 255;
const SIGRTMAX = 64;
const ALL = 0x7fffffff;

/** The name in the caller's directory of queues: [directory, dentry or null]. ENOENT, EACCES, ENAMETOOLONG. */
function lookup(c: Ctx, nameArg: unknown): { dir: Dentry; name: string; found: Dentry | null } {
  if (nameArg === null) return fail(EFAULT);
  if (typeof nameArg !== "string") return misuse("name", nameArg, "a string or null");
  const nul = nameArg.indexOf("\0");
  const name = nul < 0 ? nameArg : nameArg.slice(0, nul);
  if (name === "") return fail(ENOENT);
  const bytes = utf8Bytes(name).length;
  if (bytes >= 4096) return fail(ENAMETOOLONG);
  if (name === "." || name === ".." || name.includes("/")) return fail(EACCES);
  if (bytes > NAME_MAX) return fail(ENAMETOOLONG);
  const dir = mqueueMount(c.k, ipcNsOf(c.k, c.task)).root;
  const found = c.k.vfs.dcache.findName(dir, name);
  return { dir, name, found: found !== null && found.inode !== null ? found : null };
}

function attrArg(v: MqAttr | null | undefined): MqAttr | null {
  if (v === null || v === undefined) return null;
  const { maxmsg, msgsize } = struct(v, "attr");
  return { maxmsg: whole(maxmsg, "attr.maxmsg"), msgsize: whole(msgsize, "attr.msgsize") };
}

function accessOf(oflag: number): number {
  const a = oflag & O_ACCMODE;
  return a === 0 ? MAY_READ : a === O_WRONLY ? MAY_WRITE : MAY_READ | MAY_WRITE;
}

function mqOpen(c: Ctx, nameArg: unknown, oflag: number, mode: number, attr: MqAttr | null): number {
  const { k, task } = c;
  const { dir, name, found } = lookup(c, nameArg);
  const mnt = mqueueMount(k, ipcNsOf(k, task));
  let dentry = found;
  if (dentry === null) {
    if ((oflag & O_CREAT) === 0) return fail(ENOENT);
    const d = dir.inode as Inode;
    mayCreate(c, d, false);
    const inode = createMqueue(c, d, mode & ~(task.fs as FsStruct).umask, attr);
    dentry = k.vfs.addDentry(dir, name, inode);
  } else {
    if ((oflag & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) return fail(EEXIST);
    if ((oflag & O_ACCMODE) === (O_RDWR | O_WRONLY)) return fail(EINVAL);
    inodePermission(c, dentry.inode as Inode, accessOf(oflag));
  }
  const flags = (oflag & (O_ACCMODE | O_NONBLOCK)) | O_LARGEFILE;
  const file = openDentry(c, mnt, dentry, flags, accessOf(oflag), found === null) as OpenFile;
  return k.vfs.installOrPut(task, file, true);
}

/** The queue behind a descriptor that may be used that way. EBADF. */
function mqGet(c: Ctx, mqdes: number, mode: number): OpenFile {
  const f = c.k.vfs.fget(c.task, mqdes);
  if (f.ops !== mqueueFileOps || (f.mode & mode) !== mode) return fail(EBADF);
  return f;
}

/** Virtual time of an absolute CLOCK_REALTIME time. EINVAL. */
function deadline(c: Ctx, at: Timespec | null | undefined): number {
  if (at === null || at === undefined) return Number.POSITIVE_INFINITY;
  const { sec, nsec } = struct(at, "at");
  if (!(sec >= 0 && nsec >= 0 && nsec < 1e9)) return fail(EINVAL);
  const now = c.k.time.realtime();
  return c.now + (sec - now.sec) * 1e9 + (nsec - now.nsec);
}

/** Where a waiter of the task stands: behind those as important as it. */
function placeOf<W>({ list, task }: IpcWaiter<W>): number {
  const rank = (x: Task): number => (x.se.rtPriority > 0 ? -x.se.rtPriority : x.se.nice + 20);
  let i = list.length;
  while (i > 0 && rank(list[i - 1].task) > rank(task)) i--;
  return i;
}

function touch(inode: Inode): void {
  const { vfs } = inode.sb.k;
  vfs.touchClock();
  inode.atime = inode.mtime = inode.ctime = vfs.nowSec;
  inode.atimeNsec = inode.mtimeNsec = inode.ctimeNsec = vfs.nowNsec;
}

/** A message has come and nobody waited for it. */
function doNotify(c: Ctx, q: Mqueue): void {
  const n = q.notify;
  if (n !== null && q.messages.length === 1) {
    q.notify = null;
    const t = n.owner.tgidOf;
    if (n.how === SIGEV_SIGNAL && n.signo > 0 && t !== null)
      c.k.signals.send(t, n.signo, SI_MESGQ, c.task, true, { value: n.value });
  }
  c.wake(q.poll, ALL);
}

function mqSend(c: Ctx, mqdes: number, data: Uint8Array, prio: number, at: Timespec | null | undefined): number | Wait {
  const w = waiterOf<MqMessage>(c);
  if (w !== null) return resumeWait<number>(c, w, ETIMEDOUT, ERESTARTSYS);
  const untilNs = deadline(c, at);
  if (prio >= MQ_PRIO_MAX) return fail(EINVAL);
  const f = mqGet(c, mqdes, FMODE_WRITE);
  const q = mqueueOf(f);
  if (data.length > q.msgsize) return fail(EMSGSIZE);
  const m: MqMessage = { prio, data: data.slice() };
  if (q.messages.length >= q.maxmsg) {
    if ((f.flags & O_NONBLOCK) !== 0) return fail(EAGAIN);
    const waiter = new IpcWaiter(c.task, "mq_send", q.senders, m, untilNs);
    return startWait(c, waiter, ETIMEDOUT, ERESTARTSYS, placeOf(waiter));
  }
  const receiver = q.receivers[0];
  if (receiver !== undefined) finishWait(c.k, receiver, 0, m);
  else {
    q.insert(m);
    doNotify(c, q);
  }
  touch(f.inode);
  return 0;
}

function mqReceive(c: Ctx, mqdes: number, length: number, at: Timespec | null | undefined): MqMessage | Wait {
  const w = waiterOf<null>(c);
  if (w !== null) return resumeWait<MqMessage>(c, w, ETIMEDOUT, ERESTARTSYS);
  const untilNs = deadline(c, at);
  const f = mqGet(c, mqdes, FMODE_READ);
  const q = mqueueOf(f);
  if (length < q.msgsize) return fail(EMSGSIZE);
  if (q.messages.length === 0) {
    if ((f.flags & O_NONBLOCK) !== 0) return fail(EAGAIN);
    const waiter = new IpcWaiter(c.task, "mq_receive", q.receivers, null, untilNs);
    return startWait(c, waiter, ETIMEDOUT, ERESTARTSYS, placeOf(waiter));
  }
  const m = q.take();
  const sender = q.senders[0];
  if (sender !== undefined) {
    q.insert(sender.want);
    finishWait(c.k, sender, 0, 0);
  } else c.wake(q.poll, ALL);
  touch(f.inode);
  return m;
}

const attrOf = (f: OpenFile, q: Mqueue): MqAttr => ({
  flags: f.flags & O_NONBLOCK,
  maxmsg: q.maxmsg,
  msgsize: q.msgsize,
  curmsgs: q.messages.length,
});

export const mqCalls: Impl<MqSys> = {
  mq_open(c, name, oflag, mode, attr) {
    return mqOpen(c, name, int(oflag, "oflag"), int(mode ?? 0, "mode"), attrArg(attr));
  },
  mq_unlink(c, nameArg) {
    const { dir, found } = lookup(c, nameArg);
    if (found === null) return fail(ENOENT);
    const d = dir.inode as Inode;
    mayDelete(c, d, found, false);
    d.ops.unlink?.(c, d, found);
    unhash(c, found);
    return 0;
  },
  mq_timedsend(c, mqdes, data, prio, at) {
    return mqSend(c, int(mqdes, "mqdes"), messageArg(data), uint(prio ?? 0, "msg_prio"), at);
  },
  mq_timedreceive: (c, mqdes, length, at) => mqReceive(c, int(mqdes, "mqdes"), ulong(length, "length"), at),
  mq_notify(c, mqdes, event) {
    const e = event === null || event === undefined ? null : struct(event, "sevp");
    if (e !== null) {
      const how = int(e.notify, "sevp.notify");
      if (how !== SIGEV_NONE && how !== SIGEV_SIGNAL && how !== SIGEV_THREAD) return fail(EINVAL);
      const signo = int(e.signo ?? 0, "sevp.signo");
      if (how === SIGEV_SIGNAL && (signo < 0 || signo > SIGRTMAX)) return fail(EINVAL);
      // its "signal" is the C library's netlink socket, and there is none
      if (how === SIGEV_THREAD) return fail(EBADF);
    }
    const q = mqueueOf(mqGet(c, int(mqdes, "mqdes"), 0));
    if (e === null) {
      if (q.notify?.owner === c.task.tgid) q.notify = null;
      return 0;
    }
    if (q.notify !== null) return fail(EBUSY);
    q.notify = { owner: c.task.tgid, how: e.notify, signo: e.signo ?? 0, value: e.value ?? 0 };
    return 0;
  },
  mq_getsetattr(c, mqdes, attr) {
    const flags = attr == null ? -1 : int(struct(attr, "attr").flags ?? 0, "attr.flags");
    if (flags !== -1 && (flags & ~O_NONBLOCK) !== 0) return fail(EINVAL);
    const f = mqGet(c, int(mqdes, "mqdes"), 0);
    const old = attrOf(f, mqueueOf(f));
    if (flags !== -1) f.flags = (f.flags & ~O_NONBLOCK) | flags;
    return old;
  },
};

/**
 * POSIX message queues as objects and as files: the file system `mqueue` has one superblock per ipc namespace, a file per queue, and a
 * line of text in each. mq_overview(7).
 */
import {
  CAP_SYS_RESOURCE,
  type Core,
  type Ctx,
  capable,
  changedData,
  EACCES,
  EINVAL,
  EMFILE,
  ENOSPC,
  EOVERFLOW,
  FileOps,
  type FileSystemType,
  FS_USERNS_MOUNT,
  fail,
  genericLlseek,
  Inode,
  InodeOps,
  latin1Bytes,
  MNT_DETACHED,
  MNT_INTERNAL,
  type Mount,
  MQUEUE_MAGIC,
  memDirFileOps,
  mountReleased,
  newMount,
  type OpenFile,
  type Pid,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  RLIMIT_MSGQUEUE,
  readBuffer,
  rlimit,
  S_IFDIR,
  S_IFREG,
  S_ISVTX,
  SB_NODEV,
  SB_NOEXEC,
  SB_PINNED,
  SIGEV_SIGNAL,
  SuperBlock,
  type SuperOps,
  simpleSetattr,
  touchCtime,
  WaitQueue,
} from "@kernelkit/core";
import { addMsgqueueBytes, getUcounts, type Ucounts } from "../ucounts.js";
import { pidSeen } from "./ipcIds.js";
import { type IpcNamespace, ipcNsOf } from "./ipcNamespace.js";
import type { MqAttr } from "./ipcSys.js";
import type { IpcWaiter } from "./waiting.js";

/** Limits even for CAP_SYS_RESOURCE. */
const HARD_MSGMAX = 65536;
const HARD_MSGSIZEMAX = 16 * 1024 * 1024;
/** Priorities are below this. */
export const MQ_PRIO_MAX = 32768;
/** What the kernel keeps per message, and per priority in use (bytes). */
const MSG_BYTES = 48;
const TREE_NODE_BYTES = 48;
const FILENT_SIZE = 80;
const DIRENT_SIZE = 20;

export interface MqMessage {
  prio: number;
  data: Uint8Array;
}

/** Who is to be told of the next message in an empty queue. */
export interface MqNotify {
  owner: Pid;
  /** SIGEV_ value, signal number, what the signal carries. */
  how: number;
  signo: number;
  value: number;
}

/** inode.data */
export class Mqueue {
  /** By descending priority, in order of arrival within one. */
  readonly messages: MqMessage[] = [];
  /** Bytes of all. */
  qsize = 0;
  notify: MqNotify | null = null;
  /** Most important first. */
  readonly senders: IpcWaiter<MqMessage>[] = [];
  readonly receivers: IpcWaiter<null>[] = [];
  readonly poll: WaitQueue = new WaitQueue("mqueue");

  constructor(
    readonly maxmsg: number,
    readonly msgsize: number,
    readonly ucounts: Ucounts,
    /** Charged to them (RLIMIT_MSGQUEUE). */
    readonly bytes: number,
  ) {}

  insert(m: MqMessage): void {
    let i = this.messages.length;
    while (i > 0 && this.messages[i - 1].prio < m.prio) i--;
    this.messages.splice(i, 0, m);
    this.qsize += m.data.length;
  }

  take(): MqMessage {
    const m = this.messages.shift() as MqMessage;
    this.qsize -= m.data.length;
    return m;
  }
}

/** sb.data: null when the namespace has gone. */
interface MqSuper {
  ns: IpcNamespace | null;
}

export function mqueueOf(file: OpenFile): Mqueue {
  return file.inode.data as Mqueue;
}

/** A queue for `attr`, charged to the caller. EINVAL, EOVERFLOW, EMFILE. */
function newMqueue(c: Ctx, ns: IpcNamespace, attr: MqAttr | null): Mqueue {
  const { k, task } = c;
  const { mq } = ns;
  const maxmsg = attr?.maxmsg ?? Math.min(mq.msgMax, mq.msgDefault);
  const msgsize = attr?.msgsize ?? Math.min(mq.msgsizeMax, mq.msgsizeDefault);
  if (maxmsg <= 0 || msgsize <= 0) return fail(EINVAL);
  const powerful = capable(k, task, CAP_SYS_RESOURCE);
  if (maxmsg > (powerful ? HARD_MSGMAX : mq.msgMax)) return fail(EINVAL);
  if (msgsize > (powerful ? HARD_MSGSIZEMAX : mq.msgsizeMax)) return fail(EINVAL);
  const bytes = maxmsg * MSG_BYTES + Math.min(maxmsg, MQ_PRIO_MAX) * TREE_NODE_BYTES + maxmsg * msgsize;
  if (bytes > Number.MAX_SAFE_INTEGER) return fail(EOVERFLOW);
  const uc = getUcounts(task.cred.userNs, task.cred.uid);
  if (!addMsgqueueBytes(uc, bytes, rlimit(task, RLIMIT_MSGQUEUE))) return fail(EMFILE);
  return new Mqueue(maxmsg, msgsize, uc, bytes);
}

/** A queue of that name in the root directory of the namespace's file system. EACCES, ENOSPC and those of newMqueue. */
export function createMqueue(c: Ctx, dir: Inode, mode: number, attr: MqAttr | null): Inode {
  const { ns } = dir.sb.data as MqSuper;
  if (ns === null) return fail(EACCES);
  if (ns.queues >= ns.mq.queuesMax && !capable(c.k, c.task, CAP_SYS_RESOURCE)) return fail(ENOSPC);
  const q = newMqueue(c, ns, attr);
  ns.queues++;
  const inode = new Inode(dir.sb, dir.sb.newIno(), S_IFREG | (mode & 0o7777), mqueueInodeOps, mqueueFileOps);
  inode.uid = c.task.cred.fsuid;
  inode.gid = c.task.cred.fsgid;
  inode.size = FILENT_SIZE;
  inode.data = q;
  dir.size += DIRENT_SIZE;
  changedData(dir);
  return inode;
}

const mqueueInodeOps: InodeOps = /* @__PURE__ */ new InodeOps({
  setattr(c, inode, a) {
    simpleSetattr(c, inode, a);
    return undefined;
  },
});

const mqueueDirOps: InodeOps = /* @__PURE__ */ new InodeOps({
  create: (c, dir, _name, mode) => createMqueue(c, dir, mode, null),
  unlink(_c, dir, dentry) {
    const inode = dentry.inode as Inode;
    inode.nlink--;
    touchCtime(inode);
    dir.size -= DIRENT_SIZE;
    changedData(dir);
  },
});

/** The process gives up being told, at the close of its descriptor and at its end. */
function forgetNotify(k: Core, q: Mqueue): void {
  if (q.notify !== null && q.notify.owner === k.current?.tgid) q.notify = null;
}

export const mqueueFileOps: FileOps = /* @__PURE__ */ new FileOps({
  read(c, file, count, pos, buf) {
    const q = mqueueOf(file);
    const n = q.notify;
    const pad = (v: number, w: number): string => String(v).padEnd(w);
    const signo = n !== null && n.how === SIGEV_SIGNAL ? n.signo : 0;
    const owner = pidSeen(c.k, c.task, n?.owner ?? null);
    const text = `QSIZE:${pad(q.qsize, 10)} NOTIFY:${pad(n?.how ?? 0, 5)} SIGNO:${pad(signo, 5)} NOTIFY_PID:${pad(owner, 6)}\n`;
    const bytes = latin1Bytes(text).subarray(pos, pos + count);
    const out = readBuffer(buf, bytes.length);
    out.set(bytes);
    return out;
  },
  llseek: genericLlseek,
  poll(_c, file, pt) {
    const q = mqueueOf(file);
    pt?.add(q.poll);
    const n = q.messages.length;
    return (n > 0 ? POLLIN | POLLRDNORM : 0) | (n < q.maxmsg ? POLLOUT | POLLWRNORM : 0);
  },
  flush: (k, file) => forgetNotify(k, mqueueOf(file)),
});

const mqueueSuperOps: SuperOps = {
  evict(inode) {
    if (!(inode.data instanceof Mqueue)) return;
    addMsgqueueBytes(inode.data.ucounts, -inode.data.bytes, 0);
    const { ns } = inode.sb.data as MqSuper;
    if (ns !== null) ns.queues--;
  },
};

/** The file system type; `userNs` says whose capability a mount takes. */
const mqueueFs: FileSystemType = {
  name: "mqueue",
  flags: FS_USERNS_MOUNT,
  userNs: (k, t) => ipcNsOf(k, t).userNs,
  mount: ({ k, task }) => mqueueMount(k, ipcNsOf(k, task ?? k.tasks.init)).sb,
};

/** The kernel's own mount of a namespace's queues, made at its first use. */
export function mqueueMount(k: Core, ns: IpcNamespace): Mount {
  if (ns.mqueueMnt !== null) return ns.mqueueMnt;
  const sb = new SuperBlock(k, mqueueFs, MQUEUE_MAGIC, mqueueSuperOps, { userNs: ns.userNs });
  sb.flags |= SB_PINNED | SB_NODEV | SB_NOEXEC;
  const data: MqSuper = { ns };
  sb.data = data;
  const root = new Inode(sb, sb.newIno(), S_IFDIR | S_ISVTX | 0o777, mqueueDirOps, memDirFileOps);
  root.uid = ns.creatorUid;
  root.gid = ns.creatorGid;
  root.nlink = 2;
  root.size = 2 * DIRENT_SIZE;
  sb.root = k.vfs.dcache.makeRoot(root);
  const mnt = newMount(k.vfs, sb, sb.root, "mqueue");
  mnt.flags |= MNT_INTERNAL;
  ns.mqueueMnt = mnt;
  return mnt;
}

/** The namespace has gone: its queues go with the last who has them open. */
export function endMqueues(k: Core, ns: IpcNamespace): void {
  const mnt = ns.mqueueMnt;
  if (mnt === null) return;
  (mnt.sb.data as MqSuper).ns = null;
  ns.mqueueMnt = null;
  mnt.flags |= MNT_DETACHED;
  mountReleased(k.vfs, mnt);
}

export function installMqueueFs(k: Core): void {
  k.vfs.registerFilesystem(mqueueFs);
  const { state } = k;
  state.class(Mqueue);
  state.static("mqueue.superOps", mqueueSuperOps);
  state.static("mqueue.inodeOps", mqueueInodeOps);
  state.static("mqueue.dirOps", mqueueDirOps);
  state.static("mqueue.fileOps", mqueueFileOps);
}

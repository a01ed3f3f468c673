/**
 * System V message queues: msgget(2), msgop(2), msgctl(2). A message that waits for room or for a type is a call tried again from the
 * top; who was removed meanwhile gets EIDRM.
 */
import {
  CAP_SYS_RESOURCE,
  type Core,
  type Ctx,
  capable,
  E2BIG,
  EAGAIN,
  EFAULT,
  EIDRM,
  EINVAL,
  ENOMSG,
  EPERM,
  ERESTARTNOHAND,
  fail,
  type Impl,
  IPC_INFO,
  IPC_NOWAIT,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  int,
  MSG_COPY,
  MSG_EXCEPT,
  MSG_INFO,
  MSG_NOERROR,
  MSG_STAT,
  MSG_STAT_ANY,
  type Pid,
  struct,
  TASK_INTERRUPTIBLE,
  type Wait,
  WaitQueue,
  whole,
} from "@kernelkit/core";
import {
  checkControl,
  checkPerms,
  IpcPerm,
  ipcGet,
  ipcLine,
  ipcToStat,
  messageArg,
  permStat,
  pidSeen,
  setPerm,
} from "./ipcIds.js";
import { type IpcNamespace, ipcNsOf } from "./ipcNamespace.js";
import type { MsgSys, MsqidDs } from "./ipcSys.js";
import { failAll, finishWait, IpcWaiter, resumeWait, startWait, waiterOf } from "./waiting.js";

/** What a msgrcv(2) waits for. */
interface Wanted {
  type: number;
  flags: number;
  /** Bytes it has room for. */
  room: number;
}
interface Message {
  type: number;
  data: Uint8Array;
}

export class MsgQueue extends IpcPerm {
  stime = 0;
  rtime = 0;
  ctime = 0;
  cbytes = 0;
  qbytes = 0;
  lspid: Pid | null = null;
  lrpid: Pid | null = null;
  readonly messages: Message[] = [];
  readonly senders: WaitQueue = new WaitQueue("msgsnd");
  readonly receivers: IpcWaiter<Wanted>[] = [];
}

const ALL = 0x7fffffff;
const now = (c: Ctx): number => c.k.time.realtime().sec;

/** Does a message answer to `type` (and MSG_EXCEPT)? 0 and negative types: if it may be taken at all. */
function answers(m: Message, type: number, flags: number): boolean {
  if (type === 0) return true;
  if (type > 0) return (m.type === type) !== ((flags & MSG_EXCEPT) !== 0);
  return m.type <= -type;
}

/** Where the message stands that `type` asks for; -1: there is none. */
function find(q: MsgQueue, type: number, flags: number): number {
  const { messages } = q;
  if ((flags & MSG_COPY) !== 0) return type < messages.length ? type : -1;
  if (type >= 0) return messages.findIndex((m) => answers(m, type, flags));
  let best = -1;
  for (let i = 0; i < messages.length; i++)
    if (answers(messages[i], type, flags) && (best < 0 || messages[i].type < messages[best].type)) best = i;
  return best;
}

/** A message goes to the first who waits for it and has room; who has none learns that it is too big. False: nobody takes it. */
function handOver(c: Ctx, q: MsgQueue, m: Message): boolean {
  for (const w of [...q.receivers]) {
    const { type, flags, room } = w.want;
    if (!answers(m, type, flags)) continue;
    if (m.data.length > room && (flags & MSG_NOERROR) === 0) {
      finishWait(c.k, w, E2BIG);
      continue;
    }
    q.lrpid = w.task.tgid;
    q.rtime = now(c);
    finishWait(c.k, w, 0, received(m, room));
    return true;
  }
  return false;
}

const received = (m: Message, room: number): Message => ({
  type: m.type,
  data: m.data.length > room ? m.data.slice(0, room) : m.data,
});

/** The queue of a msgsnd(2) that may have slept: the one it began with, or EIDRM. */
function queueOf(c: Ctx, ns: IpcNamespace, id: number): MsgQueue {
  const f = c.task.frame as { q?: MsgQueue } | null;
  if (f?.q === undefined) return ns.msg.get(id);
  return f.q.deleted ? fail(EIDRM) : f.q;
}

function waitForRoom(c: Ctx, q: MsgQueue): Wait {
  c.frame(() => ({ q }));
  return c.sleep(q.senders, undefined, TASK_INTERRUPTIBLE, ERESTARTNOHAND);
}

function stat(c: Ctx, q: MsgQueue): MsqidDs {
  const { stime, rtime, ctime, cbytes, qbytes } = q;
  const lspid = pidSeen(c.k, c.task, q.lspid);
  const lrpid = pidSeen(c.k, c.task, q.lrpid);
  return { ...permStat(c.task, q), stime, rtime, ctime, cbytes, qnum: q.messages.length, qbytes, lspid, lrpid };
}

/** Take a queue away; all who wait for it learn of it. */
export function freeQueue(k: Core, ns: IpcNamespace, q: MsgQueue): void {
  ns.msg.remove(q);
  q.messages.length = 0;
  if (q.senders.head !== null) k.sched.wakeUp(q.senders, ALL);
  failAll(k, q.receivers, EIDRM);
}

export const msgCalls: Impl<MsgSys> = {
  msgget(c, key, msgflg) {
    const ns = ipcNsOf(c.k, c.task);
    const flags = int(msgflg, "msgflg");
    const k32 = int(key, "key");
    const make = (): number => {
      const q = new MsgQueue(k32, flags & 0o777, c.task);
      q.qbytes = ns.msgmnb;
      q.ctime = now(c);
      return ns.msg.add(q, ns.msgmni);
    };
    return ipcGet(c.k, c.task, ns.userNs, ns.msg, k32, flags, make, () => {});
  },
  msgsnd(c, msqid, mtype, data, msgflg) {
    const ns = ipcNsOf(c.k, c.task);
    const id = int(msqid, "msqid");
    const flags = int(msgflg ?? 0, "msgflg");
    const bytes = messageArg(data);
    const type = whole(mtype, "mtype");
    if (bytes.length > ns.msgmax || id < 0 || type < 1) return fail(EINVAL);
    const q = queueOf(c, ns, id);
    checkPerms(c.k, c.task, ns.userNs, q, 0o222);
    if (bytes.length + q.cbytes > q.qbytes || q.messages.length + 1 > q.qbytes) {
      if ((flags & IPC_NOWAIT) !== 0) return fail(EAGAIN);
      return waitForRoom(c, q);
    }
    q.lspid = c.task.tgid;
    q.stime = now(c);
    const m: Message = { type, data: bytes.slice() };
    if (handOver(c, q, m)) return 0;
    q.messages.push(m);
    q.cbytes += bytes.length;
    return 0;
  },
  msgrcv(c, msqid, msgsz, msgtyp, msgflg) {
    const w = waiterOf<Wanted>(c);
    if (w?.errno === EAGAIN) c.task.frame = null;
    else if (w !== null) return resumeWait<Message>(c, w, EINVAL, ERESTARTNOHAND);
    const ns = ipcNsOf(c.k, c.task);
    const id = int(msqid, "msqid");
    const flags = int(msgflg ?? 0, "msgflg");
    const room = whole(msgsz, "msgsz");
    const type = whole(msgtyp, "msgtyp");
    if (id < 0 || room < 0) return fail(EINVAL);
    if ((flags & MSG_COPY) !== 0 && ((flags & MSG_EXCEPT) !== 0 || (flags & IPC_NOWAIT) === 0)) return fail(EINVAL);
    const q = ns.msg.get(id);
    checkPerms(c.k, c.task, ns.userNs, q, 0o444);
    const i = find(q, type, flags);
    if (i < 0) {
      if ((flags & IPC_NOWAIT) !== 0) return fail(ENOMSG);
      const waiter = new IpcWaiter<Wanted>(c.task, "msgrcv", q.receivers, { type, flags, room });
      return startWait(c, waiter, EINVAL, ERESTARTNOHAND);
    }
    const m = q.messages[i];
    if (m.data.length > room && (flags & MSG_NOERROR) === 0) return fail(E2BIG);
    // a copy is whole or not at all
    if (m.data.length > room && (flags & MSG_COPY) !== 0) return fail(EINVAL);
    if ((flags & MSG_COPY) === 0) {
      q.messages.splice(i, 1);
      q.cbytes -= m.data.length;
      q.lrpid = c.task.tgid;
      q.rtime = now(c);
      c.wake(q.senders, ALL);
    }
    return received(m, room);
  },
  msgctl(c, msqid, cmd, buf) {
    const ns = ipcNsOf(c.k, c.task);
    const id = int(msqid, "msqid");
    if (id < 0) return fail(EINVAL);
    switch (int(cmd, "cmd")) {
      case IPC_INFO:
      case MSG_INFO:
        return Math.max(0, ns.msg.maxIdx());
      case IPC_STAT:
        return stat(c, ipcToStat(c.k, c.task, ns.userNs, ns.msg, id, "id"));
      case MSG_STAT:
      case MSG_STAT_ANY: {
        const q = ipcToStat(c.k, c.task, ns.userNs, ns.msg, id, cmd === MSG_STAT ? "slot" : "any");
        return { ...stat(c, q), id: q.id };
      }
      case IPC_SET: {
        if (buf === null || buf === undefined) return fail(EFAULT);
        const set = struct(buf, "buf");
        const q = ns.msg.get(id);
        checkControl(c.k, c.task, ns.userNs, q);
        const qbytes = set.qbytes ?? q.qbytes;
        if (qbytes > ns.msgmnb && !capable(c.k, c.task, CAP_SYS_RESOURCE)) return fail(EPERM);
        setPerm(c.task, q, set.uid, set.gid, set.mode);
        q.qbytes = qbytes;
        q.ctime = now(c);
        // who waits asks again: permissions may be others now
        failAll(c.k, q.receivers, EAGAIN);
        c.wake(q.senders, ALL);
        return 0;
      }
      case IPC_RMID: {
        const q = ns.msg.get(id);
        checkControl(c.k, c.task, ns.userNs, q);
        freeQueue(c.k, ns, q);
        return 0;
      }
      default:
        return fail(EINVAL);
    }
  },
};

/** /proc/sysvipc/msg */
export function msgText(c: Ctx, ns: IpcNamespace): string {
  let out =
    "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n";
  for (const q of ns.msg.sorted()) {
    const s = stat(c, q);
    const ids = [
      [s.lspid, 5],
      [s.lrpid, 5],
      [s.uid, 5],
      [s.gid, 5],
      [s.cuid, 5],
      [s.cgid, 5],
    ] as const;
    out += ipcLine(q, [[s.cbytes, 11], [s.qnum, 10], ...ids, [s.stime, 10], [s.rtime, 10], [s.ctime, 10]]);
  }
  return out;
}

/**
 * System V message queues: msgget(2), msgop(2), msgctl(2). A message that waits for room or for a type is a call tried again from the
 * top; who was removed meanwhile gets EIDRM.
 */
import {
  CAP_SYS_RESOURCE,
  type Ctx,
  capable,
  E2BIG,
  EAGAIN,
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
  TASK_INTERRUPTIBLE,
  type Task,
  utf8Bytes,
  type Wait,
  WaitQueue,
} from "@kernelkit/core";
import { checkControl, checkPerms, IpcPerm, ipcGet, permStat, setPerm } from "./ipcIds.js";
import { type IpcNamespace, ipcNsOf } from "./ipcNamespace.js";
import type { MsgSys, MsqidDs } from "./ipcSys.js";

export const MSG_NOERROR = 0o10000;
export const MSG_EXCEPT = 0o20000;
export const MSG_COPY = 0o40000;
export const MSG_STAT = 11;
export const MSG_INFO = 12;
export const MSG_STAT_ANY = 13;

export class MsgQueue extends IpcPerm {
  stime = 0;
  rtime = 0;
  ctime = 0;
  cbytes = 0;
  qbytes = 0;
  lspid = 0;
  lrpid = 0;
  readonly messages: { type: number; data: Uint8Array }[] = [];
  readonly senders: WaitQueue = new WaitQueue("msgsnd");
  readonly receivers: WaitQueue = new WaitQueue("msgrcv");
}

const ALL = 0x7fffffff;
const now = (c: Ctx): number => c.k.time.realtime().sec;

/** Where the message stands that `type` (and MSG_EXCEPT) asks for; -1: there is none. */
function find(q: MsgQueue, type: number, flags: number): number {
  const { messages } = q;
  if ((flags & MSG_COPY) !== 0) return type < messages.length ? type : -1;
  if (type === 0) return messages.length > 0 ? 0 : -1;
  if (type > 0) return messages.findIndex((m) => (m.type === type) !== ((flags & MSG_EXCEPT) !== 0));
  let best = -1;
  for (let i = 0; i < messages.length; i++)
    if (messages[i].type <= -type && (best < 0 || messages[i].type < messages[best].type)) best = i;
  return best;
}

/** The queue of a call that may have slept: the one it began with, or EIDRM. */
function queueOf(c: Ctx, ns: IpcNamespace, id: number): MsgQueue {
  const f = c.task.frame as { q?: MsgQueue } | null;
  if (f?.q === undefined) return ns.msg.get(id);
  return f.q.deleted ? fail(EIDRM) : f.q;
}

function pause(c: Ctx, q: MsgQueue, on: WaitQueue): Wait {
  c.frame(() => ({ q }));
  return c.sleep(on, undefined, TASK_INTERRUPTIBLE, ERESTARTNOHAND);
}

function stat(t: Task, q: MsgQueue): MsqidDs {
  const { stime, rtime, ctime, cbytes, qbytes, lspid, lrpid } = q;
  return { ...permStat(t, q), stime, rtime, ctime, cbytes, qnum: q.messages.length, qbytes, lspid, lrpid };
}

/** Take a queue away; all who wait for it learn of it. */
export function freeQueue(c: { wake: Ctx["wake"] }, ns: IpcNamespace, q: MsgQueue): void {
  ns.msg.remove(q);
  q.messages.length = 0;
  c.wake(q.senders, ALL);
  c.wake(q.receivers, ALL);
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
    const bytes = typeof data === "string" ? utf8Bytes(data) : data;
    if (bytes.length > ns.msgmax || id < 0 || mtype < 1) return fail(EINVAL);
    const q = queueOf(c, ns, id);
    checkPerms(c.k, c.task, ns.userNs, q, 0o222);
    if (bytes.length + q.cbytes > q.qbytes || q.messages.length + 1 > q.qbytes) {
      if ((flags & IPC_NOWAIT) !== 0) return fail(EAGAIN);
      return pause(c, q, q.senders);
    }
    q.messages.push({ type: mtype, data: bytes.slice() });
    q.cbytes += bytes.length;
    q.lspid = c.task.tgid.nrNs(c.k.tasks.pidNsOf(c.task));
    q.stime = now(c);
    c.wake(q.receivers, ALL);
    return 0;
  },
  msgrcv(c, msqid, msgsz, msgtyp, msgflg) {
    const ns = ipcNsOf(c.k, c.task);
    const id = int(msqid, "msqid");
    const flags = int(msgflg ?? 0, "msgflg");
    if (id < 0 || msgsz < 0) return fail(EINVAL);
    if ((flags & MSG_COPY) !== 0 && ((flags & MSG_EXCEPT) !== 0 || (flags & IPC_NOWAIT) === 0)) return fail(EINVAL);
    const q = queueOf(c, ns, id);
    checkPerms(c.k, c.task, ns.userNs, q, 0o444);
    const i = find(q, msgtyp, flags);
    if (i < 0) return (flags & IPC_NOWAIT) !== 0 ? fail(ENOMSG) : pause(c, q, q.receivers);
    const m = q.messages[i];
    if (m.data.length > msgsz && (flags & MSG_NOERROR) === 0) return fail(E2BIG);
    if ((flags & MSG_COPY) === 0) {
      q.messages.splice(i, 1);
      q.cbytes -= m.data.length;
      q.lrpid = c.task.tgid.nrNs(c.k.tasks.pidNsOf(c.task));
      q.rtime = now(c);
      c.wake(q.senders, ALL);
    }
    return { type: m.type, data: m.data.length > msgsz ? m.data.slice(0, msgsz) : m.data };
  },
  msgctl(c, msqid, cmd, buf) {
    const ns = ipcNsOf(c.k, c.task);
    const id = int(msqid, "msqid");
    if (id < 0) return fail(EINVAL);
    switch (int(cmd, "cmd")) {
      case IPC_INFO:
      case MSG_INFO:
        return Math.max(0, ns.msg.maxIdx());
      case IPC_STAT: {
        const q = ns.msg.get(id);
        checkPerms(c.k, c.task, ns.userNs, q, 0o444);
        return stat(c.task, q);
      }
      case MSG_STAT:
      case MSG_STAT_ANY: {
        const q = ns.msg.slots.get(id) ?? fail(EINVAL);
        if (cmd === MSG_STAT) checkPerms(c.k, c.task, ns.userNs, q, 0o444);
        return { ...stat(c.task, q), id: q.id };
      }
      case IPC_SET: {
        const set = buf ?? fail(EINVAL);
        const q = ns.msg.get(id);
        checkControl(c.k, c.task, ns.userNs, q);
        const qbytes = set.qbytes ?? q.qbytes;
        if (qbytes > ns.msgmnb && !capable(c.k, c.task, CAP_SYS_RESOURCE)) return fail(EPERM);
        setPerm(c.task, q, set.uid, set.gid, set.mode);
        q.qbytes = qbytes;
        q.ctime = now(c);
        c.wake(q.senders, ALL);
        c.wake(q.receivers, ALL);
        return 0;
      }
      case IPC_RMID: {
        const q = ns.msg.get(id);
        checkControl(c.k, c.task, ns.userNs, q);
        freeQueue(c, ns, q);
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
    const s = stat(c.task, q);
    const n = (v: number, w: number): string => String(v).padStart(w);
    out += `${n(s.key, 10)} ${n(q.id, 10)}  ${q.mode.toString(8).padStart(4)}  ${n(s.cbytes, 10)} ${n(s.qnum, 10)} ${n(s.lspid, 5)} ${n(s.lrpid, 5)} ${n(s.uid, 5)} ${n(s.gid, 5)} ${n(s.cuid, 5)} ${n(s.cgid, 5)} ${n(s.stime, 10)} ${n(s.rtime, 10)} ${n(s.ctime, 10)}\n`;
  }
  return out;
}

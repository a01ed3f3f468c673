/**
 * What goes along with a message between sockets: descriptors and credentials. cmsg(3), unix(7) "Ancillary messages".
 */
import { CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN, CAP_SYS_RESOURCE } from "../abi/capability.js";
import { EINVAL, EPERM, ESRCH, ETOOMANYREFS } from "../abi/errno.js";
import { Errno, fail } from "../abi/errors.js";
import { RLIMIT_NOFILE } from "../abi/resource.js";
import { MSG_CMSG_CLOEXEC, MSG_CTRUNC, SCM_CREDENTIALS, SCM_RIGHTS, SO_PASSCRED, SOL_SOCKET } from "../abi/socket.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { int, list, struct } from "../sys/args.js";
import type { Cmsg, Ucred } from "../sys/socketSys.js";
import { capable, nsCapable } from "../task/capable.js";
import type { Cred } from "../task/cred.js";
import type { Pid, PidNamespace } from "../task/pid.js";
import { rlimit } from "../task/rlimits.js";
import type { Task } from "../task/task.js";
import { fromKgidMunged, fromKuidMunged, INVALID_ID, makeKgid, makeKuid } from "../task/userNamespace.js";
import type { OpenFile } from "../vfs/file.js";
import { fgetRaw, fput, getFile } from "../vfs/fileTable.js";
import type { InMsg, Sock } from "./sock.js";

const SCM_MAX_FD = 253;
/** Bytes of a control message's header, and of struct ucred. */
const CMSG_HDR = 16;
const UCRED = 12;

/** Whom a message is from: kernel ids, and a pid that each receiver sees in its own namespace. State. */
export class ScmCred {
  constructor(
    readonly pid: Pid | null,
    readonly uid: number,
    readonly gid: number,
  ) {}
}

export function credOf(t: Task): ScmCred {
  return new ScmCred(t.tgid, t.cred.uid, t.cred.gid);
}

/** struct ucred as the task sees it. */
export function ucredFor(k: Core, t: Task, s: ScmCred | null): Ucred {
  if (s === null) return { pid: 0, uid: INVALID_ID, gid: INVALID_ID };
  const { userNs } = t.cred;
  const pid = s.pid === null ? 0 : s.pid.nrNs(k.tasks.pidNsOf(t) as PidNamespace);
  return { pid, uid: fromKuidMunged(userNs, s.uid), gid: fromKgidMunged(userNs, s.gid) };
}

const has = (ids: readonly number[], id: number): boolean => ids.includes(id);

/** Credentials that a sender names: its own, or with capabilities any. ESRCH, EPERM, EINVAL. */
function checkCred(c: Ctx, u: Ucred): ScmCred {
  const { k, task } = c;
  const { cred } = task;
  const uid = makeKuid(cred.userNs, int(u.uid, "cred.uid") >>> 0);
  const gid = makeKgid(cred.userNs, int(u.gid, "cred.gid") >>> 0);
  if (uid === INVALID_ID || gid === INVALID_ID) return fail(EINVAL);
  const nr = int(u.pid, "cred.pid");
  const pidNs = k.tasks.pidNsOf(task) as PidNamespace;
  const own = task.tgid.nrNs(pidNs) === nr;
  const mayPid = own || nsCapable(k, task, pidNs.userNs, CAP_SYS_ADMIN);
  const { userNs } = cred;
  const mayUid = has([cred.uid, cred.euid, cred.suid], uid) || nsCapable(k, task, userNs, CAP_SETUID);
  const mayGid = has([cred.gid, cred.egid, cred.sgid], gid) || nsCapable(k, task, userNs, CAP_SETGID);
  if (!mayPid || !mayUid || !mayGid) return fail(EPERM);
  const pid = own ? task.tgid : k.tasks.findVpid(task, nr);
  return new ScmCred(pid ?? fail(ESRCH), uid, gid);
}

/** Take control messages apart: descriptions (each with a reference) and credentials. */
export function scmSend(c: Ctx, control: readonly Cmsg[]): { fds: OpenFile[]; cred: ScmCred | null } {
  const fds: OpenFile[] = [];
  let cred: ScmCred | null = null;
  try {
    for (const m of list(control, "control") as readonly Cmsg[]) {
      struct(m, "control[]");
      if (int(m.level, "level") !== SOL_SOCKET) continue;
      switch (int(m.type, "type")) {
        case SCM_RIGHTS: {
          const asked = list(m.fds, "fds").map((fd) => int(fd, "fds"));
          if (fds.length + asked.length > SCM_MAX_FD) fail(EINVAL);
          for (const fd of asked) fds.push(getFile(fgetRaw(c.task, fd)));
          break;
        }
        case SCM_CREDENTIALS:
          cred = checkCred(c, struct(m.cred, "cred"));
          break;
        default:
          fail(EINVAL);
      }
    }
  } catch (e) {
    dropFiles(c.k, fds);
    throw e;
  }
  return { fds, cred };
}

export function dropFiles(k: Core, fds: readonly OpenFile[]): void {
  for (const f of fds) fput(k, f);
}

/** Descriptors that are under way count for who sends them. ETOOMANYREFS. */
export function countInflight(c: Ctx, cred: Cred, n: number): void {
  const { k, task } = c;
  const now = k.net.inflightOf.get(cred.uid) ?? 0;
  if (now > rlimit(task, RLIMIT_NOFILE) && !capable(k, task, CAP_SYS_RESOURCE) && !capable(k, task, CAP_SYS_ADMIN))
    fail(ETOOMANYREFS);
  k.net.inflightOf.set(cred.uid, now + n);
}

export function uncountInflight(k: Core, uid: number, n: number): void {
  const left = (k.net.inflightOf.get(uid) ?? 0) - n;
  if (left > 0) k.net.inflightOf.set(uid, left);
  else k.net.inflightOf.delete(uid);
}

/** Put what came along into control messages of at most `room` bytes; descriptors get numbers. */
export function scmRecv(c: Ctx, sk: Sock, msg: InMsg, flags: number, room: number): void {
  const { k, task } = c;
  let left = room;
  if (sk.option(SO_PASSCRED) !== 0) {
    if (left < CMSG_HDR + UCRED) msg.flags |= MSG_CTRUNC;
    else {
      left -= CMSG_HDR + 16;
      const seen = ucredFor(k, task, msg.cred);
      // a message without credentials is from nobody
      if (msg.cred === null) seen.uid = seen.gid = 65534;
      msg.control.push({ level: SOL_SOCKET, type: SCM_CREDENTIALS, cred: seen });
    }
  }
  if (msg.fds === null) return;
  const fds: number[] = [];
  const fit = left < CMSG_HDR ? 0 : Math.min(msg.fds.length, Math.floor((left - CMSG_HDR) / 4));
  for (let i = 0; i < msg.fds.length; i++) {
    if (fds.length === i && i < fit)
      try {
        fds.push(k.vfs.fdInstall(task, msg.fds[i], (flags & MSG_CMSG_CLOEXEC) !== 0));
        continue;
      } catch (e) {
        if (!(e instanceof Errno)) throw e;
      }
    fput(k, msg.fds[i]);
  }
  if (fds.length < msg.fds.length) msg.flags |= MSG_CTRUNC;
  if (fds.length > 0) msg.control.push({ level: SOL_SOCKET, type: SCM_RIGHTS, fds });
}

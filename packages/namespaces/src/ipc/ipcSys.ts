/**
 * System calls of System V objects, sysvipc(7), and of POSIX message queues, mq_overview(7). Errors in the order in which they are
 * checked.
 */
import type { Ret, SysBase, Timespec } from "@kernelkit/core";
import type { IpcPermStat } from "./ipcIds.js";
import type { Sembuf } from "./semArray.js";

/** IPC_SET: what is to become of owner and mode. */
export interface IpcSet {
  uid: number;
  gid: number;
  mode: number;
}
export interface MsqidDs extends IpcPermStat {
  stime: number;
  rtime: number;
  ctime: number;
  cbytes: number;
  qnum: number;
  qbytes: number;
  lspid: number;
  lrpid: number;
  /** Of MSG_STAT: the id of the object in that slot. */
  id?: number;
}
export interface SemidDs extends IpcPermStat {
  otime: number;
  ctime: number;
  nsems: number;
  id?: number;
}
export interface ShmidDs extends IpcPermStat {
  /** Bytes. */
  segsz: number;
  atime: number;
  dtime: number;
  ctime: number;
  cpid: number;
  lpid: number;
  nattch: number;
  id?: number;
}
export interface MsgSys extends SysBase {
  /** msgget(2). EEXIST, EACCES; ENOENT; ENOSPC (msgmni). */
  msgget(key: number, msgflg: number): Ret<this["mode"], number>;
  /** msgsnd(2). EINVAL size, id, type; EINVAL no such queue; EACCES; EAGAIN (IPC_NOWAIT, full); EIDRM; EINTR. */
  msgsnd(msqid: number, mtype: number, data: Uint8Array | string, msgflg?: number): Ret<this["mode"], number>;
  /** msgrcv(2). EINVAL; EACCES; E2BIG; ENOMSG (IPC_NOWAIT); EIDRM; EINTR. */
  msgrcv(
    msqid: number,
    msgsz: number,
    msgtyp: number,
    msgflg?: number,
  ): Ret<this["mode"], { type: number; data: Uint8Array }>;
  /** msgctl(2): IPC_STAT, MSG_STAT(_ANY) give a structure, IPC_INFO and MSG_INFO the highest slot. EINVAL; EACCES; EPERM. */
  msgctl(msqid: number, cmd: number, buf?: IpcSet & { qbytes?: number }): Ret<this["mode"], number | MsqidDs>;
}
export interface SemSys extends SysBase {
  /** semget(2). EINVAL nsems above SEMMSL; EEXIST; EINVAL more than there are; EACCES; ENOENT; EINVAL none; ENOSPC. */
  semget(key: number, nsems: number, semflg: number): Ret<this["mode"], number>;
  /** semop(2). EINVAL; E2BIG above SEMOPM; EINVAL no such array; EFBIG; EACCES; ERANGE; EAGAIN (IPC_NOWAIT); EIDRM; EINTR. */
  semop(semid: number, sops: readonly Sembuf[] | null): Ret<this["mode"], number>;
  /** semtimedop(2): as semop, but EAGAIN after `timeout` (relative; null: none). EINVAL timeout. */
  semtimedop(semid: number, sops: readonly Sembuf[] | null, timeout: Timespec | null): Ret<this["mode"], number>;
  /**
   * semctl(2). GETALL gives the values, IPC_STAT and SEM_STAT(_ANY) a structure; `arg`: a value (SETVAL), values (SETALL), owner
   * and mode (IPC_SET). ERANGE (SETVAL); EINVAL; EACCES; EPERM; ERANGE (SETALL).
   */
  semctl(
    semid: number,
    semnum: number,
    cmd: number,
    arg?: number | readonly number[] | IpcSet | null,
  ): Ret<this["mode"], number | number[] | SemidDs>;
}
export interface ShmSys extends SysBase {
  /** shmget(2). EEXIST; EINVAL larger than it is; EACCES; ENOENT; EINVAL size; ENOSPC; ENOMEM. */
  shmget(key: number, size: number | bigint, shmflg: number): Ret<this["mode"], number>;
  /** shmat(2): the address. EINVAL id, address; EACCES; EINVAL something is mapped there; ENOMEM. */
  shmat(shmid: number, shmaddr?: number | null, shmflg?: number): Ret<this["mode"], number>;
  /** shmdt(2). EINVAL: nothing is attached there. */
  shmdt(shmaddr: number | null): Ret<this["mode"], number>;
  /** shmctl(2): IPC_STAT, SHM_STAT(_ANY) give a structure, IPC_INFO and SHM_INFO the highest slot. EINVAL; EACCES; EPERM; ENOMEM. */
  shmctl(shmid: number, cmd: number, buf?: IpcSet | null): Ret<this["mode"], number | ShmidDs>;
}
/** `struct mq_attr`; mq_open looks at maxmsg and msgsize, mq_getsetattr at flags. */
export interface MqAttr {
  flags?: number;
  maxmsg: number;
  msgsize: number;
  curmsgs?: number;
}
export interface MqSys extends SysBase {
  /**
   * mq_open(2): a descriptor, close-on-exec. ENOENT; EACCES a slash in the name; ENAMETOOLONG; new: EACCES, ENOSPC (queues_max), EINVAL attr,
   * EMFILE (RLIMIT_MSGQUEUE); there: EEXIST, EINVAL flags, EACCES; EMFILE.
   */
  mq_open(name: string | null, oflag: number, mode?: number, attr?: MqAttr | null): Ret<this["mode"], number>;
  /** mq_unlink(2). ENOENT; EACCES; EPERM. */
  mq_unlink(name: string | null): Ret<this["mode"], number>;
  /** mq_timedsend(2), `at` by CLOCK_REALTIME. EINVAL time, priority; EBADF; EMSGSIZE; EAGAIN (O_NONBLOCK); ETIMEDOUT; EINTR. */
  mq_timedsend(
    mqdes: number,
    data: Uint8Array | string | null,
    prio?: number,
    at?: Timespec | null,
  ): Ret<this["mode"], number>;
  /** mq_timedreceive(2): the oldest message of the highest priority. EINVAL time; EBADF; EMSGSIZE; EAGAIN; ETIMEDOUT; EINTR. */
  mq_timedreceive(
    mqdes: number,
    length: number,
    at?: Timespec | null,
  ): Ret<this["mode"], { prio: number; data: Uint8Array }>;
  /** mq_notify(2): SIGEV_NONE or SIGEV_SIGNAL, null: no more. EINVAL; EBADF; EBUSY. */
  mq_notify(mqdes: number, sevp: { notify: number; signo?: number; value?: number } | null): Ret<this["mode"], number>;
  /** mq_getsetattr(2): what was; `attr.flags` O_NONBLOCK or 0 is set. EINVAL; EBADF. */
  mq_getsetattr(mqdes: number, attr?: { flags?: number } | null): Ret<this["mode"], MqAttr>;
}
/** All of them. */
export interface IpcSys extends MsgSys, SemSys, ShmSys, MqSys {}

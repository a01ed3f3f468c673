/**
 * System calls of ipc namespaces: System V (sysvipc(7)) and POSIX message queues (mq_overview(7)). Errors in the order in which they
 * are checked.
 */
import type { Ret, SysBase } from "@kernelkit/core";
import type { IpcPermStat } from "./ipcIds.js";

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
}
export interface SemidDs extends IpcPermStat {
  otime: number;
  ctime: number;
  nsems: number;
}
export interface ShmidDs extends IpcPermStat {
  size: number;
  atime: number;
  dtime: number;
  ctime: number;
  cpid: number;
  lpid: number;
  nattch: number;
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

export interface SemOp {
  semNum: number;
  semOp: number;
  /** IPC_NOWAIT, SEM_UNDO. */
  semFlg?: number;
}

export interface SemSys extends SysBase {
  /** semget(2). EINVAL nsems; EEXIST, EINVAL (fewer there), EACCES; ENOENT; EINVAL 0 of a new one; ENOSPC (SEMMNS, SEMMNI). */
  semget(key: number, nsems: number, semflg: number): Ret<this["mode"], number>;
  /** semop(2). EINVAL; E2BIG; EINVAL no such set; EFBIG; EACCES; ERANGE; EAGAIN (IPC_NOWAIT); EIDRM; EINTR. */
  semop(semid: number, sops: readonly SemOp[]): Ret<this["mode"], number>;
  /** semtimedop(2): `timeoutNs` null: for ever. As semop; EAGAIN when it has passed. */
  semtimedop(semid: number, sops: readonly SemOp[], timeoutNs: number | null): Ret<this["mode"], number>;
  /** semctl(2). `arg`: SETVAL a number, SETALL numbers, IPC_SET. EINVAL; ERANGE (SETVAL first of all); EACCES; EPERM. */
  semctl(
    semid: number,
    semnum: number,
    cmd: number,
    arg?: number | readonly number[] | IpcSet,
  ): Ret<this["mode"], number | number[] | SemidDs>;
}

export interface ShmSys extends SysBase {
  /** shmget(2). EEXIST, EINVAL (smaller there), EACCES; ENOENT; EINVAL size; ENOSPC (shmall, shmmni). */
  shmget(key: number, size: number, shmflg: number): Ret<this["mode"], number>;
  /** shmat(2): the address. EINVAL id, address; EACCES; EIDRM; EINVAL occupied; ENOMEM. */
  shmat(shmid: number, shmaddr: number | null, shmflg?: number): Ret<this["mode"], number>;
  /** shmdt(2). EINVAL: nothing is attached there. */
  shmdt(shmaddr: number): Ret<this["mode"], number>;
  /** shmctl(2): IPC_STAT, SHM_STAT(_ANY), IPC_SET, IPC_RMID, SHM_LOCK, SHM_UNLOCK, IPC_INFO, SHM_INFO. EINVAL; EACCES; EPERM. */
  shmctl(shmid: number, cmd: number, buf?: IpcSet): Ret<this["mode"], number | ShmidDs>;
}

/** `struct mq_attr` */
export interface MqAttr {
  flags: number;
  maxmsg: number;
  msgsize: number;
  curmsgs: number;
}

export interface MqSys extends SysBase {
  /**
   * mq_open(2). A slash at the beginning is taken off, as the C library does. EINVAL access mode; ENOENT empty, EACCES slash,
   * ENAMETOOLONG; EMFILE; EEXIST (O_CREAT|O_EXCL), EACCES; ENOENT; ENOSPC (queues_max); EINVAL attributes; EMFILE (RLIMIT_MSGQUEUE).
   */
  mq_open(
    name: string,
    oflag: number,
    mode?: number,
    attr?: { maxmsg: number; msgsize: number } | null,
  ): Ret<this["mode"], number>;
  /** mq_unlink(2). EACCES, ENAMETOOLONG; ENOENT; EACCES, EPERM. */
  mq_unlink(name: string): Ret<this["mode"], number>;
  /** mq_timedsend(2). `deadlineNs`: CLOCK_REALTIME, null: for ever. EINVAL priority; EBADF; EMSGSIZE; EAGAIN; ETIMEDOUT; EINTR. */
  mq_timedsend(
    mqdes: number,
    msg: Uint8Array | string,
    prio?: number,
    deadlineNs?: number | null,
  ): Ret<this["mode"], number>;
  /** mq_timedreceive(2): the oldest message of the highest priority. EBADF; EMSGSIZE (length below msgsize); EAGAIN; ETIMEDOUT; EINTR. */
  mq_timedreceive(
    mqdes: number,
    length: number,
    deadlineNs?: number | null,
  ): Ret<this["mode"], { data: Uint8Array; prio: number }>;
  /** mq_notify(2): null takes the registration away. EINVAL; EBADF; EBUSY. */
  mq_notify(mqdes: number, sigev: { notify: number; signo?: number; value?: number } | null): Ret<this["mode"], number>;
  /** mq_getsetattr(2): the attributes before. EINVAL flags other than O_NONBLOCK; EBADF. */
  mq_getsetattr(mqdes: number, attr?: { flags: number } | null): Ret<this["mode"], MqAttr>;
}

export interface IpcSys extends MsgSys, SemSys, ShmSys, MqSys {}

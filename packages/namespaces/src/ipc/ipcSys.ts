/**
 * System calls of System V message queues, sysvipc(7). Errors in the order in which they are checked.
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

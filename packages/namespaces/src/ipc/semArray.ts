/**
 * An array of semaphores and what happens to it: operations that succeed as a whole or not at all, those that wait for it, and the
 * adjustments that the end of a process makes (SEM_UNDO). semop(2), sem_overview of sysvipc(7).
 */
import { type Core, EAGAIN, EIDRM, ERANGE, IPC_NOWAIT, type Pid, SEM_UNDO, type Task } from "@kernelkit/core";
import { IpcPerm } from "./ipcIds.js";
import type { IpcNamespace } from "./ipcNamespace.js";
import { failAll, finishWait, type IpcWaiter } from "./waiting.js";

/** Highest value of a semaphore. */
export const SEMVMX = 32767;

/** `struct sembuf`, numbers as the kernel keeps them. */
export interface Sembuf {
  /** unsigned short */
  sem_num: number;
  /** short */
  sem_op: number;
  sem_flg: number;
}

/** What one process would take back of one array. */
export class SemUndo {
  readonly adj: Int16Array;
  constructor(
    readonly array: SemArray,
    readonly list: UndoList,
  ) {
    this.adj = new Int16Array(array.val.length);
  }
}

/** The adjustments of a process, or of those that share them (CLONE_SYSVSEM). */
export class UndoList {
  refs = 1;
  readonly of: Map<SemArray, SemUndo> = new Map();
}

/** What a semop(2) wants. */
export class SemOps {
  /** Position of the operation that cannot be done. */
  blocking = 0;
  constructor(
    readonly sops: readonly Sembuf[],
    readonly undo: SemUndo | null,
    readonly pid: Pid,
    /** Changes a value. */
    readonly alter: boolean,
  ) {}
}

export class SemArray extends IpcPerm {
  otime = 0;
  ctime = 0;
  readonly val: Int16Array;
  /** Who changed each last. */
  readonly pids: (Pid | null)[];
  /** Waiting for zeroes only, and those that change something, in order of arrival. */
  readonly constWaiters: IpcWaiter<SemOps>[] = [];
  readonly alterWaiters: IpcWaiter<SemOps>[] = [];
  /** Adjustments of all processes. */
  readonly undos: Set<SemUndo> = new Set();

  constructor(key: number, mode: number, t: Task, nsems: number) {
    super(key, mode, t);
    this.val = new Int16Array(nsems);
    this.pids = new Array<Pid | null>(nsems).fill(null);
  }

  listOf(op: SemOps): IpcWaiter<SemOps>[] {
    return op.alter ? this.alterWaiters : this.constWaiters;
  }
}

/** It must wait. */
export const BLOCKED = -1;

/** All of the operations, or none: 0, BLOCKED (`op.blocking` says where), or an errno. */
export function perform(a: SemArray, op: SemOps): number {
  const { sops, undo } = op;
  let i = 0;
  let result = 0;
  for (; i < sops.length; i++) {
    const { sem_num, sem_op, sem_flg } = sops[i];
    const next = a.val[sem_num] + sem_op;
    if (sem_op === 0 ? next !== 0 : next < 0) {
      op.blocking = i;
      result = (sem_flg & IPC_NOWAIT) !== 0 ? EAGAIN : BLOCKED;
      break;
    }
    if (next > SEMVMX) {
      result = ERANGE;
      break;
    }
    if ((sem_flg & SEM_UNDO) !== 0 && undo !== null) {
      const adj = undo.adj[sem_num] - sem_op;
      if (adj < -SEMVMX - 1 || adj > SEMVMX) {
        result = ERANGE;
        break;
      }
      undo.adj[sem_num] = adj;
    }
    a.val[sem_num] = next;
  }
  if (result === 0) {
    for (const s of sops) a.pids[s.sem_num] = op.pid;
    return 0;
  }
  while (--i >= 0) {
    const { sem_num, sem_op, sem_flg } = sops[i];
    a.val[sem_num] -= sem_op;
    if ((sem_flg & SEM_UNDO) !== 0 && undo !== null) undo.adj[sem_num] += sem_op;
  }
  return result;
}

/** Values have changed: let everybody go on who can now, in order of arrival. */
export function updateQueue(k: Core, a: SemArray): void {
  let changed = true;
  while (changed) {
    changed = false;
    for (const list of [a.constWaiters, a.alterWaiters]) {
      for (let i = 0; i < list.length; ) {
        const w = list[i];
        const r = perform(a, w.want);
        if (r === BLOCKED) {
          i++;
          continue;
        }
        finishWait(k, w, r, 0);
        if (r === 0 && w.want.alter) {
          changed = true;
          break;
        }
      }
      if (changed) break;
    }
  }
  a.otime = k.time.realtime().sec;
}

/** The array is gone: who waits gets EIDRM, no process adjusts it any more. */
export function freeArray(k: Core, ns: IpcNamespace, a: SemArray): void {
  ns.sem.remove(a);
  ns.usedSems -= a.val.length;
  failAll(k, a.constWaiters, EIDRM);
  failAll(k, a.alterWaiters, EIDRM);
  for (const u of a.undos) u.list.of.delete(a);
  a.undos.clear();
}

/** What processes would take back from these semaphores is forgotten (SETVAL, SETALL). */
export function forgetUndo(a: SemArray, first: number, count: number): void {
  for (const u of a.undos) u.adj.fill(0, first, first + count);
}

/** The last process of a list is gone: its adjustments are made. */
export function applyUndo(k: Core, list: UndoList, pid: Pid): void {
  for (const [a, u] of list.of) {
    a.undos.delete(u);
    for (let i = 0; i < u.adj.length; i++) {
      if (u.adj[i] === 0) continue;
      a.val[i] = Math.min(Math.max(a.val[i] + u.adj[i], 0), SEMVMX);
      a.pids[i] = pid;
    }
    updateQueue(k, a);
  }
  list.of.clear();
}

/** Who waits for semaphore `n`: for it to be zero, or to grow. */
export function countWaiters(a: SemArray, n: number, zero: boolean): number {
  const waits = (w: IpcWaiter<SemOps>): boolean => {
    const s = w.want.sops[w.want.blocking];
    return s.sem_num === n && (zero ? s.sem_op === 0 : s.sem_op < 0);
  };
  return a.constWaiters.filter(waits).length + a.alterWaiters.filter(waits).length;
}

/** System V semaphores: semget(2), semop(2), semtimedop(2), semctl(2), and what becomes of SEM_UNDO at fork, unshare and exit. */
import {
  CLONE_SYSVSEM,
  type Core,
  type Ctx,
  E2BIG,
  EAGAIN,
  EFAULT,
  EFBIG,
  EINTR,
  EINVAL,
  ENOSPC,
  ERANGE,
  fail,
  GETALL,
  GETNCNT,
  GETPID,
  GETVAL,
  GETZCNT,
  type Impl,
  IPC_INFO,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  int,
  list,
  SEM_INFO,
  SEM_STAT,
  SEM_STAT_ANY,
  SEM_UNDO,
  SETALL,
  SETVAL,
  struct,
  type Task,
  type Timespec,
  type Wait,
} from "@kernelkit/core";
import { checkControl, checkPerms, ipcGet, ipcLine, ipcToStat, permStat, pidSeen, setPerm } from "./ipcIds.js";
import { type IpcNamespace, ipcNsOf } from "./ipcNamespace.js";
import type { IpcSet, SemidDs, SemSys } from "./ipcSys.js";
import {
  applyUndo,
  BLOCKED,
  countWaiters,
  forgetUndo,
  freeArray,
  perform,
  SEMVMX,
  SemArray,
  type Sembuf,
  SemOps,
  SemUndo,
  UndoList,
  updateQueue,
} from "./semArray.js";
import { IpcWaiter, resumeWait, startWait, waiterOf } from "./waiting.js";

const SEMMSL = 0;
const SEMMNS = 1;
const SEMOPM = 2;
const SEMMNI = 3;

const now = (c: Ctx): number => c.k.time.realtime().sec;

function sopsOf(v: unknown): Sembuf[] {
  return list(v, "sops").map((s, i) => {
    const b = struct(s as Sembuf, `sops[${i}]`);
    return {
      sem_num: int(b.sem_num, `sops[${i}].sem_num`) & 0xffff,
      sem_op: (int(b.sem_op, `sops[${i}].sem_op`) << 16) >> 16,
      sem_flg: (int(b.sem_flg ?? 0, `sops[${i}].sem_flg`) << 16) >> 16,
    };
  });
}

/** Virtual time at which a relative timeout is over. EINVAL. */
function deadline(c: Ctx, timeout: Timespec | null | undefined): number {
  if (timeout === null || timeout === undefined) return Number.POSITIVE_INFINITY;
  const { sec, nsec } = struct(timeout, "timeout");
  if (!(sec >= 0 && nsec >= 0 && nsec < 1e9)) return fail(EINVAL);
  return c.now + sec * 1e9 + nsec;
}

/** Adjustments per task; see SemUndo. */
export class SemUndos {
  constructor(
    readonly k: Core,
    private readonly slot: number,
  ) {
    const { hooks } = k;
    // the flags are known only while the child is made, its fields only when it is there
    let sharing: Task | null = null;
    hooks.fork.tap(10, "namespaces.sem", (ev) => {
      if (ev.stage === "ns") sharing = (ev.flags & CLONE_SYSVSEM) !== 0 ? ev.child : null;
      return 0;
    });
    hooks.forked.tap(10, "namespaces.sem", (parent, child) => {
      if (sharing !== child) return;
      const l = this.listOf(parent);
      l.refs++;
      child.slots[slot] = l;
    });
  }

  listOf(t: Task): UndoList {
    let l = t.slots[this.slot] as UndoList | null;
    if (l === null) {
      l = new UndoList();
      t.slots[this.slot] = l;
    }
    return l;
  }

  /** What the task would take back from an array. */
  undoOf(t: Task, a: SemArray): SemUndo {
    const l = this.listOf(t);
    let u = l.of.get(a);
    if (u === undefined) {
      u = new SemUndo(a, l);
      l.of.set(a, u);
      a.undos.add(u);
    }
    return u;
  }

  /** The task has no list any more; with the last, it takes effect. */
  leave(t: Task): void {
    const l = t.slots[this.slot] as UndoList | null;
    if (l === null) return;
    t.slots[this.slot] = null;
    if (--l.refs === 0) applyUndo(this.k, l, t.tgid);
  }
}

function semop(
  c: Ctx,
  undos: SemUndos,
  semid: number,
  sopsArg: unknown,
  timeout: Timespec | null | undefined,
): number | Wait {
  const w = waiterOf<SemOps>(c);
  if (w !== null) return resumeWait<number>(c, w, EAGAIN, EINTR);
  const ns = ipcNsOf(c.k, c.task);
  const id = int(semid, "semid");
  if (sopsArg === null) return fail(EFAULT);
  const sops = sopsOf(sopsArg);
  if (sops.length < 1 || id < 0) return fail(EINVAL);
  if (sops.length > ns.semLimits[SEMOPM]) return fail(E2BIG);
  const untilNs = deadline(c, timeout);
  const a = ns.sem.get(id);
  if (sops.some((s) => s.sem_num >= a.val.length)) return fail(EFBIG);
  const alter = sops.some((s) => s.sem_op !== 0);
  checkPerms(c.k, c.task, ns.userNs, a, alter ? 0o222 : 0o444);
  const undo = sops.some((s) => (s.sem_flg & SEM_UNDO) !== 0) ? undos.undoOf(c.task, a) : null;
  const op = new SemOps(sops, undo, c.task.tgid, alter);
  const r = perform(a, op);
  if (r === 0) {
    if (alter) updateQueue(c.k, a);
    else a.otime = now(c);
    return 0;
  }
  if (r !== BLOCKED) return fail(r);
  return startWait(c, new IpcWaiter(c.task, "semop", a.listOf(op), op, untilNs), EAGAIN, EINTR);
}

function stat(c: Ctx, a: SemArray): SemidDs {
  return { ...permStat(c.task, a), otime: a.otime, ctime: a.ctime, nsems: a.val.length };
}

function setVal(c: Ctx, ns: IpcNamespace, id: number, n: number, value: number): number {
  if (value > SEMVMX || value < 0) return fail(ERANGE);
  const a = ns.sem.get(id);
  if (n < 0 || n >= a.val.length) return fail(EINVAL);
  checkPerms(c.k, c.task, ns.userNs, a, 0o222);
  forgetUndo(a, n, 1);
  a.val[n] = value;
  a.pids[n] = c.task.tgid;
  a.ctime = now(c);
  updateQueue(c.k, a);
  return 0;
}

function setAll(c: Ctx, ns: IpcNamespace, id: number, values: readonly unknown[]): number {
  const a = ns.sem.get(id);
  checkPerms(c.k, c.task, ns.userNs, a, 0o222);
  const v = values.map((x, i) => int(x, `arg[${i}]`) & 0xffff);
  if (v.length < a.val.length) return fail(EFAULT);
  if (v.slice(0, a.val.length).some((x) => x > SEMVMX)) return fail(ERANGE);
  for (let i = 0; i < a.val.length; i++) {
    a.val[i] = v[i];
    a.pids[i] = c.task.tgid;
  }
  forgetUndo(a, 0, a.val.length);
  a.ctime = now(c);
  updateQueue(c.k, a);
  return 0;
}

/** Commands that look at one array's values. */
function getValues(c: Ctx, ns: IpcNamespace, id: number, n: number, cmd: number): number | number[] {
  const a = ns.sem.get(id);
  checkPerms(c.k, c.task, ns.userNs, a, 0o444);
  if (cmd === GETALL) return [...a.val];
  if (n < 0 || n >= a.val.length) return fail(EINVAL);
  if (cmd === GETVAL) return a.val[n];
  if (cmd === GETPID) return pidSeen(c.k, c.task, a.pids[n]);
  return countWaiters(a, n, cmd === GETZCNT);
}

export function semCalls(undos: SemUndos): Impl<SemSys> {
  return {
    semget(c, key, nsemsArg, semflg) {
      const ns = ipcNsOf(c.k, c.task);
      const nsems = int(nsemsArg, "nsems");
      const flags = int(semflg, "semflg");
      const k32 = int(key, "key");
      if (nsems < 0 || nsems > ns.semLimits[SEMMSL]) return fail(EINVAL);
      const make = (): number => {
        if (nsems === 0) return fail(EINVAL);
        if (ns.usedSems + nsems > ns.semLimits[SEMMNS]) return fail(ENOSPC);
        const a = new SemArray(k32, flags & 0o777, c.task, nsems);
        a.ctime = now(c);
        const id = ns.sem.add(a, ns.semLimits[SEMMNI]);
        ns.usedSems += nsems;
        return id;
      };
      const check = (a: SemArray): void => {
        if (nsems > a.val.length) fail(EINVAL);
      };
      return ipcGet(c.k, c.task, ns.userNs, ns.sem, k32, flags, make, check);
    },
    semop: (c, semid, sops) => semop(c, undos, semid, sops, null),
    semtimedop: (c, semid, sops, timeout) => semop(c, undos, semid, sops, timeout),
    semctl(c, semid, semnum, cmd, arg) {
      const ns = ipcNsOf(c.k, c.task);
      const id = int(semid, "semid");
      const n = int(semnum, "semnum");
      if (id < 0) return fail(EINVAL);
      const what = int(cmd, "cmd");
      switch (what) {
        case IPC_INFO:
        case SEM_INFO:
          return Math.max(0, ns.sem.maxIdx());
        case IPC_STAT:
          return stat(c, ipcToStat(c.k, c.task, ns.userNs, ns.sem, id, "id"));
        case SEM_STAT:
        case SEM_STAT_ANY: {
          const a = ipcToStat(c.k, c.task, ns.userNs, ns.sem, id, what === SEM_STAT ? "slot" : "any");
          return { ...stat(c, a), id: a.id };
        }
        case GETALL:
        case GETVAL:
        case GETPID:
        case GETNCNT:
        case GETZCNT:
          return getValues(c, ns, id, n, what);
        case SETVAL:
          return setVal(c, ns, id, n, int(arg ?? 0, "arg"));
        case SETALL:
          return arg === null || arg === undefined ? fail(EFAULT) : setAll(c, ns, id, list(arg, "arg"));
        case IPC_SET: {
          if (arg === null || arg === undefined) return fail(EFAULT);
          const set = struct(arg as IpcSet, "arg");
          const a = ns.sem.get(id);
          checkControl(c.k, c.task, ns.userNs, a);
          setPerm(c.task, a, set.uid, set.gid, set.mode);
          a.ctime = now(c);
          return 0;
        }
        case IPC_RMID: {
          const a = ns.sem.get(id);
          checkControl(c.k, c.task, ns.userNs, a);
          freeArray(c.k, ns, a);
          return 0;
        }
        default:
          return fail(EINVAL);
      }
    },
  };
}

/** /proc/sysvipc/sem */
export function semText(c: Ctx, ns: IpcNamespace): string {
  let out = "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n";
  for (const a of ns.sem.sorted()) {
    const s = stat(c, a);
    const line = [
      [s.nsems, 10],
      [s.uid, 5],
      [s.gid, 5],
      [s.cuid, 5],
      [s.cgid, 5],
      [s.otime, 10],
      [s.ctime, 10],
    ] as const;
    out += ipcLine(a, line);
  }
  return out;
}

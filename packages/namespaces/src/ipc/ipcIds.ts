/**
 * The identifiers of one kind of System V objects in one namespace: id = sequence * 32768 + slot. Slots are taken cyclically, the
 * sequence moves when a slot is not above the last one. sysvipc(7).
 */
import {
  CAP_IPC_OWNER,
  CAP_SYS_ADMIN,
  type Core,
  EACCES,
  EEXIST,
  EFAULT,
  EINVAL,
  ENOENT,
  ENOSPC,
  EPERM,
  fail,
  fromKgidMunged,
  fromKuidMunged,
  INVALID_ID,
  IPC_CREAT,
  IPC_EXCL,
  IPC_PRIVATE,
  int,
  makeKgid,
  makeKuid,
  misuse,
  nsCapable,
  type Pid,
  type Task,
  type UserNamespace,
  uint,
  utf8Bytes,
} from "@kernelkit/core";

/** Slots there are. */
export const IPCMNI = 32768;
const MIN_CYCLE = 64;
const SEQ_MAX = 65536;

/** What every object has: `struct kern_ipc_perm`. Ids are kernel ids. */
export class IpcPerm {
  id = -1;
  seq = 0;
  deleted = false;
  uid: number;
  gid: number;
  readonly cuid: number;
  readonly cgid: number;

  constructor(
    public key: number,
    /** Permission bits (and SHM_DEST, SHM_LOCKED). */
    public mode: number,
    t: Task,
  ) {
    this.uid = this.cuid = t.cred.euid;
    this.gid = this.cgid = t.cred.egid;
  }
}

/** `struct ipc_perm` as the caller of IPC_STAT sees it. */
export interface IpcPermStat {
  key: number;
  uid: number;
  gid: number;
  cuid: number;
  cgid: number;
  mode: number;
  seq: number;
}

export class IpcIds<T extends IpcPerm = IpcPerm> {
  inUse = 0;
  seq = 0;
  /** The last slot taken, and where the search for the next begins. */
  lastIdx = -1;
  cursor = 0;
  /** What the next object is to be called; -1: as it comes. */
  nextId = -1;
  readonly slots: Map<number, T> = new Map();
  readonly keys: Map<number, T> = new Map();

  /** Give an object its id. ENOSPC: there are `limit`. */
  add(o: T, limit: number): number {
    if (this.inUse >= Math.min(limit, IPCMNI)) return fail(ENOSPC);
    const want = this.nextId;
    let idx: number;
    if (want < 0) {
      const max = Math.min(Math.max(Math.floor((this.inUse * 3) / 2), MIN_CYCLE), IPCMNI);
      idx = this.free(this.cursor, max);
      if (idx < 0) idx = this.free(0, max);
      if (idx < 0) return fail(ENOSPC);
      this.cursor = idx + 1;
      if (idx <= this.lastIdx) this.seq = (this.seq + 1) % SEQ_MAX;
      this.lastIdx = idx;
      o.seq = this.seq;
    } else {
      idx = this.free(want % IPCMNI, IPCMNI);
      if (idx < 0) return fail(ENOSPC);
      o.seq = Math.floor(want / IPCMNI);
    }
    this.nextId = -1;
    o.id = o.seq * IPCMNI + idx;
    this.slots.set(idx, o);
    if (o.key !== IPC_PRIVATE) this.keys.set(o.key, o);
    this.inUse++;
    return o.id;
  }

  private free(from: number, max: number): number {
    for (let i = from; i < max; i++) if (!this.slots.has(i)) return i;
    return -1;
  }

  remove(o: T): void {
    this.slots.delete(o.id % IPCMNI);
    this.forgetKey(o);
    this.inUse--;
    o.deleted = true;
  }

  /** Its key is free for another. */
  forgetKey(o: T): void {
    if (o.key !== IPC_PRIVATE && this.keys.get(o.key) === o) this.keys.delete(o.key);
  }

  /** EINVAL: no object has this id. */
  get(id: number): T {
    const o = id < 0 ? undefined : this.slots.get(id % IPCMNI);
    return o === undefined || o.id !== id ? fail(EINVAL) : o;
  }

  /** Highest slot in use, -1: none. */
  maxIdx(): number {
    let max = -1;
    for (const i of this.slots.keys()) if (i > max) max = i;
    return max;
  }

  /** Objects by ascending slot. */
  sorted(): T[] {
    return [...this.slots].sort((a, b) => a[0] - b[0]).map((e) => e[1]);
  }
}

/** May the task do what `flag` says (mode bits in any class) with an object? CAP_IPC_OWNER helps. */
export function ipcPerms(k: Core, t: Task, owner: UserNamespace, o: IpcPerm, flag: number): boolean {
  const want = ((flag >> 6) | (flag >> 3) | flag) & 7;
  const { cred } = t;
  let granted = o.mode;
  if (cred.euid === o.cuid || cred.euid === o.uid) granted >>= 6;
  else if ([o.cgid, o.gid].some((g) => cred.egid === g || cred.groups.includes(g))) granted >>= 3;
  return (want & ~granted) === 0 || nsCapable(k, t, owner, CAP_IPC_OWNER);
}

/** EACCES unless `flag` is permitted. */
export function checkPerms(k: Core, t: Task, owner: UserNamespace, o: IpcPerm, flag: number): void {
  if (!ipcPerms(k, t, owner, o, flag)) fail(EACCES);
}

/** The object that IPC_STAT (`how` "id") and X_STAT, X_STAT_ANY ("slot", "any": by slot) are about. EINVAL; EACCES. */
export function ipcToStat<T extends IpcPerm>(
  k: Core,
  t: Task,
  owner: UserNamespace,
  ids: IpcIds<T>,
  id: number,
  how: "id" | "slot" | "any",
): T {
  const o = how === "id" ? ids.get(id) : (ids.slots.get(id) ?? fail(EINVAL));
  if (how !== "any") checkPerms(k, t, owner, o, 0o444);
  return o;
}

/** xxxget(2): an object by its key, or a new one. EEXIST, EACCES, ENOENT; `check` looks at one that is there. */
export function ipcGet<T extends IpcPerm>(
  k: Core,
  t: Task,
  owner: UserNamespace,
  ids: IpcIds<T>,
  key: number,
  flags: number,
  make: () => number,
  check: (o: T) => void,
): number {
  if (key === IPC_PRIVATE) return make();
  const o = ids.keys.get(key);
  if (o === undefined) return (flags & IPC_CREAT) === 0 ? fail(ENOENT) : make();
  if ((flags & IPC_CREAT) !== 0 && (flags & IPC_EXCL) !== 0) return fail(EEXIST);
  check(o);
  checkPerms(k, t, owner, o, flags);
  return o.id;
}

/** IPC_RMID, IPC_SET: owner, creator, or CAP_SYS_ADMIN over the namespace. EPERM. */
export function checkControl(k: Core, t: Task, owner: UserNamespace, o: IpcPerm): void {
  const { euid } = t.cred;
  if (euid !== o.cuid && euid !== o.uid && !nsCapable(k, t, owner, CAP_SYS_ADMIN)) fail(EPERM);
}

/** IPC_SET: new owner, group and mode. EINVAL: ids that the caller's user namespace does not have. */
export function setPerm(t: Task, o: IpcPerm, uid: number, gid: number, mode: number): void {
  const kuid = makeKuid(t.cred.userNs, uint(uid, "buf.uid"));
  const kgid = makeKgid(t.cred.userNs, uint(gid, "buf.gid"));
  if (kuid === INVALID_ID || kgid === INVALID_ID) fail(EINVAL);
  o.uid = kuid;
  o.gid = kgid;
  o.mode = (o.mode & ~0o777) | (int(mode, "buf.mode") & 0o777);
}

/** A message's bytes. EFAULT for null. */
export function messageArg(v: unknown): Uint8Array {
  if (v === null) return fail(EFAULT);
  if (typeof v === "string") return utf8Bytes(v);
  return v instanceof Uint8Array ? v : misuse("data", v, "a Uint8Array or a string");
}

/** A process as the caller sees it; 0: none, or not visible. */
export function pidSeen(k: Core, t: Task, pid: Pid | null): number {
  return pid === null ? 0 : pid.nrNs(k.tasks.pidNsOf(t));
}

/** A line of /proc/sysvipc: key, id, mode, then values right-aligned in the widths given. */
export function ipcLine(o: IpcPerm, values: readonly (readonly [value: number, width: number])[]): string {
  const n = (v: number, w: number): string => String(v).padStart(w);
  const rest = values.map(([v, w]) => n(v, w)).join(" ");
  return `${n(o.key, 10)} ${n(o.id, 10)}  ${o.mode.toString(8).padStart(4)} ${rest}\n`;
}

export function permStat(t: Task, o: IpcPerm): IpcPermStat {
  const ns = t.cred.userNs;
  return {
    key: o.key,
    uid: fromKuidMunged(ns, o.uid),
    gid: fromKgidMunged(ns, o.gid),
    cuid: fromKuidMunged(ns, o.cuid),
    cgid: fromKgidMunged(ns, o.cgid),
    mode: o.mode,
    seq: o.seq,
  };
}

/**
 * System V shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2). A segment is an unlinked file in memory; attaching maps it with a
 * description of its own, so that its areas never merge.
 */
import {
  allocFile,
  CAP_IPC_LOCK,
  type Ctx,
  doMmap,
  doMunmap,
  EFAULT,
  EINVAL,
  ENOMEM,
  ENOSPC,
  EPERM,
  type FileOps,
  fail,
  type Impl,
  IPC_INFO,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  int,
  intersects,
  MAP_FIXED,
  MAP_SHARED,
  type Mm,
  nsCapable,
  O_RDONLY,
  O_RDWR,
  type OpenFile,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  RLIMIT_MEMLOCK,
  rlimit,
  SHM_EXEC,
  SHM_HUGETLB,
  SHM_INFO,
  SHM_LOCK,
  SHM_LOCKED,
  SHM_NORESERVE,
  SHM_RDONLY,
  SHM_REMAP,
  SHM_RND,
  SHM_STAT,
  SHM_STAT_ANY,
  SHM_UNLOCK,
  shmemFile,
  struct,
  ulong,
  vmaPosition,
  vmEnoughMemory,
} from "@kernelkit/core";
import { checkControl, checkPerms, ipcGet, ipcLine, ipcToStat, permStat, pidSeen, setPerm } from "./ipcIds.js";
import { type IpcNamespace, ipcNsOf } from "./ipcNamespace.js";
import type { ShmidDs, ShmSys } from "./ipcSys.js";
import { removeSegment, type ShmPlaces, ShmSegment } from "./shmSegment.js";

const PAGE = 4096;
const F_SEAL_SEAL = 1;

const now = (c: Ctx): number => c.k.time.realtime().sec;
/** A limit, which may be a bigint, as a number to compare with. */
const limit = (v: number | bigint): number => Number(v);

function sizeArg(v: unknown): number {
  if (typeof v === "bigint") return Number(BigInt.asUintN(64, v));
  return ulong(v, "size");
}

function newSegment(c: Ctx, places: ShmPlaces, ns: IpcNamespace, key: number, size: number, flags: number): number {
  const { k, task } = c;
  if (size < 1 || size > limit(ns.shmmax)) return fail(EINVAL);
  const pages = Math.ceil(size / PAGE);
  if (ns.shmTot + pages > limit(ns.shmall)) return fail(ENOSPC);
  // huge pages are not there
  if ((flags & SHM_HUGETLB) !== 0) return fail(EINVAL);
  const promised = (flags & SHM_NORESERVE) !== 0 && k.mm.sysctl.overcommitMemory !== 2 ? 0 : pages;
  if (promised > 0 && !vmEnoughMemory(k.mm, task.mm, task, promised)) return fail(ENOMEM);
  const name = `SYSV${(key >>> 0).toString(16).padStart(8, "0")}`;
  const file = shmemFile(c, name, 0o777, { seals: F_SEAL_SEAL });
  file.inode.size = size;
  const s = new ShmSegment(key, flags & 0o777, task, ns, size, file);
  s.promised = promised;
  s.ctime = now(c);
  try {
    file.inode.ino = ns.shm.add(s, ns.shmmni);
  } catch (e) {
    k.mm.committed -= promised;
    k.vfs.fput(file);
    throw e;
  }
  ns.shmTot += pages;
  const mine = (task.slots[places.made] ?? []) as ShmSegment[];
  task.slots[places.made] = [...mine.filter((x) => !x.deleted), s];
  return s.id;
}

/** Where shmat(2) is to map: [address, flags]. EINVAL. */
function place(addr: number | null, shmflg: number): [number, number] {
  if (addr === null || addr === 0) return (shmflg & SHM_REMAP) !== 0 ? fail(EINVAL) : [0, MAP_SHARED];
  const off = addr % PAGE;
  if (off === 0) return [addr, MAP_SHARED | MAP_FIXED];
  if ((shmflg & SHM_RND) === 0 || (addr === off && (shmflg & SHM_REMAP) !== 0)) return fail(EINVAL);
  return [addr - off, addr === off ? MAP_SHARED : MAP_SHARED | MAP_FIXED];
}

function attach(c: Ctx, ops: FileOps, shmid: number, addr: number | null, shmflg: number): number {
  const { k, task } = c;
  const ns = ipcNsOf(k, task);
  if (shmid < 0) return fail(EINVAL);
  const [at, mapFlags] = place(addr, shmflg);
  const readonly = (shmflg & SHM_RDONLY) !== 0;
  let prot = readonly ? PROT_READ : PROT_READ | PROT_WRITE;
  let acc = readonly ? 0o444 : 0o666;
  if ((shmflg & SHM_EXEC) !== 0) {
    prot |= PROT_EXEC;
    acc |= 0o111;
  }
  const s = ns.shm.get(shmid);
  checkPerms(k, task, ns.userNs, s, acc);
  if (task.mm === null) return fail(EINVAL);
  if (at !== 0 && (shmflg & SHM_REMAP) === 0 && intersects(task.mm, at, at + s.pages * PAGE)) return fail(EINVAL);
  const f = allocFile(c, s.file.mnt, s.file.dentry, ops, readonly ? O_RDONLY : O_RDWR);
  if (readonly) s.file.inode.readcount++;
  f.data = s;
  try {
    return doMmap(k.mm, c, at, s.bytes, prot, mapFlags, -1, 0, f).addr;
  } finally {
    k.vfs.fput(f);
  }
}

/** Unmap all areas of the attachment that begins (or began) at `addr`. */
function detach(c: Ctx, ops: FileOps, addr: number): number {
  const { mm } = c.k;
  const own = c.task.mm as Mm | null;
  if (own === null || addr % PAGE !== 0) return fail(EINVAL);
  let file: OpenFile | null = null;
  for (let i = vmaPosition(own.vmas, addr); i < own.vmas.length; ) {
    const v = own.vmas[i];
    if (file !== null && v.end > addr + Math.ceil(file.inode.size / PAGE) * PAGE) break;
    const ours = v.file !== null && v.file.ops === ops && (v.start - addr) / PAGE === v.pgoff;
    if (!ours || (file !== null && v.file !== file)) {
      i++;
      continue;
    }
    file = v.file;
    doMunmap(mm, own, v.start, v.end);
  }
  return file === null ? fail(EINVAL) : 0;
}

function stat(c: Ctx, s: ShmSegment): ShmidDs {
  const { k, task } = c;
  return {
    ...permStat(task, s),
    segsz: s.bytes,
    atime: s.atime,
    dtime: s.dtime,
    ctime: s.ctime,
    cpid: pidSeen(k, task, s.cpid),
    lpid: pidSeen(k, task, s.lpid),
    nattch: s.nattch,
  };
}

function lock(c: Ctx, ns: IpcNamespace, id: number, on: boolean): number {
  const s = ns.shm.get(id);
  const { cred } = c.task;
  if (!nsCapable(c.k, c.task, ns.userNs, CAP_IPC_LOCK)) {
    if (cred.euid !== s.uid && cred.euid !== s.cuid) return fail(EPERM);
    if (on && rlimit(c.task, RLIMIT_MEMLOCK) === 0) return fail(EPERM);
    if (on && s.bytes > rlimit(c.task, RLIMIT_MEMLOCK)) return fail(ENOMEM);
  }
  if (on) s.mode |= SHM_LOCKED;
  else s.mode &= ~SHM_LOCKED;
  return 0;
}

export function shmCalls(places: ShmPlaces): Impl<ShmSys> {
  const { ops } = places;
  return {
    shmget(c, key, sizeIn, shmflg) {
      const ns = ipcNsOf(c.k, c.task);
      const size = sizeArg(sizeIn);
      const flags = int(shmflg, "shmflg");
      const k32 = int(key, "key");
      const make = (): number => newSegment(c, places, ns, k32, size, flags);
      const check = (s: ShmSegment): void => {
        if (size > s.bytes) fail(EINVAL);
      };
      return ipcGet(c.k, c.task, ns.userNs, ns.shm, k32, flags, make, check);
    },
    shmat: (c, shmid, addr, shmflg) =>
      attach(
        c,
        ops,
        int(shmid, "shmid"),
        addr === null || addr === undefined ? null : ulong(addr, "shmaddr"),
        int(shmflg ?? 0, "shmflg"),
      ),
    shmdt: (c, addr) => detach(c, ops, addr === null ? 0 : ulong(addr, "shmaddr")),
    shmctl(c, shmid, cmd, buf) {
      const ns = ipcNsOf(c.k, c.task);
      const id = int(shmid, "shmid");
      const what = int(cmd, "cmd");
      if (id < 0 || what < 0) return fail(EINVAL);
      switch (what) {
        case IPC_INFO:
        case SHM_INFO:
          return Math.max(0, ns.shm.maxIdx());
        case IPC_STAT:
          return stat(c, ipcToStat(c.k, c.task, ns.userNs, ns.shm, id, "id"));
        case SHM_STAT:
        case SHM_STAT_ANY: {
          const s = ipcToStat(c.k, c.task, ns.userNs, ns.shm, id, what === SHM_STAT ? "slot" : "any");
          return { ...stat(c, s), id: s.id };
        }
        case IPC_SET: {
          if (buf === null || buf === undefined) return fail(EFAULT);
          const set = struct(buf, "buf");
          const s = ns.shm.get(id);
          checkControl(c.k, c.task, ns.userNs, s);
          setPerm(c.task, s, set.uid, set.gid, set.mode);
          s.ctime = now(c);
          return 0;
        }
        case IPC_RMID: {
          const s = ns.shm.get(id);
          checkControl(c.k, c.task, ns.userNs, s);
          removeSegment(c.k, s);
          return 0;
        }
        case SHM_LOCK:
        case SHM_UNLOCK:
          return lock(c, ns, id, what === SHM_LOCK);
        default:
          return fail(EINVAL);
      }
    },
  };
}

/** /proc/sysvipc/shm */
export function shmText(c: Ctx, ns: IpcNamespace): string {
  let out =
    "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n";
  for (const s of ns.shm.sorted()) {
    const d = stat(c, s);
    const rss = (s.file.inode.mapping?.nrpages ?? 0) * PAGE;
    const ids = [
      [d.uid, 5],
      [d.gid, 5],
      [d.cuid, 5],
      [d.cgid, 5],
    ] as const;
    const times = [
      [d.atime, 10],
      [d.dtime, 10],
      [d.ctime, 10],
    ] as const;
    out += ipcLine(s, [[d.segsz, 21], [d.cpid, 5], [d.lpid, 5], [d.nattch, 6], ...ids, ...times, [rss, 21], [0, 21]]);
  }
  return out;
}

/**
 * Segments of shared memory and what attaches them: the areas that map one are counted by a field of the area, which fork, split and
 * unmapping move. shmop(2), shmctl(2) "SHM_DEST".
 */
import { type Core, FileOps, genericLlseek, type OpenFile, type Pid, SHM_DEST, type Task } from "@kernelkit/core";
import { IpcPerm } from "./ipcIds.js";
import type { IpcNamespace } from "./ipcNamespace.js";

export class ShmSegment extends IpcPerm {
  nattch = 0;
  atime = 0;
  dtime = 0;
  ctime = 0;
  readonly cpid: Pid;
  lpid: Pid | null = null;
  /** Who made it, while that lives (kernel.shm_rmid_forced). */
  creator: Task | null;
  /** Pages promised under vm.overcommit_memory. */
  promised = 0;

  constructor(
    key: number,
    mode: number,
    t: Task,
    readonly ns: IpcNamespace,
    /** Bytes. */
    readonly bytes: number,
    readonly file: OpenFile,
  ) {
    super(key, mode, t);
    this.cpid = t.tgid;
    this.creator = t;
  }

  get pages(): number {
    return Math.ceil(this.bytes / 4096);
  }
}

/** Nobody has it and nobody shall: it goes. */
export function destroySegment(k: Core, s: ShmSegment): void {
  const { ns } = s;
  ns.shm.remove(s);
  ns.shmTot -= s.pages;
  k.mm.committed -= s.promised;
  k.vfs.fput(s.file);
}

/** Does it go when it is attached nowhere? */
export function mayDestroy(s: ShmSegment): boolean {
  return s.nattch === 0 && (s.ns.shmRmidForced !== 0 || (s.mode & SHM_DEST) !== 0);
}

/** IPC_RMID, and the end of the namespace: it goes now, or with its last user; its key is free at once. */
export function removeSegment(k: Core, s: ShmSegment): void {
  if (s.nattch === 0) {
    destroySegment(k, s);
    return;
  }
  s.mode |= SHM_DEST;
  s.ns.shm.forgetKey(s);
  s.key = 0;
}

/** kernel.shm_rmid_forced was set: segments without a creator and without users go. */
export function destroyOrphans(k: Core, ns: IpcNamespace): void {
  for (const s of ns.shm.sorted()) if (s.creator === null && mayDestroy(s)) destroySegment(k, s);
}

/** The task leaves: segments it has made (`made`) have no creator any more, and go where kernel.shm_rmid_forced says so. */
export function leaveSegments(k: Core, made: readonly ShmSegment[]): void {
  for (const s of made) {
    s.creator = null;
    if (!s.deleted && s.ns.shmRmidForced !== 0 && mayDestroy(s)) destroySegment(k, s);
  }
}

/** What shared memory keeps elsewhere: in areas, in tasks, and the operations of descriptions. */
export interface ShmPlaces {
  /** Of descriptions that shmat(2) makes. */
  readonly ops: FileOps;
  /** Field of tasks: the segments it has made, or null. */
  readonly made: number;
}

/** The field of areas that follows who maps a segment, and the operations of a description that shmat(2) makes. */
export function segmentOps(k: Core): FileOps {
  const open = (s: ShmSegment): ShmSegment => {
    s.nattch++;
    s.atime = k.time.realtime().sec;
    s.lpid = k.current?.tgid ?? s.lpid;
    return s;
  };
  const copied = (v: unknown): unknown => (v === null ? null : open(v as ShmSegment));
  const slot = k.mm.addVmaSlot({
    name: "namespaces.shm",
    init: () => null,
    same: (a, b) => a === null && b === null,
    split: copied,
    fork: copied,
    close(v) {
      if (v === null) return;
      const s = v as ShmSegment;
      s.nattch--;
      s.dtime = k.time.realtime().sec;
      s.lpid = k.current?.tgid ?? s.lpid;
      if (!s.deleted && mayDestroy(s)) destroySegment(k, s);
    },
  });
  const ops = new FileOps({
    llseek: genericLlseek,
    mmap(_c, file, v) {
      v.slots[slot] = open(file.data as ShmSegment);
    },
  });
  k.state.static("fops.shm", ops);
  return ops;
}

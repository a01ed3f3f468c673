/**
 * An ipc namespace: System V message queues, semaphores and shared memory, and POSIX message queues, with their limits. A new one is
 * empty and has the defaults, whatever its parent has. ipc_namespaces(7).
 */
import type { Core, Mount, Namespace, NsType, Task, UserNamespace } from "@kernelkit/core";
import { IpcIds } from "./ipcIds.js";
import type { MsgQueue } from "./msg.js";
import type { SemArray } from "./semArray.js";
import type { ShmSegment } from "./shmSegment.js";

const ULONG_LIMIT = 18446744073692774399n;

export class IpcNamespace implements Namespace {
  refs = 1;
  readonly msg: IpcIds<MsgQueue> = new IpcIds();
  readonly sem: IpcIds<SemArray> = new IpcIds();
  readonly shm: IpcIds<ShmSegment> = new IpcIds();
  msgmax = 8192;
  msgmnb = 16384;
  msgmni = 32000;
  /** SEMMSL, SEMMNS, SEMOPM, SEMMNI. */
  readonly semLimits: number[] = [32000, 1024000000, 500, 32000];
  usedSems = 0;
  shmmax: number | bigint = ULONG_LIMIT;
  shmall: number | bigint = ULONG_LIMIT;
  shmmni = 4096;
  shmRmidForced = 0;
  /** Pages of all segments. */
  shmTot = 0;
  readonly mq: { queuesMax: number; msgMax: number; msgsizeMax: number; msgDefault: number; msgsizeDefault: number } = {
    queuesMax: 256,
    msgMax: 10,
    msgsizeMax: 8192,
    msgDefault: 10,
    msgsizeDefault: 8192,
  };
  queues = 0;
  /** The kernel's mount of the mqueue file system; made at its first use. */
  mqueueMnt: Mount | null = null;

  constructor(
    readonly type: NsType,
    readonly ino: number,
    public userNs: UserNamespace,
    /** Who made it: owns the directory of queues. Kernel ids. */
    readonly creatorUid: number = 0,
    readonly creatorGid: number = 0,
  ) {}
}

/** The namespace type; its functions are set by the part. */
export const ipcType: NsType = { name: "ipc", flag: 0x08000000, procNames: ["ipc"], index: -1, order: 2 };

export function ipcNsOf(k: Core, t: Task): IpcNamespace {
  return k.tasks.nsOf(t, k.tasks.nsType("ipc")) as IpcNamespace;
}

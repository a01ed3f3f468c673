/**
 * What ipc namespaces show in files: /proc/sysvipc, /proc/sys/kernel/{msg,sem,shm}*, /proc/sys/fs/mqueue. The settings are those of
 * the caller's namespace and belong to its root, who may write them. ipc_namespaces(7), sysvipc(7), proc_sys_kernel(5).
 */
import {
  CAP_CHECKPOINT_RESTORE,
  CAP_SYS_ADMIN,
  type Core,
  type Ctx,
  EINVAL,
  ERANGE,
  fail,
  intSysctl,
  type NumberSysctl,
  nsCapable,
  type SysctlFile,
  ulongSysctl,
} from "@kernelkit/core";
import { ownedByNsRoot } from "../nsRoot.js";
import { IPCMNI } from "./ipcIds.js";
import { type IpcNamespace, ipcNsOf } from "./ipcNamespace.js";
import { msgText } from "./msg.js";
import { semText } from "./sem.js";
import { shmText } from "./shm.js";
import { destroyOrphans } from "./shmSegment.js";

const INT_MAX = 0x7fffffff;

/** Fields of a namespace that are one int. */
type IntField = "msgmax" | "msgmnb" | "msgmni" | "shmmni" | "shmRmidForced";

export function installIpcFiles(k: Core): void {
  const { sysctl, proc } = k;
  const ns = (c: Ctx): IpcNamespace => ipcNsOf(k, c.task);
  if (proc !== undefined) {
    proc.file("/proc/sysvipc/msg", { show: (c) => msgText(c, ns(c)) });
    proc.file("/proc/sysvipc/sem", { show: (c) => semText(c, ns(c)) });
    if (k.mm !== undefined) proc.file("/proc/sysvipc/shm", { show: (c) => shmText(c, ns(c)) });
  }
  if (sysctl === undefined) return;
  const owned = ownedByNsRoot((c) => ns(c).userNs);
  const field = (name: IntField, min: number, max: number, more: Partial<NumberSysctl<number>> = {}): SysctlFile =>
    intSysctl({
      ...owned,
      min,
      max,
      get: (c) => ns(c)[name],
      set: (c, v) => {
        ns(c)[name] = v;
      },
      ...more,
    });
  const long = (name: "shmmax" | "shmall"): SysctlFile =>
    ulongSysctl({
      ...owned,
      get: (c) => ns(c)[name],
      set: (c, v) => {
        ns(c)[name] = v;
      },
    });
  const mq = (name: keyof IpcNamespace["mq"], min: number, max: number): SysctlFile =>
    intSysctl({
      ...owned,
      min,
      max,
      get: (c) => ns(c).mq[name],
      set: (c, v) => {
        ns(c).mq[name] = v;
      },
    });
  const mayChoose = (c: Ctx): boolean =>
    nsCapable(k, c.task, ns(c).userNs, CAP_CHECKPOINT_RESTORE) || nsCapable(k, c.task, ns(c).userNs, CAP_SYS_ADMIN);
  const nextId = (kind: "msg" | "sem" | "shm"): SysctlFile =>
    intSysctl({
      ...owned,
      min: 0,
      max: INT_MAX,
      mode: 0o444,
      modeFor: (c, mode) => (mayChoose(c) ? 0o666 : owned.modeFor(c, mode)),
      get: (c) => ns(c)[kind].nextId,
      set: (c, v) => {
        ns(c)[kind].nextId = v;
      },
    });
  sysctl.registerAll("kernel", {
    msgmax: field("msgmax", 0, INT_MAX),
    msgmnb: field("msgmnb", 0, INT_MAX),
    msgmni: field("msgmni", 0, IPCMNI),
    msg_next_id: nextId("msg"),
    sem_next_id: nextId("sem"),
    shm_next_id: nextId("shm"),
    sem: intSysctl({
      ...owned,
      count: 4,
      get: (c) => ns(c).semLimits,
      set(c, v, i) {
        // the number of arrays has a limit of its own
        if (i === 3 && (v < 0 || v > IPCMNI)) fail(ERANGE);
        ns(c).semLimits[i] = v;
      },
    }),
    shmmax: long("shmmax"),
    shmall: long("shmall"),
    shmmni: field("shmmni", 0, IPCMNI),
    shm_rmid_forced: field("shmRmidForced", 0, 1, {
      written(c) {
        if (ns(c).shmRmidForced !== 0) destroyOrphans(k, ns(c));
      },
    }),
    // as many arrays and queues as memory allows: nothing is tuned any more
    auto_msgmni: intSysctl({
      ...owned,
      get: () => 0,
      set(_c, v) {
        if (v < 0 || v > 1) fail(EINVAL);
      },
    }),
  });
  sysctl.registerAll("fs/mqueue", {
    queues_max: mq("queuesMax", -INT_MAX - 1, INT_MAX),
    msg_max: mq("msgMax", 1, 65536),
    msgsize_max: mq("msgsizeMax", 128, 16777216),
    msg_default: mq("msgDefault", 1, 65536),
    msgsize_default: mq("msgsizeDefault", 128, 16777216),
  });
}

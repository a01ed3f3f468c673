/**
 * ipcPart: ipc namespaces and what System V message queues show in files: /proc/sysvipc/msg, /proc/sys/kernel/msg*. The settings are
 * those of the caller's namespace and belong to its root. ipc_namespaces(7), sysvipc(7).
 */
import {
  CAP_CHECKPOINT_RESTORE,
  CAP_SYS_ADMIN,
  type Ctx,
  type Impl,
  intSysctl,
  nsCapable,
  type SysctlFile,
} from "@kernelkit/core";
import type { NsPart } from "../nsPart.js";
import { IpcIds, IpcPerm } from "./ipcIds.js";
import { IpcNamespace, ipcNsOf, ipcType } from "./ipcNamespace.js";
import type { MsgSys } from "./ipcSys.js";
import { freeQueue, MsgQueue, msgCalls, msgText } from "./msg.js";

const PROC_IPC_INIT_INO = 4026531839;
const INT_MAX = 0x7fffffff;

export const ipcPart: NsPart<object, MsgSys> = {
  name: "ipc",
  install(f) {
    const { k } = f;
    if (!f.o.features.IPC_NS || k.tasks.nsTypes.some((t) => t.name === "ipc")) return {};
    k.state.class(IpcNamespace, IpcIds, IpcPerm, MsgQueue);
    const type = { ...ipcType };
    k.tasks.registerNsType(type, new IpcNamespace(type, PROC_IPC_INIT_INO, k.tasks.initUserNs));
    f.define<IpcNamespace>(type, {
      ucount: "ipc",
      make: (_old, of, ino) => new IpcNamespace(type, ino, of.userNs),
      ended(ns) {
        for (const q of ns.msg.sorted()) freeQueue({ wake: (queue, n) => k.sched.wakeUp(queue, n ?? 1) }, ns, q);
      },
    });
    f.installPlain(type);
    if (k.sysctl !== undefined) {
      const ns = (c: Ctx): IpcNamespace => ipcNsOf(k, c.task);
      /** Root of the namespace's owner may write. */
      const ids = (c: Ctx): { uid: number; gid: number } => {
        const { uidMap, gidMap } = ns(c).userNs;
        return { uid: uidMap === null ? 0 : (uidMap.lower[0] ?? 0), gid: gidMap === null ? 0 : (gidMap.lower[0] ?? 0) };
      };
      const knob = (field: "msgmax" | "msgmnb" | "msgmni", max: number): SysctlFile =>
        intSysctl({
          min: 0,
          max,
          ids,
          get: (c) => ns(c)[field],
          set: (c, v) => {
            ns(c)[field] = v;
          },
        });
      k.sysctl.register("kernel/msgmax", knob("msgmax", INT_MAX));
      k.sysctl.register("kernel/msgmnb", knob("msgmnb", INT_MAX));
      k.sysctl.register("kernel/msgmni", knob("msgmni", 32768));
      const mayChoose = (c: Ctx): boolean =>
        nsCapable(k, c.task, ns(c).userNs, CAP_CHECKPOINT_RESTORE) || nsCapable(k, c.task, ns(c).userNs, CAP_SYS_ADMIN);
      for (const kind of ["msg", "sem", "shm"] as const)
        k.sysctl.register(
          `kernel/${kind}_next_id`,
          intSysctl({
            min: -1,
            max: INT_MAX,
            ids,
            modeFor: (c) => (mayChoose(c) ? 0o644 : 0o444),
            get: (c) => ns(c)[kind].nextId,
            set: (c, v) => {
              ns(c)[kind].nextId = v;
            },
          }),
        );
    }
    if (k.proc !== undefined) k.proc.file("/proc/sysvipc/msg", { show: (c) => msgText(c, ipcNsOf(k, c.task)) });
    const sys: Impl<MsgSys> = msgCalls;
    return { sys };
  },
};

/** ipcPart: ipc namespaces, and the calls and files of what is in them. ipc_namespaces(7). */
import { CLONE_NEWIPC, CLONE_SYSVSEM, type Core, type Impl, type Task } from "@kernelkit/core";
import type { NsPart } from "../nsPart.js";
import { installIpcFiles } from "./ipcFiles.js";
import { IpcIds, IpcPerm } from "./ipcIds.js";
import { IpcNamespace, ipcType } from "./ipcNamespace.js";
import type { IpcSys, ShmSys } from "./ipcSys.js";
import { mqCalls } from "./mqCalls.js";
import { endMqueues, installMqueueFs } from "./mqueue.js";
import { freeQueue, MsgQueue, msgCalls } from "./msg.js";
import { SemUndos, semCalls } from "./sem.js";
import { freeArray, SemArray, SemOps, SemUndo, UndoList } from "./semArray.js";
import { shmCalls } from "./shm.js";
import { leaveSegments, removeSegment, ShmSegment, segmentOps } from "./shmSegment.js";
import { IpcWaiter } from "./waiting.js";

const PROC_IPC_INIT_INO = 4026531839;

/** The end of a namespace: everything in it goes. */
function freeIpcs(k: Core, ns: IpcNamespace): void {
  for (const q of ns.msg.sorted()) freeQueue(k, ns, q);
  for (const a of ns.sem.sorted()) freeArray(k, ns, a);
  for (const s of ns.shm.sorted()) removeSegment(k, s);
  endMqueues(k, ns);
}

export const ipcPart: NsPart<object, IpcSys> = {
  name: "ipc",
  install(f) {
    const { k } = f;
    if (k.tasks.nsTypes.some((t) => t.name === "ipc")) return {};
    k.state.class(IpcNamespace, IpcIds, IpcPerm, MsgQueue, SemArray, SemUndo, UndoList, SemOps, ShmSegment, IpcWaiter);
    const type = { ...ipcType };
    if (!f.o.features.IPC_NS) type.procNames = [];
    k.tasks.registerNsType(type, new IpcNamespace(type, PROC_IPC_INIT_INO, k.tasks.initUserNs));
    if (f.o.features.IPC_NS) {
      f.define<IpcNamespace>(type, {
        ucount: "ipc",
        make: (_old, { userNs, by }, ino) => new IpcNamespace(type, ino, userNs, by.cred.fsuid, by.cred.fsgid),
        ended: (ns) => freeIpcs(k, ns),
      });
      f.installPlain(type);
    } else type.flag = 0;
    const undos = new SemUndos(
      k,
      k.slots.task.add("namespaces.sem", () => null),
    );
    const made = k.slots.task.add("namespaces.shm", () => null);
    const leave = (t: Task): void => {
      undos.leave(t);
      const segments = t.slots[made] as ShmSegment[] | null;
      t.slots[made] = null;
      if (segments !== null) leaveSegments(k, segments);
    };
    type.committed = leave;
    k.hooks.exit.tap(20, "namespaces.ipc", leave);
    k.hooks.unshared.tap(20, "namespaces.ipc", (t, flags) => {
      if ((flags & CLONE_NEWIPC) !== 0) leave(t);
      else if ((flags & CLONE_SYSVSEM) !== 0) undos.leave(t);
    });
    installIpcFiles(k);
    let sys: Partial<Impl<IpcSys>> = { ...msgCalls, ...semCalls(undos) };
    if (k.mm !== undefined) {
      const shm: Impl<ShmSys> = shmCalls({ ops: segmentOps(k), made });
      sys = { ...sys, ...shm };
    }
    if (k.vfs !== undefined) {
      installMqueueFs(k);
      sys = { ...sys, ...mqCalls };
    }
    return { sys: sys as Impl<IpcSys> };
  },
};

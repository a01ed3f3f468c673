/** Sockets as a part of core: the calls, AF_UNIX, the initial network namespace, their settings. After vfs and proc. */
import type { Core, Part } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import type { UserNamespace } from "../task/userNamespace.js";
import { intSysctl, type SysctlFile } from "../vfs/pseudo/sysctl.js";
import { Net } from "./net.js";
import { NetNamespace } from "./netNamespace.js";
import { ScmCred } from "./scm.js";
import { socketCalls } from "./socketCalls.js";
import { sockFileOps, sockfs, sockInodeOps, sockSuperOps } from "./sockFs.js";
import { procUnix, unixDgramOps, unixFamily, unixStreamOps } from "./unix/unixFamily.js";
import { UnixAddr, UnixMsg, UnixSock } from "./unix/unixSock.js";

const INT_MAX = 0x7fffffff;

/** Root of the user namespace that owns the caller's network namespace: its settings belong to it. */
export function netSysctlIds(c: Ctx): { uid: number; gid: number } {
  const ns: UserNamespace = c.k.net.of(c.task).userNs;
  return {
    uid: ns.uidMap === null ? 0 : (ns.uidMap.lower[0] ?? 0),
    gid: ns.gidMap === null ? 0 : (ns.gidMap.lower[0] ?? 0),
  };
}

/** Settings of the whole machine can only be read inside a namespace of its own. */
export const netGlobalMode = (c: Ctx, mode: number): number =>
  c.k.net.of(c.task) === c.k.net.init ? mode : mode & ~0o222;

function installSysctl(k: Core): void {
  const { net, sysctl } = k;
  const memory = (field: "wmemDefault" | "rmemDefault" | "wmemMax" | "rmemMax", min: number): SysctlFile =>
    intSysctl({
      min,
      max: INT_MAX,
      modeFor: netGlobalMode,
      get: () => net[field],
      set: (_c, v) => {
        net[field] = v;
      },
    });
  sysctl.registerAll("net/core", {
    rmem_default: memory("rmemDefault", 2304),
    rmem_max: memory("rmemMax", 2304),
    wmem_default: memory("wmemDefault", 4608),
    wmem_max: memory("wmemMax", 4608),
    somaxconn: intSysctl({
      min: 0,
      max: INT_MAX,
      ids: netSysctlIds,
      get: (c) => net.of(c.task).somaxconn,
      set: (c, v) => {
        net.of(c.task).somaxconn = v;
      },
    }),
  });
  sysctl.register(
    "net/unix/max_dgram_qlen",
    intSysctl({
      ids: netSysctlIds,
      get: (c) => net.of(c.task).maxDgramQlen,
      set: (c, v) => {
        net.of(c.task).maxDgramQlen = v;
      },
    }),
  );
}

export const netPart: Part = {
  name: "net",
  install(k) {
    const { state } = k;
    state.class(NetNamespace, ScmCred, UnixSock, UnixAddr, UnixMsg);
    state.static("fops.socket", sockFileOps);
    state.static("iops.socket", sockInodeOps);
    state.static("sops.socket", sockSuperOps);
    state.static("fs.sockfs", sockfs);
    state.static("proto.unixStream", unixStreamOps);
    state.static("proto.unixDgram", unixDgramOps);
    k.net = new Net(k);
    state.root("net", k.net);
    k.tasks.registerNsType(k.net.type, k.net.init);
    k.net.register(unixFamily);
    k.syscalls.add(socketCalls);
    if (k.sysctl !== undefined) installSysctl(k);
    k.proc?.pidFile("net/unix", { show: (_c, t) => procUnix(k.net.of(t)) });
  },
};

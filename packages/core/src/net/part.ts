/** Sockets as a part of core: the calls, AF_UNIX, the initial network namespace, their settings. After vfs and proc. */
import type { Part } from "../kernel/core.js";
import { Net } from "./net.js";
import { NetNamespace } from "./netNamespace.js";
import { installSysctl } from "./netSysctl.js";
import { ScmCred } from "./scm.js";
import { socketCalls } from "./socketCalls.js";
import { sockFileOps, sockfs, sockInodeOps, sockSuperOps } from "./sockFs.js";
import { procUnix, unixDgramOps, unixFamily, unixStreamOps } from "./unix/unixFamily.js";
import { UnixAddr, UnixMsg, UnixSock } from "./unix/unixSock.js";

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
    if (k.sysctl !== undefined) k.sysctl.tree.later(() => installSysctl(k));
    k.proc?.pidFile("net/unix", { show: (_c, t) => procUnix(k.net.of(t)) });
  },
};

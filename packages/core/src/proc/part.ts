/** /proc, /proc/sys and the machine in /sys as a part of core. After mm, vfs and pseudo. */
import type { Part } from "../kernel/core.js";
import { Sysctl } from "../vfs/pseudo/sysctl.js";
import { installGeneral } from "./general.js";
import { installKernelSysctl } from "./kernelSysctl.js";
import { installMachineSysfs, watchModules } from "./machineSysfs.js";
import { bootNsfs, installNsfs } from "./nsfs.js";
import { installPidFd } from "./pidFd.js";
import { installPidFiles } from "./pidFiles.js";
import { installPidMem } from "./pidMem.js";
import { installPidMounts } from "./pidMounts.js";
import { installPidTask } from "./pidTask.js";
import { Proc, procSuperOps } from "./proc.js";
import { installVmSysctl } from "./vmSysctl.js";

export const procPart: Part = {
  name: "proc",
  install(k) {
    k.proc = new Proc(k);
    k.state.root("proc", k.proc);
    k.state.static("sops.proc", procSuperOps);
    k.sysctl = new Sysctl(k, k.proc.tree);
    installPidTask(k);
    installPidFd(k);
    installNsfs(k);
    k.proc.pidDir("net", 0o555);
    installPidFiles(k);
    installPidMem(k);
    installPidMounts(k);
    k.proc.tree.later(() => installGeneral(k));
    k.sysctl.tree.later(() => installKernelSysctl(k));
    k.sysctl.tree.later(() => installVmSysctl(k));
    k.sysfs.later(() => installMachineSysfs(k));
    watchModules(k);
  },
  boot(k) {
    bootNsfs(k);
    k.sysctl.applyCmdline();
  },
};

/** Pseudo file systems as a part of core: sysfs, debugfs, securityfs, tracefs, devices. After vfs. */
import { DEBUGFS_MAGIC, SECURITYFS_MAGIC, TRACEFS_MAGIC } from "../../abi/magic.js";
import type { Part } from "../../kernel/core.js";
import { Devices } from "./devices.js";
import { installDevtmpfs } from "./devtmpfs.js";
import { sysfsKind } from "./kernfs.js";
import { installMemDevices } from "./memDevices.js";
import { installTrees, PseudoTree, type TreeKind } from "./pseudoTree.js";
import { debugFileOps } from "./seqFile.js";

const debugKind = (name: string, dir: string, magic: number, rootMode: number): TreeKind => ({
  name,
  prefix: `/sys/kernel/${dir}`,
  magic,
  fileOps: debugFileOps,
  rootMode,
});

export const pseudoPart: Part = {
  name: "pseudo",
  install(k) {
    installTrees(k);
    k.sysfs = new PseudoTree(k, sysfsKind);
    // what is mounted below /sys has its place there
    for (const dir of ["fs/cgroup", "kernel/debug", "kernel/security", "kernel/tracing"]) k.sysfs.dir(dir);
    k.debugfs = new PseudoTree(k, debugKind("debugfs", "debug", DEBUGFS_MAGIC, 0o700));
    k.securityfs = new PseudoTree(k, debugKind("securityfs", "security", SECURITYFS_MAGIC, 0o755));
    k.tracefs = new PseudoTree(k, debugKind("tracefs", "tracing", TRACEFS_MAGIC, 0o700));
    k.devices = new Devices(k, k.sysfs);
    k.state.root("devices", k.devices);
    // where the others are mounted
    for (const dir of ["debug", "security", "tracing"]) k.sysfs.dir(`kernel/${dir}`);
    k.sysfs.dir("fs/cgroup");
    installDevtmpfs(k);
    installMemDevices(k);
  },
};

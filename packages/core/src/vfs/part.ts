/**
 * The part of core that is the virtual file system: makes `k.vfs`, registers its state, calls and file system types, and mounts
 * the trees a system has when init starts.
 */
import type { Core, Part } from "../kernel/core.js";
import type { Task } from "../task/task.js";
import { anonInodeFs, anonInodeOps, anonSuperOps } from "./anonInode.js";
import { Children, Dcache, Dentry } from "./dentry.js";
import { diskTypes, registerDisks } from "./disk.js";
import { fdCalls, mountCalls } from "./fdCalls.js";
import { OpenFile } from "./file.js";
import { fileCalls } from "./fileCalls.js";
import { FilesStruct } from "./filesStruct.js";
import { finalFput } from "./fileTable.js";
import { FsStruct } from "./fsStruct.js";
import { Inode } from "./inode.js";
import { memDirFileOps, memDirOps, memInodeOps, memLinkOps } from "./memFs.js";
import { shmFs, shmSuperOps } from "./memfd.js";
import { MntNamespace, Mount } from "./mount.js";
import { linkMount, newMount, setNamespace, topMount } from "./mountTree.js";
import { pathFileOps } from "./open.js";
import { fifoOps, pipefs, pipeInodeOps, pipeSuperOps } from "./pipe.js";
import { Pipe, PipeSlot } from "./pipeRing.js";
import { regularFileOps } from "./regularFile.js";
import { chrdevOps, noOps } from "./specialFile.js";
import { type FileSystemType, SuperBlock } from "./superBlock.js";
import { ramfs, ramfsAops, ramfsOps, rootfs, tmpfs, tmpfsAops, tmpfsOps } from "./tmpfs.js";
import { Vfs } from "./vfs.js";
import { memXattrs } from "./xattr.js";
import { xattrCalls } from "./xattrCalls.js";

/** Where file systems are mounted at boot, if their type is there. Directories are made as needed. */
const BOOT_MOUNTS: readonly [type: string, source: string, at: string, data: string][] = [
  ["proc", "proc", "/proc", ""],
  ["sysfs", "sysfs", "/sys", ""],
  ["devtmpfs", "devtmpfs", "/dev", "mode=755"],
  ["tmpfs", "tmpfs", "/dev/shm", ""],
  ["tmpfs", "tmpfs", "/tmp", ""],
  ["cgroup2", "cgroup2", "/sys/fs/cgroup", ""],
  ["debugfs", "debugfs", "/sys/kernel/debug", ""],
  ["tracefs", "tracefs", "/sys/kernel/tracing", ""],
  ["securityfs", "securityfs", "/sys/kernel/security", ""],
];

function installStatics(k: Core): void {
  const s = k.state;
  s.class(
    Dcache,
    Dentry,
    Children,
    Inode,
    OpenFile,
    SuperBlock,
    Mount,
    MntNamespace,
    FilesStruct,
    FsStruct,
    Pipe,
    PipeSlot,
  );
  const statics: Record<string, object> = {
    "iops.anon": anonInodeOps,
    "iops.pipe": pipeInodeOps,
    "iops.memDir": memDirOps,
    "iops.mem": memInodeOps,
    "iops.memLink": memLinkOps,
    "fops.none": noOps,
    "fops.path": pathFileOps,
    "fops.device": chrdevOps,
    "fops.fifo": fifoOps,
    "fops.regular": regularFileOps,
    "fops.memDir": memDirFileOps,
    "sops.tmpfs": tmpfsOps,
    "sops.ramfs": ramfsOps,
    "sops.pipe": pipeSuperOps,
    "sops.anon": anonSuperOps,
    "sops.shm": shmSuperOps,
    "aops.tmpfs": tmpfsAops,
    "aops.ramfs": ramfsAops,
    "xattr.mem": memXattrs,
  };
  for (const [name, v] of Object.entries(statics)) s.static(name, v);
  for (const type of [pipefs, anonInodeFs, shmFs]) k.state.static(`fs.${type.name}`, type);
}

/** Mount a file system for the kernel, making the directory if there is none. */
export function kernMount(k: Core, type: FileSystemType, source: string, at: string, data: string): Mount {
  const { vfs } = k;
  const sb = type.mount({ k }, 0, source, data);
  const m = newMount(vfs, sb, sb.root, source);
  m.flags |= 0x20; // relatime
  const place = mkdirPath(k, at);
  linkMount(vfs, m, place.mnt, place.dentry);
  setNamespace(vfs, [m], vfs.initNs);
  return m;
}

/** The place of an absolute path, with the directories made that are missing. */
export function mkdirPath(k: Core, path: string): { mnt: Mount; dentry: Dentry } {
  const { vfs } = k;
  let at = topMount(vfs.initNs.root, vfs.initNs.root.root);
  for (const name of path.split("/")) {
    if (name === "") continue;
    const { mnt, dentry: parent } = at;
    let d = vfs.dcache.findName(parent, name);
    if (d === null) {
      const dir = parent.inode as Inode;
      const c = k.tasks.init.ctx;
      let inode = dir.ops.lookup === null ? null : dir.ops.lookup(c, dir, name, parent);
      if (inode === null) inode = (dir.ops.mkdir as NonNullable<typeof dir.ops.mkdir>)(c, dir, name, 0o40755);
      d = vfs.addDentry(parent, name, inode);
    }
    at = topMount(mnt, d);
  }
  return at;
}

function bootMounts(k: Core): void {
  const { vfs } = k;
  const ns = vfs.initNs;
  // the root of all, and what init sees on top of it
  const bottom = rootfs.mount({ k }, 0, "rootfs", "");
  const m0 = newMount(vfs, bottom, bottom.root, "rootfs");
  ns.root = m0;
  setNamespace(vfs, [m0], ns);
  const top = tmpfs.mount({ k }, 0, "root", "mode=755,size=0,nr_inodes=0");
  const m1 = newMount(vfs, top, top.root, "root");
  m1.flags |= 0x20;
  linkMount(vfs, m1, m0, m0.root);
  setNamespace(vfs, [m1], ns);
  for (const [name, source, at, data] of BOOT_MOUNTS) {
    const type = vfs.types.get(name);
    if (type !== undefined) kernMount(k, type, source, at, data);
  }
  for (const dir of ["/bin", "/etc", "/mnt", "/root"]) mkdirPath(k, dir);
}

/** Every task that is there gets a root, a working directory and a table of descriptors. */
function equip(k: Core): void {
  const { vfs } = k;
  const { mnt, dentry } = topMount(vfs.initNs.root, vfs.initNs.root.root);
  const make = (): FsStruct => {
    vfs.pathGet(mnt, dentry);
    vfs.pathGet(mnt, dentry);
    return new FsStruct(mnt, dentry, mnt, dentry, 0o022);
  };
  const shared = make();
  shared.refs = 0;
  const kfiles = new FilesStruct();
  kfiles.refs = 0;
  for (const t of k.tasks.all() as Task[]) {
    if (t === k.tasks.init) {
      t.fs = make();
      t.files = new FilesStruct();
      continue;
    }
    t.fs = shared;
    shared.refs++;
    t.files = kfiles;
    kfiles.refs++;
  }
}

export const vfsPart: Part = {
  name: "vfs",
  install(k) {
    const vfs = new Vfs(k);
    k.vfs = vfs;
    k.state.root("vfs", vfs);
    installStatics(k);
    k.syscalls.add(fileCalls);
    k.syscalls.add(xattrCalls);
    k.syscalls.add(fdCalls);
    k.syscalls.add(mountCalls);
    for (const type of [tmpfs, ramfs, rootfs, ...diskTypes]) vfs.registerFilesystem(type);
    registerDisks(k);
    k.works.define("fput", (_t, arg) => finalFput(k, arg as OpenFile));
    vfs.fputEvent = k.events.define("vfs.fput", (arg) => finalFput(k, arg as OpenFile));
    const mntType = { name: "mnt", flag: 0x20000, procNames: ["mnt"], index: -1, order: 0 };
    vfs.initNs = new MntNamespace(mntType, 0xf0000000 - 8, ++vfs.lastNsSeq, k.tasks.initUserNs);
    k.tasks.registerNsType(mntType, vfs.initNs);
    vfs.mntNsIndex = mntType.index;
  },
  boot(k) {
    bootMounts(k);
    equip(k);
  },
};

/**
 * Namespaces as files: the links of /proc/PID/ns and the file system behind them. Open files and mounts of a namespace file keep the
 * namespace alive. namespaces(7), ioctl_ns(2).
 */
import { ENOENT, ENOTTY } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { O_RDONLY } from "../abi/fcntl.js";
import { NSFS_MAGIC } from "../abi/magic.js";
import { S_IFREG } from "../abi/stat.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { type Namespace, putNs } from "../task/namespace.js";
import type { Task } from "../task/task.js";
import { internalMount } from "../vfs/anonInode.js";
import type { Dentry } from "../vfs/dentry.js";
import { FileOps, type OpenFile } from "../vfs/file.js";
import { Inode, InodeOps, S_IMMUTABLE } from "../vfs/inode.js";
import type { Mount } from "../vfs/mount.js";
import { openDentry } from "../vfs/open.js";
import { type FileSystemType, FS_INTERNAL, SuperBlock, type SuperOps } from "../vfs/superBlock.js";

/** `uts:[4026531838]` */
const nsText = (ns: Namespace): string => `${ns.type.name}:[${ns.ino}]`;

const nsfsOps: SuperOps = {
  dname: (d) => nsText((d.inode as Inode).data as Namespace),
  showPath: (d) => nsText((d.inode as Inode).data as Namespace),
  evict(inode) {
    const ns = inode.data as Namespace;
    inode.sb.k.proc.nsDentries.delete(ns);
    putNs(ns);
  },
};

const nsfs: FileSystemType = {
  name: "nsfs",
  flags: FS_INTERNAL,
  mount: ({ k }) => new SuperBlock(k, nsfs, NSFS_MAGIC, nsfsOps),
};

const nsInodeOps: InodeOps = /* @__PURE__ */ new InodeOps({});

/** What an open namespace file can do: be asked by ioctl(2), which a package may answer (`k.proc.nsIoctl`). */
export const nsFileOps: FileOps = /* @__PURE__ */ new FileOps({
  ioctl(c, file, request, arg) {
    const f = c.k.proc.nsIoctl;
    return f === null ? fail(ENOTTY) : f(c, file.inode.data as Namespace, request, arg);
  },
});

/** The place of a namespace in nsfs: for links to jump to. One nobody keeps is forgotten at the end of the caller's call. */
export function nsPlace(k: Core, t: Task, ns: Namespace): { mnt: Mount; dentry: Dentry } {
  const mnt = internalMount(k, nsfs);
  const { nsDentries } = k.proc;
  let d = nsDentries.get(ns);
  if (d === undefined) {
    const inode = new Inode(mnt.sb, ns.ino, S_IFREG | 0o444, nsInodeOps, nsFileOps);
    inode.data = ns;
    inode.flags |= S_IMMUTABLE;
    ns.refs++;
    d = k.vfs.dcache.makeUnhashed(nsText(ns), null, inode);
    nsDentries.set(ns, d);
    k.works.add(t, "nsfs.forget", d);
  }
  return { mnt, dentry: d };
}

/** A new descriptor (close-on-exec) of a namespace. EMFILE. */
export function openNsFile(c: Ctx, ns: Namespace): number {
  const { k, task } = c;
  const { mnt, dentry } = nsPlace(k, task, ns);
  return k.vfs.installOrPut(task, openDentry(c, mnt, dentry, O_RDONLY, O_RDONLY, false) as OpenFile, true);
}

/** The namespace that /proc/PID/ns/NAME shows; null: there is none. */
function nsNamed(k: Core, t: Task, type: Namespace["type"], name: string): Namespace | null {
  if (type.procNs !== undefined) return type.procNs(t, name);
  if (name === "pid") return t.pid.ns[t.pid.level];
  const ns = type === k.tasks.userType ? t.cred.userNs : t.nsproxy.ns[type.index];
  if (ns === undefined) return null;
  // a pid namespace before its first process
  if (name === "pid_for_children" && (ns as unknown as { childReaper: Task | null }).childReaper === null) return null;
  return ns;
}

export function installNsfs(k: Core): void {
  const { state } = k;
  state.static("fs.nsfs", nsfs);
  state.static("sops.nsfs", nsfsOps);
  state.static("iops.nsfs", nsInodeOps);
  state.static("fops.nsfs", nsFileOps);
  k.works.define("nsfs.forget", (_t, arg) => {
    const d = arg as Dentry;
    if (d.refs === 0 && d.inode !== null && k.proc.nsDentries.get(d.inode.data as Namespace) === d) k.vfs.killDentry(d);
  });
  k.tasks.nsOfFd = (t, fd) => {
    const f = k.vfs.fget(t, fd);
    return f.ops === nsFileOps ? (f.inode.data as Namespace) : null;
  };
  k.proc.pidDir("ns", 0o511);
}

/** When all types are registered: a link for each of their names. */
export function bootNsfs(k: Core): void {
  for (const type of k.tasks.nsTypes) {
    for (const name of type.procNames) {
      k.proc.pidLink(`ns/${name}`, (c, t, nd) => {
        const ns = nsNamed(k, t, type, name) ?? fail(ENOENT);
        if (nd === null) return nsText(ns);
        const { mnt, dentry } = nsPlace(k, c.task, ns);
        nd.jump(mnt, dentry);
        return null;
      });
    }
  }
}

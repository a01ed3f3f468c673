/**
 * Files of sysfs and cgroup file systems. Reading is as in seqFile.ts, of at most a page; each write(2), wherever the offset is, is one
 * `store`. poll(2) says PRI|ERR when the file was notified since it was last read. sysfs(5), Documentation/filesystems/sysfs.
 *
 * sysfs looks at the mode bits at open even for root (EACCES); in cgroup file systems reading what cannot be read is EINVAL.
 */

import { E2BIG, EACCES, EINVAL, ENODEV } from "../../abi/errno.js";
import { fail } from "../../abi/errors.js";
import { CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, SYSFS_MAGIC } from "../../abi/magic.js";
import { POLLERR, POLLIN, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM } from "../../abi/poll.js";
import type { Ctx } from "../../kernel/ctx.js";
import { extend } from "../../lib/extend.js";
import { FileOps, FMODE_READ, FMODE_WRITE, type OpenFile } from "../file.js";
import { genericLlseek } from "../llseek.js";
import type { PseudoFile } from "./pseudoFile.js";
import type { TreeKind } from "./pseudoTree.js";
import { noDirect, plainRead, seqOf, seqRead, storeText } from "./seqFile.js";
import { eventsOf, nodeOf } from "./treeInode.js";

const PAGE_SIZE = 4096;
const READY = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;

function show(c: Ctx, file: OpenFile): string | Uint8Array {
  const node = nodeOf(file.inode);
  seqOf(file).event = eventsOf(node).event;
  return (node.file as Required<PseudoFile<unknown>>).show(c, node.owner, file);
}

function showPage(c: Ctx, file: OpenFile): string | Uint8Array {
  const text = show(c, file);
  return text.length < PAGE_SIZE ? text : text.slice(0, PAGE_SIZE - 1);
}

function kernfsOps(sysfs: boolean): FileOps {
  return new FileOps({
    open(c, inode, file) {
      const node = nodeOf(inode);
      if (node.removed) return fail(ENODEV);
      const def = node.file as PseudoFile<unknown>;
      if (sysfs) {
        if ((file.mode & FMODE_WRITE) !== 0 && ((inode.mode & 0o222) === 0 || def.store === undefined))
          return fail(EACCES);
        if ((file.mode & FMODE_READ) !== 0 && ((inode.mode & 0o444) === 0 || def.show === undefined))
          return fail(EACCES);
      }
      if (def.open !== undefined) def.open(c, node.owner, file);
      eventsOf(node);
      return noDirect(file);
    },
    read(c, file, count, pos, buf) {
      const node = nodeOf(file.inode);
      if (node.removed) return fail(ENODEV);
      const def = node.file as PseudoFile<unknown>;
      if (def.show === undefined) return fail(EINVAL);
      if (def.plain) return plainRead(count, pos, buf, def.show(c, node.owner, file));
      return seqRead(c, file, count, pos, buf, sysfs ? showPage : show);
    },
    write(c, file, data, pos) {
      const node = nodeOf(file.inode);
      if (!sysfs && data.length >= PAGE_SIZE) return fail(E2BIG);
      if (node.removed) return fail(ENODEV);
      if (sysfs && data.length === 0) return 0;
      const def = node.file as PseudoFile<unknown>;
      if (def.store === undefined) return fail(EINVAL);
      return storeText(c, def, node.owner, data.length > PAGE_SIZE ? data.subarray(0, PAGE_SIZE) : data, file, pos);
    },
    llseek: genericLlseek,
    poll(c, file, pt) {
      const node = nodeOf(file.inode);
      const def = node.file as PseudoFile<unknown>;
      const e = eventsOf(node);
      if (def.poll !== undefined) pt?.add(def.poll(c, node.owner).queue);
      pt?.add(e.queue);
      if (def.pollMask !== undefined && !node.removed) return def.pollMask(c, node.owner, file);
      return node.removed || e.event !== seqOf(file).event ? READY | POLLERR | POLLPRI : READY;
    },
  });
}

/** Statics: register them with the tree that uses them. */
export const sysfsFileOps: FileOps = /* @__PURE__ */ kernfsOps(true);
export const cgroupFileOps: FileOps = /* @__PURE__ */ kernfsOps(false);

export const sysfsKind: TreeKind = {
  name: "sysfs",
  prefix: "/sys",
  magic: SYSFS_MAGIC,
  fileOps: sysfsFileOps,
  rootMode: 0o555,
  size: PAGE_SIZE,
  nsType: "net",
};

/** Trees of cgroup hierarchies: `new PseudoTree(k, { ...cgroup2Kind })`; hierarchies of version 1 with names of their own. */
export const cgroup2Kind: TreeKind = {
  name: "cgroup2",
  prefix: "/sys/fs/cgroup",
  magic: CGROUP2_SUPER_MAGIC,
  fileOps: cgroupFileOps,
};
export const cgroupKind: TreeKind = /* @__PURE__ */ extend(cgroup2Kind, { name: "cgroup", magic: CGROUP_SUPER_MAGIC });

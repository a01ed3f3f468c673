/**
 * Inodes of pseudo file systems, made from nodes when somebody looks: `inode.data` is the node. Attributes are kept in the node, directories
 * list what the node has. pseudoTree.ts is what packages use.
 */

import { ENOENT } from "../../abi/errno.js";
import { fail } from "../../abi/errors.js";
import type { Ctx } from "../../kernel/ctx.js";
import { extend } from "../../lib/extend.js";
import { setattrCopy, simpleSetattr } from "../attr.js";
import { FileOps } from "../file.js";
import { emitDots } from "../getdents.js";
import { ATTR_GID, ATTR_MODE, ATTR_UID, Inode, InodeOps, type InodeOpsInit } from "../inode.js";
import { genericLlseek } from "../llseek.js";
import { noOps } from "../specialFile.js";
import type { SuperBlock } from "../superBlock.js";
import { type Knode, KnodeEvents, relativeTarget } from "./knode.js";

/** The node behind an inode of a pseudo file system. */
export function nodeOf(inode: Inode): Knode {
  return inode.data as Knode;
}

/** The events of a node, made when somebody opens it. */
export function eventsOf(node: Knode): KnodeEvents {
  node.events ??= new KnodeEvents();
  return node.events;
}

export function fillInode(inode: Inode, node: Knode): void {
  inode.mode = node.mode;
  inode.uid = node.uid;
  inode.gid = node.gid;
}

export function makeInode(sb: SuperBlock, node: Knode): Inode {
  const { kind } = node.tree;
  const root = node === node.tree.root;
  const inode = node.isDir
    ? new Inode(
        sb,
        node.ino,
        node.mode,
        (root ? kind.rootOps : undefined) ?? kind.dirOps ?? treeDirOps,
        (root ? kind.rootFileOps : undefined) ?? kind.dirFileOps ?? treeDirFileOps,
      )
    : node.isLink
      ? new Inode(sb, node.ino, node.mode, treeLinkOps, noOps)
      : new Inode(sb, node.ino, node.mode, kind.nodeOps ?? treeNodeOps, node.file?.ops ?? kind.fileOps);
  inode.data = node;
  fillInode(inode, node);
  if (node.isLink) inode.size = kind.strict === true && typeof node.target === "string" ? node.target.length : 0;
  else if (!node.isDir) inode.size = kind.size ?? 0;
  return inode;
}

/** What a directory has for the namespace of a superblock only. */
function nsPart(sb: SuperBlock, node: Knode): Knode | null {
  return node.perNs === null || sb.data === null ? null : node.perNs.of(sb.data as object);
}

export function treeLookup(_c: Ctx, dir: Inode, name: string): Inode | null {
  const node = nodeOf(dir);
  const child = node.removed ? null : (node.child(name) ?? nsPart(dir.sb, node)?.child(name) ?? null);
  if (child !== null) return makeInode(dir.sb, child);
  return node.tree.kind.strict ? fail(ENOENT) : null;
}

/** Attributes are the node's: they outlive the inode. */
export const keepAttrs: InodeOpsInit = {
  setattr(c, inode, a) {
    // truncation is accepted and does nothing
    if ((a.valid & (ATTR_MODE | ATTR_UID | ATTR_GID)) === 0) {
      setattrCopy(inode, a);
      return undefined;
    }
    a.size = inode.size;
    simpleSetattr(c, inode, { ...a, valid: a.valid & ~0x8 });
    const node = nodeOf(inode);
    // files that are there keep their owner: those of a group are made when somebody looks, so look now
    if ((a.valid & (ATTR_UID | ATTR_GID)) !== 0 && node.group !== null)
      for (const name of node.group.files.keys()) node.child(name);
    node.mode = inode.mode;
    node.uid = inode.uid;
    node.gid = inode.gid;
    return undefined;
  },
};

export const dirNlink: NonNullable<InodeOpsInit["getattr"]> = (_c, inode, st) => {
  const node = nodeOf(inode);
  node.tree.settle();
  let n = 2;
  for (const at of [node, nsPart(inode.sb, node)])
    if (at !== null && at.children !== null) for (const child of at.children.values()) if (child.isDir) n++;
  st.nlink = node.tree.kind.oneLink ? 1 : n;
};

export const treeDirOps: InodeOps = /* @__PURE__ */ new InodeOps(
  /* @__PURE__ */ extend(keepAttrs, { lookup: treeLookup, getattr: dirNlink }),
);
export const treeNodeOps: InodeOps = /* @__PURE__ */ new InodeOps(keepAttrs);
export const treeLinkOps: InodeOps = /* @__PURE__ */ new InodeOps({
  getLink(_c, inode) {
    const node = nodeOf(inode);
    return typeof node.target === "string" ? node.target : relativeTarget(node, node.target);
  },
});

/** Emit the entries of a node from position `base` + 0 on; true if all fitted. Entry i is at position base + i. */
export function emitNode(
  node: Knode,
  d: { pos: number; emit(name: string, ino: number, type: number): boolean },
  base: number,
): boolean {
  if (node.removed) return true;
  const list = node.entries();
  const { order } = node.tree.kind;
  if (order !== undefined) list.sort(order);
  for (let i = Math.max(0, d.pos - base); i < list.length; i++) {
    const e = list[i];
    if (!d.emit(e.name, e.ino, e.type)) return false;
    d.pos = base + i + 1;
  }
  return true;
}

export const treeDirFileOps: FileOps = /* @__PURE__ */ new FileOps({
  iterate(_c, file, d) {
    if (!emitDots(file, d)) return;
    const node = nodeOf(file.inode);
    const more = nsPart(file.inode.sb, node);
    if (emitNode(node, d, 2) && more !== null) emitNode(more, d, 2 + node.entries().length);
  },
  llseek: genericLlseek,
});

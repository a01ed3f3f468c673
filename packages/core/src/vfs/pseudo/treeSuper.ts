/**
 * Superblocks of pseudo trees: the file system type a tree brings, and what mounting it gives - one superblock, or one for each namespace of
 * the kind's type.
 */
import type { Core } from "../../kernel/core.js";
import type { Namespace } from "../../task/namespace.js";
import type { Task } from "../../task/task.js";
import type { UserNamespace } from "../../task/userNamespace.js";
import {
  type FileSystemType,
  FS_USERNS_MOUNT,
  SB_NODEV,
  SB_NOEXEC,
  SB_USERNS_VISIBLE,
  SuperBlock,
  type SuperOps,
} from "../superBlock.js";
import type { PseudoTree } from "./pseudoTree.js";
import { makeInode } from "./treeInode.js";

/** The file system of a tree: one superblock (per namespace, `sb.data`, of the kind's type), however often it is mounted. */
export function treeType(tree: PseudoTree): FileSystemType {
  const { kind } = tree;
  const { nsType } = kind;
  const nsOf = (k: Core, t: Task): Namespace | null => {
    const type = k.tasks.nsTypes.find((x) => x.name === nsType);
    return type === undefined ? null : k.tasks.nsOf(t, type);
  };
  return {
    name: kind.name,
    flags: nsType === undefined ? 0 : FS_USERNS_MOUNT,
    ...(nsType !== undefined && { userNs: (k, t) => nsOf(k, t)?.userNs ?? t.cred.userNs }),
    mount({ k, task }) {
      const type = tree.type as FileSystemType;
      const ns = nsType === undefined ? null : nsOf(k, task ?? k.tasks.init);
      for (const sb of k.vfs.superBlocks) if (sb.type === type && sb.data === ns) return sb;
      const sb = newTreeSuper(tree, {}, ns?.userNs);
      sb.data = ns;
      if (nsType !== undefined) sb.flags |= SB_USERNS_VISIBLE;
      return sb;
    },
  };
}

/** A superblock that shows the tree; for file systems that mount by themselves. */
export function newTreeSuper(tree: PseudoTree, ops: SuperOps = {}, userNs?: UserNamespace): SuperBlock {
  const { k } = tree;
  const sb = new SuperBlock(
    k,
    tree.type as FileSystemType,
    tree.kind.magic,
    ops,
    userNs === undefined ? {} : { userNs },
  );
  sb.flags |= SB_NODEV | SB_NOEXEC;
  sb.root = k.vfs.dcache.makeRoot(makeInode(sb, tree.root));
  return sb;
}

/**
 * /dev: a memory file system in which the kernel makes the nodes of its devices, and to which anybody with the right may add. One
 * instance, however often it is mounted.
 */
import { TMPFS_MAGIC } from "../../abi/magic.js";
import { S_IFLNK, S_IFMT } from "../../abi/stat.js";
import type { Core } from "../../kernel/core.js";
import type { Dentry } from "../dentry.js";
import type { Inode } from "../inode.js";
import { memEvict, memFs, memInodeOps, newInode } from "../memFs.js";
import { type FileSystemType, SuperBlock, type SuperOps } from "../superBlock.js";
import { fillMemSuper, memStatfs, tmpfsAops } from "../tmpfs.js";
import type { DevNode } from "./devices.js";

const devtmpfsOps: SuperOps = {
  statfs: memStatfs,
  evict: memEvict,
  showOptions: (sb) => `,mode=${memFs(sb).mode.toString(8)}`,
};

/** Links that every system has. */
const LINKS: readonly (readonly [string, string])[] = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
];

function addNode(sb: SuperBlock, n: DevNode, target?: string): void {
  const { k } = sb;
  let dir: Dentry = sb.root;
  const names = n.path.split("/");
  const name = names.pop() as string;
  const make = (at: Dentry, called: string, mode: number, rdev: number): Dentry => {
    const parent = at.inode as Inode;
    const inode = newInode(null, sb, parent, mode, rdev);
    if ((mode & S_IFMT) === 0o040000) parent.nlink++;
    parent.size += memFs(sb).entrySize;
    return k.vfs.addDentry(at, called, inode);
  };
  for (const part of names) dir = k.vfs.dcache.findName(dir, part) ?? make(dir, part, 0o040755, 0);
  if (k.vfs.dcache.findName(dir, name) !== null) return;
  const d = make(dir, name, n.mode, n.rdev);
  if (target !== undefined) {
    const inode = d.inode as Inode;
    inode.data = target;
    inode.size = target.length;
  }
}

export function installDevtmpfs(k: Core): void {
  k.state.static("sops.devtmpfs", devtmpfsOps);
  const find = (): SuperBlock | undefined => [...k.vfs.superBlocks].find((sb) => sb.type === type);
  const type: FileSystemType = {
    name: "devtmpfs",
    flags: 0,
    mount(c) {
      const there = find();
      if (there !== undefined) return there;
      const none = Number.POSITIVE_INFINITY;
      const sb = fillMemSuper(c, new SuperBlock(k, type, TMPFS_MAGIC, devtmpfsOps), {
        maxInodes: none,
        usedInodes: 0,
        maxBlocks: none,
        usedBlocks: 0,
        dirSize: 40,
        entrySize: 20,
        mode: 0o755,
        uid: 0,
        gid: 0,
        aOps: tmpfsAops,
        iops: memInodeOps,
        fastLink: 128,
      });
      for (const n of k.devices.nodes) addNode(sb, n);
      for (const [path, target] of LINKS) addNode(sb, { path, mode: S_IFLNK | 0o777, rdev: 0 }, target);
      return sb;
    },
  };
  k.state.static("sops.devtmpfs", devtmpfsOps);
  k.vfs.registerFilesystem(type);
  k.devices.addNode = (n) => {
    const sb = find();
    if (sb !== undefined) addNode(sb, n);
  };
}

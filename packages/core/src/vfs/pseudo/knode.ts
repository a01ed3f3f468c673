/**
 * The nodes of pseudo file systems: a tree of directories, files and links that exists apart from inodes and dentries (Linux:
 * kernfs_node, proc_dir_entry, ctl_table). Inodes are made from nodes when somebody looks; `inode.data` is the node.
 *
 * State holds nodes; a node's file definition and group are statics. Files of a group become nodes when first looked up.
 */
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../../abi/stat.js";
import { WaitQueue } from "../../sched/waitQueue.js";
import { defaultMode, type FileGroup, type PseudoFile } from "./pseudoFile.js";
import type { PseudoTree } from "./pseudoTree.js";

/** Somebody may poll the node: a count of notifications, and who waits. */
export class KnodeEvents {
  /** Ahead of what an open file has seen before its first read, so that a poll without a read is told to read. */
  event = 1;
  readonly queue: WaitQueue = new WaitQueue("kernfs");
}

/** What a directory has besides for a namespace: a node that is in no directory but has the directory's name and parent. A static. */
export interface NsEntries {
  of(ns: object): Knode | null;
}

export class Knode {
  /** Kernel ids. */
  uid = 0;
  gid = 0;
  /** Of files: what they do (a static). */
  file: PseudoFile<never> | null = null;
  /** Of directories: files that are there by definition (a static), numbered behind the directory's own number. */
  group: FileGroup<never> | null = null;
  /** What the directory (or file) is about. */
  owner: unknown = undefined;
  /** Of links: where to. */
  target: Knode | string = "";
  children: Map<string, Knode> | null = null;
  removed = false;
  events: KnodeEvents | null = null;
  /** Its entries depend on the namespace the file system is mounted for. */
  perNs: NsEntries | null = null;
  /** Of such entries: the namespace. */
  ns: object | null = null;

  constructor(
    readonly tree: PseudoTree,
    readonly name: string,
    readonly parent: Knode | null,
    /** Type and permissions. */
    public mode: number,
    readonly ino: number,
  ) {}

  get isDir(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }
  get isLink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK;
  }

  /** The child of that name, made from the group if need be; null: there is none. */
  child(name: string): Knode | null {
    let there = this.children?.get(name);
    if (there !== undefined) return there;
    this.tree.settle();
    there = this.children?.get(name);
    if (there !== undefined) return there;
    const { group } = this;
    if (group === null) return null;
    const def = group.files.get(name);
    if (def === undefined || !isVisible(def, this.owner)) return null;
    let i = 1;
    for (const n of group.files.keys()) {
      if (n === name) break;
      i++;
    }
    const node = new Knode(this.tree, name, this, S_IFREG | defaultMode(def), this.ino + i);
    node.file = def;
    node.owner = this.owner;
    node.uid = this.uid;
    node.gid = this.gid;
    this.children ??= new Map();
    this.children.set(name, node);
    return node;
  }

  /** Names and types of everything in the directory: the group's files first. */
  entries(): { name: string; ino: number; type: number }[] {
    this.tree.settle();
    const out: { name: string; ino: number; type: number }[] = [];
    const { group, children } = this;
    let i = 0;
    if (group !== null) {
      for (const [name, def] of group.files) {
        i++;
        if (isVisible(def, this.owner)) out.push({ name, ino: this.ino + i, type: S_IFREG >> 12 });
      }
    }
    if (children !== null) {
      for (const n of children.values())
        if (group === null || !group.files.has(n.name))
          out.push({ name: n.name, ino: n.ino, type: (n.mode & S_IFMT) >> 12 });
    }
    return out;
  }

  /** Path from the root of the tree, without a slash at the front. */
  get path(): string {
    const p = this.parent;
    return p === null ? "" : p.parent === null ? this.name : `${p.path}/${this.name}`;
  }
}

function isVisible(def: PseudoFile<never>, owner: unknown): boolean {
  return def.visible === undefined || def.visible(owner as never);
}

/** The text of a symbolic link from `link` to `to`: up to what they share, and down again. */
export function relativeTarget(link: Knode, to: Knode): string {
  const above = new Set<Knode>();
  for (let n = link.parent; n !== null; n = n.parent) above.add(n);
  let down = "";
  let at: Knode = to;
  while (!above.has(at) && at.parent !== null) {
    down = down === "" ? at.name : `${at.name}/${down}`;
    at = at.parent;
  }
  let up = "";
  for (let n = link.parent; n !== null && n !== at; n = n.parent) up += "../";
  return up + down;
}

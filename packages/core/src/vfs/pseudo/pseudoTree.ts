/**
 * A pseudo file system as packages see it: `k.proc`, `k.sysfs`, `k.debugfs`, `k.securityfs`, `k.tracefs` have one `PseudoTree` each,
 * cgroup hierarchies and others make their own. pseudoFile.ts is the guide.
 *
 * Paths are Linux's, with or without the mount point ("/sys/kernel/x" or "kernel/x"), or relative to a directory given as `in`.
 * Directories on the way are made. A tree is a state root; definitions are registered as statics by path.
 */
import { ENOENT } from "../../abi/errno.js";
import { fail } from "../../abi/errors.js";
import { S_IFDIR, S_IFLNK, S_IFREG } from "../../abi/stat.js";
import type { Core } from "../../kernel/core.js";
import type { Ctx } from "../../kernel/ctx.js";
import type { Namespace } from "../../task/namespace.js";
import type { Task } from "../../task/task.js";
import type { UserNamespace } from "../../task/userNamespace.js";
import { setattrCopy, simpleSetattr } from "../attr.js";
import type { Dentry } from "../dentry.js";
import { FileOps } from "../file.js";
import { emitDots } from "../getdents.js";
import { ATTR_GID, ATTR_MODE, ATTR_UID, Inode, InodeOps, type InodeOpsInit } from "../inode.js";
import { genericLlseek } from "../llseek.js";
import { noOps } from "../specialFile.js";
import {
  type FileSystemType,
  FS_USERNS_MOUNT,
  SB_NODEV,
  SB_NOEXEC,
  SB_USERNS_VISIBLE,
  SuperBlock,
  type SuperOps,
} from "../superBlock.js";
import { Knode, KnodeEvents, type NsEntries, relativeTarget } from "./knode.js";
import { defaultMode, type FileGroup, type PseudoFile } from "./pseudoFile.js";

const SLASH = 47;

/** How a tree behaves: a static of its file system. */
export interface TreeKind {
  /** File system type ("sysfs"); also names the tree's state and statics. */
  readonly name: string;
  /** Where it is mounted at boot: stripped off paths. */
  readonly prefix: string;
  readonly magic: number;
  readonly fileOps: FileOps;
  readonly dirOps?: InodeOps;
  readonly rootOps?: InodeOps;
  readonly dirFileOps?: FileOps;
  readonly rootFileOps?: FileOps;
  readonly nodeOps?: InodeOps;
  readonly dirMode?: number;
  readonly rootMode?: number;
  /** Size of files that stat(2) shows. */
  readonly size?: number;
  readonly firstIno?: number;
  /** Order of entries; left out: of making. */
  readonly order?: (a: { name: string }, b: { name: string }) => number;
  /** Looking for what is not there fails, so that nothing can be made (/proc). */
  readonly strict?: boolean;
  /** Directories show nlink 1. */
  readonly oneLink?: boolean;
  /** Type of namespace whose owner may mount it, and of which each has a superblock of its own ("net"). */
  readonly nsType?: string;
}

export interface NodeOptions<O> {
  /** Where the path begins; left out: the root. */
  in?: Knode;
  owner?: O;
  mode?: number;
  /** Kernel ids. */
  uid?: number;
  gid?: number;
}

export class PseudoTree {
  lastIno: number;
  readonly root: Knode;
  /** Its file system (a static); null: part of another tree's. */
  readonly type: FileSystemType | null;

  /**
   * Made in install, a tree is a state root and brings its file system type, unless it is given one (`type`, a static). One made
   * while the kernel runs is no root (`root: false`) and hangs from its maker's state. `at`: a tree below a directory of another one
   * (sysctl).
   */
  constructor(
    readonly k: Core,
    /** A static. */
    readonly kind: TreeKind,
    o: { at?: Knode; type?: FileSystemType; root?: boolean } = {},
  ) {
    const { at } = o;
    this.lastIno = kind.firstIno ?? 1;
    this.root = new Knode(
      this,
      at === undefined ? "" : (kind.prefix.split("/").pop() as string),
      at ?? null,
      S_IFDIR | (kind.rootMode ?? kind.dirMode ?? 0o755),
      at === undefined ? 1 : ++this.lastIno,
    );
    if (!k.state.isStatic(kind)) registerKind(k, kind);
    if (at !== undefined) {
      this.type = null;
      at.children ??= new Map();
      at.children.set(this.root.name, this.root);
    } else if (o.type === undefined) {
      this.type = treeType(this);
      k.vfs.registerFilesystem(this.type);
    } else this.type = o.type;
    if (o.root !== false) k.state.root(`tree.${kind.name}`, this);
  }

  // --- making ---

  /**
   * A file. Its definition becomes a static named by its first path. TypeError if there is one already, unless it is to be
   * replaced (a package knows better than core).
   */
  file<O>(path: string, def: PseudoFile<O>, o: NodeOptions<O> & { replace?: boolean } = {}): Knode {
    const there = o.replace === true ? this.find(path, o.in) : null;
    if (there !== null) this.remove(there);
    const node = this.make(path, S_IFREG | (o.mode ?? defaultMode(def)), o);
    this.static(node.path, def);
    node.file = def;
    return node;
  }

  /** A directory (one that is there already is taken). With `group`, its files show `owner`. */
  dir<O>(path: string, o: NodeOptions<O> & { group?: FileGroup<O> } = {}): Knode {
    const there = this.find(path, o.in);
    const node = there ?? this.make(path, S_IFDIR | (o.mode ?? this.kind.dirMode ?? 0o755), o);
    if (o.group !== undefined) {
      node.group = o.group;
      node.owner = o.owner;
      // numbers of the group's files
      this.lastIno += o.group.files.size;
    }
    return node;
  }

  /** A symbolic link to a node (as a relative path) or to any text. */
  link(path: string, target: Knode | string, o: NodeOptions<unknown> = {}): Knode {
    const node = this.make(path, S_IFLNK | 0o777, o);
    node.target = target;
    return node;
  }

  /** A kind of directory: its files, in order. A static: made once per kernel, in install or boot. */
  group<O>(
    name: string,
    files: Readonly<Record<string, PseudoFile<O>>> | ReadonlyMap<string, PseudoFile<O>>,
  ): FileGroup<O> {
    const g: FileGroup<O> = { name, files: files instanceof Map ? files : new Map(Object.entries(files)) };
    this.k.state.static(`group.${name}`, g);
    for (const [file, def] of g.files) this.static(`${name}/${file}`, def, "group");
    return g;
  }

  private static(path: string, def: PseudoFile<never>, space: string = this.kind.name): void {
    const { state } = this.k;
    if (state.isStatic(def)) return;
    let name = `${space}:${path}`;
    // one that replaces another
    while (state.staticNamed(name) !== undefined) name += "'";
    state.static(name, def);
  }

  private make(path: string, mode: number, o: NodeOptions<unknown>): Knode {
    const names = this.names(path);
    let at = o.in ?? this.root;
    for (let i = 0; ; i++) {
      const name = names[i];
      const last = i === names.length - 1;
      const there = at.child(name);
      if (there !== null && (last || !there.isDir))
        throw new TypeError(`${this.kind.prefix}/${path}: there is a '${there.path}' already`);
      if (there === null) {
        const node = new Knode(this, name, at, last ? mode : S_IFDIR | (this.kind.dirMode ?? 0o755), ++this.lastIno);
        node.uid = (last ? o.uid : undefined) ?? at.uid;
        node.gid = (last ? o.gid : undefined) ?? at.gid;
        if (last) node.owner = o.owner;
        at.children ??= new Map();
        at.children.set(name, node);
        at = node;
      } else at = there;
      if (last) return at;
    }
  }

  private names(path: string): string[] {
    const { prefix } = this.kind;
    let from = path.startsWith(prefix) && path.charCodeAt(prefix.length) === SLASH ? prefix.length : 0;
    while (path.charCodeAt(from) === SLASH) from++;
    const names = (from === 0 ? path : path.slice(from)).split("/");
    if (names.includes("")) throw new TypeError(`'${path}' names nothing below ${prefix}`);
    return names;
  }

  // --- finding, changing, removing ---

  find(path: string, from: Knode = this.root): Knode | null {
    let at: Knode | null = from;
    for (const name of this.names(path)) {
      at = at.child(name);
      if (at === null) return null;
    }
    return at;
  }

  /** Take a node away with everything below it: open files of it fail with ENODEV (sysfs) or EIO (proc). */
  remove(node: Knode): void {
    const parent = node.parent as Knode;
    parent.children?.delete(node.name);
    for (const sb of this.superBlocks()) {
      const d = this.dentryOf(sb, node);
      if (d !== null) this.k.vfs.dropDentry(d);
    }
    this.markRemoved(node);
  }

  private markRemoved(node: Knode): void {
    node.removed = true;
    if (node.events !== null) this.k.sched.wakeUp(node.events.queue);
    if (node.children !== null) for (const n of node.children.values()) this.markRemoved(n);
  }

  /** Change owner and mode of a node, seen by those who look at it already, too. */
  chattr(node: Knode, o: { uid?: number; gid?: number; mode?: number }): void {
    if (o.uid !== undefined) node.uid = o.uid;
    if (o.gid !== undefined) node.gid = o.gid;
    if (o.mode !== undefined) node.mode = (node.mode & ~0o7777) | o.mode;
    for (const sb of this.superBlocks()) {
      const inode = this.dentryOf(sb, node)?.inode;
      if (inode) fillInode(inode, node);
    }
  }

  /** What a file shows has changed: poll(2) on it says PRI|ERR. `node` is the file, or its directory with `name`. */
  notify(node: Knode, name?: string): void {
    const n = name === undefined ? node : (node.children?.get(name) ?? null);
    // nobody has ever opened it: nobody polls
    if (n === null || n.events === null) return;
    n.events.event++;
    this.k.sched.wakeUp(n.events.queue);
  }

  private superBlocks(): SuperBlock[] {
    let top: PseudoTree = this;
    while (top.type === null) top = (top.root.parent as Knode).tree;
    return [...this.k.vfs.superBlocks].filter((sb) => sb.type === top.type);
  }

  /** Let a directory have entries of its own for each namespace. In install or boot; `entries` becomes a static. */
  perNamespace(dir: Knode, entries: NsEntries): void {
    const name = `${this.kind.name}.perNs:${dir.path}`;
    if (!this.k.state.isStatic(entries)) this.k.state.static(name, entries);
    dir.perNs = entries;
  }

  /** The entries that `dir` has for a namespace, none at first: the `in` of what is to be there. */
  nsEntries(dir: Knode, ns: object): Knode {
    const node = new Knode(this, dir.name, dir.parent, dir.mode, dir.ino);
    node.uid = dir.uid;
    node.gid = dir.gid;
    node.ns = ns;
    return node;
  }

  private dentryOf(sb: SuperBlock, node: Knode): Dentry | null {
    if (node.parent === null) return sb.root;
    if (node.ns !== null && node.ns !== sb.data) return null;
    const parent = this.dentryOf(sb, node.parent);
    return parent === null ? null : this.k.vfs.dcache.findName(parent, node.name);
  }
}

/** The node behind an inode of a pseudo file system. */
export function nodeOf(inode: Inode): Knode {
  return inode.data as Knode;
}

/** The events of a node, made when somebody opens it. */
export function eventsOf(node: Knode): KnodeEvents {
  node.events ??= new KnodeEvents();
  return node.events;
}

function fillInode(inode: Inode, node: Knode): void {
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
  let n = 2;
  for (const at of [node, nsPart(inode.sb, node)])
    if (at !== null && at.children !== null) for (const child of at.children.values()) if (child.isDir) n++;
  st.nlink = node.tree.kind.oneLink ? 1 : n;
};

export const treeDirOps: InodeOps = /* @__PURE__ */ new InodeOps({
  ...keepAttrs,
  lookup: treeLookup,
  getattr: dirNlink,
});
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

/** The file system of a tree: one superblock (per namespace, `sb.data`, of the kind's type), however often it is mounted. */
function treeType(tree: PseudoTree): FileSystemType {
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

/** A kind and its tables are statics. */
function registerKind(k: Core, kind: TreeKind): void {
  const { state } = k;
  state.static(`tree.${kind.name}`, kind);
  for (const key of ["fileOps", "dirOps", "rootOps", "dirFileOps", "rootFileOps", "nodeOps"] as const) {
    const ops = kind[key];
    if (ops !== undefined && !state.isStatic(ops)) state.static(`tree.${kind.name}.${key}`, ops);
  }
}

/** Register what state refers to by name; once per kernel. */
export function installTrees(k: Core): void {
  const { state } = k;
  state.class(PseudoTree, Knode, KnodeEvents);
  state.static("tree.dirOps", treeDirOps);
  state.static("tree.nodeOps", treeNodeOps);
  state.static("tree.linkOps", treeLinkOps);
  state.static("tree.dirFileOps", treeDirFileOps);
}

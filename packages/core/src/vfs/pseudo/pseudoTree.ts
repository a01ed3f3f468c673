/**
 * A pseudo file system as packages see it: `k.proc`, `k.sysfs`, `k.debugfs`, `k.securityfs`, `k.tracefs` have one `PseudoTree` each,
 * cgroup hierarchies and others make their own. pseudoFile.ts is the guide.
 *
 * Paths are Linux's, with or without the mount point ("/sys/kernel/x" or "kernel/x"), or relative to a directory given as `in`.
 * Directories on the way are made. A tree is a state root; definitions are registered as statics by path.
 */
import { S_IFDIR, S_IFLNK, S_IFREG } from "../../abi/stat.js";
import type { Core } from "../../kernel/core.js";
import type { Dentry } from "../dentry.js";
import type { FileOps } from "../file.js";
import type { InodeOps } from "../inode.js";
import type { FileSystemType, SuperBlock } from "../superBlock.js";
import { Knode, KnodeEvents, type NsEntries } from "./knode.js";
import { defaultMode, type FileGroup, type PseudoFile } from "./pseudoFile.js";
import { fillInode, treeDirFileOps, treeDirOps, treeLinkOps, treeNodeOps } from "./treeInode.js";
import { treeType } from "./treeSuper.js";

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
  static readonly transient: readonly string[] = ["pending"];
  lastIno: number;
  /** What is to be made when somebody looks for what is not there yet. */
  private pending: (() => void)[] = [];
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
    k.state.lazily(() => registerKind(k, kind));
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
   * Files and directories that a boot need not pay for: `make` makes them when somebody looks for what the tree does not have, lists a
   * directory, or makes something else. What is made, its numbers and its order are as if it had been made at once, if `make` depends on
   * nothing that changes.
   */
  later(make: () => void): void {
    if (this.pending.length === 0) this.k.state.lazily(() => this.settle());
    this.pending.push(make);
  }

  /** Make what was put off. */
  settle(): void {
    while (this.pending.length > 0) {
      const { pending } = this;
      this.pending = [];
      for (const make of pending) make();
    }
  }

  /**
   * A file. Its definition becomes a static named by its first path. TypeError if there is one already, unless it is to be
   * replaced (a package knows better than core).
   */
  file<O>(path: string, def: PseudoFile<O>, o: NodeOptions<O> & { replace?: boolean } = {}): Knode {
    this.settle();
    const there = o.replace === true ? this.find(path, o.in) : null;
    if (there !== null) this.remove(there);
    const node = this.make(path, S_IFREG | (o.mode ?? defaultMode(def)), o);
    this.static(node.path, def);
    node.file = def;
    return node;
  }

  /** A directory (one that is there already is taken). With `group`, its files show `owner`. */
  dir<O>(path: string, o: NodeOptions<O> & { group?: FileGroup<O> } = {}): Knode {
    this.settle();
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
    this.settle();
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
    this.k.state.lazily(() => {
      this.k.state.static(`group.${name}`, g);
      for (const [file, def] of g.files) this.static(`${name}/${file}`, def, "group");
    });
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

/** A kind and its tables are statics. */
function registerKind(k: Core, kind: TreeKind): void {
  const { state } = k;
  if (state.isStatic(kind)) return;
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

/**
 * The file systems of cgroups: `cgroup2` shows the v2 tree, `cgroup` one v1 hierarchy each. Directories are groups: mkdir and rmdir
 * make and remove them, files come with the controllers that are enabled. cgroups(7).
 */

import { CAP_DAC_OVERRIDE } from "../abi/capability.js";
import { EINVAL, EIO, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { extend } from "../lib/extend.js";
import { type Cred, credCapable } from "../task/cred.js";
import type { Namespace } from "../task/namespace.js";
import type { Dentry } from "../vfs/dentry.js";
import { type Inode, InodeOps } from "../vfs/inode.js";
import { cgroup2Kind, cgroupKind } from "../vfs/pseudo/kernfs.js";
import type { Knode } from "../vfs/pseudo/knode.js";
import type { FileGroup, PseudoFile } from "../vfs/pseudo/pseudoFile.js";
import { PseudoTree, type TreeKind } from "../vfs/pseudo/pseudoTree.js";
import { dirNlink, keepAttrs, makeInode, nodeOf, treeLookup } from "../vfs/pseudo/treeInode.js";
import { newTreeSuper } from "../vfs/pseudo/treeSuper.js";
import { type FileSystemType, FS_USERNS_MOUNT, type SuperBlock } from "../vfs/superBlock.js";
import type { Cgroup, Css } from "./cgroup.js";
import { CGROUP_FILES, LEGACY_CGROUP_FILES } from "./cgroupFiles.js";
import type { CgroupFile } from "./controller.js";
import type { CgroupRoot } from "./hierarchy.js";

/** Options of cgroup2 that change nothing by themselves: controllers look at `root.options`. */
const V2_OPTIONS = [
  "nsdelegate",
  "favordynmods",
  "memory_localevents",
  "memory_recursiveprot",
  "memory_hugetlb_accounting",
  "pids_localevents",
];
/** v1 hierarchies there can be: their types must be known before any is mounted. */
const MAX_LEGACY = 16;
/** Notifications of one file: at most one in this many ms. */
const NOTIFY_MS = 10;

/** How the file systems hang together: a state root. */
export class CgroupFs {
  static readonly transient: readonly string[] = ["group", "legacyGroup", "legacyTypes", "v2Type"];
  /** By hierarchy number. */
  readonly trees: (PseudoTree | null)[] = [];
  /** Ticks of the last notification, and a pending one, by group and file. */
  readonly notified: Map<Cgroup, Map<string, { tick: number; timer: number }>> = new Map();
  private group!: FileGroup<Cgroup>;
  private legacyGroup!: FileGroup<Cgroup>;
  private readonly v2Type: FileSystemType;
  private readonly legacyTypes: FileSystemType[] = [];
  private readonly tNotify: number;

  constructor(readonly k: Core) {
    const { state, vfs, cgroup } = k;
    state.static("cgroup.dirOps", cgroupDirOps);
    state.static("cgroup.legacyDirOps", legacyDirOps);
    state.static("cgroup.superOps", cgroupSuperOps);
    this.v2Type = {
      name: "cgroup2",
      flags: FS_USERNS_MOUNT,
      mount: ({ task }, _flags, _source, data) => this.mount2(data, task),
      userNs: (_k, t) => this.nsOf(t)?.userNs ?? t.cred.userNs,
      rootOf: (c, sb) => this.dentryOf(c, sb, k.cgroup.viewRoot(c.task, k.cgroup.v2.top)),
    };
    vfs.registerFilesystem(this.v2Type);
    for (let i = 0; i < MAX_LEGACY; i++) {
      const type: FileSystemType = {
        name: "cgroup",
        flags: 0,
        mount: (_c, _f, _s, data) => this.mountLegacy(data),
      };
      this.legacyTypes.push(type);
      if (i > 0) state.static(`cgroup.type.${i}`, type);
    }
    vfs.registerFilesystem(this.legacyTypes[0]);
    this.trees[0] = new PseudoTree(k, v2Kind, { type: this.v2Type });
    state.static("tree.cgroup", legacyKind);
    state.root("cgroupfs", this);
    this.tNotify = k.timers.define("cgroup.notify", (a) => {
      const { g, file } = a as { g: Cgroup; file: string };
      this.notify(g, file);
    });
    cgroup.onNotify = (g, file) => this.notify(g, file);
    cgroup.onControllers = (g) => this.refresh(g);
    cgroup.mayWrite = (_c, g, file, cred) => this.mayWrite(g, file, cred);
    cgroup.groupOf = (file) => {
      const node = file.inode.data as Knode | null;
      return file.inode.sb.type.name.startsWith("cgroup") && node?.isDir ? (node.owner as Cgroup) : null;
    };
  }

  /** All controllers are registered: make the definitions of the files. */
  ready(): void {
    const { k } = this;
    const files = (v2: boolean): Map<string, PseudoFile<Cgroup>> => {
      const out = new Map<string, PseudoFile<Cgroup>>();
      for (const f of v2 ? CGROUP_FILES : LEGACY_CGROUP_FILES) out.set(f.name, pseudo(f, -1));
      k.cgroup.controllers.forEach((def, i) => {
        const prefix = v2 ? def.name : (def.legacyName ?? def.name);
        for (const f of (v2 ? def.files : def.legacyFiles) ?? [])
          out.set(f.noPrefix === true ? f.name : `${prefix}.${f.name}`, pseudo(f, i));
      });
      return out;
    };
    const tree = this.trees[0] as PseudoTree;
    this.group = tree.group("cgroup2", files(true));
    this.legacyGroup = tree.group("cgroup", files(false));
    this.fill(tree, tree.root, k.cgroup.v2.top);
  }

  private fill(tree: PseudoTree, node: Knode, g: Cgroup): void {
    const group = g.root.v2 ? this.group : this.legacyGroup;
    node.group = group as FileGroup<never>;
    node.owner = g;
    g.dir = node;
    tree.lastIno += group.files.size;
  }

  /** A group has been made: its directory. */
  add(g: Cgroup, uid: number, gid: number, mode: number): Knode {
    const tree = this.trees[g.root.id] as PseudoTree;
    const node = tree.dir<unknown>(g.name, { in: (g.parent as Cgroup).dir as Knode, owner: g, uid, gid, mode });
    this.fill(tree, node, g);
    return node;
  }

  /** The task's cgroup namespace, where there are such. */
  private nsOf(t: Ctx["task"]): Namespace | null {
    const { tasks } = this.k;
    const type = tasks.nsTypes.find((x) => x.name === "cgroup");
    return type === undefined ? null : tasks.nsOf(t, type);
  }

  /** The directory of a group. */
  private dentryOf(c: Ctx, sb: SuperBlock, g: Cgroup): Dentry {
    if (g.parent === null) return sb.root;
    const parent = this.dentryOf(c, sb, g.parent);
    const { vfs } = this.k;
    return (
      vfs.dcache.findName(parent, g.name) ?? vfs.addDentry(parent, g.name, treeLookup(c, parent.inode as Inode, g.name))
    );
  }

  private mount2(data: string, task: Ctx["task"] | undefined): SuperBlock {
    const { k } = this;
    const options = data.split(",").filter((o) => o !== "");
    if (options.some((o) => !V2_OPTIONS.includes(o))) return fail(EINVAL);
    // only the initial namespace's mounts set them
    if (task === undefined || task.cred.userNs === k.tasks.initUserNs)
      k.cgroup.v2.options = options.map((o) => `,${o}`).join("");
    return this.superOf(k.cgroup.v2, this.v2Type);
  }

  private mountLegacy(data: string): SuperBlock {
    const { k } = this;
    let mask = 0;
    let name = "";
    let options = "";
    for (const o of data.split(",")) {
      if (o === "" || o === "none" || o === "xattr" || o === "noprefix" || o === "clone_children") continue;
      if (o.startsWith("name=")) {
        name = o.slice(5);
        if (name === "" || !/^[\w.-]+$/.test(name)) return fail(EINVAL);
        continue;
      }
      if (o.startsWith("release_agent=")) continue;
      if (o === "all") {
        k.cgroup.controllers.forEach((c, i) => {
          if (c.only !== "v2") mask |= 1 << i;
        });
        continue;
      }
      const i = k.cgroup.index(o);
      if (i < 0) return fail(EINVAL);
      mask |= 1 << i;
    }
    for (const c of k.cgroup.controllers.filter((_, i) => (mask >>> i) & 1)) options += `,${c.legacyName ?? c.name}`;
    if (name !== "") options += `,name=${name}`;
    const root = k.cgroup.legacyRoot(mask, name, options);
    return this.superOf(root, this.legacyTypes[root.id % MAX_LEGACY]);
  }

  private superOf(root: CgroupRoot, type: FileSystemType): SuperBlock {
    const { k } = this;
    let tree = this.trees[root.id] ?? null;
    if (tree === null) {
      tree = new PseudoTree(k, legacyKind, { type, root: false });
      this.trees[root.id] = tree;
      this.fill(tree, tree.root, root.top);
    }
    for (const sb of k.vfs.superBlocks) if (sb.type === type) return sb;
    return newTreeSuper(tree, cgroupSuperOps);
  }

  // --- files that come and go, and what they tell ---

  /** Controllers of the group's children, or files of the group, changed: those that are gone are taken away. */
  private refresh(g: Cgroup): void {
    const tree = this.trees[g.root.id] as PseudoTree;
    for (const d of [g, ...g.children.values()]) {
      const node = d.dir as Knode;
      for (const child of [...(node.children?.values() ?? [])])
        if (!child.isDir && child.file?.visible !== undefined && !child.file.visible(d as never)) tree.remove(child);
    }
  }

  private notify(g: Cgroup, file: string): void {
    const node = (g.dir as Knode | null)?.children?.get(file);
    if (!node?.events) return;
    const { time, timers } = this.k;
    const gap = Math.ceil((NOTIFY_MS * time.hz) / 1000);
    let files = this.notified.get(g);
    if (files === undefined) {
      files = new Map();
      this.notified.set(g, files);
    }
    const last = files.get(file);
    if (last !== undefined && time.ticks < last.tick + gap) {
      if (!timers.pending(last.timer)) last.timer = timers.add(this.tNotify, last.tick + gap, { g, file });
      return;
    }
    files.set(file, { tick: time.ticks, timer: -1 });
    (this.trees[g.root.id] as PseudoTree).notify(node);
  }

  /** A group is being removed: what is remembered of its files goes, open files fail with ENODEV. */
  forget(g: Cgroup): void {
    for (const n of this.notified.get(g)?.values() ?? []) this.k.timers.del(n.timer);
    this.notified.delete(g);
  }

  private mayWrite(g: Cgroup, file: string, cred: Cred): boolean {
    const node = (g.dir as Knode).child(file);
    if (node === null) return false;
    if (credCapable(cred, this.k.tasks.initUserNs, CAP_DAC_OVERRIDE)) return true;
    const bit = node.uid === cred.fsuid ? 0o200 : cred.inGroup(node.gid) ? 0o020 : 0o002;
    return (node.mode & bit) !== 0;
  }
}

const cgroupSuperOps = {
  showPath(root: Dentry, reader: Ctx["task"]): string {
    const g = nodeOf(root.inode as Inode).owner as Cgroup;
    const { cgroup } = reader.ctx.k;
    return cgroup.pathFrom(g, cgroup.viewRoot(reader, g.root.top));
  },
  showOptions: (sb: SuperBlock): string => (nodeOf(sb.root.inode as Inode).owner as Cgroup).root.options,
};

/** A definition for the tree of nodes. */
function pseudo(f: CgroupFile, controller: number): PseudoFile<Cgroup> {
  const css = (g: Cgroup): Cgroup["css"][number] => (controller < 0 ? null : (g.css[controller] ?? null));
  const { show, store, poll } = f;
  return {
    mode: f.mode,
    visible: (g) =>
      (controller < 0 || !!g.css[controller]) &&
      !(f.notOnRoot && g.parent === null) &&
      !(f.onlyOnRoot && g.parent !== null) &&
      (f.visible === undefined || f.visible(css(g) as Css)),
    ...(show === undefined ? {} : { show: (c, g, file) => show(c, g, css(g), file) }),
    ...(poll === undefined ? {} : { pollMask: (c, g, file) => poll(c, css(g) as Css, file) }),
    store(c, g, text, file) {
      // nothing written, nothing done; what is written ends at its first NUL
      if (text === "") return undefined;
      if (store === undefined) return fail(EINVAL);
      const end = text.indexOf("\0");
      return store(c, g, css(g), end < 0 ? text : text.slice(0, end), file) as number | undefined;
    },
  };
}

function cgroupOf(inode: Inode): Cgroup {
  return nodeOf(inode).owner as Cgroup;
}

function mkdir(c: Ctx, dir: Inode, name: string, mode: number): Inode {
  const { k, task } = c;
  const g = k.cgroup.mkdir(cgroupOf(dir), name);
  const { fsuid, fsgid } = task.cred;
  return makeInode(dir.sb, k.cgroup.fs.add(g, fsuid, fsgid, mode & 0o777));
}

function detach(node: Knode): void {
  node.removed = true;
  for (const n of node.children?.values() ?? []) detach(n);
}

function rmdir(c: Ctx, dir: Inode, dentry: Dentry): void {
  const node = nodeOf(dentry.inode as Inode);
  const g = node.owner as Cgroup;
  c.k.cgroup.rmdir(g);
  c.k.cgroup.fs.forget(g);
  nodeOf(dir).children?.delete(node.name);
  detach(node);
  for (const n of node.children?.values() ?? []) if (n.events !== null) c.wake(n.events.queue);
}

const dirOps = /* @__PURE__ */ extend(keepAttrs, { lookup: treeLookup, getattr: dirNlink, mkdir, rmdir });

const cgroupDirOps: InodeOps = /* @__PURE__ */ new InodeOps(
  /* @__PURE__ */ extend(dirOps, { rename: () => fail(EPERM) }),
);

const legacyDirOps: InodeOps = /* @__PURE__ */ new InodeOps(
  /* @__PURE__ */ extend(dirOps, {
    rename(_c, dir, dentry, newDir, newName, target, flags) {
      if (flags !== 0) return fail(EINVAL);
      if (dir !== newDir) return fail(EIO);
      const node = nodeOf(dentry.inode as Inode);
      if (!node.isDir || target !== null) return fail(EPERM);
      const g = node.owner as Cgroup;
      const parent = nodeOf(dir);
      parent.children?.delete(node.name);
      g.parent?.children.delete(g.name);
      g.name = newName;
      (node as { name: string }).name = newName;
      parent.children?.set(newName, node);
      g.parent?.children.set(newName, g);
    },
  }),
);

const v2Kind: TreeKind = /* @__PURE__ */ extend(cgroup2Kind, { dirOps: cgroupDirOps });
const legacyKind: TreeKind = /* @__PURE__ */ extend(cgroupKind, { dirOps: legacyDirOps });

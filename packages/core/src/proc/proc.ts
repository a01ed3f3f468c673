/**
 * /proc: `k.proc`. General files are nodes of a tree (pseudoFile.ts is the guide for authors of packages), those of processes are entries
 * of pidEntry.ts. proc(5), Documentation/filesystems/proc.
 *
 *     k.proc.file("/proc/interrupts", { show: (c) => ... });
 *     k.proc.pidFile("uid_map", { mode: 0o644, show: (c, task) => ..., store: (c, task, text, file, pos) => ... });
 *     k.proc.pidFile("net/dev", { show: (c, task) => ... });            // /proc/net is a link to self/net
 *     k.proc.pidLink("x", (c, task, nd) => { nd?.jump(mnt, dentry); return nd === null ? "text" : null; });
 *
 * One superblock per pid namespace; mount options hidepid=, gid=, subset=pid.
 */

import { EINVAL, ENOENT } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { PROC_SUPER_MAGIC } from "../abi/magic.js";
import { S_IFLNK } from "../abi/stat.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { extend } from "../lib/extend.js";
import type { Namespace } from "../task/namespace.js";
import type { Pid, PidNamespace } from "../task/pid.js";
import { TASK_DEAD, type Task } from "../task/task.js";
import { makeKgid } from "../task/userNamespace.js";
import type { Dentry } from "../vfs/dentry.js";
import { FileOps } from "../vfs/file.js";
import { emitDots } from "../vfs/getdents.js";
import { Inode, InodeOps } from "../vfs/inode.js";
import { genericLlseek } from "../vfs/llseek.js";
import type { Nameidata } from "../vfs/namei.js";
import type { Knode } from "../vfs/pseudo/knode.js";
import type { FileGroup, PseudoFile } from "../vfs/pseudo/pseudoFile.js";
import { type NodeOptions, PseudoTree, type TreeKind } from "../vfs/pseudo/pseudoTree.js";
import { procFileOps, SeqFile } from "../vfs/pseudo/seqFile.js";
import { dirNlink, emitNode, keepAttrs, treeLookup } from "../vfs/pseudo/treeInode.js";
import { newTreeSuper } from "../vfs/pseudo/treeSuper.js";
import { noOps } from "../vfs/specialFile.js";
import {
  type FileSystemType,
  FS_USERNS_MOUNT,
  SB_USERNS_VISIBLE,
  type SuperBlock,
  type SuperOps,
} from "../vfs/superBlock.js";
import { LoadAvg } from "./loadavg.js";
import {
  dirEntry,
  fileEntry,
  linkEntry,
  makePidInode,
  mayLook,
  type PidEntry,
  PidNode,
  pidBaseOps,
  pidDirFileOps,
  pidDirOps,
  pidIno,
  pidLinkOps,
  pidSeqOps,
} from "./pidEntry.js";
import { StatusTexts } from "./pidStatus.js";

/** What a mounted /proc is about: sb.data. */
export interface ProcSuper {
  pidNs: PidNamespace;
  /** 0 off, 1 noaccess, 2 invisible, 4 ptraceable. */
  hidepid: number;
  /** Kernel gid of who may see all the same. */
  gid: number;
  /** Only processes are shown. */
  pidOnly: boolean;
}

/** Position of the first entry that is no file of the tree. */
const FIRST_PROCESS_ENTRY = 256;
const TGID_OFFSET = FIRST_PROCESS_ENTRY + 2;
/** Above this many pids a directory is read by trying numbers instead of sorting. */
const SORT_BELOW = 500;

/** A number as a name in /proc: no sign, no leading zero; -1: it is none. */
export function nameToInt(name: string): number {
  const n = name.length;
  if (n === 0 || n > 10 || (n > 1 && name.charCodeAt(0) === 48)) return -1;
  let v = 0;
  for (let i = 0; i < n; i++) {
    const d = name.charCodeAt(i) - 48;
    if (d < 0 || d > 9) return -1;
    v = v * 10 + d;
  }
  return v;
}

const rootOps: InodeOps = /* @__PURE__ */ new InodeOps(
  /* @__PURE__ */ extend(keepAttrs, {
    lookup(c, dir, name) {
      const s = dir.sb.data as ProcSuper;
      const nr = nameToInt(name);
      if (nr >= 0) {
        const pid = s.pidNs.pids.get(nr);
        const t = pid?.task;
        if (!t || t.state === TASK_DEAD || (s.hidepid === 4 && !mayLook(c, s, t))) return fail(ENOENT);
        c.k.proc.lookedUp.add(pid as Pid);
        return makePidInode(dir.sb, pid as Pid, t, c.k.proc.tgidDir, false);
      }
      if (name === "self") return new Inode(dir.sb, SELF_INO, S_IFLNK | 0o777, selfOps, noOps);
      if (name === "thread-self") return new Inode(dir.sb, SELF_INO + 1, S_IFLNK | 0o777, threadSelfOps, noOps);
      if (s.pidOnly) return fail(ENOENT);
      return treeLookup(c, dir, name);
    },
    getattr(c, inode, st) {
      dirNlink(c, inode, st);
      for (const pid of (inode.sb.data as ProcSuper).pidNs.pids.values()) if (pid.tgidOf !== null) st.nlink++;
    },
  }),
);

const rootFileOps: FileOps = /* @__PURE__ */ new FileOps({
  iterate(c, file, d) {
    const s = file.inode.sb.data as ProcSuper;
    const { proc } = c.k;
    if (!emitDots(file, d)) return;
    if (d.pos < FIRST_PROCESS_ENTRY) {
      if (!s.pidOnly && !emitNode(proc.tree.root, d, 2)) return;
      d.pos = FIRST_PROCESS_ENTRY;
    }
    for (let i = d.pos - FIRST_PROCESS_ENTRY; i < 2; i++) {
      if (!d.emit(i === 0 ? "self" : "thread-self", SELF_INO + i, 10)) return;
      d.pos++;
    }
    const { pids, pidMax } = s.pidNs;
    const one = (nr: number): boolean => {
      const pid = pids.get(nr);
      if (pid === undefined || pid.tgidOf === null) return true;
      if (s.hidepid >= 2 && !mayLook(c, s, pid.tgidOf)) return true;
      if (!d.emit(String(nr), pidIno(pid, proc.tgidDir, false, -1), 4)) return false;
      d.pos = TGID_OFFSET + nr + 1;
      return true;
    };
    const from = d.pos - TGID_OFFSET;
    if (pids.size < SORT_BELOW) {
      const numbers = [...pids.keys()].filter((nr) => nr >= from).sort((a, b) => a - b);
      for (const nr of numbers) if (!one(nr)) return;
    } else for (let nr = from; nr < pidMax; nr++) if (!one(nr)) return;
    d.pos = TGID_OFFSET + pidMax;
  },
  llseek: genericLlseek,
});

const procKind: TreeKind = {
  name: "proc",
  prefix: "/proc",
  magic: PROC_SUPER_MAGIC,
  fileOps: procFileOps,
  rootOps,
  rootFileOps,
  dirMode: 0o555,
  firstIno: 0xf0000000,
  order: (a, b) => a.name.length - b.name.length || (a.name < b.name ? -1 : 1),
  strict: true,
};

const nrIn = (inode: Inode, pid: Pid): number => pid.nrNs((inode.sb.data as ProcSuper).pidNs) || fail(ENOENT);
const selfOps: InodeOps = /* @__PURE__ */ new InodeOps({ getLink: (c, inode) => String(nrIn(inode, c.task.tgid)) });
const threadSelfOps: InodeOps = /* @__PURE__ */ new InodeOps({
  getLink: (c, inode) => `${nrIn(inode, c.task.tgid)}/task/${nrIn(inode, c.task.pid)}`,
});
const SELF_INO = 0xf0000000 - 20;

export class Proc {
  static readonly transient: readonly string[] = ["intr", "ngid", "numaSched", "peltSched", "nsIoctl", "texts"];
  readonly tree: PseudoTree;
  readonly loadavg: LoadAvg;
  /** Namespaces that somebody has as a file: their places in nsfs. */
  readonly nsDentries: Map<Namespace, Dentry> = new Map();
  /** Processes whose directories somebody has looked up: their names go when they do. */
  readonly lookedUp: Set<Pid> = new Set();
  /** Settings that nothing but their file uses, by path below /proc/sys. */
  readonly values: Record<string, number | string> = {};

  readonly texts: StatusTexts = new StatusTexts();

  // what packages may bring; not state
  /** What is behind "intr " in /proc/stat. */
  intr: () => string = () => "0";
  /** NUMA group of a task (status: Ngid). */
  ngid: (t: Task) => number = () => 0;
  /** Lines at the end of /proc/PID/sched. */
  numaSched: ((t: Task) => string) | null = null;
  /** Load averages of a task: names behind "se.avg." and values, in order, for /proc/PID/sched. */
  peltSched: ((t: Task) => readonly (readonly [string, number])[]) | null = null;
  /** ioctl(2) on namespace files. */
  nsIoctl: ((c: Ctx, ns: Namespace, request: number, arg: unknown) => unknown) | null = null;

  /** Entries of /proc/PID and /proc/PID/task/TID; `only` tells which of them. */
  readonly tgidDir: PidEntry;
  readonly tidDir: PidEntry;
  private lastIndex = 0;

  constructor(readonly k: Core) {
    const { state } = k;
    this.loadavg = new LoadAvg(k);
    state.root("loadavg", this.loadavg);
    const type: FileSystemType = {
      name: "proc",
      flags: FS_USERNS_MOUNT,
      mount: (c, _flags, _source, data) => this.mount(c.task, data),
      userNs: (_k, t) => t.pid.ns[t.pid.level].userNs,
    };
    k.vfs.registerFilesystem(type);
    this.tree = new PseudoTree(k, procKind, { type });
    this.tgidDir = dirEntry("", 0o555);
    this.tidDir = { ...this.tgidDir };
    state.class(PidNode, SeqFile);
    for (const [name, ops] of Object.entries({
      selfOps,
      threadSelfOps,
      pidDirOps,
      pidDirFileOps,
      pidBaseOps,
      pidLinkOps,
      pidSeqOps,
    }))
      state.static(`proc.${name}`, ops);
    k.hooks.reaped.tap(950, "proc", (t) => {
      if (this.lookedUp.size > 0 && this.lookedUp.delete(t.pid)) this.flush(t.pid);
    });
    state.static("proc.tgidDir", this.tgidDir);
    state.static("proc.tidDir", this.tidDir);
  }

  /** A process is gone: nobody asks for its names any more. */
  private flush(pid: Pid): void {
    const { vfs } = this.k;
    for (const sb of vfs.superBlocks) {
      if (sb.type.name !== "proc") continue;
      const nr = pid.nrNs((sb.data as ProcSuper).pidNs);
      const d = nr === 0 ? null : vfs.dcache.findName(sb.root, String(nr));
      if (d !== null && (d.inode?.data as PidNode | undefined)?.pid === pid) vfs.dropDentry(d);
    }
  }

  // --- general files ---

  file<O>(path: string, def: PseudoFile<O>, o?: NodeOptions<O>): Knode {
    return this.tree.file(path, def, o);
  }
  dir<O>(path: string, o?: NodeOptions<O> & { group?: FileGroup<O> }): Knode {
    return this.tree.dir(path, o);
  }
  link(path: string, target: Knode | string, o?: NodeOptions<unknown>): Knode {
    return this.tree.link(path, target, o);
  }
  group<O>(
    name: string,
    files: Readonly<Record<string, PseudoFile<O>>> | ReadonlyMap<string, PseudoFile<O>>,
  ): FileGroup<O> {
    return this.tree.group(name, files);
  }
  find(path: string): Knode | null {
    return this.tree.find(path);
  }
  remove(node: Knode): void {
    this.tree.remove(node);
  }

  // --- files of processes ---

  /** A file of every process and thread; "net/dev": in a directory of theirs. Replaces one that is there. */
  pidFile(path: string, def: PseudoFile<Task>, only?: "tgid" | "tid"): void {
    this.pidEntry(path, fileEntry(path.slice(path.lastIndexOf("/") + 1), def, only));
  }

  /** An entry, also of core's, is not there (a kernel built without it). */
  dropPidEntry(name: string): void {
    (this.tgidDir.entries as Map<string, PidEntry>).delete(name);
  }

  /** A link: its text, or with `nd` given a jump (`nd.jump(mnt, dentry)`, then null). Looking needs ptrace access (EACCES). */
  pidLink(path: string, link: (c: Ctx, task: Task, nd: Nameidata | null) => string | null): void {
    this.pidEntry(path, linkEntry(path.slice(path.lastIndexOf("/") + 1), link));
  }

  pidDir(path: string, mode: number, o: Partial<PidEntry> = {}): void {
    this.pidEntry(path, dirEntry(path.slice(path.lastIndexOf("/") + 1), mode, o));
  }

  private pidEntry(path: string, e: PidEntry): void {
    let map = this.tgidDir.entries as Map<string, PidEntry>;
    for (const part of path.includes("/") ? path.split("/").slice(0, -1) : []) {
      let dir = map.get(part);
      if (dir === undefined) {
        this.pidDir(part, 0o555);
        dir = map.get(part) as PidEntry;
      }
      map = dir.entries as Map<string, PidEntry>;
    }
    e.index = ++this.lastIndex;
    map.set(e.name, e);
    const { state } = this.k;
    state.lazily(() => {
      // a later one of that name is another static
      state.static(`proc.pid.${path}#${e.index}`, e);
      for (const key of ["ops", "fops"] as const)
        if (!state.isStatic(e[key])) state.static(`proc.pid.${path}.${key}`, e[key]);
    });
  }

  // --- mounting ---

  private mount(t: Task | undefined, data: string): SuperBlock {
    const { k } = this;
    const pidNs = t === undefined ? k.tasks.initPidNs : t.pid.ns[t.pid.level];
    let sb = [...k.vfs.superBlocks].find((x) => x.type.name === "proc" && (x.data as ProcSuper).pidNs === pidNs);
    const s: ProcSuper = { ...((sb?.data as ProcSuper | undefined) ?? { pidNs, hidepid: 0, gid: 0, pidOnly: false }) };
    parseOptions(s, data, t);
    if (sb === undefined) {
      sb = newTreeSuper(this.tree, procSuperOps, pidNs.userNs);
      sb.flags |= SB_USERNS_VISIBLE;
      sb.data = s;
    } else Object.assign(sb.data as ProcSuper, s);
    return sb;
  }
}

const HIDEPID: Record<string, number> = {
  off: 0,
  noaccess: 1,
  invisible: 2,
  ptraceable: 4,
  "0": 0,
  "1": 1,
  "2": 2,
  "4": 4,
};

function parseOptions(s: ProcSuper, data: string, t: Task | undefined): void {
  for (const o of data.split(",")) {
    if (o === "") continue;
    const [key, value = ""] = o.split("=", 2);
    if (key === "hidepid" && Object.hasOwn(HIDEPID, value)) s.hidepid = HIDEPID[value];
    else if (key === "gid" && nameToInt(value) >= 0)
      s.gid = t === undefined ? nameToInt(value) : makeKgid(t.cred.userNs, nameToInt(value));
    else if (key === "subset" && value === "pid") s.pidOnly = true;
    else fail(EINVAL);
  }
}

export const procSuperOps: SuperOps = {
  showOptions(sb) {
    const s = sb.data as ProcSuper;
    const names = ["", "noaccess", "invisible", "", "ptraceable"];
    return (
      (s.gid === 0 ? "" : `,gid=${s.gid}`) +
      (s.hidepid === 0 ? "" : `,hidepid=${names[s.hidepid]}`) +
      (s.pidOnly ? ",subset=pid" : "")
    );
  },
  remount(c, sb, data) {
    const s = { ...(sb.data as ProcSuper) };
    parseOptions(s, data, c.task);
    Object.assign(sb.data as ProcSuper, s);
  },
};

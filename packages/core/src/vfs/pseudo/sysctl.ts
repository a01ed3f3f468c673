/**
 * /proc/sys: settings of the kernel as files. `k.sysctl.register("vm/swappiness", intSysctl({ ... }))`; proc_sys(5),
 * Documentation/admin-guide/sysctl.
 *
 * - Rights are the mode bits alone: no capability helps. Root's class is the owner's.
 * - A number file gives everything to a read at offset 0 and nothing to others; a write at another offset changes nothing and
 *   claims all (writes_strict 1). A string is read and written at offsets.
 * - Boot parameters `sysctl.vm.swappiness=10` are applied when all files are there.
 */

import { EACCES, EINVAL, EPERM } from "../../abi/errno.js";
import { Errno, fail } from "../../abi/errors.js";
import { POLLERR, POLLIN, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM } from "../../abi/poll.js";
import type { Core } from "../../kernel/core.js";
import type { Ctx } from "../../kernel/ctx.js";
import { extend } from "../../lib/extend.js";
import { type SysctlWrite, sysctlInts, sysctlString, sysctlUint, sysctlUlongs } from "../../lib/sysctlParser.js";
import { latin1Bytes, latin1Text, utf8Bytes, utf8Text } from "../../lib/text.js";
import type { Wait } from "../../sys/types.js";
import { fromKgidMunged, fromKuidMunged } from "../../task/userNamespace.js";
import { setattrCopy } from "../attr.js";
import { FileOps, type OpenFile } from "../file.js";
import { ATTR_GID, ATTR_MODE, ATTR_UID, type Inode, InodeOps, type InodeOpsInit } from "../inode.js";
import { genericLlseek } from "../llseek.js";
import { MAY_EXEC, MAY_WRITE } from "../perm.js";
import type { Knode } from "./knode.js";
import type { PseudoFile } from "./pseudoFile.js";
import { PseudoTree, type TreeKind } from "./pseudoTree.js";
import { noDirect, plainRead, seqOf, stored } from "./seqFile.js";
import { dirNlink, nodeOf, treeLookup } from "./treeInode.js";

export interface SysctlFile extends PseudoFile {
  /** A string: offsets count. */
  readonly string?: boolean;
  /** Who the caller sees as owner (kernel ids): files of namespaces. Left out: root. */
  ids?(c: Ctx): { uid: number; gid: number };
  /** The mode that counts for the caller. Left out: the file's. */
  modeFor?(c: Ctx, mode: number): number;
}

interface SysctlMore {
  /** Default 0644 with `set`, 0444 without. */
  mode?: number;
  ids?: SysctlFile["ids"];
  modeFor?: SysctlFile["modeFor"];
  poll?: SysctlFile["poll"];
}

export interface NumberSysctl<T> extends SysctlMore {
  min?: T;
  max?: T;
  /** How many numbers; default 1. With more, `get` gives an array. */
  count?: number;
  /** What was written -> what is stored; undefined: EINVAL. Before the range is looked at. */
  convert?(value: T, index: number): T | undefined;
  get(c: Ctx): T | readonly T[];
  /** One number after the other, those before a bad one too. May fail(errno). */
  set?(c: Ctx, value: T, index: number): void;
  /** After a write that stored something. */
  written?(c: Ctx): void;
}

type Range<T> = {
  min?: T | undefined;
  max?: T | undefined;
  convert?: ((v: T, i: number) => T | undefined) | undefined;
};

function numbers<T extends number | bigint>(
  o: NumberSysctl<T>,
  parse: (text: string, n: number, range: Range<T>) => SysctlWrite<T>,
): SysctlFile {
  const { count = 1, set } = o;
  const file = more(o, set !== undefined);
  file.show = (c) => {
    const v = o.get(c);
    return typeof v === "object" ? `${v.join("\t")}\n` : `${v}\n`;
  };
  if (set !== undefined)
    file.store = (c, _, text) => {
      const w = parse(text, count, o);
      for (let i = 0; i < w.values.length; i++) set.call(o, c, w.values[i], i);
      if (w.values.length > 0 && o.written !== undefined) o.written(c);
      return w.ret;
    };
  return file;
}

type Making = { -readonly [K in keyof SysctlFile]: SysctlFile[K] };

function more(o: SysctlMore, writable: boolean): Making {
  const { ids, modeFor, poll } = o;
  const file: Making = { mode: o.mode ?? (writable ? 0o644 : 0o444) };
  if (ids !== undefined) file.ids = ids;
  if (modeFor !== undefined) file.modeFor = modeFor;
  if (poll !== undefined) file.poll = poll;
  return file;
}

/** proc_dointvec(_minmax): ints. */
export function intSysctl(o: NumberSysctl<number>): SysctlFile {
  return numbers(o, sysctlInts);
}
/** proc_douintvec(_minmax): one unsigned int. */
export function uintSysctl(o: NumberSysctl<number>): SysctlFile {
  return numbers(o, (text, _n, range) => sysctlUint(text, range));
}
/** proc_doulongvec_minmax: unsigned longs; bigints beyond 2^53. */
export function ulongSysctl(o: NumberSysctl<number | bigint>): SysctlFile {
  return numbers(o, sysctlUlongs);
}

export interface StringSysctl extends SysctlMore {
  /** Bytes it holds, the NUL at the end included. */
  size: number;
  get(c: Ctx): string;
  set?(c: Ctx, value: string): void;
}

/** proc_dostring: a write ends at a newline or NUL; at an offset it goes on behind the kept text. */
export function stringSysctl(o: StringSysctl): SysctlFile {
  const { set } = o;
  const file: Making = { ...more(o, set !== undefined), string: true };
  file.show = (c) => `${o.get(c)}\n`;
  if (set !== undefined)
    file.store = (c, _, text, _file, pos) => {
      if (text.length === 0) return 0;
      const old = pos === 0 ? "" : latin1Text(utf8Bytes(o.get(c)));
      if (pos <= Math.min(old.length, o.size - 1))
        set.call(o, c, utf8Text(latin1Bytes(old.slice(0, pos) + sysctlString(text, o.size - pos))));
      return text.length;
    };
  return file;
}

const READY = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;

const defOf = (inode: Inode): SysctlFile => nodeOf(inode).file as SysctlFile;

export const sysctlFileOps: FileOps = /* @__PURE__ */ new FileOps({
  open(c, inode, file) {
    const def = defOf(inode);
    if (def.open !== undefined) def.open(c, undefined, file);
    if (def.poll !== undefined) seqOf(file).event = def.poll(c, undefined).event;
    return noDirect(file);
  },
  read(c, file, count, pos, buf) {
    const def = defOf(file.inode);
    if (def.show === undefined) return fail(EPERM);
    return plainRead(
      count,
      def.string || pos === 0 ? pos : Number.POSITIVE_INFINITY,
      buf,
      def.show(c, undefined, file),
    );
  },
  write(c, file, data, pos) {
    const def = defOf(file.inode);
    if (def.store === undefined) return fail(EPERM);
    if (data.length >= 4096 * 1024) return fail(EINVAL);
    const text = latin1Text(data);
    c.k.digestOf.addString(text);
    // a number written behind the beginning is ignored
    if (pos !== 0 && !def.string) return data.length;
    return stored(def.store(c, undefined, text, file, pos) as number | Wait | undefined, data.length);
  },
  llseek: genericLlseek,
  poll(c, file, pt) {
    const { poll } = defOf(file.inode);
    if (poll === undefined) return READY;
    const p = poll(c, undefined);
    pt?.add(p.queue);
    const s = seqOf(file);
    if (s.event === p.event) return READY;
    s.event = p.event;
    return POLLIN | POLLRDNORM | POLLERR | POLLPRI;
  },
});

const attrs: InodeOpsInit = {
  permission(c, inode, mask) {
    const node = nodeOf(inode);
    const { cred } = c.task;
    if (!node.isDir && (mask & MAY_EXEC) !== 0) return fail(EACCES);
    const { modeFor } = (node.file ?? {}) as SysctlFile;
    let mode = modeFor === undefined ? node.mode : modeFor(c, node.mode);
    if (cred.euid === 0) mode >>= 6;
    else if (cred.egid === 0 || cred.groups.includes(0)) mode >>= 3;
    if ((mask & 7 & ~mode) !== 0 || (node.isDir && (mask & MAY_WRITE) !== 0)) fail(EACCES);
  },
  setattr(_c, inode, a) {
    if ((a.valid & (ATTR_MODE | ATTR_UID | ATTR_GID)) !== 0) return fail(EPERM);
    setattrCopy(inode, a);
    return undefined;
  },
  getattr(c, inode, st) {
    const node = nodeOf(inode);
    if (node.isDir) dirNlink(c, inode, st);
    else {
      const { ids } = node.file as SysctlFile;
      if (ids !== undefined) {
        const { uid, gid } = ids(c);
        const ns = c.task.cred.userNs;
        st.uid = fromKuidMunged(ns, uid);
        st.gid = fromKgidMunged(ns, gid);
      }
    }
  },
};

export const sysctlKind: TreeKind = {
  name: "sysctl",
  prefix: "/proc/sys",
  magic: 0,
  fileOps: sysctlFileOps,
  dirOps: /* @__PURE__ */ new InodeOps(/* @__PURE__ */ extend(attrs, { lookup: treeLookup })),
  nodeOps: /* @__PURE__ */ new InodeOps(attrs),
  dirMode: 0o555,
  firstIno: 0x40000000,
  order: (a, b) => (a.name < b.name ? -1 : 1),
  strict: true,
  oneLink: true,
};

export class Sysctl {
  readonly tree: PseudoTree;

  constructor(
    readonly k: Core,
    proc: PseudoTree,
  ) {
    this.tree = new PseudoTree(k, sysctlKind, { at: proc.root });
  }

  /** A file at a path like "vm/swappiness"; one that is there is replaced. In install or boot. */
  register(path: string, def: SysctlFile): Knode {
    return this.tree.file(path, def, { replace: true });
  }

  /** Several below one directory. */
  registerAll(dir: string, defs: Readonly<Record<string, SysctlFile>>): void {
    const at = this.tree.dir(dir);
    for (const [name, def] of Object.entries(defs)) this.tree.file(name, def, { in: at, replace: true });
  }

  /** Boot parameters `sysctl.a.b=value`. */
  applyCmdline(): void {
    const { k } = this;
    for (const [path, value] of k.cmdline.sysctls()) {
      const say = (what: string): void => k.log(3, `Failed to set sysctl parameter '${path}=${value}': ${what}`);
      const def = this.tree.find(path)?.file as SysctlFile | null | undefined;
      if (!def) say("parameter not found");
      else if (def.store === undefined) say("permission denied");
      else {
        try {
          const r = def.store(k.tasks.init.ctx, undefined, value, null as unknown as OpenFile, 0) as
            | number
            | undefined
            | Wait;
          if (typeof r === "number" && r < 0) say("invalid value");
        } catch (e) {
          if (!(e instanceof Errno)) throw e;
          say("invalid value");
        }
      }
    }
  }
}

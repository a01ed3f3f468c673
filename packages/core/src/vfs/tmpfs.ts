/**
 * tmpfs: files in memory and swap, with limits on pages and inodes. Also the root file systems ramfs and rootfs, which have none.
 * tmpfs(5), Documentation/filesystems/tmpfs, ramfs-rootfs-initramfs.
 */
import { EINVAL } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { RAMFS_MAGIC, TMPFS_MAGIC } from "../abi/magic.js";
import { S_IFDIR } from "../abi/stat.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import type { AddressSpaceOps } from "../mm/addressSpace.js";
import type { Statfs } from "../sys/mountSys.js";
import { fromKgidMunged, fromKuidMunged, INVALID_ID, makeKgid, makeKuid } from "../task/userNamespace.js";
import { countedAops, type MemFs, memEvict, memFs, memInodeOps, newInode } from "./memFs.js";
import { type FileSystemType, FS_USERNS_MOUNT, SB_PINNED, SuperBlock, type SuperOps } from "./superBlock.js";
import { memXattrs } from "./xattr.js";

const PAGE = 4096;

export const tmpfsAops: AddressSpaceOps = /* @__PURE__ */ countedAops("tmpfs", { swapBacked: true });
export const ramfsAops: AddressSpaceOps = { name: "ramfs" };

/** Options of a mount. undefined: not given. */
interface Given {
  inode64?: boolean;
  pages?: number;
  inodes?: number;
  mode?: number;
  uid?: number;
  gid?: number;
  mpol?: object | null;
}

type MountContext = { readonly k: Core; readonly task?: Ctx["task"] };

/** Half of memory, in pages: what a tmpfs may use if nothing is said; as many inodes. */
function half(k: Core): number {
  return Math.floor(k.options.machine.memoryBytes / PAGE / 2);
}

/** `size` like "64m" or "50%": bytes. EINVAL. */
function parseBytes(k: Core, v: string): number {
  if (/^\d+%$/.test(v)) return Math.floor((Number(v.slice(0, -1)) * k.options.machine.memoryBytes) / 100);
  return parseCount(v);
}

/** A number with an optional k, m, g, t. EINVAL. */
function parseCount(v: string): number {
  const m = /^(0[xX][0-9a-fA-F]+|\d+)([kKmMgGtT]?)$/.exec(v);
  if (m === null) return fail(EINVAL);
  const n = /^0[0-7]+$/.test(m[1]) ? Number.parseInt(m[1], 8) : Number(m[1]);
  return n * 1024 ** " kmgt".indexOf(m[2].toLowerCase() || " ");
}

function parseOptions(c: MountContext, data: string): Given {
  const g: Given = {};
  const ns = c.task === undefined ? c.k.tasks.initUserNs : c.task.cred.userNs;
  // a comma before a digit belongs to a list of nodes: mpol=bind:0,2
  for (const opt of data.split(/,(?!\d)/)) {
    if (opt === "") continue;
    const eq = opt.indexOf("=");
    const key = eq < 0 ? opt : opt.slice(0, eq);
    const v = eq < 0 ? null : opt.slice(eq + 1);
    if (v === null) {
      if (key === "inode32" || key === "inode64") g.inode64 = key === "inode64";
      else if (key !== "noswap") fail(EINVAL);
      continue;
    }
    switch (key) {
      case "size":
        g.pages = Math.ceil(parseBytes(c.k, v) / PAGE);
        break;
      case "nr_blocks":
        g.pages = parseCount(v);
        break;
      case "nr_inodes":
        g.inodes = parseCount(v);
        break;
      case "mode":
        if (!/^[0-7]+$/.test(v)) fail(EINVAL);
        g.mode = Number.parseInt(v, 8) & 0o7777;
        break;
      case "uid":
        g.uid = id(makeKuid(ns, decimal(v)));
        break;
      case "gid":
        g.gid = id(makeKgid(ns, decimal(v)));
        break;
      case "huge":
        if (!["never", "always", "within_size", "advise"].includes(v)) fail(EINVAL);
        break;
      case "mpol":
        g.mpol = c.k.contracts.mempolicy?.parse(v) ?? null;
        break;
      default:
        fail(EINVAL);
    }
  }
  return g;
}

function decimal(v: string): number {
  return /^\d+$/.test(v) && Number(v) <= 0xffffffff ? Number(v) : fail(EINVAL);
}

function id(kid: number): number {
  return kid === INVALID_ID ? fail(EINVAL) : kid;
}

/** 0 means no limit. */
const limit = (n: number): number => (n === 0 ? Number.POSITIVE_INFINITY : n);

export const memStatfs = (sb: SuperBlock, st: Statfs): void => {
  const fs = memFs(sb);
  if (fs.maxBlocks !== Number.POSITIVE_INFINITY) {
    st.blocks = fs.maxBlocks;
    st.bfree = st.bavail = fs.maxBlocks - fs.usedBlocks;
  }
  if (fs.maxInodes !== Number.POSITIVE_INFINITY) {
    st.files = fs.maxInodes;
    st.ffree = fs.maxInodes - fs.usedInodes;
  }
};

export const tmpfsOps: SuperOps = {
  statfs: memStatfs,
  evict: memEvict,
  remount(c, sb, data) {
    const g = parseOptions(c, data);
    const fs = memFs(sb);
    // neither below what is used, nor from no limit to one
    const shrink = (now: number, used: number, to: number | undefined): number => {
      if (to === undefined) return now;
      const max = limit(to);
      if (max < used || (now === Number.POSITIVE_INFINITY && max !== now)) fail(EINVAL);
      return max;
    };
    const blocks = shrink(fs.maxBlocks, fs.usedBlocks, g.pages);
    const inodes = shrink(fs.maxInodes, fs.usedInodes, g.inodes);
    fs.maxBlocks = blocks;
    fs.maxInodes = inodes;
    if (g.mpol !== undefined) fs.mpol = g.mpol;
    if (g.inode64 !== undefined) fs.inode64 = g.inode64;
    // mode, uid and gid are those of the root directory at the first mount
  },
  showOptions(sb) {
    const fs = memFs(sb);
    const all = half(sb.k);
    const ns = sb.k.tasks.initUserNs;
    let out = "";
    if (fs.maxBlocks !== all) out += `,size=${(fs.maxBlocks === Number.POSITIVE_INFINITY ? 0 : fs.maxBlocks) * 4}k`;
    if (fs.maxInodes !== all) out += `,nr_inodes=${fs.maxInodes === Number.POSITIVE_INFINITY ? 0 : fs.maxInodes}`;
    if (fs.mode !== 0o1777) out += `,mode=${fs.mode.toString(8).padStart(3, "0")}`;
    if (fs.uid !== 0) out += `,uid=${fromKuidMunged(ns, fs.uid)}`;
    if (fs.gid !== 0) out += `,gid=${fromKgidMunged(ns, fs.gid)}`;
    if (fs.inode64 === true) out += ",inode64";
    else if (sb.k.options.vfs.tmpfsInode64) out += ",inode32";
    if (fs.mpol != null) out += `,mpol=${sb.k.contracts.mempolicy?.text(fs.mpol) ?? ""}`;
    return out;
  },
};

/** A superblock over `fs`, with its root directory. */
export function fillMemSuper(c: MountContext, sb: SuperBlock, fs: MemFs): SuperBlock {
  sb.flags |= SB_PINNED;
  sb.fileattr = true;
  sb.xattr = memXattrs;
  sb.data = fs;
  const root = newInode(null, sb, null, S_IFDIR | fs.mode, 0);
  root.uid = fs.uid;
  root.gid = fs.gid;
  sb.root = c.k.vfs.dcache.makeRoot(root);
  return sb;
}

export const tmpfs: FileSystemType = {
  name: "tmpfs",
  flags: FS_USERNS_MOUNT,
  mount(c, _flags, _source, data) {
    const g = parseOptions(c, data);
    const cred = c.task?.cred;
    const sb = new SuperBlock(c.k, tmpfs, TMPFS_MAGIC, tmpfsOps, cred === undefined ? {} : { userNs: cred.userNs });
    const all = half(c.k);
    return fillMemSuper(c, sb, {
      maxBlocks: g.pages === undefined ? all : limit(g.pages),
      usedBlocks: 0,
      maxInodes: g.inodes === undefined ? all : limit(g.inodes),
      usedInodes: 0,
      dirSize: 40,
      entrySize: 20,
      mode: g.mode ?? 0o1777,
      uid: g.uid ?? cred?.fsuid ?? 0,
      gid: g.gid ?? cred?.fsgid ?? 0,
      aOps: tmpfsAops,
      iops: memInodeOps,
      fastLink: 128,
      ...((g.inode64 ?? c.k.options.vfs.tmpfsInode64) && { inode64: true }),
      ...(g.mpol != null && { mpol: g.mpol }),
    });
  },
};

/** No limits, no directory sizes; only `mode` is an option, others are ignored. */
function unlimited(mode: number): MemFs {
  const none = Number.POSITIVE_INFINITY;
  return {
    maxBlocks: none,
    usedBlocks: 0,
    maxInodes: none,
    usedInodes: 0,
    dirSize: 0,
    entrySize: 0,
    mode,
    uid: 0,
    gid: 0,
    aOps: ramfsAops,
    iops: memInodeOps,
    fastLink: PAGE,
  };
}

export const ramfsOps: SuperOps = {
  evict: memEvict,
  showOptions: (sb) => (memFs(sb).mode === 0o755 ? "" : `,mode=${memFs(sb).mode.toString(8)}`),
};

function ramfsType(name: string): FileSystemType {
  const type: FileSystemType = {
    name,
    flags: FS_USERNS_MOUNT,
    mount(c, _flags, _source, data) {
      const m = /(?:^|,)mode=([^,]*)/.exec(data);
      if (m !== null && !/^[0-7]+$/.test(m[1])) fail(EINVAL);
      const cred = c.task?.cred;
      const sb = new SuperBlock(c.k, type, RAMFS_MAGIC, ramfsOps, cred === undefined ? {} : { userNs: cred.userNs });
      return fillMemSuper(c, sb, unlimited(m === null ? 0o755 : Number.parseInt(m[1], 8) & 0o7777));
    },
  };
  return type;
}

export const ramfs: FileSystemType = /* @__PURE__ */ ramfsType("ramfs");
export const rootfs: FileSystemType = /* @__PURE__ */ ramfsType("rootfs");

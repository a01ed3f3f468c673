/**
 * Disks: file systems whose contents outlive their mounts. A disk is a medium with a profile - ext4, xfs, btrfs and so on:
 * magic number, block size, limits of attributes - whose names and data are kept in memory. mount(8), statfs(2).
 *
 *     k.vfs.addDisk({ name: "vda", type: "ext4", size: 64 * 2 ** 20, uuid: "..." });
 *     sys.mount("/dev/vda", "/data", "ext4", 0);
 *
 * Default page cache operations are "clean at once": what is written is on the medium in the same instant, and pages are never
 * dirty. The writeback package puts its own in their place (`MemFs.aOps`, `AddressSpace.aOps`).
 */
import { EINVAL, ENOENT, ENOSPC } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, MSDOS_SUPER_MAGIC, XFS_SUPER_MAGIC } from "../abi/magic.js";
import { MS_I_VERSION, MS_LAZYTIME, MS_RDONLY, MS_SYNCHRONOUS } from "../abi/mount.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import type { AddressSpace, AddressSpaceOps, PageData } from "../mm/addressSpace.js";
import type { Stat } from "../sys/fileSys.js";
import { simpleSetattr } from "./attr.js";
import { mkdev } from "./dev.js";
import { ATTR_SIZE, type Iattr, type Inode, InodeOps } from "./inode.js";
import { fileUpdateTime } from "./inodeTime.js";
import { type MemFs, memEvict, memFs } from "./memFs.js";
import { type FileSystemType, FS_REQUIRES_DEV, SB_NEGATIVE, SuperBlock, type SuperOps } from "./superBlock.js";
import { fillMemSuper, memStatfs } from "./tmpfs.js";

const PAGE = 4096;
/** Flags of the superblock that its first mount decides. */
const SAMPLED = MS_RDONLY | MS_I_VERSION | MS_SYNCHRONOUS | MS_LAZYTIME;

/** What sets one kind of disk file system apart from another. */
export interface DiskProfile {
  magic: number;
  /** Bytes of a directory. */
  dirSize: number;
  /** Longest symbolic link kept in the inode, plus one. */
  fastLink: number;
  /** First inode number given to a file; the root's own. */
  rootIno: number;
  firstIno: number;
}

const PROFILES: Readonly<Record<string, DiskProfile>> = {
  ext2: { magic: EXT4_SUPER_MAGIC, dirSize: 4096, fastLink: 60, rootIno: 2, firstIno: 11 },
  ext3: { magic: EXT4_SUPER_MAGIC, dirSize: 4096, fastLink: 60, rootIno: 2, firstIno: 11 },
  ext4: { magic: EXT4_SUPER_MAGIC, dirSize: 4096, fastLink: 60, rootIno: 2, firstIno: 11 },
  xfs: { magic: XFS_SUPER_MAGIC, dirSize: 6, fastLink: 256, rootIno: 128, firstIno: 131 },
  btrfs: { magic: BTRFS_SUPER_MAGIC, dirSize: 0, fastLink: 4096, rootIno: 256, firstIno: 257 },
  vfat: { magic: MSDOS_SUPER_MAGIC, dirSize: 4096, fastLink: 0, rootIno: 1, firstIno: 2 },
};

export interface DiskOptions {
  /** Name of the device below /dev. */
  name: string;
  /** A profile: ext2, ext3, ext4, xfs, btrfs, vfat. "": made by the first mount, as what it is mounted as. */
  type: string;
  /** Bytes. Default 1 GiB. */
  size?: number;
  /** As blkid shows it. Default: made up from the kernel's seed. */
  uuid?: string;
  /** Device number; default 254:0, 254:16, ... */
  dev?: number;
}

/** A medium: a device and the file system on it. */
export class Disk {
  /** Its superblock, made at the first mount. */
  sb: SuperBlock | null = null;
  constructor(
    readonly name: string,
    public type: string,
    readonly size: number,
    readonly uuid: string,
    readonly dev: number,
  ) {}
}

/** What is on the medium of one file: bytes by page. Shared with the page cache while pages are "clean at once". */
export class DiskStore {
  readonly pages: Map<number, PageData> = new Map();
}

/** The store of a regular file; made when it first has data. */
export function storeOf(inode: Inode): DiskStore {
  if (inode.data === null) inode.data = new DiskStore();
  return inode.data as DiskStore;
}

/** Take one more block of the disk for a page, unless it has one. 0 or ENOSPC. */
export function allocBlock(inode: Inode, index: number): number {
  const store = storeOf(inode);
  if (store.pages.has(index)) return 0;
  const fs = memFs(inode.sb);
  if (fs.usedBlocks >= fs.maxBlocks) return ENOSPC;
  fs.usedBlocks++;
  store.pages.set(index, null);
  return 0;
}

/** Blocks from page `first` on are free again; `tail` bytes of the page before stay. */
export function freeBlocks(inode: Inode, first: number): void {
  const { data } = inode;
  if (!(data instanceof DiskStore)) return;
  const fs = memFs(inode.sb);
  for (const index of data.pages.keys()) {
    if (index < first) continue;
    data.pages.delete(index);
    fs.usedBlocks--;
  }
}

/** Clean at once: the medium has what the cache has. */
export const diskAops: AddressSpaceOps = {
  name: "disk",
  readFolio(_c, m, index) {
    const { data } = m.host as Inode;
    if (data instanceof DiskStore) m.setData(index, data.pages.get(index) ?? null);
    return 0;
  },
  writeBegin: (_c, m, index) => allocBlock(m.host as Inode, index),
  pageMkwrite(_c, m, index) {
    fileUpdateTime(m.host as Inode);
    return allocBlock(m.host as Inode, index);
  },
  dirtyFolio(_k: Core, m: AddressSpace, index: number) {
    storeOf(m.host as Inode).pages.set(index, m.data(index));
    return false;
  },
};

function diskSetattr(c: Ctx, inode: Inode, a: Iattr): undefined {
  const shrink = (a.valid & ATTR_SIZE) !== 0 && a.size < inode.size;
  simpleSetattr(c, inode, a);
  if (shrink && inode.data instanceof DiskStore) {
    freeBlocks(inode, Math.ceil(a.size / PAGE));
    zeroTail(inode.data, a.size);
  }
}

/** Bytes behind the new end of the last page are zeros, also where the page is not cached. */
function zeroTail(store: DiskStore, size: number): void {
  const index = Math.floor(size / PAGE);
  const off = size - index * PAGE;
  const d = store.pages.get(index);
  if (off === 0 || d === undefined || d === null) return;
  if (typeof d === "number") {
    const b = new Uint8Array(PAGE);
    b.fill(d, 0, off);
    store.pages.set(index, b);
  } else d.fill(0, off);
}

/** Blocks are those of the medium. */
function diskGetattr(_c: Ctx, inode: Inode, st: Stat): void {
  st.blocks = inode.blocks + (inode.data instanceof DiskStore ? inode.data.pages.size * 8 : 0);
}

export const diskInodeOps: InodeOps = /* @__PURE__ */ new InodeOps({ setattr: diskSetattr, getattr: diskGetattr });

export const diskOps: SuperOps = {
  statfs: memStatfs,
  evict(inode) {
    freeBlocks(inode, 0);
    memEvict(inode);
  },
  showOptions: (sb) => ((sb.flags & MS_I_VERSION) !== 0 ? ",i_version" : ""),
};

/** A file system type over disks. */
export function diskType(name: string, profile: DiskProfile): FileSystemType {
  const type: FileSystemType = {
    name,
    flags: FS_REQUIRES_DEV,
    mount(c, flags, source, data) {
      const disk = findDisk(c.k, source);
      if (disk === undefined) return fail(ENOENT);
      if (disk.type === "") disk.type = name;
      if (disk.type !== name) return fail(EINVAL);
      let more = flags;
      for (const opt of data.split(",")) {
        if (opt === "i_version" || opt === "iversion") more |= MS_I_VERSION;
        else if (opt !== "" && !DISK_OPTIONS.test(opt)) fail(EINVAL);
      }
      if (disk.sb === null) disk.sb = format(c.k, type, profile, disk);
      const { sb } = disk;
      if (sb.mounts.size === 0) sb.flags = (sb.flags & ~SAMPLED) | (more & SAMPLED);
      c.k.vfs.diskMounted?.(sb, disk, data);
      return sb;
    },
  };
  return type;
}

/** Options of these file systems that change nothing here. */
const DISK_OPTIONS =
  /^(defaults|errors=|data=|barrier|nobarrier|commit=|discard|nodiscard|user_xattr|acl|noacl|inode64|attr2|noquota|space_cache|subvol|ssd|compress|delalloc|nodelalloc|stripe=|fmask=|dmask=|umask=|iocharset=)/;

/** The disk behind a source: `/dev/NAME` or a name. */
export function findDisk(k: Core, source: string): Disk | undefined {
  const name = source.startsWith("/dev/") ? source.slice(5) : source;
  return k.vfs.disks.get(name);
}

/** An empty file system on a disk. */
function format(k: Core, type: FileSystemType, p: DiskProfile, disk: Disk): SuperBlock {
  const sb = new SuperBlock(k, type, p.magic, diskOps, { dev: disk.dev });
  sb.persistent = true;
  sb.uuid = disk.uuid;
  sb.id = disk.name;
  sb.flags |= SB_NEGATIVE;
  sb.lastIno = p.rootIno - 1;
  const blocks = Math.floor(disk.size / PAGE);
  const fs: MemFs = {
    maxBlocks: blocks,
    usedBlocks: 0,
    maxInodes: Math.max(16, Math.floor(blocks / 4)),
    usedInodes: 0,
    dirSize: p.dirSize,
    entrySize: 0,
    mode: 0o755,
    uid: 0,
    gid: 0,
    aOps: diskAops,
    fastLink: p.fastLink,
    iops: diskInodeOps,
  };
  fillMemSuper({ k }, sb, fs);
  sb.lastIno = p.firstIno - 1;
  return sb;
}

export const diskTypes: readonly FileSystemType[] = /* @__PURE__ */ Object.entries(PROFILES).map(([n, p]) =>
  diskType(n, p),
);

/** A disk for mount(2). TypeError or RangeError for wrong options. */
export function addDisk(k: Core, o: DiskOptions): Disk {
  const { disks } = k.vfs;
  if (o.type !== "" && PROFILES[o.type] === undefined && !k.vfs.types.has(o.type))
    throw new TypeError(`disk.type: must be one of ${Object.keys(PROFILES).join(", ")}, not ${String(o.type)}`);
  if (typeof o.name !== "string" || o.name === "" || disks.has(o.name))
    throw new TypeError(`disk.name: must be a new name below /dev, not ${String(o.name)}`);
  const size = o.size ?? 2 ** 30;
  if (!Number.isInteger(size) || size < 65536)
    throw new RangeError(`disk.size: must be at least 65536 bytes, not ${size}`);
  const uuid = o.uuid ?? madeUuid(k);
  const disk = new Disk(o.name, o.type, size, uuid, o.dev ?? mkdev(254, disks.size * 16));
  disks.set(o.name, disk);
  return disk;
}

/** A random (version 4) UUID from the kernel's chance. */
function madeUuid(k: Core): string {
  const rng = k.vfs.rng;
  const b = Array.from({ length: 16 }, () => rng.uint32() & 0xff);
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  const h = b.map((x) => x.toString(16).padStart(2, "0")).join("");
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
}

export function registerDisks(k: Core): void {
  k.state.class(Disk, DiskStore);
  k.state.static("iops.disk", diskInodeOps);
  k.state.static("sops.disk", diskOps);
  k.state.static("aops.disk", diskAops);
}

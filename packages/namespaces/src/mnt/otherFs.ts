/**
 * File system types that a Linux machine has and core has not: those a user namespace's root may mount (devpts, binfmt_misc), and those
 * it may not, so that mount(2) says EPERM and not ENODEV; overlay and fuse get as far as their options (EINVAL). There are no terminals and no interpreters to register: a devpts has its
 * ptmx, the others are empty; those on devices find none. user_namespaces(7), filesystems(5).
 */
import {
  BPF_FS_MAGIC,
  type Core,
  chrdevOps,
  DEVPTS_SUPER_MAGIC,
  EINVAL,
  ENOENT,
  type FileSystemType,
  FS_REQUIRES_DEV,
  FS_USERNS_MOUNT,
  fail,
  HUGETLBFS_MAGIC,
  Inode,
  InodeOps,
  makeKgid,
  makeKuid,
  memDirFileOps,
  mkdev,
  PSTOREFS_MAGIC,
  S_IFCHR,
  S_IFDIR,
  SB_PINNED,
  SuperBlock,
  type SuperOps,
  simpleSetattr,
  type Task,
} from "@kernelkit/core";

const BINFMTFS_MAGIC = 0x42494e4d;
const FUSE_CTL_SUPER_MAGIC = 0x65735543;

/** Attributes can be changed, nothing can be made. */
const inodeOps: InodeOps = /* @__PURE__ */ new InodeOps({
  setattr(c, inode, a) {
    simpleSetattr(c, inode, a);
    return undefined;
  },
});

/** What a devpts was mounted with: sb.data. */
interface PtsOptions {
  mode: number;
  ptmxmode: number;
  uid: number;
  gid: number;
}

const ptsOps: SuperOps = {
  showOptions(sb) {
    const o = sb.data as PtsOptions;
    const oct = (n: number): string => n.toString(8).padStart(3, "0");
    const ids = (o.uid < 0 ? "" : `,uid=${o.uid}`) + (o.gid < 0 ? "" : `,gid=${o.gid}`);
    return `${ids},mode=${oct(o.mode)},ptmxmode=${oct(o.ptmxmode)}`;
  },
};
const plainOps: SuperOps = {};

/** "mode=620,ptmxmode=666,gid=5,newinstance,max=10". EINVAL. */
function parsePts(t: Task | undefined, k: Core, data: string): PtsOptions {
  const o: PtsOptions = { mode: 0o600, ptmxmode: 0, uid: -1, gid: -1 };
  const ns = t?.cred.userNs ?? k.tasks.initUserNs;
  for (const opt of data.split(",")) {
    if (opt === "" || opt === "newinstance") continue;
    const [key, v = ""] = opt.split("=", 2);
    if ((key === "mode" || key === "ptmxmode") && /^[0-7]+$/.test(v)) o[key] = Number.parseInt(v, 8) & 0o777;
    else if (key === "uid" && /^\d+$/.test(v)) o.uid = makeKuid(ns, Number(v));
    else if (key === "gid" && /^\d+$/.test(v)) o.gid = makeKgid(ns, Number(v));
    else if (key !== "max" || !/^\d+$/.test(v)) fail(EINVAL);
  }
  return o;
}

/** A superblock with an empty directory, which belongs to the root of its user namespace. */
function emptySuper(k: Core, t: Task | undefined, type: FileSystemType, magic: number, ops: SuperOps): SuperBlock {
  const userNs = t?.cred.userNs ?? k.tasks.initUserNs;
  const sb = new SuperBlock(k, type, magic, ops, { userNs });
  sb.flags |= SB_PINNED;
  const root = new Inode(sb, sb.newIno(), S_IFDIR | 0o755, inodeOps, memDirFileOps);
  root.uid = t?.cred.fsuid ?? 0;
  root.gid = t?.cred.fsgid ?? 0;
  root.nlink = 2;
  sb.root = k.vfs.dcache.makeRoot(root);
  return sb;
}

function devpts(): FileSystemType {
  const type: FileSystemType = {
    name: "devpts",
    flags: FS_USERNS_MOUNT,
    mount({ k, task }, _flags, _source, data) {
      const o = parsePts(task, k, data);
      const sb = emptySuper(k, task, type, DEVPTS_SUPER_MAGIC, ptsOps);
      sb.data = o;
      const ptmx = new Inode(sb, sb.newIno(), S_IFCHR | o.ptmxmode, inodeOps, chrdevOps);
      ptmx.rdev = mkdev(5, 2);
      ptmx.uid = task?.cred.fsuid ?? 0;
      ptmx.gid = task?.cred.fsgid ?? 0;
      k.vfs.addDentry(sb.root, "ptmx", ptmx);
      return sb;
    },
  };
  return type;
}

function empty(name: string, magic: number, flags: number): FileSystemType {
  const type: FileSystemType = {
    name,
    flags,
    mount: ({ k, task }) => emptySuper(k, task, type, magic, plainOps),
  };
  return type;
}

function onDevice(name: string): FileSystemType {
  return {
    name,
    flags: FS_REQUIRES_DEV,
    mount: ({ k }, _flags, source) => fail(k.vfs.disks.has(source.replace(/^\/dev\//, "")) ? EINVAL : ENOENT),
  };
}

/** A type that says what it is to show in options which cannot be had here: no layers, no server behind a descriptor. */
function withoutOptions(name: string): FileSystemType {
  return { name, flags: FS_USERNS_MOUNT, mount: () => fail(EINVAL) };
}

export function installOtherFs(k: Core): void {
  k.state.static("otherFs.inodeOps", inodeOps);
  k.state.static("otherFs.ptsOps", ptsOps);
  k.state.static("otherFs.plainOps", plainOps);
  const types = [
    devpts(),
    empty("binfmt_misc", BINFMTFS_MAGIC, FS_USERNS_MOUNT),
    empty("bpf", BPF_FS_MAGIC, 0),
    empty("fusectl", FUSE_CTL_SUPER_MAGIC, 0),
    empty("hugetlbfs", HUGETLBFS_MAGIC, 0),
    empty("pstore", PSTOREFS_MAGIC, 0),
    withoutOptions("fuse"),
    withoutOptions("overlay"),
    onDevice("btrfs"),
    onDevice("squashfs"),
    onDevice("xfs"),
  ];
  for (const type of types) if (!k.vfs.types.has(type.name)) k.vfs.registerFilesystem(type);
}

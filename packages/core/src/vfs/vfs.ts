/**
 * The virtual file system of a kernel: `k.vfs`. What the other parts and packages call is here; how things are done is in the
 * files beside it: namei.ts (path walk), open.ts, dir.ts and rename.ts (names), attr.ts and stat.ts, perm.ts, readWrite.ts,
 * regularFile.ts, pipe.ts, xattr.ts, mountTree.ts, tmpfs.ts, disk.ts, dpath.ts. Documentation/filesystems/vfs.
 */
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { Slots } from "../kernel/slots.js";
import { takeLowest } from "../lib/lowestFree.js";
import type { Rng } from "../lib/rng.js";
import type { Wait } from "../sys/types.js";
import type { Task } from "../task/task.js";
import type { UserNamespace } from "../task/userNamespace.js";
import { type AnonFileOptions, anonFile } from "./anonInode.js";
import { type Children, D_UNHASHED, Dcache, type Dentry } from "./dentry.js";
import { mkdev } from "./dev.js";
import { addDisk, type Disk, type DiskOptions } from "./disk.js";
import { dPath, fileLinkText } from "./dpath.js";
import type { FileOps, OpenFile } from "./file.js";
import type { FilesStruct } from "./filesStruct.js";
import { closeAll, closeOnExec, dupFiles, fget, fput, getFile, unusedFd } from "./fileTable.js";
import { FsStruct } from "./fsStruct.js";
import { Getdents } from "./getdents.js";
import type { Inode } from "./inode.js";
import { memfdFile } from "./memfd.js";
import { MNT_DETACHED, MNT_NOEXEC, MNT_NOSUID, type MntNamespace, type Mount } from "./mount.js";
import { isFloating } from "./mountOps.js";
import { detachMounts, mountReleased, umountTree } from "./mountTree.js";
import { Nameidata } from "./namei.js";
import { closeExec, mayReadFile, openExec, readExec } from "./openExec.js";
import { type Propagation, privatePropagation } from "./propagation.js";
import { type FileSystemType, SB_NOEXEC, SB_NOSUID, SB_PINNED, type SuperBlock } from "./superBlock.js";

/** Settings under /proc/sys/fs, with their defaults. */
export interface VfsSysctl {
  protectedHardlinks: number;
  protectedSymlinks: number;
  protectedFifos: number;
  protectedRegular: number;
  pipeMaxSize: number;
  pipeUserPagesSoft: number;
  pipeUserPagesHard: number;
  fileMax: number;
  nrOpen: number;
  mountMax: number;
}

/** Who opens device nodes: set by the part that has the drivers. No driver: fail(ENXIO). It sets file.ops and data. */
export type DeviceOpener = (c: Ctx, inode: Inode, file: OpenFile) => Wait | undefined;

export class Vfs {
  static readonly transient: readonly string[] = [
    "types",
    "inodeSlots",
    "sbSlots",
    "fileSlots",
    "mountSlots",
    "openDevice",
    "diskMounted",
    "fallocExtra",
    "propagation",
    "bindable",
    "mayBind",
    "newMountFlags",
    "nd",
    "getdents",
    "clockAt",
    "nowSec",
    "nowNsec",
    "mntNsIndex",
    "fputMode",
    "fputEvent",
    "iversion",
  ];

  readonly dcache: Dcache = new Dcache();
  readonly superBlocks: Set<SuperBlock> = new Set();
  /** The initial mount namespace. */
  initNs!: MntNamespace;
  /** Mounts by what they stand on, of all namespaces. */
  readonly mountpoints: Map<Dentry, Mount[]> = new Map();
  readonly sysctl: VfsSysctl = {
    protectedHardlinks: 0,
    protectedSymlinks: 0,
    protectedFifos: 0,
    protectedRegular: 0,
    pipeMaxSize: 1048576,
    pipeUserPagesSoft: 16384,
    pipeUserPagesHard: 0,
    fileMax: 2 ** 63,
    nrOpen: 1048576,
    mountMax: 100000,
  };
  /** Open descriptions (/proc/sys/fs/file-nr). */
  nrFiles = 0;
  /** Number of the last device of major 0 given to a superblock. */
  lastAnonDev = 0;
  /** Device numbers of major 0 that were given back, ascending. */
  readonly freeAnonDevs: number[] = [];
  lastAnonIno = 0;
  /** Pages of pipes by the uid of their makers. */
  readonly pipePages: Map<number, number> = new Map();
  lastFileSerial = 0;
  /** mnt_ids given back, and the lowest never given. */
  readonly freeMountIds: number[] = [];
  nextMountId = 1;
  lastUniqueMountId = 0;
  lastNsSeq = 0;
  /** Mounts of kernel-internal file systems (pipefs, ...) by type name. */
  readonly internal: Map<string, Mount> = new Map();
  /** Media that mount(2) finds by name. */
  readonly disks: Map<string, Disk> = new Map();
  readonly rng: Rng;
  /** Coarse real time: of the last tick, or later where a finer time has been given out since. */
  nowSec = 0;
  nowNsec = 0;
  /** The latest finer time given out. */
  fineSec = 0;
  fineNsec = 0;

  // not state
  readonly types: Map<string, FileSystemType> = new Map();
  readonly inodeSlots: Slots<Inode> = new Slots();
  readonly sbSlots: Slots<SuperBlock> = new Slots();
  readonly fileSlots: Slots<OpenFile> = new Slots();
  readonly mountSlots: Slots<Mount> = new Slots();
  openDevice: DeviceOpener | null = null;
  /** Bits of fallocate(2) beyond Linux's. */
  fallocExtra = 0;
  /** Told of each mount of a disk, with its options: may put other operations into the superblock. */
  diskMounted: ((sb: SuperBlock, disk: Disk, data: string) => void) | null = null;
  propagation: Propagation = privatePropagation;
  /** Which files without a place may be bind-mounted (nsfs), set by whoever makes them. */
  bindable: ((d: Dentry) => boolean) | null = null;
  /** May a place be bind-mounted in the caller's namespace? Of nsfs: no loops of mount namespaces. */
  mayBind: ((c: Ctx, d: Dentry) => boolean) | null = null;
  /** MNT_ flags of a new mount of a superblock in the caller's namespace; may fail(EPERM). */
  newMountFlags: ((c: Ctx, sb: SuperBlock, flags: number) => number) | null = null;
  readonly nd: Nameidata;
  readonly getdents: Getdents = new Getdents();
  /** Index of the mount namespace in NsProxy.ns; -1 before it is registered. */
  mntNsIndex = -1;
  private clockAt = -1;
  /** When the last fput takes effect; see fileTable.ts. */
  fputMode: "task_work" | "inline" | "deferred" = "task_work";
  fputEvent = 0;
  /** Which inodes have an i_version; see iversion.ts. */
  iversion: "always" | "mount-option" | "none" = "always";

  constructor(readonly k: Core) {
    this.nd = new Nameidata(this);
    this.rng = k.rng.fork("vfs");
    this.fputMode = k.options.vfs.fput;
    this.iversion = k.options.vfs.iversion;
  }

  /** After a restore: the dentry cache's hash is rebuilt. */
  restored(): void {
    this.clockAt = -1;
    this.dcache.rebuild([...this.superBlocks].map((sb) => sb.root));
  }

  // --- time ---

  /** Bring nowSec and nowNsec up to the last tick. */
  touchClock(): void {
    const { k } = this;
    if (k.now === this.clockAt) return;
    this.clockAt = k.now;
    const { time } = k;
    const up = time.coarseNs + time.suspendedNs;
    const upNsec = up % 1e9;
    const nsec = upNsec + time.epochNsec;
    const sec = time.epochSec + (up - upNsec) / 1e9;
    this.nowSec = nsec >= 1e9 ? sec + 1 : sec;
    this.nowNsec = nsec >= 1e9 ? nsec - 1e9 : nsec;
    // not before a finer time that a file has been given since the tick
    if (this.nowSec === this.fineSec && this.nowNsec < this.fineNsec) this.nowNsec = this.fineNsec;
  }

  /** Bring them up to the very instant. */
  fineClock(): void {
    const { sec, nsec } = this.k.time.realtime();
    this.nowSec = this.fineSec = sec;
    this.nowNsec = this.fineNsec = nsec;
  }

  // --- registries ---

  /** A file system type for mount(2) and /proc/filesystems. TypeError if the name is taken. */
  registerFilesystem(type: FileSystemType): void {
    if (this.types.has(type.name)) throw new TypeError(`file system type '${type.name}' is registered twice`);
    this.types.set(type.name, type);
    this.k.state.static(`fs.${type.name}`, type);
  }

  /** A disk for mount(2); see disk.ts. */
  addDisk(o: DiskOptions): Disk {
    return addDisk(this.k, o);
  }

  /** The lowest free device number of major 0. */
  anonDev(): number {
    return takeLowest(this.freeAnonDevs, () => mkdev(0, ++this.lastAnonDev));
  }

  /** The next inode number of files without a place (pipes, anonymous inodes). */
  nextAnonIno(): number {
    return ++this.lastAnonIno;
  }

  // --- places ---

  pathGet(mnt: Mount, dentry: Dentry): void {
    mnt.refs++;
    dentry.refs++;
  }

  pathPut(mnt: Mount, dentry: Dentry): void {
    if (--dentry.refs === 0 && (dentry.flags & D_UNHASHED) !== 0) this.killDentry(dentry);
    if (--mnt.refs === 0 && (mnt.flags & MNT_DETACHED) !== 0) mountReleased(this, mnt);
  }

  dentryPut(dentry: Dentry): void {
    if (--dentry.refs === 0 && (dentry.flags & D_UNHASHED) !== 0) this.killDentry(dentry);
  }

  /** Cache a name: what the file system says about `name` in `parent`. */
  addDentry(parent: Dentry, name: string, inode: Inode | null): Dentry {
    const d = this.dcache.add(parent, name, inode);
    const { dentryAlloc } = this.k.hooks;
    if (dentryAlloc.on !== null) dentryAlloc.on(d, undefined);
    return d;
  }

  /** Forget a name and everything cached below it. Places still in use stay as they are, but no walk finds them. */
  dropDentry(d: Dentry): void {
    for (let kid = d.kids === null ? null : d.kids.head; kid !== null; kid = d.kids === null ? null : d.kids.head)
      this.dropDentry(kid);
    if (this.mountpoints.has(d)) this.detachMounts(d);
    this.dcache.detach(d);
    if (d.refs === 0) this.killDentry(d);
  }

  /** A dentry that is in no directory and held by nobody: its inode loses a name. */
  killDentry(d: Dentry): void {
    const { hooks } = this.k;
    if (hooks.dentryFree.on !== null) hooks.dentryFree.on(d, undefined);
    const { inode } = d;
    if (inode === null) return;
    if (--inode.refs === 0 && (inode.nlink === 0 || (inode.sb.flags & SB_PINNED) === 0 || inode.sb.dying))
      this.evict(inode);
  }

  /** A superblock is gone: its names leave the cache, its inodes go. */
  forgetTree(root: Dentry): void {
    (root.inode as Inode).sb.dying = true;
    const order: Dentry[] = [root];
    for (let i = 0; i < order.length; i++)
      for (let k = order[i].kids === null ? null : (order[i].kids as Children).head; k !== null; k = k.sibNext)
        order.push(k);
    for (let i = order.length - 1; i > 0; i--) {
      this.dcache.detach(order[i]);
      if (order[i].refs === 0) this.killDentry(order[i]);
    }
    if (root.refs === 0) this.killDentry(root);
  }

  private evict(inode: Inode): void {
    const { hooks } = this.k;
    if (hooks.inodeEvict.on !== null) hooks.inodeEvict.on(inode, undefined);
    if (inode.mapping !== null) this.k.mm.dropMapping(inode.mapping);
    const f = inode.sb.ops.evict;
    if (f !== undefined) f(inode);
  }

  /** Take away every mount on a dentry that is going. */
  detachMounts(d: Dentry): void {
    detachMounts(this, d);
  }

  /** A tree that was never attached anywhere goes. */
  dissolve(m: Mount): void {
    if (isFloating(m)) umountTree(this, m, true);
  }

  /** The mount namespace of a task. */
  mntNsOf(t: Task): MntNamespace {
    return this.mntNsIndex < 0 ? this.initNs : (t.nsproxy.ns[this.mntNsIndex] as MntNamespace);
  }

  /** The path of a place as `t` sees it (null: from the top), with " (deleted)" if it was removed. */
  dPath(mnt: Mount, dentry: Dentry, t: Task | null): string {
    return dPath(mnt, dentry, t === null ? null : t.fs);
  }

  /** The path of an open file as links in /proc/PID/fd show it. */
  filePath(file: OpenFile, t: Task | null = null): string {
    return fileLinkText(file, t === null ? null : t.fs);
  }

  isNoexec(file: OpenFile): boolean {
    return (file.mnt.flags & MNT_NOEXEC) !== 0 || (file.inode.sb.flags & SB_NOEXEC) !== 0;
  }

  // --- descriptions and descriptors ---

  /** The description behind a number. EBADF, also for O_PATH. */
  fget(t: Task, fd: number): OpenFile {
    return fget(t, fd);
  }
  getFile(f: OpenFile): OpenFile {
    return getFile(f);
  }
  fput(f: OpenFile): void {
    fput(this.k, f);
  }
  /** Give a description a number (it keeps the caller's reference). EMFILE. */
  fdInstall(t: Task, file: OpenFile, cloexec: boolean): number {
    const fd = unusedFd(t);
    (t.files as FilesStruct).install(fd, file, cloexec);
    return fd;
  }
  /** As fdInstall, but the description goes when there is no number for it. EMFILE. */
  installOrPut(t: Task, file: OpenFile, cloexec: boolean): number {
    try {
      return this.fdInstall(t, file, cloexec);
    } catch (e) {
      fput(this.k, file);
      throw e;
    }
  }
  /** A file without a name for the kernel's own things (eventfd, epoll, pidfd): `name` as in "[eventfd]". */
  anonFile(t: Task, name: string, ops: FileOps, data: unknown, flags: number, o?: AnonFileOptions): OpenFile {
    return anonFile(this.k, t, name, ops, data, flags, o);
  }
  /** An unlinked tmpfs file named `/memfd:NAME (deleted)`. */
  memfdFile(c: Ctx, name: string, mfdFlags: number): OpenFile {
    return memfdFile(c, name, mfdFlags);
  }

  // --- tasks ---

  copyFiles(parent: Task, share: boolean): FilesStruct {
    const files = parent.files as FilesStruct;
    if (!share) return dupFiles(files);
    files.refs++;
    return files;
  }
  exitFiles(t: Task): void {
    const { files } = t;
    t.files = null;
    if (files !== null && --files.refs === 0) closeAll(this.k, t, files);
  }
  closeOnExec(t: Task): void {
    closeOnExec(this.k, t);
  }
  copyFs(parent: Task, share: boolean): FsStruct {
    const fs = parent.fs as FsStruct;
    if (share) {
      fs.refs++;
      return fs;
    }
    this.pathGet(fs.rootMnt, fs.rootDentry);
    this.pathGet(fs.pwdMnt, fs.pwdDentry);
    return new FsStruct(fs.rootMnt, fs.rootDentry, fs.pwdMnt, fs.pwdDentry, fs.umask);
  }
  exitFs(t: Task): void {
    const { fs } = t;
    t.fs = null;
    if (fs === null || --fs.refs > 0) return;
    this.pathPut(fs.rootMnt, fs.rootDentry);
    this.pathPut(fs.pwdMnt, fs.pwdDentry);
  }
  /** A new root directory for a task and whoever shares its FsStruct. */
  setRoot(fs: FsStruct, mnt: Mount, dentry: Dentry): void {
    this.pathGet(mnt, dentry);
    this.pathPut(fs.rootMnt, fs.rootDentry);
    fs.rootMnt = mnt;
    fs.rootDentry = dentry;
  }
  /** A new working directory. */
  setPwd(fs: FsStruct, mnt: Mount, dentry: Dentry): void {
    this.pathGet(mnt, dentry);
    this.pathPut(fs.pwdMnt, fs.pwdDentry);
    fs.pwdMnt = mnt;
    fs.pwdDentry = dentry;
  }

  // --- execve ---

  /** The file to execute, with writing to it denied. ELOOP..., EACCES, ETXTBSY. Undone by `closeExec`. */
  openExec(c: Ctx, dirfd: number, path: string, flags: number): OpenFile | Wait {
    return openExec(c, dirfd, path, flags);
  }
  closeExec(file: OpenFile): void {
    closeExec(this.k, file);
  }
  /** The first `count` bytes of it. */
  readExec(c: Ctx, file: OpenFile, count: number): Uint8Array | Wait {
    return readExec(c, file, count);
  }
  /** Are set-id bits and file capabilities of the file honoured for the task? Not on nosuid or foreign mounts. */
  maySuid(t: Task, file: OpenFile): boolean {
    const { mnt } = file;
    if ((mnt.flags & MNT_NOSUID) !== 0 || (mnt.sb.flags & SB_NOSUID) !== 0) return false;
    if (mnt.ns !== null && mnt.ns !== this.mntNsOf(t)) return false;
    for (let ns: UserNamespace | null = t.cred.userNs; ns !== null; ns = ns.parent)
      if (ns === mnt.sb.userNs) return true;
    return false;
  }
  /** May the task read it (else it is not dumpable)? */
  mayRead(c: Ctx, file: OpenFile): boolean {
    return mayReadFile(c, file);
  }
}

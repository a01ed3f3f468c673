/**
 * writeback: the package as a feature.
 *
 *     const kernel = createKernel({ machine: { memory: "1G" } }).use(writeback()).boot();
 *     kernel.writeback.addDevice("sda", { writeBps: 20e6 });
 *     sys.mount("/dev/sda", "/mnt", "ext4", 0);
 */
import {
  BTRFS_SUPER_MAGIC,
  CONTENTS_FULL,
  CONTENTS_NONE,
  CONTENTS_PATTERN,
  type Core,
  type Ctx,
  coreInstance,
  type Disk,
  diskType,
  FALLOC_FL_NO_HIDE_STALE,
  type Feature,
  fail,
  type Inode,
  int,
  memFs,
  type PageData,
  PG_STABLE,
  PG_WRITEBACK,
  type Ret,
  type SuperBlock,
  type SysBase,
  WAIT,
} from "@kernelkit/core";
import { BackingDevInfo, BdiList, installBdiFiles } from "./bdi.js";
import { groupRemoved } from "./cgroup/cgwb.js";
import type { DirtyLimits } from "./control/dirtyLimits.js";
import { fpropClasses } from "./control/fprop.js";
import { installDebugfs } from "./debugfs.js";
import { BlockDevice } from "./device/blockDevice.js";
import { BlockLayer, mismatches } from "./device/blockLayer.js";
import { checkModel, type DeviceModel } from "./device/model.js";
import { queueAttributes } from "./device/queueSysfs.js";
import { errseqSample } from "./errseq.js";
import { endBio } from "./flush/endIo.js";
import { flush } from "./flush/flusher.js";
import { wakeupFlusherThreads } from "./flush/inodeState.js";
import { IoList } from "./flush/ioList.js";
import { defineLaptopTimer, laptopSyncCompletion } from "./flush/laptop.js";
import { InodePass, TaskThrottle, Wb, WbDomain, WbWork } from "./flush/wb.js";
import { BlockAllocator } from "./fs/allocator.js";
import { BLOCK_DELAYED, BLOCK_NONE, blockMapClasses } from "./fs/blockMap.js";
import { commit, writeOrdered } from "./fs/commit.js";
import { configure, DiskFs, wbInodeOf } from "./fs/diskFs.js";
import { CommittedFile, Journal, Transaction } from "./fs/journal.js";
import { mkfs } from "./fs/mkfs.js";
import { diskFsOps } from "./fs/ops.js";
import { type RecoveredFile, recoveredFiles } from "./fs/recovery.js";
import { fitrim } from "./fs/trim.js";
import { ForeignHistory, WbInode } from "./fs/wbInode.js";
import { installKnobs, Knobs } from "./knobs.js";
import { resolveOptions, type WritebackOptions } from "./options.js";
import { advanceErr, type Offset, syncFileRange, syncFilesystem } from "./sync.js";
import { diskFs, WbState, Writeback } from "./system.js";
import { definePauseTimer } from "./throttle/balance.js";
import { updateBandwidth } from "./throttle/bandwidth.js";
import { globalDirtyLimits, setRatelimit } from "./throttle/domains.js";

export interface WritebackSys extends SysBase {
  /**
   * Write a part of a file's data, without metadata. `flags`: WAIT_BEFORE 1, WRITE 2, WAIT_AFTER 4. EBADF; EINVAL flags, negative or
   * overflowing range; ESPIPE no file with data; then the error that this description has not seen. sync_file_range(2).
   */
  sync_file_range(fd: number, offset: Offset, nbytes: Offset, flags: number): Ret<this["mode"], number>;
}

/** What `kernel.writeback` offers. */
export interface WritebackApi {
  /** A block device, found by mount(2) as /dev/NAME, with its backing device in /sys/class/bdi. TypeError, RangeError for a wrong model. */
  addDevice(name: string, model?: DeviceModel): BlockDevice;
  /** RangeError: there is none of that name. */
  device(name: string): BlockDevice;
  /** Estimated write bandwidth of a device, pages/s (averaged). */
  bandwidth(name: string): number;
  /** The machine's dirty thresholds now, pages. global_dirty_limits(). */
  globalDirtyLimits(): DirtyLimits;
  /** ext3's journal commits: dirty pages of the file system are written without being marked as under writeback. */
  journalCommit(sb: SuperBlock): void;
  pageFlags(inode: Inode, index: number): { PG_stable: boolean; PG_writeback: boolean };
  /** What the device has of a file's page; undefined: nothing. */
  deviceRead(inode: Inode, index: number): PageData | undefined;
  /** Pages of an array that do not fit together: halves of a mirror that differ, stripes with wrong parity. */
  mismatches(name: string): number;
  /** Cut a device's power now: what is not on its medium is lost, and everything asked of it from here on fails with EIO. */
  powerLoss(name: string): void;
  /** The files that a machine finds on the device after that, by inode number: size and pages, as journal and medium say. */
  recover(name: string): ReadonlyMap<number, RecoveredFile>;
  /** FITRIM: give free blocks back to the device. Bytes. Fails with EOPNOTSUPP, EINVAL. */
  fitrim(sb: SuperBlock, start: number, length: number, minLength: number): number;
}

/** Longest file of ext4 with blocks of 4 KiB. */
const EXT4_MAX = 2 ** 44 - 4096;

const CONTENTS: Readonly<Record<string, number>> = {
  full: CONTENTS_FULL,
  pattern: CONTENTS_PATTERN,
  none: CONTENTS_NONE,
};

const CLASSES = [
  Knobs,
  BackingDevInfo,
  BdiList,
  Wb,
  WbInode,
  WbWork,
  InodePass,
  WbDomain,
  WbState,
  IoList,
  TaskThrottle,
  DiskFs,
  BlockAllocator,
  Journal,
  Transaction,
  CommittedFile,
  ForeignHistory,
  ...blockMapClasses,
  ...fpropClasses,
];

/** The feature. TypeError or RangeError for a bad option, naming it. */
export function writeback(options: WritebackOptions = {}): Feature<"writeback", WritebackApi, WritebackSys> {
  const o = resolveOptions(options);
  return {
    name: "writeback",
    core: coreInstance,
    install(k: Core) {
      k.state.class(...CLASSES);
      const st = new WbState(new Knobs(), new BdiList(), k.cpus.nr);
      k.state.root("writeback", st);
      const w = new Writeback(k, st, o);
      w.block = new BlockLayer(k, (bio) => endBio(w, bio));
      w.flushWork = k.workqueue.define("writeback.flush", (c, wb) => flush(w, c, wb as Wb));
      w.commitWork = k.workqueue.define("writeback.commit", (c, fs) => commit(w, c, fs as DiskFs));
      w.bandwidthWork = k.workqueue.define("writeback.bandwidth", (_c, wb) => {
        (wb as Wb).bwArmed = false;
        updateBandwidth(w, wb as Wb, null, null, 0);
      });
      defineLaptopTimer(w);
      definePauseTimer(w);
      hooks(w);
      const api = makeApi(w, files(w));
      return { api, sys: calls(w) as never, boot: () => setRatelimit(w) };
    },
  };
}

/** Files and file systems. Gives what makes the files of a new device. */
function files(w: Writeback): (dev: BlockDevice) => void {
  const { k, st } = w;
  const profile = { magic: BTRFS_SUPER_MAGIC, dirSize: 0, fastLink: 4096, rootIno: 256, firstIno: 257 };
  k.vfs.registerFilesystem(diskType("compressfs", profile));
  if (w.o.noHideStale === "3.7") k.vfs.fallocExtra |= FALLOC_FL_NO_HIDE_STALE;
  installKnobs(
    k,
    st.knobs,
    () => setRatelimit(w),
    () => wakeupFlusherThreads(w, "periodic"),
  );
  const limits = (): DirtyLimits => globalDirtyLimits(w);
  const register = installBdiFiles(k, st.bdis, () => limits().thresh, w.o.stablePages);
  const debug = installDebugfs(k, w);
  const queue = queueAttributes(k);
  k.mm.provide("nr_dirty_threshold", () => limits().thresh);
  k.mm.provide("nr_dirty_background_threshold", () => limits().bgThresh);
  return (dev) => {
    register(dev.bdi);
    debug(dev.bdi);
    queue(dev);
    if (w.trace.bdiRegister.on) w.trace.bdiRegister.emit(dev.bdi.name);
  };
}

/** What happens elsewhere and matters here. */
function hooks(w: Writeback): void {
  const { k, st } = w;
  const ops = diskFsOps(w);
  k.state.static("aops.writeback", ops.aOps);
  k.state.static("iops.writeback", ops.iops);
  k.state.static("fops.writeback", ops.fops);
  k.state.static("sops.writeback", ops.sops);
  k.hooks.fileOpened.tap(300, "writeback", (f) => {
    if (f.inode.mapping !== null) {
      f.wbErr = errseqSample(f.inode.mapping.wbErr);
      if (f.inode.sb.bdi instanceof DiskFs) f.inode.mapping.contents = CONTENTS[w.o.contents];
    }
    f.sbErr = errseqSample(f.inode.sb.wbErr);
  });
  k.hooks.exit.tap(300, "writeback", (t) => {
    const own = w.throttleOf(t);
    st.dirtyThrottleLeaks[k.currentCpu] += own.nrDirtied;
    own.nrDirtied = 0;
  });
  k.hooks.cpuOnline.tap(300, "writeback", () => setRatelimit(w));
  k.hooks.cpuDead.tap(300, "writeback", () => setRatelimit(w));
  k.hooks.rmdirCgroup.tap(300, "writeback", (cgroup) => groupRemoved(w, cgroup));
  k.vfs.diskMounted = (sb, disk, data) => {
    if (sb.mounts.size > 0) return;
    const dev = st.devices.get(disk.name) ?? w.makeDevice(disk, {});
    let fs = diskFs(sb);
    if (fs === null) {
      fs = new DiskFs(sb, dev, st.wbs.find((x) => x.dev === dev && x.css === null) as Wb);
      sb.bdi = fs;
      mkfs(w, fs);
    }
    configure(w, fs, data);
    const mem = memFs(sb);
    mem.aOps = ops.aOps;
    mem.iops = ops.iops;
    mem.fops = ops.fops;
    sb.ops = ops.sops;
    if (sb.type.name.startsWith("ext")) sb.maxBytes = EXT4_MAX;
  };
}

function makeApi(w: Writeback, registered: (dev: BlockDevice) => void): WritebackApi {
  const { k, st } = w;
  w.makeDevice = (disk: Disk, m: DeviceModel): BlockDevice => {
    const bdi = new BackingDevInfo(`${Math.floor(disk.dev / 256)}:${disk.dev % 256}`);
    const dev = new BlockDevice(disk.name, bdi, m, w.o.contents !== "none");
    bdi.stableRequired = dev.stableWrites || m.stable === "required" || m.stable === "optional";
    for (const leg of m.raid1 ?? m.raid5 ?? []) dev.legs.push(api.device(leg));
    st.devices.set(disk.name, dev);
    const wb = new Wb(dev, null, `flush-${bdi.name}`);
    wb.bwTimeStamp = k.time.ticks;
    st.wbs.push(wb);
    registered(dev);
    return dev;
  };
  const fsOn = (dev: BlockDevice): DiskFs | null => {
    const sb = k.vfs.disks.get(dev.name)?.sb ?? null;
    return sb === null ? null : diskFs(sb);
  };
  const api: WritebackApi = {
    addDevice(name, model = {}) {
      checkModel(model);
      for (const leg of model.raid1 ?? model.raid5 ?? []) api.device(leg);
      return w.makeDevice(
        k.vfs.addDisk({ name, type: "", ...(model.size !== undefined && { size: model.size }) }),
        model,
      );
    },
    device(name) {
      const d = st.devices.get(name);
      if (d === undefined) throw new RangeError(`writeback: no device '${name}'`);
      return d;
    },
    bandwidth: (name) => (st.wbs.find((x) => x.dev === api.device(name)) as Wb).avgWriteBandwidth,
    globalDirtyLimits: () => globalDirtyLimits(w),
    journalCommit(sb) {
      const fs = diskFs(sb);
      for (const wi of fs === null ? [] : [...fs.journal.running.inodes]) writeOrdered(w, wi);
    },
    pageFlags(inode, index) {
      const fl = k.mm.frames.flags[inode.mapping?.lookup(index) ?? 0];
      return { PG_stable: (fl & PG_STABLE) !== 0, PG_writeback: (fl & PG_WRITEBACK) !== 0 };
    },
    deviceRead(inode, index) {
      const fs = diskFs(inode.sb);
      if (fs === null) return undefined;
      const { map } = wbInodeOf(w, inode);
      const state = map.state(index);
      return state === BLOCK_NONE || state === BLOCK_DELAYED ? undefined : fs.dev.read(map.block(index));
    },
    mismatches: (name) => mismatches(api.device(name)),
    powerLoss: (name) => w.block.powerLoss(api.device(name)),
    recover: (name) => recoveredFiles(fsOn(api.device(name))),
    fitrim: (sb, start, length, minLength) => fitrim(diskFs(sb), start, length, minLength),
  };
  return api;
}

function calls(w: Writeback): object {
  const { k } = w;
  const all = (): DiskFs[] => [...k.vfs.superBlocks].map((sb) => sb.bdi).filter((b) => b instanceof DiskFs);
  return {
    sync_file_range: (c: Ctx, fd: number, offset: Offset, nbytes: Offset, flags: number) =>
      syncFileRange(w, c, int(fd, "fd"), offset, nbytes, int(flags, "flags")),
    sync(c: Ctx) {
      const f = c.part("sync", () => ({ at: 0, fs: all() }));
      for (; f.at < f.fs.length; f.at++) if (syncFilesystem(w, c, f.fs[f.at], `sync${f.at}`) === WAIT) return WAIT;
      laptopSyncCompletion(w);
      return 0;
    },
    syncfs(c: Ctx, fd: number) {
      const file = k.vfs.fget(c.task, int(fd, "fd"));
      const fs = diskFs(file.inode.sb);
      if (fs instanceof DiskFs && syncFilesystem(w, c, fs, "syncfs") === WAIT) return WAIT;
      const e = advanceErr(w, file, true);
      return e !== 0 ? fail(-e) : 0;
    },
  };
}

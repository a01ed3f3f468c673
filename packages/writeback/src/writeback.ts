/**
 * writeback: the package as a feature.
 *
 *     const kernel = createKernel({ machine: { memory: "1G" } }).use(writeback()).boot();
 *     kernel.writeback.addDevice("sda", { writeBps: 20e6 });
 *     sys.mount("/dev/sda", "/mnt", "ext4", 0);
 */
import {
  type AddressSpace,
  BTRFS_SUPER_MAGIC,
  type Core,
  type Ctx,
  type Disk,
  diskType,
  EINVAL,
  ESPIPE,
  type Feature,
  fail,
  type Inode,
  int,
  MS_RDONLY,
  memFs,
  type OpenFile,
  type PageData,
  PG_STABLE,
  PG_WRITEBACK,
  type Ret,
  S_IFBLK,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
  type SuperBlock,
  type SysBase,
  TAG_DIRTY,
  TAG_WRITEBACK,
  TASK_UNINTERRUPTIBLE,
  WAIT,
  type Wait,
} from "@kernelkit/core";
import { BackingDevInfo, BdiList, installBdiFiles } from "./bdi.js";
import type { DirtyLimits } from "./control/dirtyLimits.js";
import { fpropClasses } from "./control/fprop.js";
import { BlockDevice, type DeviceModel } from "./device/blockDevice.js";
import { diskFsOps } from "./diskFs.js";
import { errseqSample } from "./errseq.js";
import { installKnobs, Knobs } from "./knobs.js";
import { resolveOptions, type WritebackOptions } from "./options.js";
import { Writeback } from "./system.js";
import { TaskThrottle, Wb, WbDomain, WbInode, WbWork } from "./wbState.js";

/** A 64-bit offset: beyond 2^53 a bigint, or a double that is rounded. */
type Offset = number | bigint;

export interface WritebackSys extends SysBase {
  /**
   * Write a part of a file's data, without metadata. `flags`: WAIT_BEFORE 1, WRITE 2, WAIT_AFTER 4. EBADF; EINVAL flags, negative or
   * overflowing range; ESPIPE no file with data; then the error that this description has not seen. sync_file_range(2).
   */
  sync_file_range(fd: number, offset: Offset, nbytes: Offset, flags: number): Ret<this["mode"], number>;
}

/** What `kernel.writeback` offers. */
export interface WritebackApi {
  /** A block device, found by mount(2) as /dev/NAME, with its backing device in /sys/class/bdi. */
  addDevice(name: string, model?: DeviceModel): BlockDevice;
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
}

/** Longest file of ext4 with blocks of 4 KiB. */
const EXT4_MAX = 2 ** 44 - 4096;

/** The feature. TypeError or RangeError for a bad option, naming it. */
export function writeback(options: WritebackOptions = {}): Feature<"writeback", WritebackApi, WritebackSys> {
  const o = resolveOptions(options);
  return {
    name: "writeback",
    install(k: Core) {
      k.state.class(Knobs, BackingDevInfo, BdiList, Wb, WbInode, WbWork, WbDomain, TaskThrottle, ...fpropClasses);
      const st = {
        knobs: new Knobs(),
        bdis: new BdiList(),
        domain: new WbDomain(),
        wbs: [] as Wb[],
        devices: new Map<string, BlockDevice>(),
      };
      k.state.root("writeback", st);
      const inodeSlot = k.vfs.inodeSlots.add("writeback", () => null);
      const taskSlot = k.slots.task.add("writeback", () => new TaskThrottle());
      const w = new Writeback(k, st.knobs, st.bdis, st.domain, st, o.stablePages, inodeSlot, taskSlot);
      const limits = (): DirtyLimits => w.limits(false);
      const wbOf = (sb: SuperBlock): Wb | null => (sb.bdi as { wb: Wb } | null)?.wb ?? null;
      const ops = diskFsOps(w, (inode) => {
        const slots = inode.slots as unknown[];
        let wi = slots[inodeSlot] as WbInode | null;
        if (wi === null) slots[inodeSlot] = wi = new WbInode(inode, wbOf(inode.sb) as Wb);
        return wi;
      });
      k.state.static("aops.writeback", ops.aOps);
      k.state.static("iops.writeback", ops.iops);
      k.state.static("fops.writeback", ops.fops);
      k.state.static("sops.writeback", ops.sops);
      k.vfs.registerFilesystem(
        diskType("compressfs", {
          magic: BTRFS_SUPER_MAGIC,
          dirSize: 0,
          fastLink: 4096,
          rootIno: 256,
          firstIno: 257,
        }),
      );
      installKnobs(
        k,
        st.knobs,
        () => {},
        () => w.wakeFlushers(),
      );
      const register = installBdiFiles(k, st.bdis, () => limits().thresh, o.stablePages);
      const queueFiles = k.sysfs.group("block.queue", {
        stable_writes: {
          mode: 0o644,
          show: (_c, d: BlockDevice) => `${d.stableWrites ? 1 : 0}\n`,
          store(_c, d, text) {
            if (!/^\d+\n?$/.test(text)) return fail(EINVAL);
            d.stableWrites = Number(text) !== 0;
            return undefined;
          },
        },
      });
      k.mm.provide("nr_dirty_threshold", () => limits().thresh);
      k.mm.provide("nr_dirty_background_threshold", () => limits().bgThresh);

      const makeDevice = (disk: Disk, m: DeviceModel): BlockDevice => {
        const bdi = new BackingDevInfo(`${Math.floor(disk.dev / 256)}:${disk.dev % 256}`);
        const crc = m.integrity === "crc";
        const flag = m.stableWrites === true || crc;
        bdi.stableRequired = flag || m.stable === "required" || m.stable === "optional";
        const dev = new BlockDevice(
          disk.name,
          bdi,
          m.writeBps === 0 ? 0 : (m.writeBps ?? Number.POSITIVE_INFINITY),
          crc,
          m.writeError ?? 0,
          m.stable === "optional",
          m.raid1 !== undefined,
          flag,
        );
        for (const leg of m.raid1 ?? []) dev.legs.push(api.device(leg));
        st.devices.set(disk.name, dev);
        st.wbs.push(new Wb(dev));
        register(bdi);
        k.sysfs.dir(`block/${disk.name}/queue`, { group: queueFiles, owner: dev });
        return dev;
      };

      k.vfs.diskMounted = (sb, disk, data) => {
        if (sb.mounts.size > 0) return;
        const dev = st.devices.get(disk.name) ?? makeDevice(disk, {});
        // with data=journal a page stays as it is until the journal has it
        const stable = dev.stableWrites || sb.type.name === "compressfs" || /(^|,)data=journal(,|$)/.test(data);
        const ordered = sb.type.name === "ext3" && !/(^|,)data=(journal|writeback)/.test(data);
        sb.bdi = { stable, ordered, wb: st.wbs.find((x) => x.dev === dev) };
        const fs = memFs(sb);
        fs.aOps = ops.aOps;
        fs.iops = ops.iops;
        fs.fops = ops.fops;
        sb.ops = ops.sops;
        if (sb.type.name.startsWith("ext")) sb.maxBytes = EXT4_MAX;
        if (
          ordered &&
          o.ext3 === "refuse-rw" &&
          o.stablePages !== "pg-stable" &&
          dev.bdi.stableRequired &&
          !dev.optional
        )
          sb.flags |= MS_RDONLY;
      };
      k.hooks.fileOpened.tap(300, "writeback", (f) => {
        if (f.inode.mapping !== null) f.wbErr = errseqSample(f.inode.mapping.wbErr);
        f.sbErr = errseqSample(f.inode.sb.wbErr);
      });

      const api: WritebackApi = {
        addDevice: (name, model = {}) => makeDevice(k.vfs.addDisk({ name, type: "" }), model),
        device(name) {
          const d = st.devices.get(name);
          if (d === undefined) throw new RangeError(`writeback: no device '${name}'`);
          return d;
        },
        bandwidth(name) {
          const dev = api.device(name);
          return (st.wbs.find((x) => x.dev === dev) as Wb).avgWriteBandwidth;
        },
        globalDirtyLimits: limits,
        journalCommit(sb) {
          for (const wi of [...(wbOf(sb)?.dirty ?? [])])
            if (wi.inode.sb === sb)
              w.writePages(wi, TAG_DIRTY, 0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, true);
        },
        pageFlags(inode, index) {
          const pfn = (inode.mapping as AddressSpace).lookup(index);
          const fl = k.mm.frames.flags[pfn];
          return { PG_stable: (fl & PG_STABLE) !== 0, PG_writeback: (fl & PG_WRITEBACK) !== 0 };
        },
        deviceRead: (inode, index) => wbOf(inode.sb)?.dev.read(inode.ino, index),
      };

      return {
        api,
        sys: {
          sync_file_range: (c: Ctx, fd: number, offset: Offset, nbytes: Offset, flags: number) =>
            syncFileRange(w, c, int(fd, "fd"), offset, nbytes, flags),
          sync(c: Ctx) {
            const f = c.part("sync", () => ({ at: 0 }));
            for (; f.at < st.wbs.length; f.at++) if (w.syncWb(c, st.wbs[f.at], `sync${f.at}`) === WAIT) return WAIT;
            return 0;
          },
          syncfs(c: Ctx, fd: number) {
            const file = k.vfs.fget(c.task, int(fd, "fd"));
            const wb = wbOf(file.inode.sb);
            if (wb !== null && w.syncWb(c, wb, "syncfs") === WAIT) return WAIT;
            const e = w.advanceErr(file.inode.sb, file, true);
            return e !== 0 ? fail(-e) : 0;
          },
        } as never,
      };
    },
  };
}

const KINDS: readonly number[] = [S_IFREG, S_IFBLK, S_IFDIR, S_IFLNK];
const MAX = 0x7fffffffffffffffn;

function exact(v: Offset): bigint {
  if (typeof v === "number" && v >= 2 ** 63) return MAX;
  return BigInt(v);
}

function syncFileRange(w: Writeback, c: Ctx, fd: number, off: Offset, n: Offset, flags: number): number | Wait {
  const file: OpenFile = c.k.vfs.fget(c.task, fd);
  if ((flags & ~7) !== 0) return fail(EINVAL);
  const offset = exact(off);
  const length = exact(n);
  if (offset < 0n || length < 0n || offset + length > MAX) return fail(EINVAL);
  const { inode } = file;
  if (!KINDS.includes(inode.type)) return fail(ESPIPE);
  const wi = w.of(inode);
  const m = inode.mapping;
  if (m === null || flags === 0) return 0;
  const from = Math.floor(Number(offset) / 4096);
  const to = length === 0n ? Number.POSITIVE_INFINITY : Math.floor((Number(offset + length) - 1) / 4096);
  const f = c.part("syncFileRange", () => ({ stage: 0 }));
  if (wi !== null) {
    const wait = (): Wait => c.sleep(wi.wb.dev.wait, undefined, TASK_UNINTERRUPTIBLE);
    const busy = (): boolean => m.nextTagged(TAG_WRITEBACK, from, to) >= 0;
    if (f.stage === 0) {
      if ((flags & 1) !== 0 && busy()) return wait();
      f.stage = 1;
    }
    if (f.stage === 1) {
      if ((flags & 2) !== 0) w.writePages(wi, TAG_DIRTY, from, to, Number.POSITIVE_INFINITY);
      f.stage = 2;
    }
    if ((flags & 4) !== 0 && busy()) return wait();
  }
  if ((flags & 5) === 0) return 0;
  const e = w.advanceErr(m, file, false);
  return e !== 0 ? fail(-e) : 0;
}

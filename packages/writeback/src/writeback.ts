/**
 * writeback: the package as a feature.
 *
 *     const kernel = createKernel({ machine: { memory: "1G" } }).use(writeback()).boot();
 *     kernel.writeback.addDisk({ name: "sda", type: "ext4" });
 */
import {
  type Core,
  type Disk,
  type DiskOptions,
  type Feature,
  NR_FREE_PAGES,
  NR_LRU_BASE,
  type SysBase,
} from "@kernelkit/core";
import { BackingDevInfo, BdiList, installBdiFiles } from "./bdi.js";
import { type DirtyLimits, domainDirtyLimits } from "./control/dirtyLimits.js";
import { installKnobs, Knobs } from "./knobs.js";

/** Options of writeback(). There are none yet. */
export type WritebackOptions = Readonly<Record<never, never>>;

/** What `kernel.writeback` offers. */
export interface WritebackApi {
  /** A disk for mount(2) with its backing device (/sys/class/bdi). TypeError, RangeError for wrong options. */
  addDisk(o: DiskOptions): Disk;
  /** The machine's dirty thresholds now, pages. global_dirty_limits(). */
  globalDirtyLimits(): DirtyLimits;
}

/** The feature. TypeError for an unknown option, naming it. */
export function writeback(options: WritebackOptions = {}): Feature<"writeback", WritebackApi, SysBase> {
  for (const key of Object.keys(options)) throw new TypeError(`writeback: unknown option '${key}'; there are none`);
  return {
    name: "writeback",
    install(k: Core) {
      k.state.class(Knobs, BackingDevInfo, BdiList);
      const knobs = new Knobs();
      const bdis = new BdiList();
      k.state.root("writeback", { knobs, bdis });
      const limits = (): DirtyLimits => globalDirtyLimits(k, knobs);
      installKnobs(
        k,
        knobs,
        () => {},
        () => {},
      );
      const register = installBdiFiles(k, bdis, () => limits().thresh);
      k.mm.provide("nr_dirty_threshold", () => limits().thresh);
      k.mm.provide("nr_dirty_background_threshold", () => limits().bgThresh);
      return {
        api: {
          addDisk(o) {
            const disk = k.vfs.addDisk(o);
            register(new BackingDevInfo(`${Math.floor(disk.dev / 256)}:${disk.dev % 256}`));
            return disk;
          },
          globalDirtyLimits: limits,
        },
      };
    },
  };
}

/** Pages that could be dirtied, and the thresholds that follow. */
function globalDirtyLimits(k: Core, s: Knobs): DirtyLimits {
  const m = k.mm;
  const free = m.read(NR_FREE_PAGES);
  const avail = free - Math.min(free, m.totalReserve) + m.read(NR_LRU_BASE + 2) + m.read(NR_LRU_BASE + 3) + 1;
  return domainDirtyLimits({
    dirtyRatio: s.dirtyRatio,
    dirtyBackgroundRatio: s.dirtyBackgroundRatio,
    dirtyBytes: Number(s.dirtyBytes),
    dirtyBackgroundBytes: Number(s.dirtyBackgroundBytes),
    avail,
    rt: false,
    dirtyLimit: 0,
  });
}

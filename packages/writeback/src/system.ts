/**
 * What all of writeback works on in one kernel: its settings, devices, domains, and where it keeps things. How things are done is in
 * `cache/` (a page's life), `flush/` (flusher threads), `throttle/` (limits and the writers' pauses), `fs/`, `device/`, `cgroup/`.
 */
import type { Core, Disk, Inode, SuperBlock, Task } from "@kernelkit/core";
import type { BdiList } from "./bdi.js";
import type { BlockDevice } from "./device/blockDevice.js";
import type { BlockLayer } from "./device/blockLayer.js";
import type { DeviceModel } from "./device/model.js";
import { TaskThrottle, type Wb, WbDomain } from "./flush/wb.js";
import type { DiskFs } from "./fs/diskFs.js";
import type { WbInode } from "./fs/wbInode.js";
import type { Knobs } from "./knobs.js";
import type { WritebackOptions } from "./options.js";
import { defineTrace, type WbTrace } from "./trace.js";

/** State of the package. */
export class WbState {
  readonly devices: Map<string, BlockDevice> = new Map();
  /** All there are: of a device the root's first. */
  readonly wbs: Wb[] = [];
  readonly domain: WbDomain = new WbDomain();
  /** Domains of control groups, by the id of their css. */
  readonly memcgDomains: Map<number, WbDomain> = new Map();
  /** A CPU's tasks dirtied pages since one of them looked at the limits; what tasks that ended left unpaid. */
  readonly bdpRatelimits: Int32Array;
  readonly dirtyThrottleLeaks: Int32Array;
  /** So many make one of them look. */
  ratelimitPages = 32;
  constructor(
    readonly knobs: Knobs,
    readonly bdis: BdiList,
    cpus: number,
  ) {
    this.bdpRatelimits = new Int32Array(cpus);
    this.dirtyThrottleLeaks = new Int32Array(cpus);
  }
}

export class Writeback {
  readonly trace: WbTrace;
  block!: BlockLayer;
  readonly nrDirtied: number;
  readonly nrWritten: number;
  /** Works: a flusher's turn, a look at a device's bandwidth, a journal's commit; a timer. */
  flushWork = -1;
  bandwidthWork = -1;
  commitWork = -1;
  laptopTimer = -1;
  pauseTimer = -1;
  /** Makes a device's state and files. */
  makeDevice!: (disk: Disk, m: DeviceModel) => BlockDevice;
  readonly inodeSlot: number;
  readonly taskSlot: number;

  constructor(
    readonly k: Core,
    readonly st: WbState,
    readonly o: Required<WritebackOptions>,
  ) {
    this.trace = defineTrace(k);
    this.nrDirtied = k.mm.stat("nr_dirtied");
    this.nrWritten = k.mm.stat("nr_written");
    this.inodeSlot = k.vfs.inodeSlots.add("writeback", () => null);
    this.taskSlot = k.slots.task.add("writeback", () => new TaskThrottle());
  }

  of(inode: Inode): WbInode | null {
    return (inode.slots?.[this.inodeSlot] ?? null) as WbInode | null;
  }
  throttleOf(t: Task): TaskThrottle {
    return t.slots[this.taskSlot] as TaskThrottle;
  }
}

/** The file system layer's part of a superblock; null: not on a device of ours. */
export function diskFs(sb: SuperBlock): DiskFs | null {
  return sb.bdi as DiskFs | null;
}

/** State of writeback: of a device (bdi_writeback), of an inode, of a task, of the machine's domain. */
import type { Inode } from "@kernelkit/core";
import { WaitQueue } from "@kernelkit/core";
import { INIT_BW } from "./control/constants.js";
import { FpropGlobal, FpropLocal } from "./control/fprop.js";
import type { Bio, BlockDevice } from "./device/blockDevice.js";
import type { WorkLine } from "./trace.js";

export const I_DIRTY_SYNC = 1;
export const I_DIRTY_DATASYNC = 2;
export const I_DIRTY_PAGES = 4;

/** What a flusher is asked to do. wb_writeback_work. */
export class WbWork implements WorkLine {
  written = 0;
  done = false;
  constructor(
    /** LONG_MAX: without bound. */
    readonly nrPages: number,
    /** 0 WB_SYNC_NONE, 1 WB_SYNC_ALL */
    readonly syncMode: number,
    readonly reason: string,
    readonly kupdate = false,
    readonly background = false,
  ) {}
  get cyclic(): boolean {
    return this.kupdate || this.background;
  }
}

/** One device's writeback. */
export class Wb {
  /** Dirty inodes, oldest first. */
  readonly dirty: WbInode[] = [];
  readonly works: WbWork[] = [];
  readonly workDone: WaitQueue = new WaitQueue("wb work");
  /** Pages. */
  reclaimable = 0;
  writeback = 0;
  dirtied = 0;
  written = 0;
  /** Pages/s. */
  writeBandwidth: number = INIT_BW;
  avgWriteBandwidth: number = INIT_BW;
  dirtyRatelimit: number = INIT_BW;
  balancedDirtyRatelimit: number = INIT_BW;
  /** Ticks, and counters at that time. */
  bwTimeStamp = 0;
  dirtiedStamp = 0;
  writtenStamp = 0;
  dirtyExceeded = false;
  lastOldFlush = 0;
  /** The periodic look is armed. */
  armed = false;
  readonly completions: FpropLocal = new FpropLocal();
  constructor(readonly dev: BlockDevice) {}
}

/** A file's writeback and blocks. */
export class WbInode {
  /** I_DIRTY_ bits. */
  state = 0;
  /** Ticks. */
  dirtiedWhen = 0;
  listed = false;
  /** Requests under way. */
  readonly bios: Bio[] = [];
  /** Blocks by page: BLOCK_UNWRITTEN, _WRITTEN, _DELAYED (reserved, to be allocated when it is written). */
  readonly blocks: Map<number, number> = new Map();
  constructor(
    readonly inode: Inode,
    readonly wb: Wb,
  ) {}
}

export const BLOCK_UNWRITTEN = 0;
export const BLOCK_WRITTEN = 1;
export const BLOCK_DELAYED = 2;

/** A task's account with the control loop. */
export class TaskThrottle {
  nrDirtied = 0;
  nrDirtiedPause = 32;
  /** Ticks; 0: never. */
  dirtyPausedWhen = 0;
}

/** The machine's dirty domain. */
export class WbDomain {
  dirtyLimit = 0;
  dirtyLimitTstamp = 0;
  readonly completions: FpropGlobal = new FpropGlobal();
  periodTicks = 0;
}

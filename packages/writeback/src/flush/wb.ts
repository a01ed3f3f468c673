/** State of writeback: of a device or of one control group on it (bdi_writeback), of a task, of a domain of limits. */
import { type Css, WaitQueue } from "@kernelkit/core";
import { INIT_BW } from "../control/constants.js";
import { FpropGlobal, FpropLocal } from "../control/fprop.js";
import type { BlockDevice } from "../device/blockDevice.js";
import type { WbInode } from "../fs/wbInode.js";
import type { WorkLine } from "../trace.js";
import { IoList } from "./ioList.js";

/** What a flusher is asked to do. wb_writeback_work. */
export class WbWork implements WorkLine {
  /** Pages started so far. */
  written = 0;
  done = false;
  /** In wb_writeback(): the pass has begun; when (ns), pages of this pass, inode being written and what it may still write. */
  passing = false;
  sliceStartNs = 0;
  progress = 0;
  current: InodePass | null = null;
  /** Wait for the inode at the tail of b_more_io. */
  waitFor: WbInode | null = null;
  /** It goes on where the last one stopped. */
  cyclic: boolean;
  constructor(
    /** LONG_MAX: without bound. */
    readonly nrPages: number,
    /** 0 WB_SYNC_NONE, 1 WB_SYNC_ALL */
    readonly syncMode: number,
    readonly reason: string,
    readonly kupdate = false,
    readonly background = false,
    /** sync(2): pages that are dirty now, all of them. */
    readonly tagged = false,
  ) {
    this.cyclic = kupdate || background;
  }
}

/** One inode's turn. */
export class InodePass {
  wrote = 0;
  constructor(
    readonly wi: WbInode,
    /** Most pages. */
    readonly nrToWrite: number,
    /** Where it goes on. */
    public at: number,
    readonly state: number,
  ) {}
}

/** Writeback of one device, or of one control group on it. bdi_writeback. */
export class Wb {
  /** The newest first. */
  readonly dirty: IoList = new IoList();
  readonly io: IoList = new IoList();
  readonly moreIo: IoList = new IoList();
  readonly dirtyTime: IoList = new IoList();
  readonly works: WbWork[] = [];
  readonly workDone: WaitQueue = new WaitQueue("wb work");
  /** Its flusher is at work; a start without bound was asked for, with its reason. */
  running = false;
  startAll = "";
  /** Pages. WB_RECLAIMABLE, WB_WRITEBACK, WB_DIRTIED, WB_WRITTEN. */
  reclaimable = 0;
  writeback = 0;
  dirtied = 0;
  written = 0;
  /** Inodes with pages under writeback. */
  writebackInodes = 0;
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
  /** Timer of the next periodic look, -1: none. */
  dwork = -1;
  /** A look at the bandwidth is due after the last inode's writeback has ended. */
  bwArmed = false;
  /** Share of the completions of the machine, and of its control group's domain. */
  readonly completions: FpropLocal = new FpropLocal();
  readonly memcgCompletions: FpropLocal = new FpropLocal();
  constructor(
    readonly dev: BlockDevice,
    /** Its control group; null: the root's. */
    readonly css: Css | null,
    /** Name of its queue of works. */
    readonly queue: string,
  ) {}

  /** WB_has_dirty_io */
  get hasDirtyIo(): boolean {
    return !(this.dirty.empty && this.io.empty && this.moreIo.empty);
  }
  /** Inode number of the group's directory; 1 is the root's. */
  get cgroupIno(): number {
    return this.css === null ? 1 : this.css.cgroup.id;
  }
}

/** A task's account with the control loop. */
export class TaskThrottle {
  nrDirtied = 0;
  nrDirtiedPause = 32;
  /** Ticks; 0: never. */
  dirtyPausedWhen = 0;
}

/** A domain of dirty limits: the machine's, or a control group's. wb_domain. */
export class WbDomain {
  /** Follows the threshold: up at once, down slowly. */
  dirtyLimit = 0;
  dirtyLimitTstamp = 0;
  readonly completions: FpropGlobal = new FpropGlobal();
  /** Tick at which the current period began; -1: nothing is left to age. */
  periodTicks = -1;
}

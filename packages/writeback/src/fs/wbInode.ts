/** What writeback keeps of a file: its dirtiness, its place on a list of its device, its blocks, its requests under way. */
import type { Css, Inode } from "@kernelkit/core";
import type { Bio } from "../device/bio.js";
import type { IoList } from "../flush/ioList.js";
import type { Wb } from "../flush/wb.js";
import { BlockMap } from "./blockMap.js";

export const I_DIRTY_SYNC = 1;
export const I_DIRTY_DATASYNC = 2;
export const I_DIRTY_PAGES = 4;
export const I_DIRTY: number = I_DIRTY_SYNC | I_DIRTY_DATASYNC | I_DIRTY_PAGES;
/** Being written by a flusher. */
export const I_SYNC = 0x80;
/** Only times are dirty (lazytime). */
export const I_DIRTY_TIME = 0x800;
/** On b_io: the lists are left as they are. */
export const I_SYNC_QUEUED: number = 1 << 17;

/** Who dirties a file's pages, as control groups share it. inode->i_wb_frn_*. */
export class ForeignHistory {
  /** The group in the lead by majority vote, by the id of its css. */
  winner = 0;
  /** Average time of its rounds, and one bit per recent round: foreign or not. */
  avgTime = 0;
  history = 0;
  /** Pages of the turn under way: of the inode's group, of the last winner, and the candidate of this turn with its votes. */
  own = 0;
  last = 0;
  lastCss: Css | null = null;
  candidate: Css | null = null;
  votes = 0;
}

export class WbInode {
  /** I_DIRTY_ bits and I_SYNC. */
  state = 0;
  /** Ticks. */
  dirtiedWhen = 0;
  dirtiedTimeWhen = 0;
  /** Its place: b_dirty, b_io, b_more_io, b_dirty_time, or none. */
  list: IoList | null = null;
  prev: WbInode | null = null;
  next: WbInode | null = null;
  /** Requests under way, in order of submission. */
  readonly bios: Bio[] = [];
  readonly map: BlockMap = new BlockMap();
  /** Size that the journal knows: the end of what was written. i_disksize. */
  diskSize = 0;
  /** Commit that has its last change, and its last change of data (size, blocks); 0: nothing to wait for. */
  syncTid = 0;
  datasyncTid = 0;
  frn: ForeignHistory | null = null;
  constructor(
    readonly inode: Inode,
    public wb: Wb,
  ) {}
}

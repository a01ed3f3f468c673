/**
 * A file system on a block device, as far as writeback needs one: what kind it is, its blocks, its journal. ext2(5), ext4(5), xfs(5).
 *
 * With delayed allocation a page gets its block when it is written, and until the write has succeeded the block counts as not valid;
 * without, it gets a valid block when it is dirtied.
 */
import { type Inode, MS_RDONLY, memFs, type SuperBlock } from "@kernelkit/core";
import type { Bio } from "../device/bio.js";
import type { BlockDevice } from "../device/blockDevice.js";
import type { Wb } from "../flush/wb.js";
import type { Writeback } from "../system.js";
import { BlockAllocator } from "./allocator.js";
import { BLOCK_DELAYED, BLOCK_NONE, BLOCK_UNWRITTEN, BLOCK_WRITTEN } from "./blockMap.js";
import { Journal, journalFreed, journalMapped } from "./journal.js";
import { setRun } from "./mapRun.js";
import { WbInode } from "./wbInode.js";

/** What sets file systems apart. */
interface Kind {
  /** Blocks are given at writeback. */
  delalloc: boolean;
  /** Most pages that end their writeback together, where they get new blocks. */
  ioEndPages: number;
  /** Each group of a memory controller has its own writeback. SB_I_CGROUPWB. */
  cgroupWb: boolean;
}

const KINDS: Readonly<Record<string, Kind>> = {
  ext2: { delalloc: false, ioEndPages: 1, cgroupWb: true },
  ext3: { delalloc: false, ioEndPages: 1, cgroupWb: true },
  ext4: { delalloc: true, ioEndPages: 2048, cgroupWb: true },
  xfs: { delalloc: true, ioEndPages: 4096, cgroupWb: true },
  btrfs: { delalloc: true, ioEndPages: 320, cgroupWb: true },
  vfat: { delalloc: false, ioEndPages: 1, cgroupWb: false },
  compressfs: { delalloc: true, ioEndPages: 320, cgroupWb: false },
};

export class DiskFs {
  readonly delalloc: boolean;
  readonly ioEndPages: number;
  readonly cgroupWb: boolean;
  readonly compress: boolean;
  readonly alloc: BlockAllocator;
  readonly journal: Journal;
  /** Requests of data under way, in order of submission; number of the last. */
  readonly inFlight: Set<Bio> = new Set();
  lastSerial = 0;
  /** Blocks whose compressed contents are broken. */
  readonly undecodable: Set<number> = new Set();
  /** Its files' pages must not change while they are written: sampled when it was mounted. */
  stable = false;
  /** data=ordered of ext3: a commit writes data before. */
  ordered = false;
  /** Freed blocks are given back to the device. */
  discard = false;

  constructor(
    readonly sb: SuperBlock,
    readonly dev: BlockDevice,
    /** Of the root's control group. */
    readonly wb: Wb,
  ) {
    const kind = KINDS[sb.type.name] ?? KINDS.ext4;
    this.delalloc = kind.delalloc;
    this.ioEndPages = kind.ioEndPages;
    this.cgroupWb = kind.cgroupWb;
    this.compress = sb.type.name === "compressfs";
    const { maxBlocks } = memFs(sb);
    this.alloc = new BlockAllocator(maxBlocks);
    this.journal = new Journal(dev, maxBlocks);
  }

  /** A request of data is sent off. */
  started(bio: Bio): void {
    bio.serial = ++this.lastSerial;
    this.inFlight.add(bio);
  }
  /** Number of the oldest request of data under way; Infinity: none is. */
  oldestSerial(): number {
    for (const b of this.inFlight) return b.serial;
    return Number.POSITIVE_INFINITY;
  }
}

/** Options of a mount that decide on stable pages, journal and discards. Only the first mount of a file system counts. */
export function configure(w: Writeback, fs: DiskFs, data: string): void {
  const { sb, dev } = fs;
  const has = (option: string): boolean => new RegExp(`(^|,)${option}(,|$)`).test(data);
  // with data=journal a page stays as it is until the journal has it; a compressing file system reads pages twice
  const needs = fs.compress || has("data=journal");
  fs.stable = dev.stableWrites || needs;
  if (needs) dev.bdi.stableRequired = true;
  fs.ordered = sb.type.name === "ext3" && !has("data=journal") && !has("data=writeback");
  fs.discard = has("discard") && dev.discard;
  const refuse = w.o.ext3 === "refuse-rw" && w.o.stablePages !== "pg-stable";
  if (fs.ordered && refuse && dev.bdi.stableRequired && !dev.optional) sb.flags |= MS_RDONLY;
}

/** Writeback's state of a file, made when it is first needed. */
export function wbInodeOf(w: Writeback, inode: Inode): WbInode {
  const slots = inode.slots as unknown[];
  let wi = slots[w.inodeSlot] as WbInode | null;
  if (wi === null) slots[w.inodeSlot] = wi = new WbInode(inode, (inode.sb.bdi as DiskFs).wb);
  return wi;
}

/** Give a page that has nothing what a write (`kind` delayed) or a preallocation needs. False: the disk is full. */
export function reserveBlock(fs: DiskFs, wi: WbInode, index: number, kind: number): boolean {
  if (wi.map.state(index) !== BLOCK_NONE) return true;
  const use = memFs(fs.sb);
  if (use.usedBlocks >= use.maxBlocks) return false;
  use.usedBlocks++;
  if (kind === BLOCK_DELAYED && fs.delalloc) wi.map.set(index, BLOCK_DELAYED);
  else {
    const block = allocBlock(fs, wi, index);
    const state = kind === BLOCK_DELAYED ? BLOCK_WRITTEN : kind;
    wi.map.set(index, state, block);
    journalMapped(fs, wi, index, block, state);
  }
  return true;
}

/** The block of a dirty page that is to be written, given now if it has none. */
export function blockForWriting(fs: DiskFs, wi: WbInode, index: number): number {
  const state = wi.map.state(index);
  if (state === BLOCK_UNWRITTEN || state === BLOCK_WRITTEN) return wi.map.block(index);
  if (state === BLOCK_NONE) memFs(fs.sb).usedBlocks++;
  const block = allocBlock(fs, wi, index);
  wi.map.set(index, BLOCK_UNWRITTEN, block);
  return block;
}

/** Blocks for n reserved pages from `index` on, as far as they follow each other: how many pages got one. */
export function blocksForWriting(fs: DiskFs, wi: WbInode, index: number, n: number): number {
  const block = allocBlock(fs, wi, index);
  const k = 1 + fs.alloc.allocMore(block, n - 1);
  setRun(wi.map, index, k, BLOCK_UNWRITTEN, block);
  return k;
}

/** Behind the block of the page before if that is free. There is one: it was reserved. */
function allocBlock(fs: DiskFs, wi: WbInode, index: number): number {
  const before = index > 0 ? wi.map.state(index - 1) : BLOCK_NONE;
  const goal = before === BLOCK_UNWRITTEN || before === BLOCK_WRITTEN ? wi.map.block(index - 1) + 1 : -1;
  const block = fs.alloc.alloc(goal);
  if (block >= 0) return block;
  // blocks that no commit has freed yet are all that is left
  fs.journal.releaseFreed(fs.alloc);
  return fs.alloc.alloc(goal);
}

/** Pages first..last have nothing any more. Their blocks are free for others when the next commit has said so. */
export function freeBlocks(fs: DiskFs, wi: WbInode, first: number, last: number): void {
  if (wi.map.count === 0) return;
  for (const i of [...wi.map.used(first, last)]) {
    const state = wi.map.state(i);
    const block = state === BLOCK_DELAYED ? -1 : wi.map.block(i);
    wi.map.clear(i);
    memFs(fs.sb).usedBlocks--;
    if (block >= 0) journalFreed(fs, wi, i, block);
  }
}

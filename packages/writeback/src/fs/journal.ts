/**
 * The journal: changes of metadata are gathered in a transaction and are safe, all together, when it is committed - when somebody
 * asks (fsync, sync), and every five seconds. What a machine finds after a power loss is what the last commit says. ext4(5) "commit=".
 */
import { type Ctx, type Inode, TASK_UNINTERRUPTIBLE, type Wait, WaitQueue } from "@kernelkit/core";
import type { BlockDevice } from "../device/blockDevice.js";
import type { Writeback } from "../system.js";
import type { BlockAllocator } from "./allocator.js";
import { BLOCK_WRITTEN, BlockMap } from "./blockMap.js";
import type { DiskFs } from "./diskFs.js";
import { I_DIRTY_DATASYNC, type WbInode } from "./wbInode.js";

const COMMIT_SECONDS = 5;
/** A file as the last commit left it. */
export class CommittedFile {
  size = 0;
  readonly map: BlockMap = new BlockMap();
}

/** A change of a file's map: pages first..first+n-1 got blocks from `block` on (state), or lost them (state 0). */
interface MapChange {
  ino: number;
  first: number;
  n: number;
  block: number;
  state: number;
}

export class Transaction {
  /** Files with changed metadata. */
  readonly inodes: Set<WbInode> = new Set();
  /** Their sizes when it was closed. */
  readonly sizes: Map<number, number> = new Map();
  readonly changes: MapChange[] = [];
  readonly freed: number[] = [];
  /** Files that are gone. */
  readonly evicted: number[] = [];
  constructor(readonly tid: number) {}
  get empty(): boolean {
    return this.inodes.size === 0 && this.changes.length === 0 && this.evicted.length === 0;
  }
}

export class Journal {
  running: Transaction = new Transaction(1);
  committing: Transaction | null = null;
  committed = 0;
  /** A commit could not be written: nothing is safe any more. */
  aborted = false;
  /** Commits and blocks written. */
  commits = 0;
  blocks = 0;
  readonly wait: WaitQueue = new WaitQueue("jbd2");
  readonly files: Map<number, CommittedFile> = new Map();
  armed = false;
  constructor(
    readonly dev: BlockDevice,
    /** Where it lies. */
    readonly start: number,
  ) {}

  /** Blocks whose freeing no commit has made safe are free nevertheless: the disk is full without them. */
  releaseFreed(alloc: BlockAllocator): void {
    for (const t of [this.committing, this.running]) if (t !== null) for (const b of t.freed.splice(0)) alloc.free(b);
  }
}

/** Metadata of a file changed: it is part of the running transaction. */
export function journalJoin(w: Writeback, wi: WbInode, flags: number): void {
  const fs = wi.inode.sb.bdi as DiskFs;
  const j = fs.journal;
  const { tid } = j.running;
  const data = (flags & I_DIRTY_DATASYNC) !== 0;
  if (wi.syncTid === tid && (!data || wi.datasyncTid === tid)) return;
  wi.syncTid = tid;
  if (data) wi.datasyncTid = tid;
  j.running.inodes.add(wi);
  if (j.armed) return;
  j.armed = true;
  w.k.workqueue.queueDelayed(queueOf(fs), w.commitWork, fs, COMMIT_SECONDS * w.k.time.hz);
}

const queueOf = (fs: DiskFs): string => `jbd2-${fs.dev.name}`;

/** New blocks hold data: the map on the disk follows. */
export function journalConverted(w: Writeback, fs: DiskFs, wi: WbInode, first: number, n: number, block: number): void {
  fs.journal.running.changes.push({ ino: wi.inode.ino, first, n, block, state: BLOCK_WRITTEN });
  journalJoin(w, wi, I_DIRTY_DATASYNC);
}

/** Data up to `end` (bytes) are on the disk: its size of the file follows. */
export function journalGrown(w: Writeback, wi: WbInode, end: number): void {
  const size = Math.min(wi.inode.size, end);
  if (size <= wi.diskSize) return;
  wi.diskSize = size;
  journalJoin(w, wi, I_DIRTY_DATASYNC);
}

/** A page has a block, or has it no more. The caller marks the inode dirty. */
export function journalMapped(fs: DiskFs, wi: WbInode, index: number, block: number, state: number): void {
  const { changes } = fs.journal.running;
  const last = changes[changes.length - 1];
  const ino = wi.inode.ino;
  const follows = state === 0 || (last !== undefined && block === last.block + last.n);
  if (last !== undefined && last.ino === ino && last.state === state && index === last.first + last.n && follows)
    last.n++;
  else changes.push({ ino, first: index, n: 1, block, state });
}
export function journalFreed(fs: DiskFs, wi: WbInode, index: number, block: number): void {
  journalMapped(fs, wi, index, -1, 0);
  fs.journal.running.freed.push(block);
}

/** A file without names is gone. */
export function journalEvicted(fs: DiskFs, inode: Inode): void {
  fs.journal.running.evicted.push(inode.ino);
}

interface CommittedFrame {
  tid: number;
  /** ns; -1: the flush has not been asked for. */
  flushed: number;
}

/** Wait until transaction `tid` is committed (0: none) and the device's cache is flushed: 0, WAIT, or EIO. */
export function journalCommitted(w: Writeback, c: Ctx, fs: DiskFs, tid: number, key: string): number | Wait {
  const j = fs.journal;
  const f = c.part<CommittedFrame>(key, () => ({ tid, flushed: -1 }));
  const done = (): boolean =>
    f.tid <= j.committed || j.aborted || (j.running.tid === f.tid && j.running.empty && j.committing === null);
  if (f.flushed < 0 && !done()) {
    if (j.running.tid === f.tid) w.k.workqueue.queue(queueOf(fs), w.commitWork, fs);
    return c.sleep(j.wait, undefined, TASK_UNINTERRUPTIBLE);
  }
  // a commit flushes; without one that is still to be done
  if (f.flushed < 0) f.flushed = w.block.flushDone(fs.dev);
  if (c.now < f.flushed && !fs.dev.lost) return c.sleep(fs.dev.wait, f.flushed, TASK_UNINTERRUPTIBLE);
  c.endPart(key);
  return j.aborted || fs.dev.lost ? 5 : 0;
}

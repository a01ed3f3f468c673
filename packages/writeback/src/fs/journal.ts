/**
 * The journal: changes of metadata are gathered in a transaction and are safe, all together, when it is committed - when somebody
 * asks (fsync, sync), and every five seconds. What a machine finds after a power loss is what the last commit says. ext4(5) "commit=".
 */
import {
  type AddressSpace,
  type Ctx,
  type Inode,
  TAG_DIRTY,
  TASK_UNINTERRUPTIBLE,
  type Wait,
  WaitQueue,
} from "@kernelkit/core";
import { Bio, IoEnd } from "../device/bio.js";
import type { BlockDevice } from "../device/blockDevice.js";
import { writePages } from "../flush/writePages.js";
import type { Writeback } from "../system.js";
import type { BlockAllocator } from "./allocator.js";
import { BLOCK_WRITTEN, BlockMap } from "./blockMap.js";
import type { DiskFs } from "./diskFs.js";
import { I_DIRTY_DATASYNC, type WbInode } from "./wbInode.js";

const COMMIT_SECONDS = 5;
/** Blocks of a transaction: its description and its commit record, and the blocks of inodes, 16 to a block. */
const journalBlocks = (inodes: number): number => 2 + Math.ceil(inodes / 16);

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
  const done = (): boolean => f.tid <= j.committed || j.aborted || (j.running.tid === f.tid && j.running.empty);
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

interface CommitFrame {
  /** 0 data, 1 flush before, 2 the record, 3 flush after. */
  stage: number;
  bio: Bio | null;
  flushed: number;
}

/** Commit the running transaction: a step function of the journal's thread. */
export function commit(w: Writeback, c: Ctx, fs: DiskFs): Wait | undefined {
  const j = fs.journal;
  const f = c.part<CommitFrame>("commit", () => ({ stage: 0, bio: null, flushed: -1 }));
  if (f.stage === 0) {
    j.armed = false;
    if (j.running.empty || j.aborted) {
      c.endPart("commit");
      w.k.sched.wakeUp(j.wait);
      return undefined;
    }
    if (fs.ordered && orderedData(w, fs, j.running) === "busy") return c.sleep(fs.dev.wait);
    close(j);
    f.stage = 1;
  }
  if (f.stage === 1) {
    f.flushed = w.block.flushDone(fs.dev);
    f.stage = 2;
  }
  if (f.stage === 2) {
    if (c.now < f.flushed) return c.sleep(fs.dev.wait, f.flushed);
    if (f.bio === null) {
      if (fs.dev.congested) return c.sleep(fs.dev.wait);
      f.bio = record(w, fs, j);
    }
    if (f.bio.ioEnd.left > 0) return c.sleep(fs.dev.wait);
    f.flushed = w.block.flushDone(fs.dev);
    f.stage = 3;
  }
  if (c.now < f.flushed) return c.sleep(fs.dev.wait, f.flushed);
  if ((f.bio as Bio).ioEnd.error !== 0 || fs.dev.lost) j.aborted = true;
  else apply(fs, j.committing as Transaction);
  if (!j.aborted) j.committed = (j.committing as Transaction).tid;
  j.committing = null;
  c.endPart("commit");
  w.k.sched.wakeUp(j.wait);
  return undefined;
}

/** Data of the transaction's files goes first: "busy" while it is on its way. */
function orderedData(w: Writeback, fs: DiskFs, t: Transaction): "busy" | "done" {
  let busy = false;
  for (const wi of t.inodes) {
    const m = wi.inode.mapping as AddressSpace;
    writeOrdered(w, wi);
    busy ||= m.nrDirty > 0 || wi.bios.length > 0;
  }
  return busy && !fs.dev.lost ? "busy" : "done";
}

/** The dirty pages of one file, by the journal: designs before PG_writeback was used for that leave no mark on them. */
export function writeOrdered(w: Writeback, wi: WbInode): number {
  const journal = w.o.stablePages !== "modern";
  return writePages(w, wi, {
    tag: TAG_DIRTY,
    from: 0,
    to: Number.POSITIVE_INFINITY,
    max: Number.POSITIVE_INFINITY,
    journal,
  });
}

/** From here on changes belong to the next transaction. */
function close(j: Journal): void {
  const t = j.running;
  for (const wi of t.inodes) t.sizes.set(wi.inode.ino, wi.diskSize);
  j.committing = t;
  j.running = new Transaction(t.tid + 1);
}

function record(w: Writeback, fs: DiskFs, j: Journal): Bio {
  const n = journalBlocks((j.committing as Transaction).sizes.size);
  const bio = new Bio(fs.dev, null, 0, j.start, new IoEnd(false));
  bio.n = n;
  bio.ioEnd.left = 1;
  bio.ioEnd.bios.push(bio);
  j.commits++;
  j.blocks += n;
  w.block.submit(bio, true);
  return bio;
}

/** What a transaction says holds now. */
function apply(fs: DiskFs, t: Transaction): void {
  const { files } = fs.journal;
  const of = (ino: number): CommittedFile => {
    let file = files.get(ino);
    if (file === undefined) {
      file = new CommittedFile();
      files.set(ino, file);
    }
    return file;
  };
  for (const ch of t.changes) {
    const { map } = of(ch.ino);
    for (let i = 0; i < ch.n; i++) {
      if (ch.state === 0) map.clear(ch.first + i);
      else map.set(ch.first + i, ch.state, ch.block + i);
    }
  }
  for (const [ino, size] of t.sizes) of(ino).size = size;
  for (const ino of t.evicted) files.delete(ino);
  for (const b of t.freed) {
    fs.alloc.free(b);
    if (fs.discard) {
      fs.dev.media.forget(b, 1);
      fs.dev.discarded++;
    }
  }
}

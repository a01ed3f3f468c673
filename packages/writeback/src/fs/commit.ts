/**
 * The journal's thread: a commit writes the data that must go first, flushes, writes its record, flushes again, and then what the
 * transaction says holds. Documentation/filesystems/journalling.
 */
import { type AddressSpace, type Ctx, TAG_DIRTY, type Wait } from "@kernelkit/core";
import { Bio, IoEnd } from "../device/bio.js";
import { writePages } from "../flush/writePages.js";
import type { Writeback } from "../system.js";
import type { DiskFs } from "./diskFs.js";
import { CommittedFile, type Journal, Transaction } from "./journal.js";
import { setRun } from "./mapRun.js";
import type { WbInode } from "./wbInode.js";

/** Blocks of a transaction: its description and its commit record, and the blocks of inodes, 16 to a block. */
const journalBlocks = (inodes: number): number => 2 + Math.ceil(inodes / 16);

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
    if (ch.state !== 0) setRun(map, ch.first, ch.n, ch.state, ch.block);
    else for (let i = 0; i < ch.n; i++) map.clear(ch.first + i);
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

/**
 * Dirty pages of one file to its device: blocks are given to those that have none, pages that follow each other go in one request, and
 * what gets new blocks ends together when the file's map has them (as ext4 does with extents of up to 2048 blocks). write_cache_pages().
 */
import { type AddressSpace, PG_DIRTY, PG_STABLE, PG_WRITEBACK, type SuperBlock, TAG_TOWRITE } from "@kernelkit/core";
import { sendable, startRun } from "../cache/pageRuns.js";
import { clearDirtyForIo, startWriteback } from "../cache/pages.js";
import { stableFor } from "../cache/stable.js";
import { countOwner } from "../cgroup/foreign.js";
import { Bio, IoEnd } from "../device/bio.js";
import { BLOCK_DELAYED, BLOCK_NONE, BLOCK_WRITTEN } from "../fs/blockMap.js";
import { blockForWriting, blocksForWriting, type DiskFs } from "../fs/diskFs.js";
import { sameExtent, sameState } from "../fs/mapRun.js";
import type { WbInode } from "../fs/wbInode.js";
import { diskFs, type Writeback } from "../system.js";

/** What to write, and how far it got. */
export interface PagesToWrite {
  /** TAG_DIRTY, or TAG_TOWRITE: those that were dirty when they were marked. */
  tag: number;
  from: number;
  to: number;
  /** Most pages. */
  max: number;
  /** By the journal: not marked as under writeback. */
  journal: boolean;
  /** The last page that was sent off. */
  last?: number;
}

/** The pages that one call sends off, as they are gathered into requests. */
class Gathering {
  bio: Bio | null = null;
  ioEnd: IoEnd | null = null;
  pages = 0;
  constructor(
    private readonly w: Writeback,
    private readonly wi: WbInode,
    private readonly fs: DiskFs,
    private readonly stable: boolean,
    private readonly journal: boolean,
  ) {}

  add(index: number, block: number, convert: boolean): void {
    const b = this.bio;
    const follows = b !== null && index === b.first + b.n && block === b.block + b.n;
    const full = convert && this.pages >= this.fs.ioEndPages;
    const together = follows && (this.ioEnd as IoEnd).convert === convert && !full;
    if (!together || b.n >= this.fs.dev.maxPages) {
      this.flush();
      // pages that get new blocks end together, others by request
      if (!together || !convert) {
        this.ioEnd = new IoEnd(convert);
        this.pages = 0;
      }
      this.bio = new Bio(this.fs.dev, this.wi, index, block, this.ioEnd as IoEnd);
      this.bio.journal = this.journal;
    }
    (this.bio as Bio).n++;
    this.pages++;
  }

  /** Pages from `index` on that can be taken before it must be asked whether the device is congested: to the end of a request. */
  room(index: number): number {
    const b = this.bio;
    if (b === null) return this.fs.dev.maxPages;
    return index === b.first + b.n && b.n < this.fs.dev.maxPages ? this.fs.dev.maxPages - b.n : 1;
  }

  /** n pages in a row, by requests as long as they may be. */
  addRun(index: number, block: number, n: number, convert: boolean): void {
    for (let done = 0; done < n; ) {
      this.add(index + done, block + done, convert);
      const b = this.bio as Bio;
      const more = Math.min(n - done - 1, this.fs.dev.maxPages - b.n, convert ? this.fs.ioEndPages - this.pages : n);
      const k = Math.max(0, more);
      b.n += k;
      this.pages += k;
      done += 1 + k;
    }
  }

  /** Hand the request over. */
  flush(): void {
    const b = this.bio;
    if (b === null) return;
    this.bio = null;
    this.fs.started(b);
    b.ioEnd.left++;
    b.ioEnd.bios.push(b);
    this.wi.bios.push(b);
    this.w.block.submit(b, this.stable);
  }
}

/** Does this file system's device need its pages to stay as they are? */
const stableOf = (w: Writeback, sb: SuperBlock, wi: WbInode): boolean => stableFor(w, sb, wi.wb);

/** Pages in a row that can be sent off: those of them that lie in one piece on the disk. How many. */
function sendRun(w: Writeback, wi: WbInode, fs: DiskFs, g: Gathering, index: number, max: number): number {
  const { map } = wi;
  const m = wi.inode.mapping as AddressSpace;
  let n = sameState(map, index, max);
  const state = map.state(index);
  const convert = state !== BLOCK_WRITTEN;
  if (state === BLOCK_DELAYED) n = blocksForWriting(fs, wi, index, n);
  else if (state === BLOCK_NONE) {
    blockForWriting(fs, wi, index);
    n = 1;
  } else n = sameExtent(map, index, n);
  const block = map.block(index);
  startRun(w, m, wi, index, n);
  g.addRun(index, block, n, convert);
  return n;
}

/**
 * Start writing; how many pages. Those under way already are left alone. It ends early when the device has no request free: `r.from` is
 * where it stopped, and `congested` says so. Pages that are marked TOWRITE stay marked until they are sent off.
 */
export function writePages(w: Writeback, wi: WbInode, r: PagesToWrite): number {
  const m = wi.inode.mapping as AddressSpace;
  const fs = diskFs(wi.inode.sb) as DiskFs;
  const { flags } = w.k.mm.frames;
  const { sb } = wi.inode;
  const stable = stableOf(w, sb, wi);
  const mark = w.o.stablePages === "pg-stable" && (stable || r.journal) ? PG_STABLE : 0;
  const busy = PG_WRITEBACK | (r.journal ? PG_STABLE : 0);
  const g = new Gathering(w, wi, fs, stable, r.journal);
  let n = 0;
  let i = m.nextTagged(r.tag, r.from, r.to);
  // what is marked or counted page by page goes that way
  const single = mark !== 0 || r.journal || wi.frn !== null || w.k.hooks.pageState.on !== null;
  for (; i >= 0 && n < r.max && !fs.dev.congested; i = m.nextTagged(r.tag, i + 1, r.to)) {
    const run = single ? 0 : sendable(w, m, r.tag, i, Math.min(r.max - n, r.to - i + 1, g.room(i)));
    if (run > 1) {
      const sent = sendRun(w, wi, fs, g, i, run);
      i += sent - 1;
      r.from = i + 1;
      r.last = i;
      n += sent;
      continue;
    }
    r.from = i + 1;
    const pfn = m.lookup(i);
    const fl = flags[pfn];
    if ((fl & busy) !== 0) continue;
    if ((fl & PG_DIRTY) === 0) {
      m.clearTag(i, TAG_TOWRITE);
      continue;
    }
    const convert = wi.map.state(i) !== BLOCK_WRITTEN;
    const block = blockForWriting(fs, wi, i);
    clearDirtyForIo(w, m, wi, i, pfn);
    if (!r.journal) startWriteback(w, m, wi, i, pfn);
    flags[pfn] |= mark;
    if (wi.frn !== null) countOwner(w, wi, pfn);
    g.add(i, block, convert);
    r.last = i;
    n++;
  }
  g.flush();
  if (i < 0) r.from = Number.POSITIVE_INFINITY;
  return n;
}

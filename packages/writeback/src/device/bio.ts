/**
 * Requests: a `Bio` writes consecutive pages of a file to consecutive blocks; a `Transfer` is its part on one device.
 *
 * A device reads each page when its turn comes, a little ahead of the medium. A page that is changed before that arrives in its newer
 * version, one that is changed after that in the older, one that is changed meanwhile in both. `touch` is told of such changes.
 */
import type { PageData } from "@kernelkit/core";
import type { WbInode } from "../fs/wbInode.js";
import type { BlockDevice } from "./blockDevice.js";
import { copyData, withHead } from "./contents.js";

/** How far a device's reading of memory is ahead of its medium. */
export const DMA_AHEAD_NS = 1_000_000;

/** What ends together: the writeback of pages whose blocks become valid by one change of the file's map. */
export class IoEnd {
  /** Bios that have not ended. */
  left = 0;
  /** Positive errno of the first that failed. */
  error = 0;
  readonly bios: Bio[] = [];
  constructor(
    /** Its blocks were not written before: they are made valid at the end. */
    readonly convert: boolean,
  ) {}
}

/** A write of pages first..first+n-1 of a file, to blocks from `block` on; of a journal: `wi` is null. */
export class Bio {
  readonly transfers: Transfer[] = [];
  n = 0;
  /** Requests of a file system are counted. */
  serial = 0;
  /** Pages that left the cache meanwhile. */
  gone: Set<number> | null = null;
  /** Contents at submission, where the device works on copies. */
  copies: PageData[] | null = null;
  /** Transfers that have not ended. */
  left = 0;
  /** By the journal: its pages are not marked as under writeback. */
  journal = false;
  constructor(
    readonly dev: BlockDevice,
    readonly wi: WbInode | null,
    readonly first: number,
    readonly block: number,
    readonly ioEnd: IoEnd,
  ) {}

  /** Contents of page j now. */
  page(j: number): PageData {
    if (this.copies !== null) return this.copies[j];
    const m = this.wi?.inode.mapping;
    return m ? m.data(this.first + j) : null;
  }
}

/** A request's pages from..from+n-1 on one device, at blocks from `block` on. */
export class Transfer {
  /** When the medium begins with the first page; NaN: not handed to the device yet. */
  startNs: number = Number.NaN;
  /** When the last page is on the medium. */
  endNs: number = Number.POSITIVE_INFINITY;
  pageNs = 0;
  /** Handle of the completion's timer, -1: none. */
  timer = -1;
  /** The request was told that it is done; with a write cache that may be before endNs. */
  completed = false;
  /** Pages whose contents no longer fitted what was computed at submission (checksum, length when compressed). */
  bad = 0;
  /** Pages that the device had read wholly before they were changed: what it read. */
  old: Map<number, PageData> | null = null;
  /** Pages changed while it read them: the bytes it had read, and how many. */
  prefix: Map<number, { bytes: PageData; n: number }> | null = null;
  changed: Set<number> | null = null;
  /** Contents as the device has them: after completion, or what it writes if that is not the pages (parity). */
  data: PageData[] | null = null;
  constructor(
    readonly dev: BlockDevice,
    readonly bio: Bio,
    readonly block: number,
    readonly from: number,
    readonly n: number,
  ) {}

  /** Bytes of page j (of the transfer) that the device has read at `now`, of 4096. */
  private readBy(j: number, now: number): number {
    if (Number.isNaN(this.startNs)) return 0;
    const at = now + DMA_AHEAD_NS - this.startNs - j * this.pageNs;
    return at <= 0 ? 0 : this.pageNs === 0 ? 4096 : Math.min(4096, Math.floor((at / this.pageNs) * 4096));
  }

  /** Page `i` of the bio, with contents `d`, is about to change. */
  touch(i: number, d: PageData, now: number): void {
    const j = i - this.from;
    if (this.completed || this.data !== null || j < 0 || j >= this.n) return;
    const n = this.readBy(j, now);
    if (n === 4096) {
      this.old ??= new Map();
      if (!this.old.has(j)) this.old.set(j, this.withPrefix(j, d));
      return;
    }
    this.changed ??= new Set();
    if (!this.changed.has(j)) {
      this.changed.add(j);
      this.bad++;
    }
    this.prefix ??= new Map();
    const before = this.prefix.get(j);
    if (n > (before?.n ?? 0)) this.prefix.set(j, { bytes: this.withPrefix(j, d), n });
  }

  private withPrefix(j: number, d: PageData): PageData {
    const p = this.prefix?.get(j);
    return p === undefined ? copyData(d) : withHead(d, p.bytes, p.n);
  }

  /** What the device has read of page j. */
  arrived(j: number): PageData {
    if (this.data !== null) return this.data[j];
    const old = this.old?.get(j);
    return old !== undefined ? old : this.withPrefix(j, this.bio.page(this.from + j));
  }

  /** Whole sectors (512 bytes) of page j that are on the medium at `now`. */
  sectorsBy(j: number, now: number): number {
    if (Number.isNaN(this.startNs)) return 0;
    const at = now - this.startNs - j * this.pageNs;
    return at <= 0 ? 0 : this.pageNs === 0 ? 8 : Math.min(8, Math.floor((at / this.pageNs) * 8));
  }
}

/**
 * Block devices that take time: requests of consecutive pages of a file, carried out one after the other at `writeBps`; mirrors hand
 * each request to their halves. Contents are kept by file and page, so that what is on the device can be looked at.
 *
 * A device reads each page of a request when its turn comes: a page that is changed before that arrives in its newer version, one
 * that is changed after that in the older. `touch` is told of such changes.
 */
import { type Core, type Inode, type PageData, WaitQueue } from "@kernelkit/core";
import type { BackingDevInfo } from "../bdi.js";

/** How a device behaves. */
export interface DeviceModel {
  /** Bytes per second. Default: as fast as one likes, 100 us a request. 0: stalled forever. */
  writeBps?: number;
  /** The queue says that pages must not change while they are written. */
  stableWrites?: boolean;
  /** "crc": each page is checksummed at submission and verified when it is transferred. */
  integrity?: "none" | "crc";
  /** Errno (positive) that every data write completes with. */
  writeError?: number;
  /** Names of the halves of a mirror. */
  raid1?: readonly string[];
  /** What the mirror wants of stable pages. "optional": where they cannot be had it copies each page. */
  stable?: "none" | "optional" | "required";
}

/** A request's part on one device. */
export class Transfer {
  /** Pages that were read by the device before they were changed: what it read. */
  readonly old: Map<number, PageData> = new Map();
  /** Pages that were changed while the device read them: their first bytes as it had read them by then. */
  readonly prefix: Map<number, Uint8Array> = new Map();
  /** Pages whose contents no longer fitted their checksum. */
  bad = 0;
  /** Pages that were changed between submission and transfer. */
  readonly changed: Set<number> = new Set();
  done = false;
  constructor(
    readonly dev: BlockDevice,
    readonly startNs: number,
    readonly pageNs: number,
  ) {}
}

/** A write of `n` pages of a file from `first` on. */
export class Bio {
  readonly transfers: Transfer[] = [];
  readonly pfns: number[] = [];
  /** Contents at submission, where the device works on copies. */
  copies: PageData[] | null = null;
  /** By the journal: its pages are not marked as under writeback. */
  journal = false;
  left = 0;
  constructor(
    readonly inode: Inode,
    readonly first: number,
  ) {}
}

export class BlockDevice {
  /** When the last request queued will be done, ns. */
  freeAtNs = 0;
  checksumErrors = 0;
  pagesCopied = 0;
  /** Pages by file and index. */
  readonly media: Map<number, Map<number, PageData>> = new Map();
  /** Those that wait for requests to end. */
  readonly wait: WaitQueue;
  readonly legs: BlockDevice[] = [];
  constructor(
    readonly name: string,
    readonly bdi: BackingDevInfo,
    readonly writeBps: number,
    readonly integrity: boolean,
    readonly writeError: number,
    /** Works on copies where stable pages cannot be had. */
    readonly optional: boolean,
    readonly mirror: boolean,
    /** queue/stable_writes. */
    public stableWrites: boolean,
  ) {
    this.wait = new WaitQueue(`io ${name}`);
  }

  /** What is on the device for a page of a file; undefined: never written. */
  read(ino: number, index: number): PageData | undefined {
    const dev = this.mirror ? this.legs[0] : this;
    return dev.media.get(ino)?.get(index);
  }

  /** Pages of the halves of a mirror that differ. */
  mismatches(): number {
    const [a, b] = this.legs;
    let n = 0;
    for (const [ino, pages] of a.media)
      for (const [index, d] of pages) if (!sameData(d, b.media.get(ino)?.get(index) ?? null)) n++;
    return n;
  }

  store(ino: number, index: number, d: PageData): void {
    let file = this.media.get(ino);
    if (file === undefined) {
      file = new Map();
      this.media.set(ino, file);
    }
    file.set(index, d);
  }
}

const byteAt = (d: PageData, i: number): number => (d === null ? 0 : typeof d === "number" ? d : (d[i] ?? 0));

/** Have two pages the same bytes? */
export function sameData(a: PageData, b: PageData): boolean {
  for (let i = 0; i < 4096; i++) if (byteAt(a, i) !== byteAt(b, i)) return false;
  return true;
}

export const copyData = (d: PageData): PageData => (d !== null && typeof d === "object" ? d.slice() : d);

/** What a device has read of page j, whose contents are now `d`. */
function arrived(t: Transfer, j: number, d: PageData): PageData {
  if (t.old.has(j)) return t.old.get(j) as PageData;
  const head = t.prefix.get(j);
  if (head === undefined) return copyData(d);
  const page = new Uint8Array(4096);
  for (let i = 0; i < 4096; i++) page[i] = i < head.length ? head[i] : byteAt(d, i);
  return page;
}

/** The queues of all devices. */
export class BlockLayer {
  private readonly hrDone: number;
  constructor(
    private readonly k: Core,
    /** Called when all of a request is done, with a positive errno or 0. */
    private readonly ended: (bio: Bio, error: number) => void,
  ) {
    k.state.class(BlockDevice, Transfer, Bio);
    this.hrDone = k.timers.defineHr("writeback.io", (a) => this.done(a as { bio: Bio; t: Transfer }));
  }

  /** Hand a request to a device. `stable`: its pages will not change. */
  submit(dev: BlockDevice, bio: Bio, stable: boolean): void {
    const n = bio.pfns.length;
    const { mapping } = bio.inode;
    if (dev.optional && !stable && mapping !== null) {
      bio.copies = bio.pfns.map((_, j) => copyData(mapping.data(bio.first + j)));
      dev.pagesCopied += n;
    }
    for (const d of dev.mirror ? dev.legs : [dev]) {
      const pageNs = d.writeBps === Number.POSITIVE_INFINITY ? 0 : (4096 * 1e9) / d.writeBps;
      const start = Math.max(this.k.now, d.freeAtNs);
      const t = new Transfer(d, start, pageNs);
      bio.transfers.push(t);
      bio.left++;
      const end = pageNs === 0 ? start + 100_000 : Math.ceil(start + n * pageNs);
      d.freeAtNs = end;
      if (Number.isFinite(end)) this.k.timers.startHr(this.hrDone, end, { bio, t });
    }
  }

  /** Page j of a request that is under way is about to change. */
  touch(bio: Bio, j: number, d: PageData): void {
    for (const t of bio.transfers) {
      if (t.done || bio.copies !== null) continue;
      if (this.k.now >= t.startNs + (j + 1) * t.pageNs) {
        if (!t.old.has(j)) t.old.set(j, copyData(d));
        continue;
      }
      if (t.dev.integrity && !t.changed.has(j)) t.bad++;
      t.changed.add(j);
      const read = Math.floor(((this.k.now - t.startNs - j * t.pageNs) / t.pageNs) * 4096);
      const before = t.prefix.get(j) ?? new Uint8Array(0);
      if (read <= before.length) continue;
      const bytes = new Uint8Array(read);
      bytes.set(before);
      for (let i = before.length; i < read; i++) bytes[i] = byteAt(d, i);
      t.prefix.set(j, bytes);
    }
  }

  private done({ bio, t }: { bio: Bio; t: Transfer }): void {
    t.done = true;
    const { dev } = t;
    const { mapping, ino } = bio.inode;
    if (dev.writeError === 0)
      for (let j = 0; j < bio.pfns.length; j++) {
        if (bio.pfns[j] === 0) continue;
        const now = mapping === null ? null : mapping.data(bio.first + j);
        dev.store(ino, bio.first + j, arrived(t, j, bio.copies === null ? now : bio.copies[j]));
      }
    dev.checksumErrors += t.bad;
    if (--bio.left > 0) return;
    const bad = bio.transfers.some((x) => x.bad > 0);
    this.ended(bio, bio.transfers.reduce((e, x) => e || x.dev.writeError, 0) || (bad ? 5 : 0));
  }
}

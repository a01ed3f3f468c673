/**
 * What must hold after every operation: counters are those of the pages, every dirty inode has its place, lists are sorted, limits are
 * in order. For property tests. Throws an Error that names what is broken; nothing is changed.
 */
import {
  type AddressSpace,
  type Core,
  NR_FILE_DIRTY,
  NR_WRITEBACK,
  PG_DIRTY,
  PG_WRITEBACK,
  TAG_DIRTY,
  TAG_WRITEBACK,
} from "@kernelkit/core";
import type { IoList } from "../flush/ioList.js";
import type { Wb } from "../flush/wb.js";
import { I_DIRTY_PAGES, I_SYNC, type WbInode } from "../fs/wbInode.js";

function must(ok: boolean, what: () => string): void {
  if (!ok) throw new Error(`writeback is inconsistent: ${what()}`);
}

/** Files, as a test knows them, and counters at the last look. */
export class WritebackChecker {
  private dirtied = 0;
  private written = 0;
  constructor(
    private readonly k: Core,
    private readonly wbs: () => readonly Wb[],
    private readonly inodes: () => readonly WbInode[],
    private readonly limits: () => { thresh: number; bgThresh: number },
  ) {}

  check(): void {
    const { mm } = this.k;
    let dirty = 0;
    let writeback = 0;
    for (const wi of this.inodes()) {
      const m = wi.inode.mapping as AddressSpace;
      const n = this.pages(wi, m);
      dirty += n.dirty;
      writeback += n.writeback;
      this.place(wi, m);
    }
    const sum = (of: (wb: Wb) => number): number => this.wbs().reduce((n, wb) => n + of(wb), 0);
    const same = (what: string, a: number, b: number): void => must(a === b, () => `${what}: ${a} counted, ${b} there`);
    same("nr_dirty", mm.read(NR_FILE_DIRTY), dirty);
    same("nr_writeback", mm.read(NR_WRITEBACK), writeback);
    same(
      "pages that devices have dirty",
      sum((wb) => wb.reclaimable),
      dirty,
    );
    same(
      "pages that devices have under writeback",
      sum((wb) => wb.writeback),
      writeback,
    );
    for (const wb of this.wbs()) this.sorted(wb);
    const dirtied = mm.read(mm.stat("nr_dirtied"));
    const written = mm.read(mm.stat("nr_written"));
    must(dirtied >= this.dirtied, () => "nr_dirtied fell");
    must(written >= this.written, () => "nr_written fell");
    this.dirtied = dirtied;
    this.written = written;
    const { thresh, bgThresh } = this.limits();
    must(bgThresh < thresh || thresh === 0, () => `background threshold ${bgThresh} of ${thresh}`);
  }

  private pages(wi: WbInode, m: AddressSpace): { dirty: number; writeback: number } {
    const { flags } = this.k.mm.frames;
    let dirty = 0;
    let writeback = 0;
    for (let i = m.nextPage(0); i >= 0; i = m.nextPage(i + 1)) {
      const fl = flags[m.lookup(i)];
      const d = (fl & PG_DIRTY) !== 0;
      const wr = (fl & PG_WRITEBACK) !== 0;
      must(d === m.testTag(i, TAG_DIRTY), () => `page ${i} of inode ${wi.inode.ino}: flag and tag DIRTY differ`);
      must(
        wr === m.testTag(i, TAG_WRITEBACK),
        () => `page ${i} of inode ${wi.inode.ino}: flag and tag WRITEBACK differ`,
      );
      if (d) dirty++;
      if (wr) writeback++;
    }
    return { dirty, writeback };
  }

  private place(wi: WbInode, m: AddressSpace): void {
    const name = (): string => `inode ${wi.inode.ino}`;
    if (m.nrDirty > 0) {
      must((wi.state & I_DIRTY_PAGES) !== 0, () => `${name()} has dirty pages and is not marked so`);
      must(wi.list !== null || (wi.state & I_SYNC) !== 0, () => `${name()} has dirty pages and is on no list`);
    }
    const { wb } = wi;
    const on = [wb.dirty, wb.io, wb.moreIo, wb.dirtyTime].filter((l) => has(l, wi));
    must(
      on.length === (wi.list === null ? 0 : 1) && (wi.list === null || on[0] === wi.list),
      () => `${name()} is on the wrong lists`,
    );
    must(m.nrWriteback === 0 || wi.bios.length > 0, () => `${name()} has pages under writeback without a request`);
  }

  private sorted(wb: Wb): void {
    let when = Number.POSITIVE_INFINITY;
    let n = 0;
    for (let wi = wb.dirty.head; wi !== null; wi = wi.next) {
      must(wi.dirtiedWhen <= when, () => `b_dirty is not sorted at inode ${wi.inode.ino}`);
      when = wi.dirtiedWhen;
      n++;
    }
    must(n === wb.dirty.count, () => `b_dirty counts ${wb.dirty.count} inodes and has ${n}`);
  }
}

function has(list: IoList, wi: WbInode): boolean {
  for (let x = list.head; x !== null; x = x.next) if (x === wi) return true;
  return false;
}

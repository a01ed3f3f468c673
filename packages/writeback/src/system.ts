/**
 * The page cache side of writeback: dirtying, starting and ending writes, waiting for stable pages, flushers, throttling. Kernel
 * documents admin-guide/sysctl/vm, core-api/errseq.
 */
import {
  type AddressSpace,
  type Core,
  type Ctx,
  type Inode,
  type Mm,
  type MmSystem,
  NR_FILE_DIRTY,
  NR_FREE_PAGES,
  NR_LRU_BASE,
  NR_WRITEBACK,
  NR_ZONE_WRITE_PENDING,
  type PageData,
  PG_DIRTY,
  PG_STABLE,
  PG_WRITEBACK,
  PTE_DIRTY,
  PTE_WRITE,
  putPage,
  rmapWalk,
  type SuperBlock,
  TAG_DIRTY,
  TAG_TOWRITE,
  TAG_WRITEBACK,
  TASK_KILLABLE,
  TASK_UNINTERRUPTIBLE,
  type Vma,
  type Wait,
} from "@kernelkit/core";
import type { BdiList } from "./bdi.js";
import { domainUpdateDirtyLimit, wbUpdateDirtyRatelimit, wbUpdateWriteBandwidth } from "./control/bandwidth.js";
import { bandwidthInterval, LONG_MAX, MIN_WRITEBACK_PAGES } from "./control/constants.js";
import { type DirtyLimits, dirtyPollInterval, domainDirtyLimits, wbCalcThresh } from "./control/dirtyLimits.js";
import { PauseRound, pauseRound } from "./control/pause.js";
import { type DirtyControl, dirtyFreerunCeiling, dirtySetpoint, wbPositionRatio } from "./control/positionRatio.js";
import { Bio, BlockLayer } from "./device/blockDevice.js";
import { errseqCheckAndAdvance, errseqSet } from "./errseq.js";
import type { Knobs } from "./knobs.js";
import type { StablePages } from "./options.js";
import { defineTrace, type WbTrace } from "./trace.js";
import {
  BLOCK_WRITTEN,
  I_DIRTY_PAGES,
  type TaskThrottle,
  type Wb,
  type WbDomain,
  type WbInode,
  WbWork,
} from "./wbState.js";

/** Pages of one request: 1280 KiB. */
const MAX_BIO = 320;

function writeProtect(m: MmSystem, _mm: Mm, _v: Vma, _addr: number, slot: number): boolean {
  m.pt.fl[slot] &= ~(PTE_WRITE | PTE_DIRTY);
  return true;
}

export class Writeback {
  readonly trace: WbTrace;
  readonly block: BlockLayer;
  readonly wbs: Wb[];
  private readonly nrDirtied: number;
  private readonly nrWritten: number;
  private readonly workId: number;
  private readonly round = new PauseRound();

  constructor(
    readonly k: Core,
    readonly knobs: Knobs,
    readonly bdis: BdiList,
    readonly domain: WbDomain,
    state: { wbs: Wb[] },
    readonly strategy: StablePages,
    readonly inodeSlot: number,
    readonly taskSlot: number,
  ) {
    this.wbs = state.wbs;
    this.trace = defineTrace(k);
    this.block = new BlockLayer(k, (bio, error) => this.endIo(bio, error));
    this.nrDirtied = k.mm.stat("nr_dirtied");
    this.nrWritten = k.mm.stat("nr_written");
    this.workId = k.workqueue.define("writeback.flush", (_c, wb) => this.flush(wb as Wb));
  }

  of(inode: Inode): WbInode | null {
    return (inode.slots?.[this.inodeSlot] ?? null) as WbInode | null;
  }

  // --- pages ---

  /** A page was changed: true if it was clean. */
  dirtyFolio(m: AddressSpace, index: number, pfn: number): boolean {
    const { mm } = this.k;
    const wi = this.of(m.host as Inode) as WbInode;
    mm.frames.flags[pfn] |= PG_DIRTY;
    m.setTag(index, TAG_DIRTY);
    mm.modPage(pfn, NR_FILE_DIRTY, 1);
    mm.modPage(pfn, this.nrDirtied, 1);
    mm.modZone(pfn, NR_ZONE_WRITE_PENDING, 1);
    wi.wb.reclaimable++;
    wi.wb.dirtied++;
    const t = this.k.current;
    if (t !== null) (t.slots[this.taskSlot] as TaskThrottle).nrDirtied++;
    if (this.trace.dirtyFolio.on) this.trace.dirtyFolio.emit(wi.wb.dev.bdi.name, wi.inode.ino, index);
    this.markDirty(wi, I_DIRTY_PAGES);
    return true;
  }

  /** Metadata or pages of an inode changed. __mark_inode_dirty(). */
  markDirty(wi: WbInode, flags: number): void {
    if ((flags & ~I_DIRTY_PAGES) !== 0 && this.trace.dirtyInode.on)
      this.trace.dirtyInode.emit(wi.wb.dev.bdi.name, wi.inode.ino, wi.state, flags);
    if ((wi.state & flags) === flags && wi.listed) return;
    wi.state |= flags;
    if (wi.listed) return;
    wi.listed = true;
    wi.dirtiedWhen = this.k.time.ticks;
    wi.wb.dirty.push(wi);
    this.arm(wi.wb);
  }

  private clean(m: AddressSpace, wi: WbInode, index: number, pfn: number): void {
    const { mm } = this.k;
    mm.frames.flags[pfn] &= ~PG_DIRTY;
    m.clearTag(index, TAG_DIRTY);
    mm.modPage(pfn, NR_FILE_DIRTY, -1);
    mm.modZone(pfn, NR_ZONE_WRITE_PENDING, -1);
    wi.wb.reclaimable--;
  }

  /** A page leaves the cache, dirty or not. */
  invalidate(m: AddressSpace, index: number, pfn: number): void {
    const wi = this.of(m.host as Inode);
    if (wi === null) return;
    const { frames } = this.k.mm;
    if ((frames.flags[pfn] & PG_DIRTY) !== 0) this.clean(m, wi, index, pfn);
    for (const bio of wi.bios) {
      const j = index - bio.first;
      if (bio.pfns[j] !== pfn) continue;
      this.endPage(m, wi, bio, index, pfn);
      bio.pfns[j] = 0;
    }
  }

  /** Start writing pages with `tag` in from..to, at most `max`; how many. Those under way already are left alone. */
  writePages(wi: WbInode, tag: number, from: number, to: number, max: number, journal = false): number {
    const m = wi.inode.mapping as AddressSpace;
    const { mm } = this.k;
    const { frames } = mm;
    const { dev } = wi.wb;
    const stable = this.stableFor(wi.inode.sb, wi.wb);
    let n = 0;
    let bio: Bio | null = null;
    for (let i = m.nextTagged(tag, from, to); i >= 0 && n < max; i = m.nextTagged(tag, i + 1, to)) {
      const pfn = m.lookup(i);
      if ((frames.flags[pfn] & (PG_WRITEBACK | (journal ? PG_STABLE : 0))) !== 0) continue;
      m.clearTag(i, TAG_TOWRITE);
      if ((frames.flags[pfn] & PG_DIRTY) === 0) continue;
      this.clean(m, wi, i, pfn);
      rmapWalk(mm, pfn, writeProtect);
      if (journal) frames.flags[pfn] |= this.strategy === "pg-stable" ? PG_STABLE : 0;
      else {
        frames.flags[pfn] |= PG_WRITEBACK | (this.strategy === "pg-stable" && stable ? PG_STABLE : 0);
        m.setTag(i, TAG_WRITEBACK);
        mm.modPage(pfn, NR_WRITEBACK, 1);
        mm.modZone(pfn, NR_ZONE_WRITE_PENDING, 1);
        wi.wb.writeback++;
      }
      frames.refcount[pfn]++;
      n++;
      if (bio !== null && (bio.first + bio.pfns.length !== i || bio.pfns.length >= MAX_BIO)) {
        this.block.submit(dev, bio, stable);
        bio = null;
      }
      if (bio === null) {
        bio = new Bio(wi.inode, i);
        bio.journal = journal;
        wi.bios.push(bio);
      }
      bio.pfns.push(pfn);
      m.writebackIndex = i + 1;
    }
    if (bio !== null) this.block.submit(dev, bio, stable);
    return n;
  }

  private endPage(m: AddressSpace, wi: WbInode, bio: Bio, index: number, pfn: number): void {
    const { mm } = this.k;
    mm.frames.flags[pfn] &= ~(PG_WRITEBACK | PG_STABLE);
    if (!bio.journal) {
      m.clearTag(index, TAG_WRITEBACK);
      mm.modPage(pfn, NR_WRITEBACK, -1);
      mm.modZone(pfn, NR_ZONE_WRITE_PENDING, -1);
      wi.wb.writeback--;
    }
    mm.modPage(pfn, this.nrWritten, 1);
    wi.wb.written++;
    putPage(mm, pfn);
  }

  private endIo(bio: Bio, error: number): void {
    const wi = this.of(bio.inode) as WbInode;
    const m = bio.inode.mapping as AddressSpace;
    let n = 0;
    for (let j = 0; j < bio.pfns.length; j++) {
      const pfn = bio.pfns[j];
      if (pfn === 0) continue;
      n++;
      this.endPage(m, wi, bio, bio.first + j, pfn);
      if (wi.blocks.has(bio.first + j)) wi.blocks.set(bio.first + j, BLOCK_WRITTEN);
    }
    wi.bios.splice(wi.bios.indexOf(bio), 1);
    if (error !== 0) {
      // ENOSPC stays what it is, all else is EIO
      const e = error === 28 ? -28 : -5;
      m.wbErr = errseqSet(m.wbErr, e);
      bio.inode.sb.wbErr = errseqSet(bio.inode.sb.wbErr, e);
    }
    this.age();
    wi.wb.completions.add(this.domain.completions, n, Math.floor((wi.wb.dev.bdi.maxRatio * 1024) / 1e6));
    const now = this.k.time.ticks;
    if (m.nrWriteback === 0 && now > wi.wb.bwTimeStamp + bandwidthInterval(this.k.time.hz))
      this.updateBandwidth(wi.wb, now, null, 0);
    this.k.sched.wakeUp(wi.wb.dev.wait);
  }

  /** Periods of the completions' aging that have ended. */
  private age(): void {
    const length = 3 * this.k.time.hz;
    const ended = Math.floor((this.k.time.ticks - this.domain.periodTicks) / length);
    if (ended <= 0) return;
    this.domain.completions.newPeriod(ended);
    this.domain.periodTicks += ended * length;
  }

  // --- stable pages ---

  /** Does this device or file system need pages that do not change while they are written (and may rely on that)? */
  stableFor(sb: SuperBlock, wb: Wb): boolean {
    switch (this.strategy) {
      case "always":
        return true;
      case "none":
        return false;
      case "modern":
        return (sb.bdi as { stable: boolean } | null)?.stable === true;
      default:
        // ext3's journal changes pages whatever the flag says: a mirror that can do without has to copy
        if ((sb.bdi as { ordered: boolean } | null)?.ordered === true && wb.dev.optional) return false;
        return wb.dev.bdi.stableRequired || (sb.bdi as { stable: boolean } | null)?.stable === true;
    }
  }

  /** Before a page is changed: WAIT while it must stay as it is; else the device is told if it is being written. folio_wait_stable(). */
  waitStable(c: Ctx, m: AddressSpace, index: number, pfn: number): 0 | Wait {
    const fl = this.k.mm.frames.flags[pfn];
    const wi = this.of(m.host as Inode) as WbInode;
    if (wi.bios.length === 0) return 0;
    const busy = (fl & PG_WRITEBACK) !== 0;
    if ((fl & PG_STABLE) !== 0 || (busy && this.strategy !== "pg-stable" && this.stableFor(wi.inode.sb, wi.wb)))
      return c.sleep(wi.wb.dev.wait, undefined, TASK_UNINTERRUPTIBLE);
    const d: PageData = m.data(index);
    for (const bio of wi.bios) if (bio.pfns[index - bio.first] === pfn) this.block.touch(bio, index - bio.first, d);
    return 0;
  }

  // --- sync ---

  /** Write and wait for pages from..to: those that are dirty now. 0 or WAIT. filemap_write_and_wait_range(). */
  syncRange(c: Ctx, wi: WbInode, from: number, to: number, key: string): 0 | Wait {
    const m = wi.inode.mapping as AddressSpace;
    const f = c.part(key, () => ({ tagged: false }));
    if (!f.tagged) {
      m.tagRange(TAG_DIRTY, TAG_TOWRITE, from, to);
      f.tagged = true;
    }
    this.writePages(wi, TAG_TOWRITE, from, to, Number.POSITIVE_INFINITY);
    if (m.nextTagged(TAG_TOWRITE, from, to) >= 0 || m.nextTagged(TAG_WRITEBACK, from, to) >= 0)
      return c.sleep(wi.wb.dev.wait, undefined, TASK_UNINTERRUPTIBLE);
    c.endPart(key);
    this.settle(wi);
    return 0;
  }

  /** The inode is clean if no page of it is dirty. */
  private settle(wi: WbInode): void {
    if ((wi.inode.mapping as AddressSpace).nrDirty > 0) return;
    wi.state = 0;
    if (!wi.listed) return;
    wi.listed = false;
    wi.wb.dirty.splice(wi.wb.dirty.indexOf(wi), 1);
  }

  /** Tell a description of an error it has not seen: 0 or a negative errno. file_check_and_advance_wb_err(). */
  advanceErr(owner: { wbErr: number }, file: { wbErr: number; sbErr: number }, sb: boolean): number {
    const p = { eseq: owner.wbErr, since: sb ? file.sbErr : file.wbErr };
    const e = errseqCheckAndAdvance(p);
    owner.wbErr = p.eseq;
    if (sb) file.sbErr = p.since;
    else file.wbErr = p.since;
    return e;
  }

  /** Write everything of a device and wait for it: WAIT, or done. sync_filesystem(). */
  syncWb(c: Ctx, wb: Wb, key: string): 0 | Wait {
    const f = c.part<{ stage: number; work: WbWork | null }>(key, () => ({ stage: 0, work: null }));
    while (f.stage < 2) {
      if (f.work === null) {
        const nr = f.stage === 0 ? this.k.mm.read(NR_FILE_DIRTY) + wb.dirty.length : LONG_MAX;
        f.work = new WbWork(nr, f.stage, "sync");
        this.queueWork(wb, f.work);
      }
      if (!f.work.done) return c.sleep(wb.workDone, undefined, TASK_UNINTERRUPTIBLE);
      f.work = null;
      f.stage++;
    }
    if (wb.writeback > 0) return c.sleep(wb.dev.wait, undefined, TASK_UNINTERRUPTIBLE);
    c.endPart(key);
    return 0;
  }

  // --- flusher ---

  queueWork(wb: Wb, work: WbWork): void {
    if (this.trace.queue.on) this.trace.queue.emit(wb.dev.bdi.name, work);
    wb.works.push(work);
    this.k.workqueue.queue(`flush-${wb.dev.bdi.name}`, this.workId, wb);
  }

  wakeFlushers(): void {
    for (const wb of this.wbs)
      if (wb.dirty.length > 0) this.k.workqueue.queue(`flush-${wb.dev.bdi.name}`, this.workId, wb);
  }

  private arm(wb: Wb): void {
    const cs = this.knobs.dirtyWritebackCentisecs;
    if (wb.armed || cs === 0) return;
    wb.armed = true;
    const ticks = Math.max(1, Math.floor((Math.abs(cs) * this.k.time.hz) / 100));
    this.k.workqueue.queueDelayed(`flush-${wb.dev.bdi.name}`, this.workId, wb, ticks);
  }

  private overBackground(wb: Wb): boolean {
    const { thresh, bgThresh } = this.limits(false);
    if (this.k.mm.read(NR_FILE_DIRTY) > bgThresh) return true;
    const t = this.wbThresh(wb, thresh);
    return wb.reclaimable > (thresh === 0 ? 0 : Math.floor((t * bgThresh) / thresh));
  }

  /** wb_workfn(): queued works, then old data, then the background. */
  private flush(wb: Wb): undefined {
    wb.armed = false;
    const { hz, ticks } = this.k.time;
    for (let work = wb.works.shift(); work !== undefined; work = wb.works.shift()) {
      if (this.trace.exec.on) this.trace.exec.emit(wb.dev.bdi.name, work);
      this.pagesWritten(this.run(wb, work));
      work.done = true;
      this.k.sched.wakeUp(wb.workDone);
    }
    const period = Math.floor((this.knobs.dirtyWritebackCentisecs * hz) / 100);
    let n = 0;
    if (period > 0 && ticks - wb.lastOldFlush >= period) {
      wb.lastOldFlush = ticks;
      const nr = this.k.mm.read(NR_FILE_DIRTY) + wb.dirty.length;
      if (nr > 0) n += this.run(wb, new WbWork(nr, 0, "periodic", true));
    }
    if (this.overBackground(wb)) n += this.run(wb, new WbWork(LONG_MAX, 0, "background", false, true));
    if (n > 0) this.pagesWritten(n);
    if (wb.dirty.length > 0) this.arm(wb);
    return undefined;
  }

  private pagesWritten(n: number): void {
    if (this.trace.pagesWritten.on) this.trace.pagesWritten.emit(n);
  }

  /** wb_writeback(): passes over the device's dirty inodes, until nothing more is to be done. Pages started. */
  private run(wb: Wb, work: WbWork): number {
    const { trace } = this;
    const { hz, ticks } = this.k.time;
    const name = wb.dev.bdi.name;
    for (;;) {
      if (work.nrPages - work.written <= 0) break;
      if (work.background && !this.overBackground(wb)) break;
      const older = work.kupdate ? ticks - Math.floor((this.knobs.dirtyExpireCentisecs * hz) / 100) : ticks;
      if (trace.start.on) trace.start.emit(name, work);
      const list = wb.dirty.filter((wi) => wi.dirtiedWhen <= older);
      if (trace.queueIo.on)
        trace.queueIo.emit(name, older, Math.round(((ticks - older) * 1000) / hz), list.length, work.reason);
      let progress = 0;
      for (const wi of list) progress += this.writeInode(wb, wi, work, work.nrPages - work.written - progress);
      work.written += progress;
      if (trace.written.on) trace.written.emit(name, work);
      if (progress === 0) break;
    }
    return work.written;
  }

  private writeInode(wb: Wb, wi: WbInode, work: WbWork, left: number): number {
    const m = wi.inode.mapping as AddressSpace;
    const { hz, ticks } = this.k.time;
    const bound = work.syncMode === 1 || work.reason === "sync";
    const slice =
      Math.min(Math.floor(wb.avgWriteBandwidth / 2), Math.floor(this.domain.dirtyLimit / 8), left) +
      MIN_WRITEBACK_PAGES;
    const toWrite = bound ? LONG_MAX : Math.floor(slice / MIN_WRITEBACK_PAGES) * MIN_WRITEBACK_PAGES;
    const state = wi.state;
    const wrote = this.writePages(wi, TAG_DIRTY, work.cyclic ? m.writebackIndex : 0, Number.POSITIVE_INFINITY, toWrite);
    if (work.cyclic && wrote < toWrite) m.writebackIndex = 0;
    if (ticks > wb.bwTimeStamp + bandwidthInterval(hz)) this.updateBandwidth(wb, ticks, null, 0);
    const age = Math.floor((ticks - wi.dirtiedWhen) / hz);
    const when = wi.dirtiedWhen;
    this.settle(wi);
    if (this.trace.singleInode.on)
      this.trace.singleInode.emit(wb.dev.bdi.name, wi.inode.ino, state, when, age, m.writebackIndex, toWrite, wrote);
    return wrote;
  }

  // --- limits and throttling ---

  /** Pages that could be dirtied. */
  private avail(): number {
    const m = this.k.mm;
    const free = m.read(NR_FREE_PAGES);
    return free - Math.min(free, m.totalReserve) + m.read(NR_LRU_BASE + 2) + m.read(NR_LRU_BASE + 3) + 1;
  }

  limits(rt: boolean): DirtyLimits {
    const s = this.knobs;
    return domainDirtyLimits({
      dirtyRatio: s.dirtyRatio,
      dirtyBackgroundRatio: s.dirtyBackgroundRatio,
      dirtyBytes: Number(s.dirtyBytes),
      dirtyBackgroundBytes: Number(s.dirtyBackgroundBytes),
      avail: this.avail(),
      rt,
      dirtyLimit: this.domain.dirtyLimit,
    });
  }

  private wbThresh(wb: Wb, thresh: number): number {
    this.age();
    const c = wb.completions;
    c.fraction(this.domain.completions);
    return wbCalcThresh({
      thresh,
      dirty: this.k.mm.read(NR_FILE_DIRTY) + this.k.mm.read(NR_WRITEBACK),
      numerator: c.numerator,
      denominator: c.denominator,
      sumMinRatio: this.bdis.minRatioSum,
      minRatio: wb.dev.bdi.minRatio,
      maxRatio: wb.dev.bdi.maxRatio,
      avgWriteBandwidth: wb.avgWriteBandwidth,
      totWriteBandwidth: wb.avgWriteBandwidth,
      strictlimit: wb.dev.bdi.strictLimit,
    });
  }

  private updateBandwidth(wb: Wb, now: number, c: DirtyControl | null, posRatio: number): void {
    const { hz } = this.k.time;
    const elapsed = Math.max(now - wb.bwTimeStamp, 1);
    if (c !== null) {
      domainUpdateDirtyLimit(this.domain, c.thresh, c.dirty, now, hz);
      wbUpdateDirtyRatelimit(
        wb,
        {
          dirty: c.strictlimit ? c.wbDirty : c.dirty,
          setpoint: c.strictlimit ? Math.floor((c.wbThresh + c.wbBgThresh) / 2) : dirtySetpoint(c),
          posRatio,
          avgWriteBandwidth: wb.avgWriteBandwidth,
          dirtied: wb.dirtied - wb.dirtiedStamp,
          elapsed,
        },
        hz,
      );
    }
    wbUpdateWriteBandwidth(wb, elapsed, wb.written - wb.writtenStamp, hz);
    wb.dirtiedStamp = wb.dirtied;
    wb.writtenStamp = wb.written;
    wb.bwTimeStamp = now;
  }

  /** After a page was dirtied: the writer may have to sleep. balance_dirty_pages_ratelimited(). */
  balance(c: Ctx, m: AddressSpace): 0 | Wait {
    const { wb } = this.of(m.host as Inode) as WbInode;
    const t = c.task.slots[this.taskSlot] as TaskThrottle;
    const gate = wb.dirtyExceeded ? Math.min(t.nrDirtiedPause, 8) : t.nrDirtiedPause;
    const slept = (c.task.frame as { balanceDirty?: object } | null)?.balanceDirty !== undefined;
    if (!slept && t.nrDirtied < gate) return 0;
    const f = c.part("balanceDirty", () => ({ until: -1, pages: 0, again: false }));
    if (f.until >= 0) {
      if (c.now < f.until && !c.fatalSignalPending) return c.sleep(null, f.until, TASK_KILLABLE);
      f.until = -1;
      t.dirtyPausedWhen = this.k.time.ticks;
      t.nrDirtied = 0;
      t.nrDirtiedPause = f.pages;
      if (!f.again || c.fatalSignalPending) {
        c.endPart("balanceDirty");
        return 0;
      }
    }
    const pause = this.throttle(wb, t);
    if (pause < 0) {
      c.endPart("balanceDirty");
      return 0;
    }
    f.again = this.round.taskRatelimit === 0;
    f.pages = this.round.nrDirtiedPause;
    f.until = this.k.time.tickTime(this.k.time.ticks + pause);
    return c.sleep(null, f.until, TASK_KILLABLE);
  }

  /** One round: ticks to sleep, or -1. */
  private throttle(wb: Wb, t: TaskThrottle): number {
    const { mm } = this.k;
    const { hz, ticks: now } = this.k.time;
    const lim = this.limits(false);
    const nrDirty = mm.read(NR_FILE_DIRTY);
    const dirty = nrDirty + mm.read(NR_WRITEBACK);
    const { thresh, bgThresh } = lim;
    if (this.domain.dirtyLimit === 0) this.domain.dirtyLimit = thresh;
    const background = (): void => {
      this.k.workqueue.queue(`flush-${wb.dev.bdi.name}`, this.workId, wb);
    };
    if (this.knobs.laptopMode === 0 && nrDirty > bgThresh) background();
    if (dirty <= dirtyFreerunCeiling(thresh, bgThresh) && !wb.dev.bdi.strictLimit) {
      t.nrDirtiedPause = dirtyPollInterval(dirty, thresh);
      t.nrDirtied = 0;
      t.dirtyPausedWhen = now;
      return -1;
    }
    background();
    const wbThresh = this.wbThresh(wb, thresh);
    const control: DirtyControl = {
      thresh,
      bgThresh,
      dirtyLimit: this.domain.dirtyLimit,
      dirty,
      wbThresh,
      wbBgThresh: thresh === 0 ? 0 : Math.floor((wbThresh * bgThresh) / thresh),
      wbDirty: wb.reclaimable + wb.writeback,
      avgWriteBandwidth: wb.avgWriteBandwidth,
      strictlimit: wb.dev.bdi.strictLimit,
    };
    wb.dirtyExceeded = control.wbDirty > wbThresh && (dirty > thresh || control.strictlimit);
    const pos = wbPositionRatio(control);
    if (now > wb.bwTimeStamp + bandwidthInterval(hz)) this.updateBandwidth(wb, now, control, pos);
    const r = this.round;
    const think = t.dirtyPausedWhen === 0 ? 0 : now - t.dirtyPausedWhen;
    const dirtied = t.nrDirtied;
    const before = t.nrDirtiedPause;
    pauseRound(r, pos, wb.dirtyRatelimit, wb.avgWriteBandwidth, control.wbDirty, dirtied, think, hz);
    if (!r.sleeps) {
      if (r.pause < -hz) {
        t.dirtyPausedWhen = now;
        t.nrDirtied = 0;
      } else if (r.period > 0) {
        t.dirtyPausedWhen += r.period;
        t.nrDirtied = 0;
      } else if (t.nrDirtiedPause <= dirtied) t.nrDirtiedPause += dirtied;
    }
    if (this.trace.balance.on) {
      const setpoint = dirtySetpoint(control);
      const ms = Math.floor(1000 / hz);
      this.trace.balance.emit(wb.dev.bdi.name, {
        limit: Math.max(thresh, this.domain.dirtyLimit),
        setpoint,
        dirty,
        wb_setpoint: Math.floor((setpoint * wbThresh) / (thresh + 1)),
        wb_dirty: control.wbDirty,
        dirty_ratelimit: wb.dirtyRatelimit * 4,
        task_ratelimit: r.taskRatelimit * 4,
        dirtied,
        dirtied_pause: before,
        paused: 0,
        pause: (r.sleeps ? r.pause : Math.min(r.pause, 0)) * ms,
        period: r.period * ms,
        think: think * ms,
      });
    }
    return r.sleeps ? r.pause : -1;
  }
}

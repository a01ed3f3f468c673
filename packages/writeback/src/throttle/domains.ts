/**
 * Domains of dirty limits: the machine, and each memory control group. How much may be dirty now, how much of that is one device's,
 * and whether the background must write. Kernel documents admin-guide/sysctl/vm, admin-guide/cgroup-v2 ("Writeback").
 */
import {
  type Css,
  type MemcgWbStats,
  NR_FILE_DIRTY,
  NR_FREE_PAGES,
  NR_LRU_BASE,
  NR_WRITEBACK,
  type Task,
} from "@kernelkit/core";
import { type DirtyLimits, domainDirtyLimits, memcgAvail, wbCalcThresh } from "../control/dirtyLimits.js";
import { ilog2, mulDiv } from "../control/intMath.js";
import type { DirtyControl } from "../control/positionRatio.js";
import { type Wb, WbDomain } from "../flush/wb.js";
import type { Writeback } from "../system.js";

/** Where one domain stands, for one device: dirty_throttle_control. */
export interface DomainControl extends DirtyControl {
  domain: WbDomain;
}

/** Counts of control groups, refilled for each question. */
const stats: MemcgWbStats = { filepages: 0, headroom: 0, dirty: 0, writeback: 0 };

/** The domain of a control group, made when it is first asked for. */
export function domainOf(w: Writeback, css: Css): WbDomain {
  let d = w.st.memcgDomains.get(css.id);
  if (d === undefined) {
    d = new WbDomain();
    w.st.memcgDomains.set(css.id, d);
  }
  return d;
}

/** Periods of the completions' aging that have ended: 3 s each; it stops when nothing is left. writeout_period(). */
export function age(w: Writeback, d: WbDomain): void {
  if (d.periodTicks < 0) return;
  const length = 3 * w.k.time.hz;
  const ended = Math.floor((w.k.time.ticks - d.periodTicks) / length);
  if (ended <= 0) return;
  d.periodTicks = d.completions.newPeriod(ended) ? d.periodTicks + ended * length : -1;
}

/** Pages of the machine that could be dirty. */
function globalAvail(w: Writeback): number {
  const { mm } = w.k;
  const free = mm.read(NR_FREE_PAGES);
  return free - Math.min(free, mm.totalReserve) + mm.read(NR_LRU_BASE + 2) + mm.read(NR_LRU_BASE + 3) + 1;
}

const isRt = (t: Task | null): boolean => t !== null && t.se.rtPriority > 0;

/** The machine's thresholds, as the task sees them (real-time tasks: a quarter more). global_dirty_limits(). */
export function globalDirtyLimits(w: Writeback, t: Task | null = null): DirtyLimits {
  return limitsOf(w, t, globalAvail(w), undefined);
}

function limitsOf(w: Writeback, t: Task | null, avail: number, ofGlobal: number | undefined): DirtyLimits {
  const s = w.st.knobs;
  const out = domainDirtyLimits({
    dirtyRatio: s.dirtyRatio,
    dirtyBackgroundRatio: s.dirtyBackgroundRatio,
    dirtyBytes: Number(s.dirtyBytes),
    dirtyBackgroundBytes: Number(s.dirtyBackgroundBytes),
    avail,
    ...(ofGlobal !== undefined && { globalAvail: ofGlobal }),
    rt: isRt(t),
    dirtyLimit: w.st.domain.dirtyLimit,
  });
  const tp = w.trace.globalDirtyState;
  if (tp.on && ofGlobal === undefined) {
    const read = (slot: number): number => w.k.mm.read(slot);
    tp.emit(
      read(NR_FILE_DIRTY),
      read(NR_WRITEBACK),
      out.bgThresh,
      out.thresh,
      w.st.domain.dirtyLimit,
      read(w.nrDirtied),
      read(w.nrWritten),
    );
  }
  return out;
}

/** Bandwidth of all of a device's groups that have something dirty, pages/s. */
function totBandwidth(w: Writeback, wb: Wb): number {
  let n = 0;
  for (const x of w.st.wbs) if (x.dev === wb.dev && x.hasDirtyIo) n += x.avgWriteBandwidth;
  return n;
}

/** A device's part of a domain's threshold, pages. wb_calc_thresh(). */
function wbThresh(w: Writeback, wb: Wb, d: WbDomain, thresh: number, dirty: number): number {
  age(w, d);
  const c = d === w.st.domain ? wb.completions : wb.memcgCompletions;
  c.fraction(d.completions);
  const { bdi } = wb.dev;
  return wbCalcThresh({
    thresh,
    dirty,
    numerator: c.numerator,
    denominator: c.denominator,
    sumMinRatio: w.st.bdis.minRatioSum,
    minRatio: bdi.minRatio,
    maxRatio: bdi.maxRatio,
    avgWriteBandwidth: wb.avgWriteBandwidth,
    totWriteBandwidth:
      wb.css === null && w.st.wbs.length === w.st.devices.size ? wb.avgWriteBandwidth : totBandwidth(w, wb),
    strictlimit: bdi.strictLimit,
  });
}

/** A device's part of the threshold now, as debugfs and /sys/class/bdi tell. */
export function wbThreshNow(w: Writeback, wb: Wb): number {
  const { mm } = w.k;
  return wbThresh(w, wb, w.st.domain, globalDirtyLimits(w).thresh, mm.read(NR_FILE_DIRTY) + mm.read(NR_WRITEBACK));
}

/** The machine's domain as it stands. `all`: with the device's part, which costs more. */
export function globalControl(w: Writeback, wb: Wb, t: Task | null, all: boolean): DomainControl {
  const { mm } = w.k;
  const { thresh, bgThresh } = globalDirtyLimits(w, t);
  return controlOf(w, wb, w.st.domain, thresh, bgThresh, mm.read(NR_FILE_DIRTY) + mm.read(NR_WRITEBACK), all);
}

/** The domain of the device's control group; null: it has none, or the group has no limit. */
export function memcgControl(w: Writeback, wb: Wb, t: Task | null, all: boolean): DomainControl | null {
  const { memcg } = w.k.contracts;
  if (wb.css === null || memcg === undefined) return null;
  memcg.wbStats(wb.css, stats);
  const { mm } = w.k;
  const avail = globalAvail(w);
  const clean = avail - Math.min(avail, mm.read(NR_FILE_DIRTY) + mm.read(NR_WRITEBACK));
  const own = memcgAvail(stats.filepages, stats.dirty + stats.writeback, stats.headroom, clean);
  const { thresh, bgThresh } = limitsOf(w, t, own, avail);
  return controlOf(w, wb, domainOf(w, wb.css), thresh, bgThresh, stats.dirty + stats.writeback, all);
}

function controlOf(
  w: Writeback,
  wb: Wb,
  domain: WbDomain,
  thresh: number,
  bgThresh: number,
  dirty: number,
  all: boolean,
): DomainControl {
  const own = all ? wbThresh(w, wb, domain, thresh, dirty) : 0;
  return {
    domain,
    thresh,
    bgThresh,
    dirtyLimit: domain.dirtyLimit,
    dirty,
    wbThresh: own,
    wbBgThresh: thresh === 0 ? 0 : mulDiv(own, bgThresh, thresh),
    wbDirty: wb.reclaimable + wb.writeback,
    avgWriteBandwidth: wb.avgWriteBandwidth,
    strictlimit: wb.dev.bdi.strictLimit,
  };
}

/** Is there more dirty than may stay so without the background's writing? wb_over_bg_thresh(). */
export function wbOverBgThresh(w: Writeback, wb: Wb): boolean {
  const { mm } = w.k;
  const nrDirty = mm.read(NR_FILE_DIRTY);
  const over = (d: WbDomain, l: DirtyLimits, dirty: number, all: number): boolean => {
    if (dirty > l.bgThresh) return true;
    const own = wbThresh(w, wb, d, l.thresh, all);
    return wb.reclaimable > (l.thresh === 0 ? 0 : mulDiv(own, l.bgThresh, l.thresh));
  };
  if (over(w.st.domain, globalDirtyLimits(w), nrDirty, nrDirty + mm.read(NR_WRITEBACK))) return true;
  const m = memcgControl(w, wb, null, false);
  return m !== null && over(m.domain, m, stats.dirty, m.dirty);
}

/** What the counters of all CPUs may be off by. wb_stat_error(). */
export function wbStatError(w: Writeback): number {
  const cpus = w.k.cpus.nr;
  return cpus * 8 * (1 + ilog2(cpus));
}

/** The limits changed: how many pages a CPU's tasks may dirty unseen, and the domain's limit anew. writeback_set_ratelimit(). */
export function setRatelimit(w: Writeback): void {
  const { thresh } = globalDirtyLimits(w);
  w.st.domain.dirtyLimit = thresh;
  w.st.ratelimitPages = Math.max(16, Math.floor(thresh / (w.k.cpus.nrOnline * 32)));
}

/**
 * Dirty limits: how many pages may be dirty, of the whole machine (or a memory control group) and of one device. Kernel documents
 * admin-guide/sysctl/vm (dirty_ratio and its relatives), ABI/testing/sysfs-class-bdi.
 */
import { BDI_RATIO_MAX, MAX_THRESH } from "./constants.js";
import { div, divRoundUp, ilog2, mulDiv } from "./intMath.js";

/** vm.dirty_ratio and the like. Of each pair (ratio, bytes) one is 0. */
export interface DirtyKnobs {
  /** Percent. */
  dirtyRatio: number;
  dirtyBackgroundRatio: number;
  /** Bytes. */
  dirtyBytes: number;
  dirtyBackgroundBytes: number;
}

export interface DomainLimitsInput extends DirtyKnobs {
  /** Pages that could be dirtied. */
  avail: number;
  /** Of a control group's domain: the machine's avail; byte knobs then become ratios of it. */
  globalAvail?: number;
  /** The asking task is real-time: it gets a quarter more. */
  rt: boolean;
  /** dirty_limit of the global domain. */
  dirtyLimit: number;
}

/** Result of domainDirtyLimits, pages. */
export interface DirtyLimits {
  thresh: number;
  bgThresh: number;
}

const PAGE = 4096;

/** domain_dirty_limits(). `out` is filled and returned. */
export function domainDirtyLimits(i: DomainLimitsInput, out: DirtyLimits = { thresh: 0, bgThresh: 0 }): DirtyLimits {
  let bytes = i.dirtyBytes;
  let bgBytes = i.dirtyBackgroundBytes;
  let ratio = div(i.dirtyRatio * PAGE, 100);
  let bgRatio = div(i.dirtyBackgroundRatio * PAGE, 100);
  if (i.globalAvail !== undefined) {
    if (bytes > 0) ratio = Math.min(divRoundUp(bytes, i.globalAvail), PAGE);
    if (bgBytes > 0) bgRatio = Math.min(divRoundUp(bgBytes, i.globalAvail), PAGE);
    bytes = bgBytes = 0;
  }
  let thresh = bytes > 0 ? divRoundUp(bytes, PAGE) : mulDiv(ratio, i.avail, PAGE);
  let bg = bgBytes > 0 ? divRoundUp(bgBytes, PAGE) : mulDiv(bgRatio, i.avail, PAGE);
  if (i.rt) {
    bg += Math.floor(bg / 4) + Math.floor(i.dirtyLimit / 32);
    thresh += Math.floor(thresh / 4) + Math.floor(i.dirtyLimit / 32);
  }
  if (thresh > MAX_THRESH) thresh = MAX_THRESH;
  // after the boost: the background threshold stays below the other
  if (bg >= thresh) bg = Math.floor(thresh / 2);
  out.thresh = thresh;
  out.bgThresh = bg;
  return out;
}

export interface WbShareInput {
  thresh: number;
  /** Dirty and under writeback in the domain. */
  dirty: number;
  /** The device's share of recent completions. */
  numerator: number;
  denominator: number;
  /** Sum of min_ratio over all devices, and this one's limits; ppm. */
  sumMinRatio: number;
  minRatio: number;
  maxRatio: number;
  /** Of this writeback domain and of all of the device (several control groups write to it), pages/s. */
  avgWriteBandwidth: number;
  totWriteBandwidth: number;
  strictlimit: boolean;
}

/** wb_calc_thresh(): a device's part of the threshold, pages. */
export function wbCalcThresh(i: WbShareInput): number {
  const { thresh } = i;
  let min = i.minRatio;
  let max = i.maxRatio;
  const own = i.avgWriteBandwidth;
  const all = i.totWriteBandwidth;
  if (own < all) {
    if (min > 0) min = mulDiv(min, own, all);
    if (max < BDI_RATIO_MAX) max = mulDiv(max, own, all);
  }
  let x = mulDiv(thresh, BDI_RATIO_MAX - i.sumMinRatio, BDI_RATIO_MAX);
  x = mulDiv(x, i.numerator, i.denominator);
  x += mulDiv(thresh, min, BDI_RATIO_MAX);
  // a device that has written nothing yet is given room to begin
  if (thresh > i.dirty) x = Math.max(x, Math.floor((thresh - i.dirty) / (i.strictlimit ? 100 : 8)));
  const cap = mulDiv(thresh, max, BDI_RATIO_MAX);
  return x > cap ? cap : x;
}

/** How many pages a task that is not throttled may dirty before it looks again: about the root of the room that is left. */
export function dirtyPollInterval(dirty: number, thresh: number): number {
  return thresh > dirty ? 2 ** (ilog2(thresh - dirty) >> 1) : 1;
}

/** Pages a control group's domain could dirty. */
export function memcgAvail(filepages: number, dirty: number, headroom: number, globalClean: number): number {
  const clean = filepages - Math.min(filepages, dirty);
  const otherClean = globalClean - Math.min(globalClean, clean);
  return filepages + Math.min(headroom, otherClean);
}

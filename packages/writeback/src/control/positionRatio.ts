/**
 * Position control: how much faster or slower than the base rate writers may dirty pages, from where the dirty count stands
 * between its limits. 1024 is 1.0. Kernel comment "Dirty position control" of mm/page-writeback.c describes the curve.
 */
import { div, mulDiv, odd, shr } from "./intMath.js";

/** Dirty limits and counts of one domain and one device, in pages: `struct dirty_throttle_control`. */
export interface DirtyControl {
  thresh: number;
  bgThresh: number;
  /** The domain's slowly falling limit (wb_domain.dirty_limit). */
  dirtyLimit: number;
  /** Dirty and under writeback. */
  dirty: number;
  wbThresh: number;
  wbBgThresh: number;
  wbDirty: number;
  /** Pages/s. */
  avgWriteBandwidth: number;
  strictlimit: boolean;
}

/** Which kernel's rules for devices with a small share. */
export type ControlVersion = "6.1" | "6.18";

/** Nobody is throttled below the middle of the two thresholds. */
export function dirtyFreerunCeiling(thresh: number, bgThresh: number): number {
  return Math.floor((thresh + bgThresh) / 2);
}

/** The limit that counts: the threshold, or what is left of a higher one. */
export function hardDirtyLimit(dirtyLimit: number, thresh: number): number {
  return Math.max(thresh, dirtyLimit);
}

/** Where the control wants the domain's dirty count. */
export function dirtySetpoint(c: Pick<DirtyControl, "thresh" | "bgThresh" | "dirtyLimit">): number {
  return Math.floor((dirtyFreerunCeiling(c.thresh, c.bgThresh) + hardDirtyLimit(c.dirtyLimit, c.thresh)) / 2);
}

/** Third-order curve: 2.0 far below the set point, 1.0 on it, 0 at the limit. */
export function posRatioPolynom(setpoint: number, dirty: number, limit: number): number {
  const x = div((setpoint - dirty) * 1024, odd(limit - setpoint));
  let p = x;
  p = shr(p * x, 10);
  p = Math.abs(p * x) <= Number.MAX_SAFE_INTEGER ? shr(p * x, 10) : Number((BigInt(p) * BigInt(x)) >> 10n);
  p += 1024;
  return p < 0 ? 0 : p > 2048 ? 2048 : p;
}

/** wb_position_ratio(): 0 (stop) .. 2048 globally, up to 8 times that for a device far below its share. */
export function wbPositionRatio(c: DirtyControl, version: ControlVersion = "6.18"): number {
  const { thresh, dirty, wbDirty } = c;
  const limit = hardDirtyLimit(c.dirtyLimit, thresh);
  if (dirty >= limit) return 0;
  const setpoint = dirtySetpoint(c);
  let p = posRatioPolynom(setpoint, dirty, limit);
  let { wbThresh } = c;
  if (c.strictlimit) {
    if (version === "6.1" && wbDirty < 8) return Math.min(p * 2, 2048);
    if (wbDirty >= wbThresh) return 0;
    const s = dirtyFreerunCeiling(wbThresh, c.wbBgThresh);
    if (s === 0 || s === wbThresh) return 0;
    return Math.min(p, posRatioPolynom(s, wbDirty, wbThresh));
  }
  wbThresh = Math.min(wbThresh, thresh);
  if (version === "6.1") wbThresh = Math.max(wbThresh, Math.floor((limit - dirty) / 8));
  const x = div(wbThresh * 65536, odd(thresh));
  const wbSetpoint = shr(setpoint * x, 16);
  const span = mulDiv(thresh - wbThresh + 8 * c.avgWriteBandwidth, x, 65536);
  let intercept = wbSetpoint + span;
  if (wbDirty < intercept - Math.floor(span / 4)) p = mulDiv(p, intercept - wbDirty, odd(intercept - wbSetpoint));
  else p = Math.floor(p / 4);
  // what is kept in reserve, so that a device never runs dry
  intercept = Math.floor(wbThresh / 2);
  if (wbDirty < intercept) p = wbDirty > Math.floor(intercept / 8) ? mulDiv(p, intercept, wbDirty) : p * 8;
  return p;
}

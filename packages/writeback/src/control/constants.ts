/** Constants of mm/page-writeback.c and fs/fs-writeback.c that behaviour depends on. Kernel documents admin-guide/sysctl/vm. */

/** Fixed point of ratios: 1024 is 1.0. */
export const RATELIMIT_CALC_SHIFT = 10;
/** Below this many pages a task is not made to look at the limits by its own count. */
export const DIRTY_POLL_THRESH = 32;
/** Bandwidth of a device before anything was measured, pages/s: 100 MB/s. */
export const INIT_BW = 25600;
/** The smallest chunk the flusher writes of one inode, pages. */
export const MIN_WRITEBACK_PAGES = 1024;
/** Parts per million in a hundredth: bdi ratios are kept in ppm. */
export const BDI_RATIO_SCALE = 10000;
export const BDI_RATIO_MAX = 1000000;
/** max_prop_frac of a device without a maximum. */
export const FPROP_FRAC_BASE = 1024;
/** Most pages a device's share of thresholds can be. */
export const MAX_THRESH = 0xffffffff;
/** Reference value of "without bound" in works and passes: prints as LONG_MAX. */
export const LONG_MAX: number = 2 ** 63;

/** Longest pause of a writer, ticks. */
export function maxPauseTicks(hz: number): number {
  return Math.max(Math.floor(hz / 5), 1);
}

/** How often bandwidth and rate limits are estimated, ticks. */
export function bandwidthInterval(hz: number): number {
  return Math.max(Math.floor(hz / 5), 1);
}

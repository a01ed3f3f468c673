/** vm.dirty_* and laptop_mode: /proc/sys/vm. Kernel document admin-guide/sysctl/vm. */
import { type Core, ERANGE, fail, intSysctl, ulongSysctl } from "@kernelkit/core";

const MAX_PAGES = 0xffffffff;

/** Settings of writeback, as the files show them. Of each pair (ratio, bytes) one is 0. */
export class Knobs {
  /** Percent of available memory. */
  dirtyRatio = 20;
  dirtyBackgroundRatio = 10;
  /** Bytes; a bigint beyond 2^53. */
  dirtyBytes: number | bigint = 0;
  dirtyBackgroundBytes: number | bigint = 0;
  /** Hundredths of a second. */
  dirtyExpireCentisecs = 3000;
  dirtyWritebackCentisecs = 500;
  dirtytimeExpireSeconds = 43200;
  laptopMode = 0;
}

/** ERANGE: more pages than a threshold can have. The round-up of the largest numbers overflows to 0 and passes. */
function checkPages(bytes: number | bigint): void {
  const pages = ((BigInt(bytes) + 4095n) & 0xffffffffffffffffn) >> 12n;
  if (pages > BigInt(MAX_PAGES)) fail(ERANGE);
}

/** Make the files; `limitsChanged` after a change of the dirty pair, `wakeFlushers` after a new period. */
export function installKnobs(k: Core, s: Knobs, limitsChanged: () => void, wakeFlushers: () => void): void {
  k.sysctl.registerAll("vm", {
    dirty_ratio: intSysctl({
      min: 0,
      max: 100,
      get: () => s.dirtyRatio,
      set(_c, v) {
        if (v === s.dirtyRatio) return;
        s.dirtyRatio = v;
        s.dirtyBytes = 0;
        limitsChanged();
      },
    }),
    dirty_bytes: ulongSysctl({
      min: 8192,
      get: () => s.dirtyBytes,
      set(_c, v) {
        if (v === s.dirtyBytes) return;
        checkPages(v);
        s.dirtyBytes = v;
        s.dirtyRatio = 0;
        limitsChanged();
      },
    }),
    dirty_background_ratio: intSysctl({
      min: 0,
      max: 100,
      get: () => s.dirtyBackgroundRatio,
      set(_c, v) {
        s.dirtyBackgroundRatio = v;
        s.dirtyBackgroundBytes = 0;
      },
    }),
    dirty_background_bytes: ulongSysctl({
      min: 1,
      get: () => s.dirtyBackgroundBytes,
      set(_c, v) {
        checkPages(v);
        s.dirtyBackgroundBytes = v;
        s.dirtyBackgroundRatio = 0;
      },
    }),
    dirty_expire_centisecs: intSysctl({
      min: 0,
      get: () => s.dirtyExpireCentisecs,
      set(_c, v) {
        s.dirtyExpireCentisecs = v;
      },
    }),
    dirty_writeback_centisecs: intSysctl({
      get: () => s.dirtyWritebackCentisecs,
      set(_c, v) {
        const old = s.dirtyWritebackCentisecs;
        s.dirtyWritebackCentisecs = v;
        if (v !== 0 && v !== old) wakeFlushers();
      },
    }),
    dirtytime_expire_seconds: intSysctl({
      min: 0,
      get: () => s.dirtytimeExpireSeconds,
      set(_c, v) {
        s.dirtytimeExpireSeconds = v;
      },
    }),
    // kept in ticks
    laptop_mode: intSysctl({
      min: -Math.floor(0x7fffffff / k.time.hz),
      max: Math.floor(0x7fffffff / k.time.hz),
      get: () => s.laptopMode,
      set(_c, v) {
        s.laptopMode = v;
      },
    }),
  });
}

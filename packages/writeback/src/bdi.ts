/** Backing devices: limits of what may be dirty for one device, and /sys/class/bdi. Kernel document ABI/testing/sysfs-class-bdi. */
import { type Core, EINVAL, fail, kstrtou64, kstrtouint, orFail } from "@kernelkit/core";
import { BDI_RATIO_MAX, BDI_RATIO_SCALE } from "./control/constants.js";
import type { StablePages } from "./options.js";

/** backing_dev_info: state. */
export class BackingDevInfo {
  /** Pages read ahead; a bigint beyond 2^53. */
  raPages: number | bigint = 32;
  /** Parts per million of the threshold. */
  minRatio = 0;
  maxRatio: number = BDI_RATIO_MAX;
  strictLimit = false;
  /** The device wants pages that do not change while they are written (designs before 3.9's end). */
  stableRequired = false;
  constructor(
    /** "7:0". */
    readonly name: string,
  ) {}
}

/** All of them, and the sum of their minima (ppm). */
export class BdiList {
  readonly list: BackingDevInfo[] = [];
  minRatioSum = 0;
}

/** An unsigned decimal number of 32 bits. EINVAL, ERANGE. */
const decimal = (text: string): number => orFail(kstrtouint(text, 10));

/** One of 64 bits. */
const decimal64 = (text: string): bigint => orFail(kstrtou64(text, 10));

/** bdi_set_min_ratio(), in ppm. EINVAL: above the maximum, or all minima together reach the whole. */
export function bdiSetMinRatio(all: BdiList, b: BackingDevInfo, ppm: number): void {
  if (ppm > BDI_RATIO_MAX || ppm > b.maxRatio) fail(EINVAL);
  const sum = all.minRatioSum + ppm - b.minRatio;
  if (ppm > b.minRatio && sum >= BDI_RATIO_MAX) fail(EINVAL);
  all.minRatioSum = sum;
  b.minRatio = ppm;
}

/** bdi_set_max_ratio(), in ppm. EINVAL: below the minimum. */
export function bdiSetMaxRatio(b: BackingDevInfo, ppm: number): void {
  if (ppm > BDI_RATIO_MAX || b.minRatio > ppm) fail(EINVAL);
  b.maxRatio = ppm;
}

/** Files of one device. `thresh`: pages that may be dirty now. */
export function installBdiFiles(
  k: Core,
  all: BdiList,
  thresh: () => number,
  design: StablePages,
): (b: BackingDevInfo) => void {
  const ratio = (scale: number, get: (b: BackingDevInfo) => number, set: (b: BackingDevInfo, ppm: number) => void) => ({
    mode: 0o644,
    show: (_c: unknown, b: BackingDevInfo) => `${Math.floor(get(b) / scale)}\n`,
    store(_c: unknown, b: BackingDevInfo, text: string): undefined {
      // unsigned 32-bit arithmetic, overflow and all
      set(b, Math.imul(decimal(text), scale) >>> 0);
    },
  });
  const min = (b: BackingDevInfo): number => b.minRatio;
  const max = (b: BackingDevInfo): number => b.maxRatio;
  const setMin = (b: BackingDevInfo, v: number): void => bdiSetMinRatio(all, b, v);
  const bytes = (get: (b: BackingDevInfo) => number, set: (b: BackingDevInfo, ppm: number) => void) => ({
    mode: 0o644,
    show: (_c: unknown, b: BackingDevInfo) => `${Math.floor((get(b) * thresh()) / BDI_RATIO_MAX) * 4096}\n`,
    store(_c: unknown, b: BackingDevInfo, text: string): undefined {
      const pages = Number(decimal64(text) >> 12n);
      const t = thresh();
      if (t === 0 || pages > t) return fail(EINVAL);
      set(b, Math.floor((pages * BDI_RATIO_MAX) / t));
    },
  });
  const group = k.sysfs.group("bdi", {
    read_ahead_kb: {
      mode: 0o644,
      // kilobytes as a signed number
      show: (_c, b: BackingDevInfo) => `${BigInt.asIntN(64, BigInt(b.raPages) * 4n)}\n`,
      store(_c, b, text) {
        const pages = decimal64(text) >> 2n;
        b.raPages = pages < 2n ** 53n ? Number(pages) : pages;
      },
    },
    min_ratio: ratio(BDI_RATIO_SCALE, min, setMin),
    max_ratio: ratio(BDI_RATIO_SCALE, max, bdiSetMaxRatio),
    min_ratio_fine: ratio(1, min, setMin),
    max_ratio_fine: ratio(1, max, bdiSetMaxRatio),
    min_bytes: bytes(min, setMin),
    max_bytes: bytes(max, bdiSetMaxRatio),
    strict_limit: {
      mode: 0o644,
      show: (_c, b: BackingDevInfo) => `${b.strictLimit ? 1 : 0}\n`,
      store(_c, b, text) {
        const v = decimal(text);
        if (v > 1) return fail(EINVAL);
        b.strictLimit = v === 1;
        return undefined;
      },
    },
    stable_pages_required: {
      mode: design === "user-settable" ? 0o644 : 0o444,
      show(c, b: BackingDevInfo) {
        if (design !== "modern") return `${b.stableRequired ? 1 : 0}\n`;
        const text = `bdi ${b.name}: the stable_pages_required attribute has been removed. Use the stable_writes queue attribute instead.`;
        if (!c.k.loop.warned.has("bdi.stable_pages_required")) {
          c.k.loop.warned.add("bdi.stable_pages_required");
          c.k.log(4, text);
        }
        return "0\n";
      },
      ...(design === "user-settable" && {
        store(_c: unknown, b: BackingDevInfo, text: string): undefined {
          const v = decimal(text);
          if (v > 1) return fail(EINVAL);
          b.stableRequired = v === 1;
          return undefined;
        },
      }),
    },
  });
  return (b) => {
    all.list.push(b);
    k.devices.add({ name: b.name, subsystem: "bdi", group, owner: b });
  };
}

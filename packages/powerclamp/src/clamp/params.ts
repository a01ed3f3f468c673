/**
 * params: the module parameters of intel_powerclamp - what each accepts, what it answers, what it says in the log
 * (admin-guide/thermal/intel_powerclamp, "Module Parameters").
 *
 * `duration` (ms) and `window_size` are read by kstrtoul in base 10: an optional `+`, an optional last newline, nothing else.
 * Out of range is EINVAL with a line in the log; 3.9 and 6.1 then clamp the value all the same, 6.3 keeps `duration`.
 */
import { bitmapParse, EAGAIN, EINVAL, Errno, kstrtou8, kstrtoul } from "@kernelkit/core";
import { type DriverDesign, DURATION_MS, MAX_ALL_CPU_IDLE, WINDOW_SIZE } from "./driverDesign.js";

/** Outcome of a write. */
export interface ParamWrite<T> {
  /** 0, or the errno the writer gets. */
  readonly errno: number;
  /** The new value; undefined: unchanged. */
  readonly value?: T;
  /** A line for the log, level 3, without the module's prefix. */
  readonly message?: string;
}

function ranged(
  text: string,
  [min, max]: readonly [number, number],
  clamps: boolean,
  message: (v: bigint) => string,
): ParamWrite<number> {
  const v = kstrtoul(text, 10);
  if (v instanceof Errno) return { errno: v.nr };
  if (v >= min && v <= max) return { errno: 0, value: Number(v) };
  const refused = { errno: EINVAL, message: message(v) };
  return clamps ? { ...refused, value: v < min ? min : max } : refused;
}

/** A write to `duration`; the value is in ms. EINVAL, ERANGE. */
export function writeDuration(design: DriverDesign, text: string): ParamWrite<number> {
  return ranged(
    text,
    DURATION_MS,
    design.clampsDuration,
    (v) => `Out of recommended range ${v}, between ${DURATION_MS[0]}-${DURATION_MS[1]}ms`,
  );
}

/** A write to `window_size`. EINVAL, ERANGE. */
export function writeWindowSize(text: string): ParamWrite<number> {
  return ranged(
    text,
    WINDOW_SIZE,
    true,
    (v) => `Out of recommended window size ${v}, between ${WINDOW_SIZE[0]}-${WINDOW_SIZE[1]}`,
  );
}

/** Is every present CPU in the mask? */
export function isFullMask(mask: Uint32Array, present: Uint8Array): boolean {
  return present.every((p, cpu) => p === 0 || ((mask[cpu >> 5] >>> (cpu & 31)) & 1) === 1);
}

/**
 * 6.3: a write to `max_idle`. EAGAIN while clamping comes before everything else; above 100, or above 75 with the full
 * mask, is EINVAL. 0 is taken - it removes the cap - unless `refuseZero`.
 */
export function writeMaxIdle(text: string, clamping: boolean, full: boolean, refuseZero: boolean): ParamWrite<number> {
  if (clamping) return { errno: EAGAIN };
  const v = kstrtou8(text, 10);
  if (v instanceof Errno) return { errno: v.nr };
  if (v > 100 || (full && v > MAX_ALL_CPU_IDLE) || (refuseZero && v === 0)) return { errno: EINVAL };
  return { errno: 0, value: v };
}

/**
 * 6.3: a write to `cpumask`, hex words of 32 bits apart by commas. EAGAIN while clamping comes first; EINVAL for garbage, the
 * empty mask, or the full mask while `max_idle` is above 75; EOVERFLOW for CPUs that are not possible.
 */
export function writeCpumask(
  text: string,
  clamping: boolean,
  present: Uint8Array,
  maxIdle: number,
): ParamWrite<Uint32Array> {
  if (clamping) return { errno: EAGAIN };
  const mask = bitmapParse(text, present.length);
  if (mask instanceof Errno) return { errno: mask.nr };
  if (mask.every((w) => w === 0)) return { errno: EINVAL };
  if (maxIdle > MAX_ALL_CPU_IDLE && isFullMask(mask, present)) return { errno: EINVAL };
  return { errno: 0, value: mask };
}

/** Jiffies to ms, as Linux's own: rounded down below HZ 1000, up above. */
export function jiffiesToMsecs(jiffies: number, hz: number): number {
  return hz > 1000 ? Math.ceil((jiffies * 1000) / hz) : Math.floor((jiffies * 1000) / hz);
}

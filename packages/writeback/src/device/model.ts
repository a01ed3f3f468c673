/** How a block device behaves: what `addDevice` is given. */

export interface DeviceModel {
  /** Bytes per second. Default: as fast as one likes, 100 us a request. 0: stalled forever. */
  writeBps?: number;
  /** Bytes per second for reads. Default: reads take no time. */
  readBps?: number;
  /** From the medium's end of a request to its completion, ns. Default 0 with writeBps, 100 us without. */
  latencyNs?: number;
  /** Of the medium, before a request that does not begin where the last one ended. Default 0. */
  seekNs?: number;
  /** Requests under way at once; who submits more sleeps. Default 128. */
  queueDepth?: number;
  /** Pages of one request. Default 320 (1280 KiB). */
  maxPages?: number;
  /** Bytes of volatile cache: writes complete when they are in it, and are safe only after a flush. Default 0. */
  writeCacheBytes?: number;
  /** Bytes. Default 1 GiB. */
  size?: number;
  /** The queue says that pages must not change while they are written. */
  stableWrites?: boolean;
  /** "crc": each page is checksummed at submission and verified when it is transferred. */
  integrity?: "none" | "crc";
  /** Errno (positive) that data writes complete with. */
  writeError?: number;
  /** First block and number of blocks whose writes fail with `writeError`; default all. */
  badBlocks?: readonly [first: number, count: number];
  /** Free blocks can be given back (discard). */
  discard?: boolean;
  /** Names of the halves of a mirror. */
  raid1?: readonly string[];
  /** Names of at least three devices: data in stripes of one page each, with parity. */
  raid5?: readonly string[];
  /** What a mirror or a parity array wants of stable pages. "optional": where they cannot be had it copies each page. */
  stable?: "none" | "optional" | "required";
}

const NUMBERS: readonly (readonly [keyof DeviceModel, min: number])[] = [
  ["writeBps", 0],
  ["readBps", 1],
  ["latencyNs", 0],
  ["seekNs", 0],
  ["queueDepth", 1],
  ["maxPages", 1],
  ["writeCacheBytes", 0],
  ["size", 65536],
  ["writeError", 0],
];
const OTHERS: readonly (keyof DeviceModel)[] = [
  "stableWrites",
  "integrity",
  "badBlocks",
  "discard",
  "raid1",
  "raid5",
  "stable",
];

/** TypeError for an unknown option, RangeError for a value that cannot be; both name it. */
export function checkModel(m: DeviceModel): void {
  for (const key of Object.keys(m) as (keyof DeviceModel)[])
    if (!OTHERS.includes(key) && !NUMBERS.some(([name]) => name === key))
      throw new TypeError(`device: unknown option '${String(key)}'`);
  for (const [name, min] of NUMBERS) {
    const v = m[name] as number | undefined;
    if (v !== undefined && !(typeof v === "number" && v >= min))
      throw new RangeError(`device: ${name} must be a number of at least ${min}, not ${String(v)}`);
  }
  const choice = (name: "integrity" | "stable", allowed: readonly string[]): void => {
    const v = m[name];
    if (v !== undefined && !allowed.includes(v))
      throw new RangeError(`device: ${name} must be one of ${allowed.join(", ")}, not ${String(v)}`);
  };
  choice("integrity", ["none", "crc"]);
  choice("stable", ["none", "optional", "required"]);
  const parts = (name: "raid1" | "raid5", least: number): void => {
    const v: unknown = m[name];
    if (v === undefined) return;
    if (!Array.isArray(v) || v.length < least || v.some((x) => typeof x !== "string"))
      throw new RangeError(`device: ${name} must be the names of at least ${least} devices`);
  };
  parts("raid1", 2);
  parts("raid5", 3);
}

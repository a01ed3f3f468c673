/** What writeback() can be given. */

/** Who waits before it changes a page that is being written; "modern" is Linux 6.18: files of file systems whose device asked for it when they were mounted. */
export type StablePages = "modern" | "always" | "bdi-flag" | "user-settable" | "pg-stable" | "none";

/** Who is slowed down when too much is dirty: by the control loop, or (before 3.1) by writing pages itself. */
export type Throttle = "control-loop" | "writer-writeback";

export interface WritebackOptions {
  /** Default "modern". */
  stablePages?: StablePages;
  /** What ext3 in data=ordered does on a device that needs stable pages. Default "mount". */
  ext3?: "mount" | "refuse-rw";
  /** Default "control-loop". */
  throttle?: Throttle;
  /** FALLOC_FL_NO_HIDE_STALE: "off" refuses it, as Linux; "3.7" as was proposed then. Default "off". */
  noHideStale?: "off" | "3.7";
  /** What devices and the page cache of their files keep of bytes: nothing (reads give zeros), one value per page, all. Default "full". */
  contents?: "none" | "pattern" | "full";
  /** Page flags that the build has room for, beyond those in use: "pg-stable" takes one. Default 1. */
  freePageFlags?: number;
}

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  stablePages: ["modern", "always", "bdi-flag", "user-settable", "pg-stable", "none"],
  ext3: ["mount", "refuse-rw"],
  throttle: ["control-loop", "writer-writeback"],
  noHideStale: ["off", "3.7"],
  contents: ["full", "pattern", "none"],
};
const ALL = [...Object.keys(CHOICES), "freePageFlags"];

/** Check and fill in. TypeError for an unknown option, RangeError for an unknown choice; both name it. */
export function resolveOptions(o: WritebackOptions): Required<WritebackOptions> {
  for (const [key, value] of Object.entries(o)) {
    if (!ALL.includes(key)) throw new TypeError(`writeback: unknown option '${key}'; there are ${ALL.join(", ")}`);
    const choices = CHOICES[key];
    if (choices !== undefined && value !== undefined && !choices.includes(value as string))
      throw new RangeError(`writeback: ${key} must be one of ${choices.join(", ")}, not ${String(value)}`);
  }
  const freePageFlags = o.freePageFlags ?? 1;
  if (!Number.isInteger(freePageFlags) || freePageFlags < 0)
    throw new RangeError(`writeback: freePageFlags must be a whole number of at least 0, not ${String(freePageFlags)}`);
  const stablePages = o.stablePages ?? "modern";
  if (stablePages === "pg-stable" && freePageFlags < 1)
    throw new RangeError("writeback: stablePages 'pg-stable' needs a page flag, and freePageFlags is 0");
  return {
    stablePages,
    ext3: o.ext3 ?? "mount",
    throttle: o.throttle ?? "control-loop",
    noHideStale: o.noHideStale ?? "off",
    contents: o.contents ?? "full",
    freePageFlags,
  };
}

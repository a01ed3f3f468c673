/** What writeback() can be given. */

/** Who waits before it changes a page that is being written; "modern" is Linux 6.18: files of file systems whose device asked for it when they were mounted. */
export type StablePages = "modern" | "always" | "bdi-flag" | "user-settable" | "pg-stable" | "none";

export interface WritebackOptions {
  /** Default "modern". */
  stablePages?: StablePages;
  /** What ext3 in data=ordered does on a device that needs stable pages. Default "mount". */
  ext3?: "mount" | "refuse-rw";
}

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  stablePages: ["modern", "always", "bdi-flag", "user-settable", "pg-stable", "none"],
  ext3: ["mount", "refuse-rw"],
};

/** Check and fill in. TypeError for an unknown option, RangeError for an unknown choice; both name it. */
export function resolveOptions(o: WritebackOptions): Required<WritebackOptions> {
  for (const [key, value] of Object.entries(o)) {
    const choices = CHOICES[key];
    if (choices === undefined)
      throw new TypeError(`writeback: unknown option '${key}'; there are ${Object.keys(CHOICES).join(", ")}`);
    if (value !== undefined && !choices.includes(value as string))
      throw new RangeError(`writeback: ${key} must be one of ${choices.join(", ")}, not ${String(value)}`);
  }
  return { stablePages: o.stablePages ?? "modern", ext3: o.ext3 ?? "mount" };
}

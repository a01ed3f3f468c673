/** kmsgRecord: a record as /dev/kmsg gives it, taken apart (Documentation/ABI/testing/dev-kmsg). */

export interface KmsgRecord {
  /** facility * 8 + level */
  readonly prio: number;
  readonly facility: number;
  readonly level: number;
  readonly seq: number;
  /** Microseconds since boot. */
  readonly usec: number;
  readonly flags: string;
  /** Fields after the flags, with their commas. */
  readonly extra: string;
  readonly text: string;
  /** The continuation lines `KEY=value`. */
  readonly dict: Readonly<Record<string, string>>;
}

const RECORD = /^(\d+),(\d+),(\d+),([^;,]*)((?:,[^;]*)?);([^\n]*)\n([\s\S]*)$/;

/** The record in `text`; `{raw}` if it is none. */
export function parseKmsg(text: string): KmsgRecord | { readonly raw: string } {
  const m = RECORD.exec(text);
  if (m === null) return { raw: text };
  const dict: Record<string, string> = {};
  for (const line of m[7].split("\n")) {
    const at = line.indexOf("=");
    if (line.startsWith(" ") && at > 0) dict[line.slice(1, at)] = line.slice(at + 1);
  }
  const prio = Number(m[1]);
  return {
    prio,
    facility: prio >> 3,
    level: prio & 7,
    seq: Number(m[2]),
    usec: Number(m[3]),
    flags: m[4],
    extra: m[5],
    text: m[6],
    dict,
  };
}

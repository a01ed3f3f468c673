/**
 * A dump of /dev/kmsg, as `cat /dev/kmsg` of any machine gives it: read into records, and written back byte for byte. dev-kmsg (ABI
 * documentation).
 *
 *     const records = parseKmsg("6,339,5140900,-;NET: Registered\n SUBSYSTEM=net\n");
 *     records[0].dictionary.SUBSYSTEM;     // "net"
 *     formatKmsg(records);                 // the text that was read
 */

/** A record of /dev/kmsg. Texts are Latin-1: one character per byte of the log. */
export interface KmsgRecord {
  /** 0 the kernel's, 1..255 user space's. */
  readonly facility: number;
  /** 0 (emergency) .. 7 (debug). */
  readonly level: number;
  readonly seq: number;
  /** Microseconds since boot. */
  readonly usec: number;
  /** "-", or "c" for a part of a continued line. */
  readonly flags: string;
  /** Fields between the flags and the text that are not known here, in order: "caller=T12". */
  readonly extra: readonly string[];
  readonly text: string;
  /** Of a device message: SUBSYSTEM, DEVICE. */
  readonly dictionary: Readonly<Record<string, string>>;
}

const unescapeText = (text: string): string =>
  text.replace(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

const escapeText = (text: string): string =>
  text.replace(/[^ -[\]-~]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);

/**
 * Records one after the other: `prio,seq,usec,flags[,more];text`, then lines ` KEY=value` of their dictionaries.
 * @throws SyntaxError naming the first line that is neither
 */
export function parseKmsg(text: string): KmsgRecord[] {
  const out: KmsgRecord[] = [];
  text.split("\n").forEach((line, i) => {
    if (line === "") return;
    if (line.startsWith(" ")) {
      const last = out.at(-1);
      const at = line.indexOf("=");
      if (last === undefined || at < 0) throw new SyntaxError(`kmsg, line ${i + 1}: a key without a record`);
      (last.dictionary as Record<string, string>)[line.slice(1, at)] = unescapeText(line.slice(at + 1));
      return;
    }
    const m = /^(\d+),(\d+),(\d+),([^,;]*)((?:,[^,;]*)*);(.*)$/.exec(line);
    if (m === null) throw new SyntaxError(`kmsg, line ${i + 1}: not a record: ${JSON.stringify(line.slice(0, 60))}`);
    const prio = Number(m[1]);
    out.push({
      facility: prio >> 3,
      level: prio & 7,
      seq: Number(m[2]),
      usec: Number(m[3]),
      flags: m[4],
      extra: m[5] === "" ? [] : m[5].slice(1).split(","),
      text: unescapeText(m[6]),
      dictionary: {},
    });
  });
  return out;
}

/** The text that /dev/kmsg gives for these records. */
export function formatKmsg(records: readonly KmsgRecord[]): string {
  let out = "";
  for (const r of records) {
    const head = [r.facility * 8 + r.level, r.seq, r.usec, r.flags, ...r.extra].join(",");
    out += `${head};${escapeText(r.text)}\n`;
    for (const [key, value] of Object.entries(r.dictionary)) out += ` ${key}=${escapeText(value)}\n`;
  }
  return out;
}

/**
 * How records are printed. /dev/kmsg: `prio,seq,usec,flag;text` with unprintable bytes escaped and the dictionary on lines of its
 * own (dev-kmsg, ABI documentation). syslog(2), /proc/kmsg and consoles: `<prio>[ secs.usecs] text`, the prefix on each line of a
 * record, bytes as they are (syslog(2)).
 */
import { LOG_CONT, type PrintkRing } from "./ringBuffer.js";

const BACKSLASH = 0x5c;

/** Bytes as text of one character each; at most a record's. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

/** Latin-1 text (one character per byte) of a record as /dev/kmsg gives it. */
export function devkmsgText(ring: PrintkRing, seq: number, caller = false): string {
  const i = ring.index(seq);
  const prio = ring.facility[i] * 8 + ring.level[i];
  const flag = (ring.flags[i] & LOG_CONT) !== 0 ? "c" : "-";
  let out = `${prio},${seq},${Math.floor(ring.timeNs[i] / 1000)},${flag}`;
  if (caller) out += `,caller=${callerText(ring.callerId[i])}`;
  out += `;${escaped(ring.bytes(seq))}\n`;
  const dict = ring.dict.get(seq);
  if (dict !== undefined) for (const line of dict.split("\n")) out += ` ${line}\n`;
  return out;
}

/** T12: task, C0: CPU in interrupt context. */
export function callerText(id: number): string {
  return id >= 0x80000000 ? `C${id - 0x80000000}` : `T${id}`;
}

function escaped(bytes: Uint8Array): string {
  let out = "";
  let plain = 0;
  for (let i = 0; i < bytes.length; i++) {
    const b = bytes[i];
    if (b >= 0x20 && b < 0x7f && b !== BACKSLASH) continue;
    out += `${latin1(bytes.subarray(plain, i))}\\x${b < 16 ? "0" : ""}${b.toString(16)}`;
    plain = i + 1;
  }
  return plain === 0 ? latin1(bytes) : out + latin1(bytes.subarray(plain));
}

export interface SyslogFormat {
  /** `<prio>` in front. */
  readonly prefix: boolean;
  /** The time in brackets. */
  readonly time: boolean;
}

/** `[%5lu.%06lu] ` */
export function timeText(ns: number): string {
  const us = Math.floor(ns / 1000);
  const sec = Math.floor(us / 1e6);
  return `[${String(sec).padStart(5)}.${String(us - sec * 1e6).padStart(6, "0")}] `;
}

/** Latin-1 text of a record, each of its lines with the prefix and a newline. */
export function syslogText(ring: PrintkRing, seq: number, f: SyslogFormat): string {
  const i = ring.index(seq);
  let prefix = f.prefix ? `<${ring.facility[i] * 8 + ring.level[i]}>` : "";
  if (f.time) prefix += timeText(ring.timeNs[i]);
  const bytes = ring.bytes(seq);
  let out = "";
  let from = 0;
  for (;;) {
    const nl = bytes.indexOf(0x0a, from);
    const to = nl < 0 ? bytes.length : nl;
    out += `${prefix}${latin1(bytes.subarray(from, to))}\n`;
    if (nl < 0) return out;
    from = nl + 1;
  }
}

/** Length of `syslogText` without making it. */
export function syslogLength(ring: PrintkRing, seq: number, f: SyslogFormat): number {
  const i = ring.index(seq);
  let prefix = 0;
  if (f.prefix) prefix += String(ring.facility[i] * 8 + ring.level[i]).length + 2;
  if (f.time) prefix += Math.max(5, String(Math.floor(ring.timeNs[i] / 1e9)).length) + 10;
  const bytes = ring.bytes(seq);
  let lines = 1;
  for (let nl = bytes.indexOf(0x0a); nl >= 0; nl = bytes.indexOf(0x0a, nl + 1)) lines++;
  // each line: its prefix and a newline; the newlines inside are counted in the bytes already
  return bytes.length + lines * prefix + 1;
}

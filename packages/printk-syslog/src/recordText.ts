/**
 * How records are printed. /dev/kmsg: `prio,seq,usec,flag;text` with unprintable bytes escaped and the dictionary on lines of its
 * own (dev-kmsg, ABI documentation). syslog(2), /proc/kmsg and consoles: `<prio>[ secs.usecs] text`, the prefix on each line of a
 * record, bytes as they are (syslog(2)).
 *
 * Readers ask for the length first and have the bytes written where they go: `devkmsgLength` and `devkmsgInto`, `syslogLength` and
 * `syslogInto`. The same as Latin-1 text (one character per byte) is `devkmsgText`, `syslogText`.
 */
import { latin1Into, latin1Text } from "@kernelkit/core";
import { LOG_CONT, type PrintkRing } from "./ringBuffer.js";

const NEWLINE = 0x0a;
const BLANK = 0x20;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const HEX = /* @__PURE__ */ Uint8Array.from("0123456789abcdef", (c) => c.charCodeAt(0));

/** Decimal digits of a whole number >= 0. */
function digits(v: number): number {
  let n = 1;
  for (let limit = 10; v >= limit; limit *= 10) n++;
  return n;
}

/** Write a whole number >= 0 in `width` digits (its own, or more with zeros in front); where it ends. */
function decimalInto(v: number, width: number, out: Uint8Array, at: number): number {
  let rest = v;
  let i = at + width - 1;
  // above 31 bits division is slow
  for (; rest > 0x7fffffff && i >= at; i--) {
    const next = Math.floor(rest / 10);
    out[i] = ZERO + (rest - next * 10);
    rest = next;
  }
  for (let small = rest | 0; i >= at; i--) {
    const next = (small / 10) | 0;
    out[i] = ZERO + (small - next * 10);
    small = next;
  }
  return at + width;
}

/** Bytes that each byte takes in /dev/kmsg: printable ASCII but the backslash stands for itself, the others are escaped. */
const WIDTH = /* @__PURE__ */ Uint8Array.from({ length: 256 }, (_, b) =>
  b >= BLANK && b < 0x7f && b !== BACKSLASH ? 1 : 4,
);

const prioOf = (ring: PrintkRing, i: number): number => ring.facility[i] * 8 + ring.level[i];
const usecOf = (ring: PrintkRing, i: number): number => Math.floor(ring.timeNs[i] / 1000);

/** Bytes of a record as /dev/kmsg gives it. */
export function devkmsgLength(ring: PrintkRing, seq: number, caller = false): number {
  const i = ring.index(seq);
  const begin = ring.begin[i];
  const end = begin + ring.textLen[i];
  const { text } = ring;
  let n = 0;
  for (let k = begin; k < end; k++) n += WIDTH[text[k]];
  // three commas, the flag, the semicolon and the newline
  n += digits(prioOf(ring, i)) + digits(seq) + digits(usecOf(ring, i)) + 6;
  if (caller) n += `,caller=${callerText(ring.callerId[i])}`.length;
  const dict = ring.dict.size === 0 ? undefined : ring.dict.get(seq);
  if (dict !== undefined) for (const line of dict.split("\n")) n += line.length + 2;
  return n;
}

/** Write a record as /dev/kmsg gives it; where it ends. */
export function devkmsgInto(ring: PrintkRing, seq: number, caller: boolean, out: Uint8Array, at: number): number {
  const i = ring.index(seq);
  const { text } = ring;
  const prio = prioOf(ring, i);
  const usec = usecOf(ring, i);
  let o = decimalInto(prio, digits(prio), out, at);
  out[o++] = COMMA;
  o = decimalInto(seq, digits(seq), out, o);
  out[o++] = COMMA;
  o = decimalInto(usec, digits(usec), out, o);
  out[o++] = COMMA;
  out[o++] = (ring.flags[i] & LOG_CONT) !== 0 ? 0x63 : 0x2d;
  if (caller) o += latin1Into(`,caller=${callerText(ring.callerId[i])}`, out, o);
  out[o++] = 0x3b;
  const begin = ring.begin[i];
  const end = begin + ring.textLen[i];
  for (let k = begin; k < end; k++) {
    const b = text[k];
    if (WIDTH[b] === 1) out[o++] = b;
    else {
      out[o++] = BACKSLASH;
      out[o++] = 0x78;
      out[o++] = HEX[b >> 4];
      out[o++] = HEX[b & 15];
    }
  }
  out[o++] = NEWLINE;
  const dict = ring.dict.size === 0 ? undefined : ring.dict.get(seq);
  if (dict !== undefined) for (const line of dict.split("\n")) o += latin1Into(` ${line}\n`, out, o);
  return o;
}

/** Latin-1 text of a record as /dev/kmsg gives it. */
export function devkmsgText(ring: PrintkRing, seq: number, caller = false): string {
  const out = new Uint8Array(devkmsgLength(ring, seq, caller));
  devkmsgInto(ring, seq, caller, out, 0);
  return latin1Text(out);
}

/** T12: task, C0: CPU in interrupt context. */
export function callerText(id: number): string {
  return id >= 0x80000000 ? `C${id - 0x80000000}` : `T${id}`;
}

export interface SyslogFormat {
  /** `<prio>` in front. */
  readonly prefix: boolean;
  /** The time in brackets. */
  readonly time: boolean;
}

/** Bytes of `<prio>` and `[%5lu.%06lu] ` in front of each line. */
function prefixLength(ring: PrintkRing, i: number, f: SyslogFormat): number {
  let n = 0;
  if (f.prefix) n += digits(prioOf(ring, i)) + 2;
  if (f.time) n += Math.max(5, digits(Math.floor(ring.timeNs[i] / 1e9))) + 10;
  return n;
}

function prefixInto(ring: PrintkRing, i: number, f: SyslogFormat, out: Uint8Array, at: number): number {
  let o = at;
  if (f.prefix) {
    const prio = prioOf(ring, i);
    out[o++] = 0x3c;
    o = decimalInto(prio, digits(prio), out, o);
    out[o++] = 0x3e;
  }
  if (f.time) {
    const us = usecOf(ring, i);
    const sec = Math.floor(us / 1e6);
    const n = digits(sec);
    out[o++] = 0x5b;
    for (let pad = n; pad < 5; pad++) out[o++] = BLANK;
    o = decimalInto(sec, n, out, o);
    out[o++] = 0x2e;
    o = decimalInto(us - sec * 1e6, 6, out, o);
    out[o++] = 0x5d;
    out[o++] = BLANK;
  }
  return o;
}

/** Bytes of a record for syslog(2), each of its lines with the prefix and a newline. */
export function syslogLength(ring: PrintkRing, seq: number, f: SyslogFormat): number {
  const i = ring.index(seq);
  const begin = ring.begin[i];
  const end = begin + ring.textLen[i];
  const { text } = ring;
  let lines = 1;
  for (let k = begin; k < end; k++) if (text[k] === NEWLINE) lines++;
  // the newlines inside are counted in the bytes already
  return end - begin + lines * prefixLength(ring, i, f) + 1;
}

/** Write a record for syslog(2); where it ends. */
export function syslogInto(ring: PrintkRing, seq: number, f: SyslogFormat, out: Uint8Array, at: number): number {
  const i = ring.index(seq);
  const begin = ring.begin[i];
  const end = begin + ring.textLen[i];
  const { text } = ring;
  const prefix = at;
  let o = prefixInto(ring, i, f, out, at);
  const prefixEnd = o;
  for (let k = begin; k < end; k++) {
    const b = text[k];
    out[o++] = b;
    if (b !== NEWLINE) continue;
    out.copyWithin(o, prefix, prefixEnd);
    o += prefixEnd - prefix;
  }
  out[o++] = NEWLINE;
  return o;
}

/** Latin-1 text of a record for syslog(2). */
export function syslogText(ring: PrintkRing, seq: number, f: SyslogFormat): string {
  const out = new Uint8Array(syslogLength(ring, seq, f));
  syslogInto(ring, seq, f, out, 0);
  return latin1Text(out);
}

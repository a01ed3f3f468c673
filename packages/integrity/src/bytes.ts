/**
 * bytes: reading and writing of the few number and text forms that the integrity formats use.
 *
 * Readers check nothing: whoever reads foreign bytes compares lengths first (`FormatError` carries the offset).
 */
import { EINVAL, KernelError } from "@kernelkit/core";

const HEX: readonly string[] = /* @__PURE__ */ Array.from({ length: 256 }, (_, b) => b.toString(16).padStart(2, "0"));
const encoder = /* @__PURE__ */ new TextEncoder();
const decoder = /* @__PURE__ */ new TextDecoder();

/**
 * Foreign bytes that do not parse: a `KernelError` (EINVAL unless said) that also says where.
 * `offset` is in bytes from the start of what was given, -1 if it has no place.
 */
export class FormatError extends KernelError {
  readonly offset: number;
  /** @param what what is wrong, in words; @param nr the errno */
  constructor(what: string, offset: number = -1, nr: number = EINVAL) {
    super(nr);
    this.name = "FormatError";
    this.message = `${this.code}: ${what}${offset < 0 ? "" : ` at offset ${offset}`}`;
    this.offset = offset;
  }
}

/** Lower-case hexadecimal of bytes [start, end). */
export function toHex(b: Uint8Array, start: number = 0, end: number = b.length): string {
  let s = "";
  for (let i = start; i < end; i++) s += HEX[b[i]];
  return s;
}

/** Bytes of a hexadecimal text of even length, either case. FormatError otherwise. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) throw new FormatError(`hexadecimal text of odd length ${text.length}`);
  const out = new Uint8Array(text.length >> 1);
  for (let i = 0; i < out.length; i++) {
    const pair = text.slice(2 * i, 2 * i + 2);
    if (!/^[0-9a-fA-F]{2}$/.test(pair)) throw new FormatError(`'${pair}' is not hexadecimal`, 2 * i);
    out[i] = Number.parseInt(pair, 16);
  }
  return out;
}

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Text of UTF-8 bytes [start, end). Malformed sequences become U+FFFD. */
export function text(b: Uint8Array, start: number = 0, end: number = b.length): string {
  return decoder.decode(b.subarray(start, end));
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let n = 0;
  for (const p of parts) n += p.length;
  const out = new Uint8Array(n);
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** True if bytes [start, end) are all zero. */
export function isZero(b: Uint8Array, start: number = 0, end: number = b.length): boolean {
  for (let i = start; i < end; i++) if (b[i] !== 0) return false;
  return true;
}

export function u16be(b: Uint8Array, at: number): number {
  return (b[at] << 8) | b[at + 1];
}

export function u16le(b: Uint8Array, at: number): number {
  return b[at] | (b[at + 1] << 8);
}

export function u32be(b: Uint8Array, at: number): number {
  return ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0;
}

export function u32le(b: Uint8Array, at: number): number {
  return (b[at] | (b[at + 1] << 8) | (b[at + 2] << 16) | (b[at + 3] << 24)) >>> 0;
}

export function putU16be(b: Uint8Array, at: number, v: number): void {
  b[at] = v >>> 8;
  b[at + 1] = v;
}

export function putU16le(b: Uint8Array, at: number, v: number): void {
  b[at] = v;
  b[at + 1] = v >>> 8;
}

export function putU32be(b: Uint8Array, at: number, v: number): void {
  b[at] = v >>> 24;
  b[at + 1] = v >>> 16;
  b[at + 2] = v >>> 8;
  b[at + 3] = v;
}

export function putU32le(b: Uint8Array, at: number, v: number): void {
  b[at] = v;
  b[at + 1] = v >>> 8;
  b[at + 2] = v >>> 16;
  b[at + 3] = v >>> 24;
}

/** A 64-bit unsigned number as eight little-endian bytes. */
export function putU64le(b: Uint8Array, at: number, v: number | bigint): void {
  const n = BigInt(v);
  putU32le(b, at, Number(n & 0xffffffffn));
  putU32le(b, at + 4, Number((n >> 32n) & 0xffffffffn));
}

/** A UUID text as 16 bytes in the order in which it is written, as a file system's `s_uuid` holds it. FormatError if malformed. */
export function uuidBytes(uuid: string): Uint8Array {
  if (!/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/.test(uuid)) throw new FormatError(`'${uuid}' is no UUID`);
  return fromHex(uuid.replaceAll("-", ""));
}

/**
 * der: a strict reader and a small writer of DER (ITU-T X.690), the encoding of certificates, keys, ECDSA and PKCS#7 signatures.
 *
 *     const seq = derRead(bytes, 0, bytes.length);          // one element; FormatError if its bounds do not hold
 *     const kids = derChildren(seq);                        // the elements inside it
 *
 * Bounds-checked at every step: a length may neither be indefinite, nor longer than the rest, nor encoded with more octets
 * than needed. Nothing is copied: an element refers to the bytes that were given.
 */
import { EBADMSG } from "@kernelkit/core";
import { concatBytes, FormatError, fromHex, toHex } from "../bytes.js";

export const DER_BOOLEAN = 0x01;
export const DER_INTEGER = 0x02;
export const DER_BIT_STRING = 0x03;
export const DER_OCTET_STRING = 0x04;
export const DER_OID = 0x06;
export const DER_SEQUENCE = 0x30;
export const DER_SET = 0x31;

export interface DerElement {
  readonly bytes: Uint8Array;
  /** The identifier octet; tags above 30 are refused. */
  readonly tag: number;
  /** Offset of the identifier octet. */
  readonly start: number;
  /** Offset of the first content octet. */
  readonly body: number;
  /** Offset behind the last content octet. */
  readonly end: number;
}

function bad(what: string, at: number): FormatError {
  return new FormatError(what, at, EBADMSG);
}

/** The element that starts at `at` and must end at or before `end`. FormatError (EBADMSG) otherwise. */
export function derRead(bytes: Uint8Array, at: number, end: number): DerElement {
  if (end - at < 2) throw bad("DER element without room for a tag and a length", at);
  const tag = bytes[at];
  if ((tag & 0x1f) === 0x1f) throw bad("DER tag above 30", at);
  let body = at + 2;
  let length = bytes[at + 1];
  if (length >= 0x80) {
    const octets = length & 0x7f;
    if (octets === 0 || octets > 4) throw bad("DER length is indefinite or above 4 GiB", at + 1);
    if (end - body < octets) throw bad("DER length is cut", at + 1);
    length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + bytes[body + i];
    if (length < 0x80 || bytes[body] === 0) throw bad("DER length is not minimal", at + 1);
    body += octets;
  }
  if (length > end - body) throw bad(`DER element of ${length} bytes is longer than what is left`, at);
  return { bytes, tag, start: at, body, end: body + length };
}

/** The elements inside one; at most `limit` of them. FormatError if they do not fill it exactly. */
export function derChildren(e: DerElement, limit: number = 1024): DerElement[] {
  const out: DerElement[] = [];
  for (let at = e.body; at < e.end; ) {
    if (out.length === limit) throw bad(`DER element with more than ${limit} children`, e.start);
    const child = derRead(e.bytes, at, e.end);
    out.push(child);
    at = child.end;
  }
  return out;
}

/** Content octets. */
export function derBody(e: DerElement): Uint8Array {
  return e.bytes.subarray(e.body, e.end);
}

/** The whole element, identifier and length included. */
export function derWhole(e: DerElement): Uint8Array {
  return e.bytes.subarray(e.start, e.end);
}

/** Throws FormatError (EBADMSG) unless the element is there and has the tag. */
export function derExpect(e: DerElement | undefined, tag: number, what: string): DerElement {
  if (e === undefined) throw bad(`${what} is missing`, -1);
  if (e.tag !== tag) throw bad(`${what} has tag 0x${e.tag.toString(16)}, not 0x${tag.toString(16)}`, e.start);
  return e;
}

/** Content octets of an OBJECT IDENTIFIER in hexadecimal. */
export function derOid(e: DerElement | undefined, what: string): string {
  return toHex(derBody(derExpect(e, DER_OID, what)));
}

/** A non-negative INTEGER's magnitude, big endian without leading zeros (zero: one byte 0). */
export function derUnsigned(e: DerElement | undefined, what: string): Uint8Array {
  const b = derBody(derExpect(e, DER_INTEGER, what));
  if (b.length === 0) throw bad(`${what} is empty`, e?.start ?? -1);
  if (b[0] >= 0x80) throw bad(`${what} is negative`, e?.start ?? -1);
  if (b.length > 1 && b[0] === 0 && b[1] < 0x80) throw bad(`${what} is not minimal`, e?.start ?? -1);
  return b[0] === 0 && b.length > 1 ? b.subarray(1) : b;
}

/** The octets of a BIT STRING whose number of unused bits is zero. */
export function derBits(e: DerElement | undefined, what: string): Uint8Array {
  const b = derBody(derExpect(e, DER_BIT_STRING, what));
  if (b.length === 0 || b[0] !== 0) throw bad(`${what} is not a whole number of bytes`, e?.start ?? -1);
  return b.subarray(1);
}

/** Writes an element of the given content. */
export function derEncode(tag: number, ...content: Uint8Array[]): Uint8Array {
  const body = concatBytes(content);
  const n = body.length;
  const length =
    n < 0x80
      ? [n]
      : n < 0x100
        ? [0x81, n]
        : n < 0x10000
          ? [0x82, n >>> 8, n & 0xff]
          : [0x83, n >>> 16, (n >>> 8) & 0xff, n & 0xff];
  return concatBytes([Uint8Array.of(tag, ...length), body]);
}

/** Writes a non-negative INTEGER from big-endian octets. */
export function derEncodeUnsigned(magnitude: Uint8Array): Uint8Array {
  let i = 0;
  while (i < magnitude.length - 1 && magnitude[i] === 0) i++;
  const m = magnitude.subarray(i);
  return m[0] >= 0x80 ? derEncode(DER_INTEGER, Uint8Array.of(0), m) : derEncode(DER_INTEGER, m);
}

/** Writes an OBJECT IDENTIFIER from its content octets in hexadecimal. */
export function derEncodeOid(hex: string): Uint8Array {
  return derEncode(DER_OID, fromHex(hex));
}

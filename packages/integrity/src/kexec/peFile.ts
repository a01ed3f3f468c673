/**
 * peFile: the PE/COFF side of a kernel image: where its parts lie, and the digest that an Authenticode signature covers.
 *
 *     const pe = parsePe(image);                      // FormatError: ELIBBAD if it is no PE file, ENODATA if it has no signature
 *     peDigest(image, pe, HASH_ALGO_SHA256, crypto)
 *
 * Hashed are the headers without checksum and certificate directory entry, the sections in file order, and what follows up to the
 * certificate table. Source: Microsoft PE/COFF and Authenticode documents. Every offset is checked against the file.
 */
import { ELIBBAD, ENODATA } from "@kernelkit/core";
import { FormatError, u16le, u32le } from "../bytes.js";
import type { CryptoProvider } from "../crypto/provider.js";

/** The format is known and not supported: a number of the kernel's own, which errno(3) does not list. */
export const ENOTSUPP = 524;

export interface PeFile {
  /** Offset of the checksum in the optional header. */
  readonly checksum: number;
  /** Offset of the certificate table's directory entry. */
  readonly certDirectory: number;
  /** Bytes of all headers. */
  readonly headerSize: number;
  /** Sections with bytes in the file, in file order. */
  readonly sections: readonly { readonly start: number; readonly size: number }[];
  /** The certificate table: offset and bytes; 0 and 0 without signature. */
  readonly certStart: number;
  readonly certSize: number;
}

function bad(what: string, at: number): FormatError {
  return new FormatError(what, at, ELIBBAD);
}

/** The parts of a PE file, signed or not. FormatError (ELIBBAD) if it is none. */
export function parsePeHeaders(b: Uint8Array): PeFile {
  if (b.length < 64 || b[0] !== 0x4d || b[1] !== 0x5a) throw bad("no MZ header", 0);
  const pe = u32le(b, 0x3c);
  if (pe > b.length - 24) throw bad("PE header lies outside the file", 0x3c);
  if (u32le(b, pe) !== 0x4550) throw bad("no PE header", pe);
  const count = u16le(b, pe + 6);
  const optSize = u16le(b, pe + 20);
  const opt = pe + 24;
  if (opt + optSize > b.length || optSize < 96) throw bad("optional header is cut", opt);
  const magic = u16le(b, opt);
  if (magic !== 0x10b && magic !== 0x20b) throw bad(`optional header of type 0x${magic.toString(16)}`, opt);
  const dirs = opt + (magic === 0x10b ? 96 : 112);
  if (dirs > opt + optSize) throw bad("optional header is cut", opt);
  const dirCount = u32le(b, dirs - 4);
  if (dirCount < 5 || dirCount > 16 || dirs + 8 * dirCount > opt + optSize)
    throw bad("data directories are cut", dirs - 4);
  const headerSize = u32le(b, opt + 60);
  const table = opt + optSize;
  if (headerSize > b.length || table + 40 * count > headerSize)
    throw bad("section table lies outside the headers", table);
  const certDirectory = dirs + 32;
  const certStart = u32le(b, certDirectory);
  const certSize = u32le(b, certDirectory + 4);
  const signed = certStart !== 0 && certSize !== 0;
  if (signed && (certStart < headerSize || certStart > b.length || certSize > b.length - certStart)) {
    throw bad("certificate table lies outside the file", certDirectory);
  }
  const sections: { start: number; size: number }[] = [];
  for (let i = 0; i < count; i++) {
    const at = table + 40 * i;
    const size = u32le(b, at + 16);
    const start = u32le(b, at + 20);
    if (size === 0) continue;
    if (start < headerSize || start > b.length || size > b.length - start)
      throw bad("section lies outside the file", at);
    sections.push({ start, size });
  }
  sections.sort((x, y) => x.start - y.start);
  return {
    checksum: opt + 64,
    certDirectory,
    headerSize,
    sections,
    certStart: signed ? certStart : 0,
    certSize: signed ? certSize : 0,
  };
}

/** As `parsePeHeaders`; ENODATA if there is no signature. */
export function parsePe(b: Uint8Array): PeFile {
  const pe = parsePeHeaders(b);
  if (pe.certSize === 0) throw new FormatError("unsigned PE binary", pe.certDirectory, ENODATA);
  return pe;
}

/** The PKCS#7 message in the certificate table: one entry of revision 2.0, type PKCS_SIGNED_DATA. FormatError: ELIBBAD, ENOTSUPP. */
export function peSignature(b: Uint8Array, pe: PeFile): Uint8Array {
  const at = pe.certStart;
  if (pe.certSize < 8) throw bad("certificate table without a header", at);
  const length = u32le(b, at);
  // Tools round the table's size up to eight bytes, the entry's length they may leave.
  if (length < 8 || Math.ceil(length / 8) * 8 !== Math.ceil(pe.certSize / 8) * 8 || length > pe.certSize) {
    throw bad("certificate table with another length than its entry", at);
  }
  if (u16le(b, at + 4) !== 0x0200 || u16le(b, at + 6) !== 0x0002) {
    throw new FormatError("certificate entry is not PKCS_SIGNED_DATA of revision 2.0", at + 4, ENOTSUPP);
  }
  return b.subarray(at + 8, at + length);
}

/** The Authenticode digest. FormatError (ELIBBAD) if sections overlap so that the file has too few bytes. */
export function peDigest(b: Uint8Array, pe: PeFile, algo: number, crypto: CryptoProvider): Uint8Array {
  const h = crypto.hasher(algo);
  h.update(b.subarray(0, pe.checksum));
  h.update(b.subarray(pe.checksum + 4, pe.certDirectory));
  h.update(b.subarray(pe.certDirectory + 8, pe.headerSize));
  let hashed = pe.headerSize;
  for (const s of pe.sections) {
    h.update(b.subarray(s.start, s.start + s.size));
    hashed += s.size;
  }
  if (b.length > hashed) {
    if (hashed + pe.certSize > b.length) throw bad("sections and certificate table overlap", pe.certStart);
    h.update(b.subarray(hashed, b.length - pe.certSize));
  }
  return h.digest();
}

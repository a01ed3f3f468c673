/**
 * kexecBuffer: the measurement list as one kernel hands it to the next over kexec (kernel document security/IMA-templates,
 * "measurement list carried across kexec").
 *
 * Header: u16 version 1, u16 and u32 reserved, u64 bytes of the whole buffer, u64 entries; then the binary list. Little endian.
 */
import { concatBytes, FormatError, putU16le, putU64le, u16le, u32le } from "../bytes.js";
import type { MeasurementEntry } from "./entry.js";
import { type ListFormat, parseMeasurementList } from "./listReader.js";

export const IMA_KEXEC_HDR_SIZE = 24;

/** The buffer of a binary list with `count` entries. */
export function writeKexecBuffer(list: Uint8Array, count: number): Uint8Array {
  const hdr = new Uint8Array(IMA_KEXEC_HDR_SIZE);
  putU16le(hdr, 0, 1);
  putU64le(hdr, 8, IMA_KEXEC_HDR_SIZE + list.length);
  putU64le(hdr, 16, count);
  return concatBytes([hdr, list]);
}

/**
 * The entries of a buffer. FormatError (EINVAL, offset) for another version, a size beyond the buffer, a list that does not parse or
 * has another number of entries.
 */
export function parseKexecBuffer(buffer: Uint8Array, format: ListFormat = {}): MeasurementEntry[] {
  if (buffer.length < IMA_KEXEC_HDR_SIZE) throw new FormatError("kexec buffer without room for its header", 0);
  const version = u16le(buffer, 0);
  if (version !== 1) throw new FormatError(`kexec buffer of version ${version}`, 0);
  const size = u32le(buffer, 8) + u32le(buffer, 12) * 2 ** 32;
  const count = u32le(buffer, 16) + u32le(buffer, 20) * 2 ** 32;
  if (size < IMA_KEXEC_HDR_SIZE || size > buffer.length) throw new FormatError(`kexec buffer claims ${size} bytes`, 8);
  const entries = parseMeasurementList(buffer.subarray(IMA_KEXEC_HDR_SIZE, size), format);
  if (entries.length !== count)
    throw new FormatError(`kexec buffer claims ${count} entries and has ${entries.length}`, 16);
  return entries;
}

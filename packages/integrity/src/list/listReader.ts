/**
 * listReader: a binary measurement list in pieces of any size, entry after entry, in bounded memory.
 *
 *     const reader = new ListReader({});
 *     for (const chunk of chunks) reader.push(chunk, (view, index, base) => ...);
 *     reader.end();                                        // FormatError if the list stops inside an entry
 *
 * The view given to the callback is reused and its bytes are the reader's: copy (`decodeEntry`) what is to stay.
 */
import { HASH_ALGO_SHA1, hashDigestSize } from "../abi/hashAlgo.js";
import { FormatError } from "../bytes.js";
import { decodeEntry, type EntryLayout, EntryView, type MeasurementEntry, readEntry } from "./entry.js";

export interface ListFormat {
  /** Byte order of the machine that wrote the list; "little" also with ima_canonical_fmt. Default "little". */
  readonly endian?: "little" | "big";
  /** Kernel hash number of the template digests: 2 (SHA-1), another for the per-bank files of 6.10 and later. */
  readonly listHash?: number;
  /** An entry with more template data is malformed, and never more is kept of an unfinished one. Default 16 MiB. */
  readonly maxEntryBytes?: number;
}

export function entryLayout(f: ListFormat): EntryLayout {
  const digestSize = hashDigestSize[f.listHash ?? HASH_ALGO_SHA1];
  if (digestSize === undefined) throw new RangeError(`listHash: ${f.listHash} is no hash number`);
  const maxEntryBytes = f.maxEntryBytes ?? 1 << 24;
  if (!(maxEntryBytes >= 64 && maxEntryBytes < 2 ** 31)) {
    throw new RangeError(`maxEntryBytes: ${maxEntryBytes}; 64 to 2^31-1 is allowed`);
  }
  if (f.endian !== undefined && f.endian !== "little" && f.endian !== "big") {
    throw new RangeError(`endian: '${f.endian}'; "little" and "big" are allowed`);
  }
  return { bigEndian: f.endian === "big", digestSize, maxEntryBytes };
}

/** @param base what to add to offsets in `view` to count from the start of the list */
export type OnEntry = (view: EntryView, index: number, base: number) => void;

export class ListReader {
  private readonly layout: EntryLayout;
  private readonly view: EntryView = new EntryView();
  /** The beginning of an entry whose end has not come yet: `restLength` bytes of it. */
  private rest: Uint8Array = new Uint8Array(0);
  private restLength: number = 0;
  /** Bytes before `rest`. */
  private consumed: number = 0;
  /** Whole entries so far. */
  count: number = 0;

  constructor(format: ListFormat) {
    this.layout = entryLayout(format);
  }

  /** Reads on. FormatError (EINVAL, offset from the start of the list) for bytes that are no list; the reader is then spent. */
  push(chunk: Uint8Array, onEntry: OnEntry): void {
    const bytes = this.restLength === 0 ? chunk : this.joined(chunk);
    const base = this.consumed;
    let at = 0;
    while (at < bytes.length && readEntry(bytes, at, this.layout, this.view, base)) {
      onEntry(this.view, this.count++, base);
      at = this.view.end;
    }
    this.keep(bytes.subarray(at));
    this.consumed = base + at;
  }

  /** The rest and a chunk in one piece. The buffer grows by doubling, so a long entry in small chunks costs no more than its bytes. */
  private joined(chunk: Uint8Array): Uint8Array {
    const length = this.restLength + chunk.length;
    if (length > this.rest.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.rest.length));
      grown.set(this.rest.subarray(0, this.restLength));
      this.rest = grown;
    }
    this.rest.set(chunk, this.restLength);
    return this.rest.subarray(0, length);
  }

  private keep(bytes: Uint8Array): void {
    if (bytes.buffer === this.rest.buffer) this.rest.copyWithin(0, bytes.byteOffset, bytes.byteOffset + bytes.length);
    else if (bytes.length > this.rest.length) this.rest = bytes.slice();
    else this.rest.set(bytes);
    this.restLength = bytes.length;
  }

  /** The list is complete. FormatError with the offset of the unfinished entry if it is not. */
  end(): void {
    if (this.restLength > 0) {
      throw new FormatError(`list ends inside entry ${this.count} (${this.restLength} bytes of it)`, this.consumed);
    }
  }
}

/** All entries of a list that lies in memory. FormatError (EINVAL, offset) if it does not parse. */
export function parseMeasurementList(bytes: Uint8Array, format: ListFormat = {}): MeasurementEntry[] {
  const out: MeasurementEntry[] = [];
  const reader = new ListReader(format);
  reader.push(bytes, (view, index, base) => out.push(decodeEntry(view, index, base)));
  reader.end();
  return out;
}

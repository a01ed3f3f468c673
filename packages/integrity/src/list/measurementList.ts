/**
 * measurementList: the list a kernel keeps: append-only, with a hash table that finds measurements made before.
 *
 *     const list = new MeasurementList([HASH_ALGO_SHA1, HASH_ALGO_SHA256]);
 *     const i = list.append(template, data, 10, digests)       // its number
 *     list.find(digests[0], 10)                                // i again: measured already
 *
 * Template data of all entries lie in one arena, digests in one arena per algorithm, the rest in columns: an entry costs its data,
 * its digests and 9 bytes, appending costs the same at a million entries. Plain data.
 */
import { hashAlgoName, hashDigestSize } from "../abi/hashAlgo.js";
import { toHex, u32le } from "../bytes.js";
import { asciiLine } from "./asciiList.js";
import type { EntryField } from "./entry.js";
import { lookupTemplate } from "./template.js";
import { ByteWriter } from "./templateData.js";

function grown<T extends Uint8Array | Uint32Array>(a: T, length: number): T {
  const out = new (a.constructor as new (n: number) => T)(length);
  out.set(a as never);
  return out;
}

/** The digests of one algorithm, entry after entry. */
export class DigestColumn {
  readonly algo: number;
  readonly size: number;
  bytes: Uint8Array;

  constructor(algo: number) {
    this.algo = algo;
    this.size = hashDigestSize[algo];
    this.bytes = new Uint8Array(64 * this.size);
  }
}

export class MeasurementList {
  /** Entries. */
  count: number = 0;
  violations: number = 0;
  /** Digest columns; the first (SHA-1) is the one that finds duplicates. */
  readonly digests: DigestColumn[] = [];
  /** Template names, by the number in `template`. */
  readonly templates: string[] = [];
  template: Uint8Array = new Uint8Array(64);
  pcr: Uint8Array = new Uint8Array(64);
  /** Behind an entry's data in `arena`. */
  end: Uint32Array = new Uint32Array(64);
  /** Template data, each field with its length in front. */
  arena: Uint8Array = new Uint8Array(4096);
  /** Entry numbers + 1 by hash of digest and register; 0 free. Open addressing, at most half full. */
  table: Uint32Array = new Uint32Array(128);

  /** @param algos kernel hash numbers of the digests to be kept, SHA-1 first */
  constructor(algos: readonly number[]) {
    for (const algo of algos) this.digests.push(new DigestColumn(algo));
  }

  /**
   * Appends an entry and returns its number. `digests` has one per column, each of its size. A violation (digests of zeros) is
   * counted, and can never be found again. RangeError beyond 4 GiB of template data or 256 templates.
   */
  append(template: string, data: Uint8Array, pcr: number, digests: readonly Uint8Array[], violation: boolean): number {
    const i = this.count;
    this.reserve(i, data.length);
    const start = i === 0 ? 0 : this.end[i - 1];
    this.arena.set(data, start);
    this.end[i] = start + data.length;
    this.pcr[i] = pcr;
    this.template[i] = this.templateNumber(template);
    for (let c = 0; c < this.digests.length; c++) this.digests[c].bytes.set(digests[c], i * this.digests[c].size);
    this.count = i + 1;
    if (violation) this.violations++;
    else this.index(i);
    return i;
  }

  /** The entry with this SHA-1 template digest in this register, or -1. */
  find(digest: Uint8Array, pcr: number): number {
    const { table } = this;
    const mask = table.length - 1;
    for (let h = hash(digest, 0, pcr) & mask; table[h] !== 0; h = (h + 1) & mask) {
      const i = table[h] - 1;
      if (this.pcr[i] === pcr && this.sameDigest(i, digest)) return i;
    }
    return -1;
  }

  /** Template data of an entry: a view, each field with its length in front. */
  data(i: number): Uint8Array {
    return this.arena.subarray(i === 0 ? 0 : this.end[i - 1], this.end[i]);
  }

  templateName(i: number): string {
    return this.templates[this.template[i]];
  }

  /** Digest of an entry in a column: a view. */
  digest(i: number, column: number): Uint8Array {
    const { bytes, size } = this.digests[column];
    return bytes.subarray(i * size, (i + 1) * size);
  }

  /** The column of an algorithm, -1 without one. */
  column(algo: number): number {
    return this.digests.findIndex((d) => d.algo === algo);
  }

  /** The fields of an entry. */
  fields(i: number): EntryField[] {
    const data = this.data(i);
    const out: EntryField[] = [];
    let at = 0;
    for (const id of lookupTemplate(this.templateName(i))?.fields ?? []) {
      const n = u32le(data, at);
      out.push({ id, bytes: data.subarray(at + 4, at + 4 + n) });
      at += 4 + n;
    }
    return out;
  }

  /** The line of an entry in the ascii list, with its newline, one character per byte. */
  asciiEntry(i: number, column: number = 0): string {
    return asciiLine(this.pcr[i], toHex(this.digest(i, column)), this.templateName(i), this.fields(i), "");
  }

  /** Appends an entry in the form of the binary list, little endian. */
  binaryEntry(i: number, out: ByteWriter, column: number = 0): void {
    const name = this.templateName(i);
    out.u32le(this.pcr[i]);
    out.put(this.digest(i, column));
    out.u32le(name.length);
    for (let at = out.room(name.length), j = 0; j < name.length; j++) out.buf[at + j] = name.charCodeAt(j);
    const data = this.data(i);
    if (lookupTemplate(name)?.legacy === true) {
      // Without lengths but for the name's, which loses its NUL.
      out.put(data.subarray(4, 24));
      const n = u32le(data, 24) - 1;
      out.u32le(n);
      out.put(data.subarray(28, 28 + n));
      return;
    }
    out.u32le(data.length);
    out.put(data);
  }

  /** The binary list from an entry on. */
  toBinary(from: number = 0, column: number = 0): Uint8Array {
    const out = new ByteWriter();
    for (let i = from; i < this.count; i++) this.binaryEntry(i, out, column);
    return out.bytes().slice();
  }

  /** Bytes held, and how they divide: for benchmarks and reports. */
  memory(): { arena: number; digests: Record<string, number>; columns: number; table: number } {
    const digests: Record<string, number> = {};
    for (const d of this.digests) digests[hashAlgoName[d.algo]] = d.bytes.length;
    const columns = this.template.length + this.pcr.length + this.end.byteLength;
    return { arena: this.arena.length, digests, columns, table: this.table.byteLength };
  }

  private reserve(i: number, bytes: number): void {
    if (i === this.pcr.length) {
      this.template = grown(this.template, 2 * i);
      this.pcr = grown(this.pcr, 2 * i);
      this.end = grown(this.end, 2 * i);
      for (const d of this.digests) d.bytes = grown(d.bytes, 2 * i * d.size);
    }
    const need = (i === 0 ? 0 : this.end[i - 1]) + bytes;
    if (need > 0xffffffff) throw new RangeError("measurement list: more than 4 GiB of template data");
    if (need > this.arena.length)
      this.arena = grown(this.arena, Math.max(need, Math.min(2 * this.arena.length, 0xffffffff)));
  }

  private templateNumber(name: string): number {
    let n = this.templates.indexOf(name);
    if (n < 0) {
      n = this.templates.push(name) - 1;
      if (n > 255) throw new RangeError("measurement list: more than 256 templates");
    }
    return n;
  }

  private sameDigest(i: number, digest: Uint8Array): boolean {
    const { bytes, size } = this.digests[0];
    for (let at = i * size, j = 0; j < size; j++) if (bytes[at + j] !== digest[j]) return false;
    return true;
  }

  /** Enters an entry into the hash table, which doubles when half full. */
  private index(i: number): void {
    if (2 * (i + 1) > this.table.length) {
      const old = this.table;
      this.table = new Uint32Array(2 * old.length);
      for (let h = 0; h < old.length; h++) if (old[h] !== 0) this.place(old[h] - 1);
    }
    this.place(i);
  }

  private place(i: number): void {
    const { bytes, size } = this.digests[0];
    const mask = this.table.length - 1;
    let h = hash(bytes, i * size, this.pcr[i]) & mask;
    while (this.table[h] !== 0) h = (h + 1) & mask;
    this.table[h] = i + 1;
  }
}

/** The digest is uniform already: its first word, moved by the register. */
function hash(digest: Uint8Array, at: number, pcr: number): number {
  return (u32le(digest, at) ^ Math.imul(pcr, 0x9e3779b1)) >>> 0;
}

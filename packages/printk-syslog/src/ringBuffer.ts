/**
 * The ring of log records: text in one ring of bytes, everything else in columns by sequence number. When text or descriptors run
 * out the oldest records go, whole. printk-ringbuffer (kernel documentation), dev-kmsg (ABI documentation).
 *
 * The last record may be *open* (its line has no end yet): it can be extended by `extend`, and no reader sees it until the next
 * record finalizes it. Readers go by sequence number: `firstSeq` is the oldest record, `nextSeq` the one after the last finalized.
 */

/** Most bytes of text of one record, its terminator included. */
export const RECORD_MAX = 1024;
/** Bytes before each text block, as the real ring has an id there. */
const BLOCK_ID = 8;
const TRUNCATED = "<truncated>";
/** Longer strings are stored faster by the encoder. */
const LOOP_MAX = 128;

/** Flags of a record. */
export const LOG_NEWLINE = 2;
export const LOG_CONT = 8;

const encoder: { encodeInto(s: string, to: Uint8Array): { read: number; written: number } } = new TextEncoder();

export class PrintkRing {
  readonly text: Uint8Array;
  readonly nDescs: number;
  // columns, by seq % nDescs
  readonly begin: Float64Array;
  /** Bytes of the block, id included. */
  readonly blockLen: Uint16Array;
  readonly textLen: Uint16Array;
  readonly timeNs: Float64Array;
  readonly facility: Uint8Array;
  readonly level: Uint8Array;
  readonly flags: Uint8Array;
  readonly callerId: Uint32Array;
  /** Why the record is in this log: ROUTE_*. */
  readonly route: Uint8Array;
  /** Dictionary lines of device messages ("SUBSYSTEM=net\nDEVICE=n1"), where there are any. */
  readonly dict: Map<number, string> = new Map();
  /** Oldest record; next to be made; 1 if the last one is open. */
  firstSeq = 0;
  headSeq = 0;
  open = 0;
  /** Byte positions, never wrapped: where the next block begins, and the oldest block. */
  private headPos = 0;
  private tailPos = 0;

  /** `size` bytes of text, a power of two; a record has at most `recordMax` bytes of text, terminator included. */
  constructor(
    readonly size: number,
    readonly recordMax: number = RECORD_MAX,
  ) {
    this.text = new Uint8Array(size);
    const n = Math.max(1, size >> 5);
    this.nDescs = n;
    this.begin = new Float64Array(n);
    this.blockLen = new Uint16Array(n);
    this.textLen = new Uint16Array(n);
    this.timeNs = new Float64Array(n);
    this.facility = new Uint8Array(n);
    this.level = new Uint8Array(n);
    this.flags = new Uint8Array(n);
    this.callerId = new Uint32Array(n);
    this.route = new Uint8Array(n);
  }

  /** The record after the last that readers can see. */
  get nextSeq(): number {
    return this.headSeq - this.open;
  }

  index(seq: number): number {
    return seq % this.nDescs;
  }

  /** Bytes of all text blocks, and of what this ring costs beside its text. */
  get usedBytes(): number {
    return this.headPos - this.tailPos;
  }
  get overheadBytes(): number {
    return this.nDescs * (8 * 2 + 2 * 2 + 4 + 4);
  }

  private blockEndOf(seq: number): number {
    const i = this.index(seq);
    return this.begin[i] - BLOCK_ID + this.blockLen[i];
  }

  /** The open record, if any, is complete now. */
  finalize(): void {
    this.open = 0;
  }

  /**
   * A new record. `text` is ASCII or any string (kept as UTF-8), or bytes. Stays open unless LOG_NEWLINE is among the flags.
   * Returns the bytes of text that were stored.
   */
  store(
    text: string | Uint8Array,
    facility: number,
    level: number,
    flags: number,
    timeNs: number,
    callerId: number,
    dict: string,
    route = 0,
  ): number {
    this.open = 0;
    // the terminator, and a newline that is stripped, are asked for too
    const asked = Math.min(byteLength(text) + 1 + ((flags & LOG_NEWLINE) >> 1), this.recordMax);
    const tooLong = BLOCK_ID + asked > this.size >> 1;
    const room = tooLong ? this.size >> 2 : asked;
    const at = this.reserve(room);
    const i = this.index(this.headSeq);
    let len = this.write(text, at, Math.min(room, this.recordMax) - 1);
    if (tooLong) len += this.write(TRUNCATED, at + len, room + TRUNCATED.length);
    this.textLen[i] = len;
    this.timeNs[i] = timeNs;
    this.facility[i] = facility;
    this.level[i] = level;
    this.flags[i] = flags;
    this.callerId[i] = callerId;
    this.route[i] = route;
    if (dict !== "") this.dict.set(this.headSeq, dict);
    this.headSeq++;
    this.open = (flags & LOG_NEWLINE) !== 0 ? 0 : 1;
    return len;
  }

  /**
   * More text for the open record, if it has the same caller and there is room: the bytes stored, or -1 if it cannot be extended.
   * With LOG_NEWLINE the record is complete.
   */
  extend(text: string | Uint8Array, flags: number, callerId: number): number {
    if (this.open === 0) return -1;
    const seq = this.headSeq - 1;
    const i = this.index(seq);
    const n = byteLength(text);
    const old = this.textLen[i];
    if (this.callerId[i] !== callerId || old + n + 1 > this.recordMax) return -1;
    const before = this.text.slice(this.begin[i] % this.size, (this.begin[i] % this.size) + old);
    // its block is the last one: take it back and ask again for a larger one
    this.headPos = this.begin[i] - BLOCK_ID;
    this.headSeq = seq;
    const at = this.reserve(old + n + 1);
    this.text.set(before, at);
    const len = this.write(text, at + old, n);
    this.textLen[i] = old + len;
    this.headSeq = seq + 1;
    if ((flags & LOG_NEWLINE) !== 0) {
      this.flags[i] |= LOG_NEWLINE;
      this.open = 0;
    }
    return len;
  }

  /** Room for a text of `len` bytes as record `headSeq`; the index of its first byte in the ring. */
  private reserve(len: number): number {
    const need = (BLOCK_ID + len + 7) & ~7;
    let pos = this.headPos;
    // a block never straddles the end
    if ((pos % this.size) + need > this.size) pos += this.size - (pos % this.size);
    const end = pos + need;
    while (
      this.firstSeq < this.headSeq &&
      (end - this.tailPos > this.size || this.headSeq - this.firstSeq >= this.nDescs)
    ) {
      this.dict.delete(this.firstSeq);
      this.tailPos = this.blockEndOf(this.firstSeq);
      this.firstSeq++;
    }
    if (this.firstSeq === this.headSeq) this.tailPos = pos;
    const i = this.index(this.headSeq);
    this.begin[i] = pos + BLOCK_ID;
    this.blockLen[i] = need;
    this.headPos = end;
    return (pos + BLOCK_ID) % this.size;
  }

  /** Write text at a place of the ring, at most `max` bytes; the bytes written. */
  private write(text: string | Uint8Array, at: number, max: number): number {
    if (typeof text !== "string") {
      const n = Math.min(text.length, max);
      this.text.set(n === text.length ? text : text.subarray(0, n), at);
      return n;
    }
    const { length } = text;
    const ring = this.text;
    if (length <= LOOP_MAX && length <= max) {
      let i = 0;
      for (; i < length; i++) {
        const code = text.charCodeAt(i);
        if (code > 0x7f) break;
        ring[at + i] = code;
      }
      if (i === length) return length;
    }
    return encoder.encodeInto(text, ring.subarray(at, at + Math.max(0, max))).written;
  }

  /** Bytes of a record's text: a view into the ring, good until the next record is stored. */
  bytes(seq: number): Uint8Array {
    const i = this.index(seq);
    const at = this.begin[i] % this.size;
    return this.text.subarray(at, at + this.textLen[i]);
  }
}

/** UTF-8 length. */
function byteLength(text: string | Uint8Array): number {
  if (typeof text !== "string") return text.length;
  let n = text.length;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x80) continue;
    if (c < 0x800) n++;
    else if (c >= 0xd800 && c < 0xdc00) {
      n += 2;
      i++;
    } else n += 2;
  }
  return n;
}

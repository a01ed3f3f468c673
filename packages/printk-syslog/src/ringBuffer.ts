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
/** Flags of a record. */
export const LOG_NEWLINE = 2;
export const LOG_CONT = 8;

const encoder: { encodeInto(s: string, to: Uint8Array): { read: number; written: number } } = new TextEncoder();

export class PrintkRing {
  static readonly transient: readonly string[] = ["scratch"];
  /** The ring's bytes, and behind them room for one record, where a text is encoded before its place is known. */
  readonly text: Uint8Array;
  private scratch: Uint8Array;
  readonly nDescs: number;
  // columns, by seq % nDescs
  /** Where the text is in the ring. */
  readonly begin: Uint32Array;
  /** Bytes of the block: id, text, rounding, and the rest of the ring before it when it had to go to the start. */
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
  /** Where the next block begins, and the bytes of all blocks. */
  private head = 0;
  private used = 0;

  /** `size` bytes of text, a power of two; a record has at most `recordMax` bytes of text, terminator included. */
  constructor(
    readonly size: number,
    readonly recordMax: number = RECORD_MAX,
  ) {
    this.text = new Uint8Array(size + recordMax);
    this.scratch = this.text.subarray(size);
    const n = Math.max(1, size >> 5);
    this.nDescs = n;
    this.begin = new Uint32Array(n);
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
    return seq & (this.nDescs - 1);
  }

  /** Bytes of all text blocks, and of what this ring costs beside its text. */
  get usedBytes(): number {
    return this.used;
  }
  get overheadBytes(): number {
    return this.nDescs * (8 + 4 * 2 + 2 * 2 + 4);
  }

  /** The open record, if any, is complete now. */
  finalize(): void {
    this.open = 0;
  }

  restored(): void {
    this.scratch = this.text.subarray(this.size);
  }

  /**
   * A new record: the first `end` characters or bytes of `text` (a newline may follow them). Stays open unless LOG_NEWLINE is among the
   * flags. Returns the bytes of text that were stored.
   */
  store(
    text: string | Uint8Array,
    facility: number,
    level: number,
    flags: number,
    timeNs: number,
    callerId: number,
    dict: string,
    route: number = 0,
    end: number = text.length,
  ): number {
    this.open = 0;
    const bytes = this.encode(text, end);
    // the terminator, and a newline that is stripped, are asked for too
    const asked = Math.min(bytes + 1 + ((flags & LOG_NEWLINE) >> 1), this.recordMax);
    let len: number;
    if (BLOCK_ID + asked > this.size >> 1) {
      // a ring that is almost too small: a quarter of it, and a word that this is not all
      const room = Math.min(this.size >> 2, this.recordMax);
      len = this.encodedUpTo(text, bytes, room - 1);
      const at = this.reserve(room, 0);
      this.text.copyWithin(at, this.size, this.size + len);
      len += encoder.encodeInto(TRUNCATED, this.text.subarray(at + len, this.size)).written;
    } else {
      len = this.encodedUpTo(text, bytes, asked - 1);
      this.text.copyWithin(this.reserve(asked, 0), this.size, this.size + len);
    }
    const i = this.headSeq & (this.nDescs - 1);
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
  extend(text: string | Uint8Array, flags: number, callerId: number, end: number = text.length): number {
    if (this.open === 0) return -1;
    const seq = this.headSeq - 1;
    const i = this.index(seq);
    const n = this.encode(text, end);
    const old = this.textLen[i];
    if (this.callerId[i] !== callerId || old + n + 1 > this.recordMax) return -1;
    const before = this.text.slice(this.begin[i], this.begin[i] + old);
    // its block is the last one: take it back and ask again for a larger one
    this.headSeq = seq;
    const at = this.reserve(old + n + 1, this.takeBack());
    this.text.set(before, at);
    this.text.copyWithin(at + old, this.size, this.size + n);
    this.textLen[i] = old + n;
    this.headSeq = seq + 1;
    if ((flags & LOG_NEWLINE) !== 0) {
      this.flags[i] |= LOG_NEWLINE;
      this.open = 0;
    }
    return n;
  }

  /**
   * The first `end` characters (what follows is a newline) or bytes into the scratch, as many as fit: how many bytes it is, recordMax for
   * a text that is longer.
   */
  private encode(text: string | Uint8Array, end: number): number {
    if (typeof text !== "string") {
      const n = Math.min(end, this.recordMax);
      this.scratch.set(n === text.length ? text : text.subarray(0, n));
      return n;
    }
    const { read, written } = encoder.encodeInto(text, this.scratch);
    return read === text.length ? written - (text.length - end) : read === end ? written : this.recordMax;
  }

  /** How many of `bytes` encoded bytes to take when only `max` may be: characters stay whole. */
  private encodedUpTo(text: string | Uint8Array, bytes: number, max: number): number {
    if (bytes <= max || typeof text !== "string") return Math.min(bytes, max);
    return encoder.encodeInto(text, this.scratch.subarray(0, max)).written;
  }

  /** Undo the reservation of record `headSeq`; what of its block was the rest of the ring before its start. */
  private takeBack(): number {
    const i = this.index(this.headSeq);
    const begin = this.begin[i] - BLOCK_ID;
    const wasted = this.blockLen[i] - (this.head - begin);
    this.used -= this.blockLen[i];
    this.head = begin;
    return wasted;
  }

  /**
   * Room for a text of `len` bytes as record `headSeq`; the index of its first byte in the ring. `wasted`: bytes before it that belong
   * to its block.
   */
  private reserve(len: number, wasted: number): number {
    const need = (BLOCK_ID + len + 7) & ~7;
    let { head } = this;
    let block = wasted + need;
    // a block never straddles the end
    if (head + need > this.size) {
      block += this.size - head;
      head = 0;
    }
    while (
      this.firstSeq < this.headSeq &&
      (this.used + block > this.size || this.headSeq - this.firstSeq >= this.nDescs)
    ) {
      if (this.dict.size > 0) this.dict.delete(this.firstSeq);
      this.used -= this.blockLen[this.firstSeq & (this.nDescs - 1)];
      this.firstSeq++;
    }
    if (this.firstSeq === this.headSeq) {
      this.used = 0;
      block = need;
    }
    const i = this.headSeq & (this.nDescs - 1);
    const at = head + BLOCK_ID;
    this.begin[i] = at;
    this.blockLen[i] = block;
    this.used += block;
    this.head = head + need;
    return at;
  }

  /** Bytes of a record's text: a view into the ring, good until the next record is stored. */
  bytes(seq: number): Uint8Array {
    const i = this.index(seq);
    const at = this.begin[i];
    return this.text.subarray(at, at + this.textLen[i]);
  }
}

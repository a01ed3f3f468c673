/**
 * The inside of a pipe: a ring of slots of one page. pipe(7).
 */
import { WaitQueue } from "../sched/waitQueue.js";

export const PIPE_PAGE = 4096;

/** A slot: a page and which of its bytes are still to be read. */
export class PipeSlot {
  page: Uint8Array = NO_PAGE;
  offset = 0;
  len = 0;
  packet = false;
  /** A frame lent by vmsplice(2) instead of a page of the pipe's own; 0: none. */
  pfn = 0;
}

export class Pipe {
  ring: PipeSlot[] = [];
  /** Slots ever filled and emptied: head - tail are in use. */
  head = 0;
  tail = 0;
  /** Open ends. */
  readers = 0;
  writers = 0;
  /** Descriptions of either end. */
  files = 0;
  /** How often each end was opened: what a FIFO's open waits for. */
  rCounter = 0;
  wCounter = 0;
  readonly rdWait: WaitQueue = new WaitQueue("pipe_read");
  readonly wrWait: WaitQueue = new WaitQueue("pipe_write");
  /** Pages kept for the next writes. */
  readonly spare: Uint8Array[] = [];

  constructor(
    slots: number,
    /** Whose pages it counts among: fs.pipe-user-pages-soft and -hard. */
    readonly uid: number,
  ) {
    for (let i = 0; i < slots; i++) this.ring.push(new PipeSlot());
  }

  get slots(): number {
    return this.ring.length;
  }
  get used(): number {
    return this.head - this.tail;
  }
  get empty(): boolean {
    return this.head === this.tail;
  }
  get full(): boolean {
    return this.head - this.tail >= this.ring.length;
  }
  slot(i: number): PipeSlot {
    return this.ring[i & (this.ring.length - 1)];
  }
  /** Bytes to be read. */
  get bytes(): number {
    let n = 0;
    for (let i = this.tail; i < this.head; i++) n += this.slot(i).len;
    return n;
  }

  /** Bytes into the last slot if they fit behind what is there. True if they did. */
  merge(data: Uint8Array, n: number): boolean {
    if (this.empty) return false;
    const s = this.slot(this.head - 1);
    const at = s.offset + s.len;
    if (s.packet || s.pfn !== 0 || at + n > PIPE_PAGE) return false;
    copyBytes(s.page, at, data, 0, n);
    s.len += n;
    return true;
  }

  /** Up to a page of data[from..] into a new slot: the bytes taken. There must be a free one. */
  put(data: Uint8Array, from: number, packet: boolean): number {
    const s = this.slot(this.head++);
    const n = Math.min(data.length - from, PIPE_PAGE);
    s.page = this.spare.pop() ?? new Uint8Array(PIPE_PAGE);
    s.offset = 0;
    s.len = n;
    s.packet = packet;
    copyBytes(s.page, 0, data, from, n);
    return n;
  }

  /** A frame whose reference the pipe takes: n bytes of it from `offset` on. There must be a free slot. */
  lend(pfn: number, offset: number, n: number): void {
    const s = this.slot(this.head++);
    s.pfn = pfn;
    s.offset = offset;
    s.len = n;
    s.packet = false;
  }

  /** Free the slot at the tail: the frame it had been lent, to be given back; 0: none. */
  drop(): number {
    const s = this.slot(this.tail++);
    const { pfn } = s;
    if (pfn === 0 && this.spare.length < 2) this.spare.push(s.page);
    s.page = NO_PAGE;
    s.pfn = 0;
    s.len = 0;
    return pfn;
  }

  /** Another number of slots (a power of two); what is in the pipe must fit. */
  resize(slots: number): void {
    const ring: PipeSlot[] = [];
    for (let i = this.tail; i < this.head; i++) ring.push(this.slot(i));
    this.head = ring.length;
    this.tail = 0;
    while (ring.length < slots) ring.push(new PipeSlot());
    this.ring = ring;
  }
}

const NO_PAGE: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/** n bytes of `from` at `start` to `at`. */
export function copyBytes(to: Uint8Array, at: number, from: Uint8Array, start: number, n: number): void {
  if (n < 32) for (let i = 0; i < n; i++) to[at + i] = from[start + i];
  else to.set(start === 0 && n === from.length ? from : from.subarray(start, start + n), at);
}

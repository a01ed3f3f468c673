/**
 * LRU lists of page frames, as chains of small blocks: a block has 32 places for frames, by age; the column `pos` says where a frame stands.
 * The tail is scanned block by block, in memory that follows itself, and a block whose pages all stay goes to the head as it is; in a list of
 * links each step of a scan would wait for the one before. A page that leaves makes a gap; neighbours that have become thin are made one, so
 * a list costs 4 to 16 bytes a page besides `pos`. Nothing is allocated but the blocks themselves, which grow with the longest lists.
 *
 * Frame 0 is no page and block 0 no block: both end things.
 */

/** Places of a block. */
export const BLOCK = 32;
const SHIFT = 5;
const LAST = BLOCK - 1;
/** A block with so many pages, with half as many and with none looks for a neighbour to join; the two have at most so many together. */
const THIN = 8;
const JOINED = 16;

/** The lists of one group. */
export interface LruEnds {
  /** Newest and oldest block of each list. */
  readonly head: Int32Array;
  readonly tail: Int32Array;
  /** Place of the next page in the newest block; the first of any block: there is none. */
  readonly at: Int32Array;
  /** Where `oldest` looks first, if that is in the oldest block: nothing is before it there. */
  readonly from: Int32Array;
  readonly entries: Int32Array;
}

/** Empty lists. */
export function lruEnds(lists: number): LruEnds {
  const zeros = (): Int32Array => new Int32Array(lists);
  return { head: zeros(), tail: zeros(), at: zeros(), from: zeros(), entries: zeros() };
}

export class LruLists {
  /** Frames by place, 0: a gap. The place is block * 32 + i; a higher i is newer. */
  slots: Int32Array = new Int32Array(64 * BLOCK);
  /** Pages of a block. */
  private count: Int32Array = new Int32Array(64);
  /** Its neighbours in the list. Of a free one `older` is the next free. */
  private newer: Int32Array = new Int32Array(64);
  private older: Int32Array = new Int32Array(64);
  private free = 0;
  private made = 1;
  /** The block that is being scanned: pages may leave it, nothing else happens to it. */
  private scanned = 0;

  constructor(
    /** The place of each frame, 0: on no list. */
    readonly pos: Int32Array,
  ) {}

  /** Put a page at the head of a list. */
  add(e: LruEnds, lru: number, pfn: number): void {
    let at = e.at[lru];
    if ((at & LAST) === 0) at = this.room(e, lru);
    this.slots[at] = pfn;
    this.pos[pfn] = at;
    this.count[at >> SHIFT]++;
    e.at[lru] = at + 1;
    e.entries[lru]++;
  }

  /** Put n pages at the head of a list, one after the other: the last is the newest. */
  addRun(e: LruEnds, lru: number, pfns: Int32Array, n: number): void {
    for (let i = 0; i < n; ) {
      let at = e.at[lru];
      if ((at & LAST) === 0) at = this.room(e, lru);
      const { slots, pos } = this;
      const k = Math.min(BLOCK - (at & LAST), n - i);
      this.count[at >> SHIFT] += k;
      for (const end = at + k; at < end; at++, i++) {
        const pfn = pfns[i];
        slots[at] = pfn;
        pos[pfn] = at;
      }
      e.at[lru] = at;
    }
    e.entries[lru] += n;
  }

  /** Take a page off its list. */
  del(e: LruEnds, lru: number, pfn: number): void {
    const at = this.pos[pfn];
    const b = at >> SHIFT;
    this.slots[at] = 0;
    this.pos[pfn] = 0;
    e.entries[lru]--;
    const left = this.count[b] - 1;
    this.count[b] = left;
    if (left <= THIN && (left & 3) === 0 && b !== this.scanned) this.thin(e, lru, b, left);
  }

  /** A page of the list becomes its newest. */
  rotate(e: LruEnds, lru: number, pfn: number): void {
    const { pos } = this;
    const from = pos[pfn];
    let at = e.at[lru];
    if (from === at - 1) return;
    if ((at & LAST) === 0) at = this.room(e, lru);
    const { slots, count } = this;
    // room may have moved it
    const b = pos[pfn] >> SHIFT;
    slots[pos[pfn]] = 0;
    slots[at] = pfn;
    pos[pfn] = at;
    e.at[lru] = at + 1;
    count[at >> SHIFT]++;
    const left = count[b] - 1;
    count[b] = left;
    if (left <= THIN && (left & 3) === 0 && b !== this.scanned) this.thin(e, lru, b, left);
  }

  /** The oldest page of a list, 0: it is empty. */
  oldest(e: LruEnds, lru: number): number {
    const b = e.tail[lru];
    if (b === 0) return 0;
    const { slots } = this;
    let at = e.from[lru];
    if (at >> SHIFT !== b) at = b << SHIFT;
    while (slots[at] === 0) at++;
    e.from[lru] = at;
    return slots[at];
  }

  /** Is a block being scanned? Then there is no other scan. */
  get busy(): boolean {
    return this.scanned !== 0;
  }

  /** Begin to scan the oldest block of a list that is not empty: its first place. The block is at rest until `scanEnd`. */
  scanBegin(e: LruEnds, lru: number): number {
    const b = e.tail[lru];
    this.scanned = b;
    // what comes meanwhile is newer than all of it
    if (e.head[lru] === b) e.at[lru] = 0;
    return b << SHIFT;
  }

  /** The first `n` places of the block have been looked at: the pages that are still there become the newest of the list, as they stand. */
  scanEnd(e: LruEnds, lru: number, n: number): void {
    const b = this.scanned;
    if (n >= BLOCK) {
      this.scanned = 0;
      this.turn(e, lru, b);
      return;
    }
    for (let i = 0, base = b << SHIFT; i < n; i++)
      if (this.slots[base + i] !== 0) this.rotate(e, lru, this.slots[base + i]);
    this.scanned = 0;
    if (this.count[b] < THIN) this.thin(e, lru, b, this.count[b]);
  }

  /** Visit the pages of a list from the newest on. */
  forEach(e: LruEnds, lru: number, fn: (pfn: number, place: number) => void): void {
    for (let b = e.head[lru]; b !== 0; b = this.older[b])
      for (let at = (b << SHIFT) + BLOCK - 1; at >= b << SHIFT; at--) if (this.slots[at] !== 0) fn(this.slots[at], at);
  }

  // --- blocks ---

  /** A place at the head: in the block that is there, if it has gaps enough, or in another. */
  private room(e: LruEnds, lru: number): number {
    const head = e.head[lru];
    if (head !== 0 && head !== this.scanned && this.count[head] <= BLOCK / 2) {
      e.at[lru] = this.squeeze(head);
      e.from[lru] = 0;
      return e.at[lru];
    }
    const b = this.take();
    this.linkHead(e, lru, b);
    return b << SHIFT;
  }

  private linkHead(e: LruEnds, lru: number, b: number): void {
    const head = e.head[lru];
    this.older[b] = head;
    this.newer[b] = 0;
    if (head !== 0) this.newer[head] = b;
    else e.tail[lru] = b;
    e.head[lru] = b;
    e.at[lru] = 0;
  }

  private unlink(e: LruEnds, lru: number, b: number): void {
    const n = this.newer[b];
    const o = this.older[b];
    if (n !== 0) this.older[n] = o;
    else {
      e.head[lru] = o;
      e.at[lru] = 0;
    }
    if (o !== 0) this.newer[o] = n;
    else e.tail[lru] = n;
    e.from[lru] = 0;
  }

  /** A block has few pages left. */
  private thin(e: LruEnds, lru: number, b: number, left: number): void {
    if (left === 0) {
      this.unlink(e, lru, b);
      this.give(b);
      return;
    }
    const { count } = this;
    const n = this.newer[b];
    if (n !== 0 && n !== this.scanned && left + count[n] <= JOINED) {
      this.join(e, lru, b, n);
      return;
    }
    const o = this.older[b];
    if (o !== 0 && o !== this.scanned && left + count[o] <= JOINED) this.join(e, lru, o, b);
  }

  /** A block goes to the head as it is. */
  private turn(e: LruEnds, lru: number, b: number): void {
    const left = this.count[b];
    const head = e.head[lru];
    if (left > 0 && head === b) return;
    this.unlink(e, lru, b);
    if (left === 0) {
      this.give(b);
      return;
    }
    this.linkHead(e, lru, b);
    if (left + this.count[head] <= JOINED) this.join(e, lru, head, b);
  }

  /** The pages of two neighbours into the older one. */
  private join(e: LruEnds, lru: number, older: number, newer: number): void {
    const { slots, pos } = this;
    let to = this.squeeze(older);
    for (let at = newer << SHIFT, end = at + BLOCK; at < end; at++) {
      const pfn = slots[at];
      if (pfn === 0) continue;
      slots[at] = 0;
      slots[to] = pfn;
      pos[pfn] = to++;
    }
    this.count[older] += this.count[newer];
    this.unlink(e, lru, newer);
    this.give(newer);
    if (e.head[lru] === older) e.at[lru] = to;
  }

  /** Close the gaps of a block: the place behind its last page. */
  private squeeze(b: number): number {
    const { slots, pos } = this;
    let to = b << SHIFT;
    for (let at = to, end = to + BLOCK; at < end; at++) {
      const pfn = slots[at];
      if (pfn === 0) continue;
      if (at !== to) {
        slots[at] = 0;
        slots[to] = pfn;
        pos[pfn] = to;
      }
      to++;
    }
    return to;
  }

  /** An empty block. */
  private take(): number {
    let b = this.free;
    if (b !== 0) this.free = this.older[b];
    else {
      b = this.made++;
      if (b === this.count.length) this.grow();
    }
    this.count[b] = 0;
    return b;
  }

  private give(b: number): void {
    this.older[b] = this.free;
    this.free = b;
  }

  private grow(): void {
    const n = this.count.length;
    const wider = (from: Int32Array, by: number): Int32Array => {
      const to = new Int32Array(from.length + by);
      to.set(from);
      return to;
    };
    this.slots = wider(this.slots, n * BLOCK);
    this.count = wider(this.count, n);
    this.newer = wider(this.newer, n);
    this.older = wider(this.older, n);
  }
}

/**
 * timerWheel: timers in jiffies, as Linux keeps them since 4.8 (kernel document timers/, "Timers"; the design is Thomas Gleixner's
 * "timer: Switch to a non-cascading wheel").
 *
 * - Nine levels (eight for HZ <= 100) of 64 buckets; a bucket of level n spans 8^n jiffies. A timer goes into the lowest level that
 *   reaches it: level n for less than 63 * 8^n jiffies ahead. It stays there, so it expires with its bucket, at
 *   (floor(expires / 8^n) + 1) * 8^n: never early, at most one granularity late. Beyond the top level's reach it is cut off.
 * - Arming, moving and removing are O(1); the next expiry is read off the bitmap, O(levels).
 * - Timers due at one jiffy expire a higher level first; within a bucket the one armed last comes first.
 * - `cascading`: the wheel before 4.8. Timers move down as their time comes near, and expire exactly at `expires`, those of one
 *   jiffy in the order of arming.
 *
 *     const id = wheel.add(now + 25, now);        // the owner keeps handler and argument in columns by indexOf(id)
 *     for (let i = wheel.popExpired(now); i >= 0; i = wheel.popExpired(now)) run(i);
 *
 * Times are whole numbers of jiffies from 0 (without the initial offset). `now` never goes back. An id names one arming: once
 * the timer expired or was removed, the id is stale and every call takes it for "not pending". All state is numbers and typed
 * arrays.
 */

const MAX_LEVELS = 9;
const BUCKETS = MAX_LEVELS * 64;
/** The list of timers that are due and not yet handed out, beside those of the buckets. */
const EXPIRED = BUCKETS;
/** Fields of a timer's row: neighbours (or ~list at its ends), the bucket it is in, how often the row was used. */
const NEXT = 0;
const PREV = 1;
const WHERE = 2;
const GENERATION = 3;
const INDEX_SPAN = 0x1000000;
const GENERATIONS = 0x10000000;
// 8^n and its inverse, which is exact.
const GRANULARITY = /* @__PURE__ */ Float64Array.from({ length: MAX_LEVELS }, (_, n) => 8 ** n);
const PER_JIFFY = /* @__PURE__ */ Float64Array.from({ length: MAX_LEVELS }, (_, n) => 8 ** -n);

/** The options of a wheel. */
export interface TimerWheelOptions {
  /** Ticks per second: decides the number of levels. */
  readonly hz: number;
  /** The wheel before Linux 4.8: exact expiry. Default false. */
  readonly cascading?: boolean;
}

export class TimerWheel {
  readonly cascading: boolean;
  /** 9, or 8 for HZ <= 100. */
  readonly levels: number;
  /** Ahead of the position by as much as this or more, a timer is cut off to `reach`. Jiffies. */
  private readonly cutoff: number;
  private readonly reach: number;

  /** The wheel's own position: the first jiffy not yet looked at. It lags while nothing expires; arming moves it up. */
  private clk = 0;
  /** When the first bucket comes due; Infinity for none. Too early rather than too late while `stale`. */
  private next = Number.POSITIVE_INFINITY;
  private stale = false;
  /** Number of pending timers, those due and not yet handed out included. */
  size = 0;

  private readonly bitmap: Int32Array = new Int32Array(MAX_LEVELS * 2);
  private readonly head: Int32Array = new Int32Array(BUCKETS + 1).fill(-1);
  private readonly tail: Int32Array = new Int32Array(BUCKETS + 1).fill(-1);
  // One row per timer: at a million timers each touch is a cache miss, so what is touched together lies together.
  private rows: Int32Array = new Int32Array(64 * 4);
  private expires: Float64Array = new Float64Array(64);
  private used = 0;
  private free = -1;

  constructor(options: TimerWheelOptions) {
    this.cascading = options.cascading === true;
    this.levels = options.hz > 100 ? 9 : 8;
    this.cutoff = 63 * 8 ** (this.levels - 1);
    this.reach = this.cutoff - 8 ** (this.levels - 1);
  }

  /** The row of a timer, 0..2^24-1: the owner's columns are indexed by it. It is given to another timer after this one is gone. */
  indexOf(id: number): number {
    return id & (INDEX_SPAN - 1);
  }

  /** Rows there are, in use or not: what the owner's columns need room for. Grows by doubling. */
  get capacity(): number {
    return this.expires.length;
  }

  /** Is the timer of this id armed, or due and not yet handed out? */
  isPending(id: number): boolean {
    const i = id & (INDEX_SPAN - 1);
    return i < this.used && this.rows[i * 4 + GENERATION] === (id - i) / INDEX_SPAN && this.rows[i * 4 + WHERE] !== -1;
  }

  /** The id under which row `index` is armed, or -1: for views that walk over all rows. */
  idAt(index: number): number {
    if (index < 0 || index >= this.used || this.rows[index * 4 + WHERE] === -1) return -1;
    return this.rows[index * 4 + GENERATION] * INDEX_SPAN + index;
  }

  /** The jiffy a pending timer was armed for (not the one its bucket comes due). */
  expiresAt(index: number): number {
    return this.expires[index];
  }

  /** Arms a timer for jiffy `expires`, at jiffy `now`; a time not in the future expires at the next look. Returns its id. */
  add(expires: number, now: number): number {
    let i = this.free;
    if (i >= 0) this.free = this.rows[i * 4 + NEXT];
    else {
      if (this.used === this.expires.length) this.grow();
      i = this.used++;
    }
    this.expires[i] = expires;
    this.forward(now);
    this.size++;
    this.enqueue(i, this.bucketFor(expires));
    return this.rows[i * 4 + GENERATION] * INDEX_SPAN + i;
  }

  /** mod_timer: moves a pending timer; one that would come into the bucket where it is keeps its place (but not on the old wheel). False if not pending. */
  mod(id: number, expires: number, now: number): boolean {
    if (!this.isPending(id)) return false;
    const i = id & (INDEX_SPAN - 1);
    if (expires === this.expires[i]) return true;
    this.forward(now);
    const where = this.bucketFor(expires);
    this.expires[i] = expires;
    if (where === this.rows[i * 4 + WHERE] && !this.cascading) return true;
    this.unlink(i);
    this.enqueue(i, where);
    return true;
  }

  /** timer_delete: false if it was not pending. A timer that is due and was not handed out yet can still be removed. */
  del(id: number): boolean {
    if (!this.isPending(id)) return false;
    const i = id & (INDEX_SPAN - 1);
    this.unlink(i);
    this.release(i);
    return true;
  }

  /** The jiffy at which `popExpired` will have something, Infinity for none; maybe a jiffy that is past. */
  nextExpiry(): number {
    if (this.head[EXPIRED] >= 0) return this.clk - 1;
    this.refresh();
    return this.cascading ? this.exactNext() : this.next;
  }

  /**
   * Hands out the next timer that is due at jiffy `now` and frees its row; -1 if there is none. Call it until then: what a handler
   * arms meanwhile, even for the past, waits for the next jiffy.
   */
  popExpired(now: number): number {
    let i = this.head[EXPIRED];
    while (i < 0) {
      this.refresh();
      if (this.next > now) return -1;
      this.collect();
      i = this.head[EXPIRED];
    }
    const rows = this.rows;
    const next = rows[i * 4 + NEXT];
    this.head[EXPIRED] = next;
    if (next >= 0) rows[next * 4 + PREV] = ~EXPIRED;
    else this.tail[EXPIRED] = -1;
    this.release(i);
    return i;
  }

  /** Pops all that is due at `now` into `out` (appended, in order); returns how many. For owners whose handlers arm nothing. */
  collectExpired(now: number, out: number[]): number {
    let n = 0;
    for (let i = this.popExpired(now); i >= 0; i = this.popExpired(now), n++) out.push(i);
    return n;
  }

  /** Moves an idle wheel's position up to `now`, not past a bucket that is due: reach and granularity count from there. */
  private forward(now: number): void {
    if (now <= this.clk) return;
    this.refresh();
    if (this.next > now) this.clk = now;
    else if (this.next > this.clk) this.clk = this.next;
  }

  /**
   * The bucket for an expiry, packed: its number along time (28 bits) and its level (4 bits), so that equal values mean the same
   * bucket of the same turn. A cascading bucket comes due at its beginning, to be spread below, others at their end.
   */
  private bucketFor(expires: number): number {
    const clk = this.clk;
    let delta = expires - clk;
    if (delta < 0) return (clk & (GENERATIONS - 1)) << 4;
    let at = expires;
    if (delta >= this.cutoff) {
      delta = this.reach;
      at = clk + delta;
    }
    const shift = this.cascading ? 0 : 1;
    if (delta < 63) return ((at + shift) & (GENERATIONS - 1)) << 4;
    // 63 * 8^(n-1) <= delta < 63 * 8^n; floor(log2) / 3 is floor(log8).
    const level = (((31 - Math.clz32((delta / 63) | 0)) * 11) >> 5) + 1;
    return (((Math.floor(at * PER_JIFFY[level]) + shift) & (GENERATIONS - 1)) << 4) | level;
  }

  /** When the bucket in a packed value comes due, given that it is less than a turn ahead of the position. */
  private dueOf(where: number): number {
    const level = where & 15;
    const first = Math.ceil(this.clk * PER_JIFFY[level]);
    return (first + (((where >> 4) - first) & 63)) * GRANULARITY[level];
  }

  private enqueue(i: number, where: number): void {
    const rows = this.rows;
    const list = ((where & 15) << 6) | ((where >> 4) & 63);
    const row = i * 4;
    const first = this.head[list];
    rows[row + WHERE] = where;
    if (first < 0) {
      rows[row + NEXT] = ~list;
      rows[row + PREV] = ~list;
      this.head[list] = i;
      this.tail[list] = i;
      this.bitmap[list >> 5] |= 1 << (list & 31);
      const due = this.dueOf(where);
      if (due < this.next) this.next = due;
    } else if (this.cascading) {
      const last = this.tail[list];
      rows[row + NEXT] = ~list;
      rows[row + PREV] = last;
      rows[last * 4 + NEXT] = i;
      this.tail[list] = i;
    } else {
      rows[row + NEXT] = first;
      rows[row + PREV] = ~list;
      rows[first * 4 + PREV] = i;
      this.head[list] = i;
    }
  }

  /** Takes a timer out of the list it is in, a bucket or the expired ones. */
  private unlink(i: number): void {
    const rows = this.rows;
    const next = rows[i * 4 + NEXT];
    const prev = rows[i * 4 + PREV];
    if (next >= 0) rows[next * 4 + PREV] = prev;
    else this.tail[~next] = prev < 0 ? -1 : prev;
    if (prev >= 0) rows[prev * 4 + NEXT] = next;
    else {
      this.head[~prev] = next < 0 ? -1 : next;
      if (next < 0 && ~next !== EXPIRED) {
        this.bitmap[~next >> 5] &= ~(1 << (~next & 31));
        this.stale = true;
      }
    }
  }

  private release(i: number): void {
    const rows = this.rows;
    rows[i * 4 + WHERE] = -1;
    rows[i * 4 + GENERATION] = (rows[i * 4 + GENERATION] + 1) & (GENERATIONS - 1);
    rows[i * 4 + NEXT] = this.free;
    this.free = i;
    this.size--;
  }

  /** Finds the first bucket anew after one became empty. */
  private refresh(): void {
    if (!this.stale) return;
    this.stale = false;
    let next = Number.POSITIVE_INFINITY;
    for (let level = 0; level < this.levels; level++) {
      if ((this.bitmap[level * 2] | this.bitmap[level * 2 + 1]) === 0) continue;
      const first = Math.ceil(this.clk * PER_JIFFY[level]);
      const bucket = first + this.firstBucket(level, first & 63);
      const due = bucket * GRANULARITY[level];
      if (due < next) next = due;
      // Buckets of higher levels come due at multiples of eight of these.
      if (bucket <= Math.ceil(first / 8) * 8) break;
    }
    this.next = next;
  }

  /** How many buckets after `from` the first occupied one of a level is, going round; the level is not empty. */
  private firstBucket(level: number, from: number): number {
    const low = this.bitmap[level * 2];
    const high = this.bitmap[level * 2 + 1];
    // Turned so that bucket `from` is bit 0 of the first word.
    const s = from & 31;
    const a = from < 32 ? low : high;
    const b = from < 32 ? high : low;
    const first = s === 0 ? a : (a >>> s) | (b << (32 - s));
    if (first !== 0) return 31 - Math.clz32(first & -first);
    const second = s === 0 ? b : (b >>> s) | (a << (32 - s));
    return 63 - Math.clz32(second & -second);
  }

  /** Moves the buckets that come due at `next` to the expired list, a higher level before a lower. */
  private collect(): void {
    const now = this.next;
    this.clk = now;
    this.stale = true;
    let top = 0;
    for (let bucket = now; top < this.levels - 1 && (bucket & 7) === 0; bucket /= 8) top++;
    if (this.cascading) {
      for (let level = top; level > 0; level--) this.cascade((level << 6) | ((now * PER_JIFFY[level]) & 63));
      this.moveToExpired(now & 63);
    } else {
      for (let level = 0; level <= top; level++) this.moveToExpired((level << 6) | ((now * PER_JIFFY[level]) & 63));
    }
    this.clk = now + 1;
  }

  /** Puts a bucket's list, as it is, before the expired ones. */
  private moveToExpired(list: number): void {
    const first = this.head[list];
    if (first < 0) return;
    const rows = this.rows;
    const last = this.tail[list];
    const old = this.head[EXPIRED];
    rows[first * 4 + PREV] = ~EXPIRED;
    if (old >= 0) {
      rows[last * 4 + NEXT] = old;
      rows[old * 4 + PREV] = last;
    } else {
      rows[last * 4 + NEXT] = ~EXPIRED;
      this.tail[EXPIRED] = last;
    }
    this.head[EXPIRED] = first;
    this.head[list] = -1;
    this.tail[list] = -1;
    this.bitmap[list >> 5] &= ~(1 << (list & 31));
  }

  /**
   * Spreads a bucket of the old wheel over lower levels. Its timers go before those already there: for the same jiffy they were
   * armed earlier, or they would have come into a lower level at once.
   */
  private cascade(list: number): void {
    let i = this.tail[list];
    if (i < 0) return;
    const rows = this.rows;
    this.head[list] = -1;
    this.tail[list] = -1;
    this.bitmap[list >> 5] &= ~(1 << (list & 31));
    while (i >= 0) {
      const prev = rows[i * 4 + PREV];
      const where = this.bucketFor(this.expires[i]);
      const to = ((where & 15) << 6) | ((where >> 4) & 63);
      const old = this.head[to];
      rows[i * 4 + WHERE] = where;
      rows[i * 4 + PREV] = ~to;
      if (old >= 0) {
        rows[i * 4 + NEXT] = old;
        rows[old * 4 + PREV] = i;
      } else {
        rows[i * 4 + NEXT] = ~to;
        this.tail[to] = i;
        this.bitmap[to >> 5] |= 1 << (to & 31);
      }
      this.head[to] = i;
      i = prev;
    }
  }

  /** The first real expiry of the old wheel: the smallest one in the first bucket of some level. */
  private exactNext(): number {
    let next = Number.POSITIVE_INFINITY;
    for (let level = 0; level < this.levels; level++) {
      if ((this.bitmap[level * 2] | this.bitmap[level * 2 + 1]) === 0) continue;
      const first = Math.ceil(this.clk * PER_JIFFY[level]);
      const bucket = first + this.firstBucket(level, first & 63);
      if (bucket * GRANULARITY[level] >= next) continue;
      if (level === 0) next = bucket;
      else {
        for (let i = this.head[(level << 6) | (bucket & 63)]; i >= 0; i = this.rows[i * 4 + NEXT]) {
          if (this.expires[i] < next) next = this.expires[i];
        }
      }
    }
    return next;
  }

  private grow(): void {
    const size = this.expires.length * 2;
    if (size > INDEX_SPAN) throw new RangeError(`timerWheel: more than ${INDEX_SPAN} timers`);
    const rows = new Int32Array(size * 4);
    rows.set(this.rows);
    this.rows = rows;
    const expires = new Float64Array(size);
    expires.set(this.expires);
    this.expires = expires;
  }
}

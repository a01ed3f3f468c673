/**
 * The queue of everything that will happen: a binary heap on (time, key) over columns.
 *
 * Use: `define` a handler once under a name; `at(time, cls, handler, arg)` returns a handle; `cancel(handle)` is O(1)
 * (the entry is dropped when it reaches the top). Events of one instant are ordered by class, then by the order number
 * if one is given (CPUs act in CPU order), then by arming. Nothing else breaks a tie.
 *
 * Handlers are named so that a snapshot can hold entries as data. Every event has an id, and remembers the id of the
 * event during which it was scheduled (its cause).
 */

/** Classes of events at one instant, first to last. */
export const EV_HARDWARE = 0;
export const EV_HRTIMER = 1;
export const EV_TICK = 2;
export const EV_WHEEL = 3;
export const EV_WORK = 4;
export const EV_TASK = 5;
export const EV_OBSERVER = 6;

const CLASS_SPAN = 2 ** 49;
/** Entries with an explicit order number sort before those ordered by arming, so order numbers stay below this. */
const SEQ_BASE = 2 ** 20;

export type EventHandler = (arg: unknown) => void;

export class EventQueue {
  static readonly transient: readonly string[] = ["fns", "names", "ids"];

  private readonly fns: EventHandler[] = [];
  private readonly names: string[] = [];
  private readonly ids: Map<string, number> = new Map();

  private cap = 64;
  private time = new Float64Array(64);
  private key = new Float64Array(64);
  private handler = new Int32Array(64);
  private gen = new Int32Array(64);
  private eventId = new Float64Array(64);
  private causeId = new Float64Array(64);
  private args: unknown[] = [];
  private freeSlots: number[] = [];
  private used = 0;
  private heap = new Int32Array(64);
  private n = 0;
  private live = 0;
  private seq = SEQ_BASE;
  private lastId = 0;

  /** Id of the event that is being handled (0: none), and of the event that caused it. */
  currentId = 0;
  currentCause = 0;

  /** Give `name` its behaviour; returns the number to schedule with. Redefining a name is a TypeError. */
  define(name: string, fn: EventHandler): number {
    if (this.ids.has(name)) throw new TypeError(`event handler '${name}' is defined twice`);
    const id = this.fns.length;
    this.fns.push(fn);
    this.names.push(name);
    this.ids.set(name, id);
    return id;
  }

  handlerName(id: number): string {
    return this.names[id];
  }

  /** Number of live entries. */
  get size(): number {
    return this.live;
  }

  /** Schedule handler `h` at `time` (ns). `order` < 2^20 sorts within the class before all entries without one. */
  at(time: number, cls: number, h: number, arg: unknown, order = -1): number {
    let s: number;
    if (this.freeSlots.length > 0) s = this.freeSlots.pop() as number;
    else {
      if (this.used === this.cap) this.grow();
      s = this.used++;
    }
    this.time[s] = time;
    this.key[s] = cls * CLASS_SPAN + (order >= 0 ? order : this.seq++);
    this.handler[s] = h;
    this.args[s] = arg;
    this.eventId[s] = ++this.lastId;
    this.causeId[s] = this.currentId;
    this.live++;
    this.push(s);
    return s + (this.gen[s] & 0x1fffff) * 0x100000000;
  }

  /** Drop a scheduled event; false if it has happened or was cancelled before. Handle -1 is never valid. */
  cancel(handle: number): boolean {
    if (handle < 0) return false;
    // not by %: a remainder of doubles is a call into the C library
    const g = Math.floor(handle * 2 ** -32);
    const s = handle - g * 0x100000000;
    if ((this.gen[s] & 0x1fffff) !== g || this.handler[s] < 0) return false;
    this.handler[s] = -1;
    this.args[s] = undefined;
    this.live--;
    this.gen[s] = this.gen[s] + 1;
    if (this.n > 2 * this.live + 64) this.compact();
    return true;
  }

  /** Time of the first event (Infinity: none). */
  peek(): number {
    while (this.n > 0) {
      const s = this.heap[0];
      if (this.handler[s] >= 0) return this.time[s];
      this.removeTop();
      this.freeSlots.push(s);
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Class of the first event; call after `peek()` said there is one. */
  peekClass(): number {
    return Math.floor(this.key[this.heap[0]] / CLASS_SPAN);
  }

  /** Handler number of the first event; call after `peek()` said there is one. */
  peekHandler(): number {
    return this.handler[this.heap[0]];
  }

  /** Take the first event off and run its handler. Call after `peek()` said there is one. */
  runFirst(): void {
    const s = this.heap[0];
    this.removeTop();
    const h = this.handler[s];
    const arg = this.args[s];
    this.currentId = this.eventId[s];
    this.currentCause = this.causeId[s];
    this.handler[s] = -1;
    this.args[s] = undefined;
    this.gen[s] = this.gen[s] + 1;
    this.live--;
    this.freeSlots.push(s);
    this.fns[h](arg);
    this.currentId = 0;
  }

  /** Every live entry in no particular order: for views and for the message of a kernel that waits for ever. */
  entries(): { time: number; name: string; arg: unknown; id: number; cause: number }[] {
    const out: { time: number; name: string; arg: unknown; id: number; cause: number }[] = [];
    for (let i = 0; i < this.n; i++) {
      const s = this.heap[i];
      const h = this.handler[s];
      if (h < 0) continue;
      out.push({
        time: this.time[s],
        name: this.names[h],
        arg: this.args[s],
        id: this.eventId[s],
        cause: this.causeId[s],
      });
    }
    return out;
  }

  /** Drop cancelled entries and build the heap anew (cancelled far-off timeouts must not pile up). */
  private compact(): void {
    const keep: number[] = [];
    for (let i = 0; i < this.n; i++) {
      const s = this.heap[i];
      if (this.handler[s] >= 0) keep.push(s);
      else this.freeSlots.push(s);
    }
    this.n = 0;
    for (const s of keep) this.push(s);
  }

  private grow(): void {
    const cap = this.cap * 2;
    const f = (a: Float64Array): Float64Array<ArrayBuffer> => {
      const b = new Float64Array(cap);
      b.set(a);
      return b;
    };
    const i = (a: Int32Array): Int32Array<ArrayBuffer> => {
      const b = new Int32Array(cap);
      b.set(a);
      return b;
    };
    this.time = f(this.time);
    this.key = f(this.key);
    this.eventId = f(this.eventId);
    this.causeId = f(this.causeId);
    this.handler = i(this.handler);
    this.gen = i(this.gen);
    this.heap = i(this.heap);
    this.cap = cap;
  }

  private push(s: number): void {
    const { heap, time, key } = this;
    const t = time[s];
    const k = key[s];
    let i = this.n++;
    while (i > 0) {
      const p = (i - 1) >> 1;
      const ps = heap[p];
      const pt = time[ps];
      if (pt < t || (pt === t && key[ps] <= k)) break;
      heap[i] = ps;
      i = p;
    }
    heap[i] = s;
  }

  private removeTop(): void {
    const { heap, time, key } = this;
    const n = --this.n;
    if (n === 0) return;
    const s = heap[n];
    const t = time[s];
    const k = key[s];
    let i = 0;
    for (;;) {
      let c = 2 * i + 1;
      if (c >= n) break;
      let cs = heap[c];
      let ct = time[cs];
      if (c + 1 < n) {
        const rs = heap[c + 1];
        const rt = time[rs];
        if (rt < ct || (rt === ct && key[rs] < key[cs])) {
          c++;
          cs = rs;
          ct = rt;
        }
      }
      if (t < ct || (t === ct && k <= key[cs])) break;
      heap[i] = cs;
      i = c;
    }
    heap[i] = s;
  }
}

/**
 * Intrusive lists of page frames: `next` and `prev` are columns over all frames, a list is its two ends. Frame 0 is no page, so it
 * ends a list. Moving a page touches its neighbours alone and allocates nothing.
 */

export interface LruEnds {
  /** First (newest) and last (oldest) frame of each list. */
  readonly head: Int32Array;
  readonly tail: Int32Array;
}

/** Put a page at the head of a list. */
export function listAdd(next: Int32Array, prev: Int32Array, e: LruEnds, lru: number, pfn: number): void {
  const h = e.head[lru];
  next[pfn] = h;
  prev[pfn] = 0;
  if (h !== 0) prev[h] = pfn;
  else e.tail[lru] = pfn;
  e.head[lru] = pfn;
}

/** Put n pages at the head of a list, one after the other: the last is the newest. */
export function listAddRun(
  next: Int32Array,
  prev: Int32Array,
  e: LruEnds,
  lru: number,
  pfns: Int32Array,
  n: number,
): void {
  let h = e.head[lru];
  for (let i = 0; i < n; i++) {
    const pfn = pfns[i];
    next[pfn] = h;
    if (h !== 0) prev[h] = pfn;
    else e.tail[lru] = pfn;
    h = pfn;
  }
  prev[h] = 0;
  e.head[lru] = h;
}

/** Take a page off its list. */
export function listDel(next: Int32Array, prev: Int32Array, e: LruEnds, lru: number, pfn: number): void {
  const n = next[pfn];
  const p = prev[pfn];
  if (p !== 0) next[p] = n;
  else e.head[lru] = n;
  if (n !== 0) prev[n] = p;
  else e.tail[lru] = p;
}

/** A page of the list becomes its newest. */
export function listRotate(next: Int32Array, prev: Int32Array, e: LruEnds, lru: number, pfn: number): void {
  if (e.head[lru] === pfn) return;
  listDel(next, prev, e, lru, pfn);
  listAdd(next, prev, e, lru, pfn);
}

/** Everything behind `at` (a page of the list) moves to its head, in the order it has. */
export function listRotateTo(next: Int32Array, prev: Int32Array, e: LruEnds, lru: number, at: number): void {
  const first = next[at];
  if (first === 0) return;
  const last = e.tail[lru];
  const head = e.head[lru];
  next[at] = 0;
  e.tail[lru] = at;
  prev[first] = 0;
  next[last] = head;
  prev[head] = last;
  e.head[lru] = first;
}

/**
 * Moving a running machine to another host: precopy (copy, copy again what was written meanwhile, stop when little is left) against
 * postcopy (stop at once, fetch what is touched, push the rest; what userfaultfd(2) was made for). A model in its own time: a link that
 * sends one page after the other, and a guest that touches pages at a rate. Nothing of it runs in the kernel of the package.
 */
import { Rng } from "@kernelkit/core";

export interface LiveMigrationOptions {
  readonly pages: number;
  /** Bytes. */
  readonly pageSize: number;
  /** MB (10^6 bytes) per second, and ms there and back. */
  readonly linkMBps: number;
  readonly roundTripMs: number;
  /** Time to move registers and devices, ms. */
  readonly stateMs: number;
  /** Pages the guest touches per second, and the part of those touches that are writes. */
  readonly touchesPerSecond: number;
  readonly writeShare: number;
  /** Part of the pages that get nine touches of ten. */
  readonly hotShare: number;
  readonly seed: number;
  /** precopy: how long the stop may take, ms; rounds at most. */
  readonly downtimeMs: number;
  readonly maxRounds: number;
}

export interface LiveMigrationResult {
  /** Until the last page is there, s. */
  readonly totalSeconds: number;
  /** The guest does not run, ms. */
  readonly downtimeMs: number;
  readonly bytes: number;
  /** postcopy: the guest waits for pages, ms; and for how many. */
  readonly stallMs: number;
  readonly stalls: number;
  /** precopy: copies made of all or the dirty rest; did the rest become small enough? */
  readonly rounds: number;
  readonly converged: boolean;
}

const HOT_TOUCHES = 0.9;

/** The pages a guest touches, one after the other. */
class Guest {
  private readonly rng: Rng;
  private readonly hot: number;

  constructor(private readonly o: LiveMigrationOptions) {
    this.rng = new Rng(o.seed);
    this.hot = Math.max(1, Math.floor(o.pages * o.hotShare));
  }
  next(): number {
    const hot = this.rng.float() < HOT_TOUCHES;
    return hot ? this.rng.below(this.hot) : this.rng.below(this.o.pages);
  }
}

/** RangeError naming what is not a number in its range. */
function check(o: LiveMigrationOptions): void {
  for (const [name, min, max] of [
    ["pages", 1, 1e8],
    ["pageSize", 1, 2 ** 30],
    ["linkMBps", 0.001, 1e6],
    ["roundTripMs", 0, 1e5],
    ["stateMs", 0, 1e6],
    ["touchesPerSecond", 0, 1e9],
    ["writeShare", 0, 1],
    ["hotShare", 0, 1],
    ["downtimeMs", 0, 1e6],
    ["maxRounds", 1, 1000],
  ] as const)
    if (!(o[name] >= min && o[name] <= max))
      throw new RangeError(`live migration: ${name} must be ${min}..${max}, not ${String(o[name])}`);
}

export function precopy(o: LiveMigrationOptions): LiveMigrationResult {
  check(o);
  const guest = new Guest(o);
  const pageS = o.pageSize / (o.linkMBps * 1e6);
  const fits = Math.floor(o.downtimeMs / 1e3 / pageS);
  const writes = o.touchesPerSecond * o.writeShare;
  const dirty = new Uint8Array(o.pages);
  let rest = o.pages;
  let seconds = 0;
  let sent = 0;
  let rounds = 0;
  while (rest > fits && rounds < o.maxRounds) {
    rounds++;
    const t = rest * pageS;
    seconds += t;
    sent += rest;
    dirty.fill(0);
    rest = 0;
    // more writes than pages many times over dirty all there is to dirty
    const n = Math.min(Math.floor(t * writes), o.pages * 20);
    for (let i = 0; i < n; i++) {
      const p = guest.next();
      if (dirty[p] === 0) {
        dirty[p] = 1;
        rest++;
      }
    }
  }
  const converged = rest <= fits;
  const downtimeMs = rest * pageS * 1e3 + o.stateMs;
  return {
    totalSeconds: seconds + downtimeMs / 1e3,
    downtimeMs,
    bytes: (sent + rest) * o.pageSize,
    stallMs: 0,
    stalls: 0,
    rounds,
    converged,
  };
}

export function postcopy(o: LiveMigrationOptions): LiveMigrationResult {
  check(o);
  const guest = new Guest(o);
  const pageS = o.pageSize / (o.linkMBps * 1e6);
  const gap = o.touchesPerSecond === 0 ? Number.POSITIVE_INFINITY : 1 / o.touchesPerSecond;
  const there = new Uint8Array(o.pages);
  let left = o.pages;
  /** Next page of the push; when the link is free; the guest's time; what it has waited. */
  let push = 0;
  let link = 0;
  let now = 0;
  let stall = 0;
  let stalls = 0;
  const pushUntil = (t: number): void => {
    while (left > 0 && link + pageS <= t) {
      while (push < o.pages && there[push] === 1) push++;
      if (push === o.pages) return;
      there[push] = 1;
      left--;
      link += pageS;
    }
  };
  while (left > 0) {
    if (gap === Number.POSITIVE_INFINITY) {
      pushUntil(Number.POSITIVE_INFINITY);
      break;
    }
    now += gap;
    pushUntil(now);
    const p = guest.next();
    if (left === 0 || there[p] === 1) continue;
    // the request travels, the page goes before the push
    const begin = Math.max(link, now + o.roundTripMs / 2e3);
    there[p] = 1;
    left--;
    stalls++;
    pushUntil(begin);
    link = Math.max(link, begin) + pageS;
    const arrives = link + o.roundTripMs / 2e3;
    stall += arrives - now;
    now = arrives;
  }
  return {
    totalSeconds: o.stateMs / 1e3 + Math.max(link, now),
    downtimeMs: o.stateMs,
    bytes: o.pages * o.pageSize,
    stallMs: stall * 1e3,
    stalls,
    rounds: 1,
    converged: true,
  };
}
